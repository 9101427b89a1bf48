# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads on names: directories, links, attributes, and what is done to them."""

import errno
import os

from judge import brief, pattern
from work import LONG, Unsupported


class MakeDirectories:
    """mkdir and fsync of the parent, nested, some with long names"""

    def run(self, at):
        there = [()]
        for i in at.times(50):
            parent = at.rng.choice(there[-6:])
            name = at.name("d%d" % i) if at.rng.random() < 0.2 else "d%d" % i
            op = at.begin("mkdir", path=[*parent, name])
            os.mkdir(at.path(*parent, name))
            at.sync(*parent)
            at.ack(op)
            if len(parent) < 4:
                there.append((*parent, name))
            if at.rng.random() < 0.3:
                op = at.begin("file", path=[*parent, name, "in"], seed=i)
                at.write(pattern(i, 0, 300), *parent, name, "in")
                at.ack(op)

    def check(self, case):
        for op in case.acked:
            if op["what"] == "file":
                case.expect(pattern(op["seed"], 0, 300), *op["path"])
            elif case.listed(*op["path"]):
                case.names(*op["path"])


class NewDirectories:
    """new directories with new files in them; for half of them only the files are fsynced"""

    def run(self, at):
        for i in at.times(40):
            path = ["d%d" % (i // 3), "e%d" % i] if at.rng.random() < 0.5 else ["d%d" % i]
            files = [["f%d" % k, at.rng.randint(1, 9000), at.next()]
                     for k in range(at.rng.randint(1, 3))]
            op = at.begin("directory", path=path, files=files)
            os.makedirs(at.path(*path), exist_ok=True)
            for name, n, seed in files:
                at.write(pattern(seed, 0, n), *path, name)
            if at.rng.random() < 0.5:
                for k in range(len(path), -1, -1):
                    at.sync(*path[:k])
            at.ack(op)

    def check(self, case):
        for op in case.acked:
            for name, n, seed in op["files"]:
                case.expect(pattern(seed, 0, n), *op["path"], name)


class Replace:
    """write a temporary file, fsync, rename over the old one, fsync of the directory: old or new, never less"""

    def run(self, at):
        os.mkdir(at.path("dir"))
        at.sync()
        for _ in at.times(70):
            name = "settings%d" % at.rng.randrange(4)
            tmp = name + ".tmp" if at.rng.random() < 0.5 else at.name(name)
            op = at.begin("replace", file=name, length=at.rng.randint(1, 20000), seed=at.next())
            at.write(pattern(op["seed"], 0, op["length"]), "dir", tmp)
            os.rename(at.path("dir", tmp), at.path("dir", name))
            # Without the fsync of the directory it is acknowledged by nobody, and still whole.
            if at.rng.random() < 0.6:
                at.sync("dir")
                at.ack(op)

    def check(self, case):
        for name in sorted({op["file"] for op in case.acked + case.begun}):
            acked = [op for op in case.acked if op["file"] == name][-1:]
            newer = [op for op in case.begun if op["file"] == name and
                     (not acked or op["seed"] > acked[0]["seed"])]
            before = len(case.problems)
            got = case.read("dir", name)
            if got is None and not acked or len(case.problems) > before:
                continue
            if got is None:
                case.lost("dir/%s is missing", name)
            elif got not in [pattern(op["seed"], 0, op["length"]) for op in acked + newer]:
                case.lost("dir/%s is neither the acknowledged version nor a later one", name)


class LongNames:
    """files and directories with names of 177 to 255 bytes"""

    def run(self, at):
        there = []
        if at.longest < LONG:
            raise Unsupported("names of %d bytes" % LONG)
        for i in at.times(40):
            folder = [at.name("d%d" % i)] if at.rng.random() < 0.4 else []
            op = at.begin("file", path=[*folder, at.name("f%d" % i)], seed=i)
            if folder:
                os.mkdir(at.path(*folder))
            at.write(pattern(i, 0, 700), *op["path"])
            at.sync(*folder)
            at.sync()
            at.ack(op)
            there.append(op["path"])
            if at.rng.random() < 0.25:
                path = there.pop(at.rng.randrange(len(there)))
                op = at.begin("unlink", path=path)
                os.unlink(at.path(*path))
                at.sync(*path[:-1])
                at.ack(op)

    def check(self, case):
        gone = {tuple(op["path"]) for op in case.acked if op["what"] == "unlink"}
        going = {tuple(op["path"]) for op in case.begun if op["what"] == "unlink"}
        for op in case.acked:
            path = tuple(op["path"])
            if op["what"] == "file" and path not in gone | going:
                case.expect(pattern(op["seed"], 0, 700), *path)
        for path in gone:
            if not case.absent(*path):
                case.lost("%s is back", brief(path))


class Renames:
    """files and directories renamed, between directories and between short and long names"""

    def run(self, at):
        for d in "ab":
            os.mkdir(at.path(d))
        at.sync()
        places = {}
        for i in range(6):
            place = ["a", "o%d-0" % i]
            op = at.begin("new", object=i, place=place, folder=i % 2 == 1)
            if i % 2:
                os.mkdir(at.path(*place))
                at.write(pattern(i, 0, 5000), *place, "in")
                at.sync(*place)
            else:
                at.write(pattern(i, 0, 5000), *place)
            at.sync("a")
            at.ack(op)
            places[i] = place
        for k in at.times(80):
            i = at.rng.randrange(6)
            stem = "o%d-%d" % (i, k + 1)
            place = [at.rng.choice("ab"), at.name(stem) if at.rng.random() < 0.5 else stem]
            op = at.begin("move", object=i, place=place, folder=i % 2 == 1)
            os.rename(at.path(*places[i]), at.path(*place))
            at.sync(place[0])
            if places[i][0] != place[0]:
                at.sync(places[i][0])
            at.ack(op)
            places[i] = place

    def check(self, case):
        found = {}
        for d in "ab":
            for name in case.names(d, must=False):
                if name.startswith("o"):
                    found.setdefault(int(name[1:].split("-")[0]), []).append([d, name])
        for i in sorted({op["object"] for op in case.acked}):
            acked = [op for op in case.acked if op["object"] == i][-1]
            places = [acked["place"]] + [op["place"] for op in case.begun if op["object"] == i]
            got = found.get(i, [])
            if len(got) != 1 or got[0] not in places:
                case.lost("object %d is in %s, acknowledged is %s", i, [brief(p) for p in got],
                          brief(acked["place"]))
            else:
                case.expect(pattern(i, 0, 5000), *got[0], *(["in"] if acked["folder"] else []))


class HardLinks:
    """second names, some long, some in other directories; then the first name goes"""

    def run(self, at):
        os.mkdir(at.path("other"))
        at.sync()
        for i in at.times(30):
            first = ["f%d" % i]
            op = at.begin("name", path=first, seed=i, n=3000)
            at.write(pattern(i, 0, 3000), *first)
            at.sync()
            at.ack(op)
            stem = "g%d" % i
            second = at.rng.choice(([], ["other"])) + [at.name(stem) if at.rng.random() < 0.5 else stem]
            op = at.begin("name", path=second, seed=i, n=3000)
            os.link(at.path(*first), at.path(*second))
            at.sync(*second[:-1])
            at.ack(op)
            if at.rng.random() < 0.5:
                op = at.begin("unlink", path=first)
                os.unlink(at.path(*first))
                at.sync()
                at.ack(op)

    def check(self, case):
        gone = {tuple(op["path"]) for op in case.acked if op["what"] == "unlink"}
        going = {tuple(op["path"]) for op in case.begun if op["what"] == "unlink"}
        for op in case.acked:
            if op["what"] == "name" and tuple(op["path"]) not in gone | going:
                case.expect(pattern(op["seed"], 0, op["n"]), *op["path"])
        for path in gone:
            if not case.absent(*path):
                case.lost("%s is back", brief(path))


class Symlinks:
    """symbolic links with targets of 1 to 4095 bytes; some replaced by a rename"""

    def run(self, at):
        for i in at.times(50):
            name = at.name("l%d" % i) if at.rng.random() < 0.3 else "l%d" % (i % 12)
            target = ("t%d-" % i).ljust(at.rng.choice((8, 60, 900, 3100, 4000)), "t")
            op = at.begin("link", name=name, target=target)
            tmp = name if not os.path.lexists(at.path(name)) else "tmp%d" % i
            op["target"] = at.symlink(target, tmp)
            if tmp != name:
                os.rename(at.path(tmp), at.path(name))
            at.sync()
            at.ack(op)

    def check(self, case):
        for name in sorted({op["name"] for op in case.acked}):
            allowed = [[op["target"] for op in case.acked if op["name"] == name][-1]]
            allowed += [op["target"] for op in case.begun if op["name"] == name]
            if not case.listed(name):
                continue
            try:
                got = os.readlink(case.path(name))
            except OSError as e:
                case.unreadable(name, e)
                continue
            if got not in allowed:
                case.lost("%s: another target", name)


class Attributes:
    """extended attributes set, replaced and removed, fsync of the file"""

    def run(self, at):
        at.write(b"x" * 100, "file")
        at.write(b"", "empty")
        keys = ["user.a", "user.b", "user." + "k" * 60, "user." + "l" * 200]
        try:
            os.setxattr(at.path("file"), "user.probe", b"1")
        except OSError as e:
            raise Unsupported("extended attributes: " + e.strerror) from e
        for _ in at.times(70):
            name, key = at.rng.choice(("file", "empty")), at.rng.choice(keys)
            n = at.rng.randint(0, 700)
            op = at.begin("set", file=name, key=key, length=n, seed=at.next())
            if at.rng.random() < 0.2 and key in os.listxattr(at.path(name)):
                op["length"] = None
                os.removexattr(at.path(name), key)
            else:
                try:
                    os.setxattr(at.path(name), key, pattern(op["seed"], 0, n))
                except OSError as e:
                    if e.errno not in (errno.ENOSPC, errno.ERANGE, errno.E2BIG):
                        raise
                    at.journal.ops.remove(op)
                    continue
            at.sync(name)
            at.ack(op)

    def check(self, case):
        for name, key in sorted({(op["file"], op["key"]) for op in case.acked}):
            allowed = [[op for op in case.acked if (op["file"], op["key"]) == (name, key)][-1]]
            allowed += [op for op in case.begun if (op["file"], op["key"]) == (name, key)]
            values = [None if op["length"] is None else pattern(op["seed"], 0, op["length"])
                      for op in allowed]
            try:
                got = os.getxattr(case.path(name), key)
            except OSError as e:
                if e.errno != errno.ENODATA:
                    case.unreadable(name + " " + key[:12], e)
                    continue
                got = None
            if got not in values:
                case.lost("%s %s: %s", name, key[:12], "missing" if got is None else "another value")


class Remove:
    """unlink and rmdir, fsync of the directory: gone is gone, and the rest stays"""

    def run(self, at):
        os.mkdir(at.path("dir"))
        at.sync()
        there = []
        for i in at.times(60):
            if len(there) < 3 or at.rng.random() < 0.6:
                kind = at.rng.choice(("file", "file", "directory"))
                name = at.name("n%d" % i) if at.rng.random() < 0.3 else "n%d" % i
                op = at.begin(kind, path=["dir", name], seed=i)
                if kind == "file":
                    at.write(pattern(i, 0, 5000), "dir", name)
                else:
                    os.mkdir(at.path("dir", name))
                at.sync("dir")
                there.append((kind, name))
            else:
                kind, name = there.pop(at.rng.randrange(len(there)))
                op = at.begin("gone", path=["dir", name])
                (os.unlink if kind == "file" else os.rmdir)(at.path("dir", name))
                at.sync("dir")
            at.ack(op)

    def check(self, case):
        gone = {tuple(op["path"]) for op in case.acked if op["what"] == "gone"}
        going = {tuple(op["path"]) for op in case.begun if op["what"] == "gone"}
        for op in case.acked:
            path = tuple(op["path"])
            if op["what"] == "gone":
                if not case.absent(*path):
                    case.lost("%s is back", brief(path))
            elif path in gone | going:
                continue
            elif op["what"] == "file":
                case.expect(pattern(op["seed"], 0, 5000), *path)
            elif case.listed(*path):
                case.names(*path)
