# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the shell end-to-end tests share: TAP, a work directory, vaults, mounts, and an end that always
# cleans up. A test sources it, calls need_* for what it cannot do without, then checks, and ends with
# 'finish'.
#
#	CRYPTFS         the program (found by itself in the usual places)
#	CRYPTFS_PLAIN   1: a plain directory instead of a mount, to prove a test's own expectations
#	CI              true: without /dev/fuse fail instead of skipping
#	TMPDIR          where the work directory is made; must be a real disk (/var/tmp)
#	E2E_KEEP        1: keep the work directory

set -u
export LC_ALL=C
umask 022

E2E_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$E2E_DIR/../.." && pwd)
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
# shellcheck disable=SC2034
TOOL=$TOP/tests/tools/vault.py
PLAIN=${CRYPTFS_PLAIN:-0}
TAP_N=0
FAILED=0
DAEMONS=()

# ---- TAP ----

diag() {
	sed 's/^/# /'
}

note() {
	printf '# %s\n' "$*"
}

ok() {
	TAP_N=$((TAP_N + 1))
	printf 'ok %d - %s\n' "$TAP_N" "$*"
}

not_ok() {
	TAP_N=$((TAP_N + 1))
	FAILED=$((FAILED + 1))
	printf 'not ok %d - %s\n' "$TAP_N" "$*"
	[ -s "$OUT" ] && tail -n 30 "$OUT" | diag
	[ -s "${LOG:-/dev/null}" ] && {
		note "the daemon's log ends:"
		tail -n 15 "$LOG" | diag
	}
	return 0
}

skip() {
	TAP_N=$((TAP_N + 1))
	printf 'ok %d - %s # SKIP %s\n' "$TAP_N" "$1" "$2"
}

skip_all() {
	printf '1..0 # SKIP %s\n' "$*"
	exit 0
}

bail() {
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# check WHAT COMMAND...: passes if the command does. Its output is shown if not.
check() {
	local what=$1
	shift
	if "$@" >"$OUT" 2>&1; then ok "$what"; else not_ok "$what ($1 ... gave $?)"; fi
}

# check_not WHAT COMMAND...: passes if the command fails.
check_not() {
	local what=$1
	shift
	if "$@" >"$OUT" 2>&1; then not_ok "$what"; else ok "$what"; fi
}

# check_rc CODE WHAT COMMAND...: passes if the command ends with that exit code; output stays in $OUT.
check_rc() {
	local want=$1 what=$2 rc=0
	shift 2
	if [ "$(type -t "$1")" = file ]; then
		timeout 60 "$@" >"$OUT" 2>&1 </dev/null || rc=$?
	else
		"$@" >"$OUT" 2>&1 </dev/null || rc=$?
	fi
	if [ "$rc" -eq "$want" ]; then ok "$what: exit code $want"; else not_ok "$what: exit code $rc, not $want"; fi
}

# check_says REGEX WHAT: the last output matches (extended, case ignored).
check_says() {
	if grep -Eiq -- "$1" "$OUT"; then ok "$2"; else not_ok "$2: no line matches /$1/"; fi
}

check_eq() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		printf 'got:  %s\nwant: %s\n' "$1" "$2" >"$OUT"
		not_ok "$3"
	fi
}

# ---- what is there ----

find_program() {
	local c
	for c in "${CRYPTFS:-}" "${abs_top_builddir:-/nonexistent}/cryptfs" ./cryptfs ./src/cryptfs ../cryptfs \
		../../cryptfs "$TOP/build/cryptfs" "$TOP/build/src/cryptfs" "$TOP/cryptfs" "$TOP/src/cryptfs"; do
		if [ -f "$c" ] && [ -x "$c" ]; then
			readlink -f "$c"
			return 0
		fi
	done
	return 1
}

need_program() {
	[ "$PLAIN" = 1 ] && return 0
	CRYPTFS=$(find_program) || bail "no cryptfs program: set CRYPTFS"
	export CRYPTFS
}

can_fuse() {
	(: <>/dev/fuse) 2>/dev/null || return 1
	[ "$(id -u)" = 0 ] || command -v fusermount3 >/dev/null
}

