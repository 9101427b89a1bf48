# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees with all that a file can carry, for tests that compare a vault with a plain directory: made, looked at, and
changed at random in both alike."""

import contextlib
import os
import random
import socket
import stat
import struct

from e2e import ROOT, RENAME_EXCHANGE, RENAME_NOREPLACE, renameat2, same, write

LONG = b"l" * 255
ODD = b"new\nline \x1b[31mred"
RAW = b"bytes-\xff\xfe"
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)  # cap_net_bind_service, effective
UNFINISHED = 60000


def noise(n, seed):
    return random.Random(seed).randbytes(n)


def acl(*entries):
    """(tag, permissions, id) each; see acl(5). Group and others have nothing."""
    every = sorted([(1, 6, 0xffffffff), (4, 0, 0xffffffff), (16, 6, 0xffffffff), (32, 0, 0xffffffff), *entries])
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in every)


def make_contents(top):
    for size in 1, 3967, 3968, 3969, 4032, 8000, (1 << 20) + 1, 5 << 20:
        write(top + b"/size-%d" % size, noise(size, size))
    write(top + b"/empty", b"")
    write(top + b"/unfinished", noise(UNFINISHED, 5))
    with open(top + b"/sparse", "wb") as f:
        f.write(noise(5000, 1))
        f.seek(40 << 20)
        f.write(noise(5000, 2))
    os.mkdir(top + b"/many")
    for i in range(300):
        write(top + b"/many/%d" % i, noise(i * 37 % 9000, i))


def make_names(top):
    for n in LONG, b"e" * 160, b"e" * 161, ODD, RAW, b".dot", b"-dash", b"sp ace", "ümlaut".encode():
        write(top + b"/" + n, n)
    os.makedirs(top + b"/" + LONG[1:] + b"/" + LONG)
    write(top + b"/" + LONG[1:] + b"/" + LONG + b"/" + LONG, b"deep in long names")
    deep = top + b"/deep" + b"".join(b"/" + b"%02d" % i + b"d" * 158 for i in range(12))
    os.makedirs(deep)
    write(deep + b"/bottom", b"bottom")
    os.makedirs(top + b"/nothing/in here")


def make_links(top):
    os.mkdir(top + b"/dir")
    write(top + b"/dir/one", b"several names" * 1000)
    for n in b"dir/two", b"three", b"many/four":
        os.link(top + b"/dir/one", top + b"/" + n)
    for n, t in (b"link", b"dir/one"), (b"dangling", b"nowhere"), (b"out", b"/etc/passwd"), (b"long-link", b"t" * 3500), (
            b"longest-link", b"t" * 4095), (LONG[2:], b"u" * 3100), (b"odd-link", ODD + RAW):
        os.symlink(t, top + b"/" + n)
    os.mkfifo(top + b"/fifo")
    os.link(top + b"/fifo", top + b"/dir/fifo")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        fd = os.open(top, os.O_RDONLY)
        s.bind(b"/proc/self/fd/%d/socket" % fd)
        os.close(fd)


def make_attributes(top):
    for path in b"/size-1", b"/dir", b"/empty", b"/sparse":
        os.setxattr(top + path, b"user.one", b"value\0with NUL")
        os.setxattr(top + path, b"user." + b"n" * 240, b"long name")
        os.setxattr(top + path, b"user." + b"m" * 250, b"")
    os.setxattr(top + b"/size-4032", b"user.v", noise(1000, 3))
    os.setxattr(top + b"/size-8000", b"system.posix_acl_access", acl((2, 6, 1234), (8, 4, 77)))
    os.setxattr(top + b"/dir", b"system.posix_acl_default", acl((2, 7, 1234)))
    if ROOT:
        os.setxattr(top + b"/size-3967", b"trusted.t", b"trusted")


def make_modes(top):
    for mode in 0o444, 0o000, 0o4751, 0o2755, 0o200:
        write(top + b"/mode-%o" % mode, noise(9000, mode))
        os.chmod(top + b"/mode-%o" % mode, mode)
    for mode in 0o555, 0o000, 0o1777, 0o2755:
        d = top + b"/dir-%o" % mode
        os.makedirs(d + b"/below")
        write(d + b"/file", noise(9000, mode))
        write(d + b"/" + LONG, b"long")
        write(d + b"/closed", b"")
        os.chmod(d + b"/closed", 0)
        os.symlink(b"v" * 3100, d + b"/link")
        os.setxattr(d + b"/below", b"user.a", b"b")
        os.setxattr(d, b"user.a", b"b")
        os.setxattr(d + b"/file", b"user.a", b"b")
        os.chmod(d + b"/file", 0o400)
        os.chmod(d + b"/below", 0o500)
        os.chmod(d, mode)
    if ROOT:
        os.mknod(top + b"/null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.chown(top + b"/size-3968", 1234, 5678)
        os.lchown(top + b"/dangling", 1234, 5678)
        os.chown(top + b"/nothing", 1234, 5678)


def closed(top):
    """What files get only when nothing of them waits to be written."""
    if ROOT:
        os.setxattr(os.path.join(top, "size-3969"), "security.capability", CAPABILITY)


def make(top):
    top = os.fsencode(top)
    os.makedirs(top, exist_ok=True)
    for part in make_contents, make_names, make_links, make_attributes, make_modes:
        part(top)
    paths = sorted(os.path.join(d, n) for d, dirs, files in os.walk(top) for n in dirs + files)
    for i, path in enumerate(paths):
        os.utime(path, ns=(i * 10 ** 15 + 1, (i - 2) * 10 ** 15 + 999999999), follow_symlinks=False)


def unfinished(vaultlib, vault):
    """What a power cut may leave: zero pages behind the durable length of a file. Returns what it then reads as."""
    disk = vault.disk_path(b"unfinished")
    st = os.stat(disk)
    content = bytearray(noise(UNFINISHED, 5))
    with open(disk, "r+b") as f:
        page = f.read(vaultlib.PAGE)
        header = page[64:128]
        nonce = vaultlib.header_decode(header).file_nonce
        _, data = vaultlib.file_block_open(vault.content_keys(), nonce, 0, page)
        key = vaultlib.file_key(vault.keys.content, nonce)
        f.seek(0)
        f.write(vaultlib.block_seal(key, os.urandom(24), 0, data, header, 20000, vault.settings["epoch"]))
        for k in 6, 9:
            f.seek(k * vaultlib.PAGE)
            f.write(bytes(vaultlib.PAGE))
            at = k * vaultlib.PAYLOAD - vaultlib.HEADER_LEN
            content[at:at + vaultlib.PAYLOAD] = bytes(vaultlib.PAYLOAD)
    os.utime(disk, ns=(st.st_atime_ns, st.st_mtime_ns))
    return bytes(content)


# ---- looking

def attributes(path):
    try:
        return {a: os.getxattr(path, a, follow_symlinks=False) for a in os.listxattr(path, follow_symlinks=False)}
    except OSError:
        return {}


def facts(top, times=True):
    """All that there is to an entry but ctime and the size of directories, by its path; hard links by the first name of
    each."""
    out, first = {}, {}
    for d, dirs, files, fd in os.fwalk(os.fsencode(top)):
        dirs.sort()
        for n in sorted(dirs + files):
            st = os.stat(n, dir_fd=fd, follow_symlinks=False)
            path = os.path.relpath(os.path.join(d, n), os.fsencode(top))
            at = b"/proc/self/fd/%d/%s" % (fd, n)
            what = {"mode": stat.filemode(st.st_mode), "owner": (st.st_uid, st.st_gid), "device": st.st_rdev}
            if times:
                what["mtime"] = st.st_mtime_ns
            if not stat.S_ISDIR(st.st_mode):
                what.update(size=st.st_size, nlink=st.st_nlink, first=first.setdefault(st.st_ino, path))
            if stat.S_ISREG(st.st_mode):
                with open(os.open(n, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd), "rb") as f:
                    what["content"] = f.read()
            if stat.S_ISLNK(st.st_mode):
                what["target"] = os.readlink(n, dir_fd=fd)
            what["attributes"] = attributes(at)
            out[path] = what
    return out


def compare(got, want):
    """Of all differences the first few are told, each by what differs."""
    bad = []
    for path in sorted(set(got) | set(want)):
        a, b = got.get(path), want.get(path)
        if a is None or b is None:
            bad.append("%r is %s" % (path[-80:], "missing" if a is None else "too much"))
            continue
        for fact in b:
            if fact in a and a[fact] != b[fact]:
                bad.append("%r: %s: %s, not %s" % (path[-80:], fact, repr(a[fact])[:200], repr(b[fact])[:200]))
    if bad:
        raise AssertionError("%d differences:\n%s" % (len(bad), "\n".join(bad[:8])))


# ---- changing

class Changer:
    """The same changes, drawn at random, in several trees; what fails has to fail with the same error in all."""

    def __init__(self, seed, *tops):
        self.rng, self.tops, self.serial = random.Random(seed), [os.fsencode(t) for t in tops], 0

    def entries(self):
        """Paths in the first tree by kind. What nobody may touch here stays out."""
        kinds = {"file": [], "dir": [], "link": []}
        for d, dirs, files in os.walk(self.tops[0]):
            dirs[:] = [n for n in dirs if n != b"deep" and not n.startswith(b"dir-")]
            for n in dirs + files:
                path = os.path.join(d, n)
                mode = os.lstat(path).st_mode
                kind = "file" if stat.S_ISREG(mode) else "dir" if stat.S_ISDIR(mode) else "link"
                if kind != "link" or stat.S_ISLNK(mode):
                    kinds[kind].append(os.path.relpath(path, self.tops[0]))
        return {kind: sorted(paths) for kind, paths in kinds.items()}

    def new(self):
        """A path that is not there yet."""
        self.serial += 1
        name = b"new-%d-" % self.serial
        return os.path.join(self.rng.choice(self.there["dir"] + [b""]), name.ljust(self.rng.choice((0, 100, 170, 255)), b"x"))

    def some(self, kind):
        return self.rng.choice(self.there[kind] or [b"none"])

    def apply(self, what, f):
        results = []
        for top in self.tops:
            try:
                results.append(f(lambda path, top=top: os.path.join(top, path)))
            except OSError as e:
                results.append(e.errno)
        for r in results[1:]:
            same(r, results[0], what)

    def change_content(self):
        path, rng = self.some("file"), self.rng
        how = rng.choice(("overwrite", "append", "cut", "grow", "hole", "anew"))
        off, n, seed = rng.random(), rng.choice((1, 200, 4032, 4096, 30000)), rng.random()

        def f(at):
            with open(at(path), "r+b") as file:
                size = os.fstat(file.fileno()).st_size
                if how == "anew":
                    file.truncate(0)
                elif how == "cut":
                    file.truncate(int(size * off))
                    return None
                elif how == "grow":
                    file.truncate(min(size, 1 << 20) + n)
                    return None
                file.seek({"overwrite": int(size * off), "append": size, "hole": size + n, "anew": 0}[how])
                file.write(noise(n, seed))
                if seed < 0.5:
                    file.flush()
                    os.fsync(file.fileno())
            return None
        self.apply("%s %r" % (how, path), f)

    def make_something(self):
        path, rng = self.new(), self.rng
        kind, n, seed = rng.choice(("file", "file", "dir", "link", "hard link", "over")), rng.randrange(9000), rng.random()
        target = noise(rng.choice((5, 3100)), seed).replace(b"\0", b"0")
        # A link with several names would become several, which is documented.
        other = self.some("file" if kind == "hard link" else rng.choice(("file", "link")))

        def f(at):
            if kind == "dir":
                return os.mkdir(at(path))
            if kind == "link":
                return os.symlink(target, at(path))
            if kind == "hard link":
                return os.link(at(other), at(path), follow_symlinks=False)
            write(at(path), noise(n, seed))
            return os.rename(at(path), at(other)) if kind == "over" else None
        self.apply("%s %r %r" % (kind, path, other), f)

    def rename(self):
        rng = self.rng
        kind = rng.choice(("file", "file", "dir", "link"))
        path, other = self.some(kind), self.some(rng.choice(("file", "link", "dir")))
        how = rng.choice(("new", "new", "over", "exchange", "noreplace"))
        to = self.new() if how == "new" else other

        def f(at):
            if how in ("exchange", "noreplace"):
                return renameat2(at(path), at(to), RENAME_EXCHANGE if how == "exchange" else RENAME_NOREPLACE)
            return os.rename(at(path), at(to))
        self.apply("rename %s %r %r" % (how, path, to), f)

    def remove(self):
        path = self.some(self.rng.choice(("file", "link", "dir")))
        self.apply("remove %r" % path, lambda at: os.rmdir(at(path)) if os.path.isdir(at(path)) and not os.path.islink(
            at(path)) else os.unlink(at(path)))

    def replace_link(self):
        path, seed = self.some("link"), self.rng.random()
        target = noise(self.rng.choice((5, 3100)), seed).replace(b"\0", b"0")

        def f(at):
            os.unlink(at(path))
            os.symlink(target, at(path))
        self.apply("replace %r" % path, f)

    def change_attributes(self):
        rng = self.rng
        path, flags = self.some(rng.choice(("file", "dir"))), rng.choice((0, 0, os.XATTR_CREATE, os.XATTR_REPLACE))
        name = rng.choice((b"user.one", b"user.a", b"user." + b"n" * 240, b"user.v"))
        value, away = noise(rng.randrange(300), rng.random()), rng.random() < 0.4
        self.apply("attribute %s of %r" % ("removed" if away else flags, path), lambda at: os.removexattr(
            at(path), name) if away else os.setxattr(at(path), name, value, flags))

    def change_mode(self):
        path, mode = self.some("file"), self.rng.choice((0o600, 0o444, 0o644))
        self.apply("mode of %r" % path, lambda at: os.chmod(at(path), mode))

    def ask(self):
        """Names that are there, that are not, and that are with another letter."""
        path = self.some(self.rng.choice(("file", "dir", "link")))
        for p in path, path[:-1] + b"?", path + b"x":
            self.apply("ask for %r" % p, lambda at, p=p: stat.S_IFMT(os.lstat(at(p)).st_mode))
            self.apply("attributes of %r" % p, lambda at, p=p: sorted(a for a in os.listxattr(
                at(p), follow_symlinks=False) if a.startswith("user.")))

    def go(self, n):
        for _ in range(n):
            self.there = self.entries()
            self.rng.choice((self.change_content, self.change_content, self.make_something, self.make_something,
                             self.rename, self.rename, self.remove, self.replace_link, self.change_attributes,
                             self.change_attributes, self.change_mode, self.ask))()
