#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Turns data/names.tsv into the compiled-in table of home/dirs/names.c, sorted by the bytes of the NFC name.
"""usage: gen-names.py data/names.tsv output.c"""
import sys
import unicodedata

KEYS = "DESKTOP DOWNLOAD TEMPLATES PUBLICSHARE DOCUMENTS MUSIC PICTURES VIDEOS PROJECTS".split()


def read_rows(path):
    rows = set()
    with open(path, encoding="utf-8", newline="\n") as source:
        for number, line in enumerate(source, 1):
            if line.startswith("#"):
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) != 5 or fields[0] not in KEYS or fields[4] not in ("canonical", "historic"):
                sys.exit(f"{path}:{number}: want key, locale, name, versions, canonical|historic")
            key, locale, name, versions, status = fields
            name = unicodedata.normalize("NFC", name)
            if not name.strip() or "/" in name or name in (".", ".."):
                sys.exit(f"{path}:{number}: {name!r} is no name of a directory")
            rows.add((name.encode(), key, locale, versions, status == "canonical"))
    return sorted(rows)


def c_string(data):
    # Octal escapes end after three digits, so the next character cannot be taken for one of them.
    return '"' + "".join(chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}" for b in data) + '"'


def main():
    rows = read_rows(sys.argv[1])
    with open(sys.argv[2], "w", encoding="ascii", newline="\n") as out:
        out.write("/* SPDX-License-Identifier: GPL-3.0-or-later */\n")
        out.write("/* Made by tools/gen-names.py from data/names.tsv. Pure. */\n")
        out.write('#include "home/dirs/names-table.h"\n\n')
        out.write("const TidyDefaultName tidy_names_rows[] = {\n")
        for name, key, locale, versions, canonical in rows:
            out.write(f'\t{{ "{key}", "{locale}", {c_string(name)}, "{versions}", {"TRUE" if canonical else "FALSE"} }},\n')
        out.write("};\n")
        out.write(f"const gsize tidy_names_n_rows = {len(rows)};\n")


if __name__ == "__main__":
    main()
