# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Python end-to-end tests share; lib.sh does the same for those in shell, and says which
environment variables count. A test defines functions and ends with run(functions): each is one line of
TAP, named by its docstring, and fails by raising. Standard library only."""

import atexit
import contextlib
import ctypes
import errno
import fcntl
import grp
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TOOL = os.path.join(TOP, "tests/tools/vault.py")
PLAIN = os.environ.get("CRYPTFS_PLAIN") == "1"
ROOT = os.geteuid() == 0
PAGE = 4096
BLOCK = 4032
HEADER = 64
PASSPHRASE = "correct horse battery staple"
USER = "cryptfs-test"

os.umask(0o022)


class Skip(Exception):
    """Raised by a test that cannot be run here."""


class Failure(Exception):
    """The harness itself could not go on: a mount or an unmount failed."""


def bail(why):
    print("Bail out!", why, flush=True)
    sys.exit(1)


def skip_all(why):
    print("1..0 # SKIP", why, flush=True)
    sys.exit(0)


def diag(text):
    for line in str(text).splitlines():
        print("#", line)
    sys.stdout.flush()


# ---- what is there ----

def find_program():
    top = os.environ.get("abs_top_builddir", "/nonexistent")
    for c in (os.environ.get("CRYPTFS", ""), top + "/cryptfs", "./cryptfs", "./src/cryptfs", "../cryptfs",
              "../../cryptfs", TOP + "/build/cryptfs", TOP + "/build/src/cryptfs", TOP + "/cryptfs",
              TOP + "/src/cryptfs"):
        if c and os.path.isfile(c) and os.access(c, os.X_OK):
            return os.path.realpath(c)
    return None


def can_fuse():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        return False
    return ROOT or shutil.which("fusermount3") is not None


def need_fuse():
    global CRYPTFS
    if PLAIN:
        return
    CRYPTFS = find_program()
    if not CRYPTFS:
        bail("no cryptfs program: set CRYPTFS")
    if not can_fuse():
        if os.environ.get("CI") == "true":
            bail("/dev/fuse cannot be used")
        skip_all("/dev/fuse cannot be used")


def need_vault():
    if PLAIN:
        skip_all("needs a vault, not a plain directory")
    need_fuse()


CRYPTFS = None
WORK = os.path.realpath(tempfile.mkdtemp(prefix="cryptfs-e2e.", dir=os.environ.get("TMPDIR", "/var/tmp")))
SAN = os.path.join(WORK, "san")
LOG = os.path.join(WORK, "daemon.log")
PASSFILE = os.path.join(WORK, "pass")
os.chmod(WORK, 0o755)
os.mkdir(SAN)
os.chmod(SAN, 0o777)
with open(PASSFILE, "w") as _f:
    _f.write(PASSPHRASE + "\n")
open(LOG, "w").close()
for _v, _more in ("ASAN", ""), ("TSAN", ""), ("UBSAN", "print_stacktrace=1:"):
    _old = os.environ.get(_v + "_OPTIONS", "")
    os.environ[_v + "_OPTIONS"] = (_old + ":" if _old else "") + _more + "log_path=%s/%s" % (SAN, _v.lower())
os.environ.setdefault("CRYPTFS_WARN_FATAL", "1")


# ---- vaults and mounts ----

def mounts():
    """All mount points, one that is mounted upon twice twice; the kernel writes blanks and the like as \\ooo."""
    with open("/proc/self/mountinfo", "rb") as f:
        return [os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m[1], 8)]), line.split(b" ")[4]))
                for line in f]


def program(*args, rc=0, **kw):
    """Run cryptfs ARGS and see its exit code; returns what it printed."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    p = subprocess.run([CRYPTFS, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, **kw)
    out = p.stdout.decode(errors="replace")
    if p.returncode != rc:
        raise Failure("cryptfs %s: exit code %d, not %d\n%s" % (" ".join(args), p.returncode, rc, out))
    return out


