#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single calls of a mounted daemon fail (inject.c, preloaded): each operation, each kind of call, each error, the
n-th call and all from the n-th on. The writer is told or it worked; what the mount shows is consistent; the same
again works; and a fresh mount finds the old or the new.

    drive.py [--most N] [--cold] [--kinds a,b] [--ops a,b] [--brief] [--options=--shared]

CRYPTFS is the program, INJECT the library. Prints a table of kinds; the exit code is 1 if something is wrong."""

import argparse
import ctypes
import errno
import mmap
import os
import re
import stat
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
os.environ.setdefault("CRYPTFS_WARN_FATAL", "0")
os.environ.setdefault("E2E_TIMEOUT", "7200")
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import e2e

SHORT, PART = 1000, 2000
BLOCK0 = e2e.BLOCK - e2e.HEADER
LONG = "n" * 200
libc = ctypes.CDLL(None, use_errno=True)


# ---- the library ----

def kinds():
    with open(os.path.join(HERE, "inject.h"), encoding="ascii") as f:
        return re.findall(r'X\(\w+, "(\w+)"\)', f.read())


def library():
    """Path of the preloaded library; raises e2e.Skip."""
    for c in (os.environ.get("INJECT"), os.path.join(os.environ.get("abs_top_builddir", "."), "tests/faults/inject.so"),
              os.path.join(os.path.dirname(e2e.CRYPTFS), "tests/faults/inject.so")):
        if c and os.path.exists(c):
            libs = subprocess.run(["ldd", e2e.CRYPTFS], stdout=subprocess.PIPE, check=False).stdout
            if b"libasan" in libs or b"libtsan" in libs:
                raise e2e.Skip("a sanitizer must be first before the C library")
            return os.path.realpath(c)
    raise e2e.Skip("tests/faults/inject.so is not built")


class Inject:
    """What inject.h calls struct inject, shared with the daemon."""
    FIELDS = "IiiIIII"

    def __init__(self, kind_names):
        self.kinds = kind_names
        self.path = os.path.join(e2e.WORK, "inject")
        with open(self.path, "wb") as f:
            f.write(bytes(4 * (7 + len(kind_names))))
        with open(self.path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def env(self):
        return dict(os.environ, LD_PRELOAD=library(), CRYPTFS_INJECT=self.path)

    def arm(self, kind, error, nth, rest):
        self.disarm()
        self.map[28:] = bytes(len(self.map) - 28)
        struct.pack_into("iiIII", self.map, 4, self.kinds.index(kind) if kind else -1, error, nth, rest, 0)
        struct.pack_into("I", self.map, 0, 1)

    def calls(self):
        return dict(zip(self.kinds, struct.unpack_from("%dI" % len(self.kinds), self.map, 28)))

    def hits(self):
        return struct.unpack_from("I", self.map, 20)[0]

    def disarm(self):
        struct.pack_into("I", self.map, 0, 0)
        return self.hits()


ERRORS = {
    "read": [errno.EIO, errno.EINTR, SHORT],
    "write": [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EINTR, SHORT, PART + errno.ENOSPC],
    "memory": [errno.ENOMEM],
    "buffer": [errno.ENOMEM],
    "thread": [errno.EAGAIN],
}
OTHERS = [errno.EIO, errno.ENOSPC, errno.EINTR, errno.EMFILE]
FOR_GOOD = (errno.EIO, errno.ENOMEM)


# ---- operations ----

def content(n, seed):
    return bytes((i * 7 + i // 251 + seed) % 251 + 1 for i in range(n))


OLD, NEW = content(20000, 1), content(30000, 99)


def put(path, data, offset=0, sync=True, flags=os.O_CREAT | os.O_RDWR):
    fd = os.open(path, flags, 0o644)
    try:
        done = 0
        while done < len(data):
            done += os.pwrite(fd, data[done:], offset + done)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


class Op:
    """'whole': an error means that nothing has happened; 'again': it can be done twice; 'emptied': the file is,
    before it is written."""

    def __init__(self, name, run, whole=False, again=True, emptied=False):
        self.name, self.run, self.whole, self.again, self.emptied = name, run, whole, again, emptied


def prepare(d):
    os.mkdir(d)
    os.mkdir(d + "/dir")
    os.mkdir(d + "/empty")
    os.mkdir(d + "/" + LONG + "d")
    for n in "a", "b", LONG + "f", "dir/c":
        with open(d + "/" + n, "wb") as f:
            f.write(OLD)
    os.symlink("t" * 3500, d + "/far")
    try:
        os.setxattr(d + "/a", "user.x", b"old")
    except OSError as e:
        if e.errno != errno.ENOTSUP:
            raise


def listed(d):
    e2e.same(len(os.listdir(d)), 7, "names")


def punched(d):
    fd = os.open(d + "/a", os.O_RDWR)
    try:
        e2e.fallocate(fd, e2e.PUNCH_HOLE | e2e.KEEP_SIZE, 100, 15000)
        os.fsync(fd)
    finally:
        os.close(fd)


OPS = [
    Op("write new", lambda d: put(d + "/new", NEW)),
    Op("write new and close", lambda d: put(d + "/new", NEW, sync=False)),
    Op("write long", lambda d: put(d + "/" + LONG, NEW)),
    Op("overwrite", lambda d: put(d + "/a", NEW[:9000], 3000)),
    Op("append", lambda d: put(d + "/a", NEW, len(OLD))),
    Op("append and close", lambda d: put(d + "/a", NEW, len(OLD), sync=False)),
    Op("write behind the end", lambda d: put(d + "/a", NEW, 60000)),
    Op("truncate", lambda d: os.truncate(d + "/a", 5000)),
    Op("grow", lambda d: os.truncate(d + "/a", 50000)),
    Op("replace", lambda d: put(d + "/a", NEW, flags=os.O_TRUNC | os.O_RDWR), emptied=True),
    Op("punch", punched),
    Op("mkdir", lambda d: os.mkdir(d + "/new"), whole=True, again=False),
    Op("mkdir long", lambda d: os.mkdir(d + "/" + LONG), whole=True, again=False),
    Op("symlink far", lambda d: os.symlink("u" * 3500, d + "/new"), whole=True, again=False),
    Op("link", lambda d: os.link(d + "/a", d + "/" + LONG), whole=True, again=False),
    Op("unlink", lambda d: os.unlink(d + "/a"), whole=True, again=False),
    Op("unlink long", lambda d: os.unlink(d + "/" + LONG + "f"), whole=True, again=False),
    Op("rmdir", lambda d: os.rmdir(d + "/empty"), whole=True, again=False),
    Op("rename", lambda d: os.rename(d + "/a", d + "/" + LONG), whole=True, again=False),
    Op("rename over", lambda d: os.rename(d + "/a", d + "/" + LONG + "f"), whole=True, again=False),
    Op("rename away", lambda d: os.rename(d + "/far", d + "/dir/far"), whole=True, again=False),
    Op("rename over directory", lambda d: os.rename(d + "/dir", d + "/" + LONG + "d"), whole=True, again=False),
    Op("exchange", lambda d: e2e.renameat2(d + "/far", d + "/dir/c", e2e.RENAME_EXCHANGE), whole=True, again=False),
    Op("chmod", lambda d: os.chmod(d + "/a", 0o600)),
    Op("utime", lambda d: os.utime(d + "/a", (1, 2))),
    Op("setxattr", lambda d: os.setxattr(d + "/a", "user.x", b"new"), whole=True),
    Op("list", listed, whole=True),
    Op("read", lambda d: e2e.same(e2e.read(d + "/a"), OLD, "content"), whole=True),
    Op("fsyncdir", lambda d: fsyncdir(d), whole=True),
]


def fsyncdir(d):
    fd = os.open(d, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# ---- what is there ----

def view(d):
    """Everything below d: {name: (type and mode, mtime if set, content or target)}."""
    out = {}
    for top, dirs, files in os.walk(d):
        for n in dirs + files:
            p = os.path.join(top, n)
            st = os.lstat(p)
            if stat.S_ISLNK(st.st_mode):
                what = os.readlink(p)
            elif stat.S_ISREG(st.st_mode):
                what = e2e.read(p)
                e2e.same(len(what), st.st_size, "size of " + n[:20])
                if "user.x" in os.listxattr(p):
                    what = (what, os.getxattr(p, "user.x"))
            else:
                what = None
            out[os.path.relpath(p, d)] = (st.st_mode, st.st_mtime_ns if st.st_mtime_ns == 2 * 10**9 else 0,
                                          st.st_nlink if stat.S_ISREG(st.st_mode) else 0, what)
    return out


def mixed(got, old, new):
    """Is each block that of the old, of the new, or zeros where neither was kept? The kernel may cut a write in two
    where one of its own pages ends."""
    if not min(len(old), len(new)) <= len(got) <= max(len(old), len(new)):
        return False
    borders = sorted({0, len(got), *range(BLOCK0, len(got), e2e.BLOCK), *range(0, len(got), e2e.PAGE)})
    for a, b in zip(borders, borders[1:]):
        piece = got[a:b]
        if piece not in (old[a:b], new[a:b], bytes(b - a)) and \
                piece not in (old[a:b] + bytes(b - a - len(old[a:b])), new[a:b] + bytes(b - a - len(new[a:b]))):
            return False
    return True


def plain(entry):
    what = entry[3] if entry else b""
    return what[0] if isinstance(what, tuple) else what


def judge(got, old, new, op, error):
    """None, or what is wrong."""
    if not error:
        return None if got == new else "it worked, and is not the new: " + difference(got, new)
    if op.whole:
        return None if got == old else "an error, and not the old: " + difference(got, old)
    for n in set(got) | set(old) | set(new):
        g, o, w = got.get(n), old.get(n), new.get(n)
        if g in (o, w):
            continue
        if g and isinstance(plain(g), bytes):
            if mixed(plain(g), plain(o), plain(w)) or (op.emptied and mixed(plain(g), b"", plain(w))):
                continue
        return "neither old nor new: " + difference({n: g}, {n: o})
    return None


def difference(got, want):
    out = []
    for n in sorted(set(got) | set(want)):
        g, w = got.get(n), want.get(n)
        if g != w:
            out.append("%s: %s for %s" % (n[:30], *(x and (oct(x[0]), x[1:3], len(plain(x) or b"")) for x in (g, w))))
    return "; ".join(out[:3])


def shown_alike(d):
    """Do listing and looking up agree?"""
    for top, dirs, files in os.walk(d):
        for n in dirs + files:
            os.lstat(os.path.join(top, n))
    for n in "new", LONG, "a", "far", "empty":
        there = os.path.lexists(os.path.join(d, n))
        e2e.same(n in os.listdir(d), there, "%s is listed" % n[:10])


# ---- the cases ----

def umount(v):
    """That something could not be stored may be said; the daemon must end well."""
    p = subprocess.run([e2e.CRYPTFS, "umount", v.mnt], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=120, check=False)
    out = p.stdout.decode(errors="replace")
    e2e.same(p.returncode == 0 or (p.returncode == 1 and "is unmounted, but not all" in out), True, out)
    e2e.same(v.daemon.wait(timeout=60), 0, "the daemon's exit code")
    v.daemon = None


class Case:
    def __init__(self, where, kind, error, nth, rest, retry):
        self.dir, self.kind, self.error, self.nth, self.rest, self.retry = where, kind, error, nth, rest, retry
        self.said = None

    def __str__(self):
        return "%s number %d%s, error %d%s" % (self.kind, self.nth, " and on" if self.rest else "", self.error,
                                               ", and again" if self.retry else "")

    def may_say(self):
        e = self.error - PART if self.error > PART else self.error
        return {e, errno.EIO, errno.ENOMEM} if self.kind in ("memory", "buffer") else {e, errno.EIO}


class Drive:
    def __init__(self, vault, inject, options=()):
        self.v, self.inject, self.options = vault, inject, options
        self.cases, self.hits, self.told, self.bad = {}, 0, {}, []
        self.number = 0

    def mount(self):
        self.v.mount(*self.options, env=self.inject.env())

    def remount(self):
        umount(self.v)
        self.mount()

    def wrong(self, op, case, what):
        self.bad.append("%s: %s: %s" % (op.name, case, what))

    def attempt(self, op, case, cold):
        if cold:
            with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
                f.write("2\n")
        self.inject.arm(case.kind, case.error, case.nth, case.rest)
        try:
            op.run(case.dir)
        except OSError as e:
            case.said = e.errno
        except AssertionError as e:
            self.wrong(op, case, str(e))
        finally:
            hits = self.inject.disarm()
        if self.v.daemon.poll() is not None:
            raise AssertionError("%s: %s: the daemon ended with %s" % (op.name, case, self.v.daemon.poll()))
        if case.said and case.said not in case.may_say():
            self.wrong(op, case, "the error was %s" % errno.errorcode.get(case.said))
        try:
            shown_alike(case.dir)
        except (OSError, AssertionError) as e:
            self.wrong(op, case, "afterwards: %s" % e)
        if case.retry and (case.said or op.again):
            try:
                try:
                    op.run(case.dir)
                except OSError as e:
                    if e.errno not in case.may_say():
                        raise
                    op.run(case.dir)  # the kernel had another failure of then to tell of
            except (OSError, AssertionError) as e:
                if not (self.may_stay(case) and isinstance(e, OSError) and e.errno == errno.EEXIST):
                    self.wrong(op, case, "again: %s" % e)
        return hits

    def new_dir(self):
        self.number += 1
        d = self.v.path("%d" % self.number)
        prepare(d)
        return d

    def may_stay(self, case):
        """What was made and could not be told of: another may be using it, or removing it fails as well."""
        return case.rest or "--shared" in self.options

    def settle(self):
        fd = os.open(self.v.mnt, os.O_RDONLY)
        libc.syncfs(fd)
        os.close(fd)

    def of_kind(self, op, kind, most, brief, cold):
        """Cases until the operation makes no more calls of the kind."""
        cases = []
        for nth in range(1, most + 1):
            errors = ERRORS.get(kind, OTHERS)
            plan = [(e, False) for e in (errors[:1] if brief else errors)] + \
                   [(e, True) for e in errors if e in FOR_GOOD and not brief]
            todo = [Case(self.new_dir(), kind, e, nth, rest, (nth + i) % 2 == 0)
                    for i, (e, rest) in enumerate(plan)]
            self.settle()
            hits = sum(min(self.attempt(op, c, cold), 1) for c in todo)
            cases += todo
            self.hits += hits
            self.told[kind] = self.told.get(kind, 0) + sum(1 for c in todo if c.said)
            if hits == 0:
                break
        self.cases[kind] = self.cases.get(kind, 0) + len(cases)
        return cases

    def op(self, op, kind_names, most, brief=False, cold=False):
        first = self.new_dir()
        old = view(first)
        self.inject.arm(None, 0, 1, 0)
        op.run(first)
        self.inject.disarm()
        calls = self.inject.calls()
        self.settle()
        new = view(first)
        cases = []
        for kind in kind_names:
            # what other threads do may come between
            cases += self.of_kind(op, kind, min(most, calls[kind] + 1), brief, cold) if calls[kind] else []
        self.remount()
        for c in cases:
            try:
                got = view(c.dir)
            except OSError as e:
                self.wrong(op, c, "after a new mount: %s" % e)
                continue
            except AssertionError as e:
                self.wrong(op, c, "after a new mount: %s" % e)
                continue
            why = judge(got, old, new, op, c.said and not c.retry)
            if why and c.said and self.may_stay(c) and got == new:
                why = None
            if why:
                self.wrong(op, c, "after a new mount: " + why)
        for n in os.listdir(self.v.mnt):
            subprocess.run(["rm", "-rf", self.v.path(n)], check=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--most", type=int, default=40)
    p.add_argument("--kinds", default="")
    p.add_argument("--ops", default="")
    p.add_argument("--options", default="")
    p.add_argument("--cold", action="store_true")
    p.add_argument("--brief", action="store_true")
    a = p.parse_args()
    e2e.need_vault()
    if not e2e.ROOT:
        e2e.skip_all("needs root")
    kind_names = kinds()
    try:
        library()
    except e2e.Skip as why:
        e2e.skip_all(why)
    d = Drive(e2e.Vault("drive"), Inject(kind_names), a.options.split())
    d.mount()
    for op in OPS:
        if not a.ops or op.name in a.ops.split(","):
            before = len(d.bad)
            d.op(op, a.kinds.split(",") if a.kinds else kind_names, a.most, a.brief, a.cold)
            print("# %-24s %d wrong" % (op.name, len(d.bad) - before), flush=True)
            for b in d.bad[before:before + 12]:
                print("#    ", b, flush=True)
    umount(d.v)
    print("%-10s %8s %8s" % ("kind", "cases", "told"))
    for k in kind_names:
        print("%-10s %8d %8d" % (k, d.cases.get(k, 0), d.told.get(k, 0)))
    print("%d cases, in %d something failed below, %d were told, %d wrong" % (
        sum(d.cases.values()), d.hits, sum(d.told.values()), len(d.bad)))
    sys.exit(1 if d.bad else 0)


if __name__ == "__main__":
    main()
