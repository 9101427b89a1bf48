#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Manual pages, and that the page and the program speak of the same options.

. "$(dirname "$0")/lint.sh"

for page in man/*.[1-9]; do
	[ -f "$page" ] || continue
	if command -v mandoc >/dev/null; then
		lint "$page: mandoc" mandoc -Tlint -Wwarning "$page"
	else
		lint_skip "$page: mandoc" "mandoc is not installed"
	fi
done

# Options that a verb's --help shows and the page $2 does not.
undocumented() {
	local text page=${2:-cryptfs}
	text=$(mandoc -Tascii "man/$page.1" | sed 's/.\x08//g')
	# shellcheck disable=SC2086
	"$build/cryptfs" $1 --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]+' | sort -u |
		while read -r option; do
			grep -qF -- "$option" <<<"$text" || echo "cryptfs $1 $option is not in man/$page.1"
		done
}

if [ -f man/cryptfs.1 ] && [ -x "$build/cryptfs" ] && command -v mandoc >/dev/null; then
	for verb in init mount umount info ls cat export check status \
		"key list" "key add" "key change" "key remove" "key test" passwd rekey "settings backup" "settings restore" \
		"master export" "master restore"; do
		lint "options of cryptfs $verb are in the manual" undocumented "$verb"
	done
	lint "options of cryptfs inspect are in its page" undocumented inspect cryptfs-inspect
	lint "options of cryptfs path are in its page" undocumented path cryptfs-inspect
	lint "options of cryptfs bench are in its page" undocumented bench cryptfs-bench
fi
[ "$lint_n" -gt 0 ] || lint_skip "manual pages" "there is none"
lint_end
