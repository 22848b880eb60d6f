#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest: another program that makes its own file durable, over and over. I/O.
"""usage: neighbour.py FOLDER         until FOLDER/stop exists

What a browser's database does. It makes the file system write down what others have done to its directories, but not
what they have written into their files: the moment in which a move without fsync loses a file.
"""
import fcntl
import os
import sys

BTRFS_IOC_START_SYNC = 0x80089418   # linux/btrfs.h: commits the transaction; leaves dirty pages alone


class Neighbour:
    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.folder = os.open(folder, os.O_RDONLY)
        self.file = os.open("database", os.O_CREAT | os.O_WRONLY, dir_fd=self.folder)

    def tick(self):
        os.pwrite(self.file, os.urandom(8), 0)
        os.fsync(self.file)
        try:
            fcntl.ioctl(self.folder, BTRFS_IOC_START_SYNC, bytearray(8))
        except OSError:
            pass    # not btrfs

    def is_stopped(self):
        try:
            os.stat("stop", dir_fd=self.folder)
            return True
        except FileNotFoundError:
            return False


if __name__ == "__main__":
    one = Neighbour(sys.argv[1])
    while not one.is_stopped():
        one.tick()
