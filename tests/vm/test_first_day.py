#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The first day: a new user switches xdgtidy on, is asked, says yes, takes it back; by notification and by command. I/O.
import os
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import desktop
import taprunner
import vm

HOME = "/home/tester"
ENABLE = "systemctl --user enable --now xdgtidy"


class FirstDay(unittest.TestCase):
    maxDiff = None

    def make_home(self, guest):
        """A home with Download and Downloads, and nothing of xdgtidy in it; its list."""
        guest.sh("test ! -e .config/xdgtidy && test ! -e .local/state/xdgtidy", user="tester")
        guest.add_tools()
        guest.sh(f"/tools/tree.py make {HOME}", user="tester")
        guest.sh(f"/tools/tree.py contents {HOME} >/tmp/contents")
        return self.listed(guest)

    def listed(self, guest):
        return guest.sh(f"/tools/tree.py list {HOME}").splitlines()

    def wait_until_listed(self, guest, wanted):
        """The home is as it was, to the last time stamp."""
        guest.sh("cat >/tmp/wanted", stdin="\n".join(wanted).encode() + b"\n")
        try:
            guest.wait_for(f"/tools/tree.py list {HOME} | cmp -s - /tmp/wanted")
        except vm.Failed:
            self.assertEqual(wanted, self.listed(guest))

    def check_merged(self, guest):
        guest.wait_for(f"test ! -e {HOME}/Download")
        guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
        files = guest.sh(f"cd {HOME}/Downloads && find . -type f | sort").splitlines()
        for name in ("./only-here.txt", "./only-there.txt", "./photos/hills.jpg", "./photos/sea.jpg",
                     "./recipes/bread/sourdough.txt", "./script.sh"):
            self.assertIn(name, files)
        self.assertEqual(2, sum(name.startswith("./same-name") for name in files), files)
        self.assertEqual(2, sum("archive" in name and name.endswith(".tar.gz") for name in files), files)

    def check_private(self, guest):
        """Nothing of this needed more rights than any user has."""
        self.assertEqual("uid=1000(tester) gid=1000(tester) groups=1000(tester)", guest.sh("id tester").strip())
        pid = guest.sh("systemctl --user show -P MainPID xdgtidy", user="tester").strip()
        status = guest.sh(f"cat /proc/{pid}/status")
        for kind in ("Uid", "Gid"):
            self.assertIn(f"{kind}:\t1000\t1000\t1000\t1000\n", status)
        self.assertIn("CapEff:\t0000000000000000\n", status)
        self.assertIn("NoNewPrivs:\t1\n", status)

    def test_question_merge_and_undo_on_the_desktop(self):
        with vm.VM("desktop") as guest:
            guest.install()
            before = self.make_home(guest)
            guest.sh(ENABLE, user="tester")
            desktop.wait_for_notification(guest, "Merge Download into Downloads?")
            self.check_private(guest)
            guest.screenshot("first-day-1-question")
            self.assertEqual(before, self.listed(guest), "a question must not change anything")

            desktop.press(guest, "Merge")
            self.check_merged(guest)
            desktop.wait_for_notification(guest, "merged into Downloads")
            guest.screenshot("first-day-2-merged")

            desktop.press(guest, "Undo")
            self.wait_until_listed(guest, before)
            desktop.wait_for_notification(guest, "back in Download")
            guest.screenshot("first-day-3-undone")

    def test_not_now_leaves_everything(self):
        with vm.VM("desktop") as guest:
            guest.install()
            before = self.make_home(guest)
            guest.sh(ENABLE, user="tester")
            desktop.wait_for_notification(guest, "Merge Download into Downloads?")
            desktop.press(guest, "Not now")
            guest.wait_for("test $(dunstctl count displayed) = 0", user="tester")
            guest.sh("systemctl --user restart xdgtidy; xdgtidy status", user="tester")
            self.assertEqual(before, self.listed(guest))

    def test_merge_and_undo_by_command(self):
        with vm.VM() as guest:
            guest.install()
            before = self.make_home(guest)
            guest.sh(ENABLE, user="tester")
            self.check_private(guest)
            self.assertIn("~/Download -> ~/Downloads", guest.sh("xdgtidy status", user="tester"))
            guest.sh("xdgtidy merge --yes", user="tester")
            self.check_merged(guest)
            guest.sh("xdgtidy undo", user="tester")
            self.wait_until_listed(guest, before)
            # After a yes what arrives is merged by itself.
            self.assertIn("undone", guest.sh("xdgtidy history", user="tester"))

    def test_command_starts_the_daemon_by_the_bus(self):
        with vm.VM() as guest:
            guest.install()
            self.make_home(guest)
            guest.sh("busctl --user call io.github.xdgtidy.XdgTidy1 /io/github/xdgtidy/XdgTidy1 "
                     "org.freedesktop.DBus.Peer Ping", user="tester")
            guest.sh("systemctl --user is-active xdgtidy", user="tester")
            self.assertIn("The daemon runs", guest.sh("xdgtidy status", user="tester"))

    def test_the_same_after_reboots(self):
        """Asked and not answered; reboot; asked again, yes; reboot; everything can still be taken back."""
        with tempfile.TemporaryDirectory(prefix="vm.") as folder:
            disk = vm.new_disk("ready", f"{folder}/root.qcow2")
            with vm.VM("ready", disk=disk) as guest:
                guest.install()
                before = self.make_home(guest)
                guest.sh(ENABLE, user="tester")
                guest.poweroff()
            with vm.VM("cold", disk=disk) as guest:
                guest.wait_for("systemctl --user is-active xdgtidy", user="tester")
                self.assertEqual(before, self.listed(guest))
                desktop.start(guest)
                desktop.wait_for_notification(guest, "Merge Download into Downloads?")
                guest.screenshot("first-day-4-question-after-reboot")
                desktop.press(guest, "Merge")
                guest.sh(f"/tools/tree.py contents {HOME} >/tmp/contents")
                self.check_merged(guest)
                desktop.wait_for_notification(guest, "merged into Downloads")
                guest.poweroff()
            with vm.VM("cold", disk=disk) as guest:
                guest.wait_for("systemctl --user is-active xdgtidy", user="tester")
                guest.sh("xdgtidy undo", user="tester")
                self.wait_until_listed(guest, before)


if __name__ == "__main__":
    taprunner.main()
