# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads that are programs people use: tar, git, rsync, SQLite, make."""

import os
import sqlite3
import subprocess
import time

import machine
from work import Workload

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GIT = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "bench",
       "GIT_AUTHOR_EMAIL": "bench@localhost", "GIT_COMMITTER_NAME": "bench", "GIT_COMMITTER_EMAIL": "bench@localhost"}
# Whoever runs this may be in the middle of a git command of his own.
for _name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
    GIT.pop(_name, None)
OF_TOP = ("src", "tests", "doc", "man", "scripts", "bench", "completions", "m4", "README.md", "CONTRIBUTING.md",
          "LICENSE", "Makefile.am", "configure.ac", "autogen.sh")


class Shared:
    """What all contenders use, made in a plain directory at first need."""

    def __init__(self, base, io):
        self.io = io
        self.base = base
        self.made = {}

    def once(self, name, make):
        if name not in self.made:
            make(os.path.join(self.base, name))
            self.made[name] = os.path.join(self.base, name)
        return self.made[name]

    def tarball(self, size):
        where, what = ("/usr", ["include"]) if size.sources else (TOP, [w for w in OF_TOP if w != "tests"])
        there = [w for w in what if os.path.exists(os.path.join(where, w))]
        return self.once("sources.tar", lambda path: machine.run("tar", "-C", where, "-cf", path, *there))

    def sources(self, size):
        def make(path):
            os.mkdir(path)
            machine.run("tar", "-C", path, "-xf", self.tarball(size))
        return self.once("sources", make)

    def project(self):
        """This project, configured: a tarball."""
        def make(path):
            folder = path + ".d"
            os.mkdir(folder)
            there = [w for w in OF_TOP if os.path.exists(os.path.join(TOP, w))]
            machine.run("cp", "-a", *[os.path.join(TOP, w) for w in there], folder)
            machine.run("sh", "-c", "./autogen.sh && ./configure -q", cwd=folder)
            machine.run("tar", "-C", folder, "-cf", path, ".")
        return self.once("project.tar", make)


def extracted(place, name, tarball):
    def make(path):
        os.mkdir(path)
        machine.run("tar", "-C", path, "-xf", tarball)
    return place.once(name, make)


def untar(place):
    path = place.of_round("untar")
    os.mkdir(path)
    return place.timed("tar", "-C", path, "-xf", place.shared.tarball(place.size))


def git(place, *argv):
    return place.timed("git", "-c", "gc.auto=0", *argv, cwd=place.of_round("git"), env=GIT)


def repository(place):
    """Of this round, with its files but nothing in it."""
    name = "git-%d" % place.round
    if name not in place.state:
        extracted(place, name, place.shared.tarball(place.size))
        git(place, "init", "-q")


def added(place):
    name = "git-added-%d" % place.round
    if name not in place.state:
        repository(place)
        git(place, "add", "-A")
        place.state[name] = True


def git_add(place):
    seconds = git(place, "add", "-A")
    place.state["git-added-%d" % place.round] = True
    return seconds


def git_commit(place):
    seconds = git(place, "commit", "-q", "-m", "all")
    place.state["git-committed-%d" % place.round] = True
    return seconds


def committed(place):
    if "git-committed-%d" % place.round not in place.state:
        added(place)
        git_commit(place)


def git_status(place):
    return git(place, "status", "--porcelain")


def rsync(place):
    return place.timed("rsync", "-a", place.shared.sources(place.size) + "/", place.path("rsync") + "/")


def sqlite(journal):
    def go(place):
        db = sqlite3.connect(place.of_round("sqlite-" + journal), isolation_level=None, timeout=60)
        try:
            mode = db.execute("PRAGMA journal_mode=" + journal).fetchone()[0]
            if mode.upper() != journal:
                raise machine.Trouble("SQLite does not get journal mode " + journal)
            db.execute("PRAGMA synchronous=FULL")
            db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, number INTEGER, text TEXT)")
            begun = time.monotonic()
            for i in range(place.size.transactions):
                db.execute("INSERT INTO t (number, text) VALUES (?, ?)", (i * 7919 % 10007, "%0100d" % i))
            return time.monotonic() - begun
        except sqlite3.Error as e:
            raise machine.Trouble("SQLite: %s" % e) from e
        finally:
            db.close()
    return go


def project(place):
    path = extracted(place, "project", place.shared.project())
    subprocess.run(["make", "-s", "-C", path, "clean"], check=False, **machine.QUIET)


def make(place):
    return place.timed("make", "-s", "-j2", "-C", place.path("project"), "cryptfs", env=clean_make())


def clean_make():
    """Without what 'make bench' would tell the make below it."""
    return {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "GNUMAKEFLAGS")}


TRANSACTIONS = {"amount": lambda size: size.transactions, "unit": "/s"}

WORKLOADS = (
    Workload("untar", "untar sources", "metadata", untar),
    Workload("git-add", "git add", "metadata", git_add, repository),
    Workload("git-commit", "git commit", "metadata", git_commit, added),
    Workload("git-status", "git status, warm", "metadata", git_status, committed, "warm"),
    Workload("rsync", "rsync, nothing changed", "metadata", rsync, None, "warm"),
    Workload("sqlite-wal", "SQLite inserts, WAL", "data", sqlite("WAL"), **TRANSACTIONS),
    Workload("sqlite-delete", "SQLite inserts, DELETE", "data", sqlite("DELETE"), **TRANSACTIONS),
    Workload("make", "make -j2", "metadata", make, project, only="full"),
)
