#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: the other ends of xdgtidy-keys, a daemon to say things and a program that reads keyboards. I/O.
"""usage: keys.py talk SOCKET|direct FOLDER   a daemon: sends FOLDER/keymap, then each line of FOLDER/say (a FIFO);
                                          what it hears are lines of FOLDER/heard
       keys.py listen FOLDER              a program: each key it sees on any device is a line of FOLDER/seen
       keys.py down                       the keys that are down now, on any device
       keys.py devices                    all devices: clone or device, name

A line of say: suspend, resume, status, lock ON POLICY, sleep ON, load FLAGS MS, confirm ID, bye. load sends FOLDER/keymap.
"""
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys

HELPER = "/usr/local/libexec/xdgtidy-keys"
INPUT = "/dev/input"
EVENT = struct.Struct("llHHi")
KINDS = ["", "hello", "keymap", "commit", "confirm", "revert", "suspend", "resume", "lock", "sleep", "status", "welcome",
         "accepted", "diagnostic", "rejected", "reverted", "device", "layer", "command", "state", "fault", "counts"]
STATES = ["keymap", "trial", "locked", "ungrabbed", "inactive", "panic", "suspended", "asleep", "lock-ungrabs",
          "no-uinput", "no-landlock"]
DEVICE_EVENTS = ["ignored", "waiting", "grabbed", "closed", "removed"]


class Talk:
    def __init__(self, how, folder):
        self.folder = folder
        self.last_id = 0
        self.heard = open(f"{folder}/heard", "a", encoding="utf-8", buffering=1)
        if how == "direct":
            self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.helper = subprocess.Popen([HELPER, "--direct"], stdin=theirs)
            theirs.close()
        else:
            self.link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.link.connect(how)

    def send(self, kind, *numbers, data=b""):
        try:
            self.link.send(struct.pack(f"<{1 + len(numbers)}I", KINDS.index(kind), *numbers) + data)
        except OSError as error:
            self.heard.write(f"lost: {error.strerror}\n")

    def load(self, flags=0, timeout=0):
        with open(f"{self.folder}/keymap", "rb") as file:
            text = file.read()
        self.last_id += 1
        self.send("keymap", self.last_id, 0, data=text)
        self.send("commit", self.last_id, len(text), flags, timeout)

    def obey(self, line):
        word, *numbers = line.split()
        if word == "bye":
            sys.exit(0)
        if word == "load":
            self.load(*map(int, numbers))
        else:
            self.send(word, *map(int, numbers))

    def describe(self, message):
        kind = KINDS[struct.unpack_from("<I", message)[0]]
        rest = message[4:]
        if kind == "state":
            flags = struct.unpack("<I", rest)[0]
            return " ".join(["state"] + [name for i, name in enumerate(STATES) if flags >> i & 1])
        if kind == "device":
            event, vendor, product = struct.unpack_from("<III", rest)
            texts, at = [], 20      # after event, vendor, product, hash, kind
            while at < len(rest):
                size = struct.unpack_from("<H", rest, at)[0]
                texts.append(rest[at + 2:at + 2 + size].decode())
                at += 2 + size + 1
            return f"device {DEVICE_EVENTS[event]} {vendor:04x}:{product:04x} {' | '.join(texts)}"
        if kind == "counts":
            events, frames, overruns, lost = struct.unpack_from("<QQQQ", rest, 4)
            return f"counts events {events} frames {frames} overruns {overruns} lost {lost}"
        return " ".join([kind] + [repr(rest)])

    def run(self):
        self.send("hello", 1)
        self.load()
        say = os.open(f"{self.folder}/say", os.O_RDWR)     # for writing too, so that it does not end with a writer
        while True:
            for ready in select.select([self.link, say], [], [])[0]:
                if ready is say:
                    for line in os.read(say, 4096).decode().splitlines():
                        self.obey(line)
                    continue
                try:
                    message = self.link.recv(65536)
                except ConnectionResetError:
                    message = b""
                if not message:
                    self.heard.write("end\n")
                    return
                self.heard.write(self.describe(message) + "\n")


class Device:
    def __init__(self, node):
        self.node = node
        self.fd = os.open(f"{INPUT}/{node}", os.O_RDONLY | os.O_NONBLOCK)
        self.name = self.ask(0x06)
        self.label = "clone" if self.ask(0x07).startswith("xdgtidy-keys/") else "device"

    def ask(self, number):
        answer = bytearray(256)
        try:
            fcntl.ioctl(self.fd, 2 << 30 | 256 << 16 | ord("E") << 8 | number, answer)
        except OSError:
            return ""
        return answer.rstrip(b"\0").decode(errors="replace")

    def down(self):
        bits = bytearray(96)
        fcntl.ioctl(self.fd, 2 << 30 | 96 << 16 | ord("E") << 8 | 0x18, bits)
        return [code for code in range(768) if bits[code // 8] >> code % 8 & 1]


def all_devices():
    found = []
    for node in sorted(os.listdir(INPUT)):
        if node.startswith("event"):
            try:
                found.append(Device(node))
            except OSError:
                pass
    return found


def listen(folder):
    with open(f"{folder}/seen", "a", encoding="utf-8", buffering=1) as seen:
        devices = {}
        while True:
            for node in set(os.listdir(INPUT)) - {device.node for device in devices.values()}:
                if node.startswith("event"):
                    try:
                        device = Device(node)
                        devices[device.fd] = device
                        seen.write(f"opened {device.label} {device.name}\n")
                    except OSError:
                        pass
            for fd in select.select(list(devices), [], [], 0.1)[0]:
                try:
                    data = os.read(fd, EVENT.size * 64)
                except OSError:
                    os.close(fd)
                    del devices[fd]
                    continue
                for _, _, kind, code, value in EVENT.iter_unpack(data):
                    if kind == 1:
                        seen.write(f"{devices[fd].label} {code} {value}\n")


def main(command, *args):
    if command == "talk":
        Talk(*args).run()
    elif command == "listen":
        listen(*args)
    elif command == "down":
        for device in all_devices():
            for code in device.down():
                print(device.label, code, device.name)
    elif command == "devices":
        for device in all_devices():
            print(device.label, device.name)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
