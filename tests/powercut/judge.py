# SPDX-License-Identifier: GPL-3.0-or-later
"""What a workload notes while it runs, and how what it finds after a power cut is judged."""

import base64
import errno
import json
import os
import random
import stat

ROUND = 4096
POOL = random.Random("powercut").randbytes(1 << 20)


def pattern(seed, off, n):
    """Bytes that say what they are: n of the stream 'seed' (a number), from 'off'."""
    at = (seed * 4099 + off) % (len(POOL) - 257)
    part = POOL[at:at + n]
    while len(part) < n:
        part += POOL[:n - len(part)]
    return part


# ---- while it runs ----

class Journal:
    """Operations, each with the disk's position before it began and after it was acknowledged: after the
    fsync that makes it durable has returned."""

    def __init__(self, position):
        self.position = position
        self.ops = []

    def begin(self, what, **args):
        op = dict(args, what=what, begin=self.position(), ack=None)
        self.ops.append(op)
        return op

    def ack(self, *ops):
        now = self.position()
        for op in ops:
            op["ack"] = now

    def save(self, path, **more):
        with open(path, "w", encoding="ascii") as f:
            json.dump(dict(more, ops=self.ops), f)


# ---- after a cut ----

class Case:
    """One cut: what had been acknowledged ('acked'), what had only begun ('begun'), and what was found."""

    def __init__(self, root, ops, position):
        self.root = root
        self.acked = [op for op in ops if op["ack"] is not None and op["ack"] <= position]
        self.begun = [op for op in ops if op["begin"] <= position and (op["ack"] is None or
                                                                       op["ack"] > position)]
        self.problems = []  # (kind, text)
        self.listings = {}

    def path(self, *names):
        return os.path.join(self.root, *names)

    def lost(self, fmt, *args):
        self.problems.append(("lost", fmt % args))

    def unreadable(self, what, e):
        self.problems.append(("unreadable", "%s: %s" % (what, errno.errorcode.get(e.errno, e))))

    def absent(self, *names):
        """Whether a name is not there; an error is a finding of its own."""
        try:
            os.lstat(self.path(*names))
            return False
        except FileNotFoundError:
            return True
        except OSError as e:
            self.unreadable(brief(names), e)
            return False

    def names(self, *folder, must=True):
        """What a directory shows."""
        if folder not in self.listings:
            self.listings[folder] = set()
            try:
                self.listings[folder] = set(os.listdir(self.path(*folder)))
            except FileNotFoundError:
                if must:
                    self.lost("directory %s is missing", brief(folder))
            except OSError as e:
                self.unreadable("directory " + brief(folder), e)
        return self.listings[folder]

    def listed(self, *names):
        """An acknowledged name: its directory shows it, and it is there."""
        before = len(self.problems)
        if names[-1] in self.names(*names[:-1]) and not self.absent(*names):
            return len(self.problems) == before
        if len(self.problems) == before:
            self.lost("%s is missing", brief(names))
        return False

    def read(self, *names):
        """The content of a file, None if it is missing or unreadable; the latter is noted."""
        try:
            with open(self.path(*names), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None
        except OSError as e:
            self.unreadable(brief(names), e)
            return None

    def expect(self, want, *names):
        """An acknowledged file with exactly this content."""
        if not self.listed(*names):
            return
        got = self.read(*names)
        if got is not None and got != want:
            self.lost("%s: %s", brief(names), difference(want, got))

    # -- files as a row of changes: {"writes": [[offset, length, seed], ...], "sizes": [n, ...]} --

    def expect_changes(self, name, acked, begun):
        """A file after the acknowledged changes and any part of those that had only begun."""
        if acked and not self.listed(name):
            return
        got = self.read(name)
        if got is None:
            return
        want = bytearray()
        for op in acked:
            change(want, op)
        others = []
        image = bytearray(want)
        for op in begun:
            for step in steps(op):
                change(image, step)
                others.append(bytes(image))
        cut = min((size for op in begun for size in op["sizes"]), default=len(want))
        self._compare(name, bytes(want), others, cut, got)

    def _compare(self, name, want, others, cut, got):
        if got == want:
            return
        sizes = [len(want)] + [len(o) for o in others]
        # What was about to be written behind the end may show as zeros up to the end of its block.
        longest = max(sizes) + (ROUND if max(sizes) > len(want) else 0)
        if not min(sizes) <= len(got) <= longest or any(got[max(sizes):]):
            self.lost("%s: %d bytes, acknowledged are %d", name, len(got), len(want))
            return
        for i in range(0, len(got), 64):
            part = got[i:i + 64]
            if part == want[i:i + 64]:
                continue
            for k, byte in enumerate(part, i):
                allowed = {o[k] for o in others if k < len(o)}
                if k < len(want):
                    allowed.add(want[k])
                # What was about to be cut off, or written behind the end, may be zeros before the size is new.
                if k >= min(cut, len(want)):
                    allowed.add(0)
                if byte not in allowed:
                    self.lost("%s: wrong from byte %d of %d", name, k, len(got))
                    return

    # -- all of it --

    def sweep(self):
        """Whatever the mount shows can be read."""
        for folder, dirs, files in os.walk(self.root, onerror=self._walk_error):
            for name in dirs + files:
                self._read_any(os.path.join(folder, name))

    def _walk_error(self, e):
        self.unreadable("directory " + os.path.relpath(os.fsdecode(e.filename or "?"), self.root), e)

    def _read_any(self, path):
        name = os.path.relpath(path, self.root)
        try:
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                os.readlink(path)
                return
            if stat.S_ISREG(mode):
                with open(path, "rb") as f:
                    while f.read(1 << 20):
                        pass
            for attribute in os.listxattr(path, follow_symlinks=False):
                os.getxattr(path, attribute, follow_symlinks=False)
        except OSError as e:
            if e.errno not in (errno.EOPNOTSUPP, errno.ENOSYS):
                self.unreadable(name, e)

    def goes_on(self):
        """New files can be made and kept in every directory, as far as these are few."""
        folders = [self.root]
        for folder, dirs, _ in os.walk(self.root):
            folders += [os.path.join(folder, d) for d in dirs]
        for folder in folders[:1] + folders[1::max(1, len(folders) // 8)]:
            path = os.path.join(folder, "after the cut")
            try:
                with open(path, "wb") as f:
                    f.write(pattern(99, 0, 5000))
                    os.fsync(f.fileno())
                with open(path, "rb") as f:
                    if f.read() != pattern(99, 0, 5000):
                        self.lost("%s: what was written after the cut", os.path.relpath(path, self.root))
                os.unlink(path)
            except OSError as e:
                self.unreadable("new file in " + os.path.relpath(folder, self.root), e)


def brief(path):
    return "/".join(n if len(n) < 24 else n[:8] + "..." for n in path) or "."


def difference(want, got):
    if len(want) != len(got):
        return "%d bytes, not %d" % (len(got), len(want))
    return "wrong from byte %d" % next(i for i in range(len(want)) if want[i] != got[i])


def steps(op):
    """The parts of a change that may happen alone."""
    return [{"writes": [w]} for w in op.get("writes", [])] + [{"sizes": [s]} for s in op.get("sizes", [])]


def change(image, op):
    if "data" in op:
        image[:] = base64.b64decode(op["data"])
    for off, length, seed in op.get("writes", []):
        if off > len(image):
            image.extend(bytes(off - len(image)))
        image[off:off + length] = pattern(seed, off, length)
    for size in op.get("sizes", []):
        del image[size:]
        image.extend(bytes(size - len(image)))
