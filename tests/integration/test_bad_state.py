#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real command over journals and state directories that are not as it left them: cut, flipped, newer, another
# home's, of a home that came back from a backup, read-only, full. It refuses or recovers, says where and what to do,
# and loses nothing. I/O: scratch homes.
"""usage: test_bad_state.py XDGTIDY [full] [TEST...]"""
import errno
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import taprunner

XDGTIDY = os.path.abspath(sys.argv[1])
IS_FULL = "full" in sys.argv[2:]
SAMPLE = 1 if IS_FULL else 7  # every so many bytes
DEADLINE = 60
FILES = {"a.txt": "a", "same.txt": "same", "taken.txt": "new", "sub/deep.txt": "deep", "sub/x.txt": "x"}
TARGET = {"same.txt": "same", "taken.txt": "old", "sub/there.txt": "there"}
VERSION_AT = 8 + 8 + 4 + 8  # frame, sequence number, kind, magic
OK, TROUBLE, REFUSED, PARTIAL, LOCKED = 0, 1, 4, 5, 6


class HomeCase(unittest.TestCase):
    def setUp(self):
        # In memory where there is some: a home for each damage, and every merge is made durable.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="xdgtidy-bad-", dir=memory))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.home = self.make_home("home")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "DBUS_"))}

    def make_home(self, name):
        home = os.path.join(self.root, name)
        for base, files in (("Download", FILES), ("Downloads", TARGET)):
            for file, text in files.items():
                self.write(os.path.join(home, base, file), text)
        self.write(os.path.join(home, ".config/user-dirs.dirs"), 'XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
        return home

    @staticmethod
    def write(path, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)

    def run_tidy(self, *command, home=None, **env):
        return subprocess.run([XDGTIDY, "--direct", *command], check=False, capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, timeout=DEADLINE,
                              env=self.env | {"HOME": home or self.home} | env)

    def contents(self, home=None):
        """Every text of the home's files, how often it is there; the Trash counts, the journals do not."""
        texts = []
        for base, _, names in os.walk(home or self.home):
            if "/xdgtidy" in base or base.endswith("/info"):
                continue
            for name in names:
                with open(os.path.join(base, name), encoding="utf-8") as text:
                    texts.append(text.read())
        return sorted(texts)

    def journal(self, number=1, home=None):
        return os.path.join(home or self.home, f".local/state/xdgtidy/{number:08}.journal")

    def merge(self, **options):
        result = self.run_tidy("merge", "--yes", **options)
        self.assertEqual(result.returncode, OK, result.stderr)

    def read(self, name, home=None):
        with open(os.path.join(home or self.home, name), encoding="utf-8") as text:
            return text.read()

    def assert_back(self):
        for base, files in (("Download", FILES), ("Downloads", TARGET)):
            for file, text in files.items():
                self.assertEqual(self.read(os.path.join(base, file)), text)

    def assert_merged(self):
        for file in ("a.txt", "same.txt", "taken.txt", "taken (2).txt", "sub/deep.txt", "sub/there.txt"):
            self.read(os.path.join("Downloads", file))
        self.assertFalse(os.path.exists(os.path.join(self.home, "Download")))


class Journals(HomeCase):
    """A merge that was made, and then its journal damaged; each damage on a copy of that home."""

    def setUp(self):
        super().setUp()
        self.before = self.contents()
        self.merge()
        with open(self.journal(), "rb") as journal:
            self.good = journal.read()

    def try_bytes(self, data, what):
        """undo, then merge, then undo, with that journal; the same inodes, so on the home itself."""
        with open(self.journal(), "wb") as journal:
            journal.write(data)
        history = self.run_tidy("history", "--json")
        self.assertEqual(history.returncode, OK, what + history.stderr)
        json.loads(history.stdout)
        undone = self.run_tidy("undo", "1")
        self.assertIn(undone.returncode, (OK, TROUBLE, PARTIAL, REFUSED), what + undone.stderr)
        self.assertEqual(self.contents(), self.before, what)
        if undone.returncode == TROUBLE:
            self.assertIn(self.journal(), undone.stderr, what)
            self.assert_merged()
        merged = self.run_tidy("merge", "--yes")
        self.assertIn(merged.returncode, (OK, PARTIAL), what + merged.stderr)
        self.assertEqual(self.contents(), self.before, what)
        return undone.returncode

    def reset(self):
        shutil.rmtree(self.home)
        self.make_home("home")
        self.merge()
        with open(self.journal(), "rb") as journal:
            self.good = journal.read()

    def test_cut_at_every_byte(self):
        seen, size = set(), 0
        while size <= len(self.good):
            seen.add(self.try_bytes(self.good[:size], f"cut at {size}: "))
            self.reset()
            size = size + SAMPLE if size + SAMPLE < len(self.good) or size == len(self.good) else len(self.good)
        self.assertIn(TROUBLE, seen)
        self.assertIn(OK, seen)

    def test_flipped_bits(self):
        chance, at = random.Random(1), 0
        while at < len(self.good):
            bad = bytearray(self.good)
            bad[at] ^= 1 << chance.randrange(8)
            self.try_bytes(bytes(bad), f"byte {at} is {bad[at]:#x}: ")
            self.reset()
            at += 1 if IS_FULL else chance.randrange(1, 2 * SAMPLE)

    def test_garbage(self):
        for what, data in (("empty", b""), ("zeros", bytes(4096)), ("text", b"hello\n" * 100),
                           ("random", random.Random(2).randbytes(4096)), ("twice", self.good + self.good)):
            self.try_bytes(data, what + ": ")
            self.reset()

    def test_newer_version(self):
        bad = bytearray(self.good)
        struct.pack_into("<I", bad, VERSION_AT, 2)
        self.assertEqual(with_checksum(self.good), self.good)
        with open(self.journal(), "wb") as journal:
            journal.write(with_checksum(bad))
        result = self.run_tidy("undo", "1")
        self.assertEqual(result.returncode, TROUBLE)
        self.assertIn(self.journal(), result.stderr)
        self.assertIn("another version of xdgtidy", result.stderr)

    def test_unreadable(self):
        os.unlink(self.journal())
        os.mkdir(self.journal())
        result = self.run_tidy("undo", "1")
        self.assertEqual(result.returncode, TROUBLE)
        self.assertIn(self.journal(), result.stderr)
        self.assert_merged()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def with_checksum(data):
    """The header's record with its checksum made anew (docs/journal-format.md)."""
    length = struct.unpack_from("<I", data, 0)[0]
    data = bytearray(data)
    struct.pack_into("<I", data, 4, crc32c(bytes(16) + bytes(data[8:8 + length])))
    return bytes(data)


class OtherHomes(HomeCase):
    def test_another_homes_journal(self):
        """Copied from one home to another: it is that one's business."""
        other = self.make_home("other")
        self.merge(home=other)
        os.makedirs(os.path.dirname(self.journal()))
        shutil.copy(self.journal(home=other), self.journal())
        before, others = self.contents(), self.contents(other)
        result = self.run_tidy("undo", "1")
        self.assertNotEqual(result.returncode, OK)
        self.assertEqual((self.contents(), self.contents(other)), (before, others))
        self.merge()
        self.assert_merged()
        self.assertEqual(self.run_tidy("undo").returncode, OK)
        self.assert_back()

    def test_restored_home(self):
        """The home came back from a backup: the same names, other inodes. No word of the journal counts then."""
        self.merge()
        shutil.copytree(self.home, self.home + ".copy", symlinks=True)
        shutil.rmtree(self.home)
        os.rename(self.home + ".copy", self.home)
        before = self.contents()
        result = self.run_tidy("undo", "1")
        self.assertEqual(result.returncode, REFUSED, result.stdout)
        self.assertIn("backup", result.stderr)
        self.assertIn("xdgtidy history 1", result.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.home, "Download")))
        self.assertEqual(self.contents(), before)
        self.assert_merged()

    def test_restored_in_the_middle(self):
        """... and the backup was made while a merge was interrupted: what is left is merged by a new plan."""
        before = self.contents()
        self.merge()
        with open(self.journal(), "rb") as journal:
            data = journal.read()
        shutil.rmtree(self.home)
        self.make_home("home")
        os.makedirs(os.path.dirname(self.journal()), exist_ok=True)
        with open(self.journal(), "wb") as journal:
            journal.write(data[:-64])
        result = self.run_tidy("merge", "--yes")
        self.assertIn(result.returncode, (OK, PARTIAL), result.stderr)
        self.assertEqual(self.contents(), before)

    def test_two_homes_with_one_state_directory(self):
        """Each sees, and undoes, its own."""
        other = self.make_home("other")
        shared = {"XDG_STATE_HOME": os.path.join(self.root, "state")}
        self.merge(**shared)
        self.merge(home=other, **shared)
        for home in (self.home, other):
            operations = json.loads(self.run_tidy("history", "--json", home=home, **shared).stdout)["operations"]
            self.assertEqual([op["stray"] for op in operations], [os.path.join(home, "Download")])
        self.assertEqual(self.run_tidy("undo", home=self.home, **shared).returncode, OK)
        self.assert_back()
        self.assertTrue(os.path.exists(os.path.join(other, "Downloads/a.txt")))
        self.assertNotEqual(self.run_tidy("undo", "2", home=self.home, **shared).returncode, OK)
        self.assertTrue(os.path.exists(os.path.join(other, "Downloads/a.txt")))
        self.assertEqual(self.run_tidy("undo", home=other, **shared).returncode, OK)


