# SPDX-License-Identifier: GPL-3.0-or-later
# What a disk may hold after a power cut, from QEMU's record of what was written to it. I/O: image files.
"""QEMU's blklogwrites keeps each write and flush in the format of the kernel's dm-log-writes
(Documentation/admin-guide/device-mapper/log-writes.rst). A disk with a volatile cache may lose any write since the
last flush, and keep any other; so a state is a cut in the record, and what is lost of the writes behind the last flush
before it. A write is lost or kept by blocks of 4 KiB, which disks write as a whole.
"""
import os
import random
import struct

FLUSH, FUA, DISCARD = 1, 2, 4
MAGIC, VERSION = 0x6A736677736872, 1
BLOCK_SIZE = 4096
LOSSES = ("none", "half", "all")


def read_log(path):
    """[(offset in bytes, flags, data)], in the order in which the disk took them."""
    entries = []
    with open(path, "rb") as log:
        magic, version, count, sector_size = struct.unpack("<QQQI", log.read(28))
        if (magic, version) != (MAGIC, VERSION):
            raise ValueError("not a record of writes")
        position = sector_size
        for _ in range(count):
            log.seek(position)
            sector, sectors, flags, _length = struct.unpack("<QQQQ", log.read(32))
            size = sectors * sector_size
            position += sector_size
            if flags & DISCARD:
                data = bytes(size)
            else:
                log.seek(position)
                data = log.read(size)
                position += size
            entries.append((sector * sector_size, flags, data))
    return entries


def choose_states(entries, first, limit):
    """[(cut, loss, seed)]: at most `limit`, evenly over the record from `first` on, each kind of loss in turn."""
    cuts = range(first, len(entries) + 1)
    every = [(cut, loss, cut) for cut in cuts for loss in LOSSES]
    if len(every) <= limit:
        return every
    chosen = [cuts[i * (len(cuts) - 1) // (limit - 1)] for i in range(limit)]
    return [(cut, LOSSES[i % len(LOSSES)], cut) for i, cut in enumerate(chosen)]


def copy_data(source, target):
    """Only what is no hole: the images are mostly holes."""
    end = os.fstat(source.fileno()).st_size
    target.truncate(0)
    target.truncate(end)
    at = 0
    while at < end:
        try:
            at = os.lseek(source.fileno(), at, os.SEEK_DATA)
        except OSError:
            return      # nothing but a hole
        stop = os.lseek(source.fileno(), at, os.SEEK_HOLE)
        target.seek(at)
        target.write(os.pread(source.fileno(), stop - at, at))
        at = stop


def write_state(base, entries, state, target):
    """Makes `target` what `base` is after a power cut. In place: a guest that has it plugged and not mounted sees it."""
    cut, loss, seed = state
    rng = random.Random(seed)
    flushed = max((i + 1 for i in range(cut) if entries[i][1] & FLUSH), default=0)
    with open(base, "rb") as source, open(target, "r+b" if os.path.exists(target) else "w+b") as disk:
        copy_data(source, disk)
        for i, (offset, flags, data) in enumerate(entries[:cut]):
            is_safe = i < flushed or flags & FUA
            for at in range(0, len(data), BLOCK_SIZE):
                if is_safe or loss == "none" or (loss == "half" and rng.random() < 0.5):
                    disk.seek(offset + at)
                    disk.write(data[at:at + BLOCK_SIZE])
