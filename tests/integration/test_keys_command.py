#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# xdgtidy keys status, try, monitor, test and the others that speak with the daemon, also on a terminal.
# I/O: scratch homes, child processes, sockets, pseudo-terminals.
"""usage: test_keys_command.py XDGTIDYD XDGTIDY XDGTIDY-KEYS PIPE-KEYS [TEST...]"""
import fcntl
import json
import os
import pty
import subprocess
import sys
import termios

sys.dont_write_bytecode = True
import fakehelper
import taprunner
from keystest import CONF, PLAIN, XDGTIDY, KeysTest


class CommandLine(KeysTest):
    def run_cli(self, *args, code=0):
        """Its output, both streams; the main loop runs meanwhile, so that the helper's thread is not alone."""
        child = self.session.spawn([XDGTIDY, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        text = child.communicate(timeout=60)[0].decode()
        self.assertEqual(child.returncode, code, text)
        return text

    def run_terminal(self, *args):
        """Starts it on a terminal of its own; answers the process and the terminal's other end."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        child = self.session.spawn([XDGTIDY, *args], stdin=theirs, stdout=theirs, stderr=theirs,
                                   start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        os.set_blocking(ours, False)
        self.seen = ""
        return child, ours

    def wait_seen(self, terminal, text):
        def look():
            try:
                self.seen += os.read(terminal, 4096).decode()
            except OSError:  # nothing yet, or the other end is closed
                pass
            return text in self.seen
        self.session.wait(look, f"{text!r} on the terminal")

    def test_status(self):
        helper = self.start_running()
        helper.layers = ["nav"]
        self.wait_state("running")
        self.assertEqual(self.run_cli("keys", "status").splitlines(), [
            "Keys are remapped",
            "  helper     the system's service, seat0",
            "  keymap     ~/.config/xdgtidy/keyremap.conf, 6 layers, 0 commands",
            "  layers on  nav",
            "  on lock    safe",
            "  counts     1234 key events, 77 writes, 0 times events were lost by the kernel",
            "Devices",
            "  event3  046d:c31c:00001234  A keyboard  remapped",
            "  1 device is left alone; see: xdgtidy keys devices"])
        self.assertEqual(self.run_cli("keys", "devices").splitlines(), [
            "event3   046d:c31c:00001234  A keyboard  remapped",
            "event10  0001:0002:00000000  A touchpad  ignored: not a keyboard"])
        self.assertEqual(json.loads(self.run_cli("keys", "status", "--json"))["layers"], ["nav"])
        self.assertIn("Keys: 1 device remapped\n", self.run_cli("status"))

    def test_status_without_access(self):
        self.start()
        self.wait_state("no-access")
        text = self.run_cli("keys", "status")
        self.assertIn("No key is remapped: the system service xdgtidy-keys.socket does not run, and you may not", text)
        self.assertIn("systemctl enable --now xdgtidy-keys.socket", text)
        self.assertIn("Keys: no-access: the system service", self.run_cli("status"))
        self.assertIn("systemctl enable --now", self.run_cli("keys", "reload", code=4))

    def test_status_of_a_wrong_file(self):
        self.start(conf="[main]\ncapslok = z\n")
        self.wait_state("broken")
        text = self.run_cli("keys", "status")
        self.assertIn("No key is remapped: keyremap.conf is wrong\n" + self.session.path(CONF) + ":2:1: error:", text)
        self.assertIn(self.session.path(CONF) + ":2:1:", self.run_cli("keys", "reload", code=2))
        self.assertIn("Keys: broken: " + self.session.path(CONF), self.run_cli("status"))

    def test_no_word_of_keys_where_nobody_wants_them(self):
        self.start(conf=None)
        self.assertNotIn("Keys", self.run_cli("status"))
        self.assertIn("there is no keyremap.conf", self.run_cli("keys", "status"))
        self.assertIn("there is no keyremap.conf", self.run_cli("keys", "reload", code=2))

    def test_without_a_daemon(self):
        for command in (["status"], ["devices"], ["reload"], ["suspend"], ["resume"], ["try", "--confirm"]):
            self.assertIn("systemctl --user start xdgtidy", self.run_cli("keys", *command, code=3))

    def test_suspend_resume_reload(self):
        helper = self.start_running()
        self.assertIn("keys resume", self.run_cli("keys", "suspend"))
        self.assertIn("No key is remapped now: suspended; to go on: xdgtidy keys resume\n",
                      self.run_cli("keys", "status"))
        self.run_cli("keys", "resume")
        self.session.wait(lambda: helper.flags == fakehelper.HAS_KEYMAP, "the resumed helper")
        self.run_cli("keys", "reload")

    def test_try_without_a_terminal(self):
        self.session.write("trial.conf", PLAIN + "tab = q\n")
        helper = self.start_running()
        self.assertIn("--confirm", self.run_cli("keys", "try", "--seconds", "20", self.session.path("trial.conf")))
        self.assertEqual(helper.all_of("commit")[-1]["timeout_ms"], 20000)
        self.run_cli("keys", "try", "--revert")
        self.session.wait(lambda: "tab = q" not in helper.keymap, "the keymap of before")
        self.run_cli("keys", "try", "trial.conf")
        self.run_cli("keys", "try", "--confirm")
        self.assertIn("no key configuration is on trial", self.run_cli("keys", "try", "--confirm", code=2))
        self.run_cli("keys", "try", code=2)
        self.run_cli("keys", "try", "--confirm", "trial.conf", code=2)

    def try_on_terminal(self, answer):
        self.session.write("trial.conf", PLAIN + "tab = q\n")
        helper = self.start_running()
        child, terminal = self.run_terminal("keys", "try", "trial.conf")
        self.wait_seen(terminal, "Keep it?")
        os.write(terminal, answer)
        return helper, self.session.wait_exit(child)

    def test_try_kept_with_enter(self):
        helper, code = self.try_on_terminal(b"\n")
        self.session.wait(lambda: helper.flags == fakehelper.HAS_KEYMAP, "the end of the trial")
        self.assertEqual((code, "tab = q" in helper.keymap), (0, True))

    def test_try_declined(self):
        helper, code = self.try_on_terminal(b"n\n")
        self.session.wait(lambda: "tab = q" not in helper.keymap, "the keymap of before")
        self.assertEqual(code, 1)

    def test_try_interrupted(self):
        helper, code = self.try_on_terminal(b"\x03")
        self.session.wait(lambda: "tab = q" not in helper.keymap, "the keymap of before")
        self.assertEqual(code, 1)

    def test_try_without_an_answer(self):
        self.session.write("trial.conf", PLAIN)
        helper = self.start_running()
        child, terminal = self.run_terminal("keys", "try", "--seconds=1", "trial.conf")
        self.wait_seen(terminal, "in use again")
        self.assertEqual((self.session.wait_exit(child), helper.all_of("confirm")), (1, []))

    def test_monitor_is_refused_while_locked(self):
        self.start_logind()
        self.start_running()
        os.mkdir(self.session.path("input"))
        monitor = ["keys", "monitor", "--devices=" + self.session.path("input")]
        self.assertIn("there is no keyboard", self.run_cli(*monitor, code=1))
        self.set_session(LockedHint=True)
        self.assertIn("not while the screen is locked", self.run_cli(*monitor, code=4))
        self.session.stop_daemon()
        self.assertIn("not while the screen is locked", self.run_cli(*monitor, code=4))
        self.set_session(LockedHint=False)
        self.run_cli(*monitor, code=1)

    def test_keys_in_a_terminal(self):
        child, terminal = self.run_terminal("keys", "test")
        self.wait_seen(terminal, "its bytes.")
        for typed, shown in ((b"a", "a                61"), (b"\x1b[A", "up               1b 5b 41"),
                             (b"\x01", "control a        01"), ("ä".encode(), "ä                c3 a4")):
            os.write(terminal, typed)
            self.wait_seen(terminal, shown)
        os.write(terminal, b"\x03")
        self.assertEqual(self.session.wait_exit(child), 0)
        self.assertTrue(termios.tcgetattr(terminal)[3] & termios.ICANON)

    def test_keys_need_a_terminal(self):
        self.assertIn("no terminal", self.run_cli("keys", "test", code=2))


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[5:])
