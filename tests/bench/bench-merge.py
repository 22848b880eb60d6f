#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures a merge beside a bare walk that only calls renameat2(2), and beside `rsync -a --remove-source-files`.

Makes its own homes in --work, which should be on a disk rather than in memory. Times are medians of runs in
alternation; everything is written to the disk before each. System calls are counted by strace, in a run of its own.
Prints Markdown tables; exits 1 when a goal on system calls is missed, or, with --strict, one on time. I/O.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

WALL_GOAL, SYSCALL_GOAL, RSYNC_GOAL = 1.25, 1.5, 5.0
# A merge of whole directories: how many more system calls ten times the files may cost (the disk's own noise).
WHOLE_GOAL = 1.02


class Bench:
    def __init__(self, args):
        self.driver = os.path.abspath(args.driver)
        self.command = os.path.abspath(args.command)
        self.work = os.path.abspath(args.work)
        self.rounds = args.rounds
        self.failures = []

    def home(self, kind, files, fresh=False):
        path = os.path.join(self.work, f"{kind}-{files}" + ("-once" if fresh else ""))
        if fresh:
            shutil.rmtree(path, ignore_errors=True)
        if not os.path.exists(path):
            subprocess.run([self.driver, "make", path + ".new", kind, str(files)], check=True)
            os.makedirs(os.path.join(path + ".new", ".config"))
            with open(os.path.join(path + ".new", ".config/user-dirs.dirs"), "w") as f:
                f.write('XDG_DOWNLOAD_DIR="$HOME/Downloads"\n')
            os.rename(path + ".new", path)
        return path

    def commands(self, home):
        return {
            "bare walk": [self.driver, "floor", home],
            "engine": [self.driver, "engine", home],
            "xdgtidy": [self.command, "merge", "--direct", "--yes", home + "/Download", home + "/Downloads"],
        }

    def run(self, command, home):
        """(wall seconds, processor seconds) of one run on a quiet disk."""
        env = {"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C"}
        os.sync()
        start = time.monotonic()
        before = os.times()
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wall = time.monotonic() - start
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return wall, cpu

    def count(self, command, home):
        """System calls of one run, and the ten most frequent."""
        log = os.path.join(self.work, "strace")
        self.run(["strace", "-f", "-c", "-U", "calls,name", "-o", log] + command, home)
        with open(log) as f:
            lines = [line.split() for line in f if line.split() and line.split()[0].isdigit()]
        total = next(int(line[0]) for line in lines if line[-1] == "total")
        most = sorted(((int(n), name) for n, name in lines if name != "total"), reverse=True)[:8]
        return total, ", ".join(f"{name} {n:,}" for n, name in most)

    def memory(self, command, home):
        """Peak resident MB."""
        log = os.path.join(self.work, "time")
        self.run(["/usr/bin/time", "-o", log, "-f", "%M"] + command, home)
        with open(log) as f:
            return int(f.read().split()[-1]) / 1024

    def reset(self, home, kind):
        subprocess.run([self.driver, "reset", home, kind], check=True)
        shutil.rmtree(os.path.join(home, ".local/state"), ignore_errors=True)

    def measure(self, kind, files):
        """{name: {wall, calls, most, memory}} of the bare walk and of ours."""
        home = self.home(kind, files)
        rows = {name: {"walls": [], "cpus": []} for name in self.commands(home)}
        for name, command in self.commands(home).items():
            rows[name]["calls"], rows[name]["most"] = self.count(command, home)
            self.reset(home, kind)
            rows[name]["memory"] = self.memory(command, home)
            self.reset(home, kind)
        for _ in range(self.rounds):
            for name, command in self.commands(home).items():
                wall, cpu = self.run(command, home)
                rows[name]["walls"].append(wall)
                rows[name]["cpus"].append(cpu)
                self.reset(home, kind)
        for row in rows.values():
            row["wall"] = statistics.median(row["walls"])
            row["cpu"] = statistics.median(row["cpus"])
        return rows

    def measure_rsync(self, kind, files):
        """rsync copies, so a home can be used only once: one run to count, one to time."""
        row = {"memory": 0}
        for part in ("count", "time"):
            home = self.home(kind, files, fresh=True)
            command = ["rsync", "-a", "--remove-source-files", home + "/Download/", home + "/Downloads/"]
            if part == "count":
                row["calls"], row["most"] = self.count(command, home)
            else:
                row["wall"], row["cpu"] = self.run(command, home)
            shutil.rmtree(home)
        return row

    def goal(self, text, value, limit, is_timed, args):
        met = value <= limit
        print(f"- {text}: {value:.2f}, goal at most {limit}: {'met' if met else 'MISSED'}")
        if not met and (args.strict or not is_timed):
            self.failures.append(text)


def table(title, rows):
    floor = rows["bare walk"]
    print(f"\n**{title}**\n")
    print("| | wall s | x bare walk | processor s | x bare walk | system calls | x bare walk | peak MB | most frequent |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        memory = f"{row['memory']:.1f}" if row["memory"] else "-"
        print(f"| {name} | {row['wall']:.3f} | {row['wall'] / floor['wall']:.2f} | {row['cpu']:.2f} "
              f"| {row['cpu'] / max(floor['cpu'], 0.01):.2f} | {row['calls']:,} "
              f"| {row['calls'] / floor['calls']:.2f} | {memory} | {row['most']} |")
    print()
    sys.stdout.flush()


def bench_overlap(bench, args):
    rows = bench.measure("overlap", args.files)
    if args.rsync:
        rows["rsync"] = bench.measure_rsync("overlap", args.files)
    table(f"two trees that overlap, {args.files:,} files in the stray", rows)
    floor = rows["bare walk"]
    for name in ("engine", "xdgtidy"):
        bench.goal(f"{name}, wall", rows[name]["wall"] / floor["wall"], WALL_GOAL, True, args)
        bench.goal(f"{name}, system calls", rows[name]["calls"] / floor["calls"], SYSCALL_GOAL, False, args)
    if args.rsync:
        bench.goal("xdgtidy's wall in parts of rsync's", rows["xdgtidy"]["wall"] / rows["rsync"]["wall"],
                   1 / RSYNC_GOAL, True, args)


def bench_whole(bench, args):
    few = bench.measure("whole", args.files // 10)
    many = bench.measure("whole", args.files)
    table(f"100 directories that the target lacks, {args.files // 10:,} files", few)
    table(f"100 directories that the target lacks, {args.files:,} files", many)
    bench.goal("system calls for ten times the files", many["xdgtidy"]["calls"] / few["xdgtidy"]["calls"],
               WHOLE_GOAL, False, args)
    bench.goal("wall for ten times the files", many["xdgtidy"]["wall"] / few["xdgtidy"]["wall"], WALL_GOAL,
               True, args)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--driver", required=True)
    parser.add_argument("--command", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--files", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["overlap", "whole"])
    parser.add_argument("--no-rsync", dest="rsync", action="store_false")
    parser.add_argument("--strict", action="store_true")
    args = parser.parse_args()
    if not shutil.which("strace") or not os.path.exists("/usr/bin/time"):
        print("strace and /usr/bin/time are needed")
        return 77
    args.rsync = args.rsync and shutil.which("rsync") is not None
    bench = Bench(args)
    os.makedirs(bench.work, exist_ok=True)
    if args.only != "whole":
        bench_overlap(bench, args)
    if args.only != "overlap":
        bench_whole(bench, args)
    for failure in bench.failures:
        print("FAIL " + failure)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
