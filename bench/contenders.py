# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is compared: each makes a vault in a directory and shows it in another. 'plain' is the directory itself.

Each has its defaults, but for a key derivation that takes no time: it is not what is measured. The passphrase is
read from a file.
"""

import os
import resource
import shlex
import shutil
import subprocess
import time

import machine

EXAMPLES = "/usr/share/doc/libfuse3-dev/examples"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cryptfs-bench")


class Contender:
    """The plain directory, and what is common to all."""
    name = "plain"
    about = "the directory below, without FUSE"
    program = None
    version = ()  # arguments that make the program tell its version

    def __init__(self, base):
        self.folder = os.path.join(base, self.name)
        self.vault = os.path.join(self.folder, "vault")
        self.mnt = self.vault
        self.passfile = os.path.join(base, "passphrase")
        self.state = {}  # what the workloads made in it
        os.makedirs(self.vault)

    @classmethod
    def missing(cls):
        """Why it cannot take part, or None."""
        if cls.program is None or shutil.which(cls.program):
            return None
        return "%s is not installed" % cls.program

    @classmethod
    def tell_version(cls):
        if not cls.version:
            return ""
        p = subprocess.run([cls.program, *cls.version], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, check=False)
        return (p.stdout.decode(errors="replace").splitlines() or [""])[0]

    def init(self):
        pass

    def mount(self):
        pass

    def unmount(self):
        pass

    def remount(self):
        self.unmount()
        self.mount()

    def mend(self):
        """After an error: what does not answer any more is mounted anew."""

    def pid(self):
        return None


class Mounted(Contender):
    """What has a process that serves the mount. It stays ours: in the foreground, ended by its process ID."""

    def __init__(self, base):
        super().__init__(base)
        self.mnt = os.path.join(self.folder, "mnt")
        self.log = os.path.join(self.folder, "messages")
        self.process = None
        os.mkdir(self.mnt)

    def environment(self):
        return dict(os.environ)

    def limits(self):
        """What the process does to itself before it runs the program."""

    def command(self):
        raise NotImplementedError

    def make(self, *argv):
        with open(self.passfile, "rb") as stdin:
            machine.run(*argv, stdin=stdin, env=self.environment())

    def mount(self):
        # A session of its own, so that Ctrl-C reaches only us and the mount lasts until we end it.
        with open(self.passfile, "rb") as stdin, open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command(), stdin=stdin, stdout=log, stderr=log, start_new_session=True,
                                            env=self.environment(), preexec_fn=self.limits)
        end = time.monotonic() + 60
        while not os.path.ismount(self.mnt):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise machine.Trouble("%s does not mount: %s" % (self.name, self.messages()))
            time.sleep(0.002)

    def messages(self):
        with open(self.log, "rb") as f:
            lines = f.read().decode(errors="replace").strip().splitlines()
        return "; ".join(lines[-2:]) or "no message"

    def unmount(self):
        if self.process is None:
            return
        machine.unmount(self.mnt)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        self.stop()

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process = None

    def mend(self):
        try:
            os.statvfs(self.mnt)
            if self.process is not None and self.process.poll() is None:
                return
        except OSError:
            pass
        self.unmount()
        self.mount()

    def pid(self):
        return self.process.pid if self.process is not None else None


class Passthrough(Mounted):
    name = "passthrough"
    about = "libfuse's passthrough_ll: FUSE, and nothing done to the bytes"
    program = os.path.join(CACHE, "passthrough_ll")

    @classmethod
    def missing(cls):
        source = os.path.join(EXAMPLES, "passthrough_ll.c")
        if os.path.exists(cls.program):
            return None
        if not os.path.exists(source):
            return "%s is not there (libfuse3-dev)" % source
        os.makedirs(CACHE, exist_ok=True)
        try:
            flags = machine.run("pkg-config", "--cflags", "--libs", "fuse3").split()
            compiler = shlex.split(os.environ.get("CC") or "cc")
            machine.run(*compiler, "-O2", "-pthread", "-o", cls.program, source, *flags)
        except machine.Trouble as e:
            return "passthrough_ll cannot be built: %s" % e
        return None

    @classmethod
    def tell_version(cls):
        return "libfuse " + machine.run("pkg-config", "--modversion", "fuse3").strip()

    def limits(self):
        # It holds a descriptor for every file that the kernel knows.
        with open("/proc/sys/fs/nr_open", encoding="ascii") as f:
            most = int(f.read())
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        except (OSError, ValueError):
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    def command(self):
        return [self.program, "-f", "-o", "source=" + self.vault, self.mnt]


class Cryptfs(Mounted):
    name = "cryptfs"
    about = "private, the default"
    program = os.environ.get("CRYPTFS") or "cryptfs"
    version = ("--version",)
    more = ()

    def init(self):
        machine.run(self.program, "init", "-q", "--kdf-memory", "8", "--kdf-time", "0.01", "--passfile", self.passfile,
                    self.vault)

    def command(self):
        return [self.program, "mount", "-f", *self.more, "--passfile", self.passfile, self.vault, self.mnt]


class CryptfsShared(Cryptfs):
    name = "cryptfs-shared"
    about = "--shared"
    more = ("--shared",)


class Gocryptfs(Mounted):
    name = "gocryptfs"
    about = "its defaults: AES-GCM"
    program = "gocryptfs"
    version = ("-version",)
    more = ()

    def init(self):
        machine.run(self.program, "-init", "-q", "-scryptn", "10", *self.more, "-passfile", self.passfile, self.vault)

    def command(self):
        return [self.program, "-fg", "-q", "-nosyslog", "-passfile", self.passfile, self.vault, self.mnt]


class GocryptfsXchacha(Gocryptfs):
    name = "gocryptfs-xchacha"
    about = "-xchacha: the cipher that cryptfs has"
    more = ("-xchacha",)


class Securefs(Mounted):
    """Reads its passphrase from standard input: once to mount, twice to create."""
    name = "securefs"
    about = "format 4 (lite), its default"
    program = "securefs"
    version = ("version",)

    def init(self):
        self.make(self.program, "create", "-r", "1", self.vault)

    def command(self):
        return [self.program, "mount", self.vault, self.mnt]


class Cryfs(Mounted):
    name = "cryfs"
    about = "its defaults; its fsync does not reach the disk"
    program = "cryfs"
    version = ("--version",)

    def environment(self):
        return {**os.environ, "CRYFS_FRONTEND": "noninteractive", "CRYFS_NO_UPDATE_CHECK": "true",
                "CRYFS_LOCAL_STATE_DIR": os.path.join(self.folder, "state")}

    def command(self):
        return [self.program, "-f", self.vault, self.mnt]


class Encfs(Mounted):
    name = "encfs"
    about = "--standard"
    program = "encfs"
    version = ("--version",)

    def command(self):
        return [self.program, "-f", "--standard", "--extpass", shlex.join(["head", "-n1", self.passfile]), self.vault,
                self.mnt]


ALL = {c.name: c for c in (Contender, Passthrough, Gocryptfs, GocryptfsXchacha, Securefs, Cryfs, Encfs, Cryptfs,
                           CryptfsShared)}
QUICK = ("plain", "passthrough", "gocryptfs", "gocryptfs-xchacha", "securefs", "cryptfs", "cryptfs-shared")


def helper():
    """The program that makes the calls: 'make' builds it beside cryptfs."""
    places = [os.environ.get("abs_top_builddir"), os.path.dirname(shutil.which(Cryptfs.program) or ""),
              os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]
    for place in places:
        path = os.path.join(place or ".", "bench", "io")
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise machine.Trouble("bench/io is not built: make bench/io in the build directory, and CRYPTFS=DIRECTORY/cryptfs")
