#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mounted daemon that is short of memory or threads while several programs work in the mount (inject.c, preloaded):
single requests for memory and threads are refused, at any time, or all of them for a while. Programs get errors, or it
works; each request is answered; the mount lives, and answers afterwards; what was synced before is there.

    shortage.py [--rounds N] [--options=--shared]

CRYPTFS is the program, INJECT the library. The exit code is 1 if something is wrong."""

import argparse
import errno
import mmap
import os
import random
import struct
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import drive
import e2e

PROGRAMS = 6
FEW = 6  # threads of a daemon that has just begun: four of its own, two that serve
REFUSALS = (errno.ENOMEM, errno.EAGAIN, errno.EIO)
WRONG = 1 << 31
BYTES = drive.content(300000, 0)


def content(n, seed):
    return BYTES[seed:seed + n]


class Load:
    """Programs that work in the mount, each in a directory of its own, until told to stop."""

    def __init__(self, v, seed):
        self.v = v
        self.seen = mmap.mmap(-1, 4 * (2 * PROGRAMS + 1))  # rounds, refusals of each; stop
        self.pids = []
        for k in range(PROGRAMS):
            d = v.path("%d-%d" % (seed, k))
            os.mkdir(d)
            drive.put(d + "/kept", content(60000 + k, seed + k))
        for k in range(PROGRAMS):
            pid = os.fork()
            if pid == 0:
                os._exit(self.work(k, v.path("%d-%d" % (seed, k)), seed))
            self.pids.append(pid)

    def get(self, i):
        return struct.unpack_from("I", self.seen, 4 * i)[0]

    def count(self, i):
        struct.pack_into("I", self.seen, 4 * i, self.get(i) + 1)

    def work(self, k, d, seed):
        rng = random.Random(seed * 100 + k)
        try:
            while not self.get(2 * PROGRAMS):
                for step in rng.sample(STEPS, len(STEPS)):
                    try:
                        step(d, rng, seed + k)
                    except OSError as e:
                        if e.errno not in REFUSALS:
                            raise
                        self.count(2 * k + 1)
                    self.count(2 * k)
            return 0
        except BaseException as e:  # pylint: disable=broad-except
            print("# program %d: %r" % (k, e), flush=True)
            struct.pack_into("I", self.seen, 8 * k, WRONG)
            return 1

    def rounds(self):
        return [self.get(2 * k) for k in range(PROGRAMS)]

    def refusals(self):
        return sum(self.get(2 * k + 1) for k in range(PROGRAMS))

    def go_on(self, steps, until=lambda: False):
        """Wait until each program has done so many steps more, or until that. A step that hangs makes this hang, and
        is an error after two minutes."""
        begin, end = self.rounds(), time.monotonic() + 120
        while not until() and any(r < b + steps and r != WRONG for r, b in zip(self.rounds(), begin)):
            if time.monotonic() > end:
                raise AssertionError("a request is not answered: %s steps, before %s" % (self.rounds(), begin))
            time.sleep(0.001)
        if WRONG in self.rounds():
            raise AssertionError("a program got a wrong error, or read what is wrong")

    def stop(self):
        struct.pack_into("I", self.seen, 8 * PROGRAMS, 1)
        codes = [os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in self.pids]
        self.pids = []
        e2e.same(codes, [0] * PROGRAMS, "exit codes of the programs")


def kept(d, rng, seed):
    fd = os.open(d + "/kept", os.O_RDONLY)
    try:
        at = rng.randrange(50000)
        e2e.same(os.pread(fd, 4096, at), content(60000, seed)[at:at + 4096], "what was synced")
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def rewritten(d, rng, seed):
    drive.put(d + "/new", content(rng.randrange(1, 200000), seed), sync=rng.random() < 0.5)
    os.unlink(d + "/new")


def named(d, rng, seed):
    name = d + "/" + ("n" * 200 if seed % 2 else "dir")
    os.mkdir(name)
    os.symlink("x" * rng.randrange(1, 4000), name + "/link")
    os.listdir(name)
    os.unlink(name + "/link")
    os.rmdir(name)


def again(step):
    """What an earlier failure has left may be in the way, or missing."""
    def one(d, rng, seed):
        try:
            step(d, rng, seed)
        except (FileExistsError, FileNotFoundError):
            for n in os.listdir(d):
                if n != "kept":
                    drive.subprocess.run(["rm", "-rf", os.path.join(d, n)], check=False,
                                         stderr=drive.subprocess.DEVNULL)
    return one


STEPS = [kept, kept, again(rewritten), again(named)]


class Shortage:
    def __init__(self, v, inject, options=()):
        self.v, self.inject, self.options = v, inject, options
        self.rng = random.Random(1)
        self.hits = self.refused = self.n = self.steps = 0

    def threads(self):
        return len(os.listdir("/proc/%d/task" % self.v.daemon.pid))

    def answers(self):
        e2e.same(self.v.daemon.poll(), None, "the daemon")
        name = self.v.path("answers%d" % self.n)
        drive.put(name, drive.NEW)
        e2e.same(e2e.read(name), drive.NEW, "a new file")
        e2e.same(os.path.basename(name) in os.listdir(self.v.mnt), True, "it is listed")

    def one(self, kind, rest, early):
        """A new mount; the shortage begins with the load, or in the midst of it."""
        self.n += 1
        error = drive.ERRORS[kind][0]
        nth = 1 if rest else self.rng.randrange(1, 400)
        self.v.mount(*self.options, env=self.inject.env())
        seed = self.n
        load = Load(self.v, seed)
        try:
            if not early:
                load.go_on(20)
            self.inject.arm(kind, error, nth, rest)
            if early or kind != "thread":
                load.go_on(12 if rest else 200, lambda: not rest and self.inject.hits() > 0)
            self.hits += self.inject.disarm()
            load.go_on(20)
            self.answers()
            if early and rest:  # as many again as are wanted
                load.go_on(5000, lambda: self.threads() > FEW)
                e2e.same(self.threads() > FEW, True, "more threads")
        finally:
            self.inject.disarm()
            load.stop()
        self.refused += load.refusals()
        self.steps += sum(load.rounds())
        for k in range(PROGRAMS):
            e2e.same(e2e.read(self.v.path("%d-%d" % (seed, k), "kept")), content(60000 + k, seed + k), "kept")
        drive.umount(self.v)
        self.v.mount(*self.options)
        for k in range(PROGRAMS):
            d = self.v.path("%d-%d" % (seed, k))
            e2e.same(e2e.read(d + "/kept"), content(60000 + k, seed + k), "kept, after a new mount")
            drive.subprocess.run(["rm", "-r", d], check=True)
        self.v.umount()

    def run(self, rounds):
        for i in range(rounds):
            self.one("memory", False, i % 2 == 0)
        for early in True, False:
            for kind in "memory", "buffer", "thread":
                self.one(kind, True, early)
        return "%d shortages, %d requests refused below; of %d steps of programs %d were told" % (
            self.n, self.hits, self.steps, self.refused)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=40)
    p.add_argument("--options", default="")
    a = p.parse_args()
    e2e.need_vault()
    if not e2e.ROOT:
        e2e.skip_all("needs root")
    try:
        drive.library()
    except e2e.Skip as why:
        e2e.skip_all(why)
    print(Shortage(e2e.Vault("shortage"), drive.Inject(drive.kinds()), a.options.split()).run(a.rounds))


if __name__ == "__main__":
    main()
