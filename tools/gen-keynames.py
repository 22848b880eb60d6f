#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes keys/remap/keynames-table.c from keys/remap/keynames.tsv (both are checked in).

usage: gen-keynames.py keynames.tsv > keynames-table.c
"""
import sys


def quote(text):
    return "NULL" if text == "\\0" else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main():
    rows, index = [], {}
    for line in open(sys.argv[1], encoding="utf-8"):
        cells = line.rstrip("\n").split("\t")
        if line.startswith("# "):
            continue
        if cells[0] == "=":
            index[cells[1]] = (int(cells[2]), 0)
            continue
        code = int(cells[0])
        rows.append((code, cells[1], cells[2], cells[3], cells[4]))
        for name in (cells[1], cells[2], cells[4]):
            if name != "\\0":
                assert name not in index, name
                index[name] = (code, 0)
    for code, _, _, shifted, _ in rows:
        if shifted != "\\0":
            assert shifted not in index, shifted
            index[shifted] = (code, 1)
    out = sys.stdout
    out.write("// SPDX-License-Identifier: GPL-3.0-or-later\n")
    out.write("/* The key names, made by tools/gen-keynames.py from keynames.tsv. Do not edit.\n * Pure. */\n")
    out.write("// clang-format off\n")
    out.write('#include "keys/remap/keynames.h"\n\n#include <stddef.h>\n\n')
    out.write("const RemapKeyName remap_key_names[] = {\n")
    for code, name, other, shifted, kernel in sorted(rows):
        out.write("\t{ %d, %s, %s, %s, %s },\n" % (code, quote(name), quote(other), quote(shifted), quote(kernel)))
    out.write("};\nconst size_t remap_key_names_count = sizeof(remap_key_names) / sizeof(*remap_key_names);\n\n")
    out.write("/* Sorted by the bytes of the name. */\nconst RemapKeyIndex remap_key_index[] = {\n")
    for name in sorted(index, key=lambda n: n.encode()):
        out.write("\t{ %s, %d, %d },\n" % (quote(name), index[name][0], index[name][1]))
    out.write("};\nconst size_t remap_key_index_count = sizeof(remap_key_index) / sizeof(*remap_key_index);\n")


main()
