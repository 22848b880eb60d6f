#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon as a service of systemd --user: settings, crashes, limits, a full disk, upgrades, a long life. I/O.
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import taprunner
import vm

HOME = "/home/tester"
SMALL_DISK = 24 << 20
# What "systemd-analyze security" may say at most. It is not lower because mount namespaces would turn merges into
# copies (systemd/xdgtidy.service.in), and half of its points are for those.
USER_UNIT_EXPOSURE = 6.3
WATCHDOG_SEC = 10
SOURCE = os.path.abspath(f"{vm.HERE}/../..")
NEXT_VERSION = "99.1.0"
UPGRADE_FILES = 500
# The history of a day is kept, so after a day it is as long as it gets; the day after that counts.
HOURS = 48
WARM_HOURS = 24
ARRIVALS_AN_HOUR = 20
RSS_GROWTH_KIB = 256


def build_next(folder):
    """The next version's product: the same source under another number, configured and built on its own."""
    shutil.copytree(SOURCE, f"{folder}/source", ignore=shutil.ignore_patterns("build", "build-*", ".git", "tests"))
    with open(f"{folder}/source/meson.build", "r+", encoding="utf-8") as file:
        text, count = re.subn(r"(\n  version: )'[^']*'", rf"\1'{NEXT_VERSION}'", file.read(), count=1)
        if count != 1:
            raise AssertionError("meson.build names no version")
        file.seek(0)
        file.write(text)
        file.truncate()
    for command in (["setup", f"{folder}/build", f"{folder}/source", "-Dtests=false", "-Doptimization=0"],
                    ["compile", "-C", f"{folder}/build"],
                    ["install", "-C", f"{folder}/build", "--no-rebuild", "--quiet", "--destdir", f"{folder}/product"]):
        done = subprocess.run(["meson", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"meson {command[0]}: {done.stdout[-4000:]}{done.stderr}")
    return f"{folder}/product"


class Service(unittest.TestCase):
    def prepare(self, guest):
        guest.install()
        guest.add_tools()

    def make_home(self, guest, count=0):
        guest.sh(f"/tools/tree.py make {HOME} {count}", user="tester")
        guest.sh(f"/tools/tree.py contents {HOME} >/tmp/contents; /tools/tree.py list {HOME} >/tmp/wanted")

    def start(self, guest):
        guest.sh("systemctl --user enable --now xdgtidy", user="tester")

    def main_pid(self, guest):
        return guest.sh("systemctl --user show -P MainPID xdgtidy", user="tester").strip()

    def check_unchanged(self, guest):
        guest.sh(f"/tools/tree.py list {HOME} >/tmp/now; diff /tmp/wanted /tmp/now")

    def undo_all(self, guest):
        guest.sh("for i in $(seq 50); do xdgtidy undo >.said || exit; grep -q 'Nothing to undo' .said && exit; done; "
                 "false", user="tester", timeout=300)

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

    def test_watchdog_ends_a_stopped_main_loop(self):
        with vm.VM() as guest:
            self.prepare(guest)
            self.make_home(guest)
            self.start(guest)
            self.assertEqual("5min", guest.sh("systemctl --user show -P WatchdogUSec xdgtidy", user="tester").strip())
            guest.sh("mkdir -p .config/systemd/user/xdgtidy.service.d && "
                     f"printf '[Service]\nWatchdogSec={WATCHDOG_SEC}s\n' >.config/systemd/user/xdgtidy.service.d/fast.conf && "
                     "systemctl --user daemon-reload && systemctl --user restart xdgtidy", user="tester")
            pid = self.main_pid(guest)
            guest.sh(f"kill -STOP {pid}")
            guest.wait_for(f"! test -d /proc/{pid} && systemctl --user is-active xdgtidy", user="tester")
            self.assertEqual("1", guest.sh("systemctl --user show -P NRestarts xdgtidy", user="tester").strip())
            self.assertIn("Watchdog timeout", guest.sh("journalctl --user -o cat _COMM=systemd", user="tester"))
            self.check_merge_and_undo(guest)
            # Three times as long as it takes to be found out: a loop that runs is left alone.
            pid = self.main_pid(guest)
            since = guest.sh("cut -d ' ' -f 1 /proc/uptime").strip()
            guest.wait_for(f"awk '{{ exit $1 < {since} + {3 * WATCHDOG_SEC} }}' /proc/uptime")
            self.assertEqual(pid, self.main_pid(guest))

    def test_clock_jumps(self):
        """Forward and back, by less and more than the age of anything: what arrives is merged, and all of it undone."""
        with vm.VM() as guest:
            self.prepare(guest)
            self.make_home(guest)
            guest.sh("mkdir -p .config/xdgtidy && printf '[merge]\nsettle = 1s\n' >.config/xdgtidy/xdgtidy.conf",
                     user="tester")
            self.start(guest)
            pid = self.main_pid(guest)
            guest.sh("xdgtidy merge --yes", user="tester")
            for i, jump in enumerate(("3 days", "40 days ago", "5 years", "6 years ago")):
                guest.sh(f"date -s '{jump}'")
                guest.sh(f"mkdir -p Download && echo {i} >Download/late-{i}", user="tester")
                guest.wait_for(f"test -e Downloads/late-{i} && test ! -e Download/late-{i}", user="tester")
            self.assertEqual(pid, self.main_pid(guest))
            self.undo_all(guest)
            guest.sh("cd Download && test \"$(cat late-* | tr -d '\\n')\" = 0123 && rm late-*",
                     user="tester")
            # The late files changed the time of the directory itself.
            guest.sh(f"/tools/tree.py list {HOME} | grep -v '^Download: ' >/tmp/now; "
                     "grep -v '^Download: ' /tmp/wanted | diff - /tmp/now")

    def test_upgrade_under_a_running_session(self):
        """The next version is installed over this one in the middle of a merge."""
        with tempfile.TemporaryDirectory(prefix="vm.") as folder, vm.VM() as guest:
            following = build_next(folder)
            self.prepare(guest)
            self.make_home(guest, UPGRADE_FILES)
            self.start(guest)
            pid = self.main_pid(guest)
            guest.arm_stop(pid, "renameat2", UPGRADE_FILES // 10)
            guest.sh("systemd-run --user --quiet --unit=asked xdgtidy merge --yes", user="tester")
            guest.wait_for_stop()
            guest.copy_in(following, "/")
            self.assertIn("(deleted)", guest.sh(f"readlink /proc/{pid}/exe"))
            self.assertIn(NEXT_VERSION, guest.sh("xdgtidy --version", user="tester"))
            guest.sh(f"kill -CONT {pid}")
            self.assertIn("The daemon runs", guest.sh("xdgtidy status", user="tester"))
            guest.sh("systemctl --user daemon-reload && systemctl --user try-restart xdgtidy", user="tester")
            now = self.main_pid(guest)
            self.assertNotEqual(pid, now)
            self.assertNotIn("(deleted)", guest.sh(f"readlink /proc/{now}/exe"))
            guest.wait_for(f"test ! -e {HOME}/Download", timeout=300)
            guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
            self.undo_all(guest)
            self.check_unchanged(guest)

    def test_a_day_of_arrivals_leaves_nothing_behind(self):
        """A day of the clock and of files, after another one; see arrivals.py for what is left out."""
        with vm.VM("desktop") as guest:
            self.prepare(guest)
            self.make_home(guest)
            guest.sh("mkdir -p .config/xdgtidy && printf '[merge]\nsettle = 1s\n[journal]\nkeep_days = 1\n' >.config/xdgtidy/xdgtidy.conf",
                     user="tester")
            self.start(guest)
            guest.sh("xdgtidy merge --yes", user="tester")
            pid = self.main_pid(guest)
            descriptors = int(guest.sh(f"ls /proc/{pid}/fd | wc -l"))
            table = guest.sh(f"/tools/arrivals.py {HOME} {HOURS} {ARRIVALS_AN_HOUR} {pid}", timeout=1500)
            rss = [int(line.split()[1]) for line in table.splitlines()]
            print(f"# resident KiB, hour by hour: {' '.join(map(str, rss))}")
            self.assertEqual(HOURS, len(rss))
            self.assertLess(rss[-1] - rss[WARM_HOURS], RSS_GROWTH_KIB, table)
            guest.wait_for(f"test $(ls /proc/{pid}/fd | wc -l) -le {descriptors}")
            self.assertEqual(pid, self.main_pid(guest))

    def test_sandbox_is_in_force(self):
        with vm.VM() as guest:
            self.prepare(guest)
            self.start(guest)
            status = guest.sh(f"cat /proc/{self.main_pid(guest)}/status")
            self.assertIn("NoNewPrivs:\t1", status)
            self.assertIn("Seccomp:\t2", status)
            for capabilities in ("CapEff", "CapPrm", "CapAmb"):
                self.assertIn(f"{capabilities}:\t0000000000000000", status)
            said = guest.sh("systemd-analyze --user security --no-pager xdgtidy.service | tail -n 1", user="tester").strip()
            print(f"# {said}")
            exposure = float(re.search(r": ([0-9.]+) ", said).group(1))
            self.assertLessEqual(exposure, USER_UNIT_EXPOSURE)


if __name__ == "__main__":
    taprunner.main()
