#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Power cuts during merges, on real file systems: nothing is lost, and what was done can be taken back exactly. I/O.
"""Two kinds. A killed QEMU loses what the guest's kernel had not handed to the disk. The replay is the harder one: from
the record of all writes it makes the states in which a disk with a volatile cache may be left, and recovers from each.
It is only believed after it has caught a careless merge. XDGTIDY_VM_STATES: how many states a file system (else 12).
"""
import os
import struct
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.abspath(__file__)) + "/../integration"]
import powercut
import taprunner
import vm

HOME = "/home/tester"
DISK_SIZE = 320 << 20     # the smallest that mkfs.xfs makes
ALIGNED = 2048           # sectors
SECOND = "Disk"          # where the second file system is in the home
STATES = int(os.environ.get("XDGTIDY_VM_STATES", "12"))
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
    """A disk with a home on it, in a folder of the host. With two kinds: two partitions, and the files should be on the
    second. One disk, so that there is one order of all writes."""

    def __init__(self, folder, *kinds):
        self.kinds = kinds
        self.base = f"{folder}/base"
        self.folder = folder
        with open(self.base, "wb") as file:
            file.truncate(DISK_SIZE * len(kinds))
            if len(kinds) > 1:
                file.write(partition_table(len(kinds)))
        self.target = "Downloads" if len(kinds) == 1 else f"{SECOND}/Downloads"
        self.environment = f"TREE_TARGET={self.target}"

    def parts(self, device):
        """[(device, kind, where it is mounted)]"""
        if len(self.kinds) == 1:
            return [(device, self.kinds[0], HOME)]
        return [(f"{device}{i}", kind, point) for i, (kind, point) in enumerate(zip(self.kinds, (HOME, f"{HOME}/{SECOND}")), 1)]

    def plug(self, guest, path, log=None):
        device = guest.plug_disk(path, log=log)
        for part, _kind, _point in self.parts(device):
            guest.wait_for(f"test -b {part}")
        return device

    def mount(self, guest, device):
        for part, kind, point in self.parts(device):
            guest.sh(f"mkdir -p {point} && mount -o {FILE_SYSTEMS[kind][1]} {part} {point}")

    def umount(self, guest):
        guest.sh(f"umount -R {HOME}")

    def make(self, guest, count):
        """The home, and what it holds: /tmp/wanted and /tmp/contents in the guest. Left mounted."""
        guest.add_tools()
        device = self.plug(guest, self.base)
        for part, kind, _point in self.parts(device):
            guest.sh(f"{FILE_SYSTEMS[kind][0]} {part}")
        self.mount(guest, device)
        for _part, _kind, point in self.parts(device):
            guest.sh(f"chown tester: {point}")
        guest.sh(f"cd / && {AS_TESTER} {self.environment} /tools/tree.py make {HOME} {count}")
        guest.sh(f"export {self.environment}; /tools/tree.py list {HOME} >/tmp/wanted; "
                 f"/tools/tree.py contents {HOME} >/tmp/contents; sync")
        return device

    def record(self, guest, name, command):
        """What is written to a copy of the disk while the command runs, with a busy neighbour: a log."""
        copy, log = f"{self.folder}/{name}", f"{self.folder}/{name}.log"
        with open(self.base, "rb") as source, open(copy, "wb") as target:
            powercut.copy_data(source, target)
        self.mount(guest, self.plug(guest, copy, log=log))
        # On the file system that the files come from: there a name may be gone for good before its content is elsewhere.
        busy = f"{HOME}/.neighbour"
        guest.sh(f"mkdir {busy}; chown tester: {busy}")
        guest.sh(f"{AS_TESTER} /tools/neighbour.py {busy} >/dev/null 2>&1 & "
                 f"cd / && {AS_TESTER} {self.environment} {command}; code=$?; touch {busy}/stop; wait; exit $code")
        # Before the umount: its writes are as ordered as can be, and of no interest.
        guest.sh("sync")
        entries = powercut.read_log(log)
        self.umount(guest)
        return entries


def partition_table(count):
    """A master boot record: https://wiki.osdev.org/MBR_(x86). Partition 1 begins at 1 MiB, each ends where the next begins."""
    sectors = DISK_SIZE // 512
    entries = b""
    for i in range(count):
        start = i * sectors or ALIGNED
        entries += struct.pack("<B3xB3xII", 0, 0x83, start, (i + 1) * sectors - start)
    return bytes(446) + entries.ljust(64, b"\0") + b"\x55\xaa"


class Replay(unittest.TestCase):
    def recover(self, guest, disk, device, entries, state, flags=""):
        powercut.write_state(disk.base, entries, state, f"{disk.folder}/state")
        parts = disk.parts(device)
        for part, kind, _point in parts:
            if kind == "btrfs":
                guest.run(f"btrfs device scan --forget {part}")
        words = " ".join(f"{part},{FILE_SYSTEMS[kind][1]}{point.replace(HOME, '').replace('/', ',')}" for part, kind, point in parts)
        return guest.sh(f"{disk.environment} /tools/recover.py {HOME} /tmp/wanted /tmp/contents {words} {flags}").strip()

    def replay(self, *kinds):
        name = " to ".join(kinds)
        with tempfile.TemporaryDirectory(prefix="vm.") as folder, vm.VM() as guest:
            guest.install()
            disk = Disk(folder, *kinds)
            disk.make(guest, SMALL_FILES)
            disk.umount(guest)

            careless = disk.record(guest, "careless", f"/tools/careless.py {HOME}")
            merge = disk.record(guest, "merge", f"xdgtidy merge --yes --direct {HOME}/Download {HOME}/{disk.target}")
            with open(disk.base, "rb") as source, open(f"{folder}/state", "wb") as target:
                powercut.copy_data(source, target)
            device = disk.plug(guest, f"{folder}/state")

            states = powercut.choose_states(careless, 1, CARELESS_STATES)
            caught = None
            for tried, state in enumerate(reversed(states), 1):
                caught = self.recover(guest, disk, device, careless, state, "--look-only")
                if caught:
                    break
            self.assertTrue(caught, f"{name}: a careless merge was not caught in {tried} states: this proves nothing")
            say(f"{name}: the careless merge is caught in state {tried} of {len(states)}: {caught.splitlines()[0]}")

            problems = []
            states = powercut.choose_states(merge, 1, STATES)
            for state in states:
                problem = self.recover(guest, disk, device, merge, state)
                if problem:
                    problems.append(f"cut {state[0]} of {len(merge)}, lost of what was not flushed: {state[1]}\n{problem}")
                    say(problems[-1])
            say(f"{name}: {len(states)} states of {len(merge)} writes recovered, {len(problems)} wrong")
            self.assertEqual([], problems)

    def test_every_state_on_ext4(self):
        self.replay("ext4")

    def test_every_state_on_xfs(self):
        self.replay("xfs")

    def test_every_state_on_btrfs(self):
        self.replay("btrfs")

    def test_every_state_from_ext4_to_xfs(self):
        self.replay("ext4", "xfs")

    def test_every_state_from_btrfs_to_ext4(self):
        self.replay("btrfs", "ext4")


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
                device = disk.plug(guest, disk.base)
                disk.mount(guest, device)
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
