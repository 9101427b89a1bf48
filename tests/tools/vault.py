#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make, verify and tamper with vaults, for the tests; the format is vaultlib's.

Paths inside a vault are plaintext paths, relative to its root. verify, ls, path and the rest exit with 1
on damage or differences, 2 on wrong usage.
"""

import argparse
import hashlib
import json
import os
import stat
import sys
import urllib.parse

import vaultlib
from vaultlib import PAGE, HEADER_LEN, VaultError

FIELDS = {"nonce": (0, 24), "tag": (24, 16), "meta": (40, 24), "header": (64, 64)}


def shown(path):
    """Bytes as printable ASCII: what is not plain is percent-encoded."""
    return urllib.parse.quote(path, safe="/ !#$&'()*+,:;=?@[]^`{|}~")


def read_passphrase(path):
    with open(path, "rb") as f:
        secret = f.read()
    return secret[:-1] if secret.endswith(b"\n") else secret


def open_vault(args):
    return vaultlib.Vault.open(args.vault, read_passphrase(args.passphrase_file))


# ---- trees, as {path: facts}: one form for vaults, mounts and plain directories

def plain_chunks(path):
    with open(path, "rb") as f:
        yield from iter(lambda: f.read(1 << 20), b"")


def facts(kind, mode, xattrs, chunks=None, target=None, rdev=None):
    out = {"type": kind}
    if kind != "link":
        out["mode"] = f"{mode:04o}"
    if kind == "file":
        digest, size = hashlib.sha256(), 0
        for c in chunks:
            digest.update(c)
            size += len(c)
        out.update(size=size, sha256=digest.hexdigest())
    elif kind == "link":
        out["target"] = shown(target)
    elif kind in ("char", "block"):
        out["rdev"] = rdev
    if xattrs:
        out["xattrs"] = {shown(n): v.hex() for n, v in sorted(xattrs.items())}
    return out


def note_links(out, groups):
    """Each further name of an inode gets "same_as", its first name."""
    for names in groups.values():
        for other in sorted(names)[1:]:
            out[shown(other)]["same_as"] = shown(min(names))


def tree_facts(tree):
    out, groups = {}, {}
    tree = os.fsencode(tree)
    for top, dirs, files in os.walk(tree):
        for name in dirs + files:
            path = os.path.join(top, name)
            st, rel = os.lstat(path), os.path.relpath(path, tree)
            kind = vaultlib.TYPES[stat.S_IFMT(st.st_mode)]
            out[shown(rel)] = facts(kind, stat.S_IMODE(st.st_mode), vaultlib.user_xattrs(path),
                                    plain_chunks(path) if kind == "file" else None,
                                    os.readlink(path) if kind == "link" else None, st.st_rdev)
            if kind != "dir" and st.st_nlink > 1:
                groups.setdefault((st.st_dev, st.st_ino), []).append(rel)
    note_links(out, groups)
    return out


def vault_facts(vault):
    """Opens everything; what does not open goes to vault.problems."""
    out, groups = {}, {}
    for path, e in vault.walk():
        try:
            out[shown(path)] = facts(e.type, e.mode, e.xattrs, e.data.chunks() if e.type == "file" else None,
                                     e.data, e.data)
        except VaultError as err:
            vault.problems.append((e.disk, err))
            out[shown(path)] = {"type": "damaged"}
        if e.type == "file":
            e.data.file.close()
        st = os.lstat(e.disk)
        if e.type != "dir" and st.st_nlink > 1:
            groups.setdefault((st.st_dev, st.st_ino), []).append(path)
    note_links(out, groups)
    return out


def print_manifest(tree):
    json.dump(tree, sys.stdout, indent=1, sort_keys=True)
    print()


def print_problems(vault):
    for disk, err in vault.problems:
        print(f"damage: {shown(os.path.relpath(disk, vault.path))}: {err}", file=sys.stderr)
    return 1 if vault.problems else 0


# ---- one page

def rewrite(args, change):
    """Replace the ciphertext of one plaintext path by what change makes of it, in place."""
    vault = open_vault(args)
    fd = os.open(vault.disk_path(args.path), os.O_RDWR | os.O_NOFOLLOW)
    try:
        change(vault, fd)
        os.fsync(fd)
    finally:
        os.close(fd)


def cmd_tamper(args):
    def change(_, fd):
        start, n = FIELDS.get(args.field) or (64, 4032)
        if args.block == 0 and args.field == "payload":
            start, n = 64 + HEADER_LEN, 4032 - HEADER_LEN
        if not 0 <= args.flip < n or (args.field == "header" and args.block != 0):
            raise VaultError("no such byte")
        at = args.block * PAGE + start + args.flip
        os.pwrite(fd, bytes([os.pread(fd, 1, at)[0] ^ 1]), at)
    rewrite(args, change)


def cmd_zero(args):
    rewrite(args, lambda _, fd: os.pwrite(fd, bytes(PAGE), args.block * PAGE))


def cmd_swap(args):
    def change(_, fd):
        pages = [os.pread(fd, PAGE, k * PAGE) for k in (args.a, args.b)]
        os.pwrite(fd, pages[1], args.a * PAGE)
        os.pwrite(fd, pages[0], args.b * PAGE)
    rewrite(args, change)


def cmd_durable(args):
    def change(vault, fd):
        page = os.pread(fd, PAGE, 0)
        header = page[64:64 + HEADER_LEN]
        decoded = vaultlib.header_decode(header)
        _, data = vaultlib.file_block_open(vault.content_keys(), decoded.file_nonce, 0, page)
        key = vaultlib.file_key(vault.content_keys()[decoded.epoch], decoded.file_nonce)
        os.pwrite(fd, vaultlib.block_seal(key, os.urandom(24), 0, data, header, args.set, decoded.epoch), 0)
    if args.set is not None:
        rewrite(args, change)
    vault = open_vault(args)
    f = vault.open_file(vault.disk_path(args.path))
    print(f.durable, f.length)


# ---- whole vaults

def cmd_create(args):
    secret = read_passphrase(args.passphrase_file)
    features = ["hide-sizes"] if args.hide_sizes else []
    vault = vaultlib.Vault.create(args.vault, secret, (args.memory, args.passes, args.lanes),
                                  features=features, coherency="shared" if args.shared else "private")
    if args.source:
        vault.copy_in(args.source)


def cmd_verify(args):
    vault = open_vault(args)
    have = vault_facts(vault)
    status = print_problems(vault)
    if args.tree is None:
        return status
    want = tree_facts(args.tree)
    for path in sorted(set(have) | set(want)):
        if path not in have or path not in want:
            print(f"{path}: only in the {'vault' if path in have else 'tree'}")
            status = 1
            continue
        for fact in sorted(set(have[path]) | set(want[path])):
            a, b = have[path].get(fact), want[path].get(fact)
            if a != b and (fact != "same_as" or args.links):
                print(f"{path}: {fact}: {a} in the vault, {b} in the tree")
                status = 1
    return status


def cmd_manifest(args):
    if not args.vault:
        print_manifest(tree_facts(args.tree))
        return 0
    args.vault = args.tree
    vault = open_vault(args)
    print_manifest(vault_facts(vault))
    return print_problems(vault)


def cmd_ls(args):
    vault = open_vault(args)
    for path, e in vault.walk():
        size = e.data.plain_size() if e.type == "file" else 0
        print(f"{e.type:6} {e.mode:04o} {size:12} {shown(path)}")
    return print_problems(vault)


def cmd_path(args):
    vault = open_vault(args)
    disk = vault.disk_path(args.path)
    if not os.path.lexists(disk):
        raise VaultError("no such entry")
    sys.stdout.buffer.write(disk + b"\n")


def parse_args():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sub = p.add_subparsers(dest="verb", required=True)

    def verb(name, run, about, path=False, vault=True):
        c = sub.add_parser(name, help=about)
        c.set_defaults(run=run)
        if vault:
            c.add_argument("vault")
        if path:
            c.add_argument("path")
        c.add_argument("--passphrase-file", required=vault)
        return c

    c = verb("create", cmd_create, "make a vault, and copy a tree into it")
    c.add_argument("--memory", type=int, default=65536, metavar="KIB")
    c.add_argument("--passes", type=int, default=1)
    c.add_argument("--lanes", type=int, default=1)
    c.add_argument("--hide-sizes", action="store_true")
    c.add_argument("--shared", action="store_true")
    c.add_argument("--from", dest="source", metavar="TREE")
    c = verb("verify", cmd_verify, "open everything; compare with a tree if one is given")
    c.add_argument("--links", action="store_true", help="compare which names are hard links, too")
    c.add_argument("tree", nargs="?")
    c = verb("manifest", cmd_manifest, "print a tree (or with --vault a vault) as JSON", vault=False)
    c.add_argument("--vault", action="store_true")
    c.add_argument("tree")
    verb("ls", cmd_ls, "list everything")
    verb("path", cmd_path, "print the ciphertext path", path=True)
    c = verb("durable", cmd_durable, "print durable and stream length; set the former", path=True)
    c.add_argument("--set", type=int, metavar="N")
    c = verb("tamper", cmd_tamper, "flip one bit of a page", path=True)
    c.add_argument("--block", type=int, required=True)
    c.add_argument("--field", choices=[*FIELDS, "payload"], required=True)
    c.add_argument("--flip", type=int, default=0, metavar="BYTE", help="which byte of the field")
    c = verb("zero", cmd_zero, "write zeros over a page", path=True)
    c.add_argument("--block", type=int, required=True)
    c = verb("swap", cmd_swap, "exchange two pages", path=True)
    c.add_argument("a", type=int)
    c.add_argument("b", type=int)
    args, rest = p.parse_known_args()
    if rest and args.verb == "verify" and args.tree is None:  # argparse: not behind options
        args.tree = rest.pop(0)
    if rest:
        p.error(f"unrecognized arguments: {' '.join(rest)}")
    return args


def main():
    args = parse_args()
    try:
        return args.run(args) or 0
    except (VaultError, OSError) as e:
        print(f"vault.py: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
