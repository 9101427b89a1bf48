#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add seeds to the corpora in tests/fuzz/corpus: from the test vectors, and recipes of ordinary files. Run by hand when
those change, before tests/fuzz/campaign --merge, which keeps what is needed of seeds and of what the fuzzers found."""

import hashlib
import json
import os
import struct

HERE = os.path.dirname(os.path.realpath(__file__))
CORPUS = os.path.join(HERE, "corpus")
VECTORS = os.path.join(os.path.dirname(HERE), "vectors")


def vectors(name):
    with open(os.path.join(VECTORS, name + ".json"), encoding="utf-8") as f:
        return json.load(f)


def walk(x):
    """Every string in a JSON document."""
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, list):
        for y in x:
            yield from walk(y)
    if isinstance(x, str):
        yield x


def unhex(s):
    try:
        return bytes.fromhex(s)
    except ValueError:
        return b""


def settings():
    for v in vectors("settings"):
        text = v["text"].encode() if "text" in v else unhex(v.get("bytes", ""))
        if len(text) <= 4096:
            yield text
    yield from (b"", b"{}", b"[]", b'{"cryptfs":2}', b'{"cryptfs":1,"cryptfs":1}')


def contents():
    seen = set()
    for s in walk(vectors("blocks")):
        page = unhex(s)
        if len(page) == 4096:
            seen.add(page[40:64] + page[64:128] + bytes(24))
    yield from sorted(seen)
    for block, pos, n in ((0, 0, 1), (1, 4031, 2), (1 << 40, 4032 * 7, 4032), (4032, 63, 1 << 20)):
        meta = (4032).to_bytes(2, "little") + bytes(22)
        yield meta + b"cryptfs\0\1" + bytes(55) + b"".join(x.to_bytes(8, "little") for x in (block, pos, n))


def names():
    yield from (b"", b".", b"..", b"cryptfs.dir", b"cryptfs.json", b"cryptfs.tmp.x", b"cryptfs.long.", b"README")
    yield b"cryptfs.long." + b"A" * 43
    yield b"cryptfs.slink." + b"A" * 43
    yield b"name".ljust(16, b"\0")
    yield b"sixteen bytes ok"
    yield b"x" * 160
    yield from (b"AA", b"AB", b"-_-_", b"AAAA=", b"00ff", b"0F", b"deadbeef", bytes(range(64)))
    yield b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    by_length = {len(s): s for s in walk(vectors("names")) if 0 < len(s) <= 255}
    yield from (s.encode() for s in by_length.values())


def recoveries():
    """fuzz_recovery.c: the first byte says how many bytes the text is of."""
    for v in vectors("recovery"):
        yield bytes([v["n"] - 1]) + v["typed"].encode()
    for kind in range(3):
        yield bytes([5, 2, 3 * 17 + kind]) + bytes(range(20))


def files():
    """Recipes of fuzz_file.h: files as they should be, and what is often done to them."""
    page = lambda used=4032, kind=0, odd=0, durable=0: struct.pack("<BBHQ", kind, odd, used, durable)
    op = lambda kind, a=0, x=0, n=0: struct.pack("<BBIH", kind, a, x, n)
    for n in 1, 2, 3, 5:
        length = 4032 * (n - 1) + 1500
        for durable in 0, 65, length - 1000, length:
            for odd in 0, 8:
                pages = page(4032 if n > 1 else 1500, 0, odd, durable)
                pages += b"".join(page() for _ in range(n - 2)) + (page(1500) if n > 1 else b"")
                head = struct.pack("<BBHB", 1, n, 1500, 0)
                yield head + pages
                yield head + pages + op(2, 2, 128, 3000) + op(10, 0) + op(10, 1) + op(10, 2) + op(13)
                yield head + pages + op(2, 0, 20000, 100) + op(9, 0, 6000, 0) + op(9, 0, 6000, 1) + op(13)
                yield head + pages + op(6, 0, 2000, 1) + op(6, 0, 9000, 1) + op(8, 8, 500, 9000) + op(13)
                yield head + pages + op(12, 0, 0) + op(2, 0, 10, 10) + op(14, 3, 0) + op(0, 0, 0, 4000) + op(13)
    for kind in range(2, 8):
        yield struct.pack("<BBHB", 0, 3, 0, 0) + page(durable=4032) + page(kind=kind) + page(100)


def main():
    for name, seeds in (("vaultfile", settings), ("content", contents), ("name", names), ("recovery", recoveries),
                        ("file", files)):
        where = os.path.join(CORPUS, name)
        os.makedirs(where, exist_ok=True)
        for seed in seeds():
            with open(os.path.join(where, hashlib.sha256(seed).hexdigest()[:12]), "wb") as f:
                f.write(seed)


main()
