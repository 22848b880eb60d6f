#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon as a service of systemd --user: settings, crashes, limits, a full disk, a home that cannot be written. I/O.
import os
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import taprunner
import vm

HOME = "/home/tester"
SMALL_DISK = 24 << 20


class Service(unittest.TestCase):
    def prepare(self, guest):
        guest.install()
        guest.add_tools()

    def make_home(self, guest):
        guest.sh(f"/tools/tree.py make {HOME}", user="tester")
        guest.sh(f"/tools/tree.py contents {HOME} >/tmp/contents; /tools/tree.py list {HOME} >/tmp/wanted")

    def start(self, guest):
        guest.sh("systemctl --user enable --now xdgtidy", user="tester")

    def main_pid(self, guest):
        return guest.sh("systemctl --user show -P MainPID xdgtidy", user="tester").strip()

    def check_unchanged(self, guest):
        guest.sh(f"/tools/tree.py list {HOME} >/tmp/now; diff /tmp/wanted /tmp/now")

    def check_merge_and_undo(self, guest):
        guest.sh("xdgtidy merge --yes", user="tester")
        guest.sh(f"test ! -e {HOME}/Download && /tools/tree.py missing {HOME} /tmp/contents")
        guest.sh("xdgtidy undo", user="tester")
        self.check_unchanged(guest)

    def test_settings_reload_crash_and_watch_limit(self):
        with vm.VM() as guest:
            self.prepare(guest)
            self.make_home(guest)
            self.start(guest)
            pid = self.main_pid(guest)

            guest.sh("mkdir -p .config/xdgtidy && printf '[dirs.DOWNLOAD]\\nmode = report\\n' "
                     ">.config/xdgtidy/xdgtidy.conf && systemctl --user reload xdgtidy", user="tester")
            guest.wait_for("xdgtidy status --json | grep '\"mode\" : \"report\"'", user="tester")
            self.assertEqual(pid, self.main_pid(guest), "a reload is no restart")
            guest.sh("rm .config/xdgtidy/xdgtidy.conf", user="tester")
            guest.wait_for("xdgtidy status --json | grep '\"mode\" : \"auto\"'", user="tester")

            guest.sh(f"kill -SEGV {pid}")
            guest.wait_for(f"systemctl --user is-active xdgtidy && ! test -d /proc/{pid}", user="tester")
            self.assertNotEqual(pid, self.main_pid(guest))
            self.assertIn("The daemon runs", guest.sh("xdgtidy status", user="tester"))

            guest.sh("sysctl -q fs.inotify.max_user_watches=2")
            guest.sh("systemctl --user restart xdgtidy", user="tester")
            guest.wait_for("journalctl --user -u xdgtidy -o cat | grep -F 'kernel: not everything can be watched'",
                           user="tester")
            self.check_merge_and_undo(guest)

    def test_two_users_have_a_daemon_each(self):
        with vm.VM() as guest:
            self.prepare(guest)
            guest.sh("loginctl enable-linger other")
            guest.wait_for("test -S /run/user/1001/bus")
            for user in ("tester", "other"):
                guest.sh(f"/tools/tree.py make /home/{user}", user=user)
                guest.sh("systemctl --user enable --now xdgtidy", user=user)
            guest.sh("/tools/tree.py list /home/other >/tmp/other")
            guest.sh("xdgtidy merge --yes", user="tester")
            guest.sh("/tools/tree.py list /home/other | diff /tmp/other -")
            guest.sh("xdgtidy merge --yes", user="other")
            guest.sh("test ! -e /home/tester/Download && test ! -e /home/other/Download")

    def test_full_disk_loses_nothing(self):
        with tempfile.TemporaryDirectory(prefix="vm.") as folder, vm.VM() as guest:
            with open(f"{folder}/small", "wb") as file:
                file.truncate(SMALL_DISK)
            self.prepare(guest)
            device = guest.plug_disk(f"{folder}/small")
            guest.sh(f"mkfs.ext4 -q -m 0 {device} && mount {device} {HOME} && chown tester: {HOME}")
            self.make_home(guest)
            self.start(guest)
            guest.sh("head -c 100M /dev/zero >fill 2>/dev/null; ! head -c 8192 /dev/zero >more", user="tester")
            # Whether it can be done depends on what the journal needs; that nothing is lost does not.
            guest.run("xdgtidy merge --yes", user="tester")
            guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
            guest.sh("rm fill more && xdgtidy status", user="tester")
            guest.sh("xdgtidy undo", user="tester")
            self.check_unchanged(guest)
            self.check_merge_and_undo(guest)

    def test_home_that_cannot_be_written(self):
        with vm.VM() as guest:
            self.prepare(guest)
            self.make_home(guest)
            self.start(guest)
            guest.sh(f"mount --bind {HOME} {HOME} && mount -o remount,ro,bind {HOME}")
            code, out, err = guest.run("xdgtidy merge --yes Download Downloads", user="tester")
            self.assertNotEqual(0, code, out + err)
            self.assertIn("read-only", out + err)
            self.check_unchanged(guest)
            guest.sh(f"umount {HOME}")
            guest.sh("systemctl --user restart xdgtidy", user="tester")
            self.check_merge_and_undo(guest)

    def test_sandbox_is_in_force(self):
        with vm.VM() as guest:
            self.prepare(guest)
            self.start(guest)
            status = guest.sh(f"cat /proc/{self.main_pid(guest)}/status")
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
            for capabilities in ("CapEff", "CapPrm", "CapAmb"):
                self.assertIn(f"{capabilities}:\t0000000000000000", status)
            print("# " + guest.sh("systemd-analyze --user security xdgtidy.service | tail -n 1", user="tester").strip())


if __name__ == "__main__":
    taprunner.main()
