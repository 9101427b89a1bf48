#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Make ./configure from a git checkout. A release tarball has it already.
set -eu
cd "$(dirname "$0")"
if ! command -v autoreconf >/dev/null || ! command -v libtoolize >/dev/null; then
	echo "autogen.sh: autoconf, automake and libtool are needed (scripts/deps build)" >&2
	exit 1
fi
exec autoreconf --force --install
