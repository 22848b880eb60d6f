#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts during merges, on real file systems: nothing is lost, and what was done can be taken back exactly. I/O.
"""Two kinds. A killed QEMU loses what the guest's kernel had not handed to the disk. The replay is the harder one: from
the record of all writes it makes the states in which a disk with a volatile cache may be left, and recovers from each.
It is only believed after it has caught a careless merge. XDGTIDY_VM_STATES: how many states a file system (else 20).
"""
import os
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import powercut
import taprunner
import vm

HOME = "/home/tester"
DISK_SIZE = 320 << 20     # the smallest that mkfs.xfs makes
STATES = int(os.environ.get("XDGTIDY_VM_STATES", "20"))
CARELESS_STATES = 40      # it ends at the first that is caught
SMALL_FILES = 30
MANY_FILES = 1200    # more than a batch of intents
# noauto_da_alloc: else ext4 writes out a renamed file by itself, and a missing fsync is never seen.
FILE_SYSTEMS = {
    "ext4": ("mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0", "noauto_da_alloc"),
    "xfs": ("mkfs.xfs -q", "defaults"),
    "btrfs": ("mkfs.btrfs -q", "defaults"),
}
AS_TESTER = f"setpriv --reuid=1000 --regid=1000 --clear-groups env -i LANG=C.UTF-8 PATH={vm.PATH} HOME={HOME}"


def say(text):
    print(f"# {text}", flush=True)


class Disk:
    """A disk with a home on it, in a folder of the host."""

    def __init__(self, folder, kind):
        self.kind = kind
        self.mkfs, self.options = FILE_SYSTEMS[kind]
        self.base = f"{folder}/base"
        self.folder = folder
        with open(self.base, "wb") as file:
            file.truncate(DISK_SIZE)

    def make(self, guest, count):
        """The home, and what it holds: /tmp/wanted and /tmp/contents in the guest. Left mounted."""
        guest.add_tools()
        device = guest.plug_disk(self.base)
        guest.sh(f"{self.mkfs} {device} && mount -o {self.options} {device} {HOME} && chown tester: {HOME}")
        guest.sh(f"cd / && {AS_TESTER} /tools/tree.py make {HOME} {count}")
        guest.sh(f"/tools/tree.py list {HOME} >/tmp/wanted; /tools/tree.py contents {HOME} >/tmp/contents; sync")
        return device

    def record(self, guest, name, command):
        """What is written to a copy of the disk while the command runs, with a busy neighbour: a log."""
        copy, log = f"{self.folder}/{name}", f"{self.folder}/{name}.log"
        with open(self.base, "rb") as source, open(copy, "wb") as target:
            powercut.copy_data(source, target)
        device = guest.plug_disk(copy, log=log)
        guest.sh(f"mount -o {self.options} {device} {HOME}; mkdir {HOME}/.neighbour; chown tester: {HOME}/.neighbour")
        guest.sh(f"{AS_TESTER} /tools/neighbour.py {HOME}/.neighbour >/dev/null 2>&1 & "
                 f"cd / && {AS_TESTER} {command}; code=$?; touch {HOME}/.neighbour/stop; wait; exit $code")
        # Before the umount: its writes are as ordered as can be, and of no interest.
        guest.sh(f"sync -f {HOME}")
        entries = powercut.read_log(log)
        guest.sh(f"umount {HOME}")
        return entries


