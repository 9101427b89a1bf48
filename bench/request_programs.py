# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests programs make of cryptfs and of gocryptfs: what is left of a comparison when time is taken away."""

import os
import sqlite3
import subprocess

from request_mounts import Gocryptfs, Mount
from work_programs import GIT

FILES, DIRECTORIES, INSERTS, APPENDS = 1000, 20, 100, 1000
SHOWN = 4  # kinds of requests


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=GIT)


def make_tree(path):
    for i in range(FILES):
        d = os.path.join(path, "d%d" % (i % DIRECTORIES))
        os.makedirs(d, exist_ok=True)
        with open(os.path.join(d, "f%d" % i), "wb") as f:
            f.write(os.urandom(64) * (1 + i % 60))


def append():
    for _ in range(APPENDS):
        with open("log", "ab", buffering=0) as f:
            f.write(b"x" * 100)


def sqlite(mode):
    db = sqlite3.connect("sqlite-" + mode, isolation_level=None)
    db.execute("PRAGMA journal_mode=" + mode)
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (number INTEGER, text TEXT)")
    for i in range(INSERTS):
        db.execute("INSERT INTO t VALUES (?, ?)", (i, "%0100d" % i))
    db.close()


def read_tree():
    run("sh", "-c", "tar -cf - tree | cat >/dev/null")


def git_init():
    os.makedirs("git", exist_ok=True)
    run("cp", "-a", "tree", "git/")
    run("git", "-C", "git", "init", "-q")


def twice(*argv):
    """Once before, and then."""
    return (lambda: run(*argv),) * 2


# What is done before, uncounted; and then.
PROGRAMS = [
    ("untar %d files in %d directories" % (FILES, DIRECTORIES), None, lambda: run("tar", "-xf", "../tree.tar")),
    ("find, again", *twice("find", "tree", "-size", "+9999")),
    ("ls -lR, again", *twice("ls", "-lR", "tree")),
    ("read all of it (tar), again", read_tree, read_tree),
    ("cp -a", None, lambda: run("cp", "-a", "tree", "copy")),
    ("rsync, nothing changed", *twice("rsync", "-a", "../tree/", "rsync/")),
    ("git add", git_init, lambda: run("git", "-C", "git", "-c", "gc.auto=0", "add", "-A")),
    ("git commit", None, lambda: run("git", "-C", "git", "-c", "gc.auto=0", "commit", "-q", "-m", "all")),
    ("git status, again", *twice("git", "-C", "git", "status")),
    ("%d appends, each with open and close" % APPENDS, None, append),
    ("SQLite, %d inserts, WAL" % INSERTS, None, lambda: sqlite("WAL")),
    ("SQLite, %d inserts, DELETE" % INSERTS, None, lambda: sqlite("DELETE")),
    ("rm -rf", None, lambda: run("rm", "-rf", "copy")),
]


def measure(mount):
    try:
        os.chdir(mount.mnt)
        counts = []
        for _, before, then in PROGRAMS:
            if before:
                before()
            mount.requests()
            then()
            counts.append(mount.requests())
        return counts
    finally:
        os.chdir("/")
        mount.end()


def tell(counts):
    most = ", ".join("%d %s" % (n, kind) for kind, n in counts.most_common(SHOWN))
    return "%d: %s" % (sum(counts.values()), most) if counts else "none"


def table(base, options):
    make_tree(os.path.join(base, "tree"))
    run("tar", "-C", base, "-cf", os.path.join(base, "tree.tar"), "tree")
    ours = measure(Mount(base, "cryptfs", options.cryptfs))
    theirs = measure(Gocryptfs(base, "gocryptfs", "gocryptfs"))
    rows = ["| %s | %s | %s |\n" % (name, tell(a), tell(b)) for (name, _, _), a, b in zip(PROGRAMS, ours, theirs)]
    return "| | cryptfs | gocryptfs |\n|---|---|---|\n" + "".join(rows)
