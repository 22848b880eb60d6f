#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Calls that no file of the project may make, each with what to use instead. I/O.
"""usage: check-banned.py"""
import re
import sys

from source_files import c_code, list_files, read, report

BANNED = {
    "strcpy": "g_strdup, g_strlcpy or memcpy with a checked size",
    "strcat": "GString",
    "strncpy": "g_strlcpy, or memcpy where no zero is wanted",
    "strncat": "GString",
    "sprintf": "snprintf or g_strdup_printf",
    "vsprintf": "vsnprintf",
    "gets": "getline",
    "strtok": "g_strsplit, strcspn",
    "atoi": "g_ascii_string_to_signed, strtol with its checks",
    "atol": "strtol with its checks",
    "system": "posix_spawn, GSubprocess",
    "popen": "posix_spawn, GSubprocess",
    "mktemp": "openat with O_TMPFILE or O_EXCL",
    "localtime": "localtime_r, GDateTime",
    "gmtime": "gmtime_r, GDateTime",
    "alloca": "g_malloc",
    "g_alloca": "g_malloc",
    "usleep": "a timer or an event",
    "sleep": "a timer or an event",
    "nanosleep": "a timer or an event",
    "g_usleep": "a timer or an event",
    "signal": "sigaction, signalfd, g_unix_signal_add",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
# It caches for the life of the process: a daemon would never see a change of user-dirs.dirs.
READERS = "tests/integration/test-user-dirs-readers.c"  # prints what GLib reads
CACHING = re.compile(r"\bg_get_user_special_dir\s*\(")
# The guest cannot be waited for by a descriptor, and a key is held down for a time.
HARNESS = ("tests/vm/vm.py", "tests/vm/inside/patience.py")
SLEEP_PY = re.compile(r"^[^#\n]*\btime\.sleep\s*\(", re.M)


def find(pattern, text):
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match


def main():
    problems = []
    for path in list_files():
        if path.endswith((".c", ".h")):
            code = c_code(read(path))
            problems += [f"{path}:{line}: {m.group(1)}() is banned: use {BANNED[m.group(1)]}"
                         for line, m in find(CALL, code)]
            if not path.startswith("home/dirs/") and path != READERS:
                problems += [f"{path}:{line}: g_get_user_special_dir() caches: ask home/dirs"
                             for line, _ in find(CACHING, code)]
        if path.startswith("tests/") and path.endswith(".py") and path not in HARNESS:
            problems += [f"{path}:{line}: no sleep in a test: wait for an event"
                         for line, _ in find(SLEEP_PY, read(path))]
    return report(problems, "banned calls")


if __name__ == "__main__":
    sys.exit(main() if len(sys.argv) == 1 else __doc__)
