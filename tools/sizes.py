#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# How long functions and files are, and which are worth a second look. Never fails. I/O.
"""usage: sizes.py [-v]      (-v: also functions of over 45 lines)"""
import re
import statistics
import sys

from source_files import list_files, read

START = re.compile(r"^([a-z_A-Z]\w*)\(")
LOOK_AGAIN, EXPLAIN, LONG_FILE = 45, 70, 600


def functions(text):
    """Name, first line and number of lines: return type on a line of its own, closing brace in column 0."""
    name = start = None
    is_body = False
    for number, line in enumerate(text.split("\n"), 1):
        match = START.match(line)
        if not is_body and match:
            name, start = match.group(1), number
        elif line == "{" and name:
            is_body = True
        elif line.startswith("}") and is_body:
            yield name, start, number - start + 2
            name, is_body = None, False


def main(is_verbose):
    rows, files = [], []
    for path in list_files():
        if path.endswith((".c", ".h")):
            text = read(path)
            files.append((text.count("\n"), path))
            if not path.startswith("tests/"):
                rows += [(n, path, line, name) for name, line, n in functions(text)]
    if rows:
        lengths = sorted(row[0] for row in rows)
        print(f"{len(rows)} functions outside tests: median {statistics.median(lengths):.0f} lines, "
              f"90th percentile {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}")
    for n, path, line, name in sorted(rows, reverse=True):
        if n > (LOOK_AGAIN if is_verbose else EXPLAIN):
            print(f"{path}:{line}: {name}: {n} lines")
    for n, path in sorted(files, reverse=True):
        if n > LONG_FILE and "table" not in path:
            print(f"{path}: {n} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main("-v" in sys.argv))
