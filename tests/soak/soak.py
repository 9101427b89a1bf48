#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Soak: a mixed load for as long as is asked for, on a tree that stays as large as it is, while the daemon is
watched: its memory, descriptors, threads and locked memory must stay as they are, too.

	SOAK_SECONDS    how long (3600)
	SOAK_OUT        directory for soak.json, soak.svg and the daemon's log (./soak)
	SOAK_OPTIONS    options for cryptfs mount, such as --shared
	SOAK_SEED       of the workers

What is compared is quarters of the time: the first is the warm-up; in the last the medians may not be above those
of the second by more than a little. At the end everything is compared with what the workers know, on the mount and
again after a remount, and the log must be clean. Exit code 0: all well."""

import ast
import json
import multiprocessing
import os
import re
import shutil
import statistics
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "e2e"))
SECONDS = float(os.environ.get("SOAK_SECONDS", "3600"))
os.environ["E2E_TIMEOUT"] = str(SECONDS + 3600)
import chart
import e2e
import load

OUT = os.path.abspath(os.environ.get("SOAK_OUT", "soak"))
OPTIONS = os.environ.get("SOAK_OPTIONS", "").split()
SEED = int(os.environ.get("SOAK_SEED", "1"))
EVERY = min(5.0, max(0.2, SECONDS / 300))
FORGET = 12  # samples between two times of having the kernel forget inodes
REST = 120  # seconds; the daemon looks after what was written twice a minute
NOBODY = 65534

# what is watched: (key, title, how much more the last quarter may have than the second: a share, and so much)
WATCHED = [
    ("rss_kib", "resident memory, KiB", 0.05, 1024),
    ("fds", "descriptors", 0.05, 8),
    ("threads", "threads", 0.0, 1),
    ("locked_kib", "locked memory, KiB", 0.0, 0),
]


# ---- the daemon ----

def sample(pid, since):
    """What /proc says of it; what only root may see is None for others."""
    out = {"t": round(time.monotonic() - since, 1), "fds": None, "anon_kib": None}
    with open("/proc/%d/status" % pid) as f:
        status = dict(re.findall(r"^(\w+):\s*(\d+)", f.read(), re.M))
    out.update(rss_kib=int(status["VmRSS"]), threads=int(status["Threads"]), locked_kib=int(status["VmLck"]))
    try:
        out["fds"] = len(os.listdir("/proc/%d/fd" % pid))
        with open("/proc/%d/smaps_rollup" % pid) as f:
            rollup = dict(re.findall(r"^(\w+):\s*(\d+)", f.read(), re.M))
        out.update(rss_kib=int(rollup["Rss"]), anon_kib=int(rollup["Anonymous"]), locked_kib=int(rollup["Locked"]))
    except PermissionError:
        pass
    return out


def forget():
    """Have the kernel drop the inodes and names that it keeps; the daemon is told so."""
    try:
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("2\n")
        return True
    except OSError:
        return False


def watch(pid, workers):
    samples, since, forgotten = [], time.monotonic(), 0
    while time.monotonic() - since < SECONDS:
        time.sleep(EVERY)
        for w in workers:
            if w.exitcode is not None:
                raise e2e.Failure("%s ended with %s" % (w.name, w.exitcode))
        samples.append(sample(pid, since))
        if len(samples) % FORGET == 0:
            forgotten += forget()
    return samples, forgotten


def quarter(samples, key, n):
    """The values in the n-th quarter of the time."""
    end = samples[-1]["t"]
    return [s[key] for s in samples if (n - 1) / 4 <= s["t"] / end < n / 4 + (n == 4) and s[key] is not None]


def judge(samples):
    """What has grown: a line for each."""
    grown, medians = [], {}
    for key, title, share, more in WATCHED:
        second, last = quarter(samples, key, 2), quarter(samples, key, 4)
        if not second or not last:
            continue
        medians[key] = [statistics.median(quarter(samples, key, n) or [0]) for n in (1, 2, 3, 4)]
        if medians[key][3] > medians[key][1] * (1 + share) + more:
            grown.append("%s: median %s in the second quarter, %s in the last" % (title, medians[key][1],
                                                                                 medians[key][3]))
    return grown, medians


# ---- the workers ----

def child(kind, top, seed, stop, out, user):
    if user:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    load.work(kind, top, seed, stop, out)


def start(vault, stop):
    """One worker of each kind; as root the second half of them for another user."""
    workers, kinds, done = [], load.kinds(), os.path.join(e2e.WORK, "done")
    os.mkdir(done)
    os.chmod(done, 0o777)
    os.chmod(vault.mnt, 0o755)
    for i, kind in enumerate(kinds):
        user = NOBODY if e2e.ROOT and i % 2 else 0
        top = vault.path("w%d" % i)
        os.mkdir(top)
        if user:
            os.chown(top, user, user)
        w = multiprocessing.Process(target=child, name="%s %d" % (kind.__name__, i),
                                    args=(kind, top, SEED * 1000 + i, stop, os.path.join(done, str(i)), user))
        w.start()
        workers.append(w)
    return workers, done


def finish(workers, stop, done):
    """Let them end; returns what they have done and what there must be now."""
    open(stop, "w").close()
    counts, models = {}, {}
    for w in workers:
        w.join(600)
        if w.exitcode != 0:
            raise e2e.Failure("%s ended with %s" % (w.name, w.exitcode))
    for name in os.listdir(done):
        with open(os.path.join(done, name)) as f:
            said = ast.literal_eval(f.read())
        models[said["top"]] = said["model"]
        for op, n in said["counts"].items():
            counts[said["kind"] + " " + op] = counts.get(said["kind"] + " " + op, 0) + n
    return counts, models


# ---- all of it ----

def complaints():
    with open(e2e.LOG, errors="replace") as f:
        return [line.rstrip() for line in f if re.search(r"error: |warning: |Sanitizer|runtime error:", line)]


def at_rest(pid, before):
    """Once nobody uses the mount and all that was written is recorded, no more may be open than in the beginning."""
    now, end = before, time.monotonic() + REST
    while forget() and before is not None and time.monotonic() < end:
        now = sample(pid, 0)["fds"]
        if now <= before:
            break
        time.sleep(1)
    if before is None or now <= before:
        return []
    return ["at rest: %d descriptors, %d in the beginning" % (now, before)]


def soak(result):
    vault = e2e.Vault("soak").mount(*(["--allow-other"] if e2e.ROOT else []), *OPTIONS)
    first = sample(vault.daemon.pid, time.monotonic())
    stop = os.path.join(e2e.WORK, "stop")
    workers, done = start(vault, stop)
    try:
        result["samples"], result["forgotten"] = watch(vault.daemon.pid, workers)
        result["operations"], models = finish(workers, stop, done)
    finally:
        for w in workers:
            w.kill()
    result["files"] = load.compare(models)
    grown, result["medians"] = judge(result["samples"])
    grown += at_rest(vault.daemon.pid, first["fds"])
    vault.remount(*OPTIONS)
    print("compared on the mount; comparing after a remount", flush=True)
    load.compare(models)
    vault.umount()
    return grown + ["the daemon's log: " + line for line in complaints()[:10]]


def report(result):
    os.makedirs(OUT, exist_ok=True)
    shutil.copy(e2e.LOG, os.path.join(OUT, "daemon.log"))
    with open(os.path.join(OUT, "soak.json"), "w") as f:
        json.dump(result, f, indent=1)
    samples = result.get("samples", [])
    thin = samples[::max(1, len(samples) // 120)]
    with open(os.path.join(OUT, "soak.svg"), "w") as f:
        f.write(chart.svg([(title, [(s["t"], s[key]) for s in thin if s[key] is not None])
                           for key, title, _, _ in WATCHED]))
    for op, n in sorted(result.get("operations", {}).items()):
        print("%-32s %8d" % (op, n))
    for key, title, _, _ in WATCHED:
        if key in result.get("medians", {}):
            print("%-32s medians of the quarters: %s" % (title, result["medians"][key]))
    print("%d files equal their model; inodes forgotten %d times" % (result.get("files", 0),
                                                                    result.get("forgotten", 0)))
    for line in result["failures"]:
        print("FAILED:", line)
    print("%s: %s" % ("FAILED" if result["failures"] else "passed", OUT))


def main():
    e2e.need_vault()
    result = {"seconds": SECONDS, "options": OPTIONS, "seed": SEED, "workers": [k.__name__ for k in load.kinds()]}
    try:
        result["failures"] = soak(result)
    except (e2e.Failure, load.Wrong, OSError) as e:
        result["failures"] = ["%s: %s" % (type(e).__name__, e)]
    report(result)
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
