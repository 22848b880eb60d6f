#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts instructions per key event with callgrind: the difference of two runs, inclusive of the machine's
entry function. usage: bench-keys.py BENCH CONFIG_DIR [XDGTIDY-KEYS-CLI]

Fails when a bound is exceeded, so that a slow path does not creep in.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

BOUNDS = {"pass": 200, "plain": 200, "layer": 300, "hrm": 400, "chord": 400}
EVENTS = (4000, 24000)


def instructions(bench, config, events, directory):
    out = os.path.join(directory, "out")
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=" + out, bench, config, str(events)],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], check=True, stdout=subprocess.PIPE).stdout.decode()
    for line in text.splitlines():
        found = re.match(r"\s*([\d,]+) .*remap_machine_feed", line)
        if found:
            return int(found.group(1).replace(",", ""))
    raise SystemExit("no remap_machine_feed in callgrind's output")


def check_time(cli, directory):
    path = os.path.join(directory, "big.conf")
    keys = "abcdefghijklmnopqrstuvwxyz"
    with open(path, "w") as file:
        file.write("[ids]\n*\n")
        for layer in range(38):
            file.write("[layer%d]\n" % layer)
            for key in keys[:25]:
                file.write("%s = overloadt2(control, S-%s, 200)\n" % (key, key))
    before = os.times()
    for _ in range(10):
        subprocess.run([cli, "check", path], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
    print("# check of 990 lines with the layout: %.1f ms of CPU" % (used * 100))


def main():
    bench, configs = sys.argv[1:3]
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        for name, bound in BOUNDS.items():
            config = os.path.join(configs, name + ".conf")
            low, high = (instructions(bench, config, n, directory) for n in EVENTS)
            per_event = (high - low) / (EVENTS[1] - EVENTS[0])
            failed |= per_event > bound
            print("%-6s %6.1f instructions per event, at most %d" % (name, per_event, bound))
        print(subprocess.run([bench, os.path.join(configs, "hrm.conf"), "1000"], stdout=subprocess.PIPE).stdout.decode().strip())
        if len(sys.argv) > 3:
            check_time(sys.argv[3], directory)
    sys.exit(failed)


main()
