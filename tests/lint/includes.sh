#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Who may include whom. Arrows never turn round; libraries stay in the room that wraps them.

. "$(dirname "$0")/lint.sh"

# Room, and the rooms it may include (its own is always allowed). cli sees crypto since secrets that
# people type go straight into the locked arena, and for starting and calibrating it.
rooms='
base
crypto base
format base
desktop sandbox base
keyring base
sandbox base
vault format crypto base
store vault format crypto base
fs store vault sandbox base
offline store vault format crypto base
transfer crypto base
cli fs offline transfer store vault desktop keyring sandbox crypto base
'

# Header of a library (extended regular expression), and where it may be included.
libraries='
sodium(/.*)?\.h       src/crypto/
argon2\.h             src/crypto/
nettle/.*\.h          src/crypto/
openssl/.*\.h         src/crypto/
jansson\.h            src/format/vaultfile\.c|src/cli/|src/fs/status\.c
fuse.*\.h|fuse3/.*\.h src/fs/
libsecret/.*\.h       src/keyring/secretservice\.c
systemd/.*\.h         src/desktop/bus\.h
seccomp\.h            src/sandbox/filter\.c
syslog\.h             src/base/log\.c
zxcvbn\.h             src/cli/quality\.c
'

all_includes() {
	find src -name '*.[ch]' -exec grep -nHE '^[[:space:]]*#[[:space:]]*include' {} +
}

own_includes() {
	find "src/$1" -name '*.[ch]' -exec grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
		grep -vE '"(config\.h)"'
}

# Everything that the room $1 includes beside itself and the rooms in $2.
strangers() {
	local allowed="$1 $2"
	own_includes "$1" | grep -vE "\"(${allowed// /|})/[a-z0-9_]+\.h\""
}

room_is_known() {
	local d
	for d in src/*/; do
		d=$(basename "$d")
		grep -qE "^$d( |$)" <<<"$rooms" || echo "src/$d is not in the table of tests/lint/includes.sh"
	done
}

misplaced() {
	all_includes | grep -E "[<\"]($1)[>\"]" | grep -vE "^($2)"
}

lint "every room is in the table" room_is_known
while read -r room allowed; do
	[ -d "src/${room:-none}" ] || continue
	lint "$room includes only: ${allowed:-itself}" strangers "$room" "$allowed"
done <<<"$rooms"
while read -r header where; do
	[ -n "$header" ] || continue
	lint "<$header> only in $where" misplaced "$header" "$where"
done <<<"$libraries"
lint_end
