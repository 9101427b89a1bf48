#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vault format, version 1, a second time: written from doc/format.md alone, to check the C by.

For tests only: nothing here is locked in memory, wiped, constant-time or safe against power cuts.
Needs python3-nacl, python3-cryptography and python3-argon2.
"""

import base64
import collections
import errno
import hashlib
import hmac
import json
import os
import re
import stat
import struct

import argon2.low_level
import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PAGE = 4096
PAYLOAD = 4032
HEADER_LEN = 64
META_LEN = 24
MAGIC = b"cryptfs\0"
SPARSE = 1

NAME_AD = b"cryptfs name v1"
LINK_AD = b"cryptfs link v1"
XATTR_AD = b"cryptfs xattr v1"
DIR_AD = b"cryptfs directory v1"
SLOT_AD = b"cryptfs slot v1"
SETTINGS_AD = b"cryptfs settings v1"
PREVIOUS_AD = b"cryptfs previous v1"

KINDS = {"passphrase": 1, "recovery": 2, "keyfile": 3, "keyring": 4, "keyfile+passphrase": 5}
KDFS = {"argon2id": 1, "blake2b": 2}
FEATURES = {"hide-sizes"}


class VaultError(Exception):
    """Anything that keeps a reader from going on. code is the errno name that the C side returns."""
    code = None


class Damage(VaultError):
    """The structure is wrong: no writer makes this."""
    code = "euclean"


class Forged(Damage):
    """Authentication failed."""
    code = "ebadmsg"


class NewerFormat(VaultError):
    code = "eprotonosupport"


class KeyRejected(VaultError):
    code = "ekeyrejected"


# ---- section 1: primitives and encodings

def blake2b(n, data, key=b""):
    return hashlib.blake2b(data, digest_size=n, key=key).digest()


def kdf(key, ctx, n):
    return hashlib.blake2b(b"", digest_size=n, key=key, salt=struct.pack("<Q", 1) + bytes(8),
                           person=ctx.encode("ascii") + bytes(8)).digest()


def aead_seal(key, nonce, ad, plain):
    """Returns (tag, ciphertext)."""
    out = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)
    return out[-16:], out[:-16]


def aead_open(key, nonce, ad, tag, cipher, what):
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(cipher + tag, ad, nonce, key)
    except nacl.exceptions.CryptoError:
        raise Forged(f"{what} does not open") from None


def siv_seal(key, ad, nonce, plain):
    return AESSIV(key).encrypt(plain, [ad, nonce])


def siv_open(key, ad, nonce, sealed, what):
    if len(sealed) <= 16:  # nothing that the format seals is empty
        raise Forged(f"{what} is too short")
    try:
        return AESSIV(key).decrypt(sealed, [ad, nonce])
    except InvalidTag:
        raise Forged(f"{what} does not open") from None


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def b64url_decode(text, what="base64url"):
    if not re.fullmatch(rb"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise Damage(f"{what} is not base64url")
    data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    if b64url(data) != text:
        raise Damage(f"{what} is not canonical base64url")
    return data


def lstr(data):
    return struct.pack("<H", len(data)) + data


# ---- section 2: keys

Subkeys = collections.namedtuple(
    "Subkeys", "content names xattr_names xattr_values links settings dir_mac root_id")
SUBKEY_LABELS = {"content": ("cfs-cont", 32), "names": ("cfs-name", 64),
                 "xattr_names": ("cfs-xanm", 64), "xattr_values": ("cfs-xavl", 32),
                 "links": ("cfs-link", 32), "settings": ("cfs-sett", 32),
                 "dir_mac": ("cfs-dmac", 32), "root_id": ("cfs-root", 16)}


def subkeys(master):
    return Subkeys(**{name: kdf(master, *label) for name, label in SUBKEY_LABELS.items()})


# ---- section 3: file content

Header = collections.namedtuple("Header", "version epoch flags file_nonce")
Meta = collections.namedtuple("Meta", "used epoch durable")


def header_encode(file_nonce, flags=0, version=1, epoch=0):
    return MAGIC + struct.pack("<HHI", version, epoch, flags) + file_nonce + bytes(24)


def header_decode(raw):
    version, epoch, flags = struct.unpack_from("<HHI", raw, 8)
    if raw[:8] != MAGIC:
        raise Damage("header: wrong magic")
    if version > 1 or flags & ~SPARSE:
        raise NewerFormat("header: newer version or flag")
    if version != 1 or any(raw[40:]):
        raise Damage("header: version 0 or padding")
    return Header(version, epoch, flags, raw[16:40])


def meta_encode(used, durable=0, epoch=0):
    return struct.pack("<HHIQQ", used, epoch, 0, durable, 0)


def meta_decode(raw, block):
    used, epoch, zero1, durable, zero2 = struct.unpack("<HHIQQ", raw)
    if not (65 if block == 0 else 1) <= used <= PAYLOAD:
        raise Damage(f"block {block}: used is {used}")
    if zero1 or zero2 or (block > 0 and durable):
        raise Damage(f"block {block}: meta has bytes that must be zero")
    return Meta(used, epoch, durable)


def file_key(content_key, file_nonce):
    return blake2b(32, file_nonce, key=content_key)


def block_ad(meta, block, header):
    return meta + struct.pack("<Q", block) + (header if block == 0 else b"")


def block_seal(key, nonce, block, data, header=None, durable=0, epoch=0):
    """One page. data is what the block holds of the stream, for block 0 without the header."""
    head = header if block == 0 else b""
    meta = meta_encode(len(head) + len(data), durable, epoch)
    tag, cipher = aead_seal(key, nonce, block_ad(meta, block, header),
                            data.ljust(PAYLOAD - len(head), b"\0"))
    return nonce + tag + meta + head + cipher


def block_open(key, block, page):
    """Returns (meta, data); data ends at used, and in block 0 begins after the header."""
    meta = meta_decode(page[40:64], block)
    skip = HEADER_LEN if block == 0 else 0
    plain = aead_open(key, page[:24], block_ad(page[40:64], block, page[64:128]), page[24:40],
                      page[64 + skip:], f"block {block}")
    return meta, plain[:meta.used - skip]


def page_epoch(page):
    return struct.unpack_from("<H", page, 42)[0]


def file_block_open(content, file_nonce, block, page):
    """block_open of a file. content is the subkey, or {epoch: subkey} if the vault has several."""
    if isinstance(content, dict):
        content = content.get(page_epoch(page))
        if content is None:
            raise Forged(f"block {block}: of an epoch without a key")
    return block_open(file_key(content, file_nonce), block, page)


def nonce_add(nonce, i):
    last = (struct.unpack_from("<Q", nonce, 16)[0] + i) % 2**64
    return nonce[:16] + struct.pack("<Q", last)


def stream_len(size):
    return size + HEADER_LEN if size else 0


def pages_of(length):
    return -(-length // PAYLOAD)


def last_used(length):
    return length - PAYLOAD * (pages_of(length) - 1) if length else 0


def cipher_size(length, hinted):
    return pages_of(length) * PAGE + (last_used(length) if hinted else 0)


def hint(size):
    """What a ciphertext size says of the plaintext size, or None."""
    if size == 0:
        return 0
    n, h = divmod(size, PAGE)
    if n == 0 or h == 0 or h > PAYLOAD:
        return None
    plain = PAYLOAD * (n - 1) + h - HEADER_LEN
    return plain if plain > 0 else None


def stream_blocks(plain):
    """Cut a plaintext into what each block holds (block 0 without the header)."""
    first = PAYLOAD - HEADER_LEN
    yield plain[:first]
    for at in range(first, len(plain), PAYLOAD):
        yield plain[at:at + PAYLOAD]


class FileReader:
    """An open ciphertext file: read_at(off, n) gives its bytes, size its ciphertext size. content is as in
    file_block_open."""

    def __init__(self, content, read_at, size):
        self.content, self.read_at, self.size = content, read_at, size
        self.pages = size // PAGE
        self.length = self.durable = 0
        self.sparse = False
        self.header = None
        page0 = read_at(0, PAGE)
        if not any(page0):  # no bytes at all, or the first write never reached the disk
            if self._any_byte(PAGE):
                raise Damage("page 0 is zero and others are not")
            return
        if self.pages == 0:
            raise Damage("a piece of a page")
        self.header = header_decode(page0[64:128])
        self.sparse = bool(self.header.flags & SPARSE)
        meta = self._open(0, page0)[0]
        if meta.epoch != self.header.epoch:
            raise Damage("header: of another epoch than its block")
        self.durable = meta.durable
        self._find_length()

    def _open(self, k, page):
        return file_block_open(self.content, self.header.file_nonce, k, page)

    def _any_byte(self, start):
        return any(any(self.read_at(at, PAGE)) for at in range(start, self.size, PAGE))

    def _find_length(self):
        last = self.pages - 1
        h = self.size % PAGE
        guess = PAYLOAD * last + (h if 0 < h <= PAYLOAD else PAYLOAD)
        page = self.read_at(last * PAGE, PAGE)
        try:
            if any(page):
                guess = PAYLOAD * last + self._open(last, page)[0].used
        except Damage:
            pass  # reading the block will say so
        self.length = max(guess, self.durable)

    def blocks(self):
        return pages_of(self.length)

    def plain_size(self):
        return max(0, self.length - HEADER_LEN)

    def block(self, k):
        """What block k holds of the stream (block 0: without the header), to its full length."""
        start = PAYLOAD * k
        skip = HEADER_LEN if k == 0 else 0
        strict = min(PAYLOAD, max(0, self.durable - start))  # how much of it is below D
        want = min(PAYLOAD, self.length - start) - skip
        if k >= self.pages:
            if strict:
                raise Damage(f"block {k}: cut off below the durable length")
            return bytes(want)
        page = self.read_at(k * PAGE, PAGE)
        if not any(page):
            if strict and not self.sparse:
                raise Damage(f"block {k}: a zero page below the durable length")
            return bytes(want)
        meta, data = self._open(k, page)
        if meta.used < strict:
            raise Damage(f"block {k}: short below the durable length")
        return data.ljust(want, b"\0")

    def chunks(self):
        for k in range(self.blocks()):
            yield self.block(k)

    def read_all(self):
        return b"".join(self.chunks())


def read_bytes(content, data):
    """A FileReader over a ciphertext file that is in memory."""
    return FileReader(content, lambda off, n: data[off:off + n], len(data))


def file_pages(content_key, plain, rng, sparse=False, durable=None, epoch=0):
    """Yield (page number, page) for a non-empty plaintext. sparse leaves out zero blocks, which must be
    neither the first nor the last. durable defaults to the whole stream."""
    length = stream_len(len(plain))
    header = header_encode(rng(24), SPARSE if sparse else 0, epoch=epoch)
    key = file_key(content_key, header[16:40])
    nonce = rng(24)
    for k, data in enumerate(stream_blocks(plain)):
        if sparse and 0 < k < pages_of(length) - 1 and not any(data):
            continue
        mark = (length if durable is None else durable) if k == 0 else 0
        yield k, block_seal(key, nonce_add(nonce, k), k, data, header, mark, epoch)


# ---- section 4: names

def name_check(name):
    if not 1 <= len(name) <= 255 or b"\0" in name or b"/" in name or name in (b".", b".."):
        raise Damage("not a name")


def name_pad(name):
    return name.ljust(-(-len(name) // 16) * 16, b"\0")


def name_unpad(padded):
    name = padded.rstrip(b"\0")
    if name_pad(name) != padded:
        raise Damage("name: padding is not minimal")
    name_check(name)
    return name


def name_seal(names_key, dir_id, name):
    name_check(name)
    return siv_seal(names_key, NAME_AD, dir_id, name_pad(name))


def name_disk(sealed):
    short = b64url(sealed)
    return short if len(short) <= 255 else b"cryptfs.long." + b64url(blake2b(32, sealed))


def name_open(names_key, dir_id, disk, side=None):
    """The name of the entry disk; side is what its .name file holds, for a long one."""
    if disk.startswith(b"cryptfs.long."):
        if side is None:
            raise Damage("long name without its side file")
        sealed = side
    elif not 1 <= len(disk) <= 255 or disk.startswith(b"cryptfs."):
        raise Damage("not a sealed name")
    else:
        sealed = b64url_decode(disk, "name")
    if name_disk(sealed) != disk:
        raise Damage("sealed name does not belong under this name")
    if len(sealed) % 16 or not 32 <= len(sealed) <= 272:
        raise Damage("sealed name of a wrong length")
    return name_unpad(siv_open(names_key, NAME_AD, dir_id, sealed, "name"))


def dir_file(dir_mac_key, dir_id):
    return dir_id + blake2b(16, DIR_AD + dir_id, key=dir_mac_key)


def dir_file_open(dir_mac_key, raw):
    if len(raw) != 32:
        raise Damage("directory ID file of a wrong length")
    if not hmac.compare_digest(dir_file(dir_mac_key, raw[:16]), raw):
        raise Forged("directory ID: wrong MAC")
    return raw[:16]


# ---- sections 5 and 6: symbolic links, extended attributes

def box_seal(key, nonce, ad, plain):
    tag, cipher = aead_seal(key, nonce, ad, plain)
    return nonce + tag + cipher


def box_open(key, ad, box, what):
    if len(box) < 40:
        raise Damage(f"{what} is too short")
    return aead_open(key, box[:24], ad, box[24:40], box[40:], what)


def link_seal(links_key, nonce, target):
    """Returns (target on disk, side file or None)."""
    box = box_seal(links_key, nonce, LINK_AD, target)
    disk = b64url(box)
    return (disk, None) if len(disk) <= 4095 else (b"cryptfs.slink." + b64url(blake2b(32, box)), box)


def link_open(links_key, disk, side=None):
    box = b64url_decode(disk, "link") if len(disk) != 57 else side
    if box is None:
        raise Damage("link without its side file")
    if len(disk) == 57 and disk != b"cryptfs.slink." + b64url(blake2b(32, box)):
        raise Damage("link's side file has another hash")
    target = box_open(links_key, LINK_AD, box, "link")
    if (len(b64url(box)) > 4095) != (len(disk) == 57) or not 1 <= len(target) <= 4095:
        raise Damage("link of a wrong length")
    return target


def xattr_seal(keys, nonce, name, value):
    """name is without "user.". Returns (attribute on disk, value on disk)."""
    sealed = siv_seal(keys.xattr_names, XATTR_AD, bytes(16), name)
    disk, x, body = b"user.cryptfs." + b64url(sealed), sealed, value
    if len(disk) > 255:
        x = blake2b(32, sealed)
        disk, body = b"user.cryptfs.long." + b64url(x), lstr(sealed) + value
    return disk, box_seal(keys.xattr_values, nonce, XATTR_AD + x, body)


def xattr_open(keys, disk, raw):
    """Returns (name without "user.", value)."""
    if not disk.startswith(b"user.cryptfs."):
        raise Damage("attribute is not sealed")
    rest = disk[len(b"user.cryptfs."):]
    if not rest.startswith(b"long."):
        sealed = b64url_decode(rest, "attribute")
        value = box_open(keys.xattr_values, XATTR_AD + sealed, raw, "attribute's value")
    else:
        x = b64url_decode(rest[5:], "attribute")
        body = box_open(keys.xattr_values, XATTR_AD + x, raw, "attribute's value")
        n = struct.unpack_from("<H", body)[0] if len(body) >= 2 else 0xffff
        sealed, value = body[2:2 + n], body[2 + n:]
        if len(sealed) != n or blake2b(32, sealed) != x or len(b"user.cryptfs." + b64url(sealed)) <= 255:
            raise Damage("attribute does not belong under its name")
    name = siv_open(keys.xattr_names, XATTR_AD, bytes(16), sealed, "attribute's name")
    if not 1 <= len(name) <= 250 or b"\0" in name:
        raise Damage("not an attribute's name")
    return name, value


# ---- section 7: settings, as the dictionary that the JSON holds

SETTINGS_MEMBERS = {"cryptfs", "vault_id", "created", "epoch", "coherency", "features", "label",
                    "slots", "mac", "checksum"}
SLOT_MEMBERS = {"slot", "kind", "label", "created", "kdf", "commitment", "nonce", "wrapped"}
KDF_MEMBERS = {"name", "memory_kib", "passes", "lanes", "salt"}


def need(ok, what):
    if not ok:
        raise Damage(f"settings: {what}")


def check_int(value, low, high, what):
    need(type(value) is int and low <= value <= high, what)


def check_hex(value, n, what):
    need(type(value) is str and re.fullmatch(f"[0-9a-f]{{{2 * n}}}", value), what)


def check_label(value, what):
    try:
        need(type(value) is str and len(value.encode()) <= 128, what)
    except UnicodeEncodeError:
        raise Damage(f"settings: {what}") from None


def check_members(value, members, what):
    need(type(value) is dict and set(value) == members, f"members of {what}")


def kdf_check(kind, k):
    """Limits of section 7, before anything is allocated."""
    if k["name"] == "blake2b":
        need(kind not in ("passphrase", "keyfile+passphrase"), "blake2b for a passphrase")
        need(k["memory_kib"] == k["passes"] == k["lanes"] == 0, "cost of blake2b")
        return
    check_int(k["memory_kib"], 8192, 4194304, "memory")
    check_int(k["passes"], 1, 64, "passes")
    check_int(k["lanes"], 1, 16, "lanes")
    need(k["memory_kib"] >= 8 * k["lanes"] and k["memory_kib"] * k["passes"] <= 67108864, "work")


def work_of(s):
    return s["kdf"]["memory_kib"] * s["kdf"]["passes"]


def slot_check(s):
    check_members(s, SLOT_MEMBERS, "a slot")
    check_int(s["slot"], 0, 31, "slot number")
    need(type(s["kind"]) is str, "kind")
    if s["kind"] not in KINDS:
        raise NewerFormat("settings: unknown kind of slot")
    check_label(s["label"], "label")
    check_int(s["created"], 0, 2**63 - 1, "created")
    k = s["kdf"]
    check_members(k, KDF_MEMBERS, "kdf")
    need(type(k["name"]) is str and k["name"] in KDFS, "kdf name")
    for member in ("memory_kib", "passes", "lanes"):
        check_int(k[member], 0, 2**32 - 1, member)
    check_hex(k["salt"], 16, "salt")
    kdf_check(s["kind"], k)
    check_hex(s["commitment"], 32, "commitment")
    check_hex(s["nonce"], 24, "nonce")
    check_hex(s["wrapped"], 48, "wrapped")


def previous_check(p):
    check_members(p, {"nonce", "wrapped"}, "previous")
    check_hex(p["nonce"], 24, "nonce of previous")
    check_hex(p["wrapped"], 48, "wrapped of previous")


def settings_check(v):
    need(type(v) is dict and type(v.get("cryptfs")) is int, "no version")
    if v["cryptfs"] > 1:
        raise NewerFormat("settings: newer version")
    need(v["cryptfs"] == 1, "version")
    check_members(v, SETTINGS_MEMBERS | ({"previous"} & set(v)), "settings")
    check_hex(v["vault_id"], 16, "vault_id")
    check_int(v["created"], 0, 2**63 - 1, "created")
    check_int(v["epoch"], 0, 2**16 - 1, "epoch")
    if "previous" in v:
        previous_check(v["previous"])
        need(v["epoch"] > 0, "epoch before the first")
    need(v["coherency"] in ("private", "shared"), "coherency")
    need(type(v["features"]) is list and all(type(f) is str for f in v["features"]), "features")
    need(v["features"] == sorted(set(v["features"])), "features not sorted, or twice")
    if set(v["features"]) - FEATURES:
        raise NewerFormat("settings: unknown feature")
    check_label(v["label"], "label")
    need(type(v["slots"]) is list and 1 <= len(v["slots"]) <= 32, "slots")
    for s in v["slots"]:
        slot_check(s)
    need(sum(work_of(s) for s in v["slots"]) <= 134217728, "work of all slots")
    numbers = [s["slot"] for s in v["slots"]]
    need(numbers == sorted(set(numbers)), "order of slots")
    check_hex(v["mac"], 32, "mac")
    check_hex(v["checksum"], 32, "checksum")


def strict_object(pairs):
    need(len({k for k, _ in pairs}) == len(pairs), "a member twice")
    return dict(pairs)


def reject_number(text):
    raise Damage("settings: not an integer")


def settings_parse(raw):
    """bytes -> dictionary, checked in everything but mac and checksum."""
    need(len(raw) <= 262144, "too long")
    try:
        v = json.loads(raw.decode("utf-8"), object_pairs_hook=strict_object,
                       parse_float=reject_number, parse_constant=reject_number)
    except (ValueError, RecursionError):
        raise Damage("settings: not JSON") from None
    settings_check(v)
    return v


def slot_params(s):
    k = s["kdf"]
    return (struct.pack("<IBQ", s["slot"], KINDS[s["kind"]], s["created"]) + lstr(s["label"].encode())
            + struct.pack("<BIII", KDFS[k["name"]], k["memory_kib"], k["passes"], k["lanes"])
            + bytes.fromhex(k["salt"]))


def settings_record(v):
    out = (SETTINGS_AD + struct.pack("<I", v["cryptfs"]) + bytes.fromhex(v["vault_id"])
           + struct.pack("<QIB", v["created"], v["epoch"], int(v["coherency"] == "shared"))
           + struct.pack("<H", len(v["features"])) + b"".join(lstr(f.encode()) for f in v["features"])
           + lstr(v["label"].encode()) + struct.pack("<H", len(v["slots"])))
    for s in v["slots"]:
        out += slot_params(s) + bytes.fromhex(s["commitment"] + s["nonce"] + s["wrapped"])
    if "previous" in v:
        out += b"\1" + bytes.fromhex(v["previous"]["nonce"] + v["previous"]["wrapped"])
    return out


def previous_ad(v):
    return PREVIOUS_AD + bytes.fromhex(v["vault_id"]) + struct.pack("<I", v["epoch"])


def previous_seal(v, master, old, nonce):
    tag, cipher = aead_seal(kdf(master, "cfs-prev", 32), nonce, previous_ad(v), old)
    v["previous"] = {"nonce": nonce.hex(), "wrapped": (tag + cipher).hex()}


def previous_open(v, master):
    """The master key of the epoch before, or None."""
    if "previous" not in v:
        return None
    wrapped = bytes.fromhex(v["previous"]["wrapped"])
    return aead_open(kdf(master, "cfs-prev", 32), bytes.fromhex(v["previous"]["nonce"]), previous_ad(v), wrapped[:16],
                     wrapped[16:], "previous")


def settings_checksum(v):
    return blake2b(32, settings_record(v) + bytes.fromhex(v["mac"])).hex()


def settings_sign(v, settings_key):
    v["mac"] = blake2b(32, settings_record(v), key=settings_key).hex()
    v["checksum"] = settings_checksum(v)


def settings_open(raw):
    """What a reader does before it asks for a secret."""
    v = settings_parse(raw)
    need(settings_checksum(v) == v["checksum"], "checksum")
    return v


def slot_key(s, secret):
    k = s["kdf"]
    salt = bytes.fromhex(k["salt"])
    if k["name"] == "blake2b":
        return blake2b(32, secret, key=salt)
    return argon2.low_level.hash_secret_raw(secret, salt, k["passes"], k["memory_kib"], k["lanes"], 32,
                                            argon2.low_level.Type.ID, 0x13)


def slot_ad(v, s):
    return SLOT_AD + bytes.fromhex(v["vault_id"]) + slot_params(s)


def slot_seal(v, s, secret, master, nonce):
    """Fill in commitment, nonce and wrapped; the parameters are set."""
    key = slot_key(s, secret)
    tag, cipher = aead_seal(kdf(key, "cfs-wrap", 32), nonce, slot_ad(v, s), master)
    s["commitment"] = kdf(key, "cfs-comm", 32).hex()
    s["nonce"], s["wrapped"] = nonce.hex(), (tag + cipher).hex()


def slot_open(v, s, secret):
    """The master key, or None if the secret is another one's."""
    key = slot_key(s, secret)
    if kdf(key, "cfs-comm", 32).hex() != s["commitment"]:
        return None
    wrapped = bytes.fromhex(s["wrapped"])
    return aead_open(kdf(key, "cfs-wrap", 32), bytes.fromhex(s["nonce"]), slot_ad(v, s), wrapped[:16],
                     wrapped[16:], f"slot {s['slot']}")


