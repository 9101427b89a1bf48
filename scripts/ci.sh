#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks, one function per job. CI is a list of names (scripts/check).
#
#   scripts/ci.sh JOB...     run these, in that order, and sum up
#   scripts/ci.sh --list     which there are
#
# Builds go to build/ci/JOB, and so do logs. Every test of every job counts once: the last line is
# 'N passed, N failed', with ', N skipped' if there are any. A build that fails is a failed test.
#
#   FUZZ_SECONDS   how long each fuzzer runs (60)
#   MUTATOR_SECONDS   how long a vault is attacked while it is used (60)
#   JOBS           how many things at a time (number of processors)

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$top/build/ci
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
fuzz_seconds=${FUZZ_SECONDS:-60}
job=
passed=0
failed=0
skipped=0
failures=()
cd "$top" || exit 1

# ---- counting ----

say() {
	printf '%s\n' "$*"
}

pass() {
	passed=$((passed + 1))
}

# fail NAME [LOG]: its first words at once (a run may be cut off before it sums up), more in the end
fail() {
	failed=$((failed + 1))
	failures+=("$job: $1|${2:-}")
	say "  FAILED: $1"
	[ ! -s "${2:-}" ] || why "$2" 12 "$1"
}

# why LOG LINES [NAME]: what a log says of failures; of that of 'FILE NUMBER ...' alone, if there is one
why() {
	if grep -qE '^not ok|^Bail out' "$1"; then
		awk -v of="$(sed -n 's,^[^ ]* \([0-9][0-9]*\) .*,\1,p' <<<"${3:-}")" '
			/^not ok|^Bail out/ { show = of == "" || $3 == of; if (show) print; next }
			/^(FAIL|ERROR):/ { next } !/^#/ { show = 0 } show' "$1" | head -n "$2"
	elif grep -qE '^(FAIL|ERROR): ' "$1"; then
		grep -E '^(FAIL|ERROR): ' "$1" | head -n "$2"
	else
		tail -n "$(($2 / 2))" "$1"
	fi | cut -c 1-300 | sed 's/^/  | /'
}

skip() {
	skipped=$((skipped + 1))
}

# run NAME COMMAND...: one test, which passes if the command does. Its output goes to a log.
run() {
	local name=$1 log rc=0
	shift
	log=$out/$job/$(tr -c 'A-Za-z0-9.\n' _ <<<"$name").log
	mkdir -p "$out/$job"
	("$@") >"$log" 2>&1 </dev/null || rc=$?
	if [ "$rc" -eq 0 ]; then
		pass
	else
		fail "$name" "$log"
	fi
	return "$rc"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# ---- building and testing ----

make_configure() {
	[ -x configure ] && [ configure -nt configure.ac ] && [ configure -nt Makefile.am ] &&
		[ -z "$(find m4 -name 'cryptfs_*.m4' -newer configure)" ] && return 0
	./autogen.sh
}

configure_and_make() {
	local dir=$out/$job/build
	make_configure && mkdir -p "$dir" && cd "$dir" || return
	"$top/configure" "$@" && make -j"$jobs"
}

# build ARGUMENT...: configure with these and make, afresh
build() {
	rm -rf "${out:?}/$job"
	say "$job: building ($*)"
	run "build" configure_and_make "$@"
}

# Add up what automake's TAP driver has left of each test program: results in .trs, names in .log. One
# that ends badly after it has reported failures is not counted again.
count_results() {
	local trs log result line n=0 bad
	while IFS= read -r trs; do
		log=${trs%.trs}.log
		bad=$(grep -cE '^:test-result: (FAIL|XPASS)' "$trs")
		while IFS= read -r result; do
			n=$((n + 1))
			case $result in
			PASS* | XFAIL*) pass ;;
			SKIP*) skip ;;
			esac
		done < <(sed -n 's/^:test-result: //p' "$trs")
		while IFS= read -r line; do
			case $line in
			ERROR:*) [ "$bad" -gt 0 ] || fail "${line#*: }" "$log" ;;
			*) fail "${line#*: }" "$log" ;;
			esac
		done < <(grep -E '^(FAIL|XPASS|ERROR): tests/' "$log")
	done < <(find "$out/$job/build" -name '*.trs' | sort)
	[ "$n" -gt 0 ] || fail "no test was run" "$out/$job/check.log"
}

