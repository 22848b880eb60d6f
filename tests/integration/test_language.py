#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# A change of language and back, over ten languages: what lies in the directories of the old one moves into those of the
# new one with one yes, while the real xdg-user-dirs-update runs beside us over and over, and another process looks
# all the time whether a configured directory is missing. I/O: scratch homes, child processes.
"""usage: test_language.py XDGTIDY [TEST...]"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import taprunner

XDGTIDY = os.path.abspath(sys.argv[1])
LOCALES = ("fr_FR", "de_DE", "es_ES", "it_IT", "pt_BR", "sv_SE", "pl_PL", "hu_HU", "ru_RU", "ja_JP")
OTHER = "en_US"
DEADLINE = 120
LINE = re.compile(r'^XDG_([A-Z]+)_DIR="\$HOME/(.*)"$', re.MULTILINE)

# Looks at every configured directory, as fast as it can, until its standard input ends. A key that became the home
# itself, or a directory that is not there, ends it at once.
POLLER = r"""
import os, re, select, sys
home, line = sys.argv[1], re.compile(r'^XDG_([A-Z]+)_DIR="(.*)"$', re.MULTILINE)
looks = 0
print("looking", flush=True)
while True:
    with open(home + "/.config/user-dirs.dirs", encoding="utf-8") as text:
        dirs = line.findall(text.read())
    for key, value in dirs:
        if value in ("$HOME", "$HOME/"):
            sys.exit(f"{key} became the home itself")
        for _ in range(20):
            looks += 1
            try:
                os.stat(value.replace("$HOME", home))
            except FileNotFoundError:
                sys.exit(f"{key}: {value} was missing at look {looks}")
    if select.select([sys.stdin], [], [], 0)[0]:
        break
print(looks)
"""


def missing():
    for program in ("xdg-user-dirs-update", "localedef"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    if not os.path.exists("/usr/share/i18n/locales/fr_FR"):
        return "the package locales is not installed"
    if not os.path.exists("/usr/share/locale/fr/LC_MESSAGES/xdg-user-dirs.mo"):
        return "xdg-user-dirs has no message catalogs here"
    return None


@unittest.skipIf(missing(), missing() or "")
class Languages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.locpath = tempfile.mkdtemp(prefix="xdgtidy-locales-")
        for name in LOCALES + (OTHER,):
            subprocess.run(["localedef", "-i", name, "-f", "UTF-8", os.path.join(cls.locpath, name + ".UTF-8")],
                           check=False, capture_output=True, timeout=DEADLINE)
            if not os.path.isdir(os.path.join(cls.locpath, name + ".UTF-8")):
                raise AssertionError(f"localedef made no {name}")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.locpath, ignore_errors=True)

    def setUp(self):
        self.home = os.path.realpath(tempfile.mkdtemp(prefix="xdgtidy-language-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        os.mkdir(self.path(".config"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "LC_", "LANG", "DBUS_"))}
        self.env |= {"HOME": self.home, "LOCPATH": self.locpath}

    def path(self, *names):
        return os.path.join(self.home, *names)

    def run_in(self, locale, *command):
        return subprocess.run(command, env=self.env | {"LANG": locale + ".UTF-8"}, check=False, capture_output=True,
                              stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=DEADLINE)

    def configured(self):
        with open(self.path(".config/user-dirs.dirs"), encoding="utf-8") as text:
            return dict(LINE.findall(text.read()))

    def change_language(self, locale):
        """What the user's yes to xdg-user-dirs-gtk-update does: other names, and the old directories stay."""
        old = self.configured() if os.path.exists(self.path(".config/user-dirs.dirs")) else {}
        result = self.run_in(locale, "xdg-user-dirs-update", "--force")
        self.assertEqual(result.returncode, 0, result.stderr)
        new = self.configured()
        self.assertEqual(len(new), 8, new)
        return {key: (old[key], new[key]) for key in old if old[key] != new[key]}

    def start_update_loop(self, locale):
        loop = "while :; do xdg-user-dirs-update; done"
        child = subprocess.Popen(["/bin/sh", "-c", loop], env=self.env | {"LANG": locale + ".UTF-8"},
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop, child)
        return child

    @staticmethod
    def stop(child):
        child.kill()
        child.wait()

    def start_poller(self):
        child = subprocess.Popen([sys.executable, "-c", POLLER, self.home], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(child.stdout.readline(), "looking\n")
        return child

    def test_the_poller_sees_a_gap(self):
        self.change_language(OTHER)
        poller = self.start_poller()
        name = self.path(self.configured()["DOWNLOAD"])
        while poller.poll() is None:
            os.rename(name, name + "~")
            os.rename(name + "~", name)
        self.assertIn("was missing at look", poller.communicate()[1])

    def merge_everything(self, locale):
        loop, poller = self.start_update_loop(locale), self.start_poller()
        result = self.run_in(locale, XDGTIDY, "merge", "--direct", "--yes")
        looks, errors = poller.communicate(timeout=DEADLINE)
        self.stop(loop)
        self.assertEqual(poller.returncode, 0, errors)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return int(looks)

    def fill(self, word):
        for key, name in self.configured().items():
            os.makedirs(self.path(name, "sub"), exist_ok=True)
            for file in (f"{word}-{key}.txt", f"sub/{word}-{key}.txt"):
                with open(self.path(name, file), "w", encoding="utf-8") as out:
                    out.write(f"{word} {key}")

    def assert_filled(self, *words):
        for key, name in self.configured().items():
            for word in words:
                for file in (f"{word}-{key}.txt", f"sub/{word}-{key}.txt"):
                    with open(self.path(name, file), encoding="utf-8") as text:
                        self.assertEqual(text.read(), f"{word} {key}")

    def there_and_back(self, locale):
        self.change_language(locale)
        self.fill("first")
        names = self.configured()
        looks = 0
        for step, to in enumerate((OTHER, locale)):
            changed = self.change_language(to)
            self.assertTrue(changed, f"{locale} has the names of {OTHER}")
            self.fill(f"step{step}")
            looks += self.merge_everything(to)
            self.assert_filled("first", "step0", *(["step1"] if step else []))
            for old, _ in changed.values():
                if old not in self.configured().values():
                    self.assertFalse(os.path.lexists(self.path(old)), f"{old} is still there")
        self.assertEqual(self.configured(), names)
        print(f"# {locale}: {looks} looks, no directory missing")


def add_case(locale):
    def test(self):
        self.there_and_back(locale)
    setattr(Languages, f"test_{locale}_and_back", test)


for each in LOCALES:
    add_case(each)

if __name__ == "__main__":
    taprunner.main(argv=sys.argv[2:])
