#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Line coverage by folder from gcovr's summary; fails where a folder is below what it promises. I/O.
"""usage: coverage-table.py SUMMARY.json"""
import collections
import json
import os
import sys

# Percent of lines. What decides, and what changes the disk, is tested to the end.
PROMISED = {"home/merge": 95, "home/engine": 90}


def main(path):
    with open(path, encoding="utf-8") as file:
        summary = json.load(file)
    lines = collections.defaultdict(lambda: [0, 0])
    for entry in summary["files"]:
        folder = os.path.dirname(entry["filename"])
        for key in (folder, "all"):
            lines[key][0] += entry["line_covered"]
            lines[key][1] += entry["line_total"]
    is_good = True
    for folder, (covered, total) in sorted(lines.items(), key=lambda item: (item[0] == "all", item[0])):
        percent = 100 * covered / total if total else 100
        promised = PROMISED.get(folder)
        is_low = promised is not None and percent < promised
        is_good = is_good and not is_low
        note = f"  below the promised {promised} %" if is_low else ""
        print(f"{folder:20} {covered:6} of {total:6} lines  {percent:5.1f} %{note}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
