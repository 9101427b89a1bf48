#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --help, manual pages and completions have the same verbs and options.

. "$(dirname "$0")/lint.sh"

if [ ! -x "$build/cryptfs" ]; then
	lint_skip "options" "the program is not built"
	lint_end
	exit
fi
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
exec "$PYTHON" -B tests/lint/options.py "$build/cryptfs"
