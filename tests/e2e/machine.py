# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of one's own, or so it looks: mounts that nobody else sees let a test change what is in /etc, /sbin and /dev
without changing anything. Needs root. begin() comes before e2e is imported, the rest after it."""

import os
import shutil
import stat
import subprocess
import sys


def begin():
    """Run this program anew among mounts of its own."""
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root, for files of the system that are private copies")
        sys.exit(0)
    if os.environ.get("E2E_MACHINE") != "1":
        os.environ["E2E_MACHINE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable] + sys.argv)


def need(*programs):
    """Skip, where a program is missing; but not where nothing may be skipped."""
    import e2e  # pylint: disable=import-outside-toplevel
    missing = [p for p in programs if not (os.path.exists(p) if p.startswith("/") else shutil.which(p))]
    if missing and os.environ.get("CI") == "true":
        e2e.bail("missing: " + " ".join(missing))
    if missing:
        e2e.skip_all("missing: " + " ".join(missing))


def bind(source, target):
    subprocess.run(["mount", "--bind", source, target], check=True)


class Machine:
    """The program where its users have it, with the names that mount(8) looks for; files of /etc by replace()."""

    def __init__(self, e2e):
        self.e2e = e2e
        self.work = os.path.join(e2e.WORK, "machine")
        self.home = os.path.join(e2e.WORK, "home")
        os.mkdir(self.work)
        os.mkdir(self.home)
        self.user = e2e.test_user()
        os.chown(self.home, self.user.pw_uid, self.user.pw_gid)
        self._program()
        self._sbin()
        self._fuse()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run"], check=True)
        os.mkdir("/run/mount")

    def _program(self):
        """Wherever it was built, the user may not be able to look there."""
        self.program = os.path.join(self.work, "cryptfs")
        shutil.copy(self.e2e.CRYPTFS, self.program)
        os.chmod(self.program, 0o755)

    def _sbin(self):
        """Links to all that is there, and to the program."""
        real, own = os.path.join(self.work, "sbin.real"), os.path.join(self.work, "sbin")
        os.mkdir(real)
        os.mkdir(own)
        bind("/usr/sbin", real)
        for name in os.listdir(real):
            os.symlink(os.path.join(real, name), os.path.join(own, name))
        for name in "cryptfs", "mount.cryptfs", "mount.fuse.cryptfs", "umount.fuse.cryptfs":
            if os.path.lexists(os.path.join(own, name)):
                os.unlink(os.path.join(own, name))
            os.symlink(self.program, os.path.join(own, name))
        bind(own, "/usr/sbin")

    def _fuse(self):
        """As udev has it."""
        node = os.path.join(self.work, "fuse")
        os.mknod(node, 0o666 | stat.S_IFCHR, os.stat("/dev/fuse").st_rdev)
        os.chmod(node, 0o666)
        bind(node, "/dev/fuse")

    def replace(self, path, text, mode=0o644):
        """A file of the system, that must exist, with this text from now on."""
        own = os.path.join(self.work, path.replace("/", "_"))
        with open(own, "w") as f:
            f.write(text)
        os.chmod(own, mode)
        if own not in self._replaced:
            bind(own, path)
            self._replaced.add(own)

    _replaced = set()

    def as_user(self, *command, uid=None, **how):
        """A CompletedProcess, with what it said in stdout."""
        how.setdefault("stdin", subprocess.DEVNULL)
        if "input" in how:
            del how["stdin"]
        env = dict(os.environ, HOME=self.home, **how.pop("env", {}))
        who = ["--reuid=%d" % (self.user.pw_uid if uid is None else uid), "--regid=%d" % self.user.pw_gid]
        return subprocess.run(["setpriv", *who, "--clear-groups", "--", *command], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False, env=env, **how)

    def end(self):
        """What is in the work directory can be removed then."""
        for path in "/usr/sbin", os.path.join(self.work, "sbin.real"):
            subprocess.run(["/bin/umount", "-l", path], check=False)
