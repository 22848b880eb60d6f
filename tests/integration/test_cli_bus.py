#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real command and the real daemon on a bus of their own: both ways of working say and do the same.
# I/O: scratch homes, child processes.
"""usage: test_cli_bus.py XDGTIDY XDGTIDYD [TEST...]"""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import taprunner

XDGTIDY, XDGTIDYD = (os.path.abspath(path) for path in sys.argv[1:3])
DEADLINE = 60  # seconds: only a hang takes as long
LONG_AGO = 1714737600

BUS = """<busconfig><type>session</type><listen>unix:path={}</listen><policy context="default">
<allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""


def write(path, content=b"x"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)
    os.utime(path, (LONG_AGO, LONG_AGO))


class BusCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = os.path.join(scratch.name, "home")
        socket = os.path.join(scratch.name, "bus")
        self.env = {
            "HOME": self.home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "dumb", "TZ": "UTC",
            "XDG_RUNTIME_DIR": scratch.name, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={socket}",
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", ""),
        }
        write(self.at(".config/user-dirs.dirs"),
              b'XDG_DOWNLOAD_DIR="$HOME/Downloads"\nXDG_DOCUMENTS_DIR="$HOME/Documents"\n')
        os.mkdir(self.at("Downloads"))
        os.mkdir(self.at("Documents"))
        config = os.path.join(scratch.name, "bus.conf")
        write(config, BUS.format(socket).encode())
        self.start_bus(config)

    def start_bus(self, config):
        bus = subprocess.Popen(["dbus-daemon", "--nofork", f"--config-file={config}", "--print-address"],
                               env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, bus)
        self.assertTrue(bus.stdout.readline())

    def start_daemon(self):
        daemon = subprocess.Popen([XDGTIDYD], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.end, daemon)
        while self.run_cli("status").returncode == 3:
            self.assertIsNone(daemon.poll(), "the daemon ended")
        return daemon

    def end(self, process):
        process.terminate()
        process.wait(DEADLINE)
        if process.stdout is not None:
            process.stdout.close()

    def at(self, *names):
        return os.path.join(self.home, *names)

    def run_cli(self, *args, code=None):
        result = subprocess.run([XDGTIDY, *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                                cwd=self.home, timeout=DEADLINE, check=False)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def make_stray(self):
        write(self.at("Downloads/notes.txt"), b"march")
        write(self.at("Download/notes.txt"), b"april")
        write(self.at("Download/report.pdf"), b"r")


class WithDaemon(BusCase):
    def test_scan_is_the_same_both_ways(self):
        self.make_stray()
        self.start_daemon()
        by_bus = json.loads(self.run_cli("scan", "--json", code=1).stdout)
        here = json.loads(self.run_cli("scan", "--json", "--direct", code=1).stdout)
        self.assertEqual(by_bus, here)

    def test_plan_is_the_same_both_ways(self):
        self.make_stray()
        self.start_daemon()
        self.assertEqual(self.run_cli("merge", "-n", code=0).stdout, self.run_cli("merge", "-n", "--direct", code=0).stdout)

    def test_merge_and_undo(self):
        self.make_stray()
        daemon = self.start_daemon()
        self.assertIn(b"xdgtidy undo 1", self.run_cli("merge", "--yes", code=0).stdout)
        self.assertEqual(sorted(os.listdir(self.at("Downloads"))), ["notes (2).txt", "notes.txt", "report.pdf"])
        self.assertIn(b"notes.txt -> 'notes (2).txt'", self.run_cli("history", "1", code=0).stdout)
        self.run_cli("undo", code=0)
        self.assertEqual(sorted(os.listdir(self.at("Download"))), ["notes.txt", "report.pdf"])
        self.assertIsNone(daemon.poll())

    def test_duplicates_are_folded_and_taken_apart(self):
        write(self.at("Downloads/a.iso"), b"iso" * 1000)
        write(self.at("Documents/a.iso"), b"iso" * 1000)
        inode = lambda: (os.stat(self.at("Downloads/a.iso")).st_ino, os.stat(self.at("Documents/a.iso")).st_ino)
        before = inode()
        self.start_daemon()
        self.assertIn(b"xdgtidy undo 1", self.run_cli("dupes", "--hardlink", "--yes", code=0).stdout)
        self.assertEqual(len(set(inode())), 1)
        self.assertIn(b"duplicates in", self.run_cli("history", code=0).stdout)
        self.run_cli("undo", code=0)
        self.assertEqual(len(set(inode())), 2)
        # both, where the new file got the number that the old one left free
        self.assertTrue(set(before) & set(inode()), "the one that was kept")
        self.run_cli("dupes", "--trash", "--yes", code=0)
        self.assertEqual(sum(map(os.path.exists, (self.at("Downloads/a.iso"), self.at("Documents/a.iso")))), 1)
        self.run_cli("undo", code=0)
        self.assertTrue(all(map(os.path.exists, (self.at("Downloads/a.iso"), self.at("Documents/a.iso")))))

    def test_status(self):
        self.make_stray()
        daemon = self.start_daemon()
        report = json.loads(self.run_cli("status", "--json", code=0).stdout)
        self.assertEqual((report["version"], report["running"], report["pid"]), (1, True, daemon.pid))
        self.assertIn(b"process %d" % daemon.pid, self.run_cli("status", code=0).stdout)

    def test_pause(self):
        self.start_daemon()
        self.run_cli("pause", code=0)
        self.assertTrue(json.loads(self.run_cli("status", "--json").stdout)["paused"])
        self.assertIn(b"xdgtidy resume", self.run_cli("status").stdout)
        self.run_cli("resume", code=0)
        self.assertFalse(json.loads(self.run_cli("status", "--json").stdout)["paused"])

    def test_errors_are_the_same_both_ways(self):
        os.mkdir(self.at("Downloads/inner"))
        self.start_daemon()
        for args, code in ((("merge", "-y", "Documents", "Downloads"), 4), (("undo", "99"), 2),
                           (("merge", "-y", "Downloads/inner", "Downloads"), 4), (("merge", "-y", "nowhere"), 2)):
            with self.subTest(args):
                by_bus = self.run_cli(*args, code=code)
                here = self.run_cli(*args, "--direct")
                self.assertEqual((here.returncode, here.stderr), (by_bus.returncode, by_bus.stderr))

    def test_names_that_are_no_text(self):
        os.mkdir(os.fsencode(self.at("old")) + b"\xff")
        write(self.at("a.txt"))
        os.rename(self.at("a.txt"), os.path.join(os.fsencode(self.at("old")) + b"\xff", b"b\xfe.txt"))
        self.start_daemon()
        self.run_cli(b"merge", b"-y", b"old\xff", b"Documents", code=0)
        self.assertEqual(os.listdir(os.fsencode(self.at("Documents"))), [b"b\xfe.txt"])

    def test_interrupt_leaves_the_daemon_running(self):
        n_files = 4000
        os.mkdir(self.at("Downloads/shared"))
        for i in range(n_files):
            write(self.at("Download/shared", f"file-{i}"), b"%d" % i)
        daemon = self.start_daemon()
        child = subprocess.Popen([XDGTIDY, "merge", "--yes"], env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while child.poll() is None and not os.listdir(self.at("Downloads/shared")):
            select.select([], [], [], 0.001)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=DEADLINE)
        self.assertIn(child.returncode, (130, 0), output + errors)
        self.assertIsNone(daemon.poll())
        self.run_cli("merge", "--yes", code=0)
        self.assertEqual(len(os.listdir(self.at("Downloads/shared"))), n_files)


class WithoutDaemon(BusCase):
    def test_the_daemon_is_not_started(self):
        self.make_stray()
        self.run_cli("status", code=3)
        self.run_cli("merge", "--yes", code=0)
        self.assertFalse(os.path.exists(self.at("Download")))

    def test_a_dead_bus_is_no_bus(self):
        self.make_stray()
        self.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere/bus"
        self.run_cli("merge", "--yes", code=0)


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[3:])
