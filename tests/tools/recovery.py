# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery codes, section 7.1 of doc/format.md, a second time: by whole numbers and tables of logarithms. And their
vectors."""

import vaultlib as vl
from make_vault import seeded_rng

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RND = seeded_rng(b"cryptfs recovery vectors")

EXP = [1]
while len(EXP) < 31:
    EXP.append(EXP[-1] * 2 if EXP[-1] < 16 else EXP[-1] * 2 - 32 ^ 0b00101)
LOG = {v: i for i, v in enumerate(EXP)}


class Fault(vl.VaultError):
    def __init__(self, code, group=0):
        super().__init__(f"{code}, group {group}")
        self.code, self.group = code, group


def times(a, b):
    return EXP[(LOG[a] + LOG[b]) % 31] if a and b else 0


def value_at_a(values):
    out = 0
    for power, v in enumerate(reversed(values)):
        out ^= times(EXP[power], v)
    return out


def n_groups(n):
    return -(-n * 8 // 20)


def encode(data):
    return "-".join(group_text(number, data) for number in range(1, n_groups(len(data)) + 1))


def group_text(number, data, leftover=0):
    """leftover: what no writer puts behind the last byte."""
    total = n_groups(len(data))
    bits = int.from_bytes(data, "big") << (20 * total - 8 * len(data)) | leftover
    bits >>= 20 * (total - number)
    values = [bits >> shift & 31 for shift in (15, 10, 5, 0)]
    check, = (c for c in range(32) if value_at_a(values + [c]) == number)
    return "".join(ALPHABET[v] for v in values + [check])


def fold(text, total):
    """Values of the characters; an illegal one ends it, as an exception in their row."""
    out = []
    for c in text:
        if c in "- \t":
            continue
        c = {"I": "1", "L": "1", "O": "0"}.get(c.upper(), c.upper()) if c.isascii() else c
        if c not in ALPHABET:
            return out, Fault("eilseq", min(len(out) // 5 + 1, total))
        out.append(ALPHABET.index(c))
    return out, None


def decode(text, n):
    """The first fault from the left counts."""
    total = n_groups(n)
    values, fault = fold(text, total)
    if not values and not fault:
        raise Fault("enodata")
    bits, leftover = 0, 20 * total - 8 * n
    for number in range(1, total + 1):
        group = values[5 * number - 5:5 * number]
        if len(group) < 5:
            raise fault or Fault("einval", number)
        bits = bits << 20 | int("".join(f"{v:05b}" for v in group[:4]), 2)
        if value_at_a(group) != number or number == total and bits & ((1 << leftover) - 1):
            raise Fault("einval", number)
    if len(values) > 5 * total:
        raise Fault("e2big")
    if fault:
        raise fault
    return (bits >> leftover).to_bytes(n, "big")


# ---- vectors

def good(what, data, typed=None):
    text = encode(data)
    typed = text if typed is None else typed(text)
    if decode(typed, len(data)) != data:
        raise AssertionError(what)
    return {"name": what, "n": len(data), "bytes": data, "text": text, "typed": typed, "expect": "ok"}


def bad(what, typed, n, code, group=0):
    try:
        decode(typed, n)
    except Fault as e:
        if (e.code, e.group) == (code, group):
            return {"name": what, "n": n, "typed": typed, "expect": code, "group": group}
        raise
    raise AssertionError(what)


def goods():
    code = bytes(range(20))
    yield good("zeros", bytes(20))
    yield good("ones", b"\xff" * 20)
    yield good("00 01 .. 13", code)
    for n in (20, 20, 1, 2, 3, 4, 5, 7, 16, 32, 40):
        yield good(f"{n} bytes", RND(n))
    yield good("lower case", code, str.lower)
    yield good("no dashes", code, lambda s: s.replace("-", ""))
    yield good("blanks and tabs", code, lambda s: "\t" + s.replace("-", " \t- ") + "  ")
    yield good("a dash after each character", code, lambda s: "-" + "-".join(s.replace("-", "")))
    yield good("O and I", bytes(20), lambda s: s.replace("0", "O").replace("1", "I"))
    yield good("o, l and i", bytes(20), lambda s: s.replace("0", "o").replace("1", "l", 1).replace("1", "i"))
    yield good("L", bytes(20), lambda s: s.replace("1", "L"))


def bads():
    text = encode(bytes(range(20)))
    groups = text.split("-")
    join = "-".join
    yield bad("nothing", "", 20, "enodata")
    yield bad("dashes and blanks only", "-- \t-", 20, "enodata")
    yield bad("a character mistyped", "1" + text[1:], 20, "einval", 1)
    yield bad("a check character mistyped", text[:-1] + "7", 20, "einval", 8)
    yield bad("two characters exchanged", join(groups[:2] + [groups[2][1] + groups[2][0] + groups[2][2:]] + groups[3:]),
              20, "einval", 3)
    yield bad("groups 2 and 5 exchanged", join([groups[g] for g in (0, 4, 2, 3, 1, 5, 6, 7)]), 20, "einval", 2)
    yield bad("a group left out", join(groups[:3] + groups[4:]), 20, "einval", 4)
    yield bad("a group twice", join(groups[:4] + groups[3:]), 20, "einval", 5)
    yield bad("the last group left out", join(groups[:7]), 20, "einval", 8)
    yield bad("a character left out at the end", text[:-1], 20, "einval", 8)
    yield bad("a group too many", text + "-" + groups[0], 20, "e2big")
    yield bad("a character too many", text + "0", 20, "e2big")
    for what, c in (("U", "U"), ("u", "u"), ("a NUL", "\0"), ("a full stop", "."), ("not ASCII", "é"), ("a newline", "\n")):
        yield bad(f"{what} in group 6", text[:31] + c + text[32:], 20, "eilseq", 6)
    yield bad("a full stop between the groups 1 and 2", text.replace("-", ".", 1), 20, "eilseq", 2)
    yield bad("a full stop at the end", text + ".", 20, "eilseq", 8)
    yield bad("an error before an illegal character", "1" + text[1:] + ".", 20, "einval", 1)
    yield bad("an illegal character before an error", "." + text[:-1] + "7", 20, "eilseq", 1)
    for n, leftover in ((1, 1), (1, 0x800), (2, 8), (3, 1 << 15), (4, 1), (32, 2)):
        data = bytes(range(n))
        ok = encode(data).split("-")
        typed = join(ok[:-1] + [group_text(len(ok), data, leftover)])
        yield bad(f"{n} bytes, leftover bits {leftover}", typed, n, "einval", len(ok))


def vectors():
    return [*goods(), *bads()]
