# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk: recording what a filesystem does to it, and what is on it after the power was cut."""

import ctypes
import mmap
import os
import random
import shutil
import struct
import subprocess
import time

PAGE = 4096
MAGIC = 0x31474f4c54554343
DATA, ZEROS, FLUSH = 1, 2, 3

LIBC = ctypes.CDLL(None, use_errno=True)
SYNC_FILE_RANGE_WRITE = 2


class Trouble(Exception):
    """The machine itself does not work, whatever is being tested."""


def run(*argv, **kw):
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, **kw)
    if p.returncode != 0:
        out = p.stdout.decode(errors="replace").strip()
        raise Trouble("%s: exit code %d: %s" % (" ".join(argv), p.returncode, out))
    return p.stdout.decode(errors="replace").strip()


def syncfs(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if LIBC.syncfs(fd) != 0:
            raise OSError(ctypes.get_errno(), "syncfs", path)
    finally:
        os.close(fd)


def fsync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def write_back(fd):
    """As the kernel does some day: to the filesystem below, or to the disk, but without a flush."""
    LIBC.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), SYNC_FILE_RANGE_WRITE)


def unmount(path, tries=500):
    """Until nobody uses it; what has just been told to end may take a moment."""
    for _ in range(tries):
        p = subprocess.run(["umount", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if p.returncode == 0 or not os.path.ismount(path):
            return
        time.sleep(0.02)
    raise Trouble("cannot unmount " + path)


def extents(fd):
    """Where a file has data: pairs of begin and end."""
    at, end = 0, os.fstat(fd).st_size
    while at < end:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        stop = os.lseek(fd, at, os.SEEK_HOLE)
        yield at, stop
        at = stop


# ---- filesystems ----

class Filesystem:
    def __init__(self, kind, mib, mkfs, options="noatime", journal=True):
        self.kind, self.mib, self.mkfs, self.options = kind, mib, mkfs, options
        self.journal = journal  # is committed by itself, in the order of things, when anybody asks for an fsync

    def make(self, device):
        run(*self.mkfs, device)

    def mount(self, device, where, *more):
        run("mount", "-t", self.kind, "-o", ",".join((self.options,) + more), device, where)


# commit=1: what nobody has fsynced reaches the journal at odd moments, as it does in a longer life.
FILESYSTEMS = {
    "ext4": Filesystem("ext4", 96, ["mkfs.ext4", "-qF", "-b4096", "-m0", "-N4096", "-Jsize=4",
                                    "-Enodiscard,lazy_itable_init=0,lazy_journal_init=0"],
                       "noatime,commit=1"),
    "xfs": Filesystem("xfs", 320, ["mkfs.xfs", "-qfK"]),
    "btrfs": Filesystem("btrfs", 256, ["mkfs.btrfs", "-qfK", "-msingle"], "noatime,commit=1", False),
}


# ---- recording ----

class Recorder:
    """The recording disk, and a block device on it."""

    def __init__(self, program, folder, mib, outer_ns):
        self.file = os.path.join(folder, "disk")
        self.log = os.path.join(folder, "log")
        self.device = None
        open(self.file, "w").close()
        argv = [program, str(mib), self.file, self.log]
        if outer_ns is not None:
            argv.append(str(outer_ns))
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        pass_fds=[] if outer_ns is None else [outer_ns])
        if self.process.stdout.readline() != b"ready\n":
            raise Trouble("the recording disk does not start")
        with open(self.log, "rb") as f:
            self.map = mmap.mmap(f.fileno(), PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
        try:
            self.device = run("losetup", "--find", "--show", "--direct-io=on", "--sector-size", str(PAGE),
                              self.file)
            if run("losetup", "-nO", "DIO", self.device) != "1":
                raise Trouble("no direct I/O on the loop device")
        except Exception:
            self.close()
            raise

    def restore(self, image):
        """Put an image on the disk that is still all zeros."""
        with open(image, "rb") as src, open(self.device, "r+b") as dst:
            for at, stop in extents(src.fileno()):
                for off in range(at, stop, 1 << 20):
                    os.pwrite(dst.fileno(), os.pread(src.fileno(), min(1 << 20, stop - off), off), off)
            os.fsync(dst.fileno())

    def position(self):
        """How many writes and flushes there have been."""
        return struct.unpack_from("<Q", self.map, 8)[0]

    def flush(self):
        fd = os.open(self.device, os.O_RDWR)
        os.fsync(fd)
        os.close(fd)

    def close(self):
        if self.device:
            subprocess.run(["losetup", "-d", self.device], check=False)
            self.device = None
        unmount(self.file)
        self.process.wait(20)
        self.map.close()


class Log:
    """What a Recorder has written down. records[i] = (kind, offset, length, place of the data in the log)."""

    def __init__(self, path):
        with open(path, "rb") as f:
            self.bytes = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
        magic, count = struct.unpack_from("<QQ", self.bytes, 0)
        if magic != MAGIC:
            raise Trouble("%s is no log" % path)
        self.records = []
        at = PAGE
        for _ in range(count):
            off, length, kind = struct.unpack_from("<QII", self.bytes, at)
            at += 16
            self.records.append((kind, off, length, at))
            if kind == DATA:
                at += length

    def close(self):
        self.bytes.close()


# ---- cutting ----

class Cut:
    """One power cut: before record number 'position', with some of the pages that no flush covers. All of
    it follows from the recording's seed and the cut's number."""
    MODES = ("some", "some", "some", "few", "most", "all but one", "one", "none", "all")

    def __init__(self, log, start, end, acks, seed, number):
        rng = random.Random("cut %s %d" % (seed, number))
        self.number = number
        # Every other cut follows something acknowledged closely.
        if acks and rng.random() < 0.5:
            self.position = min(end, rng.choice(acks) + rng.choice((0, 0, 0, 1, 2, 5)))
        else:
            self.position = rng.randint(start, end)
        self.mode = rng.choice(self.MODES)
        self.flushed = start
        for i in range(self.position - 1, start - 1, -1):
            if log.records[i][0] == FLUSH:
                self.flushed = i
                break
        self.pages = self._choose(log, rng)

    def _choose(self, log, rng):
        """The pages of the writes after the last flush that reach the disk, in order."""
        pages = []
        for kind, off, length, data in log.records[self.flushed:self.position]:
            if kind != FLUSH:
                pages += [(kind, off + i, data + i) for i in range(0, length, PAGE)]
        if self.mode == "all" or not pages:
            return pages
        if self.mode == "none":
            return []
        if self.mode in ("one", "all but one"):
            k = rng.randrange(len(pages))
            return [pages[k]] if self.mode == "one" else pages[:k] + pages[k + 1:]
        share = {"some": 0.5, "few": 0.15, "most": 0.85}[self.mode]
        return [p for p in pages if rng.random() < share]

    def __str__(self):
        return "cut %d: before record %d, flushed up to %d, %s (%d pages)" % (
            self.number, self.position, self.flushed, self.mode, len(self.pages))


class Images:
    """Images of the disk as cuts leave it. Ask for them in the order of 'flushed'."""

    def __init__(self, log, folder, mib):
        self.log = log
        self.solid = os.path.join(folder, "solid")  # all that is flushed
        self.image = os.path.join(folder, "image")
        self.done = 0
        self.used = set()  # pages that hold anything
        with open(self.solid, "wb") as f:
            f.truncate(mib << 20)

    def _put(self, fd, kind, off, data, length):
        if kind == DATA:
            os.pwrite(fd, self.log.bytes[data:data + length], off)
            self.used.update(range(off // PAGE, (off + length + PAGE - 1) // PAGE))
            return
        zeros = bytes(PAGE)
        for k in range(off // PAGE, (off + length) // PAGE):
            if k in self.used:
                os.pwrite(fd, zeros, k * PAGE)

    def make(self, cut):
        fd = os.open(self.solid, os.O_RDWR)
        for kind, off, length, data in self.log.records[self.done:cut.flushed]:
            if kind != FLUSH:
                self._put(fd, kind, off, data, length)
        os.close(fd)
        self.done = max(self.done, cut.flushed)
        self._copy()
        fd = os.open(self.image, os.O_RDWR)
        for kind, off, data in cut.pages:
            os.pwrite(fd, self.log.bytes[data:data + PAGE] if kind == DATA else bytes(PAGE), off)
        os.close(fd)
        return self.image

    def _copy(self):
        """A copy that leaves the holes out."""
        with open(self.solid, "rb") as src, open(self.image, "wb") as dst:
            dst.truncate(os.fstat(src.fileno()).st_size)
            for at, stop in extents(src.fileno()):
                os.lseek(src.fileno(), at, os.SEEK_SET)
                os.lseek(dst.fileno(), at, os.SEEK_SET)
                while at < stop:
                    at += os.sendfile(dst.fileno(), src.fileno(), None, stop - at)

    def keep(self, where):
        shutil.copyfile(self.image, where)
