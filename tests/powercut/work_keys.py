# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads on a vault's keys: commands that change its settings, or all of it, while nothing is mounted. They have
three hooks more: prepare() before the recording counts, before() and after() the look at what a cut has left."""

import os
import subprocess

import contenders
from judge import brief, pattern
from work import Unsupported

KDF = ("--kdf-memory", "8", "--kdf-time", "0.01")


class Commands:
    """Runs commands of the program under test on its vault."""
    offline = True

    @staticmethod
    def needs(contender):
        if not isinstance(contender, contenders.Cryptfs):
            raise Unsupported("it has no such commands")

    @staticmethod
    def secret(contender, name):
        """A file with a secret, beside the disk under test."""
        path = os.path.join(contender.folder, "secret-" + name)
        with open(path, "w", encoding="ascii") as f:
            f.write(name + "\n")
        return path

    @staticmethod
    def run_verb(contender, *argv):
        """Returns (exit code, what it said)."""
        p = subprocess.run([contender.program, *argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=120, check=False)
        return p.returncode, p.stdout.decode(errors="replace").strip()

    def must(self, contender, *argv):
        code, said = self.run_verb(contender, *argv)
        if code != 0:
            raise RuntimeError("%s: exit code %d: %s" % (" ".join(argv), code, said))


class Keys(Commands):
    """secrets added, changed and removed, each done when the command has ended: of the change under way the old or the
    new ones open the vault, and no others"""

    opening = {"0": contenders.PASSPHRASE}

    def prepare(self, at):
        self.needs(at.contender)
        at.contender.mount()
        op = at.begin("file")
        at.write(pattern(1, 0, 9000), "file")
        at.sync()
        at.ack(op)
        at.contender.unmount()

    def run(self, at):
        have = self.opening
        for i in at.times(40):
            slot = at.rng.choice(sorted(have))
            what = at.rng.choice(["add"] * (len(have) < 4) + ["change"] + ["remove"] * (len(have) > 1))
            by = at.rng.choice(sorted(have))
            argv = ["key", what, "-q", at.contender.vault, "--passfile", self.secret(at.contender, have[by])]
            new = "secret%d" % i
            then = dict(have)
            if what == "remove":
                del then[slot]
                argv.append(slot)
            else:
                slot = slot if what == "change" else str(min(set(range(32)) - {int(s) for s in have}))
                then[slot] = new
                argv += ["--new-passfile", self.secret(at.contender, new), *KDF]
                if what == "change":
                    argv.append(slot)
            op = at.begin("keys", before=have, after=then)
            self.must(at.contender, *argv)
            at.ack(op)
            have = then

    def before(self, case, contender):
        """Which secrets open it now?"""
        acked = [op for op in case.acked if op["what"] == "keys"][-1:]
        begun = [op for op in case.begun if op["what"] == "keys"]
        states = [op["after"] for op in acked] + [op["before"] for op in begun] + [op["after"] for op in begun]
        states = states or [self.opening]
        every = sorted({secret for state in states for secret in state.values()} | {contenders.PASSPHRASE} | {
            secret for op in case.acked if op["what"] == "keys" for secret in op["before"].values()})[-12:]
        opening = {}
        for secret in every:
            code, said = self.run_verb(contender, "key", "test", contender.vault, "--passfile",
                                       self.secret(contender, secret))
            if code not in (0, 3):
                case.problems.append(("unmountable", "key test: exit code %d: %s" % (code, said)))
            if code == 0:
                opening[next(w for w in said.split() if w.isdigit())] = secret
        wanted = [{s: n for s, n in state.items() if n in every} for state in states]
        if opening not in wanted:
            case.lost("these open it: %s; acknowledged, or about to be: %s", opening, wanted)
        if opening:
            contender.secret = opening[sorted(opening)[0]]

    def check(self, case):
        if case.acked:
            case.expect(pattern(1, 0, 9000), "file")


class Restore(Keys):
    """copies of the settings put back in turn, each done when the command has ended: the one or the other secret opens the
    vault, and only that"""
    opening = {"0": "changed"}

    @staticmethod
    def copy(contender, secret):
        return os.path.join(contender.folder, "copy-" + secret.split()[0])

    def prepare(self, at):
        super().prepare(at)
        vault, old, new = at.contender.vault, contenders.PASSPHRASE, self.opening["0"]
        self.must(at.contender, "settings", "backup", "-q", vault, self.copy(at.contender, old))
        self.must(at.contender, "passwd", "-q", vault, "--passfile", self.secret(at.contender, old), "--new-passfile",
                  self.secret(at.contender, new), *KDF)
        self.must(at.contender, "settings", "backup", "-q", vault, self.copy(at.contender, new))

    def run(self, at):
        have, then = self.opening, {"0": contenders.PASSPHRASE}
        for _ in at.times(40):
            op = at.begin("keys", before=have, after=then)
            self.must(at.contender, "settings", "restore", "-q", "--force", at.contender.vault,
                      self.copy(at.contender, then["0"]), "--passfile", self.secret(at.contender, then["0"]))
            at.ack(op)
            have, then = then, have


class Rekey(Commands):
    """a new master key, several times over: every file whole by the one secret, and it goes on to the end"""

    def prepare(self, at):
        self.needs(at.contender)
        at.contender.mount()
        folders = [()]
        for i in range(30):
            parent = at.rng.choice(folders)
            name = at.name("f%d" % i) if at.rng.random() < 0.3 else "f%d" % i
            kind = at.rng.choice(("file", "file", "file", "large", "dir", "link", "long link"))
            op = at.begin(kind, path=[*parent, name], seed=i, length=at.rng.randint(1, 60000))
            where = at.path(*op["path"])
            if kind == "dir":
                os.mkdir(where)
                folders.append(tuple(op["path"]))
            elif kind in ("link", "long link"):
                os.symlink(self.target(op), where)
            else:
                op["length"] *= 20 if kind == "large" else 1
                at.write(pattern(i, 0, op["length"]), *op["path"])
            if kind in ("file", "dir"):
                os.setxattr(where, "user.name", pattern(i, 7, 50))
                os.setxattr(where, "user." + "n" * 230, b"long")
                at.sync(*op["path"])
            at.sync(*parent)
            at.ack(op)
        at.contender.unmount()

    @staticmethod
    def target(op):
        return ("t%d" % op["seed"] * 3100)[:3100 if op["what"] == "long link" else 20]

    def run(self, at):
        for _ in at.times(5):
            op = at.begin("rekey")
            self.must(at.contender, *self.verb(at.contender))
            at.ack(op)

    def verb(self, contender):
        return ("rekey", "-q", contender.vault, "--passfile", self.secret(contender, contenders.PASSPHRASE))

    def check(self, case):
        for op in case.acked:
            if op["what"] in ("file", "large"):
                case.expect(pattern(op["seed"], 0, op["length"]), *op["path"])
            elif op["what"] in ("link", "long link"):
                self._check_link(case, op)
            elif op["what"] == "dir" and case.listed(*op["path"]):
                case.names(*op["path"])
            if op["what"] in ("file", "dir"):
                self._check_attributes(case, op)

    def _check_link(self, case, op):
        try:
            if case.listed(*op["path"]) and os.readlink(case.path(*op["path"])) != self.target(op):
                case.lost("%s has another target", brief(op["path"]))
        except OSError as e:
            case.unreadable(brief(op["path"]), e)

    @staticmethod
    def _check_attributes(case, op):
        path = case.path(*op["path"])
        try:
            have = {a: os.getxattr(path, a) for a in os.listxattr(path)}
            if have != {"user.name": pattern(op["seed"], 7, 50), "user." + "n" * 230: b"long"}:
                case.lost("%s: attributes %s", brief(op["path"]), sorted(have))
        except OSError as e:
            case.unreadable("attributes of " + brief(op["path"]), e)

    def after(self, case, contender):
        """To the end, and everything once more. What an interrupted one leaves is no damage."""
        for argv in self.verb(contender), ("check", "-q", *self.verb(contender)[2:]):
            code, said = self.run_verb(contender, *argv)
            if code != 0:
                case.problems.append(("unreadable", "%s: exit code %d: %s" % (argv[0], code, said)))
        case.listings.clear()
        contender.mount()
        try:
            self.check(case)
            case.sweep()
        finally:
            contender.unmount()