class States(HomeCase):
    def tidy_as_nobody(self, *command):
        if os.getuid() != 0:
            return self.run_tidy(*command)
        for base, dirs, files in os.walk(self.root):
            for name in dirs + files + ["."]:
                os.chown(os.path.join(base, name), 65534, 65534, follow_symlinks=False)
        return subprocess.run([XDGTIDY, "--direct", *command], check=False, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE, env=self.env | {"HOME": self.home},
                              user=65534, group=65534, extra_groups=[])

    def test_read_only(self):
        state = os.path.join(self.home, ".local/state/xdgtidy")
        os.makedirs(state)
        os.chmod(state, 0o500)
        before = self.contents()
        result = self.tidy_as_nobody("merge", "--yes")
        if "No such file" in result.stderr or result.returncode == 126:
            self.skipTest("another user cannot run the command from here")
        self.assertEqual(result.returncode, TROUBLE, result.stderr)
        self.assertIn(state, result.stderr)
        self.assertIn(os.strerror(errno.EACCES), result.stderr)
        self.assertEqual(self.contents(), before)
        self.assertTrue(os.path.exists(os.path.join(self.home, "Download/a.txt")))
        self.assertEqual(self.tidy_as_nobody("scan").returncode, TROUBLE)  # 1: there are strays

    def test_full(self):
        """No room for the journal: nothing is changed, and where there is no room is said."""
        if os.getuid() != 0:
            self.skipTest("mounting needs root")
        if subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("no mount namespaces here")
        state = os.path.join(self.home, ".local/state/xdgtidy")
        os.makedirs(state)
        script = (f"mount -t tmpfs -o size=8k,nr_inodes=4 tmpfs {state} && "
                  f"head -c 100000 /dev/zero > {state}/filler; exec {XDGTIDY} --direct merge --yes")
        result = subprocess.run(["unshare", "--mount", "sh", "-c", script], check=False, capture_output=True, text=True,
                                stdin=subprocess.DEVNULL, timeout=DEADLINE, env=self.env | {"HOME": self.home})
        if "permission denied" in result.stderr or "Operation not permitted" in result.stderr:
            self.skipTest("mounting is not allowed here")
        self.assertEqual(result.returncode, TROUBLE, result.stderr)
        self.assertIn(state, result.stderr)
        self.assertIn(os.strerror(errno.ENOSPC), result.stderr)
        self.assertTrue(os.path.exists(os.path.join(self.home, "Download/a.txt")))

    def test_a_file_in_its_place(self):
        self.write(os.path.join(self.home, ".local/state/xdgtidy"), "a file")
        result = self.run_tidy("merge", "--yes")
        self.assertEqual(result.returncode, TROUBLE, result.stderr)
        self.assertIn(os.path.join(self.home, ".local/state/xdgtidy"), result.stderr)
        self.assertTrue(os.path.exists(os.path.join(self.home, "Download/a.txt")))


if __name__ == "__main__":
    taprunner.main(argv=[word for word in sys.argv[2:] if word != "full"])
