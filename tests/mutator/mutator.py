#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vault that somebody changes on disk, between mounts and while it is mounted, under a load that reads and writes it.

In rounds: a fresh copy of a vault with known content is attacked (attack.py), mounted, attacked and used by turns, looked
through, unmounted, mounted again. cryptfs may answer with errors, never with wrong plaintext (judge.py says what is
wrong), a crash, a sanitizer's report, a hang, more memory than it should have, or a log that tells a plaintext name.
Best with a program made with --enable-sanitizers.

    CRYPTFS=build/cryptfs tests/e2e/apart tests/mutator/mutator.py

    MUTATOR_SECONDS   how long (60); a round that has begun is finished
    MUTATOR_SEED      where it begins (1)
    MUTATOR_ROUND     only this round: what a failure prints
    MUTATOR_STEPS     attacks and uses in a round (60)
    TMPDIR            where the vaults are (/var/tmp): best where inode numbers are used again, as on ext4

TAP; the last lines say how much was done."""

import collections
import errno
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
SECONDS = float(os.environ.get("MUTATOR_SECONDS", "60"))
SEED = int(os.environ.get("MUTATOR_SEED", "1"))
ONLY = os.environ.get("MUTATOR_ROUND")
STEPS = int(os.environ.get("MUTATOR_STEPS", "60"))
OP_TIMEOUT = 120
os.environ["E2E_TIMEOUT"] = str(SECONDS + 1200)
os.environ.setdefault("TMPDIR", "/var/tmp")
import attack
import e2e
import settings
from judge import BLOCK, MARK, Content, Judge, Wrong

os.environ.pop("CRYPTFS_WARN_FATAL", None)  # damage is what these daemons are to report
MEMORY_MB = 1500  # with ASan's own
DEAD = (errno.ENOTCONN, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ESHUTDOWN)
DAMAGE = (errno.EIO, errno.EUCLEAN, errno.EBADMSG)
READ_MAX = 1 << 20
FIRST = BLOCK - 64
SIZES = [0, 1, 64, 100, FIRST - 1, FIRST, FIRST + 1, 4096, 8000, FIRST + 2 * BLOCK, 40000, 130000]


def name_of(what, length=0):
    name = "%s-%s" % (MARK, what)
    return name + "n" * max(0, length - len(name))


class Base:
    """The vault that each round has a copy of, what is in it, and where that lies."""

    def __init__(self):
        self.rng = random.Random(SEED)
        self.judge = Judge()
        self.static, self.busy = {}, {}          # path of a file: Content
        self.static_dirs, self.busy_dirs, self.links = [], [], []
        self.disk, self.large = [], []           # what can be attacked, below the vault; of it files of several pages
        self.vault = e2e.Vault("base")
        self.vault.mount()
        self.fill()
        inos = {p: os.lstat(self.vault.path(p)).st_ino for p in self.all_paths()}
        self.vault.umount()
        self.judge.vault = self.vault.dir
        self.find(inos)

    def all_paths(self):
        return [*self.static_dirs, *self.busy_dirs, *self.links, *self.static, *self.busy]

    def name(self, parent, name):
        self.judge.names.add(name)
        if parent in self.static_dirs:
            self.judge.home[name] = parent
        return os.path.join(parent, name) if parent else name

    def directory(self, parent, name, static):
        path = self.name(parent, name)
        os.mkdir(self.vault.path(path))
        (self.static_dirs if static else self.busy_dirs).append(path)
        return path

    def file(self, parent, name, size, static, holes=False):
        path = self.name(parent, name)
        content = Content(static, holes)
        with open(self.vault.path(path), "wb") as f:
            for off in (range(0, size, size // 3) if holes else (0,)):
                data = self.rng.randbytes(min(size - off, 5000) if holes else size)
                f.seek(off)
                f.write(data)
                content.wrote(off, data)
        (self.static if static else self.busy)[path] = content
        self.judge.contents.append(content)
        return path

    def attribute(self, path, name, value):
        self.judge.attrs.setdefault(name, set()).add(value)
        try:
            os.setxattr(self.vault.path(path), name, value)
        except OSError as e:
            if e.errno != errno.EOPNOTSUPP:
                raise

    def link(self, parent, name, target):
        path = self.name(parent, name)
        os.symlink(target, self.vault.path(path))
        self.judge.targets.add(target)
        self.links.append(path)

    def fill(self):
        for static in True, False:
            kind = "static" if static else "busy"
            top = self.directory("", name_of(kind), static)
            dirs = [top, self.directory(top, name_of(kind + "-sub"), static),
                    self.directory(top, name_of(kind + "-long", 220), static)]
            for i, size in enumerate(SIZES):
                self.file(dirs[i % 3], name_of("%s-%d" % (kind, size)), size, static)
            for i, size in enumerate((5000, 70000)):
                long = self.file(dirs[i], name_of("%s-l%d" % (kind, i), 161 + 94 * i), size, static)
                self.file(dirs[i], name_of("%s-holes%d" % (kind, i)), 60000 + size, static, holes=True)
                self.attribute(long, "user." + MARK + "short", b"value " + MARK.encode() + b" %d" % i)
                self.attribute(long, "user." + MARK + "l" * 200, b"long " + MARK.encode() * (1 + 30 * i))
            for i, n in enumerate((10, 100, 4000)):
                self.link(dirs[i], name_of("%s-link%d" % (kind, i)), "%s/%s%d" % (MARK, "t" * n, i))

    def find(self, inos):
        """Where each of them lies, and the nonces of the files; the order is that of the plaintext names."""
        by_ino = {}
        for d, dirs, files in os.walk(self.vault.dir):
            for n in dirs + files:
                path = os.path.join(d, n)
                by_ino[os.lstat(path).st_ino] = path
        for plain in sorted(inos):
            path = by_ino[inos[plain]]
            extra = [path + ".name", os.path.join(path, "cryptfs.dir")]
            if os.path.islink(path):
                extra.append(os.path.join(os.path.dirname(path), os.readlink(path)))
            self.disk += [os.path.relpath(p, self.vault.dir) for p in [path] + extra if os.path.lexists(p)]
            content = self.static.get(plain) or self.busy.get(plain)
            if content and content.size > 2 * BLOCK:
                self.large.append(os.path.relpath(path, self.vault.dir))
            if content:
                content.nonces.add(self.judge.nonce(inos[plain]))
                content.nonces.discard(None)


class Round:
    """One round, the same for the same seed and number but for what the kernel's clock does."""

    def __init__(self, base, number):
        self.rng = random.Random("%d:%d" % (SEED, number))
        self.now = self.rng  # each step has its own, so that what comes after it does not depend on how it ended
        self.base, self.number, self.log = base, number, []
        self.judge = Judge()
        self.judge.__dict__.update({k: (set(v) if isinstance(v, set) else dict(v) if isinstance(v, dict) else v)
                                    for k, v in base.judge.__dict__.items()})
        self.static = base.static
        self.busy = {p: c.copy() for p, c in base.busy.items()}
        self.judge.contents = [*self.static.values(), *self.busy.values()]
        self.busy_dirs = list(base.busy_dirs)
        self.keep = attack.Keep()
        self.errors = collections.Counter()
        self.attacks = collections.Counter()
        self.ops = self.serial = self.memory = 0
        self.vault = None

    # ---- running one thing

    def do(self, what, function, *args):
        """Do something on the mount: an error is an answer, unless it says that nobody answers."""
        self.log.append(what)
        self.ops += 1
        watch.begin(what)
        try:
            return function(*args)
        except OSError as e:
            self.errors[errno.errorcode.get(e.errno, str(e.errno))] += 1
            if e.errno in DEAD or self.vault.daemon.poll() is not None:
                raise Wrong("%s: %s, exit code %s" % (what, e, self.vault.daemon.poll())) from e
            return None
        finally:
            watch.end()

    def strike(self):
        """One attack: on what was there in the beginning, or on what the user has made."""
        where = self.base.large if self.now.random() < 0.6 else self.base.disk
        path, other = (os.path.join(self.vault.dir, self.now.choice(where)) for _ in range(2))
        pick = self.now.random()
        if pick < 0.2 and self.vault.daemon and self.busy:
            target = self.now.choice(sorted(self.busy))
            found = self.do("lstat of what is attacked", os.lstat, self.vault.path(target))
            path = (self.judge.ciphertext(found.st_ino) if found else None) or path
        done = attack.one(self.now, path, other, self.keep)
        self.attacks[done] += 1
        self.log.append("ATTACK %s on %s" % (done, os.path.relpath(path, self.vault.dir)))

    # ---- the user

    def read_file(self, path, of):
        fd = os.open(self.vault.path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            st = os.fstat(fd)
            if not stat.S_ISREG(st.st_mode):
                return
            key = path if of else None
            nonces = self.judge.look(key, st.st_ino)
            at, damaged = 0, False
            while at < READ_MAX:
                try:
                    data = os.pread(fd, self.now.choice((4096, 30000, 200000)), at)
                except OSError as e:
                    self.errors[errno.errorcode[e.errno]] += 1
                    if e.errno in DEAD:
                        raise
                    damaged, at = True, at + 4096  # what is behind it
                    if at >= st.st_size:
                        return
                    continue
                if not data:
                    break
                self.judge.read(path, nonces | self.judge.look(key, st.st_ino), of, at, data)
                at += len(data)
            if not damaged and at < READ_MAX:
                self.judge.ended(path, nonces, of, at)
            if st.st_size > READ_MAX:
                data = os.pread(fd, 5000, st.st_size - 4096)
                self.judge.read(path, nonces, of, st.st_size - 4096, data)
        finally:
            os.close(fd)

    def look_at(self, path):
        """Everything that can be asked of one path."""
        full = self.vault.path(path)
        st = self.do("lstat " + path, os.lstat, full)
        if st is None:
            return None
        if stat.S_ISLNK(st.st_mode):
            target = self.do("readlink " + path, os.readlink, full)
            if target is not None:
                self.judge.target(path, target)
        elif stat.S_ISREG(st.st_mode):
            of = self.static.get(path) or self.busy.get(path)
            self.do("read " + path, self.read_file, path, of)
        for name in self.do("listxattr " + path, lambda: os.listxattr(full, follow_symlinks=False)) or []:
            if name.startswith("user."):
                value = self.do("getxattr " + path, lambda n=name: os.getxattr(full, n, follow_symlinks=False))
                if value is not None:
                    self.judge.attribute(path, name, value)
        return st

    def walk(self, path=""):
        names = self.do("list " + path, os.listdir, self.vault.path(path))
        if names is None:
            return
        self.judge.listed(path, names, path in self.base.static_dirs)
        for n in sorted(names):
            child = os.path.join(path, n)
            st = self.look_at(child)
            if st and stat.S_ISDIR(st.st_mode) and child.count("/") < 8:
                self.walk(child)

    def new_name(self):
        self.serial += 1
        name = name_of("new%d" % self.serial, self.now.choice((0, 0, 0, 200)))
        self.judge.names.add(name)
        return os.path.join(self.now.choice(self.busy_dirs), name)

    def touched(self, path, ino):
        self.busy[path].nonces |= self.judge.look(path, ino)

    def change_file(self, path, change):
        """Open a file and let it be changed: what is under it before and after is what was changed."""
        fd = os.open(self.vault.path(path), os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            st = os.fstat(fd)
            if not stat.S_ISREG(st.st_mode):
                return
            self.touched(path, st.st_ino)
            try:
                change(fd, min(st.st_size, 1 << 20))
                os.fsync(fd)
            finally:
                self.touched(path, st.st_ino)
        finally:
            os.close(fd)

    def write(self, path, fd, off, n):
        data = self.now.randbytes(n)
        self.busy[path].wrote(off, data)
        os.pwrite(fd, data, off)

    def use_write(self):
        path, n = self.now.choice(sorted(self.busy)), self.now.choice((1, 50, 4032, 4096, 20000))
        how = self.now.randrange(4)
        self.do("write %s" % path, self.change_file, path, lambda fd, size: self.write(
            path, fd, size if how == 0 else self.now.randrange(size + 1) if how < 3 else size + 9000, n))

    def use_truncate(self):
        path = self.now.choice(sorted(self.busy))
        to = self.now.choice((0, 1, 100, FIRST, 9000, 100000))
        self.do("truncate %s %d" % (path, to), self.change_file, path, lambda fd, size: os.ftruncate(fd, to))

    def use_punch(self):
        path, n = self.now.choice(sorted(self.busy)), self.now.choice((100, 4096, 30000))
        self.do("punch %s" % path, self.change_file, path, lambda fd, size: e2e.fallocate(
            fd, e2e.PUNCH_HOLE | e2e.KEEP_SIZE, self.now.randrange(size + 1), n))

    def use_create(self):
        path = self.new_name()
        content = Content(False, False)

        def create():
            os.close(os.open(self.vault.path(path), os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644))
            self.busy[path] = content
            self.judge.contents.append(content)
            self.change_file(path, lambda fd, size: self.write(path, fd, 0, self.now.choice((10, 5000))))
        self.do("create " + path, create)

    def use_names(self):
        path, new = self.now.choice(sorted(self.busy)), self.new_name()
        full, how = self.vault.path(path), self.now.randrange(5)

        def change():
            if how < 2:
                os.rename(full, self.vault.path(new))
                self.busy[new] = self.busy.pop(path)
            elif how == 2:
                os.link(full, self.vault.path(new))
                self.busy[new] = self.busy[path]
            elif how == 3:
                other = self.now.choice(sorted(self.busy))
                os.rename(full, self.vault.path(other))
                if other != path:
                    self.busy[other] = self.busy.pop(path)
            elif len(self.busy) > 8:
                os.unlink(full)
                del self.busy[path]
        self.do("rename, link or unlink " + path, change)

    def use_dirs(self):
        new, how = self.new_name(), self.now.randrange(3)

        def change():
            if how < 2:
                os.mkdir(self.vault.path(new))
                self.busy_dirs.append(new)
            else:
                path = self.now.choice(self.busy_dirs)
                os.rmdir(self.vault.path(path))
                self.busy_dirs.remove(path)
        self.do("mkdir or rmdir " + new, change)

    def use_link(self):
        new, target = self.new_name(), "%s/%s" % (MARK, "u" * self.now.choice((5, 3500)))
        self.judge.targets.add(target)
        self.do("symlink " + new, os.symlink, target, self.vault.path(new))

    def use_attribute(self):
        path, name = self.now.choice(sorted(self.busy)), "user." + MARK + self.now.choice(("short", "l" * 200))
        value = MARK.encode() + self.now.randbytes(20)
        self.judge.attrs.setdefault(name, set()).add(value)
        self.do("setxattr " + path, os.setxattr, self.vault.path(path), name, value)

    def use_look(self):
        for path in self.now.sample(sorted(self.base.all_paths()), 4) + self.now.sample(sorted(self.busy), 2):
            self.look_at(path)

    def use_statfs(self):
        self.do("statfs", os.statvfs, self.vault.mnt)

    USES = [use_write] * 4 + [use_truncate, use_punch, use_create, use_names, use_names, use_dirs, use_link, use_attribute,
                              use_look, use_look, use_look, use_look, use_statfs]

    # ---- a round

    def session(self, *options):
        """Mount, look, attack and use, look, unmount."""
        self.judge.forget_seen()
        self.log.append("MOUNT " + " ".join(options))
        self.vault.mount(*options)
        before = sum(self.errors[errno.errorcode[e]] for e in DAMAGE)
        at = os.path.getsize(e2e.LOG)
        self.walk()
        for _ in range(STEPS):
            self.now = random.Random(self.rng.getrandbits(64))
            if self.now.random() < 0.3:
                self.strike()
            else:
                self.now.choice(self.USES)(self)
        self.walk()
        self.check_memory()
        self.log.append("UMOUNT")
        watch.begin("umount")
        self.unmount()
        watch.end()
        if sum(self.errors[errno.errorcode[e]] for e in DAMAGE) > before:
            self.check_told(at)

    def unmount(self):
        """That something could not be stored is an answer, too; the mount is gone all the same, and so is the daemon."""
        daemon = self.vault.daemon
        try:
            self.vault.umount()
        except e2e.Failure as e:
            if "is unmounted, but not all" not in str(e) and "the daemon ended" not in str(e):
                raise
            self.errors["not stored"] += 1
        self.vault.daemon = None
        if daemon.wait(timeout=60) < 0:
            raise Wrong("the daemon ended by signal %d" % -daemon.returncode)
        if self.vault.mnt in e2e.mounts():
            raise Wrong("still mounted")

    def check_memory(self):
        with open("/proc/%d/status" % self.vault.daemon.pid, encoding="ascii") as f:
            kib = [int(line.split()[1]) for line in f if line.startswith("VmHWM:")]
        self.memory = max(self.memory, *kib) if kib else self.memory
        if self.memory > MEMORY_MB * 1024:
            raise Wrong("the daemon had %d MB of memory" % (self.memory // 1024))

    @staticmethod
    def check_told(at):
        with open(e2e.LOG, "rb") as f:
            f.seek(at)
            text = f.read()
        if b"error: " not in text and b"warning: " not in text:
            raise Wrong("there was damage, and nothing in the log")

    @staticmethod
    def check_log():
        with open(e2e.LOG, "rb") as f:
            text = f.read()
        if MARK.encode() in text:
            raise Wrong("the log has plaintext in it: %r" % text[max(0, text.find(MARK.encode()) - 200):][:400])
        e2e.no_sanitizer_reports()

    @staticmethod
    def check_outside():
        if e2e.read(attack.OUTSIDE) != UNTOUCHED:
            raise Wrong("a file outside was written to, by way of a link in the vault")

    def run(self):
        directory = os.path.join(e2e.WORK, "round")
        subprocess.run(["rm", "-rf", "--", directory], check=True)
        subprocess.run(["cp", "-a", self.base.vault.dir, directory], check=True)
        self.vault = e2e.Vault("round", directory=directory)
        self.judge.vault = directory
        try:
            if self.number % 4 == 3:
                settings.attack_settings(self.rng, self.vault, watch)
            for _ in range(self.rng.choice((0, 2, 10))):
                self.now = random.Random(self.rng.getrandbits(64))
                self.strike()
            first = self.rng.choice(([], [], ["--shared"], ["--shared"], ["--read-only"]))
            self.session(*first)
            for _ in range(self.rng.choice((0, 3))):
                self.now = random.Random(self.rng.getrandbits(64))
                self.strike()
            self.session(*self.rng.choice(([], ["--shared"])))
            self.check_log()
            self.check_outside()
        finally:
            e2e.Vault.all.remove(self.vault)


class Watch(threading.Thread):
    """Nothing may take longer than OP_TIMEOUT. That is for hangs: even a loaded machine is faster."""

    def __init__(self):
        super().__init__(daemon=True)
        self.what, self.since = None, 0.0

    def begin(self, what):
        self.since, self.what = time.monotonic(), what

    def end(self):
        self.what = None

    def run(self):
        while True:
            time.sleep(1)
            what = self.what
            if what and time.monotonic() - self.since > OP_TIMEOUT:
                print("not ok - hangs: %s\n# rerun: MUTATOR_SEED=%d MUTATOR_ROUND=%s %s" % (
                    what, SEED, current, sys.argv[0]), flush=True)
                for v in e2e.Vault.all:
                    if v.daemon and v.daemon.poll() is None:
                        v.daemon.kill()
                time.sleep(3)
                os._exit(1)


UNTOUCHED = b"nobody's business\n" * 1000
watch = Watch()
current = 0


def tell(total, rounds, began):
    ops, memory, attacks, errors = total
    e2e.diag("%d rounds in %d s: %d attacks, %d operations, %d errors, at most %d MB" % (
        rounds, time.monotonic() - began, sum(attacks.values()), ops, sum(errors.values()), memory // 1024))
    e2e.diag("attacks: " + ", ".join("%s %d" % x for x in attacks.most_common()))
    e2e.diag("errors: " + ", ".join("%s %d" % x for x in errors.most_common()))


def main():
    global current
    e2e.need_vault()
    watch.start()
    attack.OUTSIDE = os.path.join(e2e.WORK, "outside")
    e2e.write(attack.OUTSIDE, UNTOUCHED)
    base = Base()
    began, rounds, failed = time.monotonic(), 0, 0
    ops, memory, attacks, errors = 0, 0, collections.Counter(), collections.Counter()
    while failed < 3:
        current = int(ONLY) if ONLY else rounds
        r = Round(base, current)
        try:
            r.run()
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d - round %d" % (rounds + 1, current))
            e2e.diag("rerun: MUTATOR_SEED=%d MUTATOR_STEPS=%d MUTATOR_ROUND=%d %s" % (
                SEED, STEPS, current, os.path.relpath(sys.argv[0])))
            e2e.diag(traceback.format_exc(limit=-4))
            e2e.diag("the last steps:\n" + "\n".join(s.replace("n" * 40, "..")[:200] for s in r.log[-25:]))
            with open(e2e.LOG, errors="replace") as f:
                e2e.diag("the daemon's log ends:\n" + "".join(f.readlines()[-15:]))
            clean_up(r)
        else:
            print("ok %d - round %d" % (rounds + 1, current), flush=True)
        rounds += 1
        ops, memory = ops + r.ops, max(memory, r.memory)
        attacks.update(r.attacks)
        errors.update(r.errors)
        if ONLY or time.monotonic() - began > SECONDS:
            break
    print("1..%d" % rounds)
    tell((ops, memory, attacks, errors), rounds, began)
    sys.exit(1 if failed else 0)


def clean_up(r):
    """After a failure: the next round begins with nothing mounted and an empty log."""
    watch.end()
    if r.vault and r.vault.daemon:
        r.vault.daemon.kill()
        r.vault.daemon.wait()
        subprocess.run(["umount", "-l", r.vault.mnt], stderr=subprocess.DEVNULL, check=False)
        r.vault.daemon = None
    for n in os.listdir(e2e.SAN):
        shutil.move(os.path.join(e2e.SAN, n), os.path.join(e2e.WORK, "reported-" + n))
    open(e2e.LOG, "w").close()


main()
