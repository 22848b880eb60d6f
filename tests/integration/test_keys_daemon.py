#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The key half of the real xdgtidyd: a scripted helper, logind's mock, then the real xdgtidy-keys.
# I/O: scratch homes, child processes, sockets.
"""usage: test_keys_daemon.py XDGTIDYD XDGTIDY XDGTIDY-KEYS PIPE-KEYS [TEST...]"""
import fcntl
import json
import os
import pty
import socket
import struct
import subprocess
import sys
import termios
import threading
import unittest

sys.dont_write_bytecode = True
import fakehelper
import taprunner
from fakehelper import FakeHelper
from session import MOCK, NAME, Gio, GLib, Session

XDGTIDYD, XDGTIDY, XDGTIDY_KEYS, PIPE_KEYS = (os.path.abspath(path) for path in sys.argv[1:5])
CONF = ".config/xdgtidy/keyremap.conf"
PLAIN = "[ids]\n*\n[main]\ncapslock = z\n"
LOGIND, LOGIND_PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
SESSION_PATH = LOGIND_PATH + "/session/7"
SYSTEMD = "org.freedesktop.systemd1"


class KeysTest(unittest.TestCase):
    def setUp(self):
        self.session = Session(XDGTIDYD)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        self.session.env["DBUS_SYSTEM_BUS_ADDRESS"] = self.session.env["DBUS_SESSION_BUS_ADDRESS"]
        self.socket = self.session.path("run/keys.sock")

    def make_helper(self, **options):
        return FakeHelper(self.socket, **options)

    def start(self, *arguments, conf=PLAIN, server=False):
        if conf is not None:
            self.session.write(CONF, conf)
        if server:
            self.session.start_server()
        # No device here may be opened, and no program started, unless a test says so.
        self.session.start_daemon(f"--keys-socket={self.socket}", "--keys-helper=/bin/false",
                                  "--keys-devices=" + self.session.path("dev"), *arguments)

    def start_running(self, conf=PLAIN, server=False, **options):
        helper = self.make_helper(**options)
        self.start(conf=conf, server=server)
        self.session.wait(lambda: helper.keymap, "the keymap")
        return helper

    def status(self):
        return self.session.call("KeysStatus")

    def wait_state(self, state):
        return self.session.wait(lambda: (lambda report: report["state"] == state and report)(self.status()),
                                 f"state {state}")

    def assert_error(self, word, method, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            self.session.call(method, *arguments)
        self.assertIn(f"{NAME}.Error.{word}", caught.exception.message)
        return caught.exception.message

    # ---- logind ----

    def start_logind(self, active=True):
        session = self.session
        session.spawn([sys.executable, "-m", "dbusmock", "--system", "--template", "logind"],
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        session.wait(lambda: session.has_owner(LOGIND), "logind")
        self.logind("AddSession", "ssusb", "7", "seat0", os.getuid(), "user", active)

    def logind(self, method, signature, *arguments, path=LOGIND_PATH, interface=MOCK):
        return self.session.bus.call_sync(LOGIND, path, interface, method,
                                          GLib.Variant(f"({signature})", arguments), None,
                                          Gio.DBusCallFlags.NONE, -1, None).unpack()

    def set_session(self, **properties):
        values = {name: GLib.Variant("b", value) for name, value in properties.items()}
        self.logind("UpdateProperties", "sa{sv}", LOGIND + ".Session", values, path=SESSION_PATH)

    def emit(self, path, interface, member, signature, *arguments):
        self.logind("EmitSignal", "sssav", interface, member, signature,
                    [GLib.Variant(kind, value) for kind, value in zip(signature, arguments)], path=path)

    def inhibitors(self):
        return self.logind("ListInhibitors", "", interface=LOGIND + ".Manager")[0]


class Configuration(KeysTest):
    def test_nothing_without_a_file(self):
        helper = self.make_helper()
        self.start_logind()
        self.start(conf=None)
        self.session.write(".config/xdgtidy/other.conf", "x")
        self.assertEqual(self.status()["state"], "none")
        self.assertEqual(self.session.call("Status")["keys"]["state"], "none")
        self.assertEqual((helper.connections, self.inhibitors()), (0, []))
        tasks = os.listdir(f"/proc/{self.session.daemon.pid}/task")
        self.assertLessEqual(len(tasks), 5, tasks)
        self.assert_error("NotFound", "KeysReload")
        self.assertEqual(helper.connections, 0)

    def test_file_at_the_start(self):
        helper = self.start_running(server=True)
        self.assertIn("capslock = z", helper.keymap)
        report = self.wait_state("running")
        self.assertEqual((report["how"], report["seat"], report["text"]), ("service", "seat0", ""))
        self.assertEqual([(d["node"], d["state"], d["id"], d["keyboard"], d["text"]) for d in report["devices"]],
                         [("event3", "remapped", "046d:c31c:00001234", True, ""),
                          ("event10", "ignored", "0001:0002:00000000", False, "not a keyboard")])
        self.assertEqual((report["counts"]["events"], report["counts"]["lost"]), (1234, 1))
        self.assertEqual(report["keymap"]["file"], self.session.path(CONF))
        note = self.session.wait_note("A keyboard is remapped")
        self.assertEqual(note.body, "A keyboard")
        self.assertEqual(self.session.call("Status")["keys"], {"state": "running", "text": "", "remapped": 1})

    def test_same_keyboard_is_told_once_a_day(self):
        helper = self.start_running(server=True)
        self.session.wait_note("A keyboard is remapped")
        self.session.stop_daemon()
        self.start(conf=None)
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the second daemon")
        helper.say("device", **dict(helper.devices[0], node="event5", name="Another"))
        self.session.wait_note("A keyboard is remapped", count=2)
        bodies = [note.body for note in self.session.notes() if "remapped" in note.summary]
        self.assertEqual(bodies, ["A keyboard", "Another"])

    def test_file_comes_later(self):
        helper = self.make_helper()
        self.start(conf=None)
        self.session.write(CONF, PLAIN)
        self.session.wait(lambda: helper.keymap, "the keymap")
        self.wait_state("running")

    def test_folder_comes_later(self):
        helper = self.make_helper()
        os.unlink(self.session.path(".config/xdgtidy/xdgtidy.conf"))
        os.rmdir(self.session.path(".config/xdgtidy"))
        self.start(conf=None)
        self.session.write(CONF, PLAIN)
        self.session.wait(lambda: helper.keymap, "the keymap")

    def test_change_and_editor_rename(self):
        helper = self.start_running()
        self.session.write(CONF, PLAIN + "tab = q\n")
        self.session.wait(lambda: "tab = q" in (helper.keymap or ""), "the change")
        self.session.write(CONF + "~new", PLAIN + "tab = w\n")
        os.rename(self.session.path(CONF + "~new"), self.session.path(CONF))
        self.session.wait(lambda: "tab = w" in (helper.keymap or ""), "the second change")
        self.assertEqual(helper.connections, 1)

    def test_same_keymap_is_not_sent_again(self):
        helper = self.start_running()
        self.session.write(CONF, "# a comment\n" + PLAIN)
        self.session.call("KeysReload")
        self.assertEqual(len(helper.all_of("commit")), 1)

    def test_include_is_watched(self):
        self.session.write(".config/xdgtidy/more/part", "tab = q\n")
        helper = self.start_running(conf=PLAIN + "include more/part\n")
        self.assertIn("tab = q", helper.keymap)
        self.session.write(".config/xdgtidy/more/part", "tab = w\n")
        self.session.wait(lambda: "tab = w" in (helper.keymap or ""), "the change")

    def test_missing_include_that_comes(self):
        helper = self.make_helper()
        self.start(conf=PLAIN + "include more/part\n")
        self.wait_state("broken")
        self.session.write(".config/xdgtidy/more/part", "tab = w\n")
        self.session.wait(lambda: "tab = w" in (helper.keymap or ""), "the include")

    def test_linked_file_is_watched_where_it_is(self):
        self.session.write("dots/keys", PLAIN)
        os.symlink(self.session.path("dots/keys"), self.session.path(CONF))
        helper = self.start_running(conf=None)
        self.session.write("dots/keys", PLAIN + "tab = q\n")
        self.session.wait(lambda: "tab = q" in (helper.keymap or ""), "the change")

    def test_broken_file_keeps_the_last_good_one(self):
        helper = self.start_running(server=True)
        broken = PLAIN + "capslok = a\n"
        self.session.write(CONF, broken)
        note = self.session.wait_note("The key configuration is wrong")
        place = self.session.path(CONF) + ":5:1: "
        self.assertTrue(note.body.startswith(place), note.body)
        self.assertIn("The last good one stays in force.", note.body)
        self.assertIn(place, self.assert_error("Config", "KeysReload"))
        report = self.status()
        self.assertEqual((report["state"], report["problems"][0]["line"]), ("running", 5))
        self.assertIn("capslock = z", helper.keymap)
        self.assertEqual(len(helper.all_of("commit")), 1)
        self.session.write(CONF, broken + "# the same mistake\n")
        self.assert_error("Config", "KeysReload")
        self.assertEqual(len([n for n in self.session.notes() if "configuration" in n.summary]), 1)
        self.session.write(CONF, PLAIN + "tab = q\n")
        self.session.wait(lambda: "tab = q" in (helper.keymap or ""), "the mended file")
        self.assertEqual(self.status()["problems"], [])

    def test_broken_from_the_start(self):
        helper = self.make_helper()
        self.start(conf="[main]\ncapslok = z\n", server=True)
        self.assertIn("No key is remapped.", self.session.wait_note("The key configuration is wrong").body)
        self.assertEqual((self.status()["state"], helper.connections), ("broken", 0))

    def test_removed_file_ends_it(self):
        helper = self.start_running()
        os.unlink(self.session.path(CONF))
        self.session.wait(lambda: not helper.is_open(), "the end of the connection")
        self.assertEqual(self.wait_state("none")["problems"], [])

    def test_switched_off_and_on(self):
        helper = self.start_running()
        self.session.configure("[keys]\nenabled = false\n")
        self.session.wait(lambda: not helper.is_open(), "the end of the connection")
        self.assertEqual(self.status()["state"], "off")
        self.assert_error("Refused", "KeysReload")
        self.session.configure("")
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the keymap")

    def test_large_keymap(self):
        names = [chr(c) for c in range(ord("a"), ord("z") + 1)]
        layers = "".join(f"[layer{i}]\n" + "".join(f"{n} = macro(h e l l o)\n" for n in names) for i in range(300))
        helper = self.start_running(conf=PLAIN + layers)
        self.assertGreater(len(helper.keymap), 64000)
        self.assertIn("[layer299]", helper.keymap)


class Helpers(KeysTest):
    def test_dead_helper_is_replaced(self):
        helper = self.start_running()
        helper.die()
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")
        self.wait_state("running")

    def test_three_deaths_then_one_note(self):
        helper = self.make_helper(dies=True)
        self.start(server=True)
        note = self.session.wait_note("Keys are no longer remapped")
        self.assertIn("xdgtidy keys reload", note.body)
        self.assertEqual(helper.connections, 4)
        report = self.status()
        self.assertEqual((report["state"], report["text"]), ("failed", "its helper died"))
        self.assertIn("xdgtidy keys reload", report["remedy"])
        helper.dies = False
        self.session.call("KeysReload")
        self.assertEqual((self.status()["state"], helper.connections), ("running", 5))
        self.assertEqual(len([n for n in self.session.notes() if "no longer" in n.summary]), 1)

    def test_garbage_is_the_end_of_that_helper(self):
        helper = self.start_running()
        helper.open.send(b"garbage")
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")

    def test_no_access_then_the_socket_comes(self):
        self.start(server=True)
        note = self.session.wait_note("No key is remapped")
        self.assertIn("xdgtidy-keys.socket does not run", note.body)
        self.assertIn("systemctl enable --now xdgtidy-keys.socket", note.body)
        report = self.status()
        self.assertEqual(report["state"], "no-access")
        self.assertIn(self.session.path("dev/input"), report["text"])
        self.assertIn("systemctl enable --now", self.assert_error("Refused", "KeysReload"))
        self.assertEqual(self.session.call("Status")["strays"], [])
        helper = self.make_helper()
        self.session.wait(lambda: helper.keymap, "the keymap")
        self.assertEqual(len([n for n in self.session.notes() if "No key" in n.summary]), 1)

    def test_refused_until_the_session_is_active(self):
        helper = self.make_helper(refuses=True)
        self.start_logind(active=False)
        self.start()
        report = self.wait_state("waiting")
        self.assertEqual(report["text"], "no session on a seat")
        helper.refuses = False
        self.set_session(Active=True)
        self.session.wait(lambda: helper.keymap, "the keymap")

    def test_daemon_ends_and_helper_hears_it(self):
        helper = self.start_running()
        self.session.daemon.kill()
        self.session.wait(lambda: not helper.is_open(), "end of file")

    def test_layers_are_signalled(self):
        helper = self.start_running()
        helper.layers = ["nav"]
        helper.say("layer", is_on=1, name="nav")
        self.assertEqual(self.session.wait_signal("KeysLayer"), ("nav", True))
        self.assertEqual(self.status()["layers"], ["nav"])
        helper.layers = []
        helper.say("layer", is_on=0, name="nav")
        self.assertEqual(self.session.wait_signal("KeysLayer"), ("nav", False))

    def test_suspend_outlives_the_helper(self):
        helper = self.start_running()
        self.session.call("KeysSuspend")
        self.assertIn("suspended", self.status()["flags"])
        self.assertIn("xdgtidy keys resume", self.status()["text"])
        helper.die()
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")
        self.assertIn("suspended", self.wait_state("running")["flags"])
        self.session.call("KeysResume")
        self.assertNotIn("suspended", self.status()["flags"])

    def test_panic_outlives_the_helper(self):
        helper = self.start_running()
        helper.set_state(fakehelper.PANIC, True)
        self.session.wait(lambda: "panic" in self.status()["flags"], "panic")
        helper.die()
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")
        self.assertIn("suspended", self.wait_state("running")["flags"])

    def test_status_of_a_helper_that_does_not_answer(self):
        helper = self.start_running()
        self.wait_state("running")
        helper.on_status = lambda: None
        self.assertEqual(self.status()["state"], "running")


class Trials(KeysTest):
    def setUp(self):
        super().setUp()
        self.session.write("trial.conf", "[ids]\n*\n[main]\ncapslock = q\n")

    def begin_trial(self, seconds=15):
        return self.session.call("KeysTry", "(ayu)", os.fsencode(self.session.path("trial.conf")), seconds)

    def test_confirmed(self):
        helper = self.start_running()
        report = self.begin_trial()
        self.assertEqual((report["keymap"]["trial"], report["keymap"]["file"]), (True, self.session.path("trial.conf")))
        self.assertEqual(helper.all_of("commit")[-1]["timeout_ms"], 15000)
        self.assertIn("capslock = q", helper.keymap)
        self.session.call("KeysConfirm")
        self.session.wait(lambda: not self.status()["keymap"]["trial"], "the confirmed keymap")
        helper.die()
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")
        self.assertIn("capslock = q", helper.keymap)
        self.assert_error("NotFound", "KeysConfirm")

    def test_reverted(self):
        helper = self.start_running()
        self.begin_trial()
        self.session.call("KeysRevert")
        self.session.wait(lambda: "capslock = z" in helper.keymap, "the keymap of before")
        self.session.wait(lambda: not self.status()["keymap"]["trial"], "the end of the trial")
        self.assert_error("NotFound", "KeysConfirm")

    def test_time_is_over(self):
        helper = self.start_running()
        self.begin_trial()
        helper.revert()
        self.session.wait(lambda: not self.status()["keymap"]["trial"], "the end of the trial")
        self.assert_error("NotFound", "KeysRevert")

    def test_without_keyremap_conf(self):
        helper = self.make_helper()
        self.start(conf=None)
        self.assertTrue(self.begin_trial()["keymap"]["trial"])
        helper.revert()
        self.session.wait(lambda: not helper.is_open(), "the end of the connection")
        self.assertEqual(self.wait_state("none")["state"], "none")

    def test_trial_that_kills_the_helper_is_not_tried_again(self):
        helper = self.start_running()
        helper.dies = True
        self.assertIn("helper died", self.assert_error("Refused", "KeysTry", "(ayu)",
                                                       os.fsencode(self.session.path("trial.conf")), 15))
        helper.dies = False
        self.session.wait(lambda: helper.keymap, "the next helper")
        self.assertIn("capslock = z", helper.keymap)

    def test_errors(self):
        self.start_running()
        self.session.write("trial.conf", "[main]\ncapslok = q\n")
        message = self.assert_error("Config", "KeysTry", "(ayu)", os.fsencode(self.session.path("trial.conf")), 15)
        self.assertIn(self.session.path("trial.conf") + ":2:1:", message)
        self.assert_error("NotFound", "KeysTry", "(ayu)", os.fsencode(self.session.path("gone")), 15)
        self.assert_error("Usage", "KeysTry", "(ayu)", b"relative", 15)

    def test_no_access(self):
        self.start(conf=None)
        self.assertIn("systemctl enable", self.assert_error(
            "Refused", "KeysTry", "(ayu)", os.fsencode(self.session.path("trial.conf")), 15))
        self.assertEqual(self.status()["state"], "none")


class LockAndSleep(KeysTest):
    def locks(self, helper):
        return [(values["is_on"], values["policy"]) for values in helper.all_of("lock")]

    def start_with_logind(self, conf=PLAIN):
        self.start_logind()
        helper = self.start_running(conf=conf)
        self.session.wait(self.inhibitors, "the inhibitor")
        return helper

    def test_locked_hint(self):
        helper = self.start_with_logind()
        self.set_session(LockedHint=True)
        self.session.wait(lambda: self.locks(helper) == [(1, 0)], "LOCK")
        self.assertTrue(self.status()["locked"])
        self.set_session(LockedHint=False)
        self.session.wait(lambda: self.locks(helper) == [(1, 0), (0, 0)], "the end of LOCK")

    def test_lock_signal_and_resume(self):
        helper = self.start_with_logind()
        self.emit(SESSION_PATH, LOGIND + ".Session", "Lock", "")
        self.session.wait(lambda: self.locks(helper) == [(1, 0)], "LOCK")
        self.emit(SESSION_PATH, LOGIND + ".Session", "Unlock", "")
        self.session.wait(lambda: self.locks(helper)[1:] == [(0, 0)], "the end of LOCK")
        self.emit(SESSION_PATH, LOGIND + ".Session", "Lock", "")
        self.session.wait(lambda: self.status()["locked"], "locked")
        self.session.call("KeysResume")
        self.session.wait(lambda: not self.status()["locked"], "the user's word")

    def test_lock_signal_before_the_answers(self):
        """The session is not known yet, its properties say nothing, and the list of sessions comes anew."""
        self.start_logind()
        helper = self.start_running()
        self.session.wait(self.inhibitors, "the inhibitor")
        self.emit(SESSION_PATH, LOGIND + ".Session", "Lock", "")
        self.session.wait(lambda: self.locks(helper) == [(1, 0)], "LOCK")
        self.emit(LOGIND_PATH, LOGIND + ".Manager", "SessionNew", "so", "8", LOGIND_PATH + "/session/8")
        for _ in range(3):  # signal, list, properties
            self.status()
            self.inhibitors()
        self.assertTrue(self.status()["locked"])
        self.assertEqual(self.locks(helper), [(1, 0)])

    def test_lock_of_another_user_is_not_ours(self):
        """Also when logind says that something of his session is to be asked for again."""
        helper = self.start_with_logind()
        his = LOGIND_PATH + "/session/8"
        self.logind("AddSession", "ssusb", "8", "seat0", os.getuid() + 1, "other", True)
        self.emit(his, LOGIND + ".Session", "Lock", "")
        self.logind("EmitSignal", "sssav", "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                    [GLib.Variant("s", LOGIND + ".Session"), GLib.Variant("a{sv}", {}), GLib.Variant("as", ["IdleHint"])],
                    path=his)
        for _ in range(3):  # signals, list, properties
            self.status()
            self.inhibitors()
        self.assertFalse(self.status()["locked"])
        self.assertEqual(self.locks(helper), [])

    def test_policy(self):
        helper = self.start_with_logind()
        self.session.configure("[keys]\non_lock = ungrab\n")
        self.session.wait(lambda: self.status()["on-lock"] == "ungrab", "the setting")
        self.set_session(LockedHint=True)
        self.session.wait(lambda: self.locks(helper) == [(1, 2)], "LOCK")
        self.session.configure("[keys]\non_lock = keep\n")
        self.session.wait(lambda: self.locks(helper)[1:] == [(1, 1)], "the new policy")

    def test_next_helper_hears_of_the_lock(self):
        helper = self.start_with_logind()
        self.set_session(LockedHint=True)
        self.session.wait(lambda: self.locks(helper), "LOCK")
        helper.die()
        self.session.wait(lambda: helper.connections == 2 and helper.keymap, "the next helper")
        order = [kind for number, kind, _ in helper.heard if number == 2]
        self.assertLess(order.index("lock"), order.index("commit"))

    def test_no_trial_while_locked(self):
        self.session.write("trial.conf", PLAIN)
        self.start_with_logind()
        self.set_session(LockedHint=True)
        self.session.wait(lambda: self.status()["locked"], "locked")
        self.assert_error("Refused", "KeysTry", "(ayu)", os.fsencode(self.session.path("trial.conf")), 15)

    def test_sleep(self):
        helper = self.start_with_logind()
        self.assertEqual([tuple(one[:2]) + (one[3],) for one in self.inhibitors()], [("sleep", "xdgtidy", "delay")])
        self.emit(LOGIND_PATH, LOGIND + ".Manager", "PrepareForSleep", "b", True)
        self.session.wait(lambda: not self.inhibitors(), "the inhibitor's end")
        self.assertEqual([values["is_on"] for values in helper.all_of("sleep")], [1])
        self.emit(LOGIND_PATH, LOGIND + ".Manager", "PrepareForSleep", "b", False)
        self.session.wait(self.inhibitors, "the next inhibitor")
        self.session.wait(lambda: len(helper.all_of("sleep")) == 2, "the awakening")

    def test_sleep_waits_for_the_helper(self):
        helper = self.start_with_logind()
        answer, helper.answer = helper.answer, lambda kind, values: None
        self.emit(LOGIND_PATH, LOGIND + ".Manager", "PrepareForSleep", "b", True)
        self.session.wait(lambda: helper.all_of("sleep"), "SLEEP")
        self.session.call("Cancel")  # the main loop has been round
        self.assertEqual(len(self.inhibitors()), 1)
        helper.answer = answer
        helper.set_state(fakehelper.ASLEEP, True)
        self.session.wait(lambda: not self.inhibitors(), "the inhibitor's end")

    def test_dying_helper_does_not_keep_the_machine_awake(self):
        helper = self.start_with_logind()
        helper.answer = lambda kind, values: None
        self.emit(LOGIND_PATH, LOGIND + ".Manager", "PrepareForSleep", "b", True)
        self.session.wait(lambda: helper.all_of("sleep"), "SLEEP")
        helper.die()
        self.session.wait(lambda: not self.inhibitors(), "the inhibitor's end")


class Commands(KeysTest):
    CONF = "[ids]\n*\n[main]\nf1 = command(printf '%s %s' \"$HOME\" $((6*7)) > \"$HOME/out\")\n" \
           "f2 = command(touch $HOME/two)\n"

    def command(self, helper, text):
        """The helper presses the key of that command: its index is its place in the flat text."""
        commands = [line for line in helper.keymap.splitlines() if "command(" in line]
        index = [i for i, line in enumerate(commands) if text in line]
        self.assertEqual(len(index), 1, helper.keymap)
        helper.say("command", id=helper.id, index=index[0])

    def test_without_systemd(self):
        helper = self.start_running(conf=self.CONF)
        self.command(helper, "printf")
        self.session.wait(lambda: self.session.exists("out") and open(self.session.path("out"), encoding="utf-8").read(),
                          "the command")
        with open(self.session.path("out"), encoding="utf-8") as out:
            self.assertEqual(out.read(), self.session.home + " 42")

    def test_in_a_transient_service(self):
        self.session.spawn([sys.executable, "-m", "dbusmock", "--session", SYSTEMD, "/org/freedesktop/systemd1",
                            SYSTEMD + ".Manager"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session.wait(lambda: self.session.has_owner(SYSTEMD), "systemd")
        self.systemd("AddMethod", "sssss", SYSTEMD + ".Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))", "o",
                     'ret = dbus.ObjectPath("/job")')
        helper = self.start_running(conf=self.CONF)
        self.command(helper, "two")
        calls = self.session.wait(lambda: self.systemd("GetMethodCalls", "s", "StartTransientUnit")[0], "the call")
        name, mode, properties, _ = calls[0][1]
        properties = dict(properties)
        self.assertRegex(name, r"^xdgtidy-command-[0-9a-f-]+\.service$")
        self.assertEqual(mode, "fail")
        self.assertEqual(properties["ExecStartEx"], [("/bin/sh", ["/bin/sh", "-c", "touch $HOME/two"],
                                                      ["no-env-expand"])])
        self.assertEqual(properties["CollectMode"], "inactive-or-failed")
        self.assertFalse(self.session.exists("two"))

    def systemd(self, method, signature, *arguments):
        return self.session.bus.call_sync(SYSTEMD, "/org/freedesktop/systemd1", MOCK, method,
                                          GLib.Variant(f"({signature})", arguments), None,
                                          Gio.DBusCallFlags.NONE, -1, None).unpack()

    def test_never_while_locked(self):
        self.start_logind()
        helper = self.start_running(conf=self.CONF)
        self.session.wait(self.inhibitors, "logind's answer")
        self.set_session(LockedHint=True)
        self.session.wait(lambda: self.status()["locked"], "locked")
        self.command(helper, "two")
        self.status()  # comes behind the command
        self.set_session(LockedHint=False)
        self.session.wait(lambda: not self.status()["locked"], "open")
        self.command(helper, "printf")
        self.session.wait(lambda: self.session.exists("out"), "the later command")
        self.assertFalse(self.session.exists("two"))

    def test_unknown_index_and_old_keymap(self):
        helper = self.start_running(conf=self.CONF)
        helper.say("command", id=helper.id, index=2)
        helper.say("command", id=helper.id + 5, index=0)
        helper.say("command", id=0, index=0)
        self.assertEqual(self.wait_state("running")["keymap"]["commands"], 2)
        self.assertFalse(self.session.exists("out") or self.session.exists("two"))


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


class NoBus(unittest.TestCase):
    def test_keys_without_a_bus(self):
        with Session(XDGTIDYD, has_bus=False) as session:
            session.env["DBUS_SYSTEM_BUS_ADDRESS"] = "unix:path=" + session.path("no-bus")
            session.write(CONF, PLAIN)
            helper = FakeHelper(session.path("run/keys.sock"))
            session.start_daemon("--keys-socket=" + helper.path)
            session.wait(lambda: helper.keymap, "the keymap")
            session.stop_daemon()
            session.wait(lambda: not helper.is_open(), "end of file")


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[5:])
