#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The total over all suites of one or more build directories. I/O.
"""usage: count-tests.py BUILDDIR|LOG.json...

Reads meson-logs/testlog.json (one JSON object a line), or the log that is named (meson test --logbase). A test that
speaks TAP counts once for each of its cases, any other counts once. One that died, or planned more cases than it ran,
has failed once more than it says. The last line is `N passed, N failed, N skipped`; the exit status is 1 when something
failed or nothing ran.
"""
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b([^#\n]*)(#\s*(\w+))?", re.M)
PLAN = re.compile(r"^1\.\.(\d+)", re.M)


def count_tap(text, is_good):
    """passed, failed, skipped"""
    passed = failed = skipped = 0
    for match in CASE.finditer(text):
        directive = (match.group(4) or "").upper()
        if directive.startswith("SKIP") or directive == "TODO":
            skipped += 1
        elif match.group(1):
            failed += 1
        else:
            passed += 1
    planned = int(PLAN.search(text).group(1))
    if planned == 0 and is_good:
        return 0, 0, 1  # the whole program was skipped
    if failed == 0 and (not is_good or passed + skipped < planned):
        failed = 1
    return passed, failed, skipped


def count_one(test):
    result, text = test["result"], test.get("stdout") or ""
    is_good = result in ("OK", "EXPECTEDFAIL", "SKIP")
    if PLAN.search(text):
        return count_tap(text, is_good)
    if result == "SKIP":
        return 0, 0, 1
    return (1, 0, 0) if is_good else (0, 1, 0)


def main(folders):
    total, bad = [0, 0, 0], []
    for folder in folders:
        try:
            log = folder if folder.endswith(".json") else f"{folder}/meson-logs/testlog.json"
            with open(log, encoding="utf-8", errors="replace") as file:
                tests = [json.loads(line) for line in file if line.strip()]
        except (OSError, ValueError) as error:
            print(f"{folder}: its tests left no log: {error}")
            tests, total[1] = [], total[1] + 1
        counts = [0, 0, 0]
        for test in tests:
            for i, n in enumerate(count_one(test)):
                counts[i] += n
            if count_one(test)[1]:
                bad.append(f"{folder}: failed: {test['name']} ({test['result']})")
        print(f"{folder}: {len(tests)} programs: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
        total = [a + b for a, b in zip(total, counts)]
    for line in bad:
        print(line)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
