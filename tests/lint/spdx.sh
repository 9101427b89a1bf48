#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every source begins by naming its license.

. "$(dirname "$0")/lint.sh"

without_spdx() {
	lint_files | while IFS= read -r -d '' f; do
		case $f in
		LICENSE | NEWS | debian/changelog | debian/copyright | debian/source/format | *.md | *.json | *.tar | *.txt | */corpus/* | tests/vectors/* | tests/vaults/*) continue ;;
		*.png | *.svg | .gitattributes) continue ;;
		esac
		head -n 3 -- "$f" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' || echo "$f"
	done
}

lint "SPDX line in the first three lines" without_spdx
lint_end