class Replay(unittest.TestCase):
    def recover(self, guest, disk, device, entries, state, flags=""):
        powercut.write_state(disk.base, entries, state, f"{disk.folder}/state")
        if disk.kind == "btrfs":
            guest.run(f"btrfs device scan --forget {device}")
        return guest.sh(f"/tools/recover.py {device} {HOME} {disk.options} /tmp/wanted /tmp/contents {flags}").strip()

    def replay(self, kind):
        with tempfile.TemporaryDirectory(prefix="vm.") as folder, vm.VM() as guest:
            guest.install()
            disk = Disk(folder, kind)
            disk.make(guest, SMALL_FILES)
            guest.sh(f"umount {HOME}")

            careless = disk.record(guest, "careless", f"/tools/careless.py {HOME}")
            merge = disk.record(guest, "merge", "xdgtidy merge --yes --direct")
            with open(f"{folder}/state", "wb") as file:
                file.truncate(DISK_SIZE)
            device = guest.plug_disk(f"{folder}/state")

            states = powercut.choose_states(careless, 1, CARELESS_STATES)
            caught = None
            for tried, state in enumerate(reversed(states), 1):
                caught = self.recover(guest, disk, device, careless, state, "--look-only")
                if caught:
                    break
            self.assertTrue(caught, f"{kind}: a careless merge was not caught in {tried} states: this proves nothing")
            say(f"{kind}: the careless merge is caught in state {tried} of {len(states)}: {caught.splitlines()[0]}")

            problems = []
            states = powercut.choose_states(merge, 1, STATES)
            for state in states:
                problem = self.recover(guest, disk, device, merge, state)
                if problem:
                    problems.append(f"cut {state[0]} of {len(merge)}, lost of what was not flushed: {state[1]}\n{problem}")
                    say(problems[-1])
            say(f"{kind}: {len(states)} states of {len(merge)} writes recovered, {len(problems)} wrong")
            self.assertEqual([], problems)

    def test_every_state_on_ext4(self):
        self.replay("ext4")

    def test_every_state_on_xfs(self):
        self.replay("xfs")

    def test_every_state_on_btrfs(self):
        self.replay("btrfs")


class Kill(unittest.TestCase):
    """The daemon merges, the machine dies, the daemon of the next boot puts it right by itself."""

    def cut(self, kind, share):
        moved = int(MANY_FILES * share)
        with tempfile.TemporaryDirectory(prefix="vm.") as folder:
            disk = Disk(folder, kind)
            with vm.VM() as guest:
                guest.install()
                disk.make(guest, MANY_FILES)
                for name in ("wanted", "contents"):
                    guest.sh(f"cp /tmp/{name} /host/")
                    os.replace(f"{guest.share}/{name}", f"{folder}/{name}")
                guest.sh("systemctl --user enable --now xdgtidy", user="tester")
                guest.arm_stop(guest.sh("pidof xdgtidyd").strip(), "renameat2", moved)
                guest.sh("systemd-run --user --quiet xdgtidy merge --yes", user="tester")
                # Held still while the disk takes what was done so far: a cut without that is what Replay is about.
                guest.wait_for_stop()
                guest.sh(f"sync -f {HOME}")
                guest.kill()
            with vm.VM() as guest:
                guest.install()
                guest.add_tools()
                for name in ("wanted", "contents"):
                    with open(f"{folder}/{name}", "rb") as file:
                        guest.sh(f"cat >/tmp/{name}", stdin=file.read())
                device = guest.plug_disk(disk.base)
                guest.sh(f"mount -o {disk.options} {device} {HOME}")
                guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
                left = int(guest.sh(f"find {HOME}/Download/many -type f | wc -l"))
                self.assertTrue(0 < left < MANY_FILES, f"the machine died at the wrong time: {left}")
                say(f"{kind}: killed with {left} of {MANY_FILES} files to go")
                guest.sh("systemctl --user daemon-reload; systemctl --user start xdgtidy", user="tester")
                guest.wait_for(f"test ! -e {HOME}/Download")
                guest.sh(f"/tools/tree.py missing {HOME} /tmp/contents")
                guest.sh("xdgtidy undo --quiet", user="tester", timeout=300)
                guest.sh(f"/tools/tree.py list {HOME} >/tmp/now; diff /tmp/wanted /tmp/now")

    def test_machine_killed_early_on_ext4(self):
        self.cut("ext4", 0.1)

    def test_machine_killed_halfway_on_xfs(self):
        self.cut("xfs", 0.5)

    def test_machine_killed_late_on_btrfs(self):
        self.cut("btrfs", 0.92)


if __name__ == "__main__":
    taprunner.main()
