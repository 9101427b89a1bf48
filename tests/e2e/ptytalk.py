#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ptytalk.py STEP... -- COMMAND...: run COMMAND on a terminal of its own and go through the steps:

    <REGEX    wait until that is shown, after what the last one found
    >TEXT     type it (escapes as in Python: \\n, \\x03)
    on, off   wait until the terminal has echo, or has none
    !COMMAND  run it by the shell, with $PID the process and $SEEN what was last found; it must succeed
    hangup    close the terminal's other end
    =N|M      wait for the end with one of these exit codes (128 + signal)

Ends with 0 if all went so; else says what did not and what the terminal showed. A step may take 20 seconds."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time


class Talk:
    def __init__(self, command):
        self.shown, self.at, self.seen, self.status = b"", 0, "", None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)

    def read(self):
        if self.master < 0 or not select.select([self.master], [], [], 0.03)[0]:
            time.sleep(0.01)
            return
        try:
            self.shown += os.read(self.master, 4096)
        except OSError:
            time.sleep(0.03)

    def wait(self, what, test):
        end = time.monotonic() + 20
        while not test():
            if time.monotonic() > end:
                raise TimeoutError(what)
            self.read()

    def find(self, regex):
        m = re.compile(regex.encode()).search(self.shown, self.at)
        if m:
            self.at, self.seen = m.end(), m.group(m.lastindex or 0).decode()
        return m

    def echo(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def ended(self):
        if self.status is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.status = 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return self.status is not None

    def step(self, s):
        if s[0] == "<":
            self.wait(s, lambda: self.find(s[1:]))
        elif s[0] == ">":
            os.write(self.master, s[1:].encode().decode("unicode_escape").encode())
        elif s in ("on", "off"):
            self.wait("echo " + s, lambda: self.echo() == (s == "on"))
        elif s[0] == "!":
            subprocess.run(["bash", "-c", s[1:]], check=True, timeout=20, stdin=subprocess.DEVNULL,
                           env=dict(os.environ, PID=str(self.pid), SEEN=self.seen))
        elif s == "hangup":
            os.close(self.master)
            self.master = -1
        elif s[0] == "=":
            self.wait(s, self.ended)
            if str(self.status) not in s[1:].split("|"):
                raise ValueError("exit code %d, not %s" % (self.status, s[1:]))
        else:
            raise ValueError("no such step")


def main():
    at = sys.argv.index("--")
    talk, code = Talk(sys.argv[at + 1:]), 0
    try:
        for s in sys.argv[1:at]:
            talk.step(s)
    except (TimeoutError, ValueError, OSError, subprocess.SubprocessError) as e:
        print("failed at %s: %r" % (s, e))
        code = 1
    end = time.monotonic() + 1
    while talk.master >= 0 and time.monotonic() < end and not talk.ended():
        talk.read()
    talk.read()
    if not talk.ended():
        os.kill(talk.pid, signal.SIGKILL)
        os.waitpid(talk.pid, 0)
    os.write(1, talk.shown.replace(b"\r\n", b"\n"))
    sys.exit(code)


main()
