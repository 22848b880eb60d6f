#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the duplicate finder beside the peers that are installed (jdupes, fdupes, rmlint, rdfind, fclones).

Makes its own corpora from a fixed seed, in --work (about 3 GB; kept there for the next run). Content bytes are counted
by strace: what read calls returned on files below the corpus. Times are medians of runs in alternation, as ratios to
ours; cold runs empty the page cache before each run and need root. Prints Markdown tables; exits 1 when a group of
ours is wrong or a bound on bytes is missed. I/O.
"""
import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

KIB, MIB = 1024, 1024 * 1024
PAGE = 4096
# Corpus: most content bytes that ours may read, as a factor of the lower bound (or exactly).
GOALS = {"headline": 647168, "downloads": 1.03, "adversarial": 1.05, "bigdup": 1.001}


# ---- corpora -------------------------------------------------------------------------------------------------------

class Corpus:
    """A directory under construction, and what is known about it."""

    def __init__(self, path, seed):
        self.path = path
        self.rng = random.Random(seed)
        self.bound = 0
        self.groups = []
        os.makedirs(path)

    def put(self, name, content, size=None):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
            if size is not None:
                f.truncate(size)
        return path

    def bytes(self, count):
        return b"".join(self.rng.randbytes(min(MIB, count - at)) for at in range(0, count, MIB))

    def done(self):
        with open(self.path + ".json", "w") as f:
            json.dump({"bound": self.bound, "groups": self.groups}, f)


def make_headline(c):
    """The published case: 2,896 files, 35 sets of equal size with 146 files, no duplicates. Only the totals were
    published; here 33 sets differ in the first block, two pairs of 129 MB share 12 KiB."""
    sizes = iter(c.rng.sample(range(5000, 4000000), 4000))
    counts = [5] * 10 + [4] * 23
    number = 0
    for count in counts:
        size = next(sizes)
        for _ in range(count):
            c.put(f"{number % 60:02}/f{number:04}", c.bytes(min(size, 40000)), size)
            number += 1
    for pair in range(2):
        header = c.bytes(12 * KIB)
        for _ in range(2):
            c.put(f"{number % 60:02}/f{number:04}", header + c.bytes(PAGE), 129000000 + pair)
            number += 1
    c.bound = number * PAGE
    while number < 2896:
        c.put(f"{number % 60:02}/f{number:04}", c.bytes(200), next(sizes))
        number += 1


def download_size(rng):
    return min(int(rng.lognormvariate(9.6, 1.7)) + 1, 8 * MIB)


def make_downloads(c):
    """20,000 files as they pile up: 8 % are copies, many small ones share a size, some share a header."""
    sizes = []
    contents = []  # (content, copies)
    for _ in range(1451):
        size = download_size(c.rng)
        copies = 2 if c.rng.random() < 0.9 else 3
        contents.append((c.bytes(size), copies))
    n = sum(copies for _, copies in contents)
    for _ in range(80):  # one program's files: one size, one header of 6 KB, different rest
        header = c.bytes(6000)
        size = c.rng.randrange(20000, 400000)
        contents += [(header + c.bytes(size - 6000), 1) for _ in range(5)]
        n += 5
    for _ in range(60):  # two versions of a document: equal up to somewhere
        size = c.rng.randrange(20000, 200000)
        first = c.bytes(size)
        part = c.rng.randrange(PAGE, size)
        contents += [(first, 1), (first[:part] + c.bytes(size - part), 1)]
        n += 2
    while n < 20000:
        contents.append((c.bytes(download_size(c.rng)), 1))
        n += 1
    order = [i for i, (_, copies) in enumerate(contents) for _ in range(copies)]
    c.rng.shuffle(order)
    paths = {}
    for number, i in enumerate(order):
        path = c.put(f"{number % 200:03}/file {number:05}.dat", contents[i][0])
        paths.setdefault(i, []).append(path)
        sizes.append(len(contents[i][0]))
    shared = {}
    for size in sizes:
        shared[size] = shared.get(size, 0) + 1
    for i, (content, copies) in enumerate(contents):
        if copies > 1:
            c.groups.append(paths[i])
            c.bound += copies * len(content)
        elif shared[len(content)] > 1:
            c.bound += min(PAGE, len(content))


def make_adversarial(c):
    """5,000 files of 192 KiB: 1,000 in 85 groups, 2,000 that part at once, 2,000 in families that part anywhere."""
    size = 192 * KIB
    contents = []
    for i in range(85):
        content = c.bytes(size)
        contents += [(content, i)] * (12 if i < 65 else 11)
    contents += [(c.bytes(size), None) for _ in range(2000)]
    for _ in range(20):
        common = c.bytes(size)
        for _ in range(100):
            part = c.rng.randrange(PAGE, size - PAGE)
            contents.append((common[:part] + c.bytes(size - part), None))
    groups = {}
    c.rng.shuffle(contents)
    for number, (content, group) in enumerate(contents):
        path = c.put(f"{number % 50:02}/{number:04}", content)
        if group is None:
            c.bound += PAGE
        else:
            c.bound += size
            groups.setdefault(group, []).append(path)
    c.groups = list(groups.values())


def make_bigdup(c):
    """Three equal files of 256 MiB, one that differs in its first byte, one in its last."""
    size = 256 * MIB
    content = bytearray(c.bytes(size))
    c.groups = [[c.put(f"same{i}", content) for i in range(3)]]
    content[0] ^= 1
    c.put("first", content)
    content[0] ^= 1
    content[-1] ^= 1
    c.put("last", content)
    c.bound = 3 * size + 2 * PAGE


def make(name, work):
    path = os.path.join(work, name)
    if not os.path.exists(path + ".json"):
        shutil.rmtree(path, ignore_errors=True)
        corpus = Corpus(path, "xdgtidy " + name)
        globals()["make_" + name](corpus)
        corpus.done()
    with open(path + ".json") as f:
        return path, json.load(f)


# ---- tools ---------------------------------------------------------------------------------------------------------

def tools(driver, scratch):
    found = {"xdgtidy": [driver, "{}"]}
    peers = {
        "jdupes": ["jdupes", "-r", "-q", "{}"],
        "fdupes": ["fdupes", "-r", "-q", "{}"],
        "rmlint": ["rmlint", "-T", "df", "-o", "json:" + os.path.join(scratch, "rmlint.json"), "{}"],
        "rmlint-pp": ["rmlint", "-pp", "-T", "df", "-o", "json:" + os.path.join(scratch, "rmlint.json"), "{}"],
        "rdfind": ["rdfind", "-dryrun", "true", "-makeresultsfile", "false", "{}"],
        "fclones": ["fclones", "--progress=false", "group", "{}"],
    }
    for name, command in peers.items():
        if shutil.which(command[0]):
            found[name] = command
    return found


def versions(found):
    for name, command in found.items():
        if name not in ("xdgtidy", "rmlint-pp"):
            p = subprocess.run([command[0], "--version"], capture_output=True, text=True)
            text = (p.stdout + p.stderr).strip().splitlines()
            yield next((line.strip() for line in text if re.search(r"\d\.\d", line)), name)


def command_for(command, path):
    return [part.replace("{}", path) for part in command]


def run(command, scratch):
    """(wall seconds, usage) of one run."""
    with open(os.devnull, "wb") as null, open(os.path.join(scratch, "out"), "wb") as out:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=null, cwd=scratch)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    return wall, usage


READS = "read,pread64,readv,preadv,preadv2"
READ_LINE = re.compile(r"^(?:\d+ +)?(?:read|pread64|p?readv2?)\(\d+<(.*?)>,.*= (\d+)$")
RESUMED_LINE = re.compile(r"^(\d+) +<\.\.\. (?:read|pread64|p?readv2?) resumed>.*= (\d+)$")
BEGUN_LINE = re.compile(r"^(\d+) +(?:read|pread64|p?readv2?)\(\d+<(.*?)>,?\s*<unfinished")


def count(command, corpus, scratch):
    """(content bytes, read calls, all system calls): what came back from reading files below the corpus."""
    log = os.path.join(scratch, "strace")
    subprocess.run(["strace", "-f", "-y", "-s", "0", "-e", "trace=" + READS, "-o", log] + command,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=scratch)
    total = calls = 0
    begun = {}
    with open(log, errors="replace") as f:
        for line in f:
            line = line.rstrip("\n")
            if m := READ_LINE.match(line):
                path, got = m.group(1), int(m.group(2))
            elif m := BEGUN_LINE.match(line):
                begun[m.group(1)] = m.group(2)
                continue
            elif m := RESUMED_LINE.match(line):
                path, got = begun.pop(m.group(1), ""), int(m.group(2))
            else:
                continue
            if path.startswith(corpus + "/"):
                total += got
                calls += 1
    os.unlink(log)
    summary = os.path.join(scratch, "summary")
    subprocess.run(["strace", "-f", "-c", "-o", summary] + command, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, cwd=scratch)
    with open(summary) as f:
        last = f.read().strip().splitlines()[-1].split()
    return total, calls, int(last[3])


def peak_memory(command, scratch):
    """Peak resident MB, or "-". By time(1): what wait4 says to us would include our own memory before the exec."""
    if not os.path.exists("/usr/bin/time"):
        return "-"
    log = os.path.join(scratch, "time")
    subprocess.run(["/usr/bin/time", "-o", log, "-f", "%M"] + command, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, cwd=scratch)
    with open(log) as f:
        return f"{int(f.read().split()[-1]) / 1024:.1f}"


def check(driver, path, truth, scratch):
    """Runs ours once; None, or what is wrong with its groups."""
    p = subprocess.run([driver, path], capture_output=True, text=True, cwd=scratch)
    groups = [sorted(g.split("\n")) for g in p.stdout.strip("\n").split("\n\n") if g]
    if sorted(groups) != sorted(sorted(g) for g in truth["groups"]):
        return None, f"{len(groups)} groups, {len(truth['groups'])} expected"
    return json.loads(p.stderr.strip().splitlines()[-1]), None


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3")


def measure(found, path, rounds, cold, scratch):
    rows = {name: {"wall": [], "cpu": [], "switches": []} for name in found}
    for name, command in found.items():
        if not cold:
            run(command_for(command, path), scratch)
    for _ in range(rounds):
        for name, command in found.items():
            if cold:
                drop_caches()
            wall, usage = run(command_for(command, path), scratch)
            rows[name]["wall"].append(wall)
            rows[name]["cpu"].append(usage.ru_utime + usage.ru_stime)
            rows[name]["switches"].append(usage.ru_nvcsw + usage.ru_nivcsw)
    for row in rows.values():
        row["wall"] = statistics.median(row["wall"])
        row["cpu"] = statistics.median(row["cpu"])
        row["switches"] = statistics.median(row["switches"])
    return rows


def report(name, truth, found, bytes_read, memory, warm, cold):
    print(f"\n**{name}**: {len(truth['groups'])} groups, lower bound {truth['bound']:,} bytes\n")
    print("| tool | content bytes | x bound | reads | system calls | RSS MB | warm s | x ours | warm CPU s | x ours | cold s | x ours "
          "| cold switches |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for tool in found:
        total, calls, syscalls = bytes_read[tool]
        w = warm[tool]
        cells = [tool, f"{total:,}", f"{total / truth['bound']:.3f}", f"{calls:,}", f"{syscalls:,}",
                 memory[tool], f"{w['wall']:.3f}", f"{w['wall'] / warm['xdgtidy']['wall']:.2f}",
                 f"{w['cpu']:.3f}", f"{w['cpu'] / max(warm['xdgtidy']['cpu'], 0.001):.2f}"]
        if cold:
            k = cold[tool]
            cells += [f"{k['wall']:.3f}", f"{k['wall'] / cold['xdgtidy']['wall']:.2f}", f"{k['switches']:,.0f}"]
        else:
            cells += ["-", "-", "-"]
        print("| " + " | ".join(cells) + " |")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--driver", required=True)
    parser.add_argument("--work", default=os.path.join(tempfile.gettempdir(), "xdgtidy-bench-dupes"))
    parser.add_argument("--corpora", default="headline,downloads,adversarial,bigdup")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-cold", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    args = parser.parse_args()
    driver = os.path.abspath(args.driver)
    work = os.path.abspath(args.work)
    os.makedirs(work, exist_ok=True)
    failures = []
    with tempfile.TemporaryDirectory() as scratch:
        found = tools(driver, scratch)
        if args.no_peers:
            found = {"xdgtidy": found["xdgtidy"]}
        print("Peers: " + "; ".join(versions(found)))
        for name in args.corpora.split(","):
            path, truth = make(name, work)
            stats, wrong = check(driver, path, truth, scratch)
            if wrong:
                failures.append(f"{name}: {wrong}")
                continue
            bytes_read = {tool: count(command_for(command, path), path, scratch) for tool, command in found.items()}
            goal = GOALS[name] if GOALS[name] > 100 else GOALS[name] * truth["bound"]
            if bytes_read["xdgtidy"][0] != stats["read_bytes"]:
                failures.append(f"{name}: strace counted {bytes_read['xdgtidy'][0]}, ours {stats['read_bytes']}")
            if stats["read_bytes"] > goal:
                failures.append(f"{name}: {stats['read_bytes']} bytes read, goal {goal:.0f}")
            if stats["max_open"] > 512:
                failures.append(f"{name}: {stats['max_open']} open files")
            memory = {tool: peak_memory(command_for(command, path), scratch) for tool, command in found.items()}
            warm = measure(found, path, args.rounds, False, scratch)
            cold = None
            if not args.no_cold and os.access("/proc/sys/vm/drop_caches", os.W_OK):
                cold = measure(found, path, args.rounds, True, scratch)
            report(name, truth, found, bytes_read, memory, warm, cold)
    for failure in failures:
        print("FAIL " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
