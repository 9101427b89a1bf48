#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the seed corpora in tests/fuzz/corpus from the test vectors. Run by hand when those change."""

import hashlib
import json
import os
import shutil

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
    by_length = {len(s): s for s in walk(vectors("names")) if 0 < len(s) <= 255}
    yield from (s.encode() for s in by_length.values())


def codec():
    yield from (b"", b"AA", b"AAA", b"AAAA", b"AB", b"-_-_", b"AAAA=", b"00ff", b"0F", b"deadbeef", bytes(range(64)))
    yield b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def main():
    for name, seeds in (("vaultfile", settings), ("content", contents), ("name", names), ("codec", codec)):
        where = os.path.join(CORPUS, name)
        shutil.rmtree(where, ignore_errors=True)
        os.makedirs(where)
        for seed in seeds():
            with open(os.path.join(where, hashlib.sha256(seed).hexdigest()[:12]), "wb") as f:
                f.write(seed)


main()
