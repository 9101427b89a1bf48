#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program that has files of a mount open while its daemon ends: openfile.py MOUNTPOINT COPY.

In MOUNTPOINT/open, whose beginning has been synced, it overwrites, appends and leaves a hole, writes the same to COPY,
and syncs nothing. It says "written", waits for a line, and then wants to write and sync, and to read what it
has not read before. It prints what became of each ("write: ENOTCONN"; "ok" if it worked), and ends."""

import errno
import os
import random
import sys

OLD = random.Random(1).randbytes(250000)


def written(path):
    """Returns a descriptor of the file."""
    rng = random.Random(2)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    for off, n in (0, 100), (70000, 50000), (249000, 120000), (900000, 30001):
        done, data = 0, rng.randbytes(n)
        while done < n:
            done += os.pwrite(fd, data[done:], off + done)
    return fd


def told(what, call):
    try:
        call()
        print("%s: ok" % what)
    except OSError as e:
        print("%s: %s" % (what, errno.errorcode.get(e.errno, e.errno)))


def write_and_sync(fd):
    os.pwrite(fd, b"late", 5)
    os.fsync(fd)


def main():
    mnt, copy = sys.argv[1:]
    for path in copy, mnt + "/open":
        with open(path, "wb") as f:
            f.write(OLD)
            f.flush()
            os.fsync(f.fileno())
    os.close(written(copy))
    cold = os.open(mnt + "/cold", os.O_RDONLY)
    fd = written(mnt + "/open")
    print("written", flush=True)
    sys.stdin.readline()
    told("write", lambda: write_and_sync(fd))
    told("read", lambda: os.pread(cold, 4096, 500000))
    told("close", lambda: os.close(fd))


if __name__ == "__main__":
    main()
