# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# A session with a login keyring, apart from all others: a D-Bus that starts nothing by itself, gnome-keyring-daemon, and
# who stands in for the person that it asks for a password. All of it belongs to an ordinary user, if we are root.
# Sourced after lib.sh.
#
#	keyring_session_need       skip everything if something is missing
#	keyring_session_begin      the bus and an unlocked keyring "login"; what is below needs it
#	keyring_session_end        also when the test ends in any other way
#	"${KEYRING_AS[@]}" CMD...  run a command in the session, without a screen
#	"${KEYRING_SCREEN[@]}"     before CMD, after KEYRING_AS: now with one, or so it seems
#	keyring_program FILE       says where the user can execute a copy of it
#	keyring_daemon_start [-l]  start the keyring; -l: as after a login without password, with what is there locked
#	keyring_daemon_stop
#	keyring_lock               lock what is unlocked
#	keyring_person ok|no|...   what the next question is answered with (keyring_person.py)
#
# KEYRING_HOME is the user's home, KEYRING_DAEMON and KEYRING_BUS are process ids.

KEYRING_USER=cryptfs-test
KEYRING_PASSWORD='the login password'
KEYRING_HOME=$WORK/keyring
KEYRING_DAEMON=
KEYRING_BUS=
KEYRING_PERSON=
# shellcheck disable=SC2034
KEYRING_SCREEN=(env DISPLAY=:4711)
KEYRING_AS=(false)
# glib synchronises by means that ThreadSanitizer does not see.
export TSAN_OPTIONS="$TSAN_OPTIONS:ignore_noninstrumented_modules=1"

keyring_session_need() {
	local c missing=
	for c in gnome-keyring-daemon dbus-daemon gdbus secret-tool setpriv; do
		have "$c" || missing="$missing $c"
	done
	[ -z "$missing" ] || skip_all "missing:$missing"
}

# keyring_wait COMMAND...: until it succeeds, at most 20 s
keyring_wait() {
	local i
	for ((i = 0; i < 400; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	return 1
}

keyring_user_make() {
	KEYRING_AS=()
	is_root || return 0
	"$PYTHON" -B -c 'import sys; sys.path.insert(0, sys.argv[1]); sys.argv = ["keyring"]; import e2e; e2e.test_user()' \
		"$E2E_DIR" >"$OUT" 2>&1 || bail "no ordinary user"
	KEYRING_AS=(setpriv "--reuid=$KEYRING_USER" "--regid=$(id -g "$KEYRING_USER")" --init-groups --)
}

keyring_home_make() {
	mkdir -p "$KEYRING_HOME/run" "$KEYRING_HOME/bin"
	cat >"$KEYRING_HOME/bus.conf" <<-EOF
	<busconfig>
	  <type>session</type>
	  <listen>unix:path=$KEYRING_HOME/run/bus</listen>
	  <auth>EXTERNAL</auth>
	  <policy context="default">
	    <allow send_destination="*" eavesdrop="true"/>
	    <allow eavesdrop="true"/>
	    <allow own="*"/>
	  </policy>
	</busconfig>
	EOF
	printf %s "$KEYRING_PASSWORD" >"$KEYRING_HOME/password"
	chmod 700 "$KEYRING_HOME" "$KEYRING_HOME/run"
	is_root && chown -R "$KEYRING_USER:" "$KEYRING_HOME"
	KEYRING_AS+=(env -u DISPLAY -u WAYLAND_DISPLAY -u XDG_DATA_HOME -u XDG_CONFIG_HOME -u XDG_CACHE_HOME
		"HOME=$KEYRING_HOME" "XDG_RUNTIME_DIR=$KEYRING_HOME/run"
		"DBUS_SESSION_BUS_ADDRESS=unix:path=$KEYRING_HOME/run/bus")
}

keyring_person_start() {
	mkfifo "$KEYRING_HOME/orders"
	: >"$KEYRING_HOME/person"
	is_root && chown "$KEYRING_USER:" "$KEYRING_HOME/orders" "$KEYRING_HOME/person"
	"${KEYRING_AS[@]}" "$PYTHON" -B "$E2E_DIR/keyring_person.py" "$KEYRING_PASSWORD" \
		<>"$KEYRING_HOME/orders" >"$KEYRING_HOME/person" 2>"$KEYRING_HOME/person.err" &
	KEYRING_PERSON=$!
	keyring_wait test -s "$KEYRING_HOME/person" || bail "nobody to ask: $(tail -n 1 "$KEYRING_HOME/person.err")"
}

keyring_person() {
	: >"$KEYRING_HOME/person"
	printf '%s\n' "$1" >"$KEYRING_HOME/orders"
	keyring_wait test -s "$KEYRING_HOME/person" || bail "nobody listens"
}

# shellcheck disable=SC2120
keyring_daemon_start() {
	local how=(--unlock) from=$KEYRING_HOME/password
	[ "${1:-}" = -l ] && how=() from=/dev/null
	"${KEYRING_AS[@]}" env "GNOME_KEYRING_TEST_PROMPTER=$KEYRING_PERSON_NAME" \
		gnome-keyring-daemon --foreground --components=secrets "${how[@]}" <"$from" \
		>>"$KEYRING_HOME/daemon.log" 2>&1 &
	KEYRING_DAEMON=$!
	"${KEYRING_AS[@]}" gdbus wait --session --timeout 20 org.freedesktop.secrets >"$OUT" 2>&1 ||
		bail "gnome-keyring-daemon does not come: $(tail -n 1 "$KEYRING_HOME/daemon.log")"
}

# keyring_kill PID: a process that the session has started
keyring_kill() {
	[ -n "$1" ] || return 0
	kill -CONT "$1" 2>/dev/null
	kill "$1" 2>/dev/null
	wait_gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

keyring_daemon_stop() {
	keyring_kill "$KEYRING_DAEMON"
	KEYRING_DAEMON=
}

keyring_lock() {
	"${KEYRING_AS[@]}" gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
		--method org.freedesktop.Secret.Service.Lock "['/org/freedesktop/secrets/collection/login']" >"$OUT" 2>&1
}

keyring_program() {
	install -m 755 "$1" "$KEYRING_HOME/bin/${1##*/}" && echo "$KEYRING_HOME/bin/${1##*/}"
}

keyring_session_begin() {
	trap 'KEYRING_RC=$?; keyring_session_end; (exit "$KEYRING_RC"); cleanup' EXIT
	keyring_user_make
	keyring_home_make
	"${KEYRING_AS[@]}" dbus-daemon "--config-file=$KEYRING_HOME/bus.conf" --nofork --nopidfile \
		>>"$KEYRING_HOME/bus.log" 2>&1 &
	KEYRING_BUS=$!
	keyring_wait test -S "$KEYRING_HOME/run/bus" || bail "no D-Bus: $(tail -n 1 "$KEYRING_HOME/bus.log")"
	keyring_person_start
	KEYRING_PERSON_NAME=$(cat "$KEYRING_HOME/person")
	keyring_daemon_start
}

keyring_session_end() {
	keyring_daemon_stop
	keyring_kill "$KEYRING_PERSON"
	keyring_kill "$KEYRING_BUS"
	KEYRING_PERSON=
	KEYRING_BUS=
}
