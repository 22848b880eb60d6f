#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Keys as a user has them: his daemon, the system's helper, real keyboards, terminals on X, Wayland and a console. I/O.
"""test_keys.py shows the helper by itself; here everything is in its place and only keyremap.conf is written."""
import os
import re
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import desktop
import taprunner
import vm

HOME = "/home/tester"
CONFIG = ".config/xdgtidy/keyremap.conf"
KEYMAP = "[ids]\n*\n[main]\ncapslock = z\n"
PS2 = "AT Translated Set 2 keyboard"
FAKE = "Fake Keyboard"
# linux/input-event-codes.h
A, X, Y, Z, CAPSLOCK, F8, ENTER = 30, 45, 21, 44, 58, 66, 28
BUS = "busctl --user call io.github.xdgtidy.XdgTidy1 /io/github/xdgtidy/XdgTidy1 io.github.xdgtidy.XdgTidy1"
# A terminal on a console of its own, which keeps what is typed.
CONSOLE = "exec cat >/tmp/typed-{user}"
PRESSES = 1000
HELPER_UNIT_EXPOSURE = 0.9
MERGED_FILES = 20000
PRESSES_MEANWHILE = 100
PRESSES_ENOUGH = 100000
TYPED_MEANWHILE = 2000
APART_MS = 5


