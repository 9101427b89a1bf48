#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ptyrun.py [LINE]... -- COMMAND...: run COMMAND on a terminal of its own and type one LINE whenever it has
switched echo off; ^C as a line is the interrupt key. Prints what the terminal showed; ends with the exit code
(128 + signal), or 99 if echo was left off, 98 if a line was left over. The terminal is $PTYRUN_COLUMNS wide."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def echo(fd):
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def main():
    at = sys.argv.index("--")
    lines, command = sys.argv[1:at], sys.argv[at + 1:]
    pid, master = pty.fork()
    if pid == 0:
        if "PTYRUN_COLUMNS" in os.environ:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(os.environ["PTYRUN_COLUMNS"]), 0, 0))
        os.execvp(command[0], command)
    # the slave's modes, read through the master's end, stay readable while we hold it open
    shown, asked, end, gone = b"", 0, time.monotonic() + 60, False
    was_quiet = False
    while time.monotonic() < end:
        ready = select.select([master], [], [], 0.05)[0]
        if ready:
            try:
                piece = os.read(master, 4096)
            except OSError:
                piece = b""
            if not piece:
                gone = True
                break
            shown += piece
            continue
        quiet = not echo(master)
        # a prompt has been printed since the last line was typed, and echo is off
        if quiet and lines and (not was_quiet or len(shown) > asked):
            time.sleep(0.05)
            line = lines.pop(0)
            os.write(master, b"\x03" if line == "^C" else line.encode() + b"\n")
            asked = len(shown) + 2  # the line end that is echoed by the program
            time.sleep(0.1)
        was_quiet = quiet
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            while select.select([master], [], [], 0)[0]:
                try:
                    shown += os.read(master, 4096)
                except OSError:
                    break
            break
    else:
        os.kill(pid, signal.SIGKILL)
        done = 0
    if gone or not done:
        status = os.waitpid(pid, 0)[1]
    os.write(1, shown.replace(b"\r\n", b"\n"))
    try:
        if not echo(master):
            sys.exit(99)
    except termios.error:
        pass
    if lines:
        sys.exit(98)
    sys.exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


main()
