#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the importer with the real xmodmap on Xvfb: the map after each file, key by key and modifier by
modifier. usage: keys-xmodmap.py XDGTIDY-KEYS-CLI. Skipped (77) without Xvfb and xmodmap.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

FILES = {
    "canonical": "remove Lock = Caps_Lock\nkeycode 66 = z\n",
    "only-keycode": "keycode 66 = z\n",
    "comment-and-blanks": "! a comment\n\n  keycode 66 = z\n",
    "hex-and-octal": "keycode 0x42 = z\nkeycode 0102 = x\n",
    "touching-equals": "keycode 44=k K\n",
    "swap-keysyms": "keysym a = b\nkeysym b = a\n",
    "swap-caps-control": "remove Lock = Caps_Lock\nremove Control = Control_L\nkeysym Control_L = Caps_Lock\n"
                         "keysym Caps_Lock = Control_L\nadd Lock = Caps_Lock\nadd Control = Control_L\n",
    "caps-is-control": "clear Lock\nkeycode 66 = Control_L\nadd Control = Control_L\n",
    "clear-lock": "clear Lock\n",
    "escape": "clear lock\nkeycode 66 = Escape\n",
    "two-columns": "keycode 24 = a exclam\nkeycode 25 = 1 2\n",
    "unicode": "keycode 26 = U00E9 U00C9\n",
    "nosymbol": "keycode 27 = NoSymbol NoSymbol\nkeycode 28 =\n",
    "four-columns": "keycode 44 = j J braceleft bracketleft\nkeycode 45 = k K parenleft\n",
    "multi-key": "keycode 135 = Multi_key\n",
    "upper-alone": "keycode 52 = Z\n",
    "ctrl-name": "remove ctrl = Control_R\nkeysym Control_R = Alt_R\n",
    "hex-keysym": "keycode 52 = 0x7a 0x5a\n",
    "function-keys": "keycode 107 = F13\nkeysym Scroll_Lock = Menu\n",
}
MODIFIERS = ["shift", "lock", "control", "mod1", "mod2", "mod3", "mod4", "mod5"]


def parse_keys(text):
    keys = {}
    for line in text.splitlines():
        found = re.match(r"keycode\s+(\d+) =(.*)", line)
        if found:
            keys[int(found.group(1))] = found.group(2).split()
    return keys


def parse_x_modifiers(text):
    modifiers = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in MODIFIERS:
            modifiers[words[0]] = set(int(code, 16) for code in re.findall(r"\((0x[0-9a-f]+)\)", line))
    return modifiers


def parse_our_modifiers(text):
    modifiers = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in MODIFIERS:
            modifiers[words[0]] = set(int(code, 16) for code in words[1:])
    return modifiers


class Server:
    """An X server of its own for one file, so that nothing is left of the one before."""

    def __enter__(self):
        read, write = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-noreset", "-nolisten", "tcp"],
                                        pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.env = dict(os.environ, DISPLAY=":" + pipe.readline().strip())
        return self

    def run(self, *args, **options):
        return subprocess.run(args, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **options)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def compare(cli, name, text, number):
    with tempfile.NamedTemporaryFile("w", suffix=".xmodmap") as file, Server() as server:
        file.write(text)
        file.flush()
        before = parse_keys(server.run("xmodmap", "-pke").stdout.decode())
        done = server.run("xmodmap", file.name)
        after = parse_keys(server.run("xmodmap", "-pke").stdout.decode())
        modifiers = parse_x_modifiers(server.run("xmodmap", "-pm").stdout.decode())
        dump = subprocess.run([cli, "import", "xmodmap", file.name, "--map", "--layout", "us", "--model", "pc105"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False).stdout.decode()
    ours, our_modifiers = parse_keys(dump), parse_our_modifiers(dump)
    problems = []
    if done.returncode:
        problems.append("xmodmap refused the file: " + done.stderr.decode().strip())
    changed = [code for code in after if after[code] != before[code]]
    # The server's table has as many columns as its widest key needs: 7, or 10 once a key has a second group.
    width = max(len(row) for row in after.values())
    for code in sorted(after):
        row = ours.get(code, [])[:width]
        while row and row[-1] == "NoSymbol":
            row.pop()
        if code > 8 and row != after[code]:
            problems.append("keycode %d: xmodmap %s, ours %s" % (code, after[code], row))
    for modifier in MODIFIERS:
        if modifiers.get(modifier) != our_modifiers.get(modifier):
            problems.append("%s: xmodmap %s, ours %s" % (modifier, modifiers.get(modifier), our_modifiers.get(modifier)))
    print("%sok %d %s (%d keys change)" % ("not " if problems else "", number, name, len(changed)))
    for problem in problems[:12]:
        print("# " + problem)
    return not problems


def main():
    if not shutil.which("Xvfb") or not shutil.which("xmodmap"):
        print("1..0 # SKIP no Xvfb or xmodmap")
        return 0
    print("1..%d" % len(FILES))
    results = [compare(sys.argv[1], name, text, number + 1) for number, (name, text) in enumerate(FILES.items())]
    return 0 if all(results) else 1


sys.exit(main())