def settings_unlock(v, secret, kind="passphrase"):
    """Returns (slot number, master key)."""
    for s in v["slots"]:
        master = slot_open(v, s, secret) if s["kind"] == kind else None
        if master is None:
            continue
        mac = blake2b(32, settings_record(v), key=subkeys(master).settings)
        if mac.hex() != v["mac"]:
            raise Forged("settings: wrong MAC")
        previous_open(v, master)
        return s["slot"], master
    raise KeyRejected("no slot opens")


def slot_new(number, kind, salt, created=0, label="", cost=None):
    """A slot's parameters; cost is (memory_kib, passes, lanes) for Argon2id or None for BLAKE2b."""
    memory, passes, lanes = cost or (0, 0, 0)
    return {"slot": number, "kind": kind, "label": label, "created": created,
            "kdf": {"name": "argon2id" if cost else "blake2b", "memory_kib": memory, "passes": passes,
                    "lanes": lanes, "salt": salt.hex()}}


def settings_new(vault_id, created=0, coherency="private", features=(), label=""):
    return {"cryptfs": 1, "vault_id": vault_id.hex(), "created": created, "epoch": 0,
            "coherency": coherency, "features": sorted(features), "label": label, "slots": []}


def settings_print(v):
    return (json.dumps(v, indent=1, ensure_ascii=False) + "\n").encode()