need_fuse() {
	need_program
	[ "$PLAIN" = 1 ] && return 0
	can_fuse && return 0
	[ "${CI:-}" = true ] && bail "/dev/fuse cannot be used"
	skip_all "/dev/fuse cannot be used"
}

need_vault() {
	[ "$PLAIN" = 1 ] && skip_all "needs a vault, not a plain directory"
	need_fuse
}

is_root() {
	[ "$(id -u)" = 0 ]
}

have() {
	command -v "$1" >/dev/null 2>&1
}

# ---- vaults and mounts ----

# mk_vault DIR [OPTION...]: a new vault with the cheapest Argon2id
mk_vault() {
	local dir=$1
	shift
	if [ "$PLAIN" = 1 ]; then
		mkdir -p "$dir"
		return
	fi
	"$CRYPTFS" init "$dir" --passfile "$PASSFILE" --kdf-memory 8 --kdf-time 0.01 "$@" >"$OUT" 2>&1 || {
		diag <"$OUT"
		bail "cryptfs init failed"
	}
}

is_mounted() {
	awk -v m="$1" '$5 == m { found = 1 } END { exit !found }' /proc/self/mountinfo
}

# do_mount [OPTION...]: mount $V on $M; the daemon is our child $PID, its log is $LOG
do_mount() {
	[ "$PLAIN" = 1 ] && {
		mkdir -p "$M"
		return 0
	}
	local i
	"$CRYPTFS" mount -f "$V" "$M" --passfile "$PASSFILE" "$@" >>"$LOG" 2>&1 </dev/null &
	PID=$!
	DAEMONS+=("$PID")
	for ((i = 0; i < 1200; i++)); do
		is_mounted "$M" && stat -- "$M" >/dev/null 2>&1 && return 0
		kill -0 "$PID" 2>/dev/null || break
		sleep 0.05
	done
	wait "$PID"
	not_ok "mount $* (the daemon gave $?)"
	return 1
}

# do_umount: unmount $M and see the daemon end well
do_umount() {
	[ "$PLAIN" = 1 ] && return 0
	local rc=0
	timeout 120 "$CRYPTFS" umount "$M" >"$OUT" 2>&1 || {
		not_ok "umount (gave $?)"
		return 1
	}
	[ -n "${PID:-}" ] || return 0
	wait "$PID" || rc=$?
	PID=
	[ "$rc" -eq 0 ] && return 0
	not_ok "the daemon ended with $rc"
	return 1
}

remount() {
	do_umount && do_mount "$@"
}

# daemon_of MOUNTPOINT: process id of whoever serves it
daemon_of() {
	"$CRYPTFS" status --json | "$PYTHON" -c '
import json, sys
def walk(x):
    if isinstance(x, dict):
        if sys.argv[1] in [v for v in x.values() if isinstance(v, str)] and "pid" in x:
            print(x["pid"])
            return
        x = list(x.values())
    if isinstance(x, list):
        for y in x:
            walk(y)
walk(json.load(sys.stdin))' "$1"
}

# fd_count PID: descriptors that it has open, after the kernel has let go of what it caches
fd_count() {
	is_root && echo 3 >/proc/sys/vm/drop_caches 2>/dev/null
	find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l
}

# check_fds BEFORE WHAT: the daemon $PID holds no more descriptors than BEFORE
check_fds() {
	[ "$PLAIN" = 1 ] && return 0
	if ! is_root; then
		skip "$2" "needs root to look into /proc"
		return 0
	fi
	local i now=0
	for ((i = 0; i < 50; i++)); do
		now=$(fd_count "$PID")
		[ "$now" -le "$1" ] && break
		sleep 0.1
	done
	if [ "$now" -le "$1" ]; then ok "$2"; else
		ls -l "/proc/$PID/fd" >"$OUT" 2>&1
		not_ok "$2: $1 before, $now after"
	fi
}

# gone PID: the process has ended, whether or not somebody has waited for it
gone() {
	kill -0 "$1" 2>/dev/null || return 0
	[ "$(awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null)" = Z ]
}

