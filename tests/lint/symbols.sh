#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the objects export: foo.c exports foo_* and no more. A family of files (file.c, file_io.c) may
# share the name before the first underscore; dirlist.c and dirops.c belong to dir.

. "$(dirname "$0")/lint.sh"
nm=${NM:-nm}
nm=${nm%% *}

# Names that src file $1 may export, as an extended regular expression.
allowed() {
	local base
	base=$(basename "$1" .c)
	case $base in
	main) echo '^main(_|$)' ;;
	dirlist | dirops) echo "^(dir|$base)_" ;;
	ops_*) echo "^${base}_" ;;
	*) echo "^(${base}|${base%%_*})(_|$)" ;;
	esac
}

# Sanitizers, coverage and fuzzing add these.
ours_not='^(__|_ZN|asan\.|llvm_)'

# The object of src/room/foo.c is src/room/foo.o or src/room/lib..._la-foo.o in the build.
object_of() {
	find "$build/$(dirname "$1")" -maxdepth 1 \( -name "$(basename "$1" .c).o" \
		-o -name "*_la-$(basename "$1" .c).o" -o -name "cryptfs-$(basename "$1" .c).o" \) -print -quit 2>/dev/null
}

exports_too_much() {
	"$nm" --defined-only --extern-only --format=posix "$2" | awk '{ print $1 }' |
		grep -vE "$ours_not" | grep -vE "$(allowed "$1")"
}

seen=0
for src in src/*/*.c; do
	obj=$(object_of "$src")
	[ -n "$obj" ] || continue
	seen=1
	lint "$src" exports_too_much "$src" "$obj"
done
[ "$seen" = 1 ] || lint_skip "symbols" "nothing is built in $build"
lint_end
