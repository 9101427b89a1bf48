# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine: processes, mounts, caches, memory and processor time."""

import ctypes
import mmap
import os
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
LONGEST = 1800  # seconds for one command
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}


class Trouble(Exception):
    """A command or a mount does not do what it should."""


def run(*argv, **kw):
    """Its output, or Trouble. A command that is interrupted is killed, with all that it started."""
    text = kw.pop("input", None)
    kw.setdefault("stdin", subprocess.DEVNULL if text is None else subprocess.PIPE)
    try:
        p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **kw)
    except OSError as e:
        raise Trouble(str(e)) from e
    try:
        out, errors = p.communicate(text, timeout=LONGEST)
    except subprocess.TimeoutExpired as e:
        raise Trouble(str(e)) from e
    finally:
        if p.returncode is None:
            os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
    if p.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines() or ["exit code %d" % p.returncode]
        raise Trouble("%s: %s" % (os.path.basename(argv[0]), lines[-1]))
    return out.decode(errors="replace")


def is_root():
    return os.geteuid() == 0


def syncfs(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        if LIBC.syncfs(fd) != 0:
            raise Trouble("syncfs: " + os.strerror(ctypes.get_errno()))
    finally:
        os.close(fd)


def drop_caches():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")


def unmount(path):
    """Until nobody uses it; after ten seconds it goes out of sight all the same, and False is returned."""
    command = ["umount"] if is_root() else ["fusermount3", "-u"]
    end = time.monotonic() + 10
    while os.path.ismount(path) or not os.path.exists(path):
        if subprocess.run([*command, path], check=False, **QUIET).returncode == 0:
            return True
        if time.monotonic() > end:
            lazy = ["umount", "-l"] if is_root() else ["fusermount3", "-uz"]
            subprocess.run([*lazy, path], check=False, **QUIET)
            return False
        time.sleep(0.02)
    return True


def family(pid):
    """A process and all that it started."""
    pids = [pid]
    for p in pids:
        try:
            for task in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, task), encoding="ascii") as f:
                    pids += [int(child) for child in f.read().split()]
        except OSError:
            continue
    return pids


def processor_seconds(pid):
    """Of all threads that there are and were. The clock of a process is finer than /proc/PID/stat, which has ticks."""
    total = 0.0
    for p in family(pid):
        try:
            total += time.clock_gettime((~p << 3) | 2)
        except OSError:
            continue
    return total


def memory(pid, what):
    """Bytes that 'what' (VmRSS and the like) says of it and its children."""
    total = 0
    for p in family(pid):
        try:
            with open("/proc/%d/status" % p, encoding="utf-8") as f:
                total += sum(int(line.split()[1]) * 1024 for line in f if line.startswith(what + ":"))
        except OSError:
            continue
    return total


def peak_memory(pid):
    """Bytes resident at most since forget_peak()."""
    return memory(pid, "VmHWM")


def forget_peak(pid):
    for p in family(pid):
        try:
            with open("/proc/%d/clear_refs" % p, "w", encoding="ascii") as f:
                f.write("5")
        except OSError:
            continue


def warm_memory(most):
    """A virtual machine gets its memory at first touch, which may take seconds a GiB: touch it before."""
    with open("/proc/meminfo", encoding="ascii") as f:
        free = next(int(line.split()[1]) * 1024 for line in f if line.startswith("MemFree:"))
    size = min(most, free * 3 // 4) // mmap.PAGESIZE * mmap.PAGESIZE
    if size > 0:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def tell(folder):
    """What results depend on."""
    cpu = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    disk = subprocess.run(["findmnt", "-no", "FSTYPE,OPTIONS", "-T", folder], stdout=subprocess.PIPE, check=False)
    with open("/proc/loadavg", encoding="ascii") as f:
        load = float(f.read().split()[0])
    return {"kernel": os.uname().release, "processor": cpu, "processors": os.cpu_count(), "load": load,
            "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
            "disk": " ".join((disk.stdout.decode(errors="replace").splitlines() or ["unknown"])[-1].split())}
