#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real xdgtidyd on a private bus with a scratch home: what it sees, asks, does, and how it ends.
# I/O: scratch homes, child processes.
"""usage: test_daemon.py XDGTIDYD [sanitized] [TEST...]"""
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import taprunner
from session import NAME, NOTIFY_NAME, GLib, Session, monotonic_msec

XDGTIDYD = os.path.abspath(sys.argv[1])
IS_SANITIZED = "sanitized" in sys.argv[2:]
STALL_MSEC = 50
HUNG_SEC = 3  # long enough for question and summary to meet the hung server
QUESTION = "Merge Download into Downloads?"


class DaemonTest(unittest.TestCase):
    has_bus = True

    def setUp(self):
        self.session = Session(XDGTIDYD, has_bus=self.has_bus)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)

    def start(self, server=True, **options):
        if server:
            self.session.start_server()
        self.session.start_daemon(**options)

    def consent(self):
        """The first merge of this home, by call: from now on DOWNLOAD merges by itself."""
        self.session.call("Pause")  # or it may ask before the call comes
        self.session.write("Download/first")
        self.session.merge()
        self.session.call("Resume")
        self.assertTrue(self.session.exists("Downloads/first"))
        self.session.signals.clear()

    def assert_main_loop_is_awake(self):
        worst, with_queue = self.session.time_main_loop(HUNG_SEC)
        print(f"# slowest answer of the main loop: {worst:.1f} ms, {with_queue:.1f} ms with waiting for a processor")
        self.assertLess(worst, STALL_MSEC)

    def assert_error(self, word, function, *arguments):
        with self.assertRaises(GLib.Error) as caught:
            function(*arguments)
        self.assertIn(f"{NAME}.Error.{word}", caught.exception.message)
        return caught.exception.message


class Journey(DaemonTest):
    def test_question_merge_undo(self):
        session = self.session
        self.start()
        session.write("Download/a")
        session.write("Download/b")
        note = session.wait_note(QUESTION)
        self.assertIn("2 entries would move", note.body)
        self.assertEqual(list(note.actions), ["Merge", "Not now", "Never"])
        session.press(note, "Merge")
        summary = session.wait_note("2 entries merged into Downloads")
        self.assertFalse(session.exists("Download"))
        self.assertTrue(session.exists("Downloads/a") and session.exists("Downloads/b"))
        session.press(summary, "Undo")
        session.wait_note("2 entries are back in Download")
        self.assertTrue(session.exists("Download/a") and not session.exists("Downloads/a"))

    def test_undone_is_left_alone(self):
        session = self.session
        self.start()
        self.consent()
        session.write("Download/a")
        session.press(session.wait_note("1 entry merged"), "Undo")
        session.wait_note("1 entry is back in Download")
        session.write("Download/b")
        session.write(".config/user-dirs.locale", "C")  # makes it look again
        session.signals.clear()
        self.assertEqual([stray["stray"] for stray in session.call("Status")["strays"]],
                         [session.path("Download")])
        session.stop_daemon()
        self.assertTrue(session.exists("Download/a") and session.exists("Download/b"))
        self.assertEqual([n for n in session.notes() if QUESTION in n.summary], [])

    def test_file_arrives_later(self):
        session = self.session
        self.start()
        self.consent()
        session.write("Download/later.pdf", "pdf")
        session.wait(lambda: session.exists("Downloads/later.pdf") and not session.exists("Download"),
                     "the later file")
        report = session.wait_signal("Merged")[0]
        self.assertEqual(report["operations"][0]["counts"]["moved"], 1)
        session.wait_note("1 entry merged into Downloads")

    def test_partial_download_waits_for_its_name(self):
        session = self.session
        self.start()
        self.consent()
        session.write("Download/x.iso.part")
        session.write("Download/done.txt")
        session.wait(lambda: session.exists("Downloads/done.txt"), "the finished file")
        self.assertTrue(session.exists("Download/x.iso.part"))
        os.rename(session.path("Download/x.iso.part"), session.path("Download/x.iso"))
        session.wait(lambda: session.exists("Downloads/x.iso"), "the renamed file")

    def test_seen_within_a_second(self):
        session = self.session
        self.start()
        session.signals.clear()
        begin = monotonic_msec()
        session.write("Download/a")
        session.wait_signal("Changed")
        self.assertLess(monotonic_msec() - begin, 1000)

    def test_undo_by_call(self):
        session = self.session
        self.start()
        self.consent()
        report = session.call("Undo", "(t)", 0)
        self.assertEqual(report["kind"], "undo")
        self.assertTrue(session.exists("Download/first"))
        history = session.call("History", "(t)", 0)
        self.assertEqual([op["kind"] for op in history["operations"]], ["undo", "merge"])

    def test_plan_changes_nothing(self):
        session = self.session
        self.start()
        session.write("Download/a")
        report = session.call("Plan", "(ayaya{sv})", os.fsencode(session.path("Download")) + b"\0", b"", {})
        self.assertEqual((report["id"], report["operations"][0]["counts"]["moved"]), (0, 1))
        self.assertTrue(session.exists("Download/a"))

    def test_pause_and_resume(self):
        session = self.session
        self.start()
        self.consent()
        session.call("Pause")
        session.wait(lambda: session.call("Status")["paused"], "the pause")
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.stop_daemon()
        session.start_daemon()
        self.assertTrue(session.call("Status")["paused"])
        self.assertTrue(session.exists("Download/a"))
        session.call("Resume")
        session.wait(lambda: session.exists("Downloads/a"), "the merge after the pause")

    def test_paths_outside_the_home(self):
        session = self.session
        self.start(server=False)
        self.assert_error("Refused", session.merge, b"/etc")
        self.assert_error("Refused", session.merge, b"../elsewhere")
        self.assert_error("Usage", session.merge, b"Down\0load")
        self.assert_error("NotFound", session.merge, b"NoSuchThing")


