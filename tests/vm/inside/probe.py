#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest, in the place of xdgtidy-keys: tries what its unit must not let it do. I/O.
"""Prints "could: WHAT" for each thing that went well, and "probed" at the end."""
import os
import socket
import subprocess
import time


def read(path):
    with open(path, "rb") as file:
        return file.read(1)


TRIES = {
    "read the user's files": lambda: read("/home/tester/.bashrc"),
    "list the user's home": lambda: os.listdir("/home/tester"),
    "list the user's runtime directory": lambda: os.listdir("/run/user/1000"),
    "write to the system": lambda: open("/etc/probe", "w", encoding="ascii"),
    "write to a state directory": lambda: open("/var/lib/probe", "w", encoding="ascii"),
    "open an internet socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open the disk": lambda: os.open("/dev/vda", os.O_RDONLY),
    "open the kernel's log": lambda: os.open("/dev/kmsg", os.O_RDONLY),
    "become root": lambda: os.setuid(0),
    "see other processes": lambda: read("/proc/1/status"),
    "set the clock": lambda: time.clock_settime(0, 0),
    "make a namespace": lambda: run("unshare", "--user", "true"),
    "mount": lambda: run("mount", "-t", "tmpfs", "probe", "/tmp"),
    "make a set-uid file": lambda: make_setuid("/tmp/probe"),
}


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


def make_setuid(path):
    with open(path, "wb"):
        os.chmod(path, 0o4755)


for what, attempt in TRIES.items():
    try:
        attempt()
        print(f"could: {what}")
    except (OSError, subprocess.CalledProcessError):
        pass
print("probed", flush=True)