# wait_gone PID: until the process has ended, at most 30 s
wait_gone() {
	local i
	for ((i = 0; i < 600; i++)); do
		gone "$1" && return 0
		sleep 0.05
	done
	return 1
}

# ---- beginning and end ----

unmount_all() {
	local m
	tac /proc/self/mountinfo | awk '{ print $5 }' | while read -r m; do
		case $m in
		"$WORK"/*) ;;
		*) continue ;;
		esac
		timeout 20 umount "$m" 2>/dev/null || timeout 20 fusermount3 -u "$m" 2>/dev/null ||
			umount -l "$m" 2>/dev/null || fusermount3 -uz "$m" 2>/dev/null
	done
}

cleanup() {
	local rc=$? p
	trap - EXIT
	cd / || exit 1
	[ -n "${WATCHDOG:-}" ] && kill "$WATCHDOG" 2>/dev/null
	unmount_all
	for p in "${DAEMONS[@]:-}"; do
		[ -n "$p" ] || continue
		wait_gone "$p" || kill -9 "$p" 2>/dev/null
	done
	[ "${E2E_KEEP:-}" = 1 ] && note "kept: $WORK"
	[ "${E2E_KEEP:-}" = 1 ] || rm -rf --one-file-system -- "$WORK"
	exit "$rc"
}

# No report of a sanitizer anywhere, from any process of the test; no warnings either, unless the test is about
# damage and has unset CRYPTFS_WARN_FATAL. A leak check says that it cannot see a thread if the test kills the
# process meanwhile: that is none.
check_sanitizers() {
	local f
	: >"$OUT"
	for f in "$WORK"/san/*; do
		grep -v 'Unable to get registers from thread' "$f" | head -n 40 >>"$OUT"
	done
	grep -hE 'ThreadSanitizer|AddressSanitizer|LeakSanitizer|runtime error:' "$LOG" >>"$OUT" 2>/dev/null
	[ "${CRYPTFS_WARN_FATAL:-}" = 1 ] && grep -hE 'warning: |error: ' "$LOG" >>"$OUT"
	if [ -s "$OUT" ]; then not_ok "no sanitizer reports or warnings"; else ok "no sanitizer reports or warnings"; fi
}

finish() {
	[ "$PLAIN" = 1 ] || check_sanitizers
	printf '1..%d\n' "$TAP_N"
	[ "$FAILED" -eq 0 ]
	exit
}

# A hung mount must not hang the suite: then everything we started is killed, and calls fail.
watchdog() {
	local limit=${E2E_TIMEOUT:-600}
	(
		trap 'kill "$nap" 2>/dev/null; exit' TERM
		sleep "$limit" &
		nap=$!
		wait "$nap"
		printf 'Bail out! nothing for %s s\n' "$limit"
		for c in /sys/fs/fuse/connections/*; do
			m=$(awk -v d="0:${c##*/}" -v w="$WORK/" '$3 == d && index($5, w) == 1' /proc/self/mountinfo)
			[ -n "$m" ] && echo 1 >"$c/abort"
		done
		kill -TERM $$
	) 2>/dev/null &
	WATCHDOG=$!
	disown "$WATCHDOG"
}

WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/cryptfs-e2e.XXXXXX") || bail "no work directory"
WORK=$(readlink -f "$WORK")
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
mkdir "$WORK/san" "$WORK/mnt"
chmod 755 "$WORK"
chmod 777 "$WORK/san"
V=$WORK/vault
M=$WORK/mnt
OUT=$WORK/out
LOG=$WORK/daemon.log
PASSFILE=$WORK/pass
PASSPHRASE='correct horse battery staple'
printf '%s\n' "$PASSPHRASE" >"$PASSFILE"
: >"$OUT"
: >"$LOG"
export CRYPTFS_WARN_FATAL=${CRYPTFS_WARN_FATAL:-1}
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$WORK/san/asan"
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}log_path=$WORK/san/tsan"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:+$UBSAN_OPTIONS:}print_stacktrace=1:log_path=$WORK/san/ubsan"
watchdog
