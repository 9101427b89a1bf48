#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makefile.am names its sources one by one: a file that it forgets would not be built, tested or
# released.

. "$(dirname "$0")/lint.sh"

forgotten() {
	local f
	for f in "$@"; do
		[ -e "$f" ] || continue
		grep -qE "(^|[[:space:]=])${f//./\\.}([[:space:]]|\$)" Makefile.am || echo "$f"
	done
}

forgotten_units() {
	local f
	for f in tests/unit/test_*.c; do
		[ -e "$f" ] || continue
		grep -qE "(^|[[:space:]])${f%.c}([[:space:]]|\$)" Makefile.am || echo "$f"
	done
}

# Scripts run by make check: all of these directories but what the others source or stand in for.
forgotten_scripts() {
	local f
	for f in tests/lint/*.sh tests/fuzz/*.sh tests/e2e/*.test; do
		[ "$f" = tests/lint/lint.sh ] || forgotten "$f"
	done
}

# Of debian, only what people wrote: a package that was built there has left more.
forgotten_packaging() {
	lint_files | while IFS= read -r -d '' f; do
		case $f in
		debian/cryptfs* | debian/.debhelper/* | debian/files | debian/*.debhelper* | debian/autoreconf.*) continue ;;
		debian/* | packaging/*) forgotten "$f" ;;
		esac
	done
}

not_executable() {
	local f
	for f in autogen.sh .ci/run bench/run scripts/* tests/e2e/*.test tests/fuzz/*.sh tests/fuzz/campaign tests/mutator/mutator.py tests/lint/*.sh \
		debian/rules debian/tests/keyring debian/tests/smoke; do
		case $f in
		tests/lint/lint.sh) continue ;;
		esac
		[ ! -f "$f" ] || [ -x "$f" ] || echo "$f"
	done
}

lint "every source is in Makefile.am" forgotten src/*/*.[ch] bench/*.c bench/*.py bench/run
lint "every file for packages is in Makefile.am" forgotten_packaging
lint "every unit test is in Makefile.am" forgotten_units
lint "every test script is in Makefile.am" forgotten_scripts
lint "scripts can be executed" not_executable
lint_end
