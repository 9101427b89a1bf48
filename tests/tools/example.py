# SPDX-License-Identifier: GPL-3.0-or-later
"""The worked example, section 9 of doc/format.md: one small file, as vectors and as text."""

import textwrap

import vaultlib as vl

MASTER = bytes(range(32))
NAME = b"greeting"
PLAIN = b"hello\n"
FILE_NONCE = bytes(range(0x40, 0x58))
PAGE_NONCE = bytes(range(0x80, 0x98))
HEADING = "## 9. Worked example"


def vectors():
    keys = vl.subkeys(MASTER)
    header = vl.header_encode(FILE_NONCE)
    key = vl.file_key(keys.content, FILE_NONCE)
    length = vl.stream_len(len(PLAIN))
    page = vl.block_seal(key, PAGE_NONCE, 0, PLAIN, header, length)
    padded = vl.name_pad(NAME)
    sealed = vl.name_seal(keys.names, keys.root_id, NAME)
    return {"master": MASTER, "name": NAME.decode(), "plain": PLAIN, "content": keys.content, "names": keys.names,
            "root_id": keys.root_id, "padded": padded, "sealed": sealed, "disk": vl.name_disk(sealed).decode(),
            "header": header, "file_key": key, "ad": vl.block_ad(page[40:64], 0, header), "page": page,
            "stream": length, "cipher_size": vl.cipher_size(length, True)}


def lines(label, data, width=32):
    """A label and hex in groups of four bytes, wrapped."""
    text = data.hex(" ", 4) if isinstance(data, bytes) else data
    step = (width // 4) * 9
    rows = [text[i:i + step].rstrip() for i in range(0, len(text), step)]
    return [f"{label if i == 0 else '':14}{row}" for i, row in enumerate(rows)]


def code(*rows):
    return "\n".join("    " + line for label, data in rows for line in lines(label, data))


def section():
    v = vectors()
    page = v["page"]
    keys = code(("master key", v["master"]), ("content", v["content"]), ("names", v["names"]), ("root ID", v["root_id"]))
    name = code(("padded", v["padded"]), ("sealed", v["sealed"]), ("on disk", v["disk"]))
    content = code(("file key", v["file_key"]), ("AD", v["ad"]))
    disk = code(("0  nonce", page[:24]), ("24  tag", page[24:40]), ("40  meta", page[40:64]),
                ("64  header", page[64:128]), ("128  payload", page[128:160]), ("", "..."), ("4064", page[4064:]))
    para = textwrap.fill(
        f"The page that is written at offset 0, with durable length {v['stream']} as it stands when the file has "
        f"been synced; the encrypted payload is those {len(PLAIN)} bytes and {3968 - len(PLAIN)} zeros:", 100)
    end = textwrap.fill(
        f"The stream is {v['stream']} bytes long, in one page, so the ciphertext file is 4096 + {v['stream']} = "
        f"{v['cipher_size']} bytes long, and the last {v['stream']} of them are a hole.", 100)
    return f"""{HEADING}

A file `{NAME.decode()}` in the root, with the six bytes `hello` and a line feed, under a fixed master key and fixed
nonces. The bytes are in `tests/vectors/example.json` too. Keys:

{keys}

Its name, with AD = "cryptfs name v1" and the root's ID as nonce:

{name}

Its content. The file nonce is 40 41 .. 57 and the page's nonce 80 81 .. 97:

{content}

{para}

{disk}

{end}
"""


def in_document(text):
    """The document with this section as its last."""
    return text.split("\n" + HEADING)[0].rstrip("\n") + "\n\n" + section()
