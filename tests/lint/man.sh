#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Manual pages: what mandoc and groff have to say of them, and whether what they refer to is there.

. "$(dirname "$0")/lint.sh"

# Other pages may not be installed here; ours are looked for by 'references'.
complaints() {
	mandoc -Tlint -Wall "$1" 2>/dev/null | grep -v 'referenced manual not found'
}

# Pages of ours that one speaks of, and that are neither there nor made by the installation.
references() {
	grep -oE '^\.Xr (mount\.)?cryptfs[a-z.-]* [1-9]' "$1" | sort -u | while read -r _ name section; do
		[ -f "man/$name.$section" ] || grep -q "^	$name=cryptfs" Makefile.am || echo "$name($section)"
	done
}

for page in man/*.[1-9]; do
	[ -f "$page" ] || continue
	if command -v mandoc >/dev/null; then
		lint "$page: mandoc" complaints "$page"
	else
		lint_skip "$page: mandoc" "mandoc is not installed"
	fi
	if command -v groff >/dev/null; then
		lint "$page: groff" groff -mandoc -Tutf8 -K utf-8 -ww -z "$page"
	else
		lint_skip "$page: groff" "groff is not installed"
	fi
	lint "$page: pages it refers to" references "$page"
done

[ "$lint_n" -gt 0 ] || lint_skip "manual pages" "there is none"
lint_end
