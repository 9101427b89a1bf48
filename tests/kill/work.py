# SPDX-License-Identifier: GPL-3.0-or-later
"""What is at work when the daemon is killed, and what must be there afterwards.

A worker says what it is about to do (try) and what an fsync has vouched for (ack), in a log outside of the mount;
both are whole lines, written at once. Its judge reads the log and the tree: whatever was acknowledged must be there,
as new as it was then or newer, and never newer than what was tried. What was not acknowledged may be there or not;
of content it may be the bytes that were written or zeros, never others.

Content is made of cells of 64 bytes, so that each says which file, place and version it belongs to. A cell never
lies in two blocks of the format."""

import ast
import errno
import hashlib
import mmap
import os
import random
import shutil
import sqlite3
import stat
import time

CELL = 64
LONG = "-" + "l" * 200


class Wrong(Exception):
    """What is there is not what must be."""


def cell(what, n, version=0):
    return (b"%s %d %d" % (what.encode(), n, version)).ljust(CELL - 1, b".") + b"\n"


def stream(what, off, n):
    """n bytes at off of a file whose bytes depend on nothing but their place."""
    first, last = off // CELL, (off + n + CELL - 1) // CELL
    return b"".join(cell(what, c) for c in range(first, last))[off - first * CELL:][:n]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def sync(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def names(path):
    try:
        return set(os.listdir(path))
    except FileNotFoundError:
        return set()


def check(good, what, *args):
    if not good:
        raise Wrong(what % args if args else what)


def check_stream(path, what, exact, most):
    """A file of such bytes: the first 'exact' of them as written, the others so or zero, and at most 'most'."""
    data = read(path)
    check(os.stat(path).st_size == len(data), "%s: stat says %d, %d are read", path, os.stat(path).st_size, len(data))
    check(exact <= len(data) <= most, "%s: %d bytes, not %d..%d", path, len(data), exact, most)
    want = stream(what, 0, len(data))
    if data == want:
        return len(data)
    at = next(i for i in range(len(data)) if data[i] != want[i])
    check(at >= exact, "%s: byte %d of %d is wrong, %d were synced", path, at, len(data), exact)
    for i in range(at, len(data)):
        check(data[i] in (want[i], 0), "%s: byte %d is neither as written nor zero", path, i)
    return len(data)


class Log:
    """The worker's side of its log."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC, 0o600)

    def say(self, *what):
        os.write(self.fd, (repr(what) + "\n").encode())


def said(path):
    """The judge's side: whole lines only."""
    try:
        lines = read(path).split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [ast.literal_eval(line.decode()) for line in lines]


class Work:
    """state is the judge's; a worker gets it as it begins, and what it says changes it."""

    def __init__(self, top, state):
        self.top, self.state = top, state
        self.rng = self.log = None

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def run(self, seed, log):
        self.rng, self.log = random.Random(seed), Log(log)
        try:
            self.begin()
            while True:
                self.step()
        except (OSError, ValueError, sqlite3.Error) as e:
            self.log.say("error", time.monotonic(), "%s: %s" % (type(e).__name__, e))

    def begin(self):
        """What has to be done before the first step."""

    def learn(self, lines):
        for line in lines:
            if line[0] != "error":
                getattr(self, "on_" + line[0])(*line[1:])


class Append(Work):
    """Records at the end of a file, half of them synced; a new file when it has grown."""
    FILE_MAX = 250000

    def begin(self):
        for g, f in sorted(self.state.items()):
            if f["tried"] > f["acked"]:
                os.truncate(self.path(g), f["acked"])
                sync(self.path(g))
                self.log.say("cut", g, f["acked"])
                f["tried"] = f["acked"]
        self.new()

    def new(self):
        for old in sorted(self.state)[:-3]:
            self.log.say("remove", old)
            os.unlink(self.path(old))
            sync(self.top)
            self.log.say("removed", old)
            del self.state[old]
        serial = int(max(self.state, default="log0")[3:11]) + 1
        self.g = "log%08d%s" % (serial, "" if serial % 3 else LONG)
        self.size = 0
        self.state[self.g] = {"acked": 0, "tried": 0}
        self.log.say("create", self.g)
        self.fd = os.open(self.path(self.g), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.fsync(self.fd)
        sync(self.top)
        self.log.say("ack", self.g, 0)

    def step(self):
        n = self.rng.choice((self.rng.randrange(1, 200), self.rng.randrange(1, 9000)))
        self.log.say("try", self.g, self.size + n)
        os.write(self.fd, stream(self.g[:11], self.size, n))
        self.size += n
        if self.rng.random() < 0.5:
            os.fsync(self.fd)
            self.log.say("ack", self.g, self.size)
        if self.size > self.FILE_MAX:
            os.close(self.fd)
            self.new()

    def on_create(self, g):
        self.state[g] = {"acked": -1, "tried": 0}

    def on_try(self, g, size):
        self.state[g]["tried"] = size

    def on_ack(self, g, size):
        self.state[g]["acked"] = size

    def on_cut(self, g, size):
        self.state[g]["tried"] = size

    def on_remove(self, g):
        self.state[g]["acked"] = -1

    def on_removed(self, g):
        del self.state[g]

    def judge(self):
        there = names(self.top)
        check(there <= set(self.state), "%s: %s is there", self.top, there - set(self.state))
        for g in sorted(self.state):
            f = self.state[g]
            if g not in there:
                check(f["acked"] < 0, "%s: gone, %d bytes were synced", g, f["acked"])
                del self.state[g]
                continue
            f["tried"] = check_stream(self.path(g), g[:11], max(f["acked"], 0), f["tried"])
            f["acked"] = max(f["acked"], 0)


class Cut(Work):
    """A file that grows and is cut."""

    def begin(self):
        self.fd = os.open(self.path("cut"), os.O_RDWR | os.O_CREAT, 0o600)
        good = self.state.get("good", 0)
        self.log.say("try", good)
        os.ftruncate(self.fd, good)
        os.fsync(self.fd)
        self.log.say("ack", good)

    def step(self):
        size, now = self.rng.randrange(60000), os.fstat(self.fd).st_size
        self.log.say("try", size)
        if size < now:
            os.ftruncate(self.fd, size)
        else:
            os.pwrite(self.fd, stream("cut", now, size - now), now)
        if self.rng.random() < 0.6:
            os.fsync(self.fd)
            self.log.say("ack", size)

    def on_try(self, size):
        self.state.setdefault("sizes", [0]).append(size)

    def on_ack(self, size):
        self.state["sizes"] = [size]

    def judge(self):
        sizes = self.state.setdefault("sizes", [0])
        if not os.path.exists(self.path("cut")):
            check(sizes == [0], "cut: gone, its size was %s", sizes)
            return
        size = check_stream(self.path("cut"), "cut", min(sizes), max(sizes))
        data = read(self.path("cut"))
        want = stream("cut", 0, size)
        good = next((i for i in range(size) if data[i] != want[i]), size)
        self.state.update(sizes=[good, size], good=good)


class Pages(Work):
    """Cells overwritten in place, a few or many at once, each with its version."""
    CELLS = 4096
    mapped = False

    def begin(self):
        new = "floor" not in self.state
        self.fd = os.open(self.path("pages"), os.O_RDWR | os.O_CREAT, 0o600)
        self.version = self.state.get("version", 0)
        if new or os.fstat(self.fd).st_size < self.CELLS * CELL:
            os.pwrite(self.fd, b"".join(cell("page", c) for c in range(self.CELLS)), 0)
            os.fsync(self.fd)
            sync(self.top)
            self.log.say("made")
        self.map = mmap.mmap(self.fd, self.CELLS * CELL) if self.mapped else None

    def step(self):
        n = self.rng.choice((1, 1, 64, self.rng.randrange(1, 700)))
        first = self.rng.randrange(self.CELLS - n + 1)
        self.version += 1
        self.log.say("try", self.version, first, n)
        data = b"".join(cell("page", c, self.version) for c in range(first, first + n))
        if self.map:
            self.map[first * CELL:(first + n) * CELL] = data
        else:
            os.pwrite(self.fd, data, first * CELL)
        if self.rng.random() < 0.5:
            if self.map:
                self.map.flush()
            else:
                os.fsync(self.fd)
            self.log.say("ack", self.version)

    def on_made(self):
        self.state.update(floor=[0] * self.CELLS, tried=[])

    def on_try(self, version, first, n):
        self.state["version"] = version
        self.state["tried"].append((version, first, n))

    def on_ack(self, version):
        for v, first, n in self.state["tried"]:
            if v <= version:
                self.state["floor"][first:first + n] = [v] * n
        self.state["tried"] = [t for t in self.state["tried"] if t[0] > version]

    def judge(self):
        if "floor" not in self.state:
            return
        data = read(self.path("pages"))
        check(len(data) == self.CELLS * CELL, "pages: %d bytes", len(data))
        floor, later = self.state["floor"], [[] for _ in range(self.CELLS)]
        for v, first, n in self.state["tried"]:
            for c in range(first, first + n):
                later[c].append(v)
        for c in range(self.CELLS):
            have = data[c * CELL:(c + 1) * CELL]
            if have == cell("page", c, floor[c]):
                continue
            may = {cell("page", c, v): v for v in later[c]}
            if have in may:
                floor[c] = may[have]
            else:
                # the kernel may send a page while a mapping changes it
                every = list(may) + [cell("page", c, floor[c])]
                check(self.mapped and all(have[i] in {m[i] for m in every} for i in range(CELL)),
                      "pages: cell %d is %r, not of version %s", c, have, [floor[c]] + later[c])
                self.state["mixed"] = self.state.get("mixed", 0) + 1
        self.state["tried"] = []


class Mapped(Pages):
    """The same by way of memory and msync."""
    mapped = True


class Replace(Work):
    """Files replaced whole: written aside, synced, renamed, and the directory synced."""
    FILES = 5

    @staticmethod
    def name(i):
        return "file%d%s" % (i, LONG if i % 2 else "")

    @staticmethod
    def content(i, version):
        return stream("replace %d %d" % (i, version), 0, random.Random(i * 100000 + version).randrange(1, 20000))

    def begin(self):
        for n in names(self.top):
            if n.startswith("tmp"):
                os.unlink(self.path(n))

    def step(self):
        i = self.rng.randrange(self.FILES)
        version = self.state[i][1] + 1 if i in self.state else 1
        self.state[i] = (0, version)
        self.log.say("try", i, version)
        tmp = self.path("tmp" + self.name(i))
        with open(tmp, "wb") as f:
            f.write(self.content(i, version))
            f.flush()
            os.fsync(f.fileno())
        os.rename(tmp, self.path(self.name(i)))
        sync(self.top)
        self.log.say("ack", i, version)

    def on_try(self, i, version):
        self.state[i] = (self.state.get(i, (0, 0))[0], version)

    def on_ack(self, i, version):
        self.state[i] = (version, version)

    def judge(self):
        for i, (acked, tried) in self.state.items():
            path = self.path(self.name(i))
            if not os.path.exists(path):
                check(acked == 0, "%s: gone, version %d was acknowledged", path, acked)
                self.state[i] = (0, tried)
                continue
            data = read(path)
            found = [v for v in range(max(acked, 1), tried + 1) if data == self.content(i, v)]
            check(found, "%s: %d bytes are no version of %d..%d: %r...", path, len(data), acked, tried, data[:64])
            self.state[i] = (found[0], found[0])


class Names(Work):
    """New directories in new directories, with files, links and FIFOs in them, all synced; later removed."""

    @staticmethod
    def make(k):
        """{path below the directory: ("dir",) or ("file", content) or ("link", target) or ("fifo",)}, in order."""
        d = "sub" + (LONG if k % 2 else "")
        return {d: ("dir",), d + "/deeper": ("dir",), d + "/deeper/f" + LONG: ("file", stream("names %d" % k, 0, 5000)),
                d + "/empty": ("file", b""), d + "/short": ("link", "target %d" % k),
                d + "/far" + LONG: ("link", "/".join(["t" * 200] * 17)), "fifo": ("fifo",)}

    def begin(self):
        for k, s in sorted(self.state.items()):
            if s in ("making", "removing"):
                shutil.rmtree(self.path("new%d" % k), ignore_errors=True)
                sync(self.top)
                self.log.say("removed", k)
        self.there = sorted(k for k, s in self.state.items() if s == "there")

    def step(self):
        k = max(self.there, default=max(self.state, default=0)) + 1
        top = self.path("new%d" % k)
        self.log.say("make", k)
        os.mkdir(top)
        for path, what in self.make(k).items():
            path = os.path.join(top, path)
            if what[0] == "dir":
                os.mkdir(path)
            elif what[0] == "link":
                os.symlink(what[1], path)
            elif what[0] == "fifo":
                os.mkfifo(path)
            else:
                with open(path, "wb") as f:
                    f.write(what[1])
                    f.flush()
                    os.fsync(f.fileno())
        for d, _, _ in os.walk(top):
            sync(d)
        sync(self.top)
        self.log.say("made", k)
        self.there.append(k)
        if len(self.there) > 5:
            self.remove(self.there.pop(0))

    def remove(self, k):
        self.log.say("remove", k)
        shutil.rmtree(self.path("new%d" % k))
        sync(self.top)
        self.log.say("removed", k)

    def on_make(self, k):
        self.state[k] = "making"

    def on_made(self, k):
        self.state[k] = "there"

    def on_remove(self, k):
        self.state[k] = "removing"

    def on_removed(self, k):
        self.state[k] = "gone"

    def judge(self):
        there = names(self.top)
        for k, s in sorted(self.state.items()):
            check(s != "gone" or "new%d" % k not in there, "new%d: its removal was synced", k)
            if s == "there":
                self.judge_one(k)
        for k in sorted(self.state)[:-40]:
            if self.state[k] == "gone":
                del self.state[k]
        check(there <= {"new%d" % k for k in self.state}, "%s: %s", self.top, there)

    def judge_one(self, k):
        for path, what in self.make(k).items():
            full = self.path("new%d" % k, path)
            mode = os.lstat(full).st_mode
            if what[0] == "file":
                check(stat.S_ISREG(mode) and read(full) == what[1], "%s: another content", full)
            elif what[0] == "link":
                check(os.readlink(full) == what[1], "%s: another target", full)
            else:
                check(stat.S_ISDIR(mode) if what[0] == "dir" else stat.S_ISFIFO(mode), "%s: mode %o", full, mode)


class Moves(Work):
    """Directories with files in them that are renamed and moved between directories."""
    DIRS = 3

    def begin(self):
        if "at" in self.state:
            self.at, self.serial = dict(self.state["at"]), self.state["serial"]
            return
        for p in "left", "right" + LONG:
            shutil.rmtree(self.path(p), ignore_errors=True)
            os.mkdir(self.path(p))
        self.at, self.serial = {}, 0
        for i in range(self.DIRS):
            self.at[i] = "left/dir%d" % i
            os.mkdir(self.path(self.at[i]))
            for n in "a", "b" + LONG:
                with open(self.path(self.at[i], n), "wb") as f:
                    f.write(stream("moves %d" % i, 0, 9000))
                    f.flush()
                    os.fsync(f.fileno())
            sync(self.path(self.at[i]))
        sync(self.path("left"))
        sync(self.path("right" + LONG))
        sync(self.top)
        self.log.say("made", self.at)

    def step(self):
        i = self.rng.randrange(self.DIRS)
        self.serial += 1
        new = "%s/dir%d.%d%s" % (self.rng.choice(("left", "right" + LONG)), i, self.serial, self.rng.choice(("", LONG)))
        if self.rng.random() < 0.3:
            os.mkdir(self.path(new))  # to be replaced
        self.log.say("try", i, new, self.serial)
        old = self.at[i]
        os.rename(self.path(old), self.path(new))
        sync(self.path(os.path.dirname(old)))
        sync(self.path(os.path.dirname(new)))
        self.log.say("ack", i, new)
        self.at[i] = new

    def on_made(self, at):
        self.state.update(at=at, tried={}, serial=0)

    def on_try(self, i, new, serial):
        self.state["tried"][i] = new
        self.state["serial"] = serial

    def on_ack(self, i, new):
        self.state["at"][i] = new
        self.state["tried"].pop(i, None)

    def judge(self):
        if "at" not in self.state:
            return
        for i, at in self.state["at"].items():
            found = [p for p in (at, self.state["tried"].get(i)) if p and names(self.path(p))]
            check(len(found) == 1, "dir%d: was at %s, goes to %s, is at %s", i, at, self.state["tried"].get(i), found)
            self.state["at"][i] = found[0]
            check(names(self.path(found[0])) == {"a", "b" + LONG}, "dir%d: other names", i)
            for n in "a", "b" + LONG:
                check(read(self.path(found[0], n)) == stream("moves %d" % i, 0, 9000), "dir%d: other content", i)
        self.state["tried"] = {}
        self.state["serial"] += 1000  # an empty directory that was to be replaced may lie in the way


class Links(Work):
    """A file that gets new names and loses old ones."""
    CONTENT = stream("links", 0, 7000)

    def begin(self):
        self.have = [n for n in sorted(names(self.top)) if n.startswith("name")]
        if not self.have:
            self.log.say("try", "name0")
            with open(self.path("name0"), "wb") as f:
                f.write(self.CONTENT)
                f.flush()
                os.fsync(f.fileno())
            sync(self.top)
            self.log.say("ack", "name0")
            self.have = ["name0"]
        self.serial = self.state.get("serial", 0)

    def step(self):
        self.serial += 1
        new = "name%d%s" % (self.serial, self.rng.choice(("", LONG)))
        self.log.say("try", new)
        if self.rng.random() < 0.7:
            os.link(self.path(self.rng.choice(self.have)), self.path(new))
        else:
            gone = self.have.pop(self.rng.randrange(len(self.have)))
            self.log.say("remove", gone)
            os.rename(self.path(gone), self.path(new))
            sync(self.top)
            self.log.say("removed", gone)
        self.have.append(new)
        sync(self.top)
        self.log.say("ack", new)
        while len(self.have) > 4:
            gone = self.have.pop(self.rng.randrange(len(self.have)))
            self.log.say("remove", gone)
            os.unlink(self.path(gone))
            sync(self.top)
            self.log.say("removed", gone)

    def on_try(self, name):
        self.state.setdefault("names", {})[name] = "may"
        self.state["serial"] = int(name[4:].split("-")[0])

    def on_ack(self, name):
        self.state["names"][name] = "must"
        self.state["made"] = True

    def on_remove(self, name):
        self.state["names"][name] = "may"

    def on_removed(self, name):
        del self.state["names"][name]

    def judge(self):
        want, there = self.state.setdefault("names", {}), names(self.top)
        must = {n for n, s in want.items() if s == "must"}
        check(must <= there <= set(want), "links: %s must be there, %s may, %s are", must, set(want), there)
        made = self.state.get("made")
        check(there or not made, "links: the last name is gone")
        for n in there:
            st = os.stat(self.path(n))
            check(st.st_nlink == len(there), "%s: %d links, %d names", n, st.st_nlink, len(there))
            if made:
                check(read(self.path(n)) == self.CONTENT, "%s: another content", n)
        check(len({os.stat(self.path(n)).st_ino for n in there}) <= 1, "links: several files")
        self.state["names"] = {n: "must" for n in there}
        if not made:
            for n in there:
                os.unlink(self.path(n))
            self.state["names"] = {}


class Xattrs(Work):
    """Attributes of a file, short and long, set again and again."""
    NAMES = {"user.short": 30, "user." + "x" * 180: 900}

    @staticmethod
    def value(name, version):
        return stream("xattr %d" % len(name), version * 1000, Xattrs.NAMES[name])

    def begin(self):
        self.version = self.state.get("version", 0)
        self.fd = os.open(self.path("xattrs"), os.O_RDWR | os.O_CREAT, 0o600)
        os.fsync(self.fd)
        sync(self.top)

    def step(self):
        self.version += 1
        name = self.rng.choice(sorted(self.NAMES))
        self.log.say("try", name, self.version)
        os.setxattr(self.fd, name, self.value(name, self.version))
        os.fsync(self.fd)
        self.log.say("ack", name, self.version)

    def on_try(self, name, version):
        self.state.setdefault(name, [0, 0])[1] = version
        self.state["version"] = version

    def on_ack(self, name, version):
        self.state[name] = [version, version]

    def judge(self):
        for name in self.NAMES:
            if name not in self.state:
                continue
            acked, tried = self.state[name]
            try:
                have = os.getxattr(self.path("xattrs"), name)
            except OSError as e:
                check(e.errno in (errno.ENODATA, errno.ENOENT) and acked == 0, "%s: %s", name, e)
                continue
            found = [v for v in {acked, tried} if v and have == self.value(name, v)]
            check(found, "%s: not of version %d or %d", name, acked, tried)
            self.state[name] = [found[0], found[0]]


class Sqlite(Work):
    """Transactions, each acknowledged once it is committed."""
    ROWS = 50
    mode = "delete"

    @staticmethod
    def pad(k, version):
        return hashlib.sha256(b"%d %d" % (k, version)).digest() * 20

    def connect(self):
        db = sqlite3.connect(self.path("db"), timeout=10, isolation_level=None)
        db.execute("pragma journal_mode=" + self.mode).fetchall()
        db.execute("pragma synchronous=full")
        return db

    def begin(self):
        self.db = self.connect()
        self.db.execute("create table if not exists t (k integer primary key, v integer, pad blob)")
        sync(self.top)
        self.version = self.state.get("tried", 0)

    def step(self):
        self.version += 1
        self.log.say("try", self.version)
        self.db.execute("begin immediate")
        for k in [0] + self.rng.sample(range(1, self.ROWS), self.rng.randrange(1, 12)):
            self.db.execute("insert or replace into t values (?, ?, ?)", (k, self.version, self.pad(k, self.version)))
        self.db.execute("commit")
        self.log.say("ack", self.version)

    def on_try(self, version):
        self.state["tried"] = version

    def on_ack(self, version):
        self.state["acked"] = version

    def judge(self):
        acked, tried = self.state.get("acked", 0), self.state.get("tried", 0)
        if not os.path.exists(self.path("db")):
            check(acked == 0, "%s: no database, %d was committed", self.mode, acked)
            return
        try:
            db = self.connect()
            good = db.execute("pragma integrity_check").fetchall()
            rows = db.execute("select k, v, pad from t").fetchall() if acked else []
            db.close()
        except sqlite3.Error as e:
            raise Wrong("%s: %s, %d was committed" % (self.mode, e, acked)) from e
        check(good == [("ok",)], "%s: %s", self.mode, good)
        have = max((v for _, v, _ in rows), default=0)
        check(acked <= have <= max(tried, acked) or not acked, "%s: %d, %d was committed", self.mode, have, acked)
        check(all(p == self.pad(k, v) for k, v, p in rows), "%s: a row is not as it was written", self.mode)
        self.state.update(acked=max(have, acked))


class SqliteWal(Sqlite):
    """The same with a log that is shared by way of a mapping."""
    mode = "wal"


class Mess(Work):
    """Much and never synced: nothing need be there, and what is there must be whole or zeros."""

    def begin(self):
        self.serial = self.rng.randrange(1 << 40)
        if len(names(self.top)) > 30:
            for n in names(self.top):
                shutil.rmtree(self.path(n))

    def step(self):
        self.serial += 1
        d = self.path("d%d%s" % (self.serial, self.rng.choice(("", LONG))))
        os.mkdir(d)
        files = []
        for i in range(self.rng.randrange(1, 12)):
            name = "u%d.%d" % (self.serial, i)
            files.append(name + self.rng.choice(("", LONG)))
            with open(os.path.join(d, files[-1]), "wb") as f:
                off = self.rng.choice((0, 0, self.rng.randrange(30000)))
                f.seek(off)
                f.write(stream(name, off, self.rng.randrange(40000)))
        for n in files:
            path, what = os.path.join(d, n), self.rng.randrange(6)
            if what == 0:
                os.unlink(path)
            elif what == 1:
                os.truncate(path, self.rng.randrange(50000))
            elif what == 2:
                os.rename(path, os.path.join(d, n.split("-")[0] + ".moved" + ("" if LONG in n else LONG)))
            elif what == 3:
                os.link(path, os.path.join(d, n.split("-")[0] + ".link" + self.rng.choice(("", LONG))))
        os.symlink("x" * self.rng.choice((10, 3500)), os.path.join(d, "sym"))
        if self.rng.random() < 0.3:
            new = self.path("new%d%s" % (self.serial, self.rng.choice(("", LONG))))
            os.mkdir(new)
            os.rename(d, new)
            d = new
        if self.rng.random() < 0.4:
            shutil.rmtree(d)

    def judge(self):
        for d, _, files in os.walk(self.top):
            for n in files:
                path = os.path.join(d, n)
                if not os.path.islink(path):
                    what = n.split("-")[0].split(".moved")[0].split(".link")[0]
                    check_stream(path, what, 0, 200000)


KINDS = [Append, Cut, Pages, Mapped, Replace, Names, Moves, Links, Xattrs, Sqlite, SqliteWal, Mess]


def read_all(top):
    """Every name in the tree can be looked at, every file read to its end; returns how many names."""
    n = 0

    def fail(e):
        raise Wrong("%s: %s" % (e.filename, e))
    for d, dirs, files in os.walk(top, onerror=fail):
        for name in dirs + files:
            path = os.path.join(d, name)
            try:
                mode = os.lstat(path).st_mode
                if stat.S_ISREG(mode):
                    read(path)
                elif stat.S_ISLNK(mode):
                    os.readlink(path)
                for x in os.listxattr(path, follow_symlinks=False):
                    os.getxattr(path, x, follow_symlinks=False)
            except OSError as e:
                raise Wrong("%s: %s" % (path, e)) from e
            n += 1
    return n