class Questions(DaemonTest):
    def test_not_now_is_remembered(self):
        session = self.session
        self.start()
        session.write("Download/a")
        session.press(session.wait_note(QUESTION), "Not now")
        answers = session.path(".local/state/xdgtidy/answers")
        session.wait(lambda: os.path.exists(answers) and "later" in open(answers).read(), "the answer")
        session.stop_daemon()
        session.start_daemon()
        session.call("Status")
        session.stop_daemon()
        self.assertEqual(len([n for n in session.notes() if QUESTION in n.summary]), 1)
        self.assertTrue(session.exists("Download/a"))

    def test_never(self):
        session = self.session
        self.start()
        session.write("Download/a")
        session.press(session.wait_note(QUESTION), "Never")
        answers = session.path(".local/state/xdgtidy/answers")
        session.wait(lambda: os.path.exists(answers) and "never" in open(answers).read(), "the answer")

    def test_markup_is_escaped(self):
        session = self.session
        os.makedirs(session.path("Down<b>&loads"))
        session.write(".config/user-dirs.dirs", 'XDG_DOWNLOAD_DIR="$HOME/Down<b>&loads"\n')
        self.start()
        session.write("Download/a")
        note = session.wait_note("Merge Download into")
        self.assertIn("~/Down&lt;b&gt;&amp;loads", note.body)

    def test_level_never_asks_nothing(self):
        session = self.session
        session.configure("[notify]\nlevel = never\n")
        self.start()
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.stop_daemon()
        self.assertEqual(session.notes(), [])


