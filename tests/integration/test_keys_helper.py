#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real xdgtidyd with the real xdgtidy-keys.
# I/O: scratch homes, child processes, sockets.
"""usage: test_keys_helper.py XDGTIDYD XDGTIDY XDGTIDY-KEYS PIPE-KEYS [TEST...]"""
import os
import socket
import struct
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
import taprunner
from keystest import CONF, PIPE_KEYS, PLAIN, XDGTIDY_KEYS, KeysTest


class RealHelper(KeysTest):
    """xdgtidy-keys itself, in a mount namespace without devices and sessions."""
    EVENT = struct.Struct("qqHHi")  # struct input_event
    EV_SYN, EV_KEY, KEY_CAPSLOCK, KEY_Z = 0, 1, 58, 44

    def script(self, command):
        self.session.write("helper", f"#!/bin/sh\n{command}\n")
        os.chmod(self.session.path("helper"), 0o700)
        return self.session.path("helper")

    def program(self):
        namespace = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])
        if subprocess.run([*namespace, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("no mount namespaces here")
        return self.script(f"exec {' '.join(namespace)} sh -c 'mount -t tmpfs none /dev && mkdir /dev/input && "
                           f"mount -t tmpfs none /run && exec {XDGTIDY_KEYS} \"$@\"' sh \"$@\"")

    def allow_devices(self):
        for name in ("dev/input/event0", "dev/uinput"):
            self.session.write(name, "")

    def start_direct(self, program, conf=PLAIN):
        self.allow_devices()
        self.start("--keys-helper=" + program, conf=conf)

    def test_takes_a_keymap(self):
        self.start_direct(self.program())
        report = self.wait_state("running")
        self.assertEqual((report["how"], report["keymap"]["layers"] > 0), ("direct", True))
        self.assertIn("counts", report)
        self.session.write(CONF, PLAIN + "tab = q\n")
        self.session.call("KeysReload")
        self.session.call("KeysSuspend")
        self.assertIn("suspended", self.status()["flags"])
        self.session.call("KeysResume")
        self.assertNotIn("suspended", self.status()["flags"])

    def test_trial(self):
        self.session.write("trial.conf", PLAIN + "tab = q\n")
        self.start_direct(self.program())
        self.wait_state("running")
        self.assertTrue(self.session.call("KeysTry", "(ayu)", os.fsencode(self.session.path("trial.conf")), 1)
                        ["keymap"]["trial"])
        self.session.wait(lambda: not self.status()["keymap"]["trial"], "the end of the trial")

    def test_large_keymap(self):
        names = [chr(c) for c in range(ord("a"), ord("z") + 1)]
        layers = "".join(f"[layer{i}]\n" + "".join(f"{n} = macro(h e l l o)\n" for n in names) for i in range(300))
        self.start_direct(self.program(), conf=PLAIN + layers)
        self.assertGreater(self.wait_state("running")["keymap"]["layers"], 300)

    def test_killed_and_replaced(self):
        self.start_direct(self.program())
        self.wait_state("running")
        children = self.children()
        os.kill(children[0], 9)
        self.session.wait(lambda: self.children() and self.children() != children, "the next helper")
        self.wait_state("running")
        self.session.stop_daemon()
        self.assertFalse(any(os.path.exists(f"/proc/{pid}") for pid in children))

    def children(self):
        pid = self.session.daemon.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return [int(child) for child in children.read().split()]

    def test_service_refuses_who_has_no_session(self):
        program = self.program()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.addCleanup(listener.close)
        listener.bind(self.socket)
        listener.listen()

        def serve():
            """What systemd does for Accept=yes."""
            connection, _ = listener.accept()
            with connection:
                subprocess.run([program], stdin=connection.fileno(), env=self.session.env,
                               stderr=subprocess.DEVNULL, check=False)

        threading.Thread(target=serve, daemon=True).start()
        self.start_logind(active=False)
        self.start()
        # The helper waits for a session for a while, because it may be just beginning.
        self.assertIn("no session", self.wait_state("waiting")["text"])

    def test_from_key_to_key(self):
        """A pressed key through the whole chain, with FIFOs for the devices."""
        folder = self.session.path("keyboards")
        os.mkdir(folder)
        os.mkfifo(folder + "/event0")
        os.mkfifo(folder + "/clone")
        keyboard = os.open(folder + "/event0", os.O_RDWR)
        clone = os.open(folder + "/clone", os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, keyboard)
        self.addCleanup(os.close, clone)
        self.start_direct(self.script(f"exec {PIPE_KEYS} {folder}"))
        report = self.session.wait(lambda: (lambda r: r if r.get("counts", {}).get("remapped") else None)(self.status()),
                                   "the keyboard")
        self.assertEqual([(d["node"], d["name"], d["state"]) for d in report["devices"]],
                         [("event0", "Pipe event0", "remapped")])
        for value in (1, 0):
            os.write(keyboard, self.EVENT.pack(0, 0, self.EV_KEY, self.KEY_CAPSLOCK, value)
                     + self.EVENT.pack(0, 0, self.EV_SYN, 0, 0))
        seen = []

        def read_clone():
            try:
                data = os.read(clone, 4096)
            except BlockingIOError:
                return None
            seen.extend(one[2:] for one in self.EVENT.iter_unpack(data) if one[2] == self.EV_KEY)
            return len(seen) == 2

        self.session.wait(read_clone, "the remapped key")
        self.assertEqual(seen, [(self.EV_KEY, self.KEY_Z, 1), (self.EV_KEY, self.KEY_Z, 0)])
        self.assertEqual(self.status()["counts"]["events"], 2)


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[5:])
