#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What editors get wrong: blanks at line ends, spaces for tabs, no newline at the end, long lines.

. "$(dirname "$0")/lint.sh"

text_files() {
	lint_files | while IFS= read -r -d '' f; do
		case $f in
		*.tar | */corpus/* | LICENSE | tests/vectors/* | tests/vaults/* | *.png) continue ;;
		esac
		printf '%s\0' "$f"
	done
}

c_files() {
	find src tests bench -name '*.[ch]' -print0 2>/dev/null
}

blanks_at_end() {
	text_files | xargs -0 grep -nHE '[[:blank:]]+$' --
}

carriage_returns() {
	text_files | xargs -0 grep -lF $'\r' --
}

no_final_newline() {
	text_files | while IFS= read -r -d '' f; do
		[ -s "$f" ] && [ -n "$(tail -c 1 -- "$f")" ] && echo "$f"
	done
}

# Tabs indent; spaces may follow them to align.
space_indent() {
	c_files | xargs -0 grep -nHE '^ {8}|^	* +	' --
}

long_lines() {
	c_files | while IFS= read -r -d '' f; do
		expand -t 8 -- "$f" | awk -v f="$f" 'length($0) > 120 { print f ":" NR ": " length($0) " columns" }'
	done
}

# The style has none: resources are released by scope.
gotos() {
	find src -name '*.[ch]' -exec grep -nHE '(^|[^[:alnum:]_])goto[[:blank:]]+[[:alpha:]_]+;' {} +
}

lint "no blanks at line ends" blanks_at_end
lint "no carriage returns" carriage_returns
lint "a newline at the end of every file" no_final_newline
lint "C is indented with tabs" space_indent
lint "C lines of 100 columns, or a little more" long_lines
lint "no goto" gotos
lint_end
