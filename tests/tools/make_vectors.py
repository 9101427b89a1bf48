#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write tests/vectors/*.json and the worked example of doc/format.md, from vaultlib and fixed seeds.

make_vectors.py          write them
make_vectors.py --check  compare what would be written with what is there; exit 1 if it differs

Everything is lower-case hex but texts. "expect" is "ok" or the errno name of a reader's refusal, in lower
case. tests/vectors/README.md describes the files.
"""

import copy
import json
import os
import struct
import sys

import vaultlib as vl
from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

import example
import recovery
from make_vault import seeded_rng

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MASTER = bytes(range(32))
KEYS = vl.subkeys(MASTER)
RND = seeded_rng(b"cryptfs vectors")
DIR_IDS = [KEYS.root_id, bytes(16), b"\xff" * 16, RND(16)]


def flip(data, at, bit=1):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def expect_of(code, fn, *args):
    """Run a reader on what it must judge so; the vectors don't say what vaultlib doesn't do."""
    try:
        fn(*args)
        got = "ok"
    except vl.VaultError as e:
        got = e.code
    if got != code:
        raise AssertionError(f"{fn.__name__}: {got} where {code} was expected")
    return code


# ---- SIV by RFC 5297 from CMAC and CTR: a second opinion on AESSIV, and the empty plaintext it lacks

def mac(key, data):
    c = cmac.CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def dbl(block):
    n = int.from_bytes(block, "big") << 1
    return ((n & (2**128 - 1)) ^ (0x87 if n >> 128 else 0)).to_bytes(16, "big")


def s2v(key, strings, plain):
    d = mac(key, bytes(16))
    for s in strings:
        d = xor(dbl(d), mac(key, s))
    if len(plain) >= 16:
        return mac(key, plain[:-16] + xor(plain[-16:], d))
    return mac(key, xor(dbl(d), (plain + b"\x80").ljust(16, b"\0")))


def siv_by_hand(key, ad, nonce, plain):
    v = s2v(key[:32], [ad, nonce], plain)
    q = bytearray(v)
    q[8] &= 0x7f
    q[12] &= 0x7f
    ctr = Cipher(algorithms.AES(key[32:]), modes.CTR(bytes(q))).encryptor()
    return v + ctr.update(plain) + ctr.finalize()


def siv_vectors():
    out = []
    sizes = [0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 64, 100, 160, 255, 256, 1000]
    for i, n in enumerate(sizes * 3):
        key = bytes(range(64)) if i < len(sizes) else RND(64)
        ad, nonce = RND((1, 15, 16, 17, 40)[i % 5]), RND((16, 1, 12, 16, 33)[i % 5 if i >= len(sizes) else 0])
        plain = RND(n)
        sealed = siv_by_hand(key, ad, nonce, plain)
        assert n == 0 or sealed == vl.siv_seal(key, ad, nonce, plain)
        out.append({"name": f"{n} bytes, {i}", "key": key, "ad": ad, "nonce": nonce, "plain": plain,
                    "sealed": sealed, "expect": "ok"})
    for base in out[3:6] + out[-3:]:
        faults = {"tag": {"sealed": flip(base["sealed"], 0)},
                  "tag's counter bit": {"sealed": flip(base["sealed"], 8, 0x80)},
                  "last byte": {"sealed": flip(base["sealed"], len(base["sealed"]) - 1)},
                  "ad": {"ad": flip(base["ad"], 0)}, "nonce": {"nonce": flip(base["nonce"], 0)},
                  "key": {"key": flip(base["key"], 0)}, "counter key": {"key": flip(base["key"], 63)},
                  "cut by one": {"sealed": base["sealed"][:-1]}, "one more": {"sealed": base["sealed"] + b"\0"},
                  "half a tag": {"sealed": base["sealed"][:8]}, "nothing": {"sealed": b""}}
        for what, change in faults.items():
            v = {**base, **change, "name": f"{base['name']}: {what}", "plain": b"", "expect": "ebadmsg"}
            expect_of("ebadmsg", vl.siv_open, v["key"], v["ad"], v["nonce"], v["sealed"], "siv")
            out.append(v)
    return out


# ---- keys, directory IDs

def subkey_vectors():
    return [{"master": m, **vl.subkeys(m)._asdict()} for m in (MASTER, bytes(32), b"\xff" * 32, RND(32), RND(32))]


def dirid_vectors():
    out = []
    for dir_id in DIR_IDS[1:]:
        good = vl.dir_file(KEYS.dir_mac, dir_id)
        out.append({"name": "good", "file": good, "id": dir_id, "expect": "ok"})
        for what, raw, code in (("ID flipped", flip(good, 3), "ebadmsg"), ("MAC flipped", flip(good, 31), "ebadmsg"),
                                ("cut", good[:31], "euclean"), ("too long", good + b"\0", "euclean"),
                                ("empty", b"", "euclean"), ("zeros", bytes(32), "ebadmsg")):
            expect_of(code, vl.dir_file_open, KEYS.dir_mac, raw)
            out.append({"name": what, "file": raw, "expect": code})
    return {"dir_mac": KEYS.dir_mac, "root_id": KEYS.root_id, "vectors": out}


# ---- names

def name_case(what, dir_id, disk, side, code, plain=None):
    expect_of(code, vl.name_open, KEYS.names, dir_id, disk, side)
    v = {"name": what, "dir_id": dir_id, "disk": disk.decode("ascii"), "expect": code}
    if side is not None:
        v["side"] = side
    if plain is not None:
        v["plain"] = plain
    return v


def seal_raw(dir_id, padded):
    return siv_by_hand(KEYS.names, vl.NAME_AD, dir_id, padded)


def disk_case(what, dir_id, sealed, code, plain=None):
    disk = vl.name_disk(sealed)
    return name_case(what, dir_id, disk, sealed if disk.startswith(b"cryptfs.") else None, code, plain)


def good_names():
    texts = [b"a", b"greeting", b"x" * 15, b"y" * 16, b"z" * 17, b"...", b".hidden", b"cryptfs.dir", b" ", b"\n",
             "Übermut 😀".encode(), b"\xff\xfe\x80", b"-", b"=", b"\x01" * 32]
    texts += [RND(n).translate(bytes(c if c not in b"\0/" else 0x5f for c in range(256)))
              for n in (48, 144, 159, 160, 161, 175, 176, 200, 240, 241, 254, 255)]
    for name in texts:
        yield disk_case(f"{len(name)} bytes", DIR_IDS[0], seal_raw(DIR_IDS[0], vl.name_pad(name)), "ok", name)
    for dir_id in DIR_IDS[1:]:
        yield disk_case("another directory", dir_id, seal_raw(dir_id, vl.name_pad(b"greeting")), "ok", b"greeting")


def bad_padding(d):
    for what, padded in (("16 NULs too many after 16 bytes", b"y" * 16 + bytes(16)),
                         ("16 NULs too many after 8 bytes", b"greeting".ljust(32, b"\0")),
                         ("NULs alone", bytes(16)), ("nothing", b""), ("not padded", b"greeting"),
                         ("one NUL too few", b"greeting".ljust(15, b"\0")),
                         ("one NUL too many", b"y" * 16 + b"\0")):
        yield disk_case("padding: " + what, d, seal_raw(d, padded), "euclean")


def bad_names(d):
    for name in (b".", b"..", b"a/b", b"/", b"a\0b", b"\0b", b"n" * 256):
        yield disk_case(f"no name: {name[:3]!r}", d, seal_raw(d, name.ljust(-(-len(name) // 16) * 16, b"\0")), "euclean")


def bad_disk_names(d):
    good = vl.name_seal(KEYS.names, d, b"greeting")
    disk = vl.b64url(good)
    yield disk_case("wrong directory", DIR_IDS[3], good, "ebadmsg")
    for at in (0, 15, 16, 31):
        yield disk_case(f"byte {at} flipped", d, flip(good, at), "ebadmsg")
    for n in (31, 17, 15, 1):
        yield disk_case(f"cut to {n} bytes", d, good[:n], "euclean")
    yield disk_case("cut by 16 bytes", d, vl.name_seal(KEYS.names, d, b"y" * 32)[:-16], "ebadmsg")
    yield disk_case("16 bytes more", d, good + bytes(16), "ebadmsg")
    # 32 bytes end in a character of which four bits count; 'A' plus one sets a bit that must be zero.
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet[alphabet.index(disk[-1]) | 1]
    for what, text in (("trailing bits", disk[:-1] + bytes([last])), ("padding character", disk + b"="),
                       ("length 1 mod 4", disk[:-2]), ("empty", b""), ("a plus", b"+" + disk[1:]),
                       ("a space", b" " + disk[1:]), ("a newline", disk + b"\n"), ("a dot", b"." + disk[1:]),
                       ("plaintext", b"greeting.txt"), ("ours", b"cryptfs.dir"), ("temporary", b"cryptfs.tmp.AAAA"),
                       ("prefix alone", b"cryptfs.")):
        yield name_case("on disk: " + what, d, text, None, "euclean")


def bad_long_names(d):
    sealed = vl.name_seal(KEYS.names, d, b"n" * 200)
    disk = vl.name_disk(sealed)
    short = vl.name_seal(KEYS.names, d, b"n" * 160)
    yield name_case("long: side file of another", d, disk, vl.name_seal(KEYS.names, d, b"m" * 200), "euclean")
    yield name_case("long: side file flipped", d, disk, flip(sealed, 100), "euclean")
    yield name_case("long: side file cut", d, disk, sealed[:-1], "euclean")
    yield name_case("long: side file empty", d, disk, b"", "euclean")
    yield name_case("long: hash flipped", d, flip(disk, 20), sealed, "euclean")
    yield name_case("long: short name stored long", d, b"cryptfs.long." + vl.b64url(vl.blake2b(32, short)), short, "euclean")
    yield disk_case("long: flipped and hashed anew", d, flip(sealed, 100), "ebadmsg")
    yield disk_case("long: wrong directory", DIR_IDS[2], sealed, "ebadmsg")


def name_vectors():
    d = DIR_IDS[0]
    return {"names": KEYS.names, "vectors": [*good_names(), *bad_padding(d), *bad_names(d), *bad_disk_names(d),
                                             *bad_long_names(d)]}


# ---- links and attributes

def link_case(what, disk, side, code, target=None):
    expect_of(code, vl.link_open, KEYS.links, disk, side)
    v = {"name": what, "disk": disk.decode("ascii"), "expect": code}
    v.update({k: x for k, x in (("side", side), ("target", target)) if x is not None})
    return v


def link_vectors():
    out = []
    for n in (1, 2, 3, 16, 100, 1000, 3030, 3031, 3032, 3500, 4095):
        target = (b"../some/where/" * 300)[:n]
        disk, side = vl.link_seal(KEYS.links, RND(24), target)
        out.append(link_case(f"{n} bytes", disk, side, "ok", target))
    disk, _ = vl.link_seal(KEYS.links, RND(24), b"nowhere")
    box = vl.b64url_decode(disk)
    for what, at in (("nonce", 0), ("tag", 24), ("ciphertext", 40)):
        out.append(link_case(what + " flipped", vl.b64url(flip(box, at)), None, "ebadmsg"))
    out.append(link_case("cut by one", vl.b64url(box[:-1]), None, "ebadmsg"))
    out.append(link_case("39 bytes", vl.b64url(box[:39]), None, "euclean"))
    out.append(link_case("padding character", disk + b"=", None, "euclean"))
    out.append(link_case("plaintext", b"../nowhere", None, "euclean"))
    disk, side = vl.link_seal(KEYS.links, RND(24), b"n" * 3500)
    _, other = vl.link_seal(KEYS.links, RND(24), b"n" * 3500)
    out.append(link_case("side file of another", disk, other, "euclean"))
    out.append(link_case("side file flipped", disk, flip(side, 50), "euclean"))
    bad = flip(side, 50)
    out.append(link_case("side file flipped and hashed anew", b"cryptfs.slink." + vl.b64url(vl.blake2b(32, bad)),
                         bad, "ebadmsg"))
    return {"links": KEYS.links, "vectors": out}


def xattr_case(what, disk, raw, code, plain=None, value=None):
    expect_of(code, vl.xattr_open, KEYS, disk, raw)
    v = {"name": what, "disk": disk.decode("ascii"), "raw": raw, "expect": code}
    v.update({k: x for k, x in (("plain", plain), ("value", value)) if x is not None})
    return v


def xattr_vectors():
    out, good = [], {}
    for name, value in ((b"a", b"blue"), (b"empty", b""), (b"mime_type", b"text/plain"), (b"\xff\xfe", RND(100)),
                        (b"n" * 165, b"last short"), (b"n" * 166, b"first long"), (b"n" * 250, RND(1000)),
                        (b"m" * 250, b"")):
        good[name] = vl.xattr_seal(KEYS, RND(24), name, value)
        out.append(xattr_case(f"{len(name)} bytes", *good[name], "ok", name, value))
    for name in (b"a", b"n" * 166):
        disk, raw = good[name]
        for what, at in (("nonce", 0), ("tag", 24), ("last byte", len(raw) - 1)):
            out.append(xattr_case(f"{len(name)} bytes: {what} flipped", disk, flip(raw, at), "ebadmsg"))
        out.append(xattr_case(f"{len(name)} bytes: value of another", disk, good[b"m" * 250][1], "ebadmsg"))
        out.append(xattr_case(f"{len(name)} bytes: 39 bytes", disk, raw[:39], "euclean"))
    out.append(xattr_case("name of another", good[b"empty"][0], good[b"a"][1], "ebadmsg"))
    out.append(xattr_case("not canonical", good[b"a"][0] + b"=", good[b"a"][1], "euclean"))
    return {"xattr_names": KEYS.xattr_names, "xattr_values": KEYS.xattr_values, "vectors": out}


# ---- content

def base_block(name, block, n, flags=0, durable=0):
    """A good page holding n bytes (block 0: behind the header)."""
    header, nonce, data = vl.header_encode(RND(24), flags), RND(24), RND(n)
    key = vl.file_key(KEYS.content, header[16:40])
    page = vl.block_seal(key, nonce, block, data, header, durable)
    return {"name": name, "block": block, "file_nonce": header[16:40], "used": len(data) + (64 if block == 0 else 0),
            "flags": flags, "durable": durable, "plain": data, "page": page, "expect": "ok"}


def resealed(base, meta=None, header=None):
    """The base page with other meta or header, sealed properly: only the tag tells a reader."""
    page, k = base["page"], base["block"]
    meta, header = meta or page[40:64], header or page[64:128]
    skip = 64 if k == 0 else 0
    data = base["plain"].ljust(4032 - skip, b"\0")
    tag, cipher = vl.aead_seal(vl.file_key(KEYS.content, base["file_nonce"]), page[:24],
                               vl.block_ad(meta, k, header), data)
    return page[:24] + tag + meta + (header if k == 0 else b"") + cipher


def patches(old, new):
    """The differences as a list of [offset, bytes]."""
    out, at = [], 0
    while at < len(old):
        if old[at] == new[at]:
            at += 1
            continue
        end = at
        while end < len(old) and old[end] != new[end]:
            end += 1
        out.append([at, new[at:end]])
        at = end
    return out


def read_block(base, block, page):
    if block == 0:
        vl.header_decode(page[64:128])
    vl.block_open(vl.file_key(KEYS.content, base["file_nonce"]), block, page)


def fault(base, what, page, code, block=None):
    block = base["block"] if block is None else block
    expect_of(code, read_block, base, block, page)
    return {"name": f"{base['name']}: {what}", "base": base["name"], "block": block,
            "patch": patches(base["page"], page), "expect": code}


def block_faults(base):
    k, page, used = base["block"], base["page"], base["used"]
    yield fault(base, "nonce flipped", flip(page, 0), "ebadmsg")
    yield fault(base, "nonce's last byte flipped", flip(page, 23, 0x80), "ebadmsg")
    yield fault(base, "tag flipped", flip(page, 39), "ebadmsg")
    yield fault(base, "used changed", page[:40] + struct.pack("<H", used ^ 256) + page[42:], "ebadmsg")
    yield fault(base, "payload flipped", flip(page, 64 + (64 if k == 0 else 0)), "ebadmsg")
    yield fault(base, "last byte flipped", flip(page, 4095), "ebadmsg")
    if k > 0:
        yield fault(base, "read as the next block", page, "ebadmsg", k + 1)
        yield fault(base, "read as the block before", page, "ebadmsg", k - 1 if k > 1 else k + 2**32)
    for what, meta in (("used 0", vl.meta_encode(0, base["durable"])), ("used 4033", vl.meta_encode(4033, base["durable"])),
                       ("used 65535", vl.meta_encode(65535, base["durable"]))):
        yield fault(base, what, resealed(base, meta), "euclean")
    good = page[40:64]
    for at in (4, 7, 16, 23):
        yield fault(base, f"meta byte {at} set", resealed(base, flip(good, at)), "euclean")
    if k > 0:
        yield fault(base, "durable length outside block 0", resealed(base, flip(good, 8)), "euclean")


def header_faults(base):
    page, good = base["page"], base["page"][64:128]
    yield fault(base, "used 64", resealed(base, vl.meta_encode(64, base["durable"])), "euclean")
    yield fault(base, "durable length changed", flip(page, 48), "ebadmsg")
    yield fault(base, "SPARSE flipped", flip(page, 64 + 12), "ebadmsg")
    yield fault(base, "read as block 1", page, "euclean" if base["durable"] else "ebadmsg", 1)
    for what, at, bit, code in (("magic", 0, 1, "euclean"), ("magic's NUL", 7, 1, "euclean"),
                                ("first zero", 40, 1, "euclean"), ("last zero", 63, 0x80, "euclean"),
                                ("version 3", 8, 2, "eprotonosupport"), ("version 257", 9, 1, "eprotonosupport"),
                                ("flag 1", 12, 2, "eprotonosupport"),
                                ("flag 31", 15, 0x80, "eprotonosupport")):
        yield fault(base, f"header: {what}", resealed(base, header=flip(good, at, bit)), code)


def block_vectors():
    bases = [base_block("first, 1 byte", 0, 1), base_block("first, partial", 0, 1000, 0, 1064),
             base_block("first, full", 0, 3968, 0, 2**40 + 5), base_block("first, sparse", 0, 3968, vl.SPARSE, 4032),
             base_block("second, 1 byte", 1, 1), base_block("second, full", 1, 4032),
             base_block("far", 2**32, 777), base_block("farthest", 2**50, 4032)]
    out = list(bases)
    for base in (bases[1], bases[2], bases[5], bases[6]):
        out += block_faults(base)
    for base in bases[1:3]:
        out += header_faults(base)
    return {"content": KEYS.content, "vectors": out}


def size_vectors():
    sizes = [0, 1, 63, 64, 65, 3967, 3968, 3969, 3970, 4031, 4032, 4033, 4095, 4096, 4097, 7999, 8000, 8001, 12031,
             12032, 12033, 65536, 2**20, 2**20 + 1, 2**31 - 1, 2**31, 2**32, 2**32 + 4032, 2**40, 2**40 + 1, 2**50,
             2**62]
    plain = []
    for n in sizes:
        s = vl.stream_len(n)
        plain.append({"size": n, "stream": s, "pages": vl.pages_of(s), "last_used": vl.last_used(s),
                      "hinted": vl.cipher_size(s, True), "unhinted": vl.cipher_size(s, False)})
    # not here: one page and a hint up to 64, which no file has (the formula gives no size above 0)
    ciphers = [0, 1, 63, 64, 65, 4095, 4096, 4096 + 65, 4096 + 66, 4096 + 4031, 4096 + 4032, 4096 + 4033, 8191, 8192,
               8193, 8192 + 4032, 8192 + 4033, 12288, 2**20, 2**20 + 100, 2**40, 2**40 + 1]
    return {"plain": plain, "cipher": [{"cipher": c, "hint": vl.hint(c)} for c in ciphers]}


def range_of(pos, n):
    first, last = pos // 4032, (pos + n - 1) // 4032
    return {"pos": pos, "n": n, "first": first, "count": last - first + 1, "skip": pos % 4032,
            "tail": pos + n - 4032 * last}


def range_vectors():
    return [range_of(pos, n) for pos in (0, 1, 64, 4031, 4032, 4033, 8064, 2**40, 2**62)
            for n in (1, 2, 4031, 4032, 4033, 8064, 131072)]


# ---- settings

def settings_base():
    """Two passphrases, a recovery code and a key file: (settings, secrets by slot number)."""
    v = vl.settings_new(RND(16), 1700000000, "private", (), "Übungen")
    secrets = {0: b"first passphrase", 3: b"\xff second \xfe", 4: RND(20), 31: RND(64)}
    v["slots"] = [vl.slot_new(0, "passphrase", RND(16), 1700000000, "typed", (8192, 1, 1)),
                  vl.slot_new(3, "passphrase", RND(16), 1700000001, "", (8192, 2, 4)),
                  vl.slot_new(4, "recovery", RND(16), 1700000002, "printed"),
                  vl.slot_new(31, "keyfile", RND(16), 2**40, "on a stick")]
    for s in v["slots"]:
        vl.slot_seal(v, s, secrets[s["slot"]], MASTER, RND(24))
    vl.settings_sign(v, KEYS.settings)
    return v, secrets


def two_slots(base):
    """The first and the last slot are enough for one fault at a time."""
    v = {**base, "slots": base["slots"][::3]}
    vl.settings_sign(v, KEYS.settings)
    return v


def judge(raw, secret, kind):
    return vl.settings_unlock(vl.settings_open(raw), secret, kind)


def text_case(what, raw, secret, kind, code, spaces=0):
    expect_of(code, judge, raw + b" " * spaces, secret, kind)
    v = {"name": what, "secret": secret, "kind": kind, "expect": code}
    try:
        v["text"] = raw.decode("utf-8")
    except UnicodeDecodeError:
        v["bytes"] = raw
    if spaces:
        v["spaces"] = spaces
    return v


def good_settings(base, secrets):
    for s in base["slots"]:
        case = text_case(f"slot {s['slot']}", vl.settings_print(base), secrets[s["slot"]], s["kind"], "ok")
        yield {**case, "slot": s["slot"], "master": MASTER, "vault_id": base["vault_id"], "mac": base["mac"],
               "checksum": base["checksum"], "record": vl.settings_record(base)}
    v = copy.deepcopy(base)
    v.update(coherency="shared", features=["hide-sizes"], label="l" * 128, slots=v["slots"][:1])
    vl.settings_sign(v, KEYS.settings)
    for what, raw in (("shared, hide-sizes", vl.settings_print(v)),
                      ("on one line", json.dumps(v).encode()), ("other order", json.dumps(v, sort_keys=True).encode())):
        case = text_case(what, raw, secrets[0], "passphrase", "ok")
        yield {**case, "slot": 0, "master": MASTER, "vault_id": v["vault_id"], "mac": v["mac"],
               "checksum": v["checksum"], "record": vl.settings_record(v)}
    yield from both_epochs(base, secrets)


def both_epochs(base, secrets):
    v = copy.deepcopy(base)
    v.update(epoch=513, slots=v["slots"][:1])
    vl.previous_seal(v, MASTER, bytes(range(32)), bytes(range(64, 88)))
    vl.settings_sign(v, KEYS.settings)
    case = text_case("with the key of the epoch before", vl.settings_print(v), secrets[0], "passphrase", "ok")
    yield {**case, "slot": 0, "master": MASTER, "vault_id": v["vault_id"], "mac": v["mac"], "checksum": v["checksum"],
           "record": vl.settings_record(v)}
    v["previous"]["wrapped"] = flip(bytes.fromhex(v["previous"]["wrapped"]), 0).hex()
    vl.settings_sign(v, KEYS.settings)
    yield text_case("that key damaged", vl.settings_print(v), secrets[0], "passphrase", "ebadmsg")


class Change:
    """Make a faulty copy: change a value, then perhaps make the checksum fit."""

    def __init__(self, base, secrets):
        self.base, self.secret = base, secrets[0]

    def __call__(self, what, edit, code, checksum=True):
        v = copy.deepcopy(self.base)
        edit(v)
        if checksum:
            v["checksum"] = vl.settings_checksum(v)
        return text_case(what, json.dumps(v, ensure_ascii=False).encode(), self.secret, "passphrase", code)

    def set(self, what, value, code, *path, checksum=False):
        def edit(v):
            for p in path[:-1]:
                v = v[p]
            v[path[-1]] = value
        return self(what, edit, code, checksum)

    def flip_hex(self, what, code, *path, checksum=True):
        v = self.base
        for p in path:
            v = v[p]
        return self.set(what, flip(bytes.fromhex(v), 0).hex(), code, *path, checksum=checksum)


def tampered_settings(c):
    slot = ("slots", 0)
    yield c.flip_hex("checksum flipped", "euclean", "checksum", checksum=False)
    yield c.flip_hex("mac flipped, checksum not", "euclean", "mac", checksum=False)
    yield c.set("label changed, checksum not", "else", "euclean", "label")
    yield c.flip_hex("mac flipped", "ebadmsg", "mac")
    yield c.set("label changed", "else", "ebadmsg", "label", checksum=True)
    yield c.set("coherency changed", "shared", "ebadmsg", "coherency", checksum=True)
    yield c.set("feature added", ["hide-sizes"], "ebadmsg", "features", checksum=True)
    yield c.set("created changed", 1, "ebadmsg", "created", checksum=True)
    yield c.flip_hex("vault ID changed", "ebadmsg", "vault_id")
    yield c("another slot taken away", lambda v: v["slots"].pop(), "ebadmsg")
    yield c("own slot taken away", lambda v: v["slots"].pop(0), "ekeyrejected")
    yield c.set("slot's label changed", "else", "ebadmsg", *slot, "label", checksum=True)
    yield c.set("slot's number changed", 1, "ebadmsg", *slot, "slot", checksum=True)
    yield c.set("slot's created changed", 1, "ebadmsg", *slot, "created", checksum=True)
    yield c.set("slot's kind changed", "keyfile", "ekeyrejected", *slot, "kind", checksum=True)
    yield c.flip_hex("slot's nonce flipped", "ebadmsg", *slot, "nonce")
    yield c.flip_hex("slot's wrapped flipped", "ebadmsg", *slot, "wrapped")
    yield c.flip_hex("slot's commitment flipped", "ekeyrejected", *slot, "commitment")
    yield c.flip_hex("slot's salt flipped", "ekeyrejected", *slot, "kdf", "salt")
    yield c.set("slot's memory changed", 8200, "ekeyrejected", *slot, "kdf", "memory_kib", checksum=True)
    yield c.set("slot's passes changed", 2, "ekeyrejected", *slot, "kdf", "passes", checksum=True)
    yield c.set("slot's lanes changed", 2, "ekeyrejected", *slot, "kdf", "lanes", checksum=True)


def invalid_settings(c):
    kdf, slot = ("slots", 0, "kdf"), ("slots", 0)
    for n, code in ((2, "eprotonosupport"), (2**31, "eprotonosupport"), (0, "euclean"), (-1, "euclean"),
                    ("1", "euclean"), (True, "euclean"), (None, "euclean")):
        yield c.set(f"version {n!r}", n, code, "cryptfs")
    yield c("version 2 with other members", lambda v: (v.update(cryptfs=2, new=[]), v.pop("slots")),
            "eprotonosupport", False)
    for m in sorted(vl.SETTINGS_MEMBERS):
        yield c(f"without {m}", lambda v, m=m: v.pop(m), "euclean", False)
    for m in sorted(vl.SLOT_MEMBERS):
        yield c(f"slot without {m}", lambda v, m=m: v["slots"][0].pop(m), "euclean", False)
    for m in sorted(vl.KDF_MEMBERS):
        yield c(f"kdf without {m}", lambda v, m=m: v["slots"][0]["kdf"].pop(m), "euclean", False)
    yield c.set("unknown member", 1, "euclean", "new")
    yield c.set("unknown member of a slot", 1, "euclean", *slot, "new")
    yield c.set("unknown member of a kdf", 1, "euclean", *kdf, "new")
    good = c.base["vault_id"]
    for what, value in (("upper case", good.upper()), ("cut", good[:-2]), ("odd", good[:-1]), ("longer", good + "00"),
                        ("no hex", "g" + good[1:]), ("empty", ""), ("a number", 7), ("null", None)):
        yield c.set(f"vault_id: {what}", value, "euclean", "vault_id")
    for m, n in (("salt", 16),):
        yield c.set("salt cut", "00" * (n - 1), "euclean", *kdf, m)
    for m, n in (("commitment", 32), ("nonce", 24), ("wrapped", 48)):
        yield c.set(f"{m} cut", "00" * (n - 1), "euclean", *slot, m)
    for m in ("mac", "checksum"):
        yield c.set(f"{m} cut", "00" * 31, "euclean", m)
    yield c.set("epoch 65536", 65536, "euclean", "epoch")
    yield c.set("previous in epoch 0", {"nonce": "00" * 24, "wrapped": "00" * 48}, "euclean", "previous")
    yield c.set("created negative", -1, "euclean", "created")
    yield c.set("created a string", "1", "euclean", "created")
    yield c.set("coherency unknown", "public", "euclean", "coherency")
    yield c.set("features not an array", "hide-sizes", "euclean", "features")
    yield c.set("feature twice", ["hide-sizes", "hide-sizes"], "euclean", "features")
    yield c.set("feature a number", [1], "euclean", "features")
    yield c.set("unknown feature", ["a-new-one", "hide-sizes"], "eprotonosupport", "features")
    yield c.set("label of 129 bytes", "l" * 129, "euclean", "label")
    yield c.set("label of 130 bytes in 65 characters", "ü" * 65, "euclean", "label")
    yield c.set("slot's label of 129 bytes", "l" * 129, "euclean", *slot, "label")
    yield c.set("label null", None, "euclean", "label")


def invalid_slots(c):
    kdf, slot = ("slots", 0, "kdf"), ("slots", 0)
    yield c.set("no slots", [], "euclean", "slots")
    yield c.set("slots an object", {}, "euclean", "slots")
    yield c.set("slots of null", [None], "euclean", "slots")
    yield c("slots in wrong order", lambda v: v["slots"].reverse(), "euclean", False)
    yield c.set("slot number twice", 31, "euclean", *slot, "slot")
    yield c.set("slot 32", 32, "euclean", "slots", 1, "slot")
    yield c.set("slot -1", -1, "euclean", *slot, "slot")
    yield c.set("unknown kind", "tpm", "eprotonosupport", *slot, "kind")
    yield c.set("kind a number", 1, "euclean", *slot, "kind")
    yield c.set("kdf null", None, "euclean", *slot, "kdf")
    yield c("blake2b for a passphrase", lambda v: v["slots"][0]["kdf"].update(
        name="blake2b", memory_kib=0, passes=0, lanes=0), "euclean", False)
    yield c.set("blake2b with memory", 8192, "euclean", "slots", 1, "kdf", "memory_kib")
    for m, bad in (("memory_kib", (0, 8191, 4194305, 2**32 - 1, 2**32 + 8192, -8192)), ("passes", (0, 65, -1)),
                   ("lanes", (0, 17, -1))):
        for n in bad:
            yield c.set(f"{m} {n}", n, "euclean", *kdf, m)
    yield c("memory * passes too much", lambda v: v["slots"][0]["kdf"].update(memory_kib=4194304, passes=17),
            "euclean", False)
    yield c("memory * passes of all slots too much", dear_slots, "euclean", False)


def dear_slots(v):
    """Each within the limits, not all together."""
    slot = v["slots"][0]
    v["slots"] = [dict(slot, slot=n, kdf=dict(slot["kdf"], memory_kib=4194304, passes=16)) for n in range(3)]


def broken_texts(base, secret):
    raw = vl.settings_print(base)
    first = raw.index(b'"vault_id"')
    for what, data in (
            ("empty", b""), ("not JSON", b"hello\n"), ("an array", b"[]"), ("a number", b"1"), ("empty object", b"{}"),
            ("cut", raw[:-3]), ("trailing text", raw + b"x"), ("trailing object", raw + b"{}"),
            ("a member twice", raw[:first] + b'"epoch": 0, ' + raw[first:]),
            ("version twice", raw[:first] + b'"cryptfs": 1, ' + raw[first:]),
            ("slot's member twice", raw.replace(b'"slot": 0,', b'"slot": 0, "slot": 0,', 1)),
            ("NaN", raw.replace(b'"epoch": 0', b'"epoch": NaN', 1)),
            ("not an integer", raw.replace(b'"epoch": 0', b'"epoch": 0.5', 1)),
            ("not UTF-8", raw.replace("Ü".encode(), b"\xff", 1)), ("a NUL", raw + b"\0"),
            ("deep", b"[" * 5000)):
        yield text_case(f"text: {what}", data, secret, "passphrase", "euclean")
    room = 262144 - len(raw)
    yield text_case("text: 262145 bytes", raw, secret, "passphrase", "euclean", room + 1)
    raw = vl.settings_print(base)
    yield text_case("wrong passphrase", raw, b"wrong", "passphrase", "ekeyrejected")
    yield text_case("passphrase for a key file", raw, secret, "keyfile", "ekeyrejected")
    yield text_case("passphrase with a line end", raw, secret + b"\n", "passphrase", "ekeyrejected")
    yield text_case("no slot of that kind", raw, secret, "keyring", "ekeyrejected")


def settings_vectors():
    base, secrets = settings_base()
    c = Change(two_slots(base), secrets)
    return [*good_settings(base, secrets), *tampered_settings(c), *invalid_settings(c), *invalid_slots(c),
            *broken_texts(two_slots(base), secrets[0])]


# ---- files

def plain_json(value):
    """bytes to hex, all the way down."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: plain_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(v) for v in value]
    return value


def outputs():
    """{path below the top: text}"""
    vectors = {"siv": siv_vectors(), "subkeys": subkey_vectors(), "dirids": dirid_vectors(), "names": name_vectors(),
               "links": link_vectors(), "xattrs": xattr_vectors(), "blocks": block_vectors(), "sizes": size_vectors(),
               "ranges": range_vectors(), "settings": settings_vectors(), "recovery": recovery.vectors(),
               "example": example.vectors()}
    out = {f"tests/vectors/{name}.json": json.dumps(plain_json(v), indent=1) + "\n" for name, v in vectors.items()}
    with open(os.path.join(TOP, "doc/format.md"), encoding="utf-8") as f:
        out["doc/format.md"] = example.in_document(f.read())
    return out


def current(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def main():
    stale = 0
    for name, text in outputs().items():
        path = os.path.join(TOP, name)
        if current(path) == text:
            continue
        stale = 1
        print(f"{name}: differs" if "--check" in sys.argv else f"{name}: written")
        if "--check" not in sys.argv:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
    return stale if "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
