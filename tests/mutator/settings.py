# SPDX-License-Identifier: GPL-3.0-or-later
"""cryptfs.json, changed as anybody can: the mount is refused, unless nothing is changed by it."""

import hashlib
import json
import os
import shutil
import struct
import subprocess

import e2e
from judge import Wrong

REFUSED = (1, 3, 4, 5)  # failed, wrong passphrase, not a vault, damaged settings


def string(s):
    return struct.pack("<H", len(s.encode())) + s.encode()


def record(s):
    """doc/format.md section 7."""
    out = b"cryptfs settings v1" + struct.pack("<I", s["cryptfs"]) + bytes.fromhex(s["vault_id"])
    out += struct.pack("<QIBH", s["created"], s["epoch"], s["coherency"] == "shared", len(s["features"]))
    out += b"".join(string(x) for x in s["features"]) + string(s["label"]) + struct.pack("<H", len(s["slots"]))
    kinds = {"passphrase": 1, "recovery": 2, "keyfile": 3, "keyring": 4}
    for t in s["slots"]:
        kdf = t["kdf"]
        out += struct.pack("<IBQ", t["slot"], kinds[t["kind"]], t["created"]) + string(t["label"])
        out += struct.pack("<BIII", {"argon2id": 1, "blake2b": 2}[kdf["name"]], kdf["memory_kib"], kdf["passes"],
                           kdf["lanes"]) + bytes.fromhex(kdf["salt"])
        out += bytes.fromhex(t["commitment"]) + bytes.fromhex(t["nonce"]) + bytes.fromhex(t["wrapped"])
    return out


def reseal(s):
    s["checksum"] = hashlib.blake2b(record(s) + bytes.fromhex(s["mac"]), digest_size=32).hexdigest()


def edit(rng, s):
    slot = s["slots"][0]
    kdf = slot["kdf"]
    what = rng.randrange(9)
    if what == 0:
        kdf.update(memory_kib=rng.choice((0, 8191, 16384, 65536, 4194305, 2**32 - 1)))
    elif what == 1:
        kdf.update(passes=rng.choice((0, 2, 64, 65, 2**32 - 1)))
    elif what == 2:
        s["coherency"] = "shared" if s["coherency"] == "private" else "private"
    elif what == 3:
        s["features"] = [] if s["features"] else ["hide-sizes"]
    elif what == 4:
        where = rng.choice(((slot, "commitment"), (slot, "nonce"), (slot, "wrapped"), (kdf, "salt"), (s, "mac"),
                            (s, "vault_id")))
        where[0][where[1]] = rng.randbytes(len(where[0][where[1]]) // 2).hex()
    elif what == 5:
        slot["slot"] = rng.randrange(32)
    elif what == 6:  # as many as there may be, each as dear as may be, before the good one
        dear = dict(kdf, memory_kib=4194304, passes=16)
        s["slots"] = [dict(slot, slot=n, kdf=dear) for n in range(31)] + [dict(slot, slot=31)]
    elif what == 7:
        s["slots"] = [dict(slot, slot=n) for n in range(rng.choice((2, 32)))]
    else:
        s["label"] = "edited"


def spoil(rng, path, good):
    """Put something else there. Returns whether it may be as good."""
    what = rng.randrange(10)
    os.unlink(path)
    data = bytearray(good)
    if what == 0:
        os.mkfifo(path)
    elif what == 1:
        os.symlink("cryptfs.json.bak", path)
    elif what == 2:
        os.mkdir(path)
    elif what == 3:
        pass
    elif what == 4:
        with open(path, "wb") as f:
            f.truncate(1 << 34)
    else:
        if what == 5:
            data = data[:rng.randrange(len(data))]
        elif what == 6:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif what == 7:
            data = b'{"cryptfs": 1, "slots": ' + b"[" * 100000
        else:
            s = json.loads(good)
            edit(rng, s)
            if rng.random() < 0.8:
                reseal(s)
            data = json.dumps(s).encode()
        with open(path, "wb") as f:
            f.write(data)


def is_as_good(path, good):
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > 1 << 20:
            return False
        with open(path, "rb") as f:
            return json.loads(f.read()) == json.loads(good)
    except (ValueError, RecursionError):
        return False


def try_mount(vault):
    p = subprocess.run([e2e.CRYPTFS, "mount", vault.dir, vault.mnt, "--passfile", e2e.PASSFILE], check=False,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    if p.returncode == 0:
        subprocess.run([e2e.CRYPTFS, "umount", vault.mnt], check=True, timeout=120)
    return p.returncode, p.stdout


def attack_settings(rng, vault, watch):
    path = os.path.join(vault.dir, "cryptfs.json")
    with open(path, "rb") as f:
        good = f.read()
    for _ in range(8):
        spoil(rng, path, good)
        same = is_as_good(path, good)
        watch.begin("mounting with other settings")
        rc, out = try_mount(vault)
        watch.end()
        if rc != 0 and rc not in REFUSED or rc == 0 and not same:
            raise Wrong("with other settings: exit code %d: %r" % (rc, out[-500:]))
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        with open(path, "wb") as f:
            f.write(good)
