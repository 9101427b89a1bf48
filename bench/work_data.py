# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads that are about bytes in files."""

import os

from work import MIB, Workload

READERS = 4
APPEND = 100  # bytes


def forget(path):
    if os.path.exists(path):
        os.unlink(path)


def no_file(name):
    def before(place):
        forget(place.path(name))
        place.state.pop(name, None)
    return before


def write_new(name, call):
    def go(place):
        seconds = place.io("write", place.path(name), place.size.data, call)
        place.state[name] = True
        return seconds
    return go


def file_of(place, name, size):
    return place.once(name, lambda path: place.io("write", path, size, MIB))


def the_file(place):
    return file_of(place, "data", place.size.data)


def read_all(call):
    return lambda place: place.io("read", call, the_file(place))


def parts(place):
    return [file_of(place, "part-%d" % i, place.size.data // READERS) for i in range(READERS)]


def random_calls(reads, end="close"):
    def go(place):
        ops = place.size.fsyncs if end == "fsync" else place.size.random_ops
        return place.io("random", file_of(place, "random", place.size.random_file), ops, reads, end)
    return go


def random_file(place):
    file_of(place, "random", place.size.random_file)


def append_sync(place):
    return place.io("append", place.of_round("appended"), place.size.fsyncs, APPEND, "fsync")


def mib(size):
    return size.data / MIB


def random_ops(size):
    return size.random_ops


def syncs(size):
    return size.fsyncs


RATE = {"amount": mib, "unit": "MiB/s"}
IOPS = {"amount": random_ops, "unit": "/s"}
SYNCS = {"amount": syncs, "unit": "/s"}

WORKLOADS = (
    Workload("seq-write", "sequential write, 1 MiB calls, fsync", "data", write_new("data", MIB), no_file("data"),
             **RATE),
    Workload("seq-write-4k", "sequential write, 4 KiB calls, fsync", "data", write_new("data-4k", 4096),
             no_file("data-4k"), **RATE),
    Workload("seq-read-disk", "sequential read, cold disk", "data", read_all(MIB), the_file, "disk", **RATE),
    Workload("seq-read-mount", "sequential read, cold mount, warm disk cache", "data", read_all(MIB), the_file, "mount",
             **RATE),
    Workload("seq-read-mount-4k", "sequential read, cold mount, 4 KiB calls", "data", read_all(4096), the_file,
             "mount", **RATE),
    Workload("seq-read-warm", "sequential read, again", "data", read_all(MIB), the_file, "warm", **RATE),
    Workload("seq-read-warm-4k", "sequential read, again, 4 KiB calls", "data", read_all(4096), the_file,
             "warm", **RATE),
    Workload("readers", "four parallel readers, cold mount", "data", lambda p: p.io("read", MIB, *parts(p)), parts,
             "mount", **RATE),
    Workload("rand-read", "random 4 KiB read, cold mount", "data", random_calls(100), random_file, "mount", **IOPS),
    Workload("rand-write", "random 4 KiB write, until close", "data", random_calls(0), random_file, **IOPS),
    Workload("rand-write-calls", "random 4 KiB write, the calls alone", "data", random_calls(0, "call"), random_file,
             **IOPS),
    Workload("rand-mixed", "random 4 KiB, 70 % reads, until close", "data", random_calls(70), random_file, **IOPS),
    Workload("rand-write-fsync", "random 4 KiB write + fsync", "data", random_calls(0, "fsync"), random_file, **SYNCS),
    Workload("append-fsync", "append + fsync", "data", append_sync, **SYNCS),
)