# ---- a vault on disk

Entry = collections.namedtuple("Entry", "type mode data xattrs disk")
"""type: file, dir, link, fifo, socket, char, block. data: a FileReader, the target, or the device number."""

TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
         stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}


def slurp(path):
    """The bytes of a small regular file, or None if there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(fd, "rb") as f:
        return f.read()


def spill(path, data, mode=0o600):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(fd, "wb") as f:
        f.write(data)


def user_xattrs(path):
    """{name: value} of the user namespace, or {} where there is none."""
    try:
        names = [os.fsencode(n) for n in os.listxattr(path, follow_symlinks=False)]
        return {n: os.getxattr(path, n, follow_symlinks=False) for n in names if n.startswith(b"user.")}
    except OSError as e:
        if e.errno in (errno.ENOTSUP, errno.EPERM):
            return {}
        raise


class Vault:
    """An unlocked vault. Paths are bytes; problems collects what a reader must not pass over in silence."""

    def __init__(self, path, settings, master, rng=os.urandom):
        self.path, self.settings, self.master, self.rng = os.fsencode(path), settings, master, rng
        self.keys = subkeys(master)
        past = previous_open(settings, master)
        self.past = subkeys(past) if past else None  # of the epoch before, while both are in use
        self.problems = []

    @classmethod
    def open(cls, path, secret, kind="passphrase"):
        raw = slurp(os.path.join(os.fsencode(path), b"cryptfs.json"))
        if raw is None:
            raise VaultError("not a vault: no cryptfs.json")
        settings = settings_open(raw)
        return cls(path, settings, settings_unlock(settings, secret, kind)[1])

    @classmethod
    def create(cls, path, secret, cost=(65536, 1, 1), rng=os.urandom, created=0, **settings):
        os.makedirs(path, mode=0o700, exist_ok=True)
        if os.listdir(path):
            raise VaultError("the directory is not empty")
        master = rng(32)
        v = settings_new(rng(16), created, **settings)
        v["slots"] = [slot_new(0, "passphrase", rng(16), created, cost=cost)]
        slot_seal(v, v["slots"][0], secret, master, rng(24))
        settings_sign(v, subkeys(master).settings)
        spill(os.path.join(os.fsencode(path), b"cryptfs.json"), settings_print(v))
        return cls(path, v, master, rng)

    # -- reading

    def either(self, opens):
        """opens(keys), under the present keys, or if these do not open it under those of the epoch before."""
        try:
            return opens(self.keys)
        except Forged:
            if self.past is None:
                raise
            return opens(self.past)

    def dir_id(self, disk, keys=None):
        """The ID of the ciphertext directory disk, or None for an empty one that has lost its. The root's is another
        one in each epoch."""
        if disk == self.path:
            return (keys or self.keys).root_id
        raw = slurp(os.path.join(disk, b"cryptfs.dir"))
        if raw is not None:
            return self.either(lambda keys: dir_file_open(keys.dir_mac, raw))
        if all(n.startswith(b"cryptfs.") and not self.is_long(n) for n in os.listdir(disk)):
            return None
        raise Damage("directory without an ID is not empty")

    @staticmethod
    def is_long(disk_name):
        return disk_name.startswith(b"cryptfs.long.") and not disk_name.endswith(b".name")

    def list(self, disk):
        """{plaintext name: name on disk} of a ciphertext directory; what does not open goes to problems."""
        dir_id, out = self.dir_id(disk), {}
        for n in sorted(os.listdir(disk)) if dir_id else []:
            if n.startswith(b"cryptfs.") and not self.is_long(n):
                continue
            try:
                side = slurp(os.path.join(disk, n + b".name")) if self.is_long(n) else None
                out[self.either(lambda keys, n=n, side=side: name_open(
                    keys.names, self.dir_id(disk, keys), n, side))] = n
            except VaultError as e:
                self.problems.append((os.path.join(disk, n), e))
        return out

    def disk_path(self, plain):
        """The ciphertext path of a plaintext path, which need not exist but for its directories."""
        disk = self.path
        for name in [n for n in os.fsencode(plain).split(b"/") if n]:
            if self.dir_id(disk) is None:
                raise VaultError("a directory on the way has no ID yet")
            there = [os.path.join(disk, name_disk(name_seal(keys.names, self.dir_id(disk, keys), name)))
                     for keys in (self.keys, self.past) if keys]
            disk = next((t for t in there if os.path.lexists(t)), there[0])
        return disk

    def content_keys(self):
        keys = {self.settings["epoch"]: self.keys.content}
        if self.past:
            keys[self.settings["epoch"] - 1] = self.past.content
        return keys

    def open_file(self, disk):
        fd = os.open(disk, os.O_RDONLY | os.O_NOFOLLOW)
        f = os.fdopen(fd, "rb")
        reader = FileReader(self.content_keys(), lambda off, n: os.pread(f.fileno(), n, off),
                            os.fstat(fd).st_size)
        reader.file = f  # open as long as the reader lives
        return reader

    def read_link(self, disk):
        target = os.readlink(disk)
        side = slurp(os.path.join(os.path.dirname(disk), target)) if len(target) == 57 else None
        return self.either(lambda keys: link_open(keys.links, target, side))

    def read_xattrs(self, disk):
        """{name with "user.": value}; foreign user attributes are problems."""
        out = {}
        for n, raw in user_xattrs(disk).items():
            try:
                name, value = self.either(lambda keys, n=n, raw=raw: xattr_open(keys, n, raw))
                out[b"user." + name] = value
            except VaultError as e:
                self.problems.append((disk, e))
        return out

    def entry(self, disk):
        st = os.lstat(disk)
        kind = TYPES[stat.S_IFMT(st.st_mode)]
        data = None
        if kind == "file":
            data = self.open_file(disk)
        elif kind == "link":
            data = self.read_link(disk)
        elif kind in ("char", "block"):
            data = st.st_rdev
        return Entry(kind, stat.S_IMODE(st.st_mode), data, self.read_xattrs(disk), disk)

    def walk(self, disk=None, plain=b""):
        """Yield (plaintext path, Entry) for everything that opens, directories before what is in them."""
        disk = disk or self.path
        try:
            names = self.list(disk)
        except VaultError as e:
            self.problems.append((disk, e))
            return
        for name, n in sorted(names.items()):
            path, below = os.path.join(plain, name), os.path.join(disk, n)
            try:
                entry = self.entry(below)
            except VaultError as e:
                self.problems.append((below, e))
                continue
            yield path, entry
            if entry.type == "dir":
                yield from self.walk(below, path)

    # -- writing

    def make_name(self, plain):
        """The ciphertext path for a new entry; writes the side file of a long name."""
        parent, name = os.path.split(os.fsencode(plain))
        disk_dir = self.disk_path(parent)
        sealed = name_seal(self.keys.names, self.dir_id(disk_dir), name)
        disk = os.path.join(disk_dir, name_disk(sealed))
        if self.is_long(os.path.basename(disk)):
            spill(disk + b".name", sealed)
        return disk

    def make_dir(self, plain):
        disk = self.make_name(plain)
        tmp = os.path.join(os.path.dirname(disk), b"cryptfs.tmp." + b64url(os.urandom(9)))
        os.mkdir(tmp, 0o700)
        spill(os.path.join(tmp, b"cryptfs.dir"), dir_file(self.keys.dir_mac, self.rng(16)))
        os.rename(tmp, disk)
        return disk

    def make_link(self, plain, target):
        disk = self.make_name(plain)
        text, side = link_seal(self.keys.links, self.rng(24), target)
        if side is not None:
            spill(os.path.join(os.path.dirname(disk), text), side)
        os.symlink(text, disk)
        return disk

    def make_file(self, plain, data, sparse=False, durable=None):
        disk = self.make_name(plain)
        spill(disk, b"")
        if data:
            fd = os.open(disk, os.O_WRONLY)
            for k, page in file_pages(self.keys.content, data, self.rng, sparse, durable, self.settings["epoch"]):
                os.pwrite(fd, page, k * PAGE)
            hinted = "hide-sizes" not in self.settings["features"]
            os.ftruncate(fd, cipher_size(stream_len(len(data)), hinted))
            os.close(fd)
        return disk

    def set_xattr(self, disk, name, value):
        """name is with "user."."""
        os.setxattr(disk, *xattr_seal(self.keys, self.rng(24), name[len(b"user."):], value),
                    follow_symlinks=False)

    def copy_in(self, tree):
        """Write a whole plaintext tree into the vault's root: types, modes, times, attributes, hard links."""
        made, late = {}, []
        tree = os.fsencode(tree)
        for top, dirs, files in os.walk(tree):
            dirs.sort()
            for name in sorted(dirs + files):
                src = os.path.join(top, name)
                st = os.lstat(src)
                disk = self.copy_one(src, os.path.relpath(src, tree), st, made)
                late.append((disk, src, st))
        for disk, src, st in reversed(late):  # the inside of a directory before its mode and times
            if not stat.S_ISLNK(st.st_mode):
                for attr, value in sorted(user_xattrs(src).items()):
                    self.set_xattr(disk, attr, value)
                os.chmod(disk, stat.S_IMODE(st.st_mode))
            os.utime(disk, ns=(st.st_atime_ns, st.st_mtime_ns), follow_symlinks=False)

    def copy_one(self, src, plain, st, made):
        first = made.get((st.st_dev, st.st_ino)) if st.st_nlink > 1 else None
        if first and not stat.S_ISDIR(st.st_mode):
            disk = self.make_name(plain)
            os.link(first, disk, follow_symlinks=False)
            return disk
        if stat.S_ISDIR(st.st_mode):
            disk = self.make_dir(plain)
        elif stat.S_ISLNK(st.st_mode):
            disk = self.make_link(plain, os.readlink(src))
        elif stat.S_ISREG(st.st_mode):
            with open(src, "rb") as f:
                disk = self.make_file(plain, f.read(), st.st_blocks * 512 < st.st_size)
        else:
            disk = self.make_name(plain)
            os.mknod(disk, st.st_mode, st.st_rdev)
        made[st.st_dev, st.st_ino] = disk
        if os.geteuid() == 0:
            os.chown(disk, st.st_uid, st.st_gid, follow_symlinks=False)
        return disk