class Vault:
    """A vault in the work directory and the place where it is mounted."""
    all = []

    def __init__(self, name="vault", *init_options, directory=None):
        self.dir = directory or os.path.join(WORK, name)
        self.mnt = os.path.join(WORK, name + ".mnt")
        self.daemon = None
        os.makedirs(self.mnt, exist_ok=True)
        if not PLAIN and not os.path.exists(os.path.join(self.dir, "cryptfs.json")):
            program("init", self.dir, "--passfile", PASSFILE, "--kdf-memory", "8", "--kdf-time", "0.01",
                    *init_options)
        Vault.all.append(self)

    def copy(self, name):
        """A second vault with the same contents, of which this one must not be mounted."""
        directory = os.path.join(WORK, name)
        subprocess.run(["cp", "-a", self.dir, directory], check=True)
        return Vault(name, directory=directory)

    def mount(self, *options, **how):
        """how: more for Popen, of the daemon."""
        if PLAIN:
            return self
        with open(LOG, "ab") as log:
            self.daemon = subprocess.Popen([CRYPTFS, "mount", "-f", self.dir, self.mnt, "--passfile", PASSFILE,
                                            *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **how)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.mnt in mounts():
                os.stat(self.mnt)
                return self
            if self.daemon.poll() is not None:
                break
            time.sleep(0.02)
        raise Failure("mount %s: exit code %s" % (" ".join(options), self.daemon.poll()))

    def umount(self):
        if PLAIN:
            return
        p = subprocess.Popen([CRYPTFS, "umount", self.mnt], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
        end = time.monotonic() + 120
        while p.poll() is None and time.monotonic() < end:
            self.daemon.poll()  # it is our child, and gone only once we have reaped it
            time.sleep(0.01)
        out = p.communicate()[0].decode(errors="replace")
        if p.returncode != 0:
            raise Failure("umount: exit code %s\n%s" % (p.returncode, out))
        rc = self.daemon.wait(timeout=60)
        self.daemon = None
        if rc != 0:
            raise Failure("the daemon ended with %d" % rc)

    def crash(self):
        """kill -9: the attendant takes the mount away."""
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None
        end = time.monotonic() + 60
        while self.mnt in mounts():
            if time.monotonic() > end:
                raise Failure("a killed daemon's mount is still there")
            time.sleep(0.01)

    def remount(self, *options):
        """If the daemon ended badly that is one failure: what follows finds the vault mounted again."""
        try:
            self.umount()
        finally:
            if self.daemon is None:
                self.mount(*options)
        return self

    def path(self, *parts):
        return os.path.join(self.mnt, *parts)

    def fds(self):
        """How many descriptors the daemon has open once the kernel has let go of what it caches."""
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3\n")
        return len(os.listdir("/proc/%d/fd" % self.daemon.pid))

    def status(self):
        """What the daemon says of itself."""
        return json.loads(os.getxattr(self.mnt, "cryptfs.status"))

    def settle_fds(self, before):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            now = self.fds()
            if now <= before:
                return
            time.sleep(0.1)
        links = []
        for fd in os.listdir("/proc/%d/fd" % self.daemon.pid):
            try:
                links.append(os.readlink("/proc/%d/fd/%s" % (self.daemon.pid, fd)))
            except OSError:
                pass
        raise AssertionError("%d descriptors before, %d after: %s" % (before, now, links))


# ---- helpers for checks ----

class raises:
    """with raises(errno.EIO): the body must fail with (one of) this errno."""

    def __init__(self, *want):
        self.want = want

    def __enter__(self):
        return self

    def __exit__(self, kind, value, tb):
        names = "/".join(errno.errorcode[w] for w in self.want)
        if kind is None:
            raise AssertionError("no error, expected " + names)
        if not issubclass(kind, OSError):
            return False
        if value.errno not in self.want:
            raise AssertionError("%s, expected %s" % (errno.errorcode.get(value.errno, value.errno), names)) from value
        return True


def same(got, want, what="value"):
    if got != want:
        if isinstance(got, (bytes, bytearray)) and isinstance(want, (bytes, bytearray)):
            n = min(len(got), len(want))
            at = next((i for i in range(n) if got[i] != want[i]), n)
            raise AssertionError("%s: %d bytes for %d, first difference at %d: %r for %r" % (
                what, len(got), len(want), at, bytes(got[at:at + 16]), bytes(want[at:at + 16])))
        raise AssertionError("%s: %r, expected %r" % (what, got, want))


def test_user():
    """The ordinary user that tests act as, as pwd has it; made if it is not there. Raises CalledProcessError."""
    fd = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)  # against the tests beside this one
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(USER)
        with contextlib.suppress(KeyError):  # what a useradd that was cut off leaves
            grp.getgrnam(USER)
            subprocess.run(["groupdel", USER], check=True)
        subprocess.run(["useradd", "-r", "-M", "-d", "/nonexistent", "-s", "/usr/sbin/nologin", USER], check=True)
        return pwd.getpwnam(USER)
    finally:
        os.close(fd)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data, mode="wb"):
    with open(path, mode) as f:
        f.write(data)


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64]
_libc.mmap.restype = ctypes.c_void_p
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE = 1, 2, 8, 16, 32
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2


def _call(rc):
    if rc < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return rc


def fallocate(fd, mode, offset, length):
    _call(_libc.fallocate(fd, mode, offset, length))


def renameat2(old, new, flags):
    _call(_libc.renameat2(-100, os.fsencode(old), -100, os.fsencode(new), flags))


