#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Who includes whom: folders are layers, and what calls itself pure does nothing else. I/O.
"""usage: check-layers.py

The table below is the one of docs/ARCHITECTURE.md. Beside it: includes are written from the root, every file name is
unique, every file opens with its licence and says whether it is pure or does I/O (tests need not).
"""
import collections
import os
import re
import sys

from source_files import c_code, list_files, read, report

HOME = {"home/base", "home/fs", "home/compare", "home/merge", "home/dirs", "home/config", "home/engine", "home/dupes",
        "home/doctor", "home/service"}
SHARED_KEYS = {"keys/remap", "keys/layout", "keys/link"}

# A folder may include itself and these. home/merge takes the types of home/fs (TidyStat), but does not link it.
MAY_INCLUDE = {
    "home/base": set(),
    "home/fs": {"home/base"},
    "home/compare": {"home/base", "home/fs"},
    "home/merge": {"home/base", "home/fs"},
    "home/dirs": {"home/base", "home/fs"},
    "home/config": {"home/base"},
    "home/engine": {"home/base", "home/fs", "home/compare", "home/merge", "home/dirs", "home/config"},
    "home/dupes": {"home/base", "home/fs", "home/compare", "home/merge"},
    "home/doctor": {"home/base", "home/fs", "home/merge", "home/dirs"},
    "home/service": HOME - {"home/service"},
    "keys/remap": set(),
    "keys/layout": {"keys/remap"},
    "keys/link": {"keys/remap"},
    "keys/helper": {"keys/remap", "keys/link"},
    "daemon": HOME | SHARED_KEYS,
    "cli": HOME | SHARED_KEYS,
}
# System headers that a folder may not have.
FORBIDDEN_HEADERS = [
    ("keys/", re.compile(r"(glib|gio|gmodule|libnotify)[/.-]")),
    ("keys/remap", re.compile(r"xkbcommon/|libevdev/|fcntl\.h|sys/socket\.h|sys/epoll\.h")),
    ("keys/link", re.compile(r"xkbcommon/")),
    ("keys/helper", re.compile(r"xkbcommon/")),
    ("home/merge", re.compile(r"gio/|dirent\.h|sys/inotify\.h|time\.h|glib/gstdio\.h")),
    ("home/config", re.compile(r"gio/|libnotify/")),
]
# What a file that opens with "Pure." may not call. Folders listed in PURE_FOLDERS may hold nothing else.
PURE_FOLDERS = ("home/merge", "keys/remap")
IMPURE = re.compile(
    r"(?<![\w.>])(f?open(?:at2?)?|fopen|read|write|stat|fstat|lstat|rename|unlink|mkdir|opendir|getenv|setenv|time|"
    r"gettimeofday|clock_gettime|printf|puts|g_print|g_printerr|g_message|g_warning|g_log|g_debug|g_info|g_getenv|"
    r"g_file_get_contents|g_file_set_contents|g_get_monotonic_time|g_get_real_time|g_get_home_dir|"
    r"g_get_user_config_dir|g_get_tmp_dir|g_get_current_dir)\s*\(")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"


def folder_of(path):
    """The layer that @path belongs to, or None (tests, tools)."""
    folder = os.path.dirname(path)
    return folder if folder in MAY_INCLUDE else None


def check_include(path, line, target, files):
    own, other = folder_of(path), os.path.dirname(target)
    if "/" not in target:
        if target in ("ini.h", "config.h") or target not in {os.path.basename(f) for f in files}:
            return None
        return f'{path}:{line}: "{target}" is not written from the root'
    if target.startswith("."):
        return f'{path}:{line}: "{target}" is not written from the root'
    if own and other in MAY_INCLUDE and other != own and other not in MAY_INCLUDE[own]:
        return f"{path}:{line}: {own} may not include {other}"
    if own and other.split("/")[0] in ("tests", "tools"):
        return f"{path}:{line}: {own} may not include {other}"
    return None


def check_c(path, files):
    text = read(path)
    folder = os.path.dirname(path)
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match.group(1) == '"':
            problem = check_include(path, line, match.group(2), files)
            if problem:
                yield problem
        for prefix, forbidden in FORBIDDEN_HEADERS:
            if folder.startswith(prefix) and forbidden.match(match.group(2)):
                yield f"{path}:{line}: {folder} may not use <{match.group(2)}>"
    head = text[:text.find("*/", text.find("\n")) + 2]
    if not path.startswith("tests/") and not re.search(r"\b[Pp]ure\b|\bI/O\b", head):
        yield f"{path}:2: the head does not say Pure or I/O"
    if folder in PURE_FOLDERS and not re.search(r"\b[Pp]ure\b", head):
        yield f"{path}:2: {folder} is pure, and the head does not say so"
    if path.endswith(".c") and re.search(r"\bPure\.", head):
        code = c_code(text)
        for match in IMPURE.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            yield f"{path}:{line}: a pure file calls {match.group(1)}()"


def check_heads(path):
    """The licence stands in the first three lines (after #!, or what a format demands to be first)."""
    is_code = path.endswith((".c", ".h", ".py", ".sh", ".xml", ".in", ".conf", "meson.build")) or \
        (path.startswith("tools/") and "." not in os.path.basename(path))
    if is_code and SPDX not in "\n".join(read(path).split("\n")[:3]):
        yield f"{path}:1: no {SPDX}"


def check_names(files):
    """Two files of one name make every report about one of them ambiguous."""
    names = collections.defaultdict(list)
    for path in files:
        if path.endswith((".c", ".h")):
            names[os.path.basename(path)].append(path)
    for name, paths in sorted(names.items()):
        if len(paths) > 1:
            yield f"{paths[1]}:1: {name} is also {paths[0]}"


def check_layers():
    """The table itself has no circle."""
    done, open_ = set(), []

    def visit(folder):
        if folder in open_:
            yield f"tools/check-layers.py:1: a circle: {' -> '.join(open_ + [folder])}"
        elif folder not in done:
            open_.append(folder)
            for other in sorted(MAY_INCLUDE[folder]):
                yield from visit(other)
            open_.pop()
            done.add(folder)
    for folder in MAY_INCLUDE:
        yield from visit(folder)


def main():
    files = list_files()
    problems = list(check_layers()) + list(check_names(files))
    for path in files:
        problems += check_heads(path)
        if path.endswith((".c", ".h")):
            problems += check_c(path, files)
    return report(problems, "layers")


if __name__ == "__main__":
    sys.exit(main() if len(sys.argv) == 1 else __doc__)
