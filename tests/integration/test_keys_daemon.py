#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The key half of the real xdgtidyd, with a scripted helper and logind's mock.
# I/O: scratch homes, child processes, sockets.
"""usage: test_keys_daemon.py XDGTIDYD XDGTIDY XDGTIDY-KEYS PIPE-KEYS [TEST...]"""
import os
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import fakehelper
import taprunner
from fakehelper import FakeHelper
from keystest import CONF, LOGIND, LOGIND_PATH, PLAIN, SESSION_PATH, SYSTEMD, XDGTIDYD, KeysTest
from session import MOCK, Gio, GLib, Session


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
        with open(f"/proc/{self.session.daemon.pid}/maps", encoding="utf-8") as maps:
            own = "libtsan" in maps.read()  # the thread sanitizer has a thread of its own
        self.assertLessEqual(len(tasks), 5 + own, tasks)
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
