#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real command on real homes, without a daemon: what it does to files, what it says, what it exits with.
# I/O: scratch homes, child processes.
"""usage: test_cli.py XDGTIDY [TEST...]"""
import base64
import fcntl
import hashlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import taprunner

XDGTIDY = os.path.abspath(sys.argv[1])
DEADLINE = 60  # seconds: only a hang takes as long
LONG_AGO = 1714737600  # no settle time minds it
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
HOSTILE = [b"new\nline.txt", b"esc\x1b[2Jape.txt", b"latin\xe9.txt", b"-n", b"\xe2\x80\xaeexe.txt", b"a" * 255]


def write(path, content=b"x", when=LONG_AGO):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)
    os.utime(path, (when, when))


def tree(top):
    """Everything that must come back: kind, content, mode and modification time of each entry."""
    found = {}
    for where, dirs, files in os.walk(os.fsencode(top)):
        for name in dirs + files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            if os.path.islink(path):
                content = os.readlink(path)
            elif os.path.isdir(path):
                content = b"/"
            else:
                with open(path, "rb") as data:
                    content = hashlib.sha256(data.read()).digest()
            found[os.path.relpath(path, os.fsencode(top))] = (content, st.st_mode, st.st_mtime_ns)
    return found


class HomeCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = os.path.join(scratch.name, "home")
        os.mkdir(self.home)
        self.env = {
            "HOME": self.home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm", "TZ": "UTC",
            "XDG_RUNTIME_DIR": scratch.name, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", ""),
        }
        write(self.at(".config/user-dirs.dirs"),
              b'XDG_DOWNLOAD_DIR="$HOME/Downloads"\nXDG_DOCUMENTS_DIR="$HOME/Documents"\n')
        os.mkdir(self.at("Downloads"))
        os.mkdir(self.at("Documents"))

    def at(self, *names):
        return os.path.join(self.home, *names)

    def make_stray(self):
        write(self.at("Downloads/notes.txt"), b"march")
        write(self.at("Download/notes.txt"), b"april")
        write(self.at("Downloads/song.ogg"), b"same")
        write(self.at("Download/song.ogg"), b"same")
        write(self.at("Downloads/photos/sea.jpg"), b"sea")
        write(self.at("Download/photos/hills.jpg"), b"hills")
        write(self.at("Download/recipes/bread.txt"), b"flour")
        os.utime(self.at("Download/recipes"), (LONG_AGO, LONG_AGO))

    def run_cli(self, *args, code=None):
        result = subprocess.run([XDGTIDY, *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                                cwd=self.home, timeout=DEADLINE, check=False)
        if code is not None:
            self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def json_of(self, *args, code=None):
        return json.loads(self.run_cli("--json", *args, code=code).stdout)


class Scan(HomeCase):
    def test_clean_home(self):
        self.assertIn(b"No stray directories", self.run_cli("scan", code=0).stdout)
        self.run_cli("merge", "--yes", code=0)

    def test_stray(self):
        self.make_stray()
        self.assertIn(b"~/Download -> ~/Downloads", self.run_cli("scan", code=1).stdout)

    def test_changes_nothing(self):
        self.make_stray()
        before = tree(self.home)
        self.run_cli("scan")
        self.run_cli("status", code=3)
        self.run_cli("merge", "--dry-run")
        self.run_cli("history")
        after = tree(self.home)
        self.assertEqual({k: v for k, v in after.items() if not k.startswith(b".local")}, before)

    def test_schema(self):
        self.make_stray()
        report = self.json_of("scan", code=1)
        self.assertEqual(report["version"], 1)
        self.assertEqual(report["home"], self.home)
        self.assertIn({"key": "DOWNLOAD", "path": self.at("Downloads"), "state": "ok"}, report["dirs"])
        stray, = report["strays"]
        self.assertEqual(stray["stray"], self.at("Download"))
        self.assertEqual(stray["target"], self.at("Downloads"))
        self.assertEqual(stray["key"], "DOWNLOAD")
        self.assertIn(stray["verdict"], ("merge", "propose"))
        self.assertIn(stray["mode"], ("auto", "ask", "report"))
        for key in ("entries", "bytes"):
            self.assertIsInstance(stray[key], int)
        for reason in stray["reasons"]:
            self.assertRegex(reason["code"], r"^[a-z0-9-]+$")

    def test_bad_configuration(self):
        self.make_stray()
        write(self.at(".config/xdgtidy/xdgtidy.conf"), b"[merge]\ncolisions = skip\n")
        before = tree(self.at("Download"))
        for args in (("scan",), ("merge", "--yes"), ("config", "check")):
            result = self.run_cli(*args, code=2)
            self.assertIn(b"xdgtidy.conf:2:", result.stdout + result.stderr)
        self.assertEqual(tree(self.at("Download")), before)


class Merge(HomeCase):
    def test_merge_and_undo(self):
        self.make_stray()
        before = {name: tree(self.at(name)) for name in ("Download", "Downloads")}
        self.run_cli("merge", "--yes", code=0)
        self.assertFalse(os.path.exists(self.at("Download")))
        with open(self.at("Downloads/notes (2).txt"), "rb") as data:
            self.assertEqual(data.read(), b"april")
        self.assertEqual(sorted(os.listdir(self.at("Downloads"))),
                         ["notes (2).txt", "notes.txt", "photos", "recipes", "song.ogg"])
        self.run_cli("undo", code=0)
        for name, entries in before.items():
            self.assertEqual(tree(self.at(name)), entries)

    def test_undo_of_the_undo(self):
        self.make_stray()
        self.run_cli("merge", "--yes", code=0)
        merged = set(tree(self.at("Downloads")))
        self.run_cli("undo", code=0)
        self.assertIn(b"Nothing to undo", self.run_cli("undo", code=0).stdout)
        self.run_cli("undo", "2", code=0)
        self.assertEqual(set(tree(self.at("Downloads"))), merged)
        self.assertFalse(os.path.exists(self.at("Download")))

    def test_dry_run_says_what_merge_says(self):
        self.make_stray()
        plan = self.run_cli("merge", "--dry-run", "--verbose", code=0).stdout
        merge = self.run_cli("merge", "--yes", "--verbose", code=0).stdout
        self.assertEqual(plan.split(b"\n\n")[0], merge.split(b"\n\n")[0])
        self.assertIn(b"notes.txt -> 'notes (2).txt'", merge)

    def test_dry_run_has_the_steps_of_merge(self):
        self.make_stray()
        plan = self.json_of("merge", "--dry-run")
        merge = self.json_of("merge", "--yes")
        self.assertEqual(plan["id"], 0)
        self.assertGreater(merge["id"], 0)
        key = [(s["op"], s["from"], s["why"]) for s in plan["operations"][0]["steps"]]
        self.assertEqual([(s["op"], s["from"], s["why"]) for s in merge["operations"][0]["steps"]], key)
        self.assertEqual(plan["operations"][0]["counts"], merge["operations"][0]["counts"])

    def test_nobody_to_ask(self):
        self.make_stray()
        before = tree(self.home)
        self.assertIn(b"--yes", self.run_cli("merge", code=4).stderr)
        self.assertEqual(tree(self.home), before)

    def test_partial(self):
        self.make_stray()
        write(self.at("Download/film.mkv.part"), b"half", time.time())
        result = self.run_cli("merge", "--yes", code=5)
        self.assertIn(b"film.mkv.part", result.stdout)
        self.assertEqual(os.listdir(self.at("Download")), ["film.mkv.part"])

    def test_named_stray(self):
        self.make_stray()
        self.run_cli("merge", "--yes", "Download", code=0)
        self.assertTrue(os.path.exists(self.at("Downloads/recipes/bread.txt")))

    def test_named_stray_and_target(self):
        write(self.at("old/a.txt"))
        self.run_cli("merge", "--yes", "old", "Documents", code=0)
        self.assertTrue(os.path.exists(self.at("Documents/a.txt")))

    def test_refused(self):
        os.makedirs(self.at("Downloads/inner"))
        for pair in (("Downloads/inner", "Downloads"), ("Downloads", "Downloads/inner"), ("Downloads", "Downloads"),
                     (".", "Downloads"), ("Downloads", "."), ("Documents", "Downloads")):
            with self.subTest(pair):
                result = self.run_cli("merge", "--yes", *pair, code=4)
                self.assertNotEqual(result.stdout + result.stderr, b"")
        self.assertTrue(os.path.isdir(self.at("Downloads/inner")))
        self.assertTrue(os.path.isdir(self.at("Documents")))

    def test_not_there(self):
        result = self.run_cli("merge", "--yes", "nowhere")
        self.assertIn(result.returncode, (2, 4))
        self.assertIn(b"nowhere", result.stderr)

    def test_unknown_operation(self):
        self.assertIn(b"99", self.run_cli("undo", "99", code=2).stderr)
        self.assertEqual(json.loads(self.run_cli("undo", "99", "--json", code=2).stderr)["error"]["code"], "not-found")

    def test_nothing_to_undo(self):
        self.run_cli("undo", code=0)

    def test_locked(self):
        self.make_stray()
        state = self.at(".local/state/xdgtidy")
        os.makedirs(state, mode=0o700)
        with open(os.path.join(state, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = self.run_cli("merge", "--yes", code=6)
            self.assertIn(b"at work", result.stderr)
            error = json.loads(self.run_cli("merge", "--yes", "--json", code=6).stderr)
            self.assertEqual(error["error"]["code"], "locked")
            self.run_cli("merge", "--dry-run", code=0)
        self.run_cli("merge", "--yes", code=0)


class Names(HomeCase):
    def setUp(self):
        super().setUp()
        for name in HOSTILE:
            write(os.path.join(os.fsencode(self.home), b"Download", name))

    def test_output_is_harmless(self):
        for args in (("scan",), ("merge", "-n", "-v"), ("merge", "-y", "-v"), ("history", "1"), ("undo", "-v")):
            result = self.run_cli(*args)
            for stream in (result.stdout, result.stderr):
                self.assertNotIn(b"\x1b", stream)
                self.assertNotIn(b"\xe9", stream)
                self.assertNotIn(b"\xe2\x80\xae", stream)
                self.assertNotIn(b"line.txt\n  ", stream.replace(b"new\\x0aline.txt", b""))

    def test_bytes_survive(self):
        self.run_cli("merge", "--yes", code=0)
        self.assertEqual(sorted(os.listdir(os.fsencode(self.at("Downloads")))), sorted(HOSTILE))
        self.run_cli("undo", code=0)
        self.assertEqual(sorted(os.listdir(os.fsencode(self.at("Download")))), sorted(HOSTILE))

    def test_json_has_the_bytes(self):
        steps = self.json_of("merge", "--yes", code=0)["operations"][0]["steps"]
        raw = [base64.b64decode(step["from_b64"]) for step in steps if "from_b64" in step]
        # All that cannot be shown as it is, and nothing else.
        names = [b"esc\x1b[2Jape.txt", b"latin\xe9.txt", b"new\nline.txt", "\u202eexe.txt".encode()]
        self.assertEqual(raw, [os.path.join(os.fsencode(self.home), b"Download", name) for name in names])


class History(HomeCase):
    def test_schema(self):
        self.make_stray()
        self.run_cli("merge", "--yes", code=0)
        self.run_cli("undo", code=0)
        report = self.json_of("history", code=0)
        undo, merge = report["operations"]
        self.assertEqual((merge["kind"], merge["state"], merge["undone-by"]), ("merge", "undone", undo["id"]))
        self.assertEqual((undo["kind"], undo["state"], undo["undoes"]), ("undo", "done", merge["id"]))
        for operation in (undo, merge):
            for key in ("begin", "end"):
                self.assertRegex(operation[key], TIME)
            self.assertGreater(operation["counts"]["moved"], 0)

    def test_one(self):
        self.make_stray()
        self.run_cli("merge", "--yes", code=0)
        operation, = self.json_of("history", "1", code=0)["operations"]
        self.assertIn(("move", self.at("Download/notes.txt"), self.at("Downloads/notes (2).txt")),
                      {(step["op"], step["from"], step["to"]) for step in operation["steps"]})
        self.assertIn(b"notes.txt -> 'notes (2).txt'", self.run_cli("history", "1", code=0).stdout)


class Interrupted(HomeCase):
    N_FILES = 4000

    def test_stops_and_goes_on(self):
        for i in range(self.N_FILES):
            write(self.at("Download", "shared", f"file-{i}"), b"%d" % i)
        os.mkdir(self.at("Downloads/shared"))
        child = subprocess.Popen([XDGTIDY, "merge", "--yes"], env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while child.poll() is None and not os.listdir(self.at("Downloads/shared")):
            select.select([], [], [], 0.001)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=DEADLINE)
        left = len(os.listdir(self.at("Download/shared"))) if os.path.exists(self.at("Download/shared")) else 0
        if left > 0:  # else it was through before the signal came
            self.assertEqual(child.returncode, 130, output + errors)
            self.assertIn(b"goes on from here", output + errors)
        self.assertEqual(left + len(os.listdir(self.at("Downloads/shared"))), self.N_FILES)
        self.run_cli("merge", "--yes", code=0)
        self.assertEqual(len(os.listdir(self.at("Downloads/shared"))), self.N_FILES)
        self.assertFalse(os.path.exists(self.at("Download")))


class Pause(HomeCase):
    def test_is_remembered(self):
        self.run_cli("pause", code=0)
        self.assertTrue(self.json_of("status", code=3)["paused"])
        self.run_cli("resume", code=0)
        self.assertFalse(self.json_of("status", code=3)["paused"])


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[2:])
