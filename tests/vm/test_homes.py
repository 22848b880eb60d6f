#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Homes on other file systems than a disk's: the daemon merges nothing there without asking. I/O.
import os
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import taprunner
import vm

HOME = "/home/tester"
SERVED = "/srv/home"
# NFS and version 2 of FUSE have no rename that refuses to overwrite: whole directories may stay where they are.
PARTLY = 5
EXPORT = "rw,no_root_squash,insecure,no_subtree_check,fsid=1"


class Homes(unittest.TestCase):
    """The user has agreed to a merge before, so that on a plain disk the next file would go by itself."""

    def start(self, guest, mount, ok=(0,)):
        guest.install()
        guest.add_tools()
        guest.sh(f"mkdir -p {SERVED} && chown tester: {SERVED}")
        guest.sh(mount)
        guest.sh("mkdir -p .config/xdgtidy && printf '[merge]\\nsettle = 1s\\n' >.config/xdgtidy/xdgtidy.conf && "
                 f"/tools/tree.py make {HOME}", user="tester")
        guest.sh(f"/tools/tree.py contents {HOME} >/tmp/contents; /tools/tree.py list {HOME} >/tmp/wanted")
        guest.sh("systemctl --user enable --now xdgtidy && xdgtidy merge --yes Download Downloads", user="tester", ok=ok)
        guest.sh(f"test -e {HOME}/Downloads/only-here.txt && /tools/tree.py missing {HOME} /tmp/contents")

    def check_asks(self, guest, *codes):
        """The next stray file stays, and the daemon says why; what was merged on demand can be taken back."""
        guest.sh("mkdir -p Download && echo late >Download/late.txt", user="tester")
        status = guest.wait_for("xdgtidy status --json | grep -F -e late -e '\"verdict\" : \"propose\"' && "
                                "xdgtidy status --json", user="tester")
        for code in codes:
            self.assertIn(f'"{code}"', status)
        guest.sh("xdgtidy undo", user="tester", ok=(0, 5))
        guest.sh("test -e Download/late.txt && test ! -e Downloads/late.txt", user="tester")
        guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
        self.assertEqual(1, guest.sh("journalctl --user -u xdgtidy -o cat", user="tester").count("merged DOWNLOAD"))

    def test_plain_disk_merges_by_itself(self):
        """The control: what the others are measured against."""
        with vm.VM() as guest:
            self.start(guest, "true")
            guest.sh("mkdir -p Download && echo late >Download/late.txt", user="tester")
            guest.wait_for("test -e Downloads/late.txt && test ! -e Download/late.txt", user="tester")

    def test_tmpfs_home_merges_by_itself(self):
        """A live system, a kiosk, a guest account."""
        with vm.VM() as guest:
            self.start(guest, f"mount -t tmpfs -o mode=700,uid=1000,gid=1000 home {HOME}")
            guest.sh("mkdir -p Download && echo late >Download/late.txt", user="tester")
            guest.wait_for("test -e Downloads/late.txt && test ! -e Download/late.txt", user="tester")
            guest.sh("xdgtidy undo && xdgtidy undo", user="tester")
            guest.sh("rm Download/late.txt", user="tester")
            guest.sh(f"/tools/tree.py list {HOME} | grep -v '^Download: ' >/tmp/now; "
                     "grep -v '^Download: ' /tmp/wanted | diff - /tmp/now")

    def test_fuse_home_is_asked_about(self):
        with vm.VM() as guest:
            self.start(guest, f"bindfs -o nonempty {SERVED} {HOME}", ok=(0, PARTLY))
            self.check_asks(guest, "fuse-filesystem")

    def test_nfs_home_is_asked_about(self):
        with vm.VM() as guest:
            self.start(guest, f"echo '{SERVED} 127.0.0.1({EXPORT})' >/etc/exports && systemctl start nfs-server && "
                              f"mount -t nfs4 127.0.0.1:{SERVED} {HOME}", ok=(0, PARTLY))
            self.check_asks(guest, "network-filesystem")


if __name__ == "__main__":
    taprunner.main()
