#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`xdgtidy keys` as a person uses it. usage: keys-cli.py XDGTIDY-KEYS-CLI SCENARIO_DIR"""
import glob
import os
import random
import subprocess
import sys
import tempfile
import unittest
import xml.dom.minidom

CLI = os.path.abspath(sys.argv.pop(1))
SCENARIOS = os.path.abspath(sys.argv.pop(1))
CANONICAL = "remove Lock = Caps_Lock\nkeycode 66 = z\n"


class Keys(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path

    def keys(self, *args, stdin="", status=0, layout="us"):
        done = subprocess.run([CLI, *args] + (["--layout", layout] if layout else []), input=stdin.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env=dict(os.environ, LC_ALL="C.UTF-8", HOME=self.folder.name,
                                       XDG_CONFIG_HOME=os.path.join(self.folder.name, "config")))
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stdout.decode(), done.stderr.decode()

    def simulate(self, config, events):
        return self.keys("simulate", "--config", config, stdin=events)[0]

    def lines(self, text):
        return [line for line in text.splitlines() if line and not line.startswith("#")]

    def test_canonical_import(self):
        text, _ = self.keys("import", "xmodmap", self.file(".Xmodmap", CANONICAL))
        self.assertEqual(self.lines(text), ["[ids]", "*", "[main]", "capslock = z"])
        self.assertEqual(self.simulate(self.file("c.conf", text), "0 capslock down\n10 capslock up\n"),
                         "0 z down\n10 z up\n")
        with_shift = "0 leftshift down\n10 capslock down\n20 capslock up\n30 leftshift up\n"
        self.assertEqual(self.simulate(self.file("c.conf", text), with_shift),
                         "0 leftshift down\n10 z down\n20 z up\n30 leftshift up\n")

    def test_default_file_is_the_users(self):
        self.file(".Xmodmap", CANONICAL)
        self.assertIn("capslock = z", self.keys("import", "xmodmap")[0])

    def test_import_depends_on_the_layout(self):
        text, _ = self.keys("import", "xmodmap", self.file("x", CANONICAL), layout="de")
        self.assertIn("capslock = y", self.lines(text))

    def test_import_says_what_it_cannot(self):
        text, err = self.keys("import", "xmodmap", self.file(
            "x", "pointer = 3 2 1\nkeycode any = z\nkeycode 300 = z\nkeycode 66 = nosuch\nkeycode 24 = U0416\nfoo\n"))
        self.assertEqual(text.count("not carried over"), 5)
        self.assertIn("5 lines", err)
        self.assertIn("q = Ж", text)
        self.keys("check", self.file("c.conf", text))

    def test_import_columns(self):
        text, _ = self.keys("import", "xmodmap", self.file("x", "keycode 24 = a exclam\n"))
        self.assertEqual(self.lines(text), ["[ids]", "*", "[main]", "q = a", "[shift]", "q = S-1"])

    def test_import_modifiers(self):
        text, _ = self.keys("import", "xmodmap", self.file(
            "x", "clear Lock\nkeycode 66 = Control_L\nadd Control = Control_L\n"))
        self.assertIn("capslock = layer(control)", self.lines(text))
        text, _ = self.keys("import", "xmodmap", self.file("x", "clear Lock\n"))
        self.assertIn("capslock = noop", self.lines(text))

    def test_import_mode_switch(self):
        text, _ = self.keys("import", "xmodmap", self.file(
            "x", "keycode 108 = Mode_switch\nkeycode 44 = j J braceleft bracketleft\n"))
        config = self.file("c.conf", text)
        self.assertEqual(self.simulate(config, "0 rightalt down\n1 j down\n2 j up\n3 rightalt up\n"),
                         "1 leftshift down\n1 [ down\n2 [ up\n2 leftshift up\n")

    def test_import_keyd(self):
        self.file("keyd/layouts/one", "[one:layout]\na = b\n")
        path = self.file("keyd/default.conf", "[ids]\n*\n[main]\nf1 = setlayout(one)\ninclude layouts/one\ninclude gone\n")
        text, _ = self.keys("import", "keyd", os.path.dirname(path))
        self.assertIn("[one:layout]", text)
        self.assertIn("# include gone", text)
        self.keys("check", self.file("c.conf", text))

    def test_check(self):
        out, _ = self.keys("check", self.file("c.conf", "[ids]\n*\n-1234:5678\n[main]\na = layer(nav)\n[nav:C]\nh = left\n"))
        self.assertIn("devices: every keyboard, not 1234:5678", out)
        self.assertRegex(out, r"nav +1 key , modifiers C")

    def test_check_places_the_error(self):
        path = self.file("c.conf", "[main]\na = layr(nav)\n")
        _, err = self.keys("check", path, status=1)
        self.assertIn(path + ':2:5: error: no action "layr"; did you mean "layer"?', err)

    def test_check_error_in_an_included_file(self):
        inner = self.file("inc/x", "\n a = esk\n")
        path = self.file("c.conf", "[main]\ninclude inc/x\n")
        _, err = self.keys("check", path, status=1)
        self.assertIn(os.path.realpath(inner) + ":2:6: error", err)

    def test_include_bounds(self):
        for text, what in (("include c.conf\n", "includes itself"), ("include ../etc\n", "include: ../etc"),
                           ("include nosuch\n", "No such file"), ("include /etc/passwd\n", "No such file")):
            self.assertIn(what, self.keys("check", self.file("c.conf", "[main]\n" + text), status=1)[1])
        os.symlink("/etc/passwd", os.path.join(self.folder.name, "link"))
        self.assertIn("Permission denied", self.keys("check", self.file("c.conf", "include link\n"), status=1)[1])

    def test_bad_files(self):
        self.assertIn("NUL", self.keys("check", self.file("c.conf", b"[main]\na = \0b\n"), status=1)[1])
        self.assertIn("not UTF-8", self.keys("check", self.file("c.conf", b"[main]\na = \xff\n"), status=1)[1])
        self.assertIn("bytes", self.keys("check", self.file("c.conf", b"#" * (1024 * 1024 + 1)), status=1)[1])
        self.keys("check", os.path.join(self.folder.name, "nosuch"), status=1)
        self.keys("check", self.folder.name, status=1)
        lines = "[ids]\n*\n[main]\n" + "a = b\n" * 100000
        self.keys("check", self.file("c.conf", lines))
        self.keys("check", self.file("c.conf", "[ids]\n*\n[main]\n" + "".join(
            "%s = noop\n" % key for key in "abcdefghijklmnopqrstuvwxyz")))

    def test_many_layers_and_keys(self):
        text = "[ids]\n*\n[main]\n" + "".join("[l%d]\na = toggle(l%d)\n" % (i, i) for i in range(2000))
        self.keys("check", "--quiet", self.file("c.conf", text))

    def test_simulate_protocol(self):
        config = self.file("c.conf", "[ids]\n*\n[main]\na = layer(nav)\nc = command(true)\n[nav]\n")
        out, _ = self.keys("simulate", "--layers", "--config", config,
                           stdin="# a comment\n\n0 KEY_A down\n5 #30 repeat\n9 a up\n10 c down\n20 tick\n30 #600 down\n")
        self.assertEqual(out, "# 0 layer +nav\n# 9 layer -nav\n# 10 command: true\n30 #600 down\n")
        for line in ("x a down", "5 nosuch down", "5 a sideways", "5 a", "5 a down more", "-1 a down", "5 ! down"):
            self.keys("simulate", "--config", config, stdin="5 x down\n" + line + "\n", status=2)
        self.keys("simulate", "--config", config, stdin="5 x down\n4 x up\n", status=2)
        self.assertEqual(self.keys("simulate", "-q", "--config", config, stdin="5 x down\n")[0], "")
        self.keys("simulate", "--config", self.file("bad.conf", "a\n"), status=1)

    def test_what_is_recorded_can_be_run_again(self):
        config = self.file("c.conf", "[ids]\n*\n[main]\na = b\n")
        events = "0 a down\n10 a up\n"
        record = os.path.join(os.path.dirname(config), "case")
        out, _ = self.keys("simulate", "--config", config, "--record", record, stdin=events)
        with open(record, encoding="utf-8") as text:
            recorded = text.read()
        self.assertEqual(recorded, "0 a down\n# -> 0 b down\n10 a up\n# -> 10 b up\n")
        self.assertEqual(self.keys("simulate", "--config", config, stdin=recorded)[0], out)
        self.keys("simulate", "--config", config, "--record", record, stdin=events, status=2)

    def test_text_on_the_layout(self):
        config = self.file("c.conf", "[ids]\n*\n[main]\na = macro(é)\nb = macro(yz)\n")
        for layout, key in (("fr", "2"), ("us", None)):
            out = self.keys("simulate", "--config", config, stdin="0 a down\n", layout=layout)[0].split("\n")[0]
            self.assertEqual(out, "0 %s down" % key if key else "0 leftshift down")
        out = self.keys("simulate", "--config", config, stdin="0 b down\n", layout="de")[0]
        self.assertEqual(out.split("\n")[0], "0 z down")

    def test_unicode_methods(self):
        main = "[main]\na = Ж\n"
        out, _ = self.keys("compile", self.file("c.conf", "[ids]\n*\n" + main))
        self.assertIn("a = macro(C-S-u 4 1 6 space)", out)
        _, err = self.keys("check", self.file("c.conf", "[ids]\n*\n" + main))
        self.assertIn("Ctrl+Shift+U", err)
        path = self.file("c.conf", "[ids]\n*\n[global]\nunicode = compose\n" + main)
        self.assertIn("a = macro(cancel 0 0 t 2)", self.keys("compile", path)[0])
        self.assertIn('<Cancel> <0> <0> <t> <2> : "Ж"', self.keys("compile", "--compose", path)[0])
        _, err = self.keys("check", self.file("c.conf", "[global]\nunicode = none\n" + main), status=1)
        self.assertIn(":4:5: error:", err)

    def test_compile_is_the_same_keymap(self):
        choice = random.Random(1)
        names = "a s d f g h j k x leftshift leftcontrol rightalt space capslock f1 f2".split()
        for path in glob.glob(os.path.join(SCENARIOS, "*.txt")):
            if os.path.basename(path) in ("errors.txt", "lint.txt", "text.txt"):
                continue
            with open(path, encoding="utf-8") as file:
                one = self.file("one.conf", file.read().split("\n---\n")[0] + "\n")
            flat = self.keys("compile", one)[0]
            two = self.file("two.conf", flat)
            self.assertEqual(self.keys("compile", two)[0], flat, path)
            time, events = 0, []
            for _ in range(200):
                time += choice.choice([1, 20, 60, 250])
                events.append("%d %s %s" % (time, choice.choice(names), choice.choice(["down", "up"])))
            events = "\n".join(events) + "\n"
            self.assertEqual(self.simulate(one, events), self.simulate(two, events), path)

    def test_list(self):
        out, _ = self.keys("list", layout="de")
        self.assertTrue(any(line.split()[:5] == ["44", "z", "KEY_Z:", "y", "Y"] for line in out.splitlines()))
        self.assertRegex(self.keys("list", "--actions", layout=None)[0], r"\.It Ic overload Ns Pq")

    def test_show(self):
        path = self.file("c.conf", "[ids]\n*\n[main]\ncapslock = z\nj+k = esc\nspace = overload(nav, space)\n[nav]\n, = <\n")
        out, _ = self.keys("show", path)
        self.assertIn("|*z ", out)
        self.assertIn("j+k = esc", out)
        svg = xml.dom.minidom.parseString(self.keys("show", "--svg", path)[0])
        texts = [node.firstChild.data for node in svg.getElementsByTagName("text") if node.firstChild]
        self.assertIn("nav", texts)
        self.assertIn("<", texts)

    def test_usage(self):
        self.assertIn("did you mean 'check'", self.keys("chek", status=2, layout=None)[1])
        self.keys("check", "--nosuch", status=2)
        self.keys("check", self.file("c.conf", ""), layout="nosuchlayout", status=2)


unittest.main(verbosity=0)
