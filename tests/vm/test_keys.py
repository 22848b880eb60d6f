#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# xdgtidy-keys on a real kernel: keyboards that QEMU presses, the service in its sandbox, sessions on two VTs. I/O.
import os
import re
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import taprunner
import vm

KEYMAP = "[ids]\n*\n[main]\ncapslock = z\n"
SOCKET = "/run/xdgtidy/keys.sock"
# linux/input-event-codes.h
BACKSPACE, Y, ENTER, Z, CAPSLOCK, X = 14, 21, 28, 44, 58, 45
# What a package does after its files are there.
SET_UP = ("systemd-sysusers && udevadm control --reload && udevadm trigger --name-match=uinput && udevadm settle && "
          "systemctl daemon-reload && systemctl start xdgtidy-keys.socket")


class Keys(unittest.TestCase):
    def prepare(self, guest, keymap=KEYMAP, how=SOCKET, user="tester"):
        """The product, a program that listens to all keyboards, and a daemon of @user that has sent its keymap."""
        guest.install()
        guest.add_tools()
        guest.sh(SET_UP)
        self.before = guest.sh("/tools/keys.py devices")
        self.talk(guest, keymap, how, user)
        guest.sh("mkdir -p /run/listen && systemd-run --quiet --unit=listen /tools/keys.py listen /run/listen")

    def talk(self, guest, keymap=KEYMAP, how=SOCKET, user="tester", name="talk"):
        guest.sh(f"mkdir -p /run/{name} && cd /run/{name} && cat >keymap && : >heard && rm -f say && mkfifo say && "
                 f"chown -R {user} .", stdin=keymap.encode())
        guest.sh(f"systemd-run --quiet --collect --unit={name} --uid={user} /tools/keys.py talk {how} /run/{name}")

    def heard(self, guest, text, timeout=vm.PATIENCE_SEC):
        guest.wait_for(f"grep -q -- '{text}' /run/talk/heard", timeout=timeout)

    def grabbed(self, guest):
        self.heard(guest, "^device grabbed .*Translated Set 2")
        guest.wait_for("grep -q 'opened clone AT Translated' /run/listen/seen")

    def say(self, guest, line):
        guest.sh("cat >/run/talk/say", stdin=line.encode() + b"\n")

    def seen(self, guest, *edges):
        """Those edges were seen, in this order, as the last ones."""
        wanted = "\\n".join(edges)
        try:
            guest.wait_for(f"test \"$(grep -v ' 2$' /run/listen/seen | tail -n {len(edges)})\" = \"$(printf '{wanted}')\"")
        except vm.Failed:
            self.assertEqual(list(edges), guest.sh("cat /run/listen/seen").splitlines()[-len(edges) - 5:])

    def nothing_left(self, guest):
        """No clone, no key down, no process."""
        guest.wait_for("! pgrep -x xdgtidy-keys")
        guest.wait_for("! /tools/keys.py devices | grep -q ^clone")
        self.assertEqual(self.before, guest.sh("/tools/keys.py devices"))
        self.assertEqual("", guest.sh("/tools/keys.py down"))

    def bye(self, guest):
        self.say(guest, "bye")
        self.nothing_left(guest)

    def test_service_types_z_for_tester(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            guest.wait_for_reader("AT Translated Set 2 keyboard")
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xzy /tmp/typed")
            self.seen(guest, f"clone {X} 1", f"clone {X} 0", f"clone {Z} 1", f"clone {Z} 0", f"clone {Y} 1",
                      f"clone {Y} 0", f"clone {ENTER} 1", f"clone {ENTER} 0")

            pid = guest.sh("pgrep -x xdgtidy-keys").strip()
            status = guest.sh(f"cat /proc/{pid}/status")
            uid = guest.sh("id -u xdgtidy-keys").strip()
            self.assertIn(f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n", status)
            for line in ("NoNewPrivs:\t1\n", "Seccomp:\t2\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n"):
                self.assertIn(line, status)
            rss = int(re.search(r"VmRSS:\s*(\d+)", status)[1])
            print(f"# RSS {rss} KiB")
            self.assertLess(rss, 3 * 1024)
            self.assertNotIn("VmLck:\t       0 kB", status)
            self.assertIn("SCHED_FIFO|SCHED_RESET_ON_FORK", guest.sh(f"chrt -p {pid}"))
            level = guest.sh("systemd-analyze security --no-pager xdgtidy-keys@1.service | tail -n 1")
            self.assertLessEqual(float(re.search(r"(\d+\.\d+)", level)[1]), 1.0, level)

            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            self.say(guest, "suspend")
            self.heard(guest, "^state.*suspended")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            guest.key("caps_lock", False)
            guest.tap("x")
            self.seen(guest, f"device {X} 1", f"device {X} 0")
            self.bye(guest)

    def test_without_the_right_to_real_time_it_works(self):
        with vm.VM("desktop") as guest:
            guest.sh("mkdir -p /run/systemd/system/xdgtidy-keys@.service.d && printf '[Service]\\nLimitRTPRIO=0\\n' "
                     ">/run/systemd/system/xdgtidy-keys@.service.d/none.conf")
            self.prepare(guest)
            self.grabbed(guest)
            self.assertIn("SCHED_OTHER", guest.sh("chrt -p $(pgrep -x xdgtidy-keys)"))
            guest.sh("journalctl -o cat -u 'xdgtidy-keys@*' | grep -x 'xdgtidy-keys: no real-time priority: .*'")
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.bye(guest)

    def test_killed_while_a_key_is_down(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            guest.sh("pkill -KILL -x xdgtidy-keys")
            guest.key("caps_lock", False)
            self.heard(guest, "^end$")
            guest.tap("x")
            self.seen(guest, f"device {X} 1", f"device {X} 0")
            self.nothing_left(guest)

    def test_daemon_killed(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            guest.sh("systemctl kill --signal=KILL talk")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            guest.key("caps_lock", False)
            self.nothing_left(guest)

    def test_second_keyboard_unplugged_while_held(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            guest.plug_keyboard()
            self.heard(guest, "^device grabbed .*USB Keyboard")
            guest.wait_for("grep -q 'opened clone QEMU' /run/listen/seen")
            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            guest.unplug("usbkbd")
            self.heard(guest, "^device removed .*USB Keyboard")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            guest.tap("x")      # the other one
            self.seen(guest, f"clone {X} 1", f"clone {X} 0")
            self.bye(guest)

    def test_overrun(self):
        """More events than the kernel keeps while the helper is stopped; the release of a key is among the lost ones."""
        with vm.VM() as guest:
            self.prepare(guest, how="direct", user="root")
            self.grabbed(guest)
            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            guest.sh("pkill -STOP -x xdgtidy-keys")
            guest.key("caps_lock", False)
            for _ in range(10):     # the kernel keeps 64 events, which is ten taps
                guest.tap(*"xxxx")
                guest.sh("true")    # the guest keeps up
            guest.sh("pkill -CONT -x xdgtidy-keys")
            guest.wait_for("! /tools/keys.py down | grep .")
            guest.sh(f"grep -qx 'clone {Z} 0' /run/listen/seen")
            self.say(guest, "status")
            self.heard(guest, "^counts.* overruns [1-9]")
            guest.tap("y")
            self.seen(guest, f"clone {Y} 1", f"clone {Y} 0")
            self.bye(guest)

    def test_panic_chord(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest, "[ids]\n*\n[main]\nbackspace = noop\nesc = overload(control, esc)\ncapslock = z\n")
            self.grabbed(guest)
            for key in ("backspace", "esc", "ret"):
                guest.key(key, True)
            self.heard(guest, "^state.*panic")
            for key in ("backspace", "esc", "ret"):
                guest.key(key, False)
            guest.tap("caps_lock")
            self.seen(guest, f"device {CAPSLOCK} 1", f"device {CAPSLOCK} 0")
            self.say(guest, "resume")
            guest.wait_for("test $(grep -c '^device grabbed .*Translated' /run/talk/heard) = 2")
            guest.wait_for("test $(grep -c '^opened clone AT' /run/listen/seen) = 2")
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.bye(guest)

    def test_session_switch(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            guest.key("caps_lock", True)
            self.seen(guest, f"clone {Z} 1")
            guest.session("other", 8, "exec sleep infinity")
            self.heard(guest, "^state.*inactive")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            guest.key("caps_lock", False)
            guest.tap("x")
            self.seen(guest, f"device {X} 1", f"device {X} 0")
            guest.sh("/bin/busybox chvt 7")
            guest.wait_for("test $(grep -c '^device grabbed .*Translated' /run/talk/heard) = 2")
            guest.wait_for("test $(grep -c '^opened clone AT' /run/listen/seen) = 2")
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.bye(guest)

    def test_two_daemons_of_one_user(self):
        """The first has the keyboard; when it goes, the second takes over by itself."""
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.grabbed(guest)
            self.talk(guest, name="second")
            guest.wait_for("grep -q '^device ignored .*Translated.*another program has grabbed it' /run/second/heard")
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.say(guest, "bye")
            guest.wait_for("grep -q '^device grabbed .*Translated' /run/second/heard")
            guest.wait_for("test $(grep -c '^opened clone AT' /run/listen/seen) = 2")
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            guest.sh("echo bye >/run/second/say")
            self.nothing_left(guest)

    def test_user_without_a_session_is_refused(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest, user="other")
            self.heard(guest, "^fault")
            self.heard(guest, "^end$")
            self.assertNotIn("device", guest.sh("cat /run/talk/heard"))
            self.nothing_left(guest)

    def test_direct_as_root(self):
        with vm.VM() as guest:
            self.prepare(guest, how="direct", user="root")
            self.grabbed(guest)
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.bye(guest)

    def test_held_at_start(self):
        with vm.VM() as guest:
            guest.key("x", True)
            self.prepare(guest, how="direct", user="root")
            self.grabbed(guest)
            # the release was injected for all who listen
            self.assertNotIn("device", guest.sh("/tools/keys.py down"))
            guest.key("x", False)
            guest.tap("caps_lock")
            self.seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.bye(guest)


if __name__ == "__main__":
    taprunner.main()
