# SPDX-License-Identifier: GPL-3.0-or-later
"""The soak's load: workers that each keep a tree of constant size in motion and know what must be in it.

Every operation changes the tree and the model alike, and many read back and compare on the way. However long a
worker runs, it has as many files, directories and bytes as it had at the beginning, within a few: what grows then
is not its tree."""

import errno
import hashlib
import mmap
import os
import random
import shutil
import sqlite3
import stat
import subprocess

FILES = 120  # of a worker
FILE_MAX = 96 * 1024
DIRS = 12
CROWD = 1500  # names in the large directory
ROWS = 300


class Wrong(Exception):
    """What was read is not what was written."""


def same(got, want, what):
    if got != want:
        if isinstance(want, (bytes, bytearray)):
            n = min(len(got), len(want))
            at = next((i for i in range(n) if got[i] != want[i]), n)
            raise Wrong("%s: %d bytes for %d, first difference at %d" % (what, len(got), len(want), at))
        raise Wrong("%s: %r, expected %r" % (what, got, want))


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Slot:
    """One file: where it is now and what is in it."""

    def __init__(self, path, data):
        self.path, self.data, self.xattrs = path, bytearray(data), {}


class Files:
    """Files of all sizes in some directories, written, cut, moved, linked and replaced."""

    def __init__(self, top, rng):
        self.top, self.rng, self.serial = top, rng, 0
        self.dirs = [os.path.join(top, "d%d" % i + "-" * (i % 3 * 90)) for i in range(DIRS)]
        for d in self.dirs:
            os.mkdir(d)
        self.slots = []
        for _ in range(FILES):
            s = Slot(self.new_path(), rng.randbytes(self.size()))
            with open(s.path, "wb") as f:
                f.write(s.data)
            self.slots.append(s)

    def new_path(self):
        self.serial += 1
        name = "f%d" % self.serial
        if self.rng.random() < 0.15:
            name += "-" + "n" * self.rng.randrange(150, 230)
        return os.path.join(self.rng.choice(self.dirs), name)

    def size(self):
        return min(FILE_MAX, int(self.rng.expovariate(1 / 12000)))

    def step(self):
        op = self.rng.choice(self.OPS)
        getattr(self, op)(self.rng.choice(self.slots))
        return op

    def op_rewrite(self, s):
        s.data[:] = self.rng.randbytes(self.size())
        with open(s.path, "wb") as f:
            f.write(s.data)

    def op_overwrite(self, s):
        with open(s.path, "r+b", buffering=0) as f:
            for _ in range(self.rng.randrange(1, 6)):
                at = self.rng.randrange(len(s.data) + 1)
                data = self.rng.randbytes(min(self.rng.randrange(1, 9000), max(1, len(s.data) - at)))
                os.pwrite(f.fileno(), data, at)
                s.data[at:at + len(data)] = data
            if self.rng.random() < 0.2:
                os.fsync(f.fileno())

    def op_append(self, s):
        if len(s.data) > FILE_MAX:
            self.op_truncate(s)
        data = self.rng.randbytes(self.rng.randrange(1, 6000))
        with open(s.path, "ab") as f:
            f.write(data)
        s.data += data

    def op_truncate(self, s):
        size = self.rng.randrange(2 * len(s.data) // 3 + 4096)
        os.truncate(s.path, size)
        del s.data[size:]
        s.data += bytes(size - len(s.data))

    def op_compare(self, s):
        same(os.stat(s.path).st_size, len(s.data), "size of " + s.path)
        same(read(s.path), s.data, s.path)

    op_compare_again = op_compare_more = op_compare

    def op_read_piece(self, s):
        at = self.rng.randrange(len(s.data) + 1)
        with open(s.path, "rb", buffering=0) as f:
            same(os.pread(f.fileno(), 5000, at), s.data[at:at + 5000], s.path)

    def op_rename(self, s):
        new = self.new_path()
        os.rename(s.path, new)
        s.path = new

    def op_replace(self, s):
        """As editors do."""
        tmp = self.new_path()
        s.data[:] = self.rng.randbytes(self.size())
        with open(tmp, "wb") as f:
            f.write(s.data)
            if self.rng.random() < 0.3:
                f.flush()
                os.fsync(f.fileno())
        os.rename(tmp, s.path)
        s.xattrs = {}

    def op_unlink(self, s):
        """Gone, and another in its place; once in a while read by who still has it open."""
        with open(s.path, "rb") as f:
            os.unlink(s.path)
            if self.rng.random() < 0.5:
                same(f.read(), s.data, "unlinked " + s.path)
        s.path, s.xattrs = self.new_path(), {}
        self.op_rewrite(s)

    def op_link(self, s):
        new = self.new_path()
        os.link(s.path, new)
        same(os.stat(s.path).st_nlink, 2, "links of " + s.path)
        self.op_append(s)
        same(read(new), s.data, new)
        os.unlink(s.path)
        s.path = new

    def op_mmap(self, s):
        if len(s.data) < 2:
            return
        with open(s.path, "r+b") as f, mmap.mmap(f.fileno(), len(s.data)) as m:
            same(m[:], s.data, "mapped " + s.path)
            at = self.rng.randrange(len(s.data))
            data = self.rng.randbytes(min(self.rng.randrange(1, 9000), len(s.data) - at))
            m[at:at + len(data)] = data
            s.data[at:at + len(data)] = data
            if self.rng.random() < 0.5:
                m.flush()

    def op_xattr(self, s):
        name = "user.soak.%d" % self.rng.randrange(3)
        if name in s.xattrs and self.rng.random() < 0.3:
            os.removexattr(s.path, name)
            del s.xattrs[name]
            return
        s.xattrs[name] = self.rng.randbytes(self.rng.randrange(0, 300))
        os.setxattr(s.path, name, s.xattrs[name])
        for n, value in s.xattrs.items():
            same(os.getxattr(s.path, n), value, n)

    def op_mode(self, s):
        os.chmod(s.path, self.rng.choice((0o600, 0o640, 0o644)))
        os.utime(s.path)

    OPS = ["op_rewrite", "op_overwrite", "op_append", "op_truncate", "op_compare", "op_compare_again",
           "op_compare_more", "op_read_piece", "op_rename", "op_replace", "op_unlink", "op_link", "op_mmap",
           "op_xattr", "op_mode"]

    def model(self):
        return {s.path: (len(s.data), hashlib.sha256(s.data).hexdigest(), s.xattrs) for s in self.slots}


class Trees:
    """Directories made, filled, listed, moved and removed; a crowd of names that is only read."""

    def __init__(self, top, rng):
        self.top, self.rng, self.serial = top, rng, 0
        self.crowd = os.path.join(top, "crowd")
        os.mkdir(self.crowd)
        self.names = sorted("name-%05d" % i + "." * (200 * (i % 17 == 0)) for i in range(CROWD))
        for n in self.names:
            with open(os.path.join(self.crowd, n), "w") as f:
                f.write(n)

    def step(self):
        op = self.rng.choice(("op_grow_and_fell", "op_list", "op_stat", "op_read", "op_absent"))
        getattr(self, op)()
        return op

    def op_grow_and_fell(self):
        self.serial += 1
        top = os.path.join(self.top, "tree-%d" % self.serial)
        at, made = top, 0
        for depth in range(4):
            os.mkdir(at)
            for i in range(6):
                with open(os.path.join(at, "leaf%d" % i), "wb") as f:
                    f.write(b"x" * self.rng.randrange(3000))
                made += 1
            os.symlink("leaf0", os.path.join(at, "link"))
            at = os.path.join(at, "branch%d" % depth + "b" * self.rng.choice((0, 190)))
        os.rename(top, top + "-moved")
        same(sum(len(files) for _, _, files in os.walk(top + "-moved")), made + 4, "names in " + top)
        shutil.rmtree(top + "-moved")
        same(os.path.lexists(top + "-moved"), False, top)

    def op_list(self):
        same(sorted(os.listdir(self.crowd)), self.names, "names in the crowd")

    def op_stat(self):
        with os.scandir(self.crowd) as entries:
            for e in entries:
                same(e.stat().st_size, len(e.name), "size of " + e.name)

    def op_read(self):
        for n in self.rng.sample(self.names, 100):
            same(read(os.path.join(self.crowd, n)), n.encode(), n)

    def op_absent(self):
        for n in self.rng.sample(self.names, 50):
            same(os.path.lexists(os.path.join(self.crowd, n + "-absent")), False, n)

    def model(self):
        return {os.path.join(self.crowd, n): (len(n), hashlib.sha256(n.encode()).hexdigest(), {}) for n in self.names}


class Databases:
    """SQLite in both of its ways to commit, with as many rows at all times."""

    def __init__(self, top, rng):
        self.top, self.rng, self.want, self.dbs = top, rng, {}, {}
        for mode in "wal", "delete":
            db = self.dbs[mode] = self.connect(mode)
            db.execute("create table t (k integer primary key, v blob)")
            self.want[mode] = {k: rng.randbytes(200) for k in range(ROWS)}
            db.executemany("insert into t values (?, ?)", self.want[mode].items())
            db.commit()

    def connect(self, mode):
        db = sqlite3.connect(os.path.join(self.top, mode + ".db"))
        db.execute("pragma journal_mode=" + mode)
        db.execute("pragma synchronous=normal")
        return db

    def step(self):
        mode = self.rng.choice(("wal", "delete"))
        if self.rng.random() < 0.1:
            self.dbs[mode].close()
            self.dbs[mode] = self.connect(mode)
        db, want = self.dbs[mode], self.want[mode]
        for k in self.rng.sample(range(ROWS), 20):
            want[k] = self.rng.randbytes(200)
            db.execute("update t set v = ? where k = ?", (want[k], k))
        db.commit()
        if self.rng.random() < 0.2:
            same(dict(db.execute("select k, v from t")), want, mode)
            same(db.execute("pragma integrity_check").fetchone(), ("ok",), mode)
        return "sqlite " + mode

    def model(self):
        for mode, db in self.dbs.items():
            same(dict(db.execute("select k, v from t")), self.want[mode], mode)
            db.close()
        out = {}
        for mode in self.dbs:
            path = os.path.join(self.top, mode + ".db")
            data = read(path)
            out[path] = (len(data), hashlib.sha256(data).hexdigest(), {})
        return out


class Repository:
    """git, where it is installed: made, committed to, checked, cloned and thrown away."""

    def __init__(self, top, rng):
        self.top, self.rng = top, rng

    def git(self, *args):
        quiet = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        quiet.update(HOME=self.top, GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="soak", GIT_AUTHOR_EMAIL="soak@localhost",
                     GIT_COMMITTER_NAME="soak", GIT_COMMITTER_EMAIL="soak@localhost")
        p = subprocess.run(["git", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           env=quiet, check=False)
        if p.returncode != 0:
            raise Wrong("git %s: %d: %s" % (" ".join(args), p.returncode, p.stdout.decode(errors="replace")))

    def step(self):
        repo, copy = os.path.join(self.top, "repo"), os.path.join(self.top, "clone")
        self.git("init", "-q", repo)
        for n in range(6):
            for i in range(8):
                with open(os.path.join(repo, "file%d" % i), "a") as f:
                    f.write("%d %d %f\n" % (n, i, self.rng.random()))
            self.git("-C", repo, "add", ".")
            self.git("-C", repo, "commit", "-q", "-m", "commit %d" % n)
        self.git("-C", repo, "gc", "-q")
        self.git("clone", "-q", repo, copy)
        self.git("-C", copy, "fsck", "--strict", "--no-progress")
        for i in range(8):
            name = "file%d" % i
            same(read(os.path.join(copy, name)), read(os.path.join(repo, name)), name)
        shutil.rmtree(repo)
        shutil.rmtree(copy)
        return "git"

    def model(self):
        return {}


def kinds():
    """What runs side by side."""
    return [Files, Files, Trees, Databases] + ([Repository] if shutil.which("git") else [])


# ---- the end ----

def compare(models):
    """Hold a tree against what its workers say of it; returns how many files. Nothing else may be there."""
    n = 0
    for top, model in models.items():
        found = set()
        for d, _, files in os.walk(top, onerror=fail):
            found.update(os.path.join(d, f) for f in files)
        same(found, set(model), "names in " + top)
        for path, (size, digest, xattrs) in model.items():
            data = read(path)
            same((os.lstat(path).st_size, len(data)), (size, size), "size of " + path)
            same(hashlib.sha256(data).hexdigest(), digest, "content of " + path)
            same({x: os.getxattr(path, x) for x in os.listxattr(path)}, xattrs, "attributes of " + path)
            same(stat.S_ISREG(os.lstat(path).st_mode), True, path)
            n += 1
    return n


def fail(error):
    raise Wrong("%s: %s" % (error.filename, errno.errorcode.get(error.errno, error.errno)))


def work(kind, top, seed, stop, out):
    """Until there is a file 'stop'; then out gets the counts and the model, as a Python literal."""
    rng = random.Random(seed)
    counts, ops = {}, 0
    worker = kind(top, rng)
    while not os.path.exists(stop):
        op = worker.step()
        counts[op] = counts.get(op, 0) + 1
        ops += 1
    with open(out + ".tmp", "w") as f:
        f.write(repr({"kind": kind.__name__, "top": top, "counts": counts, "model": worker.model()}))
    os.rename(out + ".tmp", out)
