# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts in the foreground that tell what they are asked, and what comes of that."""

import collections
import os
import re
import subprocess
import sys
import time

DEVICE = {"read", "writev"}  # one of each for a request
QUIET = 2.5  # seconds: a file that has been closed stays open for two
CALL = re.compile(r"\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)")
UNCOUNTED = {"futex", "nanosleep", "clock_nanosleep", "restart_syscall", "poll", "write", "rt_sigreturn"}


class Mount:
    """Its requests, or its system calls, come by a log."""
    request = re.compile(r"opcode: ([A-Z_0-9]+)")

    def __init__(self, base, name, program, more=(), traced=False):
        self.base, self.program, self.more = base, program, list(more)
        self.log = os.path.join(base, name + ".log")
        self.vault, self.mnt = os.path.join(base, name + ".vault"), os.path.join(base, name)
        self.passfile = os.path.join(base, "passphrase")
        self.at = 0
        with open(self.passfile, "w", encoding="ascii") as f:
            f.write("a passphrase\n")
        self.init()
        os.mkdir(self.mnt)
        argv = ["strace", "-f", "-qq", "-o", self.log, *self.command()] if traced else self.command() + self.debug()
        with open(os.devnull if traced else self.log, "wb") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out)
        until = time.monotonic() + 60
        while not os.path.ismount(self.mnt):
            if self.process.poll() is not None or time.monotonic() > until:
                sys.exit("bench/requests: the mount does not come up: see --cryptfs, and whether strace is there")
            time.sleep(0.05)

    def init(self):
        subprocess.run([self.program, "init", self.vault, "--passfile", self.passfile, "--kdf-memory", "8",
                        "--kdf-time", "0.01"], check=True, stdout=subprocess.DEVNULL)

    def command(self):
        return [self.program, "mount", "--foreground", "--passfile", self.passfile, *self.more, self.vault, self.mnt]

    def debug(self):
        return ["--debug"]

    def lines(self):
        """What has been logged since the last time."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(self.at)
            text = f.read()
            self.at = f.tell()
        return text.splitlines()

    def count(self, kind):
        """Of what has been logged since the last time, how many there are of each kind; once nothing more comes."""
        found, more = collections.Counter(), True
        while more:
            time.sleep(QUIET)
            more = collections.Counter(filter(None, map(kind, self.lines())))
            found += more
        return found

    def requests(self):
        return self.count(lambda line: (m := self.request.search(line)) and m.group(1))

    def calls(self):
        """Finished system calls, but for those that wait, and the device's."""
        return self.count(lambda line: "<unfinished" not in line and (m := CALL.match(line)) and
                          m.group(1) not in UNCOUNTED | DEVICE and m.group(1))

    def end(self):
        subprocess.run(["umount" if os.geteuid() == 0 else "fusermount3", *([] if os.geteuid() == 0 else ["-u"]),
                        self.mnt], check=True)
        self.process.wait()


class Gocryptfs(Mount):
    request = re.compile(r" rx \d+: ([A-Z_0-9]+)")

    def init(self):
        os.mkdir(self.vault)
        subprocess.run([self.program, "-init", "-q", "-scryptn", "10", "-passfile", self.passfile, self.vault],
                       check=True, stdout=subprocess.DEVNULL)

    def command(self):
        return [self.program, "-fg", "-nosyslog", "-passfile", self.passfile, *self.more, self.vault, self.mnt]

    def debug(self):
        return ["-fusedebug"]