class Keyboards(unittest.TestCase):
    maxDiff = None

    def prepare(self, guest, keymap=KEYMAP, reader="Xorg"):
        """Installed, the helper's socket enabled by the administrator, the daemon by the user."""
        guest.install()
        guest.add_tools()
        guest.sh("systemctl enable --quiet --now xdgtidy-keys.socket")
        self.before = guest.sh("/tools/keys.py devices")
        self.listen(guest)
        if keymap:
            self.write(guest, keymap)
            self.enable(guest)
            self.wait_for_clone(guest, reader=reader)

    def listen(self, guest):
        guest.sh("mkdir -p /run/listen && systemd-run --quiet --unit=listen /tools/keys.py listen /run/listen && "
                 "until test -e /run/listen/seen; do :; done")

    def write(self, guest, keymap, user="tester"):
        guest.sh(f"mkdir -p .config/xdgtidy && cat >{CONFIG}.new && mv {CONFIG}.new {CONFIG}", user=user,
                 stdin=keymap.encode())

    def enable(self, guest, user="tester"):
        guest.sh("systemctl --user enable --quiet --now xdgtidy", user=user)

    def status(self, guest, user="tester"):
        return guest.sh(f"{BUS} KeysStatus", user=user)

    def wait_for_clone(self, guest, name=PS2, count=1, reader="Xorg"):
        """The listener and the display server have it open, so they see every key from now on."""
        guest.wait_for(f"test $(grep -c '^opened clone {name}' /run/listen/seen) -ge {count}")
        if reader:
            guest.wait_for_reader(name, reader)

    def opened(self, guest, name=PS2):
        return int(guest.sh(f"grep -c '^opened clone {name}' /run/listen/seen", ok=(0, 1)))

    def wait_until_seen(self, guest, *edges):
        """Those were the last edges, in this order."""
        wanted = "\\n".join(edges)
        seen = "grep -v -e ' 2$' -e ^opened /run/listen/seen"
        try:
            guest.wait_for(f"test \"$({seen} | tail -n {len(edges)})\" = \"$(printf '{wanted}')\"")
        except vm.Failed:
            self.assertEqual(list(edges), guest.sh(seen).splitlines()[-len(edges) - 5:])

    def tapped(self, label, *codes):
        return [f"{label} {code} {value}" for code in codes for value in (1, 0)]

    def check_nothing_held(self, guest):
        guest.wait_for("test -z \"$(/tools/keys.py down)\"")

    def check_nothing_left(self, guest):
        guest.wait_for("! pgrep -x xdgtidy-keys && ! /tools/keys.py devices | grep ^clone")
        self.assertEqual(self.before, guest.sh("/tools/keys.py devices"))
        self.check_nothing_held(guest)

    def check_rights(self, guest):
        """The helper is another user, and tester in no group but his own."""
        self.assertEqual("uid=1000(tester) gid=1000(tester) groups=1000(tester)", guest.sh("id tester").strip())
        helper = guest.sh("ps -o user= -C xdgtidy-keys").split()
        self.assertEqual(["xdgtidy-keys"], [name.rstrip("+") for name in helper] if len(helper) == 1 else helper)
        guest.sh("! cat /dev/input/event0 2>&1 | grep -v denied; ! : >/dev/uinput", user="tester")

    def fake(self, guest):
        """A keyboard made with uinput, moved by lines in /run/fake/in; what it is told about LEDs is in /run/fake/out."""
        guest.sh("mkdir -p /run/fake && mkfifo /run/fake/in && "
                 "systemd-run --quiet --unit=fake-holder sh -c 'exec sleep infinity >/run/fake/in' && "
                 "systemd-run --quiet --unit=fake sh -c "
                 f"'exec /tools/keytool keyboard \"{FAKE}\" </run/fake/in >/run/fake/out' && "
                 "until grep -q ready /run/fake/out; do :; done")

    def feed(self, guest, *lines):
        guest.sh("cat >/run/fake/in", stdin="".join(f"{line}\n" for line in lines).encode())

    # ---- it types ----

    def test_caps_lock_is_z_in_xterm(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.check_rights(guest)
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xzy /tmp/typed")
            guest.screenshot("keys-1-xterm")
            self.wait_until_seen(guest, *self.tapped("clone", X, Z, Y, ENTER))
            guest.sh("systemctl --user stop xdgtidy", user="tester")
            self.check_nothing_left(guest)
            guest.tap("caps_lock", "x", "caps_lock", "ret")
            guest.wait_for("grep -qx X /tmp/typed")

    def test_caps_lock_is_z_in_foot_under_sway(self):
        with vm.VM() as guest:
            desktop.start_sway(guest)
            self.prepare(guest, reader="sway")
            self.check_rights(guest)
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xzy /tmp/typed")
            guest.screenshot("keys-2-foot")

    def test_from_xmodmap_to_a_map_that_survives_a_reboot(self):
        """The steps of the README, from nothing: import, look, switch on. The next boot has it by itself."""
        with tempfile.TemporaryDirectory(prefix="vm.") as folder:
            disk = vm.new_disk("ready", f"{folder}/root.qcow2")
            with vm.VM("ready", disk=disk) as guest:
                self.prepare(guest, keymap=None)
                guest.sh("printf '%s\\n' 'remove Lock = Caps_Lock' 'keycode 66 = z' >.Xmodmap", user="tester")
                guest.sh(f"mkdir -p .config/xdgtidy && xdgtidy keys import xmodmap >{CONFIG} && xdgtidy keys check",
                         user="tester")
                self.enable(guest)
                guest.poweroff()
            with vm.VM("cold", disk=disk) as guest:
                desktop.start(guest)
                self.listen(guest)
                self.wait_for_clone(guest)
                guest.tap("x", "caps_lock", "y", "ret")
                guest.wait_for("grep -qx xzy /tmp/typed")

    def test_autorepeat_and_leds(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.fake(guest)
            self.wait_for_clone(guest, FAKE)
            guest.key("caps_lock", True)
            # The X server repeats by itself, and begins later than the kernel: 0.66 s.
            guest.wait_for(f"test $(grep -c 'clone {Z} 2' /run/listen/seen) -ge 60")
            guest.key("caps_lock", False)
            guest.tap("ret")
            guest.wait_for("grep -qx zzzzz* /tmp/typed")
            # The X server lights a LED on the keyboards that it sees, which are the clones.
            self.feed(guest, "KEY_NUMLOCK 1", "KEY_NUMLOCK 0")
            guest.wait_for("grep -q 'LED_NUML 1' /run/fake/out")
            self.feed(guest, "KEY_NUMLOCK 1", "KEY_NUMLOCK 0")
            guest.wait_for("grep -q 'LED_NUML 0' /run/fake/out")
            self.check_nothing_held(guest)

    def test_a_thousand_presses_are_a_thousand(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            said = guest.sh(f"/tools/keytool press '{FAKE}' 'clone:{FAKE}' KEY_CAPSLOCK=KEY_Z {PRESSES}", timeout=600)
            self.assertEqual(PRESSES, int(said.split()[-1]))
            guest.wait_for(f"! /tools/keys.py devices | grep '{FAKE}'")
            self.check_nothing_held(guest)

    def test_reload_while_typing(self):
        """The map changes to and fro under the fingers: each press is one of both keys, and none is lost or stuck."""
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.sh("systemd-run --quiet -p RemainAfterExit=yes --unit=typist sh -c \"exec /tools/keytool press "
                     f"'{FAKE}' 'clone:{FAKE}' KEY_CAPSLOCK=KEY_Z,KEY_Y {TYPED_MEANWHILE} {APART_MS} >/run/typed\"")
            guest.wait_for("grep -q ready /run/typed")
            reloads = 0
            while guest.run("systemctl is-active typist && systemctl show -P SubState typist | grep -q running")[0] == 0:
                reloads += 1
                self.write(guest, KEYMAP.replace("= z", "= " + "zy"[reloads % 2]))
                guest.sh(f"{BUS} KeysReload", user="tester")
            said = guest.sh("tail -n 1 /run/typed").split()
            print(f"# {reloads} reloads, {said[-2]} times z, {said[-1]} times y")
            self.assertEqual(TYPED_MEANWHILE, int(said[-2]) + int(said[-1]), said)
            for count in (reloads, *map(int, said[-2:])):
                self.assertGreater(count, 1)
            self.check_nothing_held(guest)

    # ---- what may go wrong ----

    def test_usb_keyboard_plugged_used_and_pulled_while_a_key_is_held(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.plug_keyboard()
            self.wait_for_clone(guest, "QEMU QEMU USB Keyboard")
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xzy /tmp/typed")
            guest.key("caps_lock", True)
            self.wait_until_seen(guest, f"clone {Z} 1")
            guest.unplug("usbkbd")
            self.wait_until_seen(guest, f"clone {Z} 1", f"clone {Z} 0")
            self.check_nothing_held(guest)
            guest.tap("caps_lock")      # of the other one
            self.wait_until_seen(guest, *self.tapped("clone", Z))

    def test_panic_chord_gives_the_keyboard_back(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            for key in ("backspace", "esc", "ret"):
                guest.key(key, True)
            guest.wait_for("! /tools/keys.py devices | grep ^clone")
            for key in ("backspace", "esc", "ret"):
                guest.key(key, False)
            guest.tap("caps_lock", "caps_lock")
            self.wait_until_seen(guest, *self.tapped("device", CAPSLOCK, CAPSLOCK))
            self.check_nothing_held(guest)
            count = self.opened(guest)
            guest.sh(f"{BUS} KeysResume", user="tester")
            self.wait_for_clone(guest, count=count + 1)
            guest.tap("caps_lock")
            self.wait_until_seen(guest, *self.tapped("clone", Z))

    def test_helper_killed_in_the_middle_of_a_press(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.key("caps_lock", True)
            self.wait_until_seen(guest, f"clone {Z} 1")
            guest.sh("pkill -KILL -x xdgtidy-keys")
            guest.key("caps_lock", False)
            self.check_nothing_held(guest)
            self.wait_for_clone(guest, count=2)
            guest.tap("x", "caps_lock", "y", "ret")
            self.wait_until_seen(guest, *self.tapped("clone", X, Z, Y, ENTER))

    def test_daemon_killed_in_the_middle_of_a_press(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.key("caps_lock", True)
            self.wait_until_seen(guest, f"clone {Z} 1")
            guest.sh("pkill -KILL -x xdgtidyd")
            guest.key("caps_lock", False)
            self.check_nothing_held(guest)
            self.wait_for_clone(guest, count=2)
            guest.tap("caps_lock")
            self.wait_until_seen(guest, *self.tapped("clone", Z))

    # ---- whose keyboard it is ----

    def test_session_switch_between_two_users(self):
        """By logind, by the console's own call and by the keys: his map is never on the other one's keys."""
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.session("other", 8, CONSOLE.format(user="other"))
            guest.wait_for("test -e /tmp/typed-other && ! /tools/keys.py devices | grep ^clone")
            ids = {user: guest.sh("loginctl list-sessions --no-legend | awk '$3 == \"%s\" && $4 == \"seat0\" {print $1}'"
                                  % user).strip() for user in ("tester", "other")}

            ways_there = (lambda: guest.sh(f"loginctl activate {ids['other']}"),
                          lambda: guest.sh("/bin/busybox chvt 8"),
                          lambda: self.press_ctrl_alt_f8(guest))
            for i, there in enumerate(ways_there):
                count = self.opened(guest)
                guest.sh(f"loginctl activate {ids['tester']}")
                self.wait_for_clone(guest, count=count + 1)
                guest.tap("caps_lock")
                self.wait_until_seen(guest, *self.tapped("clone", Z))
                guest.key("caps_lock", True)    # held while the session goes away
                self.wait_until_seen(guest, f"clone {Z} 1")
                there()
                guest.wait_for("! /tools/keys.py devices | grep ^clone")
                guest.key("caps_lock", False)
                self.check_nothing_held(guest)
                guest.tap("x", "caps_lock", "caps_lock", "y", "ret")
                self.wait_until_seen(guest, *self.tapped("device", X, CAPSLOCK, CAPSLOCK, Y, ENTER))
                # The held key may repeat until the helper hears of the switch, as it would without a helper. A press that
                # is made in his session is never mapped.
                guest.wait_for(f"test $(grep -c -i '^z*xy$' /tmp/typed-other) = {i + 1}")

    def press_ctrl_alt_f8(self, guest):
        guest.key("caps_lock", False)
        for key in ("ctrl", "alt", "f8"):
            guest.key(key, True)
        for key in ("f8", "alt", "ctrl"):
            guest.key(key, False)

    def test_the_second_user_has_a_map_of_his_own(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.session("other", 8, CONSOLE.format(user="other"))
            guest.wait_for("test -S /run/user/1001/bus && test -e /tmp/typed-other")
            guest.sh("systemctl --user daemon-reload", user="other")
            self.write(guest, KEYMAP.replace("= z", "= q"), user="other")
            count = self.opened(guest)
            self.enable(guest, user="other")
            self.wait_for_clone(guest, count=count + 1, reader=None)
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xqy /tmp/typed-other")
            count = self.opened(guest)
            guest.sh("/bin/busybox chvt 7")
            self.wait_for_clone(guest, count=count + 1)
            guest.tap("x", "caps_lock", "y", "ret")
            guest.wait_for("grep -qx xzy /tmp/typed")
            guest.sh("! grep q /tmp/typed; ! grep z /tmp/typed-other")

    def test_lock_stops_macros_and_commands_but_not_keys(self):
        keymap = KEYMAP + "f1 = macro(h i)\nf2 = command(echo ran >>/tmp/ran)\n"
        with vm.VM("desktop") as guest:
            self.prepare(guest, keymap)
            guest.tap("f2", "f1", "ret")
            guest.wait_for("grep -qx hi /tmp/typed && test -e /tmp/ran")
            self.assertEqual("tester", guest.sh("stat -c %U /tmp/ran").strip())
            session = guest.sh("loginctl list-sessions --no-legend | awk '$3 == \"tester\" && $4 == \"seat0\" {print $1}'").strip()
            guest.sh(f"loginctl lock-session {session}")
            guest.wait_for(f"{BUS} KeysStatus | grep -q '\"locked\" b true'", user="tester")
            guest.wait_for(f"{BUS} KeysStatus | grep -q '\"flags\" as .*\"locked\"'", user="tester")
            guest.tap("f1", "f2", "caps_lock", "ret")
            guest.wait_for("grep -qx z /tmp/typed")
            self.assertEqual("ran\n", guest.sh("cat /tmp/ran"))
            guest.sh(f"loginctl unlock-session {session}")
            guest.wait_for(f"{BUS} KeysStatus | grep -q '\"locked\" b false'", user="tester")
            guest.wait_for(f"! {BUS} KeysStatus | grep -q '\"flags\" as .*\"locked\"'", user="tester")
            guest.tap("f1", "ret")
            guest.wait_for("test $(grep -cx hi /tmp/typed) = 2")

    def test_suspend_releases_and_takes_up_again(self):
        """logind's own announcement; only the sleep itself, which the emulated machine cannot, is left out."""
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            guest.sh("mkdir -p /run/systemd/system/systemd-suspend.service.d && printf '[Service]\\nExecStart=\\n"
                     "ExecStart=/tools/keys.py down\\n' >/run/systemd/system/systemd-suspend.service.d/no-sleep.conf && "
                     "systemctl daemon-reload")
            guest.key("caps_lock", True)
            self.wait_until_seen(guest, f"clone {Z} 1")
            guest.sh("busctl call org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager Suspend b false")
            guest.wait_for("journalctl -o cat -u systemd-suspend | grep -q -i 'finished\\|deactivated'")
            self.assertNotIn("clone", guest.sh("journalctl -o cat _COMM=keys.py; journalctl -o cat -u systemd-suspend"))
            guest.key("caps_lock", False)
            self.wait_for_clone(guest)
            self.check_nothing_held(guest)
            guest.tap("caps_lock")
            self.wait_until_seen(guest, *self.tapped("clone", Z))

    # ---- figures ----

    def measure(self, guest, device, key, count=PRESSES):
        """p50, p99 and max of the ways of that many presses, in ns."""
        said = guest.sh(f"/tools/keytool press '{FAKE}' '{device}' {key} {count}", timeout=900).splitlines()[-1].split()
        self.assertEqual(2 * count, int(said[0]), "keys were lost")
        guest.wait_for(f"! /tools/keys.py devices | grep '{FAKE}'")
        return [int(number) for number in said[1:4]]

    def measure_meanwhile(self, guest, device, key, command):
        """The same of the presses that are made while the user's command runs."""
        guest.sh("systemd-run --quiet --collect --unit=presses sh -c "
                 f"\"exec /tools/keytool press '{FAKE}' '{device}' {key} {PRESSES_ENOUGH} >/run/presses\"")
        guest.wait_for("grep -q ready /run/presses")
        guest.sh(command, user="tester", timeout=600)
        guest.sh("systemctl is-active presses && systemctl stop presses")
        said = guest.sh("tail -n 1 /run/presses").split()
        self.assertGreater(int(said[0]), PRESSES_MEANWHILE)
        guest.wait_for(f"! /tools/keys.py devices | grep '{FAKE}'")
        return [int(number) for number in said[1:4]]

    def test_latency_in_ratios(self):
        """From the write of a fake keyboard to the read of a program, against the same without xdgtidy."""
        clone, mapped, merge = f"clone:{FAKE}", "KEY_CAPSLOCK=KEY_Z", "xdgtidy merge --yes --quiet"
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            # Nothing else listens: each listener costs more than what is measured.
            guest.sh("systemctl stop listen")
            guest.sh("systemctl --user stop xdgtidy", user="tester")
            guest.sh(f"/tools/tree.py make {HOME} {MERGED_FILES}", user="tester", timeout=600)
            guest.wait_for("! /tools/keys.py devices | grep ^clone")
            rows = {("without", "idle"): self.measure(guest, FAKE, "KEY_CAPSLOCK")}
            guest.sh("systemctl --user start xdgtidy", user="tester")
            guest.wait_for("/tools/keys.py devices | grep ^clone")
            rows["with", "idle"] = self.measure(guest, clone, mapped)
            rows["with", "merging"] = self.measure_meanwhile(guest, clone, mapped, merge)
            guest.sh("xdgtidy undo --quiet && xdgtidy keys suspend", user="tester", timeout=600)
            guest.wait_for("! /tools/keys.py devices | grep ^clone")
            rows["without", "merging"] = self.measure_meanwhile(guest, FAKE, "KEY_CAPSLOCK", merge)
            base = rows["without", "idle"]
            print("# xdgtidy                p50     p99     max   (times those without it, idle)")
            for names, numbers in sorted(rows.items(), reverse=True):
                print("# %-8s %-8s" % names + "".join(f"{number / one:8.1f}" for number, one in zip(numbers, base)))
            # A key that waits for the file half would wait for whole batches of it: hundreds of times as long.
            self.assertLess(rows["with", "idle"][0] / base[0], 20)
            self.assertLess(rows["with", "merging"][0] / rows["with", "idle"][0], 5)

    # ---- the sandbox ----

    def test_the_helper_is_shut_in(self):
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            said = guest.sh("systemd-analyze security --no-pager xdgtidy-keys@.service | tail -n 1").strip()
            print(f"# {said}")
            self.assertLessEqual(float(re.search(r": ([0-9.]+) ", said).group(1)), HELPER_UNIT_EXPOSURE)
            # The helper itself, made to try what someone would who has got into it. What is deadly ends it.
            for i, (attempt, outcome) in enumerate((
                    ("read /home/tester/.bashrc", "EACCES"), ("read /etc/passwd", "EACCES"),
                    ("exec /bin/true", "killed: SIGSYS"), ("socket", "killed: SIGSYS"))):
                pid = guest.wait_for("pgrep -x xdgtidy-keys").strip()
                self.assertEqual(outcome, guest.sh(f"/tools/intruder {pid} {attempt}").strip(), attempt)
                if "killed" in outcome:
                    self.wait_for_clone(guest, count=i)
            pid = guest.sh("pgrep -x xdgtidy-keys").strip()
            # A program of ours in its place, in the sandbox of its unit and without what it adds itself.
            guest.sh("mkdir -p /run/systemd/system/xdgtidy-keys@.service.d && printf '[Service]\\nExecStart=\\n"
                     "ExecStart=/usr/bin/python3 /opt/probe.py\\n' >/run/systemd/system/xdgtidy-keys@.service.d/probe.conf && "
                     "cp /tools/probe.py /opt/ && systemctl daemon-reload")
            guest.sh(f"kill {pid}")
            guest.wait_for("journalctl -o cat -u 'xdgtidy-keys@*' | grep '^probed'")
            self.assertEqual("", guest.sh("journalctl -o cat -u 'xdgtidy-keys@*' | grep '^could: ' | sort -u", ok=(0, 1)))


if __name__ == "__main__":
    taprunner.main()