class Mapping:
    """n bytes of a file in memory, and no descriptor of it: Python's own mmap keeps one."""

    def __init__(self, path, n):
        fd = os.open(path, os.O_RDWR)
        try:
            self.n = n
            self.at = _libc.mmap(None, n, 3, 1, fd, 0)  # PROT_READ | PROT_WRITE, MAP_SHARED
        finally:
            os.close(fd)
        if self.at == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")

    def write(self, data):
        ctypes.memmove(self.at, data, len(data))

    def close(self):
        _call(_libc.munmap(self.at, self.n))


class FileHandle(ctypes.Structure):
    """See open_by_handle_at(2)."""
    _fields_ = [("bytes", ctypes.c_uint), ("type", ctypes.c_int), ("handle", ctypes.c_ubyte * 128)]


def file_handle(path):
    h = FileHandle(128)
    _call(_libc.name_to_handle_at(-100, os.fsencode(path), ctypes.byref(h), ctypes.byref(ctypes.c_int()), 0))
    return h


def open_handle(mount_fd, handle, flags=os.O_RDONLY):
    return _call(_libc.open_by_handle_at(mount_fd, ctypes.byref(handle), flags))


def ciphertext(vault, plain):
    """The ciphertext of a plaintext file: the one with the same mtime to the nanosecond."""
    want = plain if isinstance(plain, int) else os.lstat(plain).st_mtime_ns
    found = [os.path.join(d, n) for d, dirs, files in os.walk(vault) for n in dirs + files
             if os.lstat(os.path.join(d, n)).st_mtime_ns == want]
    if len(found) != 1:
        raise Failure("%d ciphertext files have mtime %d" % (len(found), want))
    return found[0]


# ---- beginning and end ----

def _cleanup():
    for v in Vault.all:
        if v.daemon and v.daemon.poll() is None:
            v.daemon.send_signal(signal.SIGTERM)
    for m in reversed(mounts()):
        if m.startswith(WORK + "/"):
            for c in (["umount", m], ["fusermount3", "-u", m], ["umount", "-l", m], ["fusermount3", "-uz", m]):
                try:
                    if subprocess.run(c, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      timeout=20).returncode == 0:
                        break
                except (OSError, subprocess.TimeoutExpired):
                    pass
    for v in Vault.all:
        if v.daemon:
            try:
                v.daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                v.daemon.kill()
    if os.environ.get("E2E_KEEP") == "1":
        diag("kept: " + WORK)
    else:
        subprocess.run(["rm", "-rf", "--one-file-system", "--", WORK], check=False)


def _watchdog(limit):
    time.sleep(limit)
    print("Bail out! nothing for %d s" % limit, flush=True)
    for v in Vault.all:
        if v.daemon and v.daemon.poll() is None:
            v.daemon.kill()
    time.sleep(5)
    os._exit(1)


_pid = os.getpid()
atexit.register(lambda: _cleanup() if os.getpid() == _pid else None)
for _s in signal.SIGTERM, signal.SIGHUP:
    signal.signal(_s, lambda *a: sys.exit(1))
threading.Thread(target=_watchdog, args=(float(os.environ.get("E2E_TIMEOUT", "600")),), daemon=True).start()


def no_sanitizer_reports():
    """no sanitizer reports, and no warnings unless the test is about damage"""
    found, strict = [], os.environ.get("CRYPTFS_WARN_FATAL") == "1"
    for name in sorted(os.listdir(SAN)):
        with open(os.path.join(SAN, name), errors="replace") as f:
            found += [line for line in f.read().splitlines()  # of a leak check whose process the test has killed
                      if "Unable to get registers from thread" not in line][:40]
    with open(LOG, errors="replace") as f:
        found += [line.rstrip() for line in f if "Sanitizer" in line or "runtime error:" in line or (
            strict and ("warning: " in line or "error: " in line))]
    if found:
        raise AssertionError("\n".join(found))


def run(tests):
    """Run each, print TAP, exit. A test may be a function or a (name, function) pair."""
    failed = 0
    tests = list(tests) + ([] if PLAIN else [no_sanitizer_reports])
    only = os.environ.get("E2E_ONLY")
    print("1..%d" % len(tests), flush=True)
    for n, t in enumerate(tests, 1):
        name, f = t if isinstance(t, tuple) else (" ".join((t.__doc__ or t.__name__).split()), t)
        if only and only not in name and only not in getattr(f, "__name__", ""):
            print("ok %d - %s # SKIP E2E_ONLY" % (n, name))
            continue
        try:
            f()
            print("ok %d - %s" % (n, name), flush=True)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (n, name, why), flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("not ok %d - %s" % (n, name))
            diag(traceback.format_exc(limit=-4))
            with open(LOG, errors="replace") as f:
                diag("\n".join(["the daemon's log ends:"] + f.read().splitlines()[-10:]))
    sys.exit(1 if failed else 0)
