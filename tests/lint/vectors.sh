#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The other side of the vectors: are the files what the independent program makes of doc/format.md?

. "$(dirname "$0")/lint.sh"
python=/usr/bin/python3
[ -x "$python" ] || python=python3

up_to_date() {
	local out
	out=$("$python" -B tests/tools/make_vectors.py --check 2>&1) || echo "$out"
}

if "$python" -c 'import nacl, cryptography' 2>/dev/null; then
	lint "tests/tools/make_vectors.py --check" up_to_date
else
	lint_skip "tests/tools/make_vectors.py --check" "needs python3 with nacl and cryptography"
fi
lint_end
