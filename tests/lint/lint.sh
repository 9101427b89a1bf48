# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the lint tests: where the tree is, which files are ours, and TAP.
#
#	lint NAME COMMAND...   one test: passes if the command prints nothing; what it prints is shown
#	lint_skip NAME WHY
#	lint_end               the plan; call it last

set -u
export LC_ALL=C
top=${abs_top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
build=${abs_top_builddir:-$top}
cd "$top" || exit 1

lint_n=0

lint() {
	local name=$1 out
	shift
	lint_n=$((lint_n + 1))
	out=$("$@" 2>&1)
	if [ -z "$out" ]; then
		echo "ok $lint_n - $name"
	else
		echo "not ok $lint_n - $name"
		printf '%s\n' "$out" | head -n 50 | sed 's/^/# /'
	fi
}

lint_skip() {
	lint_n=$((lint_n + 1))
	echo "ok $lint_n - $1 # SKIP $2"
}

lint_end() {
	echo "1..$lint_n"
}

# Files that people wrote, NUL-separated: what git knows or would add. Without git it is a release: the
# tree without what autogen.sh, configure, make and 'make distcheck' (_build, _inst) add to it.
lint_files() {
	if [ -e .git ] && git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' f; do
			case $top/$f in
			"$build"/*) [ "$build" = "$top" ] || continue ;;
			esac
			[ -f "$f" ] && printf '%s\0' "$f"
		done
	else
		find . \( -path ./build -o -path './build-*' -o -path ./_build -o -path ./_inst \
			-o -path ./coverage -o -path './cryptfs-[0-9]*' -o -name autom4te.cache -o -name .git \
			-o -name .libs -o -name .deps -o -name __pycache__ \) -prune \
			-o -type f ! -name '*.log' ! -name '*.trs' ! -name '*.o' ! -name '*.lo' ! -name '*.la' \
			! -name Makefile ! -name Makefile.in ! -name configure ! -name aclocal.m4 \
			! -name 'config.*' ! -name '*~' ! -name libtool ! -name 'lt*.m4' ! -name libtool.m4 \
			! -name stamp-h1 ! -name 'coverage.info' ! -name '*.gc[dn][ao]' ! -name .dirstamp ! -name .source-date \
			-printf '%P\0' | lint_not_programs
	fi
}

# Those of the files that a linker has not made.
lint_not_programs() {
	while IFS= read -r -d '' f; do
		[ "$(head -c 4 -- "$f" | tr -d '\0')" = $'\177ELF' ] || printf '%s\0' "$f"
	done
}

# Of those, shell scripts: by first line or by the hint for shellcheck.
lint_shell_files() {
	lint_files | while IFS= read -r -d '' f; do
		case $f in
		*.c | *.h | *.md | *.tar | *.json | */corpus/* | completions/*) continue ;;
		esac
		head -n 1 -- "$f" 2>/dev/null | tr -d '\0' |
			grep -qE '^#!.*[/ ](ba)?sh( |$)|^# shellcheck shell=' && printf '%s\0' "$f"
	done
}
