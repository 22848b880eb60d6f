#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: makes homes, and says what is in them. I/O.
"""usage: tree.py make HOME [N]     Download beside Downloads with every kind of collision, and N small files more
       tree.py list HOME         one line an entry of both: kind, mode, time, size, content, name
       tree.py contents HOME     the sorted contents of the regular files of both and of the Trash
       tree.py missing HOME FILE contents of FILE (from `contents`) that HOME has no longer; status 1 when there are some

TREE_TARGET in the environment is where the files should be, relative to the home, if not in Downloads.
"contents" counts equal contents once: of two identical files one may rightly be gone for good after an undo of nothing.
"""
import hashlib
import os
import stat
import sys

TARGET = os.environ.get("TREE_TARGET", "Downloads")
PLACES = ("Download", TARGET, ".local/share/Trash/files")
DIRS = f"""XDG_DESKTOP_DIR="$HOME/Desktop"
XDG_DOWNLOAD_DIR="$HOME/{TARGET}"
XDG_DOCUMENTS_DIR="$HOME/Documents"
XDG_MUSIC_DIR="$HOME/Music"
XDG_PICTURES_DIR="$HOME/Pictures"
XDG_VIDEOS_DIR="$HOME/Videos"
"""
LONG_AGO = 1714737600   # 2024-05-03: no settle time minds


def write(home, name, data):
    path = os.path.join(home, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def blob(name, size):
    return (hashlib.sha256(name.encode()).hexdigest().encode() * (size // 64 + 1))[:size]


def make(home, count=0):
    for name in ("Desktop", "Documents", "Music", "Pictures", "Videos", TARGET):
        os.makedirs(os.path.join(home, name), exist_ok=True)
    write(home, ".config/user-dirs.dirs", DIRS.encode())
    for name in ("only-here.txt", "photos/hills.jpg", "recipes/bread/sourdough.txt", "same-name.txt", "archive.tar.gz",
                 "photos/same-name.jpg"):
        write(home, "Download/" + name, blob("stray " + name, 5000))
    for name in ("only-there.txt", "photos/sea.jpg", "same-name.txt", "archive.tar.gz", "photos/same-name.jpg"):
        write(home, f"{TARGET}/{name}", blob("target " + name, 5000))
    for side in PLACES[:2]:
        write(home, side + "/identical.ogg", blob("identical", 9000))
    write(home, "Download/large.iso", blob("large", 300000))
    write(home, "Download/empty", b"")
    os.makedirs(os.path.join(home, "Download/empty-folder"))
    os.symlink("only-here.txt", os.path.join(home, "Download/link"))
    write(home, "Download/script.sh", b"#!/bin/sh\n")
    os.chmod(os.path.join(home, "Download/script.sh"), 0o750)
    for i in range(count):
        write(home, f"Download/many/{i % 10}/file-{i}", blob(f"many {i}", 700))
        if i % 7 == 0:
            write(home, f"{TARGET}/many/{i % 10}/file-{i}", blob(f"other {i}", 700))
    for side in PLACES[:2]:
        for folder, folders, files in os.walk(os.path.join(home, side), topdown=False):
            for i, name in enumerate(sorted(files) + sorted(folders)):
                os.utime(os.path.join(folder, name), (LONG_AGO + i, LONG_AGO + i), follow_symlinks=False)
        os.utime(os.path.join(home, side), (LONG_AGO, LONG_AGO))


def content(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:20]


def line(home, name):
    path = os.path.join(home, name)
    st = os.lstat(path)
    what = "-"
    if stat.S_ISREG(st.st_mode):
        what = f"{st.st_size} {content(path)}"
    elif stat.S_ISLNK(st.st_mode):
        what = os.readlink(path)
    return f"{name}: {stat.filemode(st.st_mode)} {st.st_uid} {st.st_mtime_ns} {what}"


def entries(home, places):
    for place in places:
        if os.path.lexists(os.path.join(home, place)):
            yield place
        for folder, folders, files in os.walk(os.path.join(home, place)):
            for name in folders + files:
                yield os.path.relpath(os.path.join(folder, name), home)


def list_home(home):
    return sorted(line(home, name) for name in entries(home, PLACES[:2]))


def contents(home):
    paths = (os.path.join(home, name) for name in entries(home, PLACES))
    return sorted({content(path) for path in paths if os.path.isfile(path) and not os.path.islink(path)})


def main(what, home, *rest):
    if what == "make":
        make(home, *map(int, rest))
    elif what == "list":
        print("\n".join(list_home(home)))
    elif what == "contents":
        print("\n".join(contents(home)))
    else:
        with open(rest[0], encoding="ascii") as file:
            gone = sorted(set(file.read().split()) - set(contents(home)))
        print("\n".join(gone))
        return 1 if gone else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
