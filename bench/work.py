# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload is, and where it does its work."""

import dataclasses
import os
import time
import typing

import machine

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    data: int           # bytes read and written in order
    random_file: int    # bytes that random calls go to
    random_ops: int
    fsyncs: int
    appends: int
    files: int          # small ones, in a tree
    entries: int        # in one directory
    renames: int
    transactions: int
    sources: bool       # all of /usr/include, rather than this project without its tests

    def names(self, rounds):
        """About how many files a daemon gets to know: what its inode table holds at most."""
        return rounds * (2 * self.files + self.entries + self.renames + 4 * (20000 if self.sources else 500))


QUICK = Size("quick", 64 * MIB, 32 * MIB, 4000, 150, 1000, 1000, 4000, 1000, 150, False)
FULL = Size("full", 1024 * MIB, 256 * MIB, 50000, 2000, 10000, 20000, 100000, 10000, 2000, True)


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    kind: str                       # data or metadata
    go: typing.Callable             # of a Place, does it and returns seconds
    before: typing.Callable = None  # what has to be there already, not timed
    # disk: mounted anew, and nothing in memory. mount: mounted anew; what lies below is in memory, as 'go' has just
    # been done once. warm: done once before, in the same mount.
    cache: str = None
    amount: typing.Callable = None  # of a Size, for a rate; without it the result is told in seconds
    unit: str = "s"
    only: str = None                # in this size only


class Place:
    """One contender in one round."""

    def __init__(self, contender, size, number, shared):
        self.contender = contender
        self.size = size
        self.round = number
        self.shared = shared  # what all contenders use: directory of sources, tarball, helper
        self.state = contender.state

    def path(self, name):
        return os.path.join(self.contender.mnt, name)

    def of_round(self, name):
        return self.path("%s-%d" % (name, self.round))

    def once(self, name, make):
        """The path of what 'make' makes in this contender if it has not yet been made."""
        path = self.path(name)
        if name not in self.state:
            make(path)
            self.state[name] = True
        return path

    def io(self, *args):
        return float(machine.run(self.shared.io, *[str(a) for a in args]))

    def timed(self, *argv, **kw):
        begun = time.monotonic()
        machine.run(*argv, **kw)
        return time.monotonic() - begun


def measure(workload, place):
    """Seconds, the daemon's seconds of processor time, and its peak of memory in bytes."""
    contender = place.contender
    if workload.before:
        workload.before(place)
    if workload.cache in ("mount", "warm"):
        workload.go(place)
    if workload.cache in ("mount", "disk"):
        contender.remount()
    machine.syncfs(contender.vault)
    if workload.cache == "disk":
        machine.drop_caches()
    pid = contender.pid()
    if pid is None:
        return workload.go(place), None, None
    machine.forget_peak(pid)
    begun = machine.processor_seconds(pid)
    seconds = workload.go(place)
    return seconds, machine.processor_seconds(pid) - begun, machine.peak_memory(pid)
