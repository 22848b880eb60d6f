#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: mounts a disk as a power cut left it, and looks whether all is there and can be taken back. I/O.
"""usage: recover.py HOME WANTED CONTENTS DEVICE,OPTIONS[,PLACE]... [--look-only]

The devices are mounted on HOME, and on PLACE in it. WANTED and CONTENTS are what tree.py said of the home before the
merge (`list` and `contents`). Prints what is wrong, and nothing when all is well. With --look-only just whether a content
is lost.
"""
import os
import subprocess
import sys

import tree

AS_TESTER = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "-i", "LANG=C.UTF-8",
             "PATH=/usr/local/bin:/usr/bin:/bin"]
SHOWN = 12  # problems of one state


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def lost(home, contents):
    now = set(tree.contents(home))
    return [f"lost: {content}" for content in contents if content not in now]


def take_back(home):
    done = subprocess.run([*AS_TESTER, f"HOME={home}", "xdgtidy", "undo", "--direct"], capture_output=True, text=True,
                          cwd="/", check=False)
    if done.returncode == 0:    # also when the cut came before the first step
        return []
    return [f"undo: status {done.returncode}: {done.stdout} {done.stderr}"]


def check(home, wanted, contents, is_look_only):
    problems = lost(home, contents)
    if is_look_only:
        return problems
    problems += take_back(home)
    problems += lost(home, contents)
    now = set(tree.list_home(home))
    problems += [f"not as it was: {line}" for line in sorted(now - set(wanted))]
    problems += [f"should be: {line}" for line in wanted if line not in now]
    return problems


def main(home, wanted, contents, *rest):
    mounted = []
    try:
        for device, options, *place in (word.split(",") for word in rest if not word.startswith("--")):
            point = os.path.join(home, *place)
            subprocess.run(["mount", "-o", options, device, point], check=True)
            mounted.append(point)
        problems = check(home, lines_of(wanted), lines_of(contents), "--look-only" in rest)
    finally:
        for point in reversed(mounted):
            subprocess.run(["umount", point], check=True)
    print("\n".join(problems[:SHOWN]))


if __name__ == "__main__":
    main(*sys.argv[1:])
