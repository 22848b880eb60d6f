# SPDX-License-Identifier: GPL-3.0-or-later
# Runs unittest cases and speaks TAP, so that each case counts. I/O: standard output and error.
import sys
import time
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()

    def _line(self, verdict, test, note="", detail=""):
        self.count += 1
        name = test.id().removeprefix("__main__.")
        # on stderr too: of a failed TAP program meson prints no more than that
        for line in detail.splitlines():
            line = "# " + line.encode("utf-8", "backslashreplace").decode()
            print(line)
            print(line, file=sys.stderr)
        print(f"# {time.monotonic() - self.started:.1f} s")
        print(f"{verdict} {self.count} - {name}{note}", flush=True)

    def addSuccess(self, test):
        self._line("ok", test)

    def addSkip(self, test, reason):
        self._line("ok", test, f" # SKIP {reason}")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._line("not ok", test, detail=self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self._line("not ok", test, detail=self.errors[-1][1])


def main(module="__main__", argv=None):
    loader = unittest.defaultTestLoader
    names = (argv if argv is not None else sys.argv[1:])
    module = sys.modules[module]
    suite = loader.loadTestsFromNames(names, module) if names else loader.loadTestsFromModule(module)
    print(f"1..{suite.countTestCases()}", flush=True)
    result = TapResult()
    suite.run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
