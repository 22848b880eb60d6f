# SPDX-License-Identifier: GPL-3.0-or-later
# A key helper for tests: the messages of keys/link/link.h, spoken over a socket by a thread.
# I/O: a listening socket, a thread.
"""
    helper = FakeHelper(session.path("run/keys.sock"))
    session.start_daemon("--keys-socket=" + helper.path)
    session.wait(lambda: helper.keymap, "a keymap")
    helper.say("layer", is_on=1, name="nav")

It answers as the real one does; what the daemon said is in .heard, one tuple (connection, kind, fields) a message.
"""
import contextlib
import os
import socket
import struct
import threading

KINDS = ["hello", "keymap", "commit", "confirm", "revert", "suspend", "resume", "lock", "sleep", "status", "welcome",
         "accepted", "diagnostic", "rejected", "reverted", "device", "layer", "command", "state", "fault", "counts"]
# name: the fields in their order; "t:" is a text, "q:" 8 bytes, "*" the rest
FIELDS = {
    "hello": ["version"], "keymap": ["id", "offset", "*data"], "commit": ["id", "length", "flags", "timeout_ms"],
    "confirm": ["id"], "revert": ["id"], "lock": ["is_on", "policy"], "sleep": ["is_on"],
    "welcome": ["version", "how", "t:text"], "accepted": ["id", "flags", "count"],
    "diagnostic": ["id", "severity", "line", "column", "t:text"], "rejected": ["id", "count"],
    "reverted": ["id", "index"],
    "device": ["event", "vendor", "product", "hash", "device_kind", "t:node", "t:name", "t:text"],
    "layer": ["is_on", "t:name"], "command": ["id", "index"], "state": ["flags"], "fault": ["code", "t:text"],
    "counts": ["id", "q:events", "q:frames", "q:overruns", "q:lost", "devices", "grabbed"],
}
HAS_KEYMAP, IS_TRIAL, IS_LOCKED, UNGRABBED, INACTIVE, PANIC, SUSPENDED, ASLEEP = (1 << n for n in range(8))
IGNORED, WAITING, GRABBED, CLOSED, REMOVED = range(5)
REFUSED = 2


def encode(kind, **values):
    message = struct.pack("<I", KINDS.index(kind) + 1)
    for field in FIELDS.get(kind, []):
        if field.startswith("t:"):
            text = values.get(field[2:], "").encode()
            message += struct.pack("<H", len(text)) + text + b"\0"
        else:
            name = field.removeprefix("q:")
            message += struct.pack("<Q" if name != field else "<I", values.get(name, 0))
    return message


def decode(message):
    kind, values, at = KINDS[struct.unpack_from("<I", message)[0] - 1], {}, 4
    for field in FIELDS.get(kind, []):
        if field.startswith("*"):
            values[field[1:]] = message[at:]
        else:
            values[field] = struct.unpack_from("<I", message, at)[0]
            at += 4
    return kind, values


class FakeHelper(threading.Thread):
    def __init__(self, path, refuses=False, dies=False, start=True):
        super().__init__(daemon=True)
        self.path, self.refuses, self.dies = path, refuses, dies
        self.heard, self.keymap, self.id, self.flags = [], None, 0, 0
        self.text, self.before = b"", (None, 0)
        self.devices = [{"event": GRABBED, "vendor": 0x46D, "product": 0xC31C, "hash": 0x1234, "device_kind": 1,
                         "node": "event3", "name": "A keyboard"},
                        {"event": IGNORED, "vendor": 1, "product": 2, "device_kind": 2, "node": "event10",
                         "name": "A touchpad", "text": "not a keyboard"}]
        self.layers, self.connections, self.open = [], 0, None
        self.listener = None
        if start:
            self.begin()

    def begin(self):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            self.open, _ = self.listener.accept()
            self.connections += 1
            self.keymap, self.id, self.flags, self.before = None, 0, 0, (None, 0)
            try:
                self.serve()
            except OSError:
                pass
            self.open.close()
            self.open = None

    def serve(self):
        while True:
            message = self.open.recv(65536)
            if not message:
                return
            kind, values = decode(message)
            self.heard.append((self.connections, kind, values))
            if self.refuses:
                self.say("fault", code=REFUSED, text="no session on a seat")
                return
            if self.dies and kind == "commit":
                return
            self.answer(kind, values)

    def answer(self, kind, values):
        if kind == "hello":
            self.say("welcome", version=1, how=0, text="seat0")
            self.say("state", flags=0)
        elif kind == "keymap":
            self.text = (self.text if values["offset"] else b"") + values["data"]
        elif kind == "commit":
            self.on_commit(values)
        elif kind == "confirm":
            self.set_state(IS_TRIAL, False)
        elif kind == "revert":
            self.revert()
        elif kind == "lock":
            self.set_state(IS_LOCKED, values["is_on"])
        elif kind == "sleep":
            self.set_state(ASLEEP, values["is_on"])
        elif kind == "suspend":
            self.set_state(SUSPENDED, True)
        elif kind == "resume":
            self.set_state(SUSPENDED | PANIC, False)
        elif kind == "status":
            self.on_status()

    def on_commit(self, values):
        assert values["length"] == len(self.text)
        self.before = (self.keymap, self.id)
        self.keymap, self.id = self.text.decode(), values["id"]
        self.say("accepted", id=self.id, flags=values["flags"])
        self.set_state(HAS_KEYMAP | (IS_TRIAL if values["flags"] else 0), True)
        for device in self.devices:
            self.say("device", **device)

    def on_status(self):
        self.say("state", flags=self.flags)
        for device in self.devices:
            self.say("device", **device)
        for name in self.layers:
            self.say("layer", is_on=1, name=name)
        self.say("counts", id=self.id, events=1234, frames=77, lost=1, devices=len(self.devices), grabbed=1)

    def revert(self):
        """What the end of a trial does."""
        gone = self.id
        self.keymap, self.id = self.before
        self.flags = self.flags & ~IS_TRIAL if self.id else 0
        self.say("reverted", id=self.id, index=gone)
        self.say("state", flags=self.flags)

    def set_state(self, flag, is_on):
        self.flags = self.flags | flag if is_on else self.flags & ~flag
        self.say("state", flags=self.flags)

    # ---- for the test's thread ----

    def say(self, kind, **values):
        """To a daemon that may be gone by now."""
        connection = self.open
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.send(encode(kind, **values))

    def die(self):
        self.open.shutdown(socket.SHUT_RDWR)

    def all_of(self, kind):
        return [values for _, name, values in list(self.heard) if name == kind]

    def is_open(self):
        return self.open is not None

    def stop_listening(self):
        os.unlink(self.path)
