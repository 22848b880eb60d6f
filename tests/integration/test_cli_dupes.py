#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# xdgtidy dupes on real homes: what it lists, in which form, and that it touches nothing. I/O: scratch homes.
"""usage: test_cli_dupes.py XDGTIDY [TEST...]"""
import base64
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import taprunner

XDGTIDY = os.path.abspath(sys.argv[1])
DEADLINE = 60  # seconds: only a hang takes as long


class DupesCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = os.path.join(scratch.name, "home")
        self.env = {
            "HOME": self.home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm",
            "XDG_RUNTIME_DIR": scratch.name, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", ""),
        }
        self.put(".config/user-dirs.dirs", b'XDG_DOWNLOAD_DIR="$HOME/Downloads"\nXDG_DOCUMENTS_DIR="$HOME/Documents"\n')
        self.put("Downloads/report.pdf", b"report" * 1000)
        self.put("Downloads/report (2).pdf", b"report" * 1000)
        self.put("Documents/report.pdf", b"report" * 1000)
        self.put("Documents/letter.odt", b"letter" * 1000)
        self.put("loose.pdf", b"report" * 1000)

    def put(self, path, content):
        path = os.path.join(os.fsencode(self.home), os.fsencode(path))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)

    def run_cli(self, *args, code=0):
        result = subprocess.run([XDGTIDY, "dupes", *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                                cwd=self.home, timeout=DEADLINE, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout

    def groups(self, *args):
        report = json.loads(self.run_cli("--json", *args))
        return [[os.path.relpath(name["path"], self.home) for name in group["names"]] for group in report["groups"]]


class Dupes(DupesCase):
    def test_user_directories_are_the_default(self):
        self.assertEqual([sorted(g) for g in self.groups()],
                         [["Documents/report.pdf", "Downloads/report (2).pdf", "Downloads/report.pdf"]])

    def test_actions(self):
        self.assertIn(b"2 names would go to the Trash", self.run_cli("--trash", "-n"))
        self.run_cli("--trash", code=4)  # nobody can be asked
        self.run_cli("--trash", "--hardlink", code=2)
        self.assertEqual(len(self.groups()), 1, "nothing was done yet")
        self.run_cli("--hardlink", "--yes")
        self.assertEqual(os.stat(os.path.join(self.home, "Downloads/report.pdf")).st_nlink, 3)
        self.run_cli("--protect", "Documents", "--trash", "--yes")
        left = [name for name in ("Downloads/report.pdf", "Downloads/report (2).pdf", "Documents/report.pdf")
                if os.path.exists(os.path.join(self.home, name))]
        self.assertIn("Documents/report.pdf", left)

    def test_text(self):
        text = self.run_cli("Downloads").decode().replace("\u00a0", " ")
        self.assertIn("2 equal files of 6.0 kB", text)
        self.assertIn("* ~/'Downloads/report (2).pdf'", text)
        self.assertIn("1 group", text)

    def test_nothing(self):
        self.assertIn(b"No duplicates", self.run_cli("Documents"))

    def test_summary(self):
        text = self.run_cli("--summary", "Downloads")
        self.assertNotIn(b"report", text)
        self.assertIn(b"1 group", text)

    def test_null(self):
        self.put(b"Downloads/new\nline\xff.pdf", b"report" * 1000)
        raw = self.run_cli("-0", "--keep", "shortest", "Downloads")
        base = os.fsencode(self.home) + b"/Downloads/"
        self.assertEqual(raw, base + b"report.pdf\0" + base + b"new\nline\xff.pdf\0" + base + b"report (2).pdf\0\0")

    def test_names_that_are_not_text(self):
        self.put(b"Downloads/\xff\x1b[2J.pdf", b"report" * 1000)
        self.assertNotIn(b"\x1b[2J", self.run_cli("Downloads"))
        report = json.loads(self.run_cli("--json", "Downloads"))
        raw = [base64.b64decode(n["path_b64"]) for n in report["groups"][0]["names"] if "path_b64" in n]
        self.assertEqual(raw, [os.fsencode(self.home) + b"/Downloads/\xff\x1b[2J.pdf"])

    def test_protect_and_keep(self):
        report = json.loads(self.run_cli("--json", "--protect", "Documents", "Downloads"))
        names = report["groups"][0]["names"]
        self.assertTrue(names[0]["path"].endswith("/Documents/report.pdf"))
        self.assertEqual([n["kept"] for n in names], [True, False, False])
        self.assertEqual(names[0]["why"], ["protected"])

    def test_ignore_and_size(self):
        self.assertEqual(self.groups("--ignore", "*(2)*", "Downloads"), [])
        self.assertEqual(self.groups("--min-size", "6K", "Downloads"), [])
        self.assertEqual(len(self.groups("--min-size", "5.5K", "Downloads")), 1)

    def test_usage(self):
        self.run_cli("--keep", "tallest", code=2)
        self.run_cli("--min-size", "many", code=2)
        self.run_cli("-0", "--json", code=2)
        self.run_cli("nowhere", code=1)

    def test_touches_nothing(self):
        before = self.snapshot()
        self.run_cli()
        self.assertEqual(self.snapshot(), before)

    def snapshot(self):
        """Access times too: a search must not look like use."""
        found = {}
        for where, dirs, files in os.walk(os.path.join(self.home, "Downloads")):
            for name in files:
                st = os.lstat(os.path.join(where, name))
                found[name] = (st.st_mtime_ns, st.st_ctime_ns, st.st_atime_ns, st.st_ino)
        return found


CLONE_NEWNS = 0x20000
MEGABYTE = 1 << 20


class SharedBlocks(DupesCase):
    """On real file systems that share blocks; root's, with mounts of this process' own."""

    def mount(self, kind):
        maker = shutil.which(f"mkfs.{kind}")
        if maker is None:
            self.skipTest(f"there is no mkfs.{kind}")
        if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
            self.skipTest("no mounts of our own: not root")
        image, point = self.home + ".img", self.home + "-disk"
        os.mkdir(point)
        with open(image, "wb") as out:
            out.truncate(400 * MEGABYTE)
        for command in (["mount", "--make-rprivate", "/"], [maker, "-q", image], ["mount", "-o", "loop", image, point]):
            if subprocess.run(command, capture_output=True, check=False).returncode != 0:
                self.skipTest(f"{command[0]} fails here")
        self.addCleanup(subprocess.run, ["umount", point], check=True)
        shutil.move(self.home, point)
        self.home = os.path.join(point, "home")
        self.env["HOME"] = self.home

    def free_bytes(self):
        subprocess.run(["sync", "-f", self.home], check=True)
        room = os.statvfs(self.home)
        return room.f_bfree * room.f_bsize

    def reflink(self, kind):
        self.mount(kind)
        content = os.urandom(8 * MEGABYTE)
        for name in ("Downloads/a.iso", "Downloads/b.iso", "Documents/c.iso"):
            self.put(name, content)
        other = bytes([content[0] ^ 1]) + content[1:]
        self.put("Downloads/other.iso", other)
        before = self.free_bytes()
        text = self.run_cli("--reflink", "--min-size=1M", "--yes")
        self.assertIn(b"xdgtidy undo 1", text)
        self.assertGreater(self.free_bytes() - before, 15 * MEGABYTE)
        report = json.loads(self.run_cli("--json", "--min-size=1M"))
        self.assertEqual((report["reclaimable"], report["counts"]["shared"]), (0, 2))
        with open(os.path.join(self.home, "Downloads/b.iso"), "r+b") as out:
            out.write(b"mine")  # each goes on having its own content
        for name in ("Downloads/a.iso", "Documents/c.iso"):
            with open(os.path.join(self.home, name), "rb") as text:
                self.assertEqual(text.read(), content, name)
        with open(os.path.join(self.home, "Downloads/other.iso"), "rb") as text:
            self.assertEqual(text.read(), other)

    def test_btrfs(self):
        self.reflink("btrfs")

    def test_xfs(self):
        self.reflink("xfs")


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[2:])
