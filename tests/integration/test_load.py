#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
# The real xdgtidyd under load: more files at once than the kernel can queue events for, and a neighbour that renames
# files and swaps directories for links while we look. Nothing outside the two directories is touched, nothing is lost,
# and after it the daemon goes back to sleep. I/O: scratch homes in memory, child processes.
"""usage: test_load.py XDGTIDYD [sanitized] [TEST...]

XDGTIDY_BURST=100000 makes the burst that large, XDGTIDY_RACE=60 the race that many seconds long."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import taprunner
from session import Session

XDGTIDYD = os.path.abspath(sys.argv[1])
BURST = int(os.environ.get("XDGTIDY_BURST", "20000"))
RACE_SECONDS = float(os.environ.get("XDGTIDY_RACE", "5"))
QUEUE = "/proc/sys/fs/inotify/max_queued_events"
IDLE_SECONDS = 2
PATIENCE = 60 + BURST // 500

# Makes a file of its own text, renames it, puts one into a directory, and swaps that directory, and now and then the
# stray itself, for a link to the outside and back, as fast as it can. Prints how many files it made.
NEIGHBOUR = r"""
import os, sys, time
stray, outside, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
def quietly(function, *arguments):
    try:
        return function(*arguments)
    except OSError:
        return None  # we were faster, or it was
def make(path, text):
    try:
        with open(path, "x", encoding="utf-8") as out:
            out.write(text)
        return 1
    except OSError:
        return 0
end, made, i = time.monotonic() + seconds, 0, 0
while time.monotonic() < end:
    i += 1
    quietly(os.mkdir, stray)
    made += make(f"{stray}/file {i}", f"token {i}\n")
    quietly(os.rename, f"{stray}/file {i}", f"{stray}/renamed {i}")
    directory = f"{stray}/swap {i % 7}"
    quietly(os.mkdir, directory)
    made += make(f"{directory}/in {i}", f"token in {i}\n")
    for swapped in [directory] + [stray] * (i % 20 == 0):
        quietly(os.rename, swapped, swapped + " aside")
        if os.path.lexists(swapped + " aside"):
            quietly(os.symlink, outside, swapped)
            quietly(os.unlink, swapped)
            quietly(os.rename, swapped + " aside", swapped)
print(made)
"""


def cpu_switches(pid):
    """How often the threads of a process went to sleep or were put aside."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
    return total


class Load(unittest.TestCase):
    def setUp(self):
        if os.access("/dev/shm", os.W_OK):
            tempfile.tempdir = "/dev/shm"
        self.session = Session(XDGTIDYD)
        self.session.__enter__()
        self.addCleanup(self.session.__exit__)
        session = self.session
        for name in ("a", "sub/b"):
            session.write("Outside/" + name, "not to be touched " + name)
        session.start_daemon()
        session.write("Download/first")
        session.merge()
        self.outside = self.look_outside()

    def look_outside(self):
        seen = {}
        for base, dirs, files in os.walk(self.session.path("Outside")):
            for name in dirs + files + ["."]:
                st = os.lstat(os.path.join(base, name))
                seen[os.path.join(base, name)] = (st.st_ino, st.st_mode, st.st_mtime_ns, st.st_ctime_ns, st.st_nlink)
        return seen

    def texts(self):
        """Every text below the two directories and in the Trash, and how often."""
        seen = {}
        for name in ("Download", "Downloads", ".local/share/Trash/files"):
            for base, _, files in os.walk(self.session.path(name)):
                for file in files:
                    path = os.path.join(base, file)
                    if not os.path.islink(path):
                        with open(path, encoding="utf-8") as text:
                            content = text.read()
                        seen[content] = seen.get(content, 0) + 1
        return seen

    def wait_idle(self):
        """Until no thread of the daemon ran for a while."""
        state = {"switches": -1, "since": 0.0}

        def look():
            switches = cpu_switches(self.session.daemon.pid)
            if switches != state["switches"]:
                state.update(switches=switches, since=time.monotonic())
            return time.monotonic() - state["since"] >= IDLE_SECONDS
        self.session.wait(look, "an idle daemon", patience=PATIENCE)

    def assert_sound(self):
        self.assertIsNone(self.session.daemon.poll())
        self.assertEqual(self.look_outside(), self.outside)
        self.wait_idle()
        self.assertEqual(self.session.stop_daemon(), 0)

    def test_burst(self):
        with open(QUEUE, encoding="ascii") as text:
            queue = int(text.read())
        session = self.session
        session.write("Download/keeps the stray.part")
        session.wait(lambda: session.call("Status")["strays"], "the stray")
        self.wait_idle()
        session.daemon.send_signal(signal.SIGSTOP)  # so that the queue runs over, however fast we are
        for i in range(max(BURST, queue + 1000)):
            with open(session.path(f"Download/{i:06}"), "x", encoding="ascii") as out:
                out.write(f"{i}\n")
        session.daemon.send_signal(signal.SIGCONT)
        n_files = max(BURST, queue + 1000)
        session.wait(lambda: os.listdir(session.path("Download")) == ["keeps the stray.part"], "the whole burst",
                     patience=PATIENCE)
        arrived = [name for name in os.listdir(session.path("Downloads")) if len(name) == 6]
        self.assertEqual(len(arrived), n_files)
        texts = self.texts()
        self.assertTrue(all(texts.get(f"{i}\n") == 1 for i in range(n_files)))
        self.assert_sound()
        print(f"# {n_files} files at once, a queue of {queue}")

    def test_neighbour(self):
        session = self.session
        neighbour = session.spawn([sys.executable, "-c", NEIGHBOUR, session.path("Download"), session.path("Outside"),
                                   str(RACE_SECONDS)], stdout=subprocess.PIPE, text=True)
        session.wait(lambda: neighbour.poll() is not None, "the neighbour", patience=RACE_SECONDS + 60)
        made = int(neighbour.stdout.read())
        neighbour.stdout.close()
        self.assertGreater(made, 100)
        session.wait_gone("Download", patience=PATIENCE)
        texts = {text: n for text, n in self.texts().items() if text.startswith("token")}
        self.assertEqual(len(texts), made)
        self.assertEqual(set(texts.values()), {1})
        self.assert_sound()
        print(f"# {made} files of the neighbour, all there")


if __name__ == "__main__":
    taprunner.main(argv=[word for word in sys.argv[2:] if word != "sanitized"])
