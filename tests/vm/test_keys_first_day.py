#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# From ~/.Xmodmap to remapped keys as README.md says it, with the real daemon, systemd, logind and keyboard. I/O.
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import taprunner
import vm

XMODMAP = "remove Lock = Caps_Lock\nkeycode 66 = z\n"
# What a package does after its files are there.
PACKAGE = ("systemd-sysusers && udevadm control --reload && udevadm trigger --name-match=uinput && udevadm settle && "
           "systemctl daemon-reload")
CONF = "~/.config/xdgtidy/keyremap.conf"
COMMANDS = "f5 = command(printf '%s %s' \"$HOME\" $((6*7)) > ~/ran)\nf6 = command(cat /proc/self/cgroup > ~/where)\n"


class KeysDaemon(unittest.TestCase):
    def five_lines(self, guest):
        guest.sh("cat >.Xmodmap", stdin=XMODMAP.encode(), user="tester")
        guest.sh("systemctl enable --now xdgtidy-keys.socket")
        guest.sh(f"mkdir -p ~/.config/xdgtidy && xdgtidy keys import xmodmap >{CONF}", user="tester")
        guest.sh("xdgtidy keys check", user="tester")
        guest.sh("systemctl --user enable --now xdgtidy", user="tester")
        self.wait_status(guest, "remapped")

    def wait_status(self, guest, text):
        guest.wait_for(f"xdgtidy keys status | grep -q -- '{text}'", user="tester")

    def types_z(self, guest, word):
        guest.tap("x", "caps_lock", "y", "ret")
        guest.wait_for(f"tail -n 1 /tmp/typed | grep -qx {word}")

    def test_five_lines_then_commands_and_lock(self):
        with vm.VM("desktop") as guest:
            guest.install()
            guest.sh(PACKAGE)
            self.five_lines(guest)
            print("# " + guest.sh("xdgtidy keys status", user="tester").replace("\n", "\n# "))
            self.assertIn("the system's service, seat0", guest.sh("xdgtidy keys status", user="tester"))
            self.types_z(guest, "xzy")

            guest.sh(f"cat >>{CONF}", stdin=COMMANDS.encode(), user="tester")
            self.wait_status(guest, "2 commands")
            guest.tap("f5")
            guest.wait_for("test -s ~/ran", user="tester")
            self.assertEqual(guest.sh("cat ~/ran", user="tester"), "/home/tester 42")
            guest.tap("f6")
            guest.wait_for("grep -q xdgtidy-command- ~/where", user="tester")

            guest.sh("rm ~/ran ~/where", user="tester")
            session = guest.sh("loginctl show-seat -P ActiveSession seat0").strip()
            guest.sh(f"loginctl lock-session {session}")
            self.wait_status(guest, "locked now")
            guest.tap("f5")
            guest.sh(f"loginctl unlock-session {session}")
            guest.wait_for("! xdgtidy keys status | grep -q 'locked now'", user="tester")
            guest.tap("f6")
            guest.wait_for("test -s ~/where && ! test -e ~/ran", user="tester")

            guest.sh("xdgtidy keys suspend", user="tester")
            self.wait_status(guest, "suspended")
            guest.sh("xdgtidy keys resume", user="tester")
            self.wait_status(guest, "^Keys are remapped")

            # Root sees what is emitted; the keyboard itself gives its events to the helper alone.
            guest.sh("systemd-run --quiet --unit=monitor --property=StandardOutput=file:/run/seen xdgtidy keys monitor")
            guest.wait_for("grep -q 'Ctrl-C ends it' /run/seen")
            guest.tap("caps_lock")
            guest.wait_for("grep -q 'emitted  z up' /run/seen")
            self.assertNotIn("physical capslock", guest.sh("cat /run/seen"))
            guest.sh("systemctl stop monitor")

            guest.sh("systemctl --user stop xdgtidy", user="tester")
            guest.wait_for("! pgrep -x xdgtidy-keys")

    def test_without_the_service_and_with_the_users_own_rights(self):
        with vm.VM("desktop") as guest:
            guest.install()
            guest.sh(PACKAGE)
            guest.sh(f"mkdir -p ~/.config/xdgtidy && printf '[ids]\\n*\\n[main]\\ncapslock = z\\n' >{CONF} && "
                     "systemctl --user enable --now xdgtidy", user="tester")
            self.wait_status(guest, "systemctl enable --now xdgtidy-keys.socket")
            # As a member of the group input would be; the daemon's sandbox holds for this helper too.
            guest.sh("setfacl -m u:tester:rw /dev/input/event* /dev/uinput || "
                     "chmod o+rw /dev/input/event* /dev/uinput")
            guest.sh("xdgtidy keys reload", user="tester")
            self.assertIn("with your own rights", guest.sh("xdgtidy keys status", user="tester"))
            self.types_z(guest, "xzy")
            guest.sh("systemctl --user stop xdgtidy", user="tester")
            guest.wait_for("! pgrep -x xdgtidy-keys")


if __name__ == "__main__":
    taprunner.main()
