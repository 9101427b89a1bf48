# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine: where it works, recording a workload, cutting the recording, looking at what is left."""

import atexit
import json
import os
import random
import shutil
import signal
import stat
import sys
import tempfile
import threading
import time

import contenders
import disk
import judge
import work
import workloads

KINDS = ("lost", "unreadable", "unmountable")
OUTER_NS = "POWERCUT_NAMESPACE"  # the descriptor of the mount namespace that we have left
PR_SET_PDEATHSIG = 1


def find_record():
    top = os.environ.get("abs_top_builddir", ".")
    for c in (os.path.join(top, "tests/powercut/record"),
              os.path.join(os.path.dirname(contenders.Cryptfs.program), "tests/powercut/record")):
        if os.access(c, os.X_OK):
            return os.path.realpath(c)
    sys.exit("powercut: no tests/powercut/record here: run in the build directory, or set abs_top_builddir")


def why_not():
    """Why nothing can be cut here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for path in ("/dev/fuse", "/dev/loop-control"):
        try:
            os.close(os.open(path, os.O_RDWR))
        except OSError as e:
            return "%s: %s" % (path, e.strerror)
    for tool in ("losetup", "mkfs.ext4", "unshare", "git"):
        if not shutil.which(tool):
            return "%s is not installed" % tool
    try:
        disk.run("unshare", "--mount", "--propagation", "private", "true")
        with tempfile.NamedTemporaryFile() as f:
            f.truncate(1 << 20)
            disk.run("losetup", "-d", disk.run("losetup", "--find", "--show", f.name))
    except disk.Trouble as e:
        return str(e)
    return None


def isolate():
    """A mount namespace of our own, in which nothing stays behind, and a place in memory."""
    if OUTER_NS not in os.environ:
        fd = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        os.set_inheritable(fd, True)
        os.environ[OUTER_NS] = str(fd)
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              os.path.realpath(sys.argv[0]), *sys.argv[1:]])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="powercut.")
    disk.run("mount", "-t", "tmpfs", "-o", "mode=700", "powercut", work)
    atexit.register(lambda: (disk.run("umount", "--lazy", work), os.rmdir(work)))
    return work


# ---- one recording ----

class Stir(threading.Thread):
    """Somebody else at work on the disk, as on any machine: pages are written back unasked, a journal commits
    without the data, and now and then all of it is synced."""

    def __init__(self, root, seed, haste, journal):
        super().__init__(daemon=True)
        self.root, self.rng, self.over = root, random.Random(seed), threading.Event()
        self.haste, self.journal = haste, journal

    def run(self):
        files = []
        while not self.over.wait(self.rng.uniform(0.001, 0.02) / self.haste):
            try:
                if not files or self.rng.random() < 0.1:
                    files = [os.path.join(d, f) for d, _, names in os.walk(self.root) for f in names]
                dice = self.rng.random()
                if dice < 0.05:
                    disk.syncfs(self.root)
                elif dice < 0.15 and self.journal:
                    disk.fsync(self.root)
                elif files:
                    self._write_back(self.rng.choice(files))
            except OSError:
                files = []

    @staticmethod
    def _write_back(path):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                disk.write_back(fd)
        finally:
            os.close(fd)

    def stop(self):
        self.over.set()
        self.join()


def record(task, folder, record_program, before=None):
    """Run the workload once; the log and the journal stay in the folder. 'before' is an image to go on from."""
    fs = disk.FILESYSTEMS[task["fs"]]
    ns = os.environ.get(OUTER_NS)
    below = os.path.join(folder, "below")
    os.mkdir(below)
    recorder = disk.Recorder(record_program, folder, fs.mib, None if ns is None else int(ns))
    try:
        contender = contenders.CONTENDERS[task["contender"]](folder)
        if before:
            recorder.restore(before)
        else:
            fs.make(recorder.device)
        fs.mount(recorder.device, below, *contender.options)
        try:
            if not before:
                contender.init()
            workload = workloads.WORKLOADS[task["workload"]]()
            if not getattr(workload, "offline", False):
                contender.mount()
            try:
                _work(task, workload, contender, recorder, folder)
            finally:
                contender.unmount()
        finally:
            disk.unmount(below)
        return recorder.position()
    finally:
        recorder.close()


def _work(task, workload, contender, recorder, folder):
    if task["fs"] in getattr(workload, "unsuited", ()):
        raise work.Unsupported("the plain filesystem loses it too")
    journal = judge.Journal(recorder.position)
    at = work.At(contender, random.Random(task["seed"]), journal, task["scale"])
    if hasattr(workload, "prepare"):
        workload.prepare(at)
    disk.syncfs(contender.vault)
    recorder.flush()
    start = recorder.position()
    stir = Stir(contender.vault, task["seed"], getattr(workload, "haste", 1),
                disk.FILESYSTEMS[task["fs"]].journal)
    stir.start()
    try:
        workload.run(at)
    finally:
        stir.stop()
    journal.save(os.path.join(folder, "journal.json"), task=task, start=start)


# ---- its cuts ----

def examine(task, ops, cut, image, folder):
    """Mount what a cut has left, and look. Returns a list of problems."""
    fs = disk.FILESYSTEMS[task["fs"]]
    below = os.path.join(folder, "below")
    contender = contenders.CONTENDERS[task["contender"]](folder)
    try:
        fs.mount(image, below, "loop", *contender.options)
    except disk.Trouble as e:
        return [("unmountable", str(e))]
    workload = workloads.WORKLOADS[task["workload"]]()
    case = judge.Case(contender.mnt, ops, cut.position)
    try:
        if hasattr(workload, "before"):
            workload.before(case, contender)
        contender.mount()
        try:
            workload.check(case)
            case.sweep()
            case.goes_on()
        finally:
            contender.unmount()
        if hasattr(workload, "after"):
            workload.after(case, contender)
        return case.problems
    except contenders.NoMount as e:
        return case.problems + [("unmountable", str(e))]
    finally:
        disk.unmount(below)


class Recording:
    """What record() has left in a folder."""

    def __init__(self, task, folder):
        with open(os.path.join(folder, "journal.json"), encoding="ascii") as f:
            journal = json.load(f)
        self.start, self.ops = journal["start"], journal["ops"]
        self.seed = task["seed"]
        self.acks = [op["ack"] for op in self.ops if op["ack"] is not None]
        self.log = disk.Log(os.path.join(folder, "log"))
        self.images = disk.Images(self.log, folder, disk.FILESYSTEMS[task["fs"]].mib)

    def cut(self, number):
        return disk.Cut(self.log, self.start, len(self.log.records), self.acks, self.seed, number)


def first_life(task, folder, record_program):
    """The image that the power cut at the end of another workload leaves, for one that goes on from there."""
    first = workloads.WORKLOADS[task["workload"]].first
    task = dict(task, workload=first[task["seed"] % len(first)])
    record(task, folder, record_program)
    recording = Recording(task, folder)
    return recording.images.make(recording.cut(0))


def cut_all(task, folder, numbers, keep=None):
    """Cut a recording in the folder; returns (problems by cut number, some figures)."""
    recording = Recording(task, folder)
    log, images, ops = recording.log, recording.images, recording.ops
    os.makedirs(os.path.join(folder, "below"), exist_ok=True)
    found = {}
    for cut in sorted((recording.cut(n) for n in numbers), key=lambda c: c.flushed):
        image = images.make(cut)
        if keep:
            images.keep(keep)
            print("%s\nimage: %s" % (cut, keep))
        found[cut.number] = examine(task, ops, cut, image, folder)
    figures = {"writes": sum(r[0] != disk.FLUSH for r in log.records[recording.start:]),
               "flushes": sum(r[0] == disk.FLUSH for r in log.records[recording.start:]),
               "acknowledged": len(recording.acks)}
    log.close()
    return found, figures


def do_task(job):
    """Record and cut; runs in a process of its own."""
    task, options = job
    disk.LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    result = dict(task, cuts=0, bad=0, examples=[], **dict.fromkeys(KINDS, 0))
    folder, other = (tempfile.mkdtemp(dir=options["work"]) for _ in range(2))
    try:
        before = None
        if hasattr(workloads.WORKLOADS[task["workload"]], "first"):
            before = first_life(task, other, options["record"])
        record(task, folder, options["record"], before)
        shutil.rmtree(other)
        found, figures = cut_all(task, folder, range(task["want"]))
        result.update(figures, cuts=len(found), bad=sum(1 for p in found.values() if p))
        for kind in KINDS:
            result[kind] = sum(1 for p in found.values() if any(k == kind for k, _ in p))
        for number in sorted(found):
            for kind, text in found[number][:3]:
                result["examples"].append("cut %d: %s: %s" % (number, kind, text))
        result["examples"] = result["examples"][:12]
        if result["bad"] and options["keep"]:
            result["recording"] = save(folder, options["keep"], task)
    except work.Unsupported as e:
        result["unsupported"] = str(e)
    except Exception as e:  # whatever it is, the others go on
        result["trouble"] = "%s: %s" % (type(e).__name__, e)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(other, ignore_errors=True)
    result["seconds"] = round(time.monotonic() - began, 1)
    return result


def save(folder, keep, task):
    """The recording, for 'again'."""
    where = os.path.join(keep, "%s-%s-%s-%s" % (task["contender"], task["fs"], task["workload"],
                                                task["seed"]))
    os.makedirs(where, exist_ok=True)
    for name in ("log", "journal.json"):
        shutil.copyfile(os.path.join(folder, name), os.path.join(where, name))
    return where
