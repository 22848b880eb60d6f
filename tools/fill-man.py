#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Fills a manual page: @NAME@ for each NAME=VALUE, and a line that is only @FRAGMENT@ with a generated file. I/O.
"""usage: fill-man.py TEMPLATE OUTPUT FRAGMENT|- NAME=VALUE..."""
import re
import sys


def main(template, output, fragment, *values):
    with open(template, encoding="utf-8") as file:
        text = file.read()
    filling = ""
    if fragment != "-":
        with open(fragment, encoding="utf-8") as file:
            filling = file.read().rstrip("\n")
    if ("\n@FRAGMENT@\n" in text) != bool(filling):
        return f"{template}: a fragment and its place must come together"
    text = text.replace("\n@FRAGMENT@\n", f"\n{filling}\n")
    for value in values:
        name, _, word = value.partition("=")
        text = text.replace(f"@{name}@", word)
    left = re.search(r"@[A-Z]+@", text)
    if left:
        return f"{template}: nothing known for {left.group()}"
    with open(output, "w", encoding="utf-8") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 3 else __doc__)
