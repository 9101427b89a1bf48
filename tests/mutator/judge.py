# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be read from a vault that somebody has been at. Everything that was ever written is remembered with the file
nonces that its ciphertext file had, and everything that is read must be of it: at its place, in its file. Exactly what
doc/threat-model.md does not claim to notice is let pass: an older version of a block, two files exchanged whole, a file
emptied or deleted, zeros in a file with holes or behind what is durable, attributes and links moved elsewhere."""

import os

BLOCK, HEADER, PAGE = 4032, 64, 4096
MARK = "zqPLAINqz"  # in every name, target and attribute: none of it may reach a log


class Wrong(Exception):
    """A promise is broken."""


class Content:
    """All that was written into one plaintext file. A static one is written once and is on disk before anything is done
    to it, so that nothing of it may be missing or zero; one with holes may have zeros in all blocks but the first."""

    def __init__(self, static, holes):
        self.static, self.holes, self.nonces, self.writes = static, holes, set(), []
        self.image = b""  # all writes one upon the other: most reads are of that

    @property
    def size(self):
        return len(self.image)

    def wrote(self, off, data):
        self.writes.append((off, data))
        image = self.image + bytes(max(0, off - self.size))
        self.image = image[:off] + data + image[off + len(data):]

    def copy(self):
        new = Content(self.static, self.holes)
        new.nonces, new.writes, new.image = set(self.nonces), list(self.writes), self.image
        return new

    def explain(self, off, data, left):
        """Which of the positions 'left' of data, read at this offset, does it not account for?"""
        if self.image[off:off + len(data)] == data:
            return []
        for start, old in reversed(self.writes):
            a, b = max(off, start), min(off + len(data), start + len(old))
            if a >= b:
                continue
            if old[a - start:b - start] == data[a - off:b - off]:
                left = [i for i in left if not a <= off + i < b]
            else:
                left = [i for i in left if not (a <= off + i < b and data[i] == old[off + i - start])]
            if not left:
                break
        zero_from = self.zero_from() - off
        return [i for i in left if data[i] != 0 or i < zero_from]

    def zero_from(self):
        """From here on there may be zeros that nobody wrote."""
        if not self.static:
            return 0
        return min(self.size, BLOCK - HEADER) if self.holes else self.size


class Judge:
    def __init__(self):
        self.contents = []
        self.seen = {}     # plaintext path or inode number: nonces that its ciphertext had in this mount
        self.emptied = set()
        self.names = set()
        self.targets, self.attrs = set(), {}
        self.home = {}     # name in a static directory: the directory
        self.vault = None

    # ---- the ciphertext of a plaintext file, by its inode number

    def ciphertext(self, ino):
        for d, dirs, files in os.walk(self.vault):
            for n in dirs + files:
                path = os.path.join(d, n)
                try:
                    if os.lstat(path).st_ino == ino:
                        return path
                except OSError:
                    pass
        return None

    def nonce(self, ino):
        path = self.ciphertext(ino)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW) if path else -1
        except OSError:
            return None
        if fd < 0:
            return None
        try:
            header = os.pread(fd, 40, PAGE - BLOCK)
        except OSError:
            return None
        finally:
            os.close(fd)
        return header[16:40] if len(header) == 40 and any(header) else None

    def look(self, name, ino):
        """The nonces under which this file may be read now: those it has had since it was mounted."""
        nonces = self.seen.setdefault(name, set()) | self.seen.setdefault(ino, set())
        now = self.nonce(ino)
        if now is None:  # emptied, or all zeros, which means empty: a private mount may show as many zeros as it had
            self.emptied |= {name, ino}
        nonces.add(now)
        nonces.discard(None)
        self.seen[name] |= nonces
        self.seen[ino] |= nonces
        return nonces

    def forget_seen(self):
        self.seen, self.emptied = {}, set()

    # ---- judging

    def candidates(self, nonces, of):
        return [c for c in self.contents if c is of or c.nonces & nonces]

    def read(self, path, nonces, of, off, data):
        found = self.candidates(nonces, of)
        for at in range(0, len(data), PAGE):
            piece = data[at:at + PAGE]
            left = list(range(len(piece))) if any(piece) or (found and path not in self.emptied) else []
            for c in found:
                left = c.explain(off + at, piece, left) if left else left
            if path in self.emptied:  # beside pages that the kernel has kept
                left = [i for i in left if piece[i]]
            if left:
                raise Wrong("%s: %d bytes at %d that were never there, of %d files: %r" % (
                    path, len(left), off + at + left[0], len(found), piece[left[0]:left[0] + 16]))

    def ended(self, path, nonces, of, size):
        """Reading came to an end here, without an error: a static file ends at its end, or was emptied."""
        if size == 0 or path in self.emptied or any(not c.static for c in self.candidates(nonces, of)):
            return
        if not any(size >= c.size for c in self.candidates(nonces, of)):
            raise Wrong("%s: ends at %d without an error" % (path, size))

    def listed(self, path, names, static):
        strange = [n for n in names if n not in self.names]
        if strange:
            raise Wrong("%s: names that nobody gave: %r" % (path, strange[:3]))
        if len(names) != len(set(names)):
            raise Wrong("%s: a name twice" % path)
        homes = {self.home[n] for n in names if n in self.home}
        if static and len(homes) > 1:
            raise Wrong("%s: names of several directories: %r" % (path, sorted(homes)))

    def target(self, path, target):
        if target not in self.targets:
            raise Wrong("%s: a target that nobody gave: %r" % (path, target[:60]))

    def attribute(self, path, name, value):
        if value not in self.attrs.get(name, ()):
            raise Wrong("%s: attribute %s has a value that nobody gave it: %r" % (path, name, value[:60]))
