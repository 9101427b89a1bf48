#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make_vault.py OUT: make the frozen vault of format version 1, OUT/v1.tar, with OUT/v1.passphrase and
OUT/v1.expected.json (what `vault.py manifest` prints of its plaintext).

What is in tests/vaults is frozen: it must mount for ever, so it is never made again. A later format gets
a vault of its own. Random bytes come from a seed, so that a run can be compared with what is there.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

import vault
import vaultlib

PASSPHRASE = b"correct horse battery staple"
WHEN = 1700000000


def seeded_rng(seed):
    """Deterministic "random" bytes: BLAKE2b of a counter."""
    state = [0]

    def rng(n):
        state[0] += 1
        out = b"".join(hashlib.blake2b(b"%d.%d" % (state[0], i), key=seed).digest()
                       for i in range(-(-n // 64)))
        return out[:n]
    return rng


def text(n, seed):
    return seeded_rng(seed)(n)


def put(root, path, data, mode=0o644):
    with open(os.path.join(root, os.fsencode(path)), "wb") as f:
        f.write(data)
        os.fchmod(f.fileno(), mode)


def put_sparse(root, path):
    """Data, a hole of 40 KB, data."""
    with open(os.path.join(root, os.fsencode(path)), "wb") as f:
        f.write(text(5000, b"head"))
        f.seek(45000)
        f.write(text(3000, b"tail"))


def make_tree(root):
    for size in (0, 1, 63, 64, 3967, 3968, 3969, 4096, 7999, 8000, 8001, 20000):
        put(root, f"size-{size}", text(size, b"%d" % size))
    put_sparse(root, "sparse")
    put(root, "read-only", b"nobody may write here\n", 0o444)
    put(root, "script", b"#!/bin/sh\nexit 0\n", 0o755)
    put(root, b"bytes-\xff\xfe", b"a name that is not UTF-8\n")
    put(root, "Übermut 😀", b"a name that is\n")
    for n in (16, 160, 161, 200, 255):
        put(root, "n" * n, b"a name of %d bytes\n" % n)
    os.makedirs(os.path.join(root, b"dir/nested/" + b"d" * 200 + b"/deep"))
    os.mkdir(os.path.join(root, b"empty"), 0o700)
    put(root, "dir/nested/file", text(5000, b"nested"), 0o600)
    put(root, b"dir/nested/" + b"d" * 200 + b"/deep/" + b"f" * 255, b"long below long\n")
    os.link(os.path.join(root, b"size-8000"), os.path.join(root, b"dir/hard link"))
    os.symlink(b"dir/nested/file", os.path.join(root, b"link"))
    os.symlink(b"nowhere", os.path.join(root, b"dir/" + b"l" * 180))
    for n in (3031, 3032, 3500):
        os.symlink((b"target/" * 600)[:n], os.path.join(root, b"link-%d" % n))
    os.mkfifo(os.path.join(root, b"fifo"), 0o640)
    os.setxattr(os.path.join(root, b"size-64"), b"user.colour", b"blue\0green")
    os.setxattr(os.path.join(root, b"size-64"), b"user.empty", b"")
    os.setxattr(os.path.join(root, b"size-64"), b"user." + b"x" * 240, b"a long name")
    os.setxattr(os.path.join(root, b"dir"), b"user.on.a.directory", text(300, b"xattr"))


def touch_all(root):
    for top, dirs, files in os.walk(root, topdown=False):
        for name in dirs + files:
            os.utime(os.path.join(top, name), (WHEN, WHEN), follow_symlinks=False)
    os.utime(root, (WHEN, WHEN))


def pack(parent, out):
    subprocess.run(["tar", "--create", "--file", out, "--directory", parent, "--format=posix",
                    "--xattrs", "--xattrs-include=user.*", "--sort=name", "--numeric-owner", "--owner=0",
                    "--group=0", f"--mtime=@{WHEN}",
                    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "v1"], check=True)


def main():
    out = sys.argv[1]
    os.umask(0o022)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
        tree, made = os.path.join(work, "tree").encode(), os.path.join(work, "v1").encode()
        os.mkdir(tree)
        make_tree(tree)
        touch_all(tree)
        v = vaultlib.Vault.create(made, PASSPHRASE, (8192, 1, 2), seeded_rng(b"v1"), WHEN, label="frozen v1")
        v.copy_in(tree)
        touch_all(made)
        pack(work, os.path.join(out, "v1.tar"))
        with open(os.path.join(out, "v1.expected.json"), "w") as f:
            json.dump(vault.tree_facts(tree), f, indent=1, sort_keys=True)
            f.write("\n")
        with open(os.path.join(out, "v1.passphrase"), "wb") as f:
            f.write(PASSPHRASE + b"\n")


if __name__ == "__main__":
    main()
