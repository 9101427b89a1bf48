#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""TAP: the second implementation against itself: the rules of doc/format.md section 3 for whole files, the
frozen vault, a round trip, and that tampering is noticed."""

import os
import subprocess
import sys
import tempfile

import vault as cli
import vaultlib as vl
from make_vault import seeded_rng

HERE = os.path.dirname(os.path.abspath(__file__))
VAULTS = os.path.join(HERE, "..", "vaults")
KEY = bytes(range(32))
RND = seeded_rng(b"test_vaultlib")
TESTS = []


def test(fn):
    TESTS.append(fn)
    return fn


def cipher(plain, sparse=False, durable=None, hinted=True):
    """The bytes of a ciphertext file."""
    out = bytearray(vl.cipher_size(vl.stream_len(len(plain)), hinted))
    for k, page in vl.file_pages(KEY, plain, RND, sparse, durable):
        out[k * 4096:(k + 1) * 4096] = page
    return out


def read(data):
    return vl.read_bytes(KEY, bytes(data)).read_all()


def damaged(data):
    try:
        read(data)
    except vl.Damage:
        return True
    return False


def wipe(data, k):
    out = bytearray(data)
    out[k * 4096:(k + 1) * 4096] = bytes(4096)
    return out


@test
def sizes_round_trip():
    for n in (1, 63, 3967, 3968, 3969, 8000, 8001, 20000):
        plain = RND(n)
        for hinted in (True, False):
            data = cipher(plain, hinted=hinted)
            assert read(data) == plain and vl.hint(len(data)) in (None, n)


@test
def empty_and_lost():
    assert read(b"") == read(bytes(100)) == read(bytes(8192 + 50)) == b""
    assert damaged(b"\0\0\1") and damaged(wipe(cipher(RND(8000)), 0)) and damaged(cipher(RND(10))[:4095])


@test
def any_flip_is_noticed():
    good = cipher(RND(9000))
    for at in range(0, 3 * 4096, 97):
        bad = bytearray(good)
        bad[at] ^= 1
        assert damaged(bad), at


@test
def pages_do_not_move():
    good, other = cipher(RND(13000)), cipher(RND(13000))
    swapped = good[:4096] + good[8192:12288] + good[4096:8192] + good[12288:]
    foreign = good[:4096] + other[4096:8192] + good[8192:]
    assert damaged(swapped) and damaged(foreign)


@test
def strict_below_the_durable_length():
    good = cipher(RND(13000))
    for k in (1, 2, 3):
        assert damaged(wipe(good, k)) and damaged(good[:k * 4096])


@test
def lenient_beyond_it():
    plain = RND(13000)
    good = cipher(plain, durable=4032)
    kept = 4032 - 64
    assert read(good[:4096]) == plain[:kept]
    assert read(wipe(good, 1)) == plain[:kept] + bytes(4032) + plain[kept + 4032:]
    assert read(wipe(good, 3)) == plain[:kept + 8064] + bytes(13000 - kept - 8064)
    bad = bytearray(good)
    bad[2 * 4096 + 200] ^= 1
    assert damaged(bad)


@test
def a_durable_length_inside_a_block():
    plain = RND(13000)
    good = cipher(plain, durable=4033)
    assert damaged(wipe(good, 1)) and damaged(good[:4096]) and not damaged(wipe(good, 2))


@test
def a_short_block_that_is_not_the_last():
    """Block 0 as it was when the file had 100 bytes, block 1 from later: what a power cut leaves."""
    rng = seeded_rng(b"one nonce for both")
    old = dict(vl.file_pages(KEY, b"a" * 100, rng, durable=164))
    rng = seeded_rng(b"one nonce for both")
    new = dict(vl.file_pages(KEY, b"a" * 5000, rng, durable=164))
    assert read(old[0] + new[1]) == b"a" * 100 + bytes(3868) + b"a" * (5000 - 3968)
    rng = seeded_rng(b"one nonce for both")
    more = dict(vl.file_pages(KEY, b"a" * 100, rng, durable=165))
    assert damaged(more[0] + new[1]) and damaged(more[0])


@test
def sparse_files():
    plain = RND(5000) + bytes(40000) + RND(3000)
    data = cipher(plain, sparse=True)
    assert read(data) == plain and not any(data[2 * 4096:10 * 4096])
    data = cipher(RND(5000) + b"\1" * 40000, sparse=False)
    assert damaged(wipe(data, 5))


@test
def frozen_vault():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        subprocess.run(["tar", "--xattrs", "--xattrs-include=user.*", "-xf", os.path.join(VAULTS, "v1.tar"),
                        "-C", d], check=True)
        v = vl.Vault.open(os.path.join(d, "v1"), cli.read_passphrase(os.path.join(VAULTS, "v1.passphrase")))
        have = cli.vault_facts(v)
        assert not v.problems, v.problems
        with open(os.path.join(VAULTS, "v1.expected.json"), encoding="utf-8") as f:
            assert have == cli.json.load(f)


def run(*args, want=0):
    r = subprocess.run([os.path.join(HERE, "vault.py"), *args], capture_output=True, check=False)
    assert r.returncode == want, (args, r.stdout, r.stderr)
    return r.stdout


@test
def command_line():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as d:
        tree, made, pw = (os.path.join(d, n) for n in ("tree", "vault", "pw"))
        os.makedirs(os.path.join(tree, "a", "b" * 200))
        with open(pw, "w", encoding="ascii") as f:
            f.write("secret\n")
        with open(os.path.join(tree, "a", "file"), "wb") as f:
            f.write(RND(20000))
        key = ("--passphrase-file", pw)
        run("create", made, *key, "--memory", "8192", "--from", tree)
        run("verify", made, *key, tree)
        assert run("durable", made, "a/file", *key).split() == [b"20064", b"20064"]
        tamper = ("tamper", made, "a/file", *key)
        for field in ("nonce", "tag", "meta", "header", "payload"):
            for noticed in (1, 0):  # the second flip undoes the first
                run(*tamper, "--block", "0", "--field", field, "--flip", "16" if field == "header" else "0")
                run("verify", made, *key, tree, want=noticed)
        for noticed in (1, 0):
            run("swap", made, "a/file", "1", "2", *key)
            run("verify", made, *key, want=noticed)
        run("zero", made, "a/file", "--block", "2", *key)
        run("verify", made, *key, want=1)
        run("durable", made, "a/file", *key, "--set", "64")
        run("verify", made, *key)
        run("verify", made, *key, tree, want=1)
        disk = run("path", made, "a/" + "b" * 200, *key).rstrip(b"\n")
        os.remove(disk + b".name")
        run("verify", made, *key, want=1)


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for i, fn in enumerate(TESTS, 1):
        try:
            fn()
            print(f"ok {i} - {fn.__name__}")
        except Exception as e:  # pylint: disable=broad-except
            failed = 1
            print(f"not ok {i} - {fn.__name__}\n# {type(e).__name__}: {e} (line {e.__traceback__.tb_next.tb_lineno})")
    return failed


if __name__ == "__main__":
    sys.exit(main())
