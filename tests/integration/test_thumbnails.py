#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Thumbnails go with their files: the real command and the real daemon over a home with real PNG thumbnails, merged and
# undone. I/O: scratch homes, child processes.
"""usage: test_thumbnails.py XDGTIDY XDGTIDYD [TEST...]"""
import hashlib
import os
import struct
import subprocess
import sys
import unittest
import zlib

sys.dont_write_bytecode = True
import taprunner
from session import GLib, Session

XDGTIDY, XDGTIDYD = (os.path.abspath(path) for path in sys.argv[1:3])
SIZES = {"normal": 128, "large": 256, "x-large": 512, "fail/gnome-thumbnail-factory": 1}
DEADLINE = 120


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(uri, side, mtime, packed):
    """A grey square with the texts that the standard asks for; Qt packs long ones."""
    text = (chunk(b"zTXt", b"Thumb::URI\0\0" + zlib.compress(uri)) if packed
            else chunk(b"tEXt", b"Thumb::URI\0" + uri))
    rows = (b"\0" + b"\x80" * side) * side
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + text
            + chunk(b"tEXt", b"Thumb::MTime\0%d" % mtime) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def parse(data):
    """The chunks of a PNG file as (kind, data), every checksum checked."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = [], 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks.append((kind, body))
        at += 12 + size
    assert chunks[-1] == (b"IEND", b"")
    return chunks


class Thumbnails(unittest.TestCase):
    def setUp(self):
        self.session = Session(XDGTIDYD)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)

    def uri(self, name):
        return GLib.filename_to_uri(self.session.path(name), None).encode()

    def place(self, size, name):
        digest = hashlib.md5(self.uri(name), usedforsecurity=False).hexdigest()
        return self.session.path(f".cache/thumbnails/{size}/{digest}.png")

    def make(self, name, packed=False):
        """A file with its thumbnails."""
        self.session.write(name, name)
        mtime = int(os.stat(self.session.path(name)).st_mtime)
        for size, side in SIZES.items():
            path = self.place(size, name)
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "wb") as out:
                out.write(png(self.uri(name), side, mtime, packed))
            os.chmod(path, 0o600)
            os.utime(path, (1000, 2000))

    def has_all(self, name):
        return all(os.path.exists(self.place(size, name)) for size in SIZES)

    def has_none(self, name):
        return not any(os.path.exists(self.place(size, name)) for size in SIZES)

    def assert_good(self, name):
        """What a program asks that looks for them: the file's URI and stamp; and the picture is whole."""
        mtime = int(os.stat(self.session.path(name)).st_mtime)
        for size, side in SIZES.items():
            path = self.place(size, name)
            with open(path, "rb") as file:
                chunks = parse(file.read())
            self.assertIn((b"tEXt", b"Thumb::URI\0" + self.uri(name)), chunks)
            self.assertIn((b"tEXt", b"Thumb::MTime\0%d" % mtime), chunks)
            rows = next(body for kind, body in chunks if kind == b"IDAT")
            self.assertEqual(zlib.decompress(rows), (b"\0" + b"\x80" * side) * side)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertEqual(int(os.stat(path).st_mtime), 2000)

    def assert_moved(self, old, new):
        self.assert_good(new)
        self.assertTrue(self.has_none(old), old)

    def assert_no_temporary(self):
        for _, _, names in os.walk(self.session.path(".cache/thumbnails")):
            self.assertFalse([name for name in names if name.startswith(".")])

    def run_direct(self, *arguments):
        result = subprocess.run([XDGTIDY, *arguments, "--direct", "--yes"], env=self.session.env, check=False,
                                capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def fill(self):
        self.make("Download/plain.jpg")
        self.make("Download/packed by Qt.jpg", packed=True)
        self.make("Download/sub/deep/b\u00e4r; 100%.png")
        self.make("Download/taken.jpg")
        self.session.write("Downloads/taken.jpg", "something else")
        self.make("elsewhere.jpg")

    def assert_merged(self):
        self.assert_moved("Download/plain.jpg", "Downloads/plain.jpg")
        self.assert_moved("Download/packed by Qt.jpg", "Downloads/packed by Qt.jpg")
        self.assert_moved("Download/sub/deep/b\u00e4r; 100%.png", "Downloads/sub/deep/b\u00e4r; 100%.png")
        self.assert_moved("Download/taken.jpg", "Downloads/taken (2).jpg")
        self.assert_good("elsewhere.jpg")
        self.assert_no_temporary()

    def assert_undone(self):
        for name in ("plain.jpg", "packed by Qt.jpg", "sub/deep/b\u00e4r; 100%.png"):
            self.assert_moved("Downloads/" + name, "Download/" + name)
        self.assert_moved("Downloads/taken (2).jpg", "Download/taken.jpg")
        self.assert_no_temporary()

    def test_direct_merge_and_undo(self):
        self.fill()
        self.run_direct("merge")
        self.assert_merged()
        self.run_direct("undo")
        self.assert_undone()

    def test_a_link_left_behind_keeps_old_names(self):
        self.session.configure("[dirs.DOWNLOAD]\nleave = symlink\n")
        self.make("Download/a.jpg")
        self.run_direct("merge")
        self.assertTrue(os.path.islink(self.session.path("Download")))
        self.assertTrue(self.has_all("Download/a.jpg"))

    def test_odd_thumbnails_stay(self):
        self.make("Download/a.jpg")
        for size in SIZES:
            with open(self.place(size, "Download/a.jpg"), "r+b") as file:
                file.truncate(60)
        self.run_direct("merge")
        self.assertTrue(self.has_all("Download/a.jpg"))
        self.assertTrue(self.has_none("Downloads/a.jpg"))
        self.assert_no_temporary()

    def test_daemon_merge_and_undo(self):
        session = self.session
        session.start_server()
        session.start_daemon()
        session.call("Pause")
        self.fill()
        report = session.merge()
        session.wait(lambda: self.has_none("Download/plain.jpg") and self.has_none("Download/taken.jpg")
                     and self.has_none("Download/sub/deep/b\u00e4r; 100%.png")
                     and self.has_none("Download/packed by Qt.jpg"), "the thumbnails")
        self.assert_merged()
        session.call("Undo", "(t)", report["id"])
        session.wait(lambda: self.has_none("Downloads/plain.jpg") and self.has_none("Downloads/taken (2).jpg")
                     and self.has_none("Downloads/sub/deep/b\u00e4r; 100%.png")
                     and self.has_none("Downloads/packed by Qt.jpg"), "the thumbnails")
        self.assert_undone()

    def test_daemon_routes_live(self):
        session = self.session
        session.start_server()
        session.start_daemon()
        session.call("Pause")
        session.write("Download/first")
        session.merge()
        session.call("Resume")
        self.make("Download/live.jpg")
        session.wait(lambda: self.has_none("Download/live.jpg"), "the thumbnails")
        self.assert_moved("Download/live.jpg", "Downloads/live.jpg")
        session.stop_daemon()


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[3:])
