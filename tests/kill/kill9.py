#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill -9: the daemon is killed again and again at random moments, at work, while it is mounted and while it is
unmounted. Each time the vault is mounted again by the program's own means, and then everything that an fsync had
vouched for must be there, and everything that is there must be readable to its end (work.py).

	KILL_ROUNDS     how many times (200)
	KILL_PACE       longest time at work before a kill, in seconds (2.5)
	KILL_USER       1: as root, do it all as an ordinary user

What belongs to a mount is found by 'cryptfs status' and by what /proc says was started for its mount point."""

import json
import multiprocessing
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback

ROUNDS = int(os.environ.get("KILL_ROUNDS", "200"))
SEED = int(os.environ.get("KILL_SEED", "1"))
PACE = float(os.environ.get("KILL_PACE", "2.5"))
os.environ.setdefault("E2E_TIMEOUT", str(600 + 60 * ROUNDS))

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "e2e"))
import e2e
import work
from work import Wrong

LOOK = 10  # rounds between two looks at the vault by the independent reader
HELD = 60  # seconds that anything may take

# When the daemon is killed, and which of the processes of the mount go with it. The ways are dealt like cards, so that
# each has its share of every run.
MOMENTS = ["work"] * 6 + ["work soon", "at once", "mounting", "unmounting", "ending", "idle"]
VICTIMS = ["daemon", "daemon", "all", "all, daemon last"]
CLEANINGS = ["mount", "umount", "mount", "umount, with somebody in it", "mount, with somebody in it", "umount --lazy"]


# ---- processes ----

def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return [os.fsdecode(a) for a in f.read().split(b"\0")]
    except OSError:
        return []


def is_gone(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def processes(mnt, verb="mount"):
    """Everything that was started to serve a mount point."""
    out = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            argv = command_line(int(name))
            if len(argv) > 2 and os.path.basename(argv[0]) == "cryptfs" and verb in argv and mnt in argv \
                    and not is_gone(int(name)):
                out.append(int(name))
    return sorted(out)


def status(mnt):
    """What the program says of a mount point, or None; the topmost mount."""
    found = [m for m in json.loads(e2e.program("status", "--json"))["mounts"] if m["mountpoint"] == mnt]
    return found[-1] if found else None


def kill(pids):
    for p in pids:
        try:
            os.kill(p, signal.SIGKILL)
        except ProcessLookupError:
            pass


def until(what, condition, limit=HELD):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise Wrong("%s: not within %d s" % (what, limit))
        time.sleep(0.01)


def kill_all(mnt):
    """All that belongs to a mount, those who might still do something about it first."""
    daemon = status(mnt)["pid"]
    found = processes(mnt)
    kill([p for p in found if p != daemon] + [daemon])
    until("the end of all that was killed", lambda: all(map(is_gone, found + [daemon])))


def as_user(body):
    """Do it as an ordinary user, in a directory and with a copy of the program of its own; returns its exit code."""
    user, home = pwd.getpwnam("nobody"), os.path.join(e2e.WORK, "home")
    os.makedirs(home, exist_ok=True)
    for path in e2e.CRYPTFS, e2e.PASSFILE:
        shutil.copy(path, home)
    os.chown(home, user.pw_uid, user.pw_gid)
    before = os.stat("/dev/fuse").st_mode & 0o777
    if before != 0o666:
        os.chmod("/dev/fuse", 0o666)  # as udev has it
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            os.environ["HOME"] = home
            e2e.WORK, e2e.ROOT, e2e.CRYPTFS = home, False, os.path.join(home, os.path.basename(e2e.CRYPTFS))
            e2e.PASSFILE = os.path.join(home, os.path.basename(e2e.PASSFILE))
            code = body()
        except BaseException:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stdout)
        finally:
            sys.stdout.flush()
            os._exit(code or 0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if before != 0o666:
        os.chmod("/dev/fuse", before)
    return code


# ---- one vault that is killed again and again ----

class Victim:
    def __init__(self, name):
        self.vault = e2e.Vault(name)
        self.dir, self.mnt = self.vault.dir, self.vault.mnt
        self.works = [kind(os.path.join(self.mnt, kind.__name__), {}) for kind in work.KINDS]
        self.workers, self.holder, self.mode = [], None, []
        self.counts, self.acked, self.names = {}, 0, 0
        self.mount()
        for w in self.works:
            os.makedirs(w.top, exist_ok=True)
        work.sync(self.mnt)

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def mount_command(self):
        return [e2e.CRYPTFS, "mount", self.dir, self.mnt, "--passfile", e2e.PASSFILE, *self.mode]

    def mount(self):
        p = subprocess.run(self.mount_command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=HELD, check=False)
        said = p.stdout.decode(errors="replace")
        if p.returncode != 0:
            raise Wrong("mount: exit code %d: %s" % (p.returncode, said))
        now = status(self.mnt)
        if not now or now["state"] != "alive" or not now["pid"]:
            raise Wrong("after mount: %s" % now)
        self.pid = now["pid"]
        return said

    # -- work --

    def start(self, rng):
        for w in self.works:
            log = os.path.join(e2e.WORK, type(w).__name__ + ".log")
            p = multiprocessing.Process(target=w.run, args=(rng.randrange(1 << 40), log), daemon=True)
            p.log = log
            p.start()
            self.workers.append(p)

    def stop(self, killed_at):
        """Wait for the workers, whose calls fail now, and hear what they have to say. None may have ended before."""
        for p in self.workers:
            p.join(HELD)
            if p.exitcode is None:
                p.kill()
                raise Wrong("%s hangs after the daemon was killed" % p.log)
        for w, p in zip(self.works, self.workers):
            lines = work.said(p.log)
            for line in lines:
                if line[0] == "error" and line[1] < killed_at:
                    raise Wrong("%s, before the daemon was killed: %s" % (type(w).__name__, line[2]))
            if p.exitcode not in (0, -signal.SIGBUS, -signal.SIGKILL):
                raise Wrong("%s ended with %s" % (type(w).__name__, p.exitcode))
            w.learn(lines)
            self.acked += sum(line[0] in ("ack", "made", "removed") for line in lines)
            os.unlink(p.log) if os.path.exists(p.log) else None
        self.workers = []

    # -- the kill --

    def strike(self, victims, rng, ending=False):
        """Kill the daemon, or all that belongs to the mount; returns when it was."""
        others = [p for p in processes(self.mnt) if p != self.pid]
        order = {"daemon": [self.pid], "all": [self.pid] + others, "all, daemon last": others + [self.pid]}[victims]
        if not ending and is_gone(self.pid):
            raise Wrong("the daemon had ended by itself")
        at = time.monotonic()
        kill(order[:1])
        if len(order) > 1 and rng.random() < 0.5:
            time.sleep(rng.random() * 0.02)
        kill(order[1:])
        until("the end of the daemon", lambda: is_gone(self.pid))
        return at

    def at_work(self, longest, victims, rng):
        self.start(rng)
        time.sleep(rng.random() * longest)
        self.stop(self.strike(victims, rng))

    def while_mounting(self, victims, rng):
        """The mount is taken away in good order first; any of the processes that make the new one is hit."""
        self.umount()
        p = subprocess.Popen(self.mount_command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        time.sleep(rng.random() * rng.choice((0.01, 0.05, 0.15)))
        found = processes(self.mnt)
        if victims == "daemon":
            found = found[-1:]
        elif victims == "all, daemon last":
            found.reverse()
        kill(found)
        p.wait(HELD)
        until("the end of all that was killed", lambda: all(map(is_gone, found)))
        until("the end of what was not killed, or a mount", self.is_settled)
        state = status(self.mnt)
        self.count("  left by a killed mount: %s" % (state["state"] if state else "nothing"))

    def is_settled(self):
        """Nobody is still about to mount."""
        state = status(self.mnt)
        return not processes(self.mnt) or bool(state and state["state"] == "alive")

    def while_unmounting(self, verb, victims, rng):
        """With much to be written back: the workers go first, without a warning."""
        self.start(rng)
        time.sleep(0.3 + rng.random())
        at = time.monotonic()
        for p in self.workers:
            p.kill()
        self.stop(at)
        p = None
        if verb == "unmounting":
            p = subprocess.Popen([e2e.CRYPTFS, "umount", self.mnt], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            os.kill(self.pid, signal.SIGTERM)
        time.sleep(rng.random() * rng.choice((0.005, 0.03, 0.2)))
        if is_gone(self.pid):
            self.count("  ended before it was killed")
        self.strike(victims, rng, ending=True)
        if p:
            p.wait(HELD)

    # -- and after --

    def umount(self, *options, may_be_clean=False):
        p = subprocess.run([e2e.CRYPTFS, "umount", self.mnt, *options], stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=HELD, check=False)
        if p.returncode != 0 and not (may_be_clean and p.returncode == 4):
            raise Wrong("umount: exit code %d: %s" % (p.returncode, p.stdout.decode(errors="replace")))
        if self.mnt in e2e.mounts():
            raise Wrong("umount gave %d, and it is mounted still" % p.returncode)

    def hold(self):
        """Somebody who stays where the mount is."""
        self.holder = subprocess.Popen(["sleep", "600"], cwd=self.mnt, stdin=subprocess.DEVNULL)

    def release(self):
        if self.holder:
            self.holder.kill()
            self.holder.wait()
            self.holder = None

    def clean(self, how):
        """By the program's own means; a mount point that has been cleaned already is as good."""
        state = status(self.mnt)
        self.count("  found %s" % ("dead" if state and state["state"] == "dead" else
                                   "alive" if state else "clean already"))
        if how.startswith("mount") and not (state and state["state"] == "alive"):
            return
        self.umount(*(["--lazy"] if "--lazy" in how else []), may_be_clean=True)

    def look(self):
        """An independent reader opens everything."""
        if not os.access(e2e.TOOL, os.R_OK):
            return
        p = subprocess.run([sys.executable, e2e.TOOL, "verify", self.dir, "--passphrase-file", e2e.PASSFILE],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if p.returncode != 0:
            raise Wrong("vault.py verify: %s" % p.stdout.decode(errors="replace"))
        self.count("looks by the independent reader")

    def judge(self):
        self.names += work.read_all(self.mnt)
        for w in self.works:
            try:
                w.judge()
            except OSError as e:
                raise Wrong("%s: %s" % (type(w).__name__, e)) from e
        return None

    def round(self, n, rng, moment, victims, cleaning):
        if "somebody" in cleaning:
            self.hold()
        if moment == "mounting":
            self.release()
            self.while_mounting(victims, rng)
        elif moment in ("unmounting", "ending"):
            if moment == "unmounting":
                self.release()
            self.while_unmounting(moment, victims, rng)
        elif moment == "idle":
            self.strike(victims, rng)
        else:
            self.at_work({"work": PACE, "work soon": 0.15, "at once": 0.0}[moment], victims, rng)
        self.clean(cleaning)
        if n % LOOK == 0:
            self.look()
        self.mode = rng.choice(([], ["--shared"], []))
        self.mount()
        self.release()
        self.judge()
        for what in moment, "victims: " + victims, "cleaned by: " + cleaning:
            self.count(what)
        self.count("shared mode" if self.mode else "private mode")

    def end(self):
        """All of it can be removed, and the vault is as empty as a new one."""
        for w in self.works:
            subprocess.run(["rm", "-rf", w.top], check=True)
        left = os.listdir(self.mnt)
        self.umount()
        until("the end of all that served", lambda: not processes(self.mnt))
        self.vault.daemon = None
        if left:
            raise Wrong("left over: %s" % left)
        return [n for n in os.listdir(self.dir) if not n.startswith("cryptfs.json")]

    def abandon(self):
        """After a failure."""
        for p in self.workers:
            p.kill()
        self.release()
        kill(processes(self.mnt))


def deck(rng, cards):
    """Cards for ever, each as often as it is in the deck."""
    while True:
        yield from rng.sample(cards, len(cards))


def run(rounds, say=lambda text: None):
    """Returns the victim, for its counts; raises Wrong with what has gone wrong, and how to see it again."""
    v = Victim("victim")
    rng = random.Random(SEED)
    decks = [deck(random.Random("%d %s" % (SEED, d[0])), d) for d in (MOMENTS, VICTIMS, CLEANINGS)]
    for n in range(1, rounds + 1):
        cards = [next(d) for d in decks]
        say("round %d: %s" % (n, ", ".join(cards)))
        try:
            v.round(n, random.Random("%d %d" % (SEED, n)), *cards)
        except Exception as e:
            v.abandon()
            raise Wrong("seed %d, round %d (%s; %s): %s" % (SEED, n, ", ".join(cards), " ".join(v.mode), e)) from e
    v.leftovers = v.end()
    return v


def report():
    begun = time.monotonic()
    try:
        v = run(ROUNDS, lambda text: print(text, flush=True))
    except Wrong as e:
        print("FAILED:", e)
        return 1
    print("\n%d kills, seed %d, %d s; %d acknowledgements held; %d names looked at and read to their end"
          % (ROUNDS, SEED, time.monotonic() - begun, v.acked, v.names))
    for what, n in sorted(v.counts.items()):
        print("%5d  %s" % (n, what.strip()))
    print("left in the vault's root: %s" % (v.leftovers or "nothing"))
    return 0


def main():
    e2e.need_vault()
    return as_user(report) if os.environ.get("KILL_USER") == "1" and e2e.ROOT else report()


if __name__ == "__main__":
    sys.exit(main())