# ---- what a key is good for

def opens(f, *args):
    try:
        f(*args)
        return True
    except VaultError:
        return False


def file_opens(keys, path):
    """The blocks of a ciphertext file that open, whatever epoch they say that they are of."""
    with open(path, "rb") as f:
        page0 = f.read(PAGE)
        if len(page0) < PAGE:
            return
        key, k, page = file_key(keys.content, page0[80:104]), 0, page0
        while len(page) == PAGE:
            if opens(block_open, key, k, page):
                yield k
            k, page = k + 1, f.read(PAGE)


def entry_opens(keys, dir_ids, top, name):
    """What of one name on disk, and of what bears it, opens with keys; dir_ids: what the directory's ID may be."""
    path = os.path.join(top, name)
    kind = stat.S_IFMT(os.lstat(path).st_mode)
    if name == b"cryptfs.dir":
        if opens(dir_file_open, keys.dir_mac, slurp(path)):
            yield "directory ID"
        return
    if name.startswith((b"cryptfs.long.", b"cryptfs.slink.")) and (name.endswith(b".name") or kind == stat.S_IFREG):
        raw = slurp(path)
        if any(opens(siv_open, keys.names, NAME_AD, i, raw, "") for i in dir_ids):
            yield "long name"
        if opens(box_open, keys.links, LINK_AD, raw, ""):
            yield "long link"
    if any(opens(name_open, keys.names, i, name) for i in dir_ids):
        yield "name"
    if kind == stat.S_IFLNK and opens(link_open, keys.links, os.readlink(path)):
        yield "link"
    if kind == stat.S_IFREG:
        yield from (f"block {k}" for k in file_opens(keys, path))
    for attribute, raw in user_xattrs(path).items() if kind != stat.S_IFLNK else ():
        if opens(xattr_open, keys, attribute, raw):
            yield "attribute"


def what_opens(path, master):
    """Yield (path on disk, what) for all in a vault's directory that opens under a master key, referred to or left over,
    in whatever state the vault is."""
    keys = subkeys(master)
    for top, dirs, files in os.walk(os.fsencode(path)):
        raw = slurp(os.path.join(top, b"cryptfs.dir"))
        dir_ids = [keys.root_id] + ([raw[:16]] if raw is not None else [])
        for name in sorted(dirs + files):
            for what in entry_opens(keys, dir_ids, top, name):
                yield os.path.join(top, name), what