class Servers(DaemonTest):
    def offer_server(self):
        """A server that would start on demand, and never comes; the file that its start leaves."""
        session = self.session
        marker = session.path("started")
        session.write("services/notify.service",
                      f"[D-BUS Service]\nName={NOTIFY_NAME}\nExec=/usr/bin/touch {marker}\n")
        session.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                              "ReloadConfig", None, None, 0, -1, None)
        return marker

    def test_server_on_demand_is_asked_for(self):
        """One that nobody started yet (dunst, mako) is; that it does not come is no error."""
        session = self.session
        session.env["DISPLAY"] = ":99"
        marker = self.offer_server()
        self.start(server=False)
        session.write("Download/a")
        session.wait(lambda: os.path.exists(marker), "the start of the server")
        session.merge()
        session.write("Download/b")
        session.wait(lambda: session.exists("Downloads/b"), "the later file")
        self.assertEqual(session.stop_daemon(), 0)

    def test_server_waits_for_a_display(self):
        """Asked for too early it fails, and dbus-daemon holds back the notes of all programs for minutes."""
        session = self.session
        marker = self.offer_server()
        self.start(server=False)
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.merge()
        session.write("Download/b")
        session.wait(lambda: session.exists("Downloads/b"), "the later file")
        self.assertEqual(session.stop_daemon(), 0)
        self.assertFalse(os.path.exists(marker))

    def test_late_server_gets_the_question(self):
        session = self.session
        self.start(server=False)
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.start_server()
        session.press(session.wait_note(QUESTION), "Merge")
        session.wait(lambda: session.exists("Downloads/a"), "the merge")

    def test_restarted_server(self):
        session = self.session
        self.start()
        session.write("Download/a")
        session.wait_note(QUESTION)
        session.stop_server()
        session.start_server()
        note = session.wait_note(QUESTION)
        self.assertEqual(note.replaces, 0)
        session.press(note, "Merge")
        session.wait(lambda: session.exists("Downloads/a"), "the merge")
        session.wait_note("1 entry merged")
        session.stop_server()
        session.start_server()
        session.press(session.wait_note("1 entry merged"), "Undo")
        session.wait(lambda: session.exists("Download/a"), "the undo")

    def test_buttons_after_a_restart_of_the_daemon(self):
        session = self.session
        self.start()
        self.consent()
        session.write("Download/a")
        note = session.wait_note("1 entry merged")
        session.wait(lambda: os.path.exists(session.path("run/xdgtidy/notes")) and
                     "merge=" in open(session.path("run/xdgtidy/notes")).read(), "the note's id")
        session.stop_daemon()
        session.start_daemon()
        session.wait_listens("path='/org/freedesktop/Notifications'")
        session.press(note, "Undo")
        session.wait(lambda: session.exists("Download/a"), "the undo")

    def test_show(self):
        session = self.session
        opened = session.path("opened")
        session.write("manager", f"#!/bin/sh\ntouch {opened}\n")
        os.chmod(session.path("manager"), 0o700)
        session.write("services/manager.service", "[D-BUS Service]\nName=org.freedesktop.FileManager1\n"
                      f"Exec={session.path('manager')}\n")
        session.bus.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                              "ReloadConfig", None, None, 0, -1, None)
        self.start()
        self.consent()
        session.write("Download/a")
        session.press(session.wait_note("1 entry merged"), "Show")
        session.wait(lambda: os.path.exists(opened), "the file manager")

    def test_hung_server_does_not_stall(self):
        session = self.session
        self.start()
        session.server.send_signal(signal.SIGSTOP)
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.merge()
        session.write("Download/b")
        self.assert_main_loop_is_awake()
        session.wait(lambda: session.exists("Downloads/b"), "the merge beside a hung server")
        begin = monotonic_msec()
        self.assertEqual(session.stop_daemon(), 0)
        self.assertLess(monotonic_msec() - begin, 5000)


