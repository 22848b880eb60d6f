#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The total over all suites of one or more build directories. I/O.
"""usage: count-tests.py [--failed] BUILDDIR|LOG.json[,AGAIN.json]...

Reads meson-logs/testlog.json (one JSON object a line), or the log that is named (meson test --logbase). A test that
speaks TAP counts once for each of its cases, any other counts once. One that died, or planned more cases than it ran,
has failed once more than it says. Of AGAIN, the log of a second run of what had failed, the result counts, and what passed
only there is named. With --failed only the names of the programs that failed are printed. The last line is `N passed, N failed, N skipped`; the exit status is 1 when something
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


def read(folder):
    """The tests of a log, and the names of those that only the second run saw pass."""
    logs = folder.split(",") if ".json" in folder else [f"{folder}/meson-logs/testlog.json"]
    tests, second = {}, []
    for log in logs:
        with open(log, encoding="utf-8", errors="replace") as file:
            for test in (json.loads(line) for line in file if line.strip()):
                if test["name"] in tests and not count_one(test)[1]:
                    second.append(test["name"])
                tests[test["name"]] = test
    return list(tests.values()), second


def print_failed(folders):
    for folder in folders:
        for test in read(folder)[0]:
            if count_one(test)[1]:
                print(test["name"].split(" / ")[-1])


def main(folders):
    total, notes = [0, 0, 0], []
    for folder in folders:
        try:
            tests, second = read(folder)
        except (OSError, ValueError) as error:
            print(f"{folder}: its tests left no log: {error}")
            tests, second, total[1] = [], [], total[1] + 1
        counts = [0, 0, 0]
        for test in tests:
            for i, n in enumerate(count_one(test)):
                counts[i] += n
            if count_one(test)[1]:
                notes.append(f"{folder}: failed: {test['name']} ({test['result']})")
        notes += [f"{folder}: passed only the second time: {name}" for name in second]
        print(f"{folder}: {len(tests)} programs: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
        total = [a + b for a, b in zip(total, counts)]
    for line in notes:
        print(line)
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--failed"]:
        sys.exit(print_failed(sys.argv[2:]))
    sys.exit(main(sys.argv[1:]) if len(sys.argv) > 1 else __doc__)
