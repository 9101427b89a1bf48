# SPDX-License-Identifier: GPL-3.0-or-later
"""What workloads share. A workload is what is done to a mount, and what has to be there after a power cut. One
class each: run() works and notes what it does in the journal, check() looks at what a cut has left. An operation
is acknowledged only when the fsync that makes it durable has returned. One that is 'offline' works on the vault itself,
and mounts it if it wants to; work_keys.py tells what else it may have.

A file's first fsync is expected to keep its name too: POSIX does not say so, but ext4, xfs and btrfs do, and
the control run on the plain filesystem shows it."""

import errno
import os

from judge import pattern

LONG, LONGEST = 177, 255


class Unsupported(Exception):
    """The filesystem under test does not have what the workload needs."""


class At:
    """Where a workload runs, and with what."""

    def __init__(self, contender, rng, journal, scale):
        self.contender, self.root = contender, contender.mnt
        self.rng, self.journal, self.scale = rng, journal, scale
        self.longest = contender.longest  # names, in bytes
        self.begin, self.ack = journal.begin, journal.ack
        self.version = 0

    def path(self, *names):
        return os.path.join(self.root, *names)

    def times(self, n):
        return range(max(4, int(n * self.scale)))

    def next(self):
        self.version += 1
        return self.version

    def sync(self, *names):
        fd = os.open(self.path(*names), os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)

    def write(self, data, *names):
        """A new file, fsynced."""
        fd = os.open(self.path(*names), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, data)
        os.fsync(fd)
        os.close(fd)

    def symlink(self, target, *names):
        """Returns the target, shortened if it has to be: some take less, for it grows when encrypted."""
        try:
            os.symlink(target, self.path(*names))
        except OSError as e:
            if e.errno not in (errno.ENAMETOOLONG, errno.EINVAL, errno.ENOSPC):
                raise
            target = target[:200]
            os.symlink(target, self.path(*names))
        return target

    def name(self, stem):
        """A name that begins with stem, long enough for a side file where it may be so long."""
        return (stem + "-").ljust(min(self.longest, self.rng.randint(LONG, LONGEST)), "n")


class Opened:
    """A file that is closed and opened again now and then."""

    def __init__(self, at, name, flags=0):
        self.at, self.where, self.flags = at, at.path(name), flags
        self.fd = os.open(self.where, os.O_RDWR | os.O_CREAT | flags, 0o600)

    def sync(self):
        (os.fsync if self.at.rng.random() < 0.7 else os.fdatasync)(self.fd)
        if self.at.rng.random() < 0.1:
            self.reopen()

    def reopen(self):
        os.close(self.fd)
        self.fd = os.open(self.where, os.O_RDWR | self.flags)

    def close(self):
        os.close(self.fd)


def change_file(at, f, name, writes=(), sizes=()):
    """One operation on an open file: writes, or new sizes, and an fsync."""
    op = at.begin("change", file=name, writes=[list(w) for w in writes], sizes=list(sizes))
    for off, n, seed in writes:
        os.pwrite(f.fd, pattern(seed, off, n), off)
    for size in sizes:
        os.ftruncate(f.fd, size)
    if at.rng.random() < 0.3:
        at.sync()  # a journal then commits what it knows, and leaves out the data
    f.sync()
    at.ack(op)


def check_files(case):
    for name in sorted({op["file"] for op in case.acked + case.begun}):
        case.expect_changes(name, [op for op in case.acked if op["file"] == name],
                            [op for op in case.begun if op["file"] == name])
