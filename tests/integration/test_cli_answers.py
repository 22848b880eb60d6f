#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The command against every answer a service can give: exit codes, JSON, terminal or not, Ctrl-C. I/O: child processes.
"""usage: test_cli_answers.py XDGTIDY-FAKE [TEST...]"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

sys.dont_write_bytecode = True
import taprunner

FAKE = os.path.abspath(sys.argv[1])
DEADLINE = 30  # seconds: only a hang takes as long

SCAN = """{'strays': <[{'stray': <'/h/Download'>, 'target': <'/h/Downloads'>, 'verdict': <'merge'>,
 'entries': <uint64 2>, 'bytes': <uint64 9>}]>}"""


def merge_report(outcome, number=3):
    return f"""{{'version': <uint32 1>, 'id': <uint64 {number}>, 'kind': <'merge'>, 'outcome': <'{outcome}'>,
 'operations': <[{{'id': <uint64 {number}>, 'stray': <'/h/Download'>, 'target': <'/h/Downloads'>,
 'counts': <{{'moved': <uint64 1>}}>,
 'steps': <[{{'op': <'move'>, 'from': <'/h/Download/a'>, 'to': <'/h/Downloads/a'>, 'why': <'absent'>}}]>}}]>}}"""


class Terminal:
    """The command on a terminal of its own."""

    def __init__(self, argv, env, columns=100):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.seen = b""

    def read_until(self, wanted):
        while wanted not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], DEADLINE)
            if not ready:
                raise AssertionError(f"no {wanted!r} after {self.seen!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:  # the child closed the terminal
                data = b""
            if not data:
                raise AssertionError(f"ended without {wanted!r}: {self.seen!r}")
            self.seen += data

    def send(self, data):
        os.write(self.fd, data)

    def finish(self):
        """The exit code, 128 + signal when it was killed; everything it wrote is in self.seen."""
        while True:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


class FakeCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.home = os.path.join(scratch.name, "home")
        self.answers = os.path.join(scratch.name, "answers")
        os.mkdir(self.home)
        os.mkdir(self.answers)
        self.env = {
            "HOME": self.home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm",
            "XDG_RUNTIME_DIR": scratch.name, "TIDY_FAKE_DIR": self.answers,
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""), "TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", ""),
        }

    def answer(self, name, text):
        with open(os.path.join(self.answers, name), "w", encoding="utf-8") as out:
            out.write(text)

    def asked(self):
        try:
            with open(os.path.join(self.answers, "asked"), "rb") as lines:
                return lines.read().decode("utf-8", "surrogateescape").splitlines()
        except FileNotFoundError:
            return []

    def run_fake(self, *args, **options):
        return subprocess.run([FAKE, *args], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              cwd=self.home, timeout=DEADLINE, check=False, **options)

    def terminal(self, *args):
        return Terminal([FAKE, *args], self.env)

    def assert_exit(self, result, code):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)


class ExitCodes(FakeCase):
    def test_scan_finds_strays(self):
        self.answer("scan", SCAN)
        self.assert_exit(self.run_fake("scan"), 1)

    def test_scan_finds_none(self):
        self.answer("scan", "{}")
        self.assert_exit(self.run_fake("scan"), 0)

    def test_outcomes(self):
        for outcome, code in (("done", 0), ("nothing", 0), ("partial", 5), ("refused", 4), ("stopped", 130)):
            with self.subTest(outcome):
                self.answer("merge", merge_report(outcome))
                self.assert_exit(self.run_fake("merge", "--yes"), code)

    def test_errors(self):
        # the numbers of TidyError
        for number, code in ((0, 1), (1, 1), (2, 2), (3, 4), (4, 6), (5, 1), (6, 2), (7, 130), (8, 1), (9, 2)):
            with self.subTest(number):
                self.answer("merge", f"error {number} the reason\n")
                result = self.run_fake("merge", "-y")
                self.assert_exit(result, code)
                self.assertRegex(result.stderr, rb"^xdgtidy: the reason(; .*)?\n$")

    def test_bad_configuration(self):
        self.answer("config-error", "/etc/x.conf:2:1: unknown key")
        for args in (("scan",), ("merge", "-n"), ("merge", "-y")):
            result = self.run_fake(*args)
            self.assert_exit(result, 2)
            self.assertIn(b"/etc/x.conf:2:1: unknown key", result.stderr)
        self.assertEqual(self.asked(), [])
        self.answer("undo", merge_report("done"))
        self.assert_exit(self.run_fake("undo"), 0)

    def test_status_without_daemon(self):
        self.answer("scan", SCAN)
        self.answer("history", "{}")
        result = self.run_fake("status")
        self.assert_exit(result, 3)
        self.assertIn(b"systemctl --user start xdgtidy", result.stdout)

    def test_usage(self):
        for args in ((), ("mrege",), ("scan", "--foo"), ("scan", "too-many"), ("merge", "a", "b", "c"),
                     ("undo", "x"), ("undo", "0"), ("history", "-1"), ("config",), ("--json",),
                     ("scan", "--color=pink")):
            with self.subTest(args):
                result = self.run_fake(*args)
                self.assert_exit(result, 2)
                self.assertEqual(result.stdout, b"")
        self.assertIn(b"did you mean 'merge'?", self.run_fake("mrege").stderr)

    def test_help_and_version(self):
        for args in (("--help",), ("help",), ("help", "merge"), ("merge", "--help"), ("--version",)):
            with self.subTest(args):
                self.assert_exit(self.run_fake(*args), 0)

    def test_undo_of_nothing(self):
        self.answer("undo", "error 6 there is nothing to undo")
        self.assert_exit(self.run_fake("undo"), 0)
        self.assert_exit(self.run_fake("undo", "7"), 2)

    def test_undo_takes_the_id(self):
        self.answer("undo", merge_report("done"))
        self.assert_exit(self.run_fake("undo", "7"), 0)
        self.assertEqual(self.asked(), ["undo 7"])


class WithoutTerminal(FakeCase):
    def test_merge_needs_a_yes(self):
        result = self.run_fake("merge")
        self.assert_exit(result, 4)
        self.assertIn(b"--yes", result.stderr)
        self.assertEqual(self.asked(), [])

    def test_json_needs_a_yes_even_on_a_terminal(self):
        terminal = self.terminal("merge", "--json")
        self.assertEqual(terminal.finish(), 4)
        self.assertEqual(self.asked(), [])

    def test_dry_run_asks_for_the_plan_only(self):
        self.answer("plan", merge_report("done", 0))
        self.assert_exit(self.run_fake("merge", "--dry-run"), 0)
        self.assertEqual(self.asked(), ["plan - -"])

    def test_plan_and_merge_print_the_same_steps(self):
        self.answer("plan", merge_report("done", 0))
        self.answer("merge", merge_report("done"))
        plan = self.run_fake("merge", "-n").stdout.split(b"\n\n")[0]
        merge = self.run_fake("merge", "-y").stdout.split(b"\n\n")[0]
        self.assertEqual(plan, merge)
        self.assertIn(b"move", plan)

    def test_no_colour_in_a_pipe(self):
        self.answer("scan", SCAN)
        self.assertNotIn(b"\033", self.run_fake("scan").stdout)

    def test_quiet(self):
        self.answer("merge", merge_report("done"))
        result = self.run_fake("merge", "--yes", "--quiet")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))


class Json(FakeCase):
    def test_report(self):
        self.answer("merge", merge_report("done"))
        for args in (("merge", "--yes", "--json"), ("--json", "merge", "--yes")):
            report = json.loads(self.run_fake(*args).stdout)
            self.assertEqual(report["version"], 1)
            self.assertEqual(report["operations"][0]["counts"]["moved"], 1)

    def test_error(self):
        self.answer("merge", "error 4 \"locked\" by\x1b another")
        result = self.run_fake("merge", "-y", "--json")
        self.assert_exit(result, 6)
        error = json.loads(result.stderr)
        self.assertEqual(error["version"], 1)
        self.assertEqual(error["error"], {"code": "locked", "exit": 6, "message": "\"locked\" by\\x1b another"})

    def test_usage_error(self):
        for args in (("--json", "mrege"), ("scan", "--json", "--foo")):
            self.assertEqual(json.loads(self.run_fake(*args).stderr)["error"]["code"], "usage")

    def test_config(self):
        show = json.loads(self.run_fake("config", "show", "--json").stdout)
        self.assertIn(("merge", "collisions", "keep-both"),
                      {(row["section"], row["key"], row["value"]) for row in show["settings"]})
        self.assertEqual(json.loads(self.run_fake("config", "check", "--json").stdout)["problems"], [])
        paths = json.loads(self.run_fake("config", "path", "--json").stdout)["files"]
        self.assertEqual(paths[-1], os.path.join(self.home, ".config/xdgtidy/xdgtidy.conf"))


class Config(FakeCase):
    def write(self, text):
        os.makedirs(os.path.join(self.home, ".config/xdgtidy"))
        with open(os.path.join(self.home, ".config/xdgtidy/xdgtidy.conf"), "w", encoding="utf-8") as out:
            out.write(text)

    def test_bad_file(self):
        self.write("[merge]\ncolisions = skip\n")
        for word in ("check", "show"):
            result = self.run_fake("config", word)
            self.assert_exit(result, 2)
            self.assertIn(b"xdgtidy.conf:2:", result.stdout + result.stderr)
            self.assertIn(b"collisions", result.stdout + result.stderr)

    def test_origin(self):
        self.write("[merge]\ncollisions = skip\n")
        self.assert_exit(self.run_fake("config", "check"), 0)
        self.assertIn(b"collisions = skip  ; ~/.config/xdgtidy/xdgtidy.conf:2",
                      self.run_fake("config", "show").stdout)


class Arguments(FakeCase):
    def asked_for(self, *args, cwd=None):
        self.answer("plan", merge_report("done", 0))
        subprocess.run([FAKE, "merge", "-n", *args], env=self.env, cwd=cwd or self.home, check=True,
                       capture_output=True, timeout=DEADLINE)
        return self.asked()[-1]

    def test_relative_to_the_current_directory(self):
        os.makedirs(os.path.join(self.home, "sub/Download"))
        self.assertEqual(self.asked_for("Download", cwd=os.path.join(self.home, "sub")),
                         f"plan {self.home}/sub/Download -")

    def test_bare_name_counts_from_the_home(self):
        self.assertEqual(self.asked_for("Download", cwd="/"), f"plan {self.home}/Download -")

    def test_bytes_are_kept(self):
        last_line = self.asked_for(b"./a\xff\nb", b"--", b"./-t")
        self.assertEqual(self.asked(), [f"plan {self.home}/a\udcff", f"b {self.home}/-t"])
        self.assertEqual(last_line, f"b {self.home}/-t")

    def test_a_dash_in_front(self):
        os.mkdir(os.path.join(self.home, "-t"))
        self.assertEqual(self.asked_for("--", "-t"), f"plan {self.home}/-t -")

    def test_two(self):
        self.assertEqual(self.asked_for("./a/../b/", "/x//y"), f"plan {self.home}/b /x/y")

    def test_consent_goes_with_yes(self):
        self.answer("merge", merge_report("done"))
        self.run_fake("merge", "--yes")
        self.assertEqual(self.asked(), ["merge - - consented"])


class OnTerminal(FakeCase):
    def setUp(self):
        super().setUp()
        self.answer("plan", merge_report("done", 0))
        self.answer("merge", merge_report("done"))

    def test_yes(self):
        terminal = self.terminal("merge")
        terminal.read_until(b"Merge? [y/N] ")
        self.assertEqual(self.asked(), ["plan - -"])
        terminal.send(b"y\n")
        self.assertEqual(terminal.finish(), 0)
        self.assertEqual(self.asked(), ["plan - -", "merge - - consented"])
        self.assertIn(b"Take it back with: xdgtidy undo 3", terminal.seen)
        self.assertEqual(terminal.seen.count(b"/Download -> "), 1, "the steps stood in the plan already")

    def test_yes_but_it_went_otherwise(self):
        self.answer("merge", merge_report("done").replace("Download/a", "Download/b"))
        terminal = self.terminal("merge")
        terminal.read_until(b"Merge? [y/N] ")
        terminal.send(b"y\n")
        self.assertEqual(terminal.finish(), 0)
        self.assertEqual(terminal.seen.count(b"/Download -> "), 2)

    def test_no(self):
        for reply in (b"\n", b"n\n", b"x\n", b"\x04"):
            with self.subTest(reply):
                terminal = self.terminal("merge")
                terminal.read_until(b"Merge? [y/N] ")
                terminal.send(reply)
                self.assertEqual(terminal.finish(), 0)
                self.assertIn(b"Nothing was changed.", terminal.seen)
        self.assertNotIn("merge - - consented", self.asked())

    def test_interrupt_at_the_question(self):
        terminal = self.terminal("merge")
        terminal.read_until(b"Merge? [y/N] ")
        terminal.send(b"\x03")
        self.assertIn(terminal.finish(), (130, -signal.SIGINT))
        self.assertNotIn("merge - - consented", self.asked())

    def test_nothing_to_do_asks_nothing(self):
        self.answer("plan", "{'outcome': <'nothing'>}")
        terminal = self.terminal("merge")
        self.assertEqual(terminal.finish(), 0)
        self.assertNotIn(b"Merge?", terminal.seen)

    def colour_of(self, *args, **env):
        self.env.update(env)
        terminal = self.terminal("merge", "-n", *args)
        terminal.finish()
        return b"\033[" in terminal.seen

    def test_colour(self):
        self.assertTrue(self.colour_of())

    def test_no_color_variable(self):
        self.assertFalse(self.colour_of(NO_COLOR="1"))

    def test_dumb_terminal(self):
        self.assertFalse(self.colour_of(TERM="dumb"))

    def test_color_option(self):
        self.assertFalse(self.colour_of("--color=never"))

    def test_progress_appears_and_goes(self):
        self.answer("merge", "wait")
        terminal = self.terminal("merge", "--yes")
        terminal.read_until(b" of 1000 entries")
        terminal.send(b"\x03")
        self.assertEqual(terminal.finish(), 130)
        self.assertIn(b"\r\033[Kxdgtidy:", terminal.seen.replace(b"\033[31m", b""))
        self.assertIn(b"goes on", terminal.seen)

    def test_no_progress(self):
        self.answer("merge", "wait")
        terminal = self.terminal("merge", "--yes", "--no-progress", "--color=never")
        while not self.asked():
            select.select([terminal.fd], [], [], 0.01)
        terminal.send(b"\x03")
        self.assertEqual(terminal.finish(), 130)
        self.assertNotIn(b"\033", terminal.seen)


class Interrupted(FakeCase):
    def test_signals_stop_the_job(self):
        self.answer("merge", "wait")
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                before = len(self.asked())
                child = subprocess.Popen([FAKE, "merge", "--yes"], env=self.env, stderr=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
                while len(self.asked()) == before:
                    select.select([], [], [], 0.01)
                child.send_signal(number)
                _, errors = child.communicate(timeout=DEADLINE)
                self.assertEqual(child.returncode, 130)
                self.assertIn(b"goes on", errors)


class Completion(FakeCase):
    def complete(self, *words):
        script = os.path.join(self.home, "completion")
        with open(script, "wb") as out:
            out.write(self.run_fake("--dump-completion=bash").stdout)
        program = (f". {script}; COMP_WORDS=(xdgtidy {' '.join(words)} ''); COMP_CWORD={len(words) + 1};"
                   " [ -n \"$LAST\" ] && COMP_WORDS[COMP_CWORD]=$LAST; _xdgtidy; printf '%s\\n' \"${COMPREPLY[@]}\"")
        return subprocess.run(["bash", "-c", program], env=self.env, capture_output=True, text=True, cwd=self.home,
                              check=True, timeout=DEADLINE).stdout.split("\n")[:-1]

    def test_commands(self):
        self.assertIn("merge", self.complete())

    def test_words(self):
        self.assertEqual(self.complete("config"), ["check", "show", "path"])
        self.assertIn("undo", self.complete("help"))

    def test_directories(self):
        os.mkdir(os.path.join(self.home, "My stray"))
        self.assertEqual(self.complete("merge"), ["My stray"])

    def test_options(self):
        self.env["LAST"] = "--d"
        self.assertEqual(self.complete("merge"), ["--dry-run", "--direct"])


if __name__ == "__main__":
    taprunner.main(argv=sys.argv[2:])
