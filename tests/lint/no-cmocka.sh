#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Stands in for the unit tests where they could not be built.

echo 1..1
if [ "${CI:-}" = true ]; then
	echo "not ok 1 - unit tests: cmocka was not found by configure (Debian: libcmocka-dev)"
else
	echo "ok 1 - unit tests # SKIP cmocka was not found by configure (Debian: libcmocka-dev)"
fi
