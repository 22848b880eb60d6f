# SPDX-License-Identifier: GPL-3.0-or-later
# The project's own files, and C text without its comments and strings, for the checks of this folder. I/O.
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def list_files():
    """Paths from the root: what git knows or would add; without git, all but build and hidden folders."""
    try:
        out = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT,
                             capture_output=True, check=True).stdout.decode()
        return sorted({p for p in out.split("\0") if p and os.path.exists(os.path.join(ROOT, p))})
    except (OSError, subprocess.CalledProcessError):
        pass
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if not f.startswith((".git", "build")) and f != "__pycache__"]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


_NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def c_code(text):
    """The same lines without comments, and with empty strings."""
    def blank(match):
        kept = '""' if match.group().startswith('"') else " "
        return kept + "\n" * match.group().count("\n")
    return _NOISE.sub(blank, text)


def report(problems, what):
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problems" if problems else f"{what}: clean")
    return 1 if problems else 0