@unittest.skipUnless(shutil.which("dunst") and shutil.which("Xvfb"), "there is no dunst or no Xvfb")
class Dunst(DaemonTest):
    """The same with a server that people use, which draws."""

    def setUp(self):
        super().setUp()
        session = self.session
        reader, writer = os.pipe()
        session.spawn(["Xvfb", "-displayfd", str(writer), "-screen", "0", "800x600x24", "-nolisten", "tcp"],
                      pass_fds=[writer], stderr=subprocess.DEVNULL)
        os.close(writer)
        with os.fdopen(reader) as display:
            session.env["DISPLAY"] = ":" + display.readline().strip()
        # dunst gives its menu program the buttons in any order; the key stands in each line.
        session.write("dunstrc", "[global]\ndmenu = /usr/bin/grep -m1 -E ',(merge|undo):'\n")
        session.server = session.spawn(["dunst", "-conf", session.path("dunstrc")],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        session.wait(lambda: session.has_owner(NOTIFY_NAME), "dunst")

    def displayed(self):
        reply = self.session.bus.call_sync(
            NOTIFY_NAME, "/org/freedesktop/Notifications", "org.freedesktop.DBus.Properties", "Get",
            GLib.Variant("(ss)", ("org.dunstproject.cmd0", "displayedLength")), None, 0, -1, None)
        return reply.unpack()[0]

    def press(self):
        """Presses Merge or Undo, whichever there is."""
        self.session.bus.call_sync(NOTIFY_NAME, "/org/freedesktop/Notifications", "org.dunstproject.cmd0",
                                   "NotificationAction", GLib.Variant("(u)", (0,)), None, 0, -1, None)

    def test_question_and_undo(self):
        session = self.session
        session.start_daemon()
        session.write("Download/a")
        session.wait(lambda: self.displayed() == 1, "the question")
        self.press()
        session.wait(lambda: session.exists("Downloads/a"), "the merge")
        session.wait(lambda: self.displayed() == 1, "the summary")
        self.press()
        session.wait(lambda: session.exists("Download/a"), "the undo")

    def test_stopped_dunst_wakes_up(self):
        session = self.session
        session.start_daemon()
        session.server.send_signal(signal.SIGSTOP)
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        self.assert_main_loop_is_awake()
        session.server.send_signal(signal.SIGCONT)
        session.wait(lambda: self.displayed() == 1, "the question")


class Duplicates(DaemonTest):
    def test_report(self):
        session = self.session
        for name in ("Downloads/a", "Downloads/b"):
            session.write(name, "equal" * 1000)
        session.configure("[dupes]\nreport = weekly\nmin_size = 1000\n")
        self.start()
        note = session.wait_note("in duplicate files")
        self.assertIn("1 group of equal files", note.body)
        self.assertTrue(session.exists("Downloads/a") and session.exists("Downloads/b"))
        session.stop_daemon()
        session.start_daemon()
        session.call("Status")
        self.assertEqual(len([n for n in session.notes() if "duplicate" in n.summary]), 1)

    def test_calls(self):
        session = self.session
        for name in ("Downloads/a", "Downloads/b"):
            session.write(name, "equal" * 1000)
        self.start()
        report = session.call("Dupes", "(a{sv})", {"min-size": GLib.Variant("t", 1)})
        self.assertEqual(report["reclaimable"] > 0, True)
        pair = [(os.fsencode(session.path(f"Downloads/{name}")) + b"\0") for name in "ab"]
        self.assert_error("Refused", session.call, "Dedupe", "(sa(ayay))", "trash", [(b"/etc/passwd\0", pair[0])])
        self.assert_error("Usage", session.call, "Dedupe", "(sa(ayay))", "burn", [tuple(pair)])
        report = session.call("Dedupe", "(sa(ayay))", "trash", [tuple(pair)])
        self.assertEqual((report["kind"], report["outcome"]), ("dupes", "done"))
        self.assertTrue(session.exists("Downloads/a") and not session.exists("Downloads/b"))
        session.write("Downloads/c", "other")
        other = os.fsencode(session.path("Downloads/c")) + b"\0"
        report = session.call("Dedupe", "(sa(ayay))", "trash", [(pair[0], other)])
        self.assertEqual(report["outcome"], "partial")
        self.assertTrue(session.exists("Downloads/c"))


class Settings(DaemonTest):
    def test_reload(self):
        session = self.session
        self.start()
        session.write("Download/a")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        session.configure("[dirs.DOWNLOAD]\nmode = report\n")
        session.wait(lambda: session.call("Status")["strays"][0]["mode"] == "report", "the new mode")
        session.forget_told()
        session.configure("[dirs.DOWNLOAD]\nmode = ask\n")
        session.daemon.send_signal(signal.SIGHUP)
        session.wait_told("RELOADING=1\nMONOTONIC_USEC=")
        session.wait_told("READY=1")
        self.assertEqual(session.call("Status")["strays"][0]["mode"], "ask")

    def test_bad_settings_keep_the_good_ones(self):
        session = self.session
        session.configure("[dirs.DOWNLOAD]\nmode = ask\n")
        self.start()
        session.write("Download/a")
        session.wait_note(QUESTION)
        session.configure("[dirs.DOWNLOAD]\nmode = sometimes\n")
        note = session.wait_note("The settings of xdgtidy are wrong")
        self.assertRegex(note.body, r"xdgtidy\.conf:4:\d+: ")
        status = session.call("Status")
        self.assertRegex(status["config"]["error"], r"xdgtidy\.conf:4:\d+: ")
        self.assertEqual(status["strays"][0]["mode"], "ask")
        self.assert_error("Config", session.call, "Reload")
        session.call("Status")
        self.assertEqual(len([n for n in session.notes() if "settings" in n.summary]), 1)
        self.assertIn("config: ", session.read_log())
        session.configure("")
        session.wait(lambda: not session.call("Status")["config"]["error"], "good settings")

    def test_user_dirs_change(self):
        session = self.session
        self.start()
        os.mkdir(session.path("Elsewhere"))
        session.write(".config/user-dirs.dirs", 'XDG_DOWNLOAD_DIR="$HOME/Elsewhere"\n')
        session.write("Download/a")
        session.wait(lambda: [s["target"] for s in session.call("Status")["strays"]
                              if s["stray"].endswith("/Download")] == [session.path("Elsewhere")],
                     "the new target")


class Life(DaemonTest):
    def test_stop_mid_merge_and_resume(self):
        session = self.session
        count = 20000
        self.start(server=False)
        os.makedirs(session.path("Download"))
        for i in range(count):
            os.close(os.open(session.path(f"Download/{i}"), os.O_CREAT | os.O_WRONLY))
        answers = session.start_call("Merge", "(ayaya{sv})", b"", b"", {})
        session.wait(lambda: len(os.listdir(session.path("Downloads"))) > 100, "the merge under way")
        self.assertEqual(session.stop_daemon(), 0)
        session.wait(lambda: answers, "the answer to the caller")
        left = len(os.listdir(session.path("Download"))) if session.exists("Download") else 0
        print(f"# {left} of {count} were left when it stopped")
        self.assertEqual(left + len(os.listdir(session.path("Downloads"))), count)
        self.assertGreater(left, 0)
        session.start_daemon()
        session.wait(lambda: not session.exists("Download"), "the rest of the merge")
        self.assertEqual(len(os.listdir(session.path("Downloads"))), count)
        operations = session.call("History", "(t)", 0)["operations"]
        self.assertEqual([op["state"] for op in operations], ["done"])

    def test_cancel(self):
        session = self.session
        self.start(server=False)
        for i in range(20000):
            session.write(f"Download/{i}")
        answers = session.start_call("Merge", "(ayaya{sv})", b"", b"", {})
        session.wait(lambda: len(os.listdir(session.path("Downloads"))) > 100, "the merge under way")
        session.call("Cancel")
        session.wait(lambda: answers, "the answer to the caller")
        self.assertIn("Cancelled", str(answers[0]))
        self.assertTrue(session.call("Status")["running"])

    def test_second_instance_refuses(self):
        session = self.session
        self.start(server=False)
        second = session.spawn([XDGTIDYD], stderr=subprocess.DEVNULL)
        self.assertEqual(session.wait_exit(second), 6)
        self.assertTrue(session.call("Status")["running"])

    def test_second_home_on_one_bus_refuses(self):
        session = self.session
        self.start(server=False)
        os.makedirs(session.path("other"))
        second = subprocess.Popen([XDGTIDYD], env=session.env | {"HOME": session.path("other")},
                                  stderr=subprocess.DEVNULL)
        session.children.append(second)
        self.assertEqual(session.wait_exit(second), 6)

    def test_end_of_the_bus(self):
        session = self.session
        self.start(server=False)
        session.bus_child.kill()
        self.assertEqual(session.wait_exit(), 0)

    def test_interrupt(self):
        self.start(server=False)
        self.assertEqual(self.session.stop_daemon(signal.SIGINT), 0)
        self.session.wait_told("STOPPING=1")

    def test_no_names_in_the_log(self):
        session = self.session
        self.start()
        self.consent()
        session.write("Download/secret.pdf")
        session.wait(lambda: session.exists("Downloads/secret.pdf"), "the merge")
        session.wait_signal("Merged")
        session.stop_daemon()
        self.assertIn("merged DOWNLOAD", session.read_log())
        self.assertNotIn("secret", session.read_log())

    def test_watchdog(self):
        session = self.session
        session.env["WATCHDOG_USEC"] = "200000"
        self.start(server=False)
        session.wait_told("WATCHDOG=1")


class Cost(DaemonTest):
    def settled(self):
        """A daemon that has nothing left to do, with a server and a configured home."""
        session = self.session
        for name in ("Documents", "Music", "Pictures", "Videos", "Desktop", "Templates", "Public"):
            os.makedirs(session.path(name))
        session.write(".config/user-dirs.dirs", "".join(
            f'XDG_{key}_DIR="$HOME/{name}"\n' for key, name in (
                ("DOWNLOAD", "Downloads"), ("DOCUMENTS", "Documents"), ("MUSIC", "Music"),
                ("PICTURES", "Pictures"), ("VIDEOS", "Videos"), ("DESKTOP", "Desktop"),
                ("TEMPLATES", "Templates"), ("PUBLICSHARE", "Public"))))
        session.write("Musik/a")
        self.start()
        self.consent()
        session.write("Download/later")
        session.wait_note("1 entry merged")
        session.wait(lambda: session.call("Status")["working"] == "", "the end of the work")
        return session

    def test_watches(self):
        watches = self.settled().call("Status")["watches"]
        print(f"# {watches} watches")
        self.assertLess(watches, 20)

    def test_memory(self):
        if IS_SANITIZED:
            self.skipTest("a sanitizer needs memory of its own")
        session = self.settled()
        with open(f"/proc/{session.daemon.pid}/smaps_rollup", encoding="ascii") as lines:
            sizes = dict(re.findall(r"^(\w+):\s+(\d+) kB", lines.read(), re.M))
        print(f"# RSS {sizes['Rss']} kB, of which private {sizes['Private_Dirty']} kB")
        self.assertLess(int(sizes["Rss"]), 10 * 1024)

    def test_idle_means_no_wakeups(self):
        if shutil.which("strace") is None:
            self.skipTest("there is no strace")
        if IS_SANITIZED:
            self.skipTest("the sanitizer's own thread wakes up")
        session = self.settled()
        # Longer than every time that --settle-ms sets; XDGTIDY_IDLE_SEC=60 for the whole minute.
        seconds = int(os.environ.get("XDGTIDY_IDLE_SEC", "5"))
        trace = session.path("run/trace")  # not in the home: that would wake it
        tracer = session.spawn(["timeout", "-s", "INT", str(seconds), "strace", "-f", "-qq", "-o", trace,
                                "-p", str(session.daemon.pid)], stderr=subprocess.DEVNULL)
        session.wait(lambda: tracer.poll() is not None, "strace", patience=seconds + 30)
        if tracer.returncode not in (0, 124, 130) or not os.path.exists(trace):
            self.skipTest("strace may not attach here")
        with open(trace, encoding="ascii", errors="replace") as lines:
            calls = [line for line in lines if "<detached" not in line and "resumed" not in line]
        # Attaching shows the call in which each thread sleeps, which never returns.
        awake = [line for line in calls if "<unfinished" not in line]
        self.assertEqual(awake, [])


class NoBus(DaemonTest):
    has_bus = False

    def test_works_without_a_bus(self):
        session = self.session
        session.write("Download/a")
        session.write(".local/state/xdgtidy/answers",
                      f"[Answers]\n{session.path('Download')}=yes;1700000000;DOWNLOAD;\n")
        session.start_daemon()
        session.wait(lambda: session.exists("Downloads/a") and not session.exists("Download"), "the merge")
        self.assertIn("no session bus", session.read_log())
        second = session.spawn([XDGTIDYD], stderr=subprocess.DEVNULL)
        self.assertEqual(session.wait_exit(second), 6)
        self.assertEqual(session.stop_daemon(), 0)

    def test_bus_that_does_not_answer(self):
        session = self.session
        session.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nonexistent/bus"
        session.start_daemon()
        self.assertIn("session bus: ", session.read_log())
        self.assertEqual(session.stop_daemon(), 0)


if __name__ == "__main__":
    taprunner.main(argv=[name for name in sys.argv[2:] if name != "sanitized"])
