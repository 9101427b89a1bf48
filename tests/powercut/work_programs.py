# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads that are programs which take durability seriously."""

import os
import sqlite3
import subprocess

from judge import pattern


class SqliteExtra:
    """SQLite, journal_mode=DELETE, synchronous=EXTRA: every committed row"""
    journal_mode, synchronous = "DELETE", "EXTRA"
    behind = 0  # how many acknowledged transactions may be missing

    def connect(self, at):
        db = sqlite3.connect(at.path("db"), isolation_level=None)
        db.execute("PRAGMA journal_mode=" + self.journal_mode)
        db.execute("PRAGMA synchronous=" + self.synchronous)
        db.execute("PRAGMA wal_autocheckpoint=20")
        return db

    def run(self, at):
        db = self.connect(at)
        op = at.begin("commit", number=0, rows=0)
        db.execute("BEGIN")
        db.execute("CREATE TABLE last(number INTEGER)")
        db.execute("INSERT INTO last VALUES(0)")
        db.execute("CREATE TABLE t(number INTEGER, k INTEGER, v BLOB, UNIQUE(number, k))")
        db.execute("COMMIT")
        at.ack(op)
        for i in at.times(50):
            op = at.begin("commit", number=i + 1, rows=at.rng.randint(1, 6))
            db.execute("BEGIN")
            for k in range(op["rows"]):
                db.execute("INSERT INTO t VALUES(?, ?, ?)",
                           (i + 1, k, pattern(i, k, at.rng.choice((10, 400, 6000)))))
            db.execute("UPDATE last SET number = ?", (i + 1,))
            db.execute("COMMIT")
            at.ack(op)
            if at.rng.random() < 0.1:
                db.close()
                db = self.connect(at)
        db.close()

    def check(self, case):
        acked = max((op["number"] for op in case.acked), default=-1) - self.behind
        if acked < 0 and case.absent("db"):
            return
        try:
            db = sqlite3.connect(case.path("db"), isolation_level=None)
            try:
                self._look(case, db, acked)
            finally:
                db.close()
        except sqlite3.OperationalError as e:
            if acked < 0 and "no such table" in str(e):
                return
            if "no such table" in str(e):
                case.lost("db: %s", e)
            else:
                case.problems.append(("unreadable", "db: %s" % e))
        except sqlite3.DatabaseError as e:
            case.lost("db: %s", e)

    def _look(self, case, db, acked):
        answer = [row[0] for row in db.execute("PRAGMA integrity_check")]
        if answer != ["ok"]:
            case.lost("db: integrity_check: %s", "; ".join(answer)[:200])
            return
        number = db.execute("SELECT number FROM last").fetchone()[0]
        if number < acked:
            case.lost("db: transaction %d is the last, acknowledged is %d", number, acked)
        rows = dict(db.execute("SELECT number, count(*) FROM t GROUP BY number"))
        want = {op["number"]: op["rows"] for op in case.acked + case.begun
                if 0 < op["number"] <= number}
        if rows != want:
            case.lost("db: rows of transactions %s", sorted(set(rows.items()) ^ set(want.items()))[:6])


class SqliteFull(SqliteExtra):
    """SQLite, journal_mode=DELETE, synchronous=FULL: consistent, and all commits but the last, as SQLite has it"""
    synchronous = "FULL"
    behind = 1


class SqliteWal(SqliteExtra):
    """SQLite, journal_mode=WAL, synchronous=FULL: every committed row"""
    journal_mode, synchronous = "WAL", "FULL"


class Git:
    """git commits with core.fsync=all, then fsync of git's directories: fsck is clean, every commit there"""
    options = ("-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync", "-c", "gc.auto=0",
               "-c", "core.logAllRefUpdates=false", "-c", "user.name=x", "-c", "user.email=x",
               "-c", "init.defaultBranch=main", "-c", "safe.directory=*")
    unsuited = ("btrfs",)  # fsync of its directories is not enough there: the plain filesystem loses commits

    def git(self, root, *argv):
        env = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", LC_ALL="C")
        p = subprocess.run(["git", *self.options, "-C", os.path.join(root, "repo"), *argv], env=env,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=60)
        return p.returncode, p.stdout.decode(errors="replace").strip()

    def must(self, root, *argv):
        rc, out = self.git(root, *argv)
        if rc != 0:
            raise RuntimeError("git %s: %s" % (argv[0], out))
        return out

    def run(self, at):
        os.mkdir(at.path("repo"))
        self.must(at.root, "init", "-q")
        for folder, _, files in os.walk(at.path("repo", ".git")):
            for name in files:
                at.sync(folder, name)  # init leaves that to the system, HEAD included
        for i in at.times(10):
            op = at.begin("commit", id=None)
            for k in range(at.rng.randint(1, 3)):
                with open(at.path("repo", "f%d" % at.rng.randrange(5)), "wb") as f:
                    f.write(pattern(at.next(), k, at.rng.randint(1, 6000)))
            self.must(at.root, "add", "-A")
            self.must(at.root, "commit", "-q", "-m", "commit %d" % i)
            for folder, _, _ in os.walk(at.path("repo", ".git"), topdown=False):
                at.sync(folder)
            at.sync("repo")
            at.sync()
            op["id"] = self.must(at.root, "rev-parse", "HEAD")
            at.ack(op)

    def check(self, case):
        ids = [op["id"] for op in case.acked]
        if not ids:
            return
        rc, out = self.git(case.root, "fsck", "--full", "--strict")
        if rc != 0:
            case.lost("git fsck: %s", "; ".join(out.splitlines()[:4])[:300])
        rc, out = self.git(case.root, "rev-list", "HEAD")
        if rc != 0:
            case.lost("git rev-list: %s", out[:200])
        for commit in ids:
            if rc == 0 and commit not in out:
                case.lost("git: commit %s is not reachable", commit)