# test_build [MAKE-ARGUMENT...]: make check, then count. Tests wait for disks and daemons more than they compute, so
# some more of them run than there are processors. A shell that runs us in the background has us
# ignore SIGINT, and so would all that the tests start.
test_build() {
	say "$job: testing"
	(cd "$out/$job/build" && timeout 1500 env --default-signal=INT,QUIT make -k -j"$((jobs + 2))" check "$@") \
		>"$out/$job/check.log" 2>&1 </dev/null
	case $? in
	124) fail "make check took too long" "$out/$job/check.log" ;;
	esac
	[ -x "$out/$job/build/cryptfs" ] || fail "make check" "$out/$job/check.log"
	count_results
}

# Not all of them, for builds that differ in little from one that has had all.
test_brief() {
	test_build TESTS="$(brief_tests "$out/$job/build")"
}

brief_tests() {
	make -s --no-print-directory -C "$1" print-brief-tests
}

# ---- jobs ----

job_gcc() {
	build CC=gcc --enable-werror && test_build
}

# Another compiler's opinion, and the other ways to build: libsodium alone, no optimisation.
job_clang() {
	have clang || { skip; return; }
	build CC=clang CFLAGS="-g -O0" --enable-werror --without-libcrypto --without-libsecret --without-libsystemd && test_brief
}

job_asan() {
	local -x FSX_OPERATIONS=10000
	build CC=gcc --enable-werror --enable-sanitizers=address,undefined || return
	test_build
	say "asan: a vault under attack"
	run "tests/mutator/mutator.py" env CRYPTFS="$out/asan/build/cryptfs" tests/e2e/apart tests/mutator/mutator.py
}

# What threads do to each other. There are no suppressions: src/fs/fs.h tells ThreadSanitizer what the kernel
# orders, and called_from_lib for libfuse makes it give up when libfuse cancels its threads.
job_tsan() {
	build CC=gcc --enable-sanitizers=thread && test_build TESTS="tests/e2e/concurrent.test"
}

fuzzers=(content dir file link name recovery slots vaultfile xattr)

fuzz_one() {
	local name=$1 dir=$out/fuzz/found/$1
	mkdir -p "$dir/corpus" && cd "$dir" || return
	"$out/fuzz/build/tests/fuzz/fuzz_$name" -max_total_time="$fuzz_seconds" -timeout=60 -rss_limit_mb=2048 \
		-malloc_limit_mb=64 -print_final_stats=1 corpus "$top/tests/fuzz/corpus/$name" \
		>"$out/fuzz/$name.log" 2>&1 </dev/null
	echo $? >"$dir/rc"
}

# As many at a time as there are processors.
fuzz_all() {
	local name running=0
	for name in "${fuzzers[@]}"; do
		if [ "$running" -ge "$jobs" ]; then
			wait -n
			running=$((running - 1))
		fi
		fuzz_one "$name" &
		running=$((running + 1))
	done
	wait
	for name in "${fuzzers[@]}"; do
		if [ "$(cat "$out/fuzz/found/$name/rc" 2>/dev/null)" = 0 ]; then
			pass
		else
			fail "fuzz_$name" "$out/fuzz/$name.log"
		fi
	done
}

job_fuzz() {
	have clang || { skip; return; }
	build CC=clang --enable-fuzzing || return
	say "fuzz: ${#fuzzers[@]} fuzzers, $fuzz_seconds s each, $jobs at a time"
	local tmp
	tmp=$(mktemp -d /dev/shm/cryptfs-fuzz.XXXXXX 2>/dev/null || mktemp -d)
	TMPDIR=$tmp fuzz_all
	rm -rf "$tmp"
	test_build TESTS="tests/fuzz/replay.sh"
}

distcheck() {
	make_configure && mkdir -p "$out/distcheck/build" && cd "$out/distcheck/build" || return
	"$top/configure" && make -j"$jobs" distcheck TESTS="$(brief_tests .)"
}

# What git knows and the tarball does not have.
left_out() {
	local list
	list=$(comm -23 <(git ls-files | grep -v '^\.gitignore$' | sort) \
		<(tar -tf "$out"/distcheck/build/cryptfs-*.tar.xz | sed 's,^[^/]*/,,' | sort))
	printf '%s\n' "$list"
	[ -z "$list" ]
}

# Made from the tarball alone, source tree read-only, installed, removed again, nothing left behind.
job_distcheck() {
	rm -rf "${out:?}/distcheck"
	say "distcheck: building, testing, installing from a tarball"
	run "make distcheck" distcheck
	[ ! -e .git ] || run "the tarball has every file" left_out
}

