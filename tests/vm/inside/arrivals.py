#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs in the guest, as root: hours of arrivals in a stray directory, and what the daemon holds after each. I/O.
"""usage: arrivals.py HOME HOURS FILES PID

Each hour FILES files arrive in HOME/Download, every third as browsers do it (NAME.part, renamed at the end); when the
daemon has moved them all, the clock goes on by an hour. So the clock and the files are those of HOURS hours; the time in
between, in which an idle daemon does nothing, is left out. The moved files are then taken away, as a user does, so that
the home stays as large as it is: the memory of a walk is that of the largest directory. Prints a line an hour: its number, the resident KiB of PID and
how many descriptors it has open.
"""
import os
import sys
import time

from patience import wait_until

USER = 1000


def arrive(home, hour, count):
    folder = os.path.join(home, "Download")
    os.makedirs(folder, exist_ok=True)
    names = [f"hour-{hour}-file-{i}" for i in range(count)]
    for i, name in enumerate(names):
        path = os.path.join(folder, name)
        with open(path + ".part" if i % 3 == 0 else path, "w", encoding="ascii") as file:
            file.write(f"{name}\n" * 20)
        if i % 3 == 0:
            os.rename(path + ".part", path)
    return names


def are_moved(home, names):
    return all(os.path.exists(os.path.join(home, "Downloads", name)) for name in names)


def held(pid):
    # Counted page by page; VmRSS of /proc/PID/status lags behind by up to 64 pages a thread (proc(5)).
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        sizes = {words[0]: words[1] for words in map(str.split, file)}
    return sizes["Rss:"], len(os.listdir(f"/proc/{pid}/fd"))


def main(home, hours, count, pid):
    for hour in range(int(hours)):
        os.setegid(USER)
        os.seteuid(USER)
        names = arrive(home, hour, int(count))
        wait_until(lambda names=names: are_moved(home, names), f"the files of hour {hour}")
        for name in names:
            os.unlink(os.path.join(home, "Downloads", name))
        os.seteuid(0)
        os.setegid(0)
        print(hour, *held(pid), flush=True)
        time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
