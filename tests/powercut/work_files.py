# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads on the content of files."""

import base64
import mmap
import os
import struct
import threading

import disk
from judge import pattern
from work import Opened, change_file, check_files


class AppendSmall:
    """records of 1 to 300 bytes appended to three logs, fsync after each"""
    sizes = (1, 300)
    rounds = 150

    def run(self, at):
        logs = {"log%d" % i: (Opened(at, "log%d" % i, os.O_APPEND), i) for i in range(3)}
        ends = dict.fromkeys(logs, 0)
        for _ in at.times(self.rounds):
            name = at.rng.choice(sorted(logs))
            f, seed = logs[name]
            writes = []
            for _ in range(at.rng.choice((1, 1, 2))):
                n = at.rng.randint(*self.sizes)
                writes.append((ends[name], n, seed))
                ends[name] += n
            change_file(at, f, name, writes)
        for f, _ in logs.values():
            f.close()

    check = staticmethod(check_files)


class AppendBlocks(AppendSmall):
    """4 to 64 KiB appended, fsync after each"""
    sizes = (4096, 65536)
    rounds = 40


class OverwritePages:
    """whole 4 KiB pages of a synced file overwritten, fsync after each few"""
    length = 48 * 4096

    def ranges(self, at):
        first = at.rng.randrange(44)
        return [(p * 4096, 4096, at.next()) for p in range(first, first + at.rng.randint(1, 4))]

    def run(self, at):
        f = Opened(at, "file")
        change_file(at, f, "file", [(0, self.length, at.next())])
        for _ in at.times(120):
            change_file(at, f, "file", self.ranges(at))
        f.close()

    check = staticmethod(check_files)


class OverwriteSmall(OverwritePages):
    """1 to 200 bytes inside a synced file overwritten: neighbours stay"""

    def ranges(self, at):
        return [(at.rng.randrange(self.length - 200), at.rng.randint(1, 200), at.next())
                for _ in range(at.rng.randint(1, 3))]


class Truncate:
    """cut short, made longer, written far behind the end: no stale bytes come back"""

    def run(self, at):
        files = {"file%d" % i: Opened(at, "file%d" % i) for i in range(2)}
        for name, f in files.items():
            change_file(at, f, name, [(0, 40000, at.next())])
        ends = dict.fromkeys(files, 40000)
        for _ in at.times(70):
            name = at.rng.choice(sorted(files))
            f = files[name]
            kind = at.rng.randrange(4)
            if kind < 2:
                f.reopen()
            if kind == 0:
                sizes = [at.rng.randrange(ends[name] + 1), at.rng.randrange(60000)]
                change_file(at, f, name, sizes=sizes)
                ends[name] = sizes[-1]
            elif kind == 1:
                ends[name] = at.rng.randrange(60000)
                change_file(at, f, name, sizes=[ends[name]])
            else:
                off, n = at.rng.randrange(60000), at.rng.randint(1, 9000)
                change_file(at, f, name, [(off, n, at.next())])
                ends[name] = max(ends[name], off + n)
        for f in files.values():
            f.close()

    check = staticmethod(check_files)


class SyncWays:
    """O_DSYNC, O_SYNC, RWF_DSYNC, msync instead of fsync"""
    length = 30000

    def run(self, at):
        base = {name: Opened(at, name) for name in ("dsync", "sync", "rwf", "map")}
        for name, f in base.items():
            change_file(at, f, name, [(0, self.length, at.next())])
            f.close()
        fds = {"dsync": os.open(at.path("dsync"), os.O_RDWR | os.O_DSYNC),
               "sync": os.open(at.path("sync"), os.O_RDWR | os.O_SYNC),
               "rwf": os.open(at.path("rwf"), os.O_RDWR), "map": os.open(at.path("map"), os.O_RDWR)}
        mapped = mmap.mmap(fds["map"], self.length)
        for _ in at.times(120):
            name = at.rng.choice(sorted(fds))
            n = at.rng.choice((at.rng.randint(1, 200), 4096))
            off, seed = at.rng.randrange(self.length - n), at.next()
            op = at.begin("change", file=name, writes=[[off, n, seed]], sizes=[])
            data = pattern(seed, off, n)
            if name == "map":
                mapped[off:off + n] = data
                mapped.flush()
            else:
                os.pwritev(fds[name], [data], off, os.RWF_DSYNC if name == "rwf" else 0)
            at.ack(op)
        mapped.close()
        for fd in fds.values():
            os.close(fd)

    check = staticmethod(check_files)


