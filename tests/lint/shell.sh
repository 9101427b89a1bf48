#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Shell scripts and completions, by the shells themselves and by shellcheck.

. "$(dirname "$0")/lint.sh"

syntax() {
	lint_shell_files | while IFS= read -r -d '' f; do
		bash -n -- "$f"
	done
}

check_all() {
	local files=()
	mapfile -d '' -t files < <(lint_shell_files)
	shellcheck --external-sources --source-path=SCRIPTDIR --exclude=SC1091 --severity=warning \
		--format=gcc -- "${files[@]}"
}

lint "bash can parse every script" syntax
if command -v shellcheck >/dev/null; then
	lint "shellcheck" check_all
else
	lint_skip "shellcheck" "shellcheck is not installed"
fi
[ -f completions/cryptfs.bash ] && lint "bash completion parses" bash -n completions/cryptfs.bash
for shell in zsh fish; do
	file=completions/_cryptfs
	[ "$shell" = zsh ] || file=completions/cryptfs.fish
	[ -f "$file" ] || continue
	if command -v "$shell" >/dev/null; then
		lint "$shell completion parses" "$shell" -n "$file"
	else
		lint_skip "$shell completion parses" "$shell is not installed"
	fi
done
lint_end
