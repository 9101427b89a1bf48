# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is tested: each makes a vault in a directory and shows it in another. 'plain' is the directory itself."""

import os
import shutil
import subprocess
import time

import disk

PASSPHRASE = "power"


class NoMount(Exception):
    """It does not mount: after a power cut that is a result, else trouble."""


class Plain:
    options = ()  # more for the filesystem below
    program = None
    version = ()  # arguments that make the program tell its version
    longest = 255  # names, in bytes

    def __init__(self, folder):
        self.folder = folder
        self.vault = os.path.join(folder, "below", "vault")
        self.mnt = self.vault
        self.secret = PASSPHRASE  # that mounts it

    def init(self):
        os.mkdir(self.vault)

    def mount(self):
        pass

    def unmount(self):
        pass


class NoBarrier(Plain):
    """The control that has to fail: fsync does not wait for the disk."""
    options = ("barrier=0",)


class Mounted(Plain):
    """What has a process that serves the mount."""

    def __init__(self, folder):
        super().__init__(folder)
        self.mnt = os.path.join(folder, "mnt")
        self.log = os.path.join(folder, "messages")
        self.process = None
        os.makedirs(self.mnt, exist_ok=True)

    def tell(self, *argv):
        disk.run(*argv, input=(PASSPHRASE + "\n").encode() * 2, stdin=None)

    def serve(self, *argv):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            self.process.stdin.write((self.secret + "\n").encode())
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        end = time.monotonic() + 30
        while not os.path.ismount(self.mnt):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise NoMount(self.messages() or "no mount")
            time.sleep(0.002)

    def messages(self):
        with open(self.log, "rb") as f:
            lines = f.read().decode(errors="replace").strip().splitlines()
        return "; ".join(lines[-3:])

    def unmount(self):
        if self.process is None:
            return
        try:
            disk.unmount(self.mnt)
            self.process.wait(20)
        except (disk.Trouble, subprocess.TimeoutExpired):
            self.stop()
            raise
        self.process = None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process = None


class Cryptfs(Mounted):
    program = os.environ.get("CRYPTFS") or os.path.join(os.environ.get("abs_top_builddir", "."), "cryptfs")
    version = ("--version",)
    more = ()

    def init(self):
        self.tell(self.program, "init", "-q", "--kdf-memory", "8", "--kdf-time", "0.01", self.vault)

    def mount(self):
        self.serve(self.program, "mount", "-f", *self.more, self.vault, self.mnt)


class CryptfsShared(Cryptfs):
    more = ("--shared",)


class Gocryptfs(Mounted):
    program = "gocryptfs"
    version = ("-version",)

    def init(self):
        os.mkdir(self.vault)
        self.tell(self.program, "-init", "-q", "-scryptn", "10", self.vault)

    def mount(self):
        self.serve(self.program, "-fg", "-q", "-nosyslog", self.vault, self.mnt)


class Securefs(Mounted):
    """Format 4, 'lite': the one that it makes unless told otherwise."""
    program = "securefs"
    version = ("version",)
    longest = 120

    def init(self):
        os.mkdir(self.vault)
        disk.run(self.program, "create", "-r", "1", "--pass", PASSPHRASE, self.vault)

    def mount(self):
        self.serve(self.program, "mount", "--pass", PASSPHRASE, self.vault, self.mnt)


class Encfs(Mounted):
    program = "encfs"
    version = ("--version",)
    longest = 120

    def init(self):
        os.mkdir(self.vault)
        self.tell(self.program, "--standard", "--stdinpass", self.vault, self.mnt)
        disk.unmount(self.mnt)

    def mount(self):
        self.serve(self.program, "-f", "--stdinpass", self.vault, self.mnt)


CONTENDERS = {
    "plain": Plain,
    "nobarrier": NoBarrier,
    "cryptfs": Cryptfs,
    "cryptfs-shared": CryptfsShared,
    "gocryptfs": Gocryptfs,
    "securefs": Securefs,
    "encfs": Encfs,
}
PEERS = ("gocryptfs", "securefs", "encfs")


def missing(name):
    program = CONTENDERS[name].program
    return program is not None and shutil.which(program) is None


def versions(names):
    """What they say of themselves."""
    told = {}
    for name in sorted(names):
        contender = CONTENDERS[name]
        if contender.version:
            p = subprocess.run([contender.program, *contender.version], stdin=subprocess.DEVNULL, check=False,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            told[name] = (p.stdout.decode(errors="replace").splitlines() or [""])[0]
    return told