class Threads:
    """four threads overwrite and fsync the same few pages"""
    pages = 3
    haste = 20  # others are at work so much more

    @staticmethod
    def stamp(page, version):
        return struct.pack("<QQ", page, version) * 4

    def run(self, at):
        fd = os.open(at.path("shared"), os.O_RDWR | os.O_CREAT, 0o600)
        locks = [threading.Lock() for _ in range(self.pages)]
        versions = [0] * self.pages
        failures = []

        def put(page):
            with locks[page]:
                versions[page] += 1
                op = at.begin("page", page=page, version=versions[page])
                os.pwrite(fd, self.stamp(page, versions[page]) * 64, page * 4096)
            return op

        def work(seed):
            rng = type(at.rng)(seed)
            waiting = []
            try:
                for _ in at.times(150):
                    waiting.append(put(rng.randrange(self.pages)))
                    dice = rng.random()
                    if dice < 0.4:
                        os.fsync(fd)
                        at.ack(*waiting)
                        waiting = []
                    elif dice < 0.8:
                        disk.write_back(fd)
            except OSError as e:
                failures.append(e)

        first = [put(p) for p in range(self.pages)]
        os.fsync(fd)
        at.ack(*first)
        threads = [threading.Thread(target=work, args=(at.rng.random(),)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        os.close(fd)
        if failures:
            raise failures[0]

    def check(self, case):
        acked, tried = {}, {}
        for ops, best in ((case.acked, acked), (case.acked + case.begun, tried)):
            for op in ops:
                best[op["page"]] = max(best.get(op["page"], 0), op["version"])
        before = len(case.problems)
        got = case.read("shared")
        if got is None:
            if acked and len(case.problems) == before:
                case.lost("shared is missing")
            return
        for page in sorted(acked):
            self._page(case, page, range(acked[page], tried[page] + 1), got[page * 4096:page * 4096 + 4096])

    def _page(self, case, page, versions, part):
        """Each number in it by itself: a page that is changed on its way to the disk arrives as a mixture of
        what was synced and what is newer, on the plain filesystem too."""
        if len(part) < 4096:
            case.lost("page %d: %d bytes", page, len(part))
            return
        for found, version in struct.iter_unpack("<QQ", part):
            if found != page or version not in versions:
                case.lost("page %d: page %d version %d, acknowledged is %d, tried %d", page, found, version,
                          versions[0], versions[-1])
                return


class Unsynced:
    """much of everything without any fsync: files are old, new or shorter, and can be read"""

    def run(self, at):
        os.mkdir(at.path("dir"))
        at.sync()
        ends = {}
        for i in at.times(150):
            name = at.rng.choice(sorted(ends)) if len(ends) > 7 or at.rng.random() < 0.6 and ends else "f%d" % i
            end = ends.setdefault(name, 0)
            off, n = at.rng.randrange(end + 1), at.rng.choice((30, 500, 4032, 4096, 20000))
            op = at.begin("change", file=name, writes=[], sizes=[])
            fd = os.open(at.path(name), os.O_RDWR | os.O_CREAT, 0o600)
            if at.rng.random() < 0.2:
                op["sizes"] = [at.rng.randrange(end + 1)]
                os.ftruncate(fd, op["sizes"][0])
                ends[name] = op["sizes"][0]
            else:
                op["writes"] = [[off, n, at.next()]]
                os.pwrite(fd, pattern(op["writes"][0][2], off, n), off)
                ends[name] = max(end, off + n)
            if at.rng.random() < 0.7:
                disk.write_back(fd)
            os.close(fd)
            self._names(at, i)

    @staticmethod
    def _names(at, i):
        """Nothing is said of these but that they can be read."""
        stem = at.name("n%d" % i) if at.rng.random() < 0.5 else "n%d" % i
        kind = at.rng.randrange(5)
        if kind == 0:
            os.mkdir(at.path("dir", stem))
            with open(at.path("dir", stem, "in"), "wb") as f:
                f.write(pattern(i, 0, 3000))
        elif kind == 1:
            at.symlink("t" * at.rng.choice((10, 3500)), "dir", stem)
        elif kind == 2:
            there = sorted(os.listdir(at.path("dir")))
            if there:
                os.rename(at.path("dir", at.rng.choice(there)), at.path("dir", stem))

    check = staticmethod(check_files)


class SecondLife:
    """after a first power cut: files go on from what it left, and are fsynced; then a second one"""
    first = ("unsynced", "append-small", "truncate", "append-blocks")

    def run(self, at):
        files = {"more": [Opened(at, "more"), 0]}
        for name in sorted(os.listdir(at.root)):
            if name != "more" and os.path.isfile(at.path(name)):
                self._take(at, name, files)
        for _ in at.times(60):
            name = at.rng.choice(sorted(files))
            f, end = files[name]
            kind, n = at.rng.randrange(6), at.rng.choice((at.rng.randint(1, 300), 4096, 9000))
            seed = 10000 + at.next()
            if kind == 0:
                files[name][1] = at.rng.randrange(end + 5000)
                change_file(at, f, name, sizes=[files[name][1]])
                continue
            off = end if kind < 4 else at.rng.randrange(end + 1)
            change_file(at, f, name, [(off, n, seed)])
            files[name][1] = max(end, off + n)
        for f, _ in files.values():
            f.close()

    @staticmethod
    def _take(at, name, files):
        try:
            with open(at.path(name), "rb") as f:
                data = f.read()
        except OSError:
            return  # the check will come upon it as well
        op = at.begin("change", file=name, data=base64.b64encode(data).decode(), writes=[], sizes=[])
        at.ack(op)
        files[name] = [Opened(at, name), len(data)]

    check = staticmethod(check_files)
