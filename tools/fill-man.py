#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Fills a manual page: @VERSION@, and a line that is only @FRAGMENT@ with the text of a generated file. I/O.
"""usage: fill-man.py TEMPLATE OUTPUT VERSION [FRAGMENT]"""
import sys


def main(template, output, version, fragment=None):
    text = open(template, encoding="utf-8").read().replace("@VERSION@", version)
    filling = open(fragment, encoding="utf-8").read() if fragment else ""
    if ("\n@FRAGMENT@\n" in text) != bool(filling.strip()):
        return f"{template}: a fragment and its place must come together"
    text = text.replace("\n@FRAGMENT@\n", "\n" + filling.rstrip("\n") + "\n")
    with open(output, "w", encoding="utf-8") as out:
        out.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in (4, 5) else __doc__)