# What is released, made and looked at in every way that scripts/package has. The unit tests have run elsewhere.
job_package() {
	local step
	rm -rf "${out:?}/package"
	for step in tarball same complete install deb deb-same deb-use rpm; do
		case $step in
		deb*) have dpkg-buildpackage || { skip; continue; } ;;
		rpm) have rpmbuild || { skip; continue; } ;;
		esac
		say "package: $step"
		run "scripts/package $step" env PACKAGE_DIR="$out/package" JOBS="$jobs" DEB_BUILD_OPTIONS=nocheck \
			RPM_OPTIONS="--without check" "$top/scripts/package" "$step" || [ "$step" != tarball ] || return
	done
}

job_quickstart() {
	say "quickstart: the first command of README.md"
	run "scripts/quickstart" "$top/scripts/quickstart"
}

# A few power cuts under each workload; 'make powercut' makes many.
job_powercut() {
	build CC=gcc --enable-werror && test_build TESTS="tests/powercut/short.test"
}

job_coverage() {
	build CC=gcc --enable-coverage && test_build && run "coverage" make -C "$out/coverage/build" coverage
}

job_valgrind() {
	build CC=gcc --disable-hardening || return
	local vg="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
	run "unit tests are built" make -C "$out/valgrind/build" -j"$jobs" check TESTS=
	for t in "$out"/valgrind/build/tests/unit/test_*; do
		case $t in
		*.log | *.trs | *.o) continue ;;
		esac
		# shellcheck disable=SC2086
		srcdir=$top run "$(basename "$t")" $vg "$t"
	done
}

job_cppcheck() {
	run "cppcheck" cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -Isrc \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=nullPointerOutOfMemory -D_GNU_SOURCE src
}

job_clang-tidy() {
	build CC=clang || return
	local flags
	flags="-std=gnu11 -Isrc -I$out/clang-tidy/build -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64"
	flags+=" $(pkg-config --cflags fuse3 libsodium jansson libsecret-1 libsystemd)"
	for f in src/*/*.c; do
		# shellcheck disable=SC2086
		run "$f" clang-tidy --quiet --warnings-as-errors='*' "$f" -- $flags
	done
}

job_scan-build() {
	rm -rf "${out:?}/scan-build"
	mkdir -p "$out/scan-build/build"
	(cd "$out/scan-build/build" && scan-build "$top/configure") >"$out/scan-build/configure.log" 2>&1
	run "scan-build" scan-build --status-bugs -o "$out/scan-build/report" \
		make -C "$out/scan-build/build" -j"$jobs"
}

job_clang-format() {
	local files=()
	mapfile -t files < <(find src tests -name '*.[ch]')
	run "clang-format" clang-format --dry-run --Werror "${files[@]}"
}

job_codespell() {
	run "codespell" codespell --skip '*.json,*.tar,./build,./.git,./tests/fuzz/corpus,*.log' \
		src doc man scripts tests/e2e tests/unit tests/lint tests/fuzz/*.[ch] tests/mutator README.md CONTRIBUTING.md
}

# Builds and tests leave nothing in the source tree that .gitignore does not know.
untracked() {
	local list
	list=$(git status --porcelain --untracked-files=all) || return
	printf '%s\n' "$list"
	[ -z "$list" ]
}

job_untracked() {
	run "the source tree is clean" untracked
}

# ---- summing up ----

list_jobs() {
	declare -F | sed -n 's/^declare -f job_//p'
}

# What the logs say of them; each log once, after the names.
show_failures() {
	local f log shown=$'\n'
	[ ${#failures[@]} -gt 0 ] || return 0
	say ""
	for f in "${failures[@]}"; do
		say "FAILED ${f%|*}"
	done
	for f in "${failures[@]}"; do
		log=${f##*|}
		[ -s "$log" ] || continue
		[[ $shown != *$'\n'"$log"$'\n'* ]] || continue
		shown+=$log$'\n'
		say ""
		say "$log:"
		why "$log" 80
	done
}

main() {
	local t0 t1
	mkdir -p "$out"
	for job in "$@"; do
		declare -F "job_$job" >/dev/null || { echo "scripts/ci.sh: no job '$job'" >&2; exit 2; }
	done
	for job in "$@"; do
		t0=$SECONDS
		"job_$job"
		t1=$SECONDS
		say "$job: $((t1 - t0)) s; so far $passed passed, $failed failed, $skipped skipped"
	done
	show_failures
	say ""
	if [ "$skipped" -gt 0 ]; then
		say "$passed passed, $failed failed, $skipped skipped"
	else
		say "$passed passed, $failed failed"
	fi
	[ "$failed" -eq 0 ]
}

case ${1:---list} in
--list) list_jobs ;;
*) main "$@" ;;
esac
