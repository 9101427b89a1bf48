#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tutorial.py PAGE PROGRAM [COMMAND...]: run what a manual page tells people to type, as they would type it, and
compare what it shows. COMMAND comes before the shell of an ordinary user, such as setpriv.

A command is a line of a literal display that begins with "$ " (the user's shell) or "# " (root's), and lines that go on
behind a backslash; what follows is what it shows: whole lines, "..." for any number of them, and numbers, times, codes
and encrypted names may differ. Each command has to end with exit code 0, and has a terminal. Comments before a
display say more:

    .\\" test: types TEXT      answers a question, in the order of the questions; {NAME} is what was kept
    .\\" test: may type TEXT    the same, for what the keyring may open unasked, and if answers run out
    .\\" test: keeps NAME REGEX  its group 1, from what the display's commands showed
    .\\" test: exit N          the last command's exit code
    .\\" test: in any order    the words that it shows
    .\\" test: among others    they are shown, since others use this machine as well
    .\\" test: run COMMAND     before it, by the user's shell: what somebody else does meanwhile
    .\\" test: needs PROGRAM   skip it without that program
    .\\" test: needs keyring
    .\\" test: skip REASON

Directories at the root of the filesystem are in a directory of our own; /home/kim is the user's home. Prints 'ok WHAT',
'skip WHAT WHY' or 'not ok WHAT', and lines with '# ' before them."""

import fcntl
import os
import pty
import re
import select
import shutil
import sys
import termios
import time

LIMIT = 60
PLACES = re.compile(r"(?<![\w.~/-])/(srv|media|mnt|root)(?=/|\b)")


class Failed(Exception):
    """What a command did is not what the page says."""


class Shell:
    """A shell that reads commands from a pipe, so that the terminal is theirs alone."""

    def __init__(self, prefix, home, env):
        commands, self.commands = os.pipe()
        self.codes, codes = os.pipe()
        os.set_blocking(self.codes, False)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            commands, codes = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (commands, codes))
            os.dup2(commands, 8)
            os.dup2(codes, 9)
            os.chdir(home)
            loop = "while IFS= read -r -d '' command <&8; do eval \"$command\"; echo $? >&9; done"
            os.execvp("env", ["env", *("%s=%s" % e for e in env.items()), *prefix, "bash", "-c", loop])
        os.close(commands)
        os.close(codes)

    def asked(self, shown):
        """Does the terminal show a question, and wait?"""
        last = shown.rsplit(b"\n", 1)[-1]
        if last.endswith(b"[y/N] "):
            return True
        return last.endswith(b": ") and not termios.tcgetattr(self.master)[3] & termios.ECHO

    def run(self, command, answers, spare):
        """Returns what was shown, and the exit code. Takes what it needs from the front of answers, else spare."""
        os.write(self.commands, b"{ " + os.fsencode(command) + b"\n} 8<&- 9>&-\0")
        shown, since, end, code = b"", 0, time.monotonic() + LIMIT, b""
        while not code.endswith(b"\n") or select.select([self.master], [], [], 0)[0]:
            if time.monotonic() > end:
                raise Failed("still runs after %d s; it has shown:\n%s" % (LIMIT, shown.decode(errors="replace")))
            if select.select([self.master], [], [], 0.02)[0]:
                shown += os.read(self.master, 4096)
                continue
            try:
                code += os.read(self.codes, 100)
            except BlockingIOError:
                pass
            if len(shown) > since and not code and self.asked(shown):
                if not answers and spare is None:
                    raise Failed("asks what the page does not answer:\n" + shown.decode(errors="replace"))
                unasked = spare is not None and shown.rsplit(b"\n", 1)[-1].startswith(b"Passphrase for ")
                os.write(self.master, (answers.pop(0) if answers and not unasked else spare).encode() + b"\n")
                since = len(shown) + 2
        return shown.decode(errors="replace").replace("\r", ""), int(code)

    def end(self):
        os.close(self.commands)
        os.waitpid(self.pid, 0)


def displays(page):
    """Yields (where, comments, lines) of each literal display with commands in it."""
    section, notes, lines = "", [], None
    with open(page) as f:
        for line in f:
            line = line.rstrip("\n")
            if lines is not None:
                if line == ".Ed":
                    if any(re.match(r"[$#] ", s) for s in lines):
                        yield section, notes, lines
                    notes, lines = [], None
                else:
                    lines.append(line.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-"))
            elif line.startswith('.\\" test: '):
                notes.append(line[len('.\\" test: '):])
            elif line.startswith(".Bd -literal"):
                lines = []
            elif re.match(r"\.S[hs] ", line):
                section = line[4:].capitalize()


def commands(lines):
    """Yields (whose, command, what it shall show)."""
    whose, command, want, more = None, "", [], False
    for line in lines:
        m = re.match(r"([$#]) (.*)", line)
        if more:
            command += "\n" + re.sub(r"^> ", "", line)
        elif m:
            if whose:
                yield whose, command, want
            whose, command, want = m[1], m[2], []
        else:
            want.append(line)
            continue
        more = command.endswith("\\")
    yield whose, command, want


def blur(line):
    """Without what differs from one time to the next."""
    line = re.sub(r"\b[0-9A-Z]{5}(-[0-9A-Z]{5}){3,}(-\.\.\.)?", "CODE", line)
    line = re.sub(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?", "TIME", line)
    line = re.sub(r"[\w-]{43,}", "NAME", line)
    line = re.sub(r"\b[0-9a-f]{8,}\b", "HEX", line)
    line = re.sub(r"\d+(\.\d+)?( [KMGT]?i?B\b)?", lambda m: "N B" if m.group(2) else "N", line)
    return re.sub(r"\s+", " ", line).strip()


def matches(want, got):
    if not want:
        return not got
    if want[0] == "...":
        return any(matches(want[1:], got[i:]) for i in range(len(got) + 1))
    line = ".*".join(re.escape(s) for s in want[0].split("..."))
    return bool(got) and re.fullmatch(line, got[0]) and matches(want[1:], got[1:])


class Tutorial:
    def __init__(self, program, prefix):
        self.work = os.environ["WORK"]
        self.user_home = os.environ["TUTORIAL_HOME"]
        self.fs = os.path.join(self.work, "fs")
        self.kept = {}
        for d in "srv", "media", "media/usb", "mnt", "root":
            os.makedirs(os.path.join(self.fs, d), exist_ok=True)
            os.chmod(os.path.join(self.fs, d), 0o777)
        env = {"HOME": self.user_home, "PATH": os.path.dirname(program) + ":" + os.environ["PATH"], "TERM": "dumb",
               "LC_ALL": "C.UTF-8", "FS": self.fs}
        self.shells = {"$": Shell(prefix, self.user_home, env)}
        if os.geteuid() == 0:
            self.shells["#"] = Shell([], self.fs, dict(env, HOME=os.path.join(self.fs, "root")))

    def missing(self, notes, lines):
        for n in notes:
            word, _, rest = n.partition(" ")
            if word == "skip":
                return rest
            if word != "needs":
                continue
            if rest == "keyring":
                if os.environ.get("TUTORIAL_KEYRING") != "1":
                    return "no login keyring"
            elif not shutil.which(rest):
                return rest + " is not installed"
        if any(s.startswith("# ") for s in lines) and "#" not in self.shells:
            return "needs root"
        return None

    def one(self, whose, command, want, code, answers, spare=None, notes=()):
        shown, got = self.shells[whose].run(PLACES.sub(lambda m: self.fs + m[0], command), answers, spare)
        print("".join("# %s\n" % s for s in [whose + " " + command] + shown.splitlines()), end="")
        if got != code:
            raise Failed("exit code %d, not %d" % (got, code))
        plain = shown.replace(self.fs + "/", "/").replace(self.user_home, "/home/kim")
        a = [blur(s) for s in want if s.strip()]
        b = [blur(s) for s in plain.splitlines() if s.strip()]
        if "among others" in notes:
            a = ["...", *a, "..."]
        if "in any order" in notes:
            a, b = sorted(" ".join(a).split()), sorted(" ".join(b).split())
        if not matches(a, b):
            raise Failed("shows other lines than the page:\n%s\ninstead of\n%s" % ("\n".join(b), "\n".join(a)))
        return shown

    def display(self, notes, lines):
        note = [n.partition(" ")[::2] for n in notes]
        answers = [rest.format(**self.kept) for word, rest in note if word == "types"]
        spare = next((rest[len("type "):] for word, rest in note if word == "may"), None)
        for word, rest in note:
            if word == "run":
                self.one("$", rest, ["..."], 0, [])
        shown, todo = "", list(commands(lines))
        codes = [0] * (len(todo) - 1) + [int(next((rest for word, rest in note if word == "exit"), 0))]
        for (whose, command, want), code in zip(todo, codes):
            shown += self.one(whose, command, want, code, answers, spare, notes)
        if answers:
            raise Failed("nobody asked for %r" % answers)
        for word, rest in note:
            if word == "keeps":
                name, _, regex = rest.partition(" ")
                self.kept[name] = re.search(regex, shown)[1]

    def run(self, page):
        seen = {}
        for section, notes, lines in displays(page):
            seen[section] = seen.get(section, 0) + 1
            what = "%s, %d: %s" % (section, seen[section], next(s for s in lines if s[:2] in ("$ ", "# "))[2:])
            why = self.missing(notes, lines)
            if why:
                print("skip %s # %s" % (what, why), flush=True)
                continue
            try:
                self.display(notes, lines)
                print("ok " + what, flush=True)
            except Failed as e:
                print("".join("# %s\n" % s for s in str(e).splitlines()) + "not ok " + what, flush=True)
                return  # what follows builds upon it
        for s in self.shells.values():
            s.end()


if __name__ == "__main__":
    Tutorial(sys.argv[2], sys.argv[3:]).run(sys.argv[1])
