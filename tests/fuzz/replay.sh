#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Each fuzzer over its corpus. TAP.

set -u
top=${abs_top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${abs_top_builddir:-$top}
fuzzers=(content dir file link name recovery slots vaultfile xattr)

echo "1..${#fuzzers[@]}"
n=0
for f in "${fuzzers[@]}"; do
	n=$((n + 1))
	if out=$("$build/tests/fuzz/fuzz_${f}_replay" "$top/tests/fuzz/corpus/$f" 2>&1); then
		echo "ok $n - $f: $out"
	else
		echo "not ok $n - $f"
		printf '%s\n' "$out" | tail -n 30 | sed 's/^/# /'
	fi
done
