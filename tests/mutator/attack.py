# SPDX-License-Identifier: GPL-3.0-or-later
"""What an adversary does to a vault on disk. Each attack takes a random generator, the ciphertext path of something, that
of something else, and those of all; what cannot be done here (no permission, nothing there) is passed over."""

import os
import shutil
import stat

PAGE = 4096
OUTSIDE = None  # path of a file that links lead to, and that nobody is to change: whoever starts sets it


def is_file(path):
    return stat.S_ISREG(os.lstat(path).st_mode)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


class Keep:
    """Pages, files and names of earlier: what the adversary puts back."""

    def __init__(self):
        self.pages, self.files = [], []


def with_file(path, change):
    if is_file(path):
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return change(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
    return None


def flip(rng, path, _other, _keep):
    def change(fd, size):
        for _ in range(rng.choice((1, 1, 1, 8, 200))):
            at = rng.choice((rng.randrange(size or 1), rng.randrange(min(size, 128) or 1)))
            b = os.pread(fd, 1, at) or b"\0"
            os.pwrite(fd, bytes([b[0] ^ 1 << rng.randrange(8)]), at)
    with_file(path, change)


def zero(rng, path, _other, _keep):
    def change(fd, size):
        k = rng.randrange(size // PAGE + 1)
        os.pwrite(fd, bytes(PAGE * rng.choice((1, 1, 2, 5))), k * PAGE)
    with_file(path, change)


def zero_all(_rng, path, _other, _keep):
    with_file(path, lambda fd, size: os.pwrite(fd, bytes(min(size, 1 << 20)), 0))


def cut(rng, path, _other, _keep):
    def change(fd, size):
        os.ftruncate(fd, rng.choice((0, 1, rng.randrange(size + 1), max(0, size - 1), size // PAGE * PAGE,
                                     max(0, size - PAGE), PAGE, PAGE - 1)))
    with_file(path, change)


def extend(rng, path, _other, _keep):
    def change(fd, size):
        os.ftruncate(fd, size + rng.choice((1, 17, 4032, PAGE, 10 * PAGE, 1 << 30, 1 << 42)))
    with_file(path, change)


def garbage(rng, path, _other, _keep):
    with_file(path, lambda fd, size: os.pwrite(fd, rng.randbytes(rng.choice((1, 100, PAGE, 3 * PAGE))),
                                               rng.randrange(size + PAGE)))


def swap_pages(rng, path, _other, _keep):
    def change(fd, size):
        n = size // PAGE or 1
        a, b = rng.randrange(n) * PAGE, rng.randrange(n) * PAGE
        one, two = os.pread(fd, PAGE, a), os.pread(fd, PAGE, b)
        os.pwrite(fd, two, a)
        if rng.random() < 0.5:
            os.pwrite(fd, one, b)
    with_file(path, change)


def foreign_page(rng, path, other, _keep):
    def change(fd, size):
        k = rng.randrange(size // PAGE or 1)
        with open(other, "rb") as f:
            f.seek(k * PAGE)
            os.pwrite(fd, f.read(PAGE), k * PAGE)
    if is_file(other):
        with_file(path, change)


def remember_page(rng, path, _other, keep):
    def change(fd, size):
        k = rng.randrange(size // PAGE or 1)
        keep.pages.append((path, k, os.pread(fd, PAGE, k * PAGE)))
    with_file(path, change)


def old_page(rng, _path, _other, keep):
    if keep.pages:
        path, k, page = rng.choice(keep.pages)
        with_file(path, lambda fd, size: os.pwrite(fd, page, k * PAGE))


def remember_file(_rng, path, _other, keep):
    if is_file(path) and os.lstat(path).st_size < 1 << 22:
        with open(path, "rb") as f:
            keep.files.append((path, f.read()))


def old_file(rng, _path, _other, keep):
    if keep.files:
        path, data = rng.choice(keep.files)
        new = path + ".new"
        with open(new, "wb") as f:
            f.write(data)
        os.rename(new, path)


def exchange(_rng, path, other, _keep):
    if is_file(path) and is_file(other):
        os.rename(path, path + ".x")
        os.rename(other, path)
        os.rename(path + ".x", other)


def move(_rng, path, other, _keep):
    os.rename(path, os.path.join(os.path.dirname(other), os.path.basename(path)))


def rename(rng, path, _other, _keep):
    name = os.path.basename(path)
    at = rng.randrange(len(name))
    os.rename(path, os.path.join(os.path.dirname(path), name[:at] + rng.choice("AB-_.x/"[:6]) + name[at + 1:]))


def duplicate(rng, path, other, _keep):
    to = rng.choice((path + "x", os.path.join(os.path.dirname(other), os.path.basename(path)), other))
    if is_file(path) and not os.path.isdir(to):
        if rng.random() < 0.3:
            remove(to) if os.path.lexists(to) else None
            os.link(path, to)
        elif os.lstat(path).st_size < 1 << 24:  # those that were made long by a hole would be copied with it
            remove(to) if os.path.islink(to) else None  # copyfile would go where it leads
            shutil.copyfile(path, to, follow_symlinks=False)


def delete(_rng, path, _other, _keep):
    remove(path)


def replaced(name, make):
    def attack(rng, path, other, _keep):
        remove(path)
        make(rng, path, other)
    attack.__name__ = name
    return attack


to_link = replaced("to_link", lambda rng, p, o: os.symlink(rng.choice((
    o, "cryptfs.json", OUTSIDE, "x" * 4000, "cryptfs.slink." + "A" * 43, ".", "A" * 57)), p))
to_fifo = replaced("to_fifo", lambda rng, p, o: os.mkfifo(p))
to_dir = replaced("to_dir", lambda rng, p, o: os.mkdir(p))
to_empty = replaced("to_empty", lambda rng, p, o: open(p, "wb").close())
to_null = replaced("to_null", lambda rng, p, o: os.mknod(p, 0o666 | stat.S_IFCHR, os.makedev(1, 3)))
to_block = replaced("to_block", lambda rng, p, o: os.mknod(p, 0o666 | stat.S_IFBLK, os.makedev(7, 250)))
to_socket = replaced("to_socket", lambda rng, p, o: os.mknod(p, 0o666 | stat.S_IFSOCK))


def mode(rng, path, _other, _keep):
    if not os.path.islink(path):
        os.chmod(path, rng.choice((0, 0o200, 0o400, 0o7777)))


def strangers(rng, path, _other, _keep):
    """Names that nobody gave, and that look like ours."""
    d = path if os.path.isdir(path) and not os.path.islink(path) else os.path.dirname(path)
    for _ in range(rng.choice((1, 3, 40))):
        name = rng.choice(("", "cryptfs.", "cryptfs.long.", "cryptfs.tmp.", "cryptfs.slink.")) + "".join(
            rng.choice("ABCDab-_.%\n\x1b\xff") for _ in range(rng.choice((1, 8, 43, 48, 200))))
        new = os.path.join(d, name)
        if name not in (".", "..") and not os.path.lexists(new):
            os.mkdir(new) if rng.random() < 0.2 else open(new, "wb").close()


def xattrs(rng, path, other, _keep):
    names = [n for n in os.listxattr(path, follow_symlinks=False) if n.startswith("user.")]
    what = rng.randrange(5)
    if what == 0 or not names:
        os.setxattr(path, "user.cryptfs." + rng.choice(("", "x", "long.", "long." + "A" * 43, "A" * 43)),
                    rng.randbytes(rng.choice((0, 10, 40, 300))), follow_symlinks=False)
        return
    name = rng.choice(sorted(names, key=lambda n: os.getxattr(path, n)))
    value = bytearray(os.getxattr(path, name))
    if what == 1 and value:
        value[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
        os.setxattr(path, name, bytes(value))
    elif what == 2:
        os.setxattr(path, name, bytes(value[:rng.randrange(len(value) + 1)]))
    elif what == 3:
        os.setxattr(path, rng.choice(sorted(names)), bytes(value))
    else:
        os.setxattr(other, name, bytes(value), follow_symlinks=False)


ATTACKS = [flip, flip, flip, zero, zero, zero_all, cut, cut, extend, garbage, swap_pages, swap_pages, foreign_page,
           foreign_page, remember_page, remember_page, old_page, old_page, remember_file, old_file, exchange, exchange, move,
           rename, duplicate, duplicate, delete, to_link, to_fifo, to_dir, to_empty, to_null, to_block, to_socket, mode,
           strangers, xattrs, xattrs]


def one(rng, path, other, keep):
    """Do one attack; returns its name. The generator is used alike whether it succeeds or not."""
    attack = rng.choice(ATTACKS)
    sub = type(rng)(rng.getrandbits(64))
    try:
        attack(sub, path, other, keep)
    except (OSError, shutil.Error, ValueError):
        pass
    return attack.__name__
