#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a merge to another file system beside `cp -a --reflink=auto` followed by `sync`.

Source and target are images on loop devices, made in --work, which should be on a disk. Runs alternate; each begins with
everything written and nothing in memory (or, with --warm, the source in memory). Times are medians, the shortest in
brackets. The merge does more than the copy: it compares every copy with its source, and removes the source, both told
apart in the table; beside the removal stands what `rm -rf` takes for it. Prints a Markdown table; exits 77 where nothing
can be mounted. I/O.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

GOAL = 0.9


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


class Disks:
    """Two mounted images: a home, and another disk on its Downloads."""

    def __init__(self, work, kind, gigabytes):
        self.work = tempfile.mkdtemp(prefix="bench-copy-", dir=work)
        self.kind = kind
        self.mounts = []
        self.home = os.path.join(self.work, "home")
        self.attach("home.img", self.home, gigabytes)
        self.attach("data.img", os.path.join(self.home, "Downloads"), gigabytes)

    def attach(self, image, point, gigabytes):
        path = os.path.join(self.work, image)
        with open(path, "wb") as f:
            f.truncate(gigabytes << 30)
        run("mkfs." + self.kind, "-q", path)
        os.makedirs(point, exist_ok=True)
        run("mount", "-o", "loop", path, point)
        self.mounts.append(point)

    def detach(self):
        for point in reversed(self.mounts):
            subprocess.run(["umount", point], check=False)
        shutil.rmtree(self.work)


class Bench:
    def __init__(self, args, disks):
        self.args = args
        self.disks = disks
        self.master = os.path.join(disks.home, "master")
        self.stray = os.path.join(disks.home, "Download")
        self.target = os.path.join(disks.home, "Downloads")

    def prepare(self):
        """The source as new, the target empty, the disks at rest."""
        for name in os.listdir(self.target):
            if name != "lost+found":
                path = os.path.join(self.target, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        shutil.rmtree(self.stray, ignore_errors=True)
        run("cp", "-a", "--reflink=never", self.master, self.stray)
        os.sync()
        run("sh", "-c", "echo 3 > /proc/sys/vm/drop_caches")
        if self.args.warm:
            run("sh", "-c", f"find '{self.stray}' -type f -exec cat {{}} + > /dev/null")

    def copy(self):
        """Seconds for cp and sync, and for rm."""
        self.prepare()
        start = time.monotonic()
        run("cp", "-a", "--reflink=auto", self.stray + "/.", self.target)
        run("sync")
        copied = time.monotonic()
        run("rm", "-rf", self.stray)
        return copied - start, time.monotonic() - copied

    def merge(self):
        """Seconds for copying, removing, comparing, for copying and removing, for all; peak memory in KiB."""
        self.prepare()
        total, compared, removed, kib = (float(x) for x in run(self.args.driver, "engine", self.disks.home).split())
        return total - compared - removed, removed, compared, total - compared, total, kib

    def table(self):
        run(self.args.driver, "make", self.master, str(self.args.big), str(self.args.megabytes), str(self.args.small))
        copies, merges = [], []
        for _ in range(self.args.rounds):
            copies.append(self.copy())
            merges.append(self.merge())
        copy, removal = zip(*copies)
        *seconds, kib = zip(*merges)
        base = statistics.median(copy)
        speeds = [base / statistics.median(column) for column in seconds]
        cells = [shown(copy), shown(removal), *(shown(column) for column in seconds)]
        print(f"| {self.disks.kind} | {'warm' if self.args.warm else 'cold'} | {' | '.join(cells)} "
              f"| {speeds[0]:.2f} | {speeds[3]:.2f} | {speeds[4]:.2f} | {statistics.median(kib) / 1024:.1f} |", flush=True)
        return speeds[3]


def shown(column):
    return f"{statistics.median(column):.2f} ({min(column):.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", required=True)
    parser.add_argument("--work", default="/var/tmp")
    parser.add_argument("--kinds", default="ext4,xfs,btrfs")
    parser.add_argument("--big", type=int, default=4)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--small", type=int, default=20000)
    parser.add_argument("--gigabytes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--strict", action="store_true", help="fail below the goal")
    args = parser.parse_args()
    if os.geteuid() != 0:
        print("skipped: mounting needs root")
        return 77
    shares = []
    print("| file system | source | cp + sync, s | rm, s | copying, s | removing, s | comparing, s | copying and removing, s "
          "| merge, s | speed of copying | and removing | and comparing | peak MB |")
    print("|" + "---|" * 13)
    for kind in args.kinds.split(","):
        if shutil.which("mkfs." + kind) is None:
            print(f"| {kind} | mkfs.{kind} is not installed |")
            continue
        try:
            disks = Disks(args.work, kind, args.gigabytes)
        except subprocess.CalledProcessError as error:
            print(f"skipped: {error}")
            return 77
        try:
            shares.append(Bench(args, disks).table())
        finally:
            disks.detach()
    return 1 if args.strict and min(shares, default=GOAL) < GOAL else 0


if __name__ == "__main__":
    sys.exit(main())
