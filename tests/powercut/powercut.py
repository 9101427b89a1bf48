#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut the power under a mounted vault, many times, and see what is left. README.md tells how it works."""

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile

import contenders
import disk
import machine
import report
import workloads

LIFE = 10  # cuts of a recording that began with one


# ---- many ----

def verdict(result):
    """None if a result is as it must be, else why not. Peers may do as they like, and what the second
    control does counts only over all workloads."""
    if "trouble" in result:
        return result["trouble"] if result["contender"] not in contenders.PEERS else None
    if result["contender"] in contenders.PEERS or result["contender"] == "nobarrier":
        return None
    return "; ".join(result["examples"][:3]) if result["bad"] else None


def describe(result):
    name = "%s, %s, %s" % (result["contender"], result["fs"], result["workload"])
    for word in ("trouble", "unsupported"):
        if word in result:
            return "%s: %s: %s" % (name, word, result[word])
    return "%s: %d cuts, %d with loss, %d with unreadable files, %d not mountable" % (
        name, result["cuts"], result["lost"], result["unreadable"], result["unmountable"])


def run_tasks(tasks, args, tell):
    options = {"work": machine.isolate(), "record": machine.find_record(), "keep": args.keep}
    results = []
    with multiprocessing.Pool(args.jobs, maxtasksperchild=1) as pool:
        for result in pool.imap_unordered(machine.do_task, [(t, options) for t in tasks], chunksize=1):
            results.append(result)
            tell(result)
        pool.close()
        pool.join()
    return results


class Progress:
    """Lines for people, or TAP."""

    def __init__(self, tap):
        self.tap, self.n, self.failed = tap, 0, 0

    def line(self, text, why=None, skip=None):
        self.n += 1
        self.failed += why is not None
        if self.tap:
            print("%s %d - %s%s" % ("ok" if why is None else "not ok", self.n, text,
                                    " # SKIP " + skip if skip else ""), flush=True)
        else:
            print(("" if why is None else "FAILED: ") + text, flush=True)

    def result(self, result):
        why = verdict(result)
        self.line(describe(result), why, result.get("unsupported"))
        if result["bad"] and (why or not self.tap):
            lines = result["examples"] if why else result["examples"][:2]
            if "recording" in result:
                lines = lines + ["again: %s again %s --cut %s" % (
                    os.path.relpath(__file__), result["recording"],
                    result["examples"][0].split(":")[0].split()[1])]
            for text in lines:
                print("#   " + text, flush=True)

    def end(self, results):
        control = [r for r in results if r["contender"] == "nobarrier" and "trouble" not in r]
        if control:
            bad = sum(r["bad"] for r in control)
            self.line("the control without barriers loses data: %d of %d cuts" % (
                bad, sum(r["cuts"] for r in control)), None if bad else "nothing was lost")
        if self.tap:
            print("1..%d" % self.n)
        return 1 if self.failed else 0


