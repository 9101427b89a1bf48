#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the person that gnome-keyring-daemon asks for a password (GNOME_KEYRING_TEST_PROMPTER), by the mock that
libgcr brings along for its own tests.

    keyring_person.py PASSWORD

Prints its name on the bus. Then each line of standard input says what the next question is answered with: "ok" (the
password), "no" (the window is closed), "late" (the password, in a minute and a half). A line on standard output says that
it was heard.
"""

import ctypes
import sys


def main():
    gcr = ctypes.CDLL("libgcr-base-3.so.1")
    gcr.gcr_mock_prompter_start.restype = ctypes.c_char_p
    print(gcr.gcr_mock_prompter_start().decode(), flush=True)
    for line in sys.stdin:
        gcr.gcr_mock_prompter_set_delay_msec(90000 if line == "late\n" else 0)
        if line == "no\n":
            gcr.gcr_mock_prompter_expect_password_cancel()
        else:
            gcr.gcr_mock_prompter_expect_password_ok(sys.argv[1].encode(), None)
        print("heard", flush=True)


main()