def make_tasks(args, matrix):
    """One for each recording. Where that begins with a power cut there are more of them, cut less often."""
    tasks = []
    for c, fs, names in matrix:
        for w in names:
            lives = max(1, args.cuts // LIFE) if hasattr(workloads.WORKLOADS[w], "first") else 1
            tasks += [{"contender": c, "fs": fs, "workload": w, "seed": args.seed + r, "scale": args.scale,
                       "want": args.cuts // lives} for r in range(args.rounds * lives)]
    return tasks


def split(text, known, what):
    names = list(known) if text == "all" else text.split(",")
    for name in names:
        if name not in known:
            sys.exit("powercut: no %s called '%s'; there are %s" % (what, name, ", ".join(known)))
    return names


# ---- commands ----

FEW = ["append-small", "overwrite-small", "new-directories", "long-names", "replace", "sqlite-wal"]


def cmd_run(args):
    """the contenders, filesystems and workloads that are named"""
    names = split(args.workloads, workloads.WORKLOADS, "workload")
    matrix = [(c, fs, names) for c in split(args.contenders, contenders.CONTENDERS, "contender")
              for fs in split(args.fs, disk.FILESYSTEMS, "filesystem")]
    return do_all(args, matrix)


def cmd_all(args):
    """everything: cryptfs on all filesystems, shared mode, both controls, the peers that are installed"""
    names = list(workloads.WORKLOADS)
    matrix = [("plain", "ext4", names), ("nobarrier", "ext4", names), ("cryptfs", "ext4", names)]
    matrix += [("cryptfs-shared", "ext4", names)]
    for fs in ("xfs", "btrfs"):
        if shutil.which("mkfs." + fs):
            matrix += [("plain", fs, names), ("cryptfs", fs, names)]
        else:
            print("powercut: left out: mkfs.%s is not installed" % fs)
    for c in contenders.PEERS:
        if contenders.missing(c):
            print("powercut: left out: %s is not installed" % c)
        else:
            matrix.append((c, "ext4", names))
    return do_all(args, matrix)


def cmd_short(args):
    """a few cuts of every workload on ext4, and the controls; prints TAP"""
    args.tap = True
    names = list(workloads.WORKLOADS)
    return do_all(args, [("cryptfs", "ext4", names), ("cryptfs-shared", "ext4", FEW),
                         ("plain", "ext4", names), ("nobarrier", "ext4", FEW)])


def do_all(args, matrix):
    why = machine.why_not()
    if why:
        print("1..0 # SKIP " + why if args.tap else "powercut: " + why)
        return 0 if args.tap else 77
    progress = Progress(args.tap)
    results = run_tasks(make_tasks(args, matrix), args, progress.result)
    if args.json:
        report.save(args.json, results, args)
    if args.table:
        with open(args.table, "w", encoding="utf-8") as f:
            f.write(report.table(results))
    return progress.end(results)


def cmd_again(args):
    """cut a kept recording again"""
    with open(os.path.join(args.recording, "journal.json"), encoding="ascii") as f:
        task = json.load(f)["task"]
    keep = os.path.realpath(args.image) if args.image else None
    recording = os.path.realpath(args.recording)
    folder = tempfile.mkdtemp(dir=machine.isolate())
    for name in ("log", "journal.json"):
        os.symlink(os.path.join(recording, name), os.path.join(folder, name))
    found, _ = machine.cut_all(task, folder, [args.cut], keep)
    for kind, text in found[args.cut]:
        print("%s: %s" % (kind, text))
    return 1 if found[args.cut] else 0


def cmd_table(args):
    """the table of a JSON file, on standard output or between the marks of a document"""
    results = report.load(args.results)
    if args.into:
        report.insert(args.into, report.table(results))
    else:
        sys.stdout.write(report.table(results))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    sub = parser.add_subparsers(dest="command", required=True)

    def command(function, cuts=None, scale=1.0):
        p = sub.add_parser(function.__name__[4:], help=function.__doc__)
        p.set_defaults(function=function)
        if cuts is not None:
            p.add_argument("--cuts", type=int, default=cuts, help="of each recording (%(default)s)")
            p.add_argument("--rounds", type=int, default=1, help="recordings of each workload (1)")
            p.add_argument("--scale", type=float, default=scale, help="length of a recording (%(default)s)")
            p.add_argument("--seed", type=int, default=1, help="of the first round (%(default)s)")
            p.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="at a time (%(default)s)")
            p.add_argument("--json", help="write the results to this file")
            p.add_argument("--table", help="write them to this file as a table")
            p.add_argument("--keep", help="directory for recordings of which a cut failed")
            p.add_argument("--tap", action="store_true", help="print TAP")
        return p

    p = command(cmd_run, 20)
    p.add_argument("--contenders", default="cryptfs", help=", ".join(contenders.CONTENDERS) + "; all")
    p.add_argument("--fs", default="ext4", help=", ".join(disk.FILESYSTEMS) + "; all")
    p.add_argument("--workloads", default="all", help=", ".join(workloads.WORKLOADS) + "; all")
    command(cmd_all, 200)
    command(cmd_short, 6, 0.4)
    p = command(cmd_again)
    p.add_argument("recording", help="a directory that --keep has made")
    p.add_argument("--cut", type=int, required=True)
    p.add_argument("--image", help="keep the image of the disk in this file")
    p = command(cmd_table)
    p.add_argument("results", nargs="+", help="made by --json")
    p.add_argument("--into", help="a document with the marks <!-- powercut --> and <!-- end -->")

    args = parser.parse_args()
    for name in ("json", "table", "keep"):
        if getattr(args, name, None):
            setattr(args, name, os.path.realpath(getattr(args, name)))
    return args.function(args)


if __name__ == "__main__":
    sys.exit(main())
