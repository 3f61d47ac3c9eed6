# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the sessions*.bats files have in common.  Sessions are the user's, and
# files run at once: each begins its names with its own.

load helper

session() {
	skillbox session "$@"
}

# made NAME [OPTION...]: creates a session that end_sessions ends
made() {
	echo "$1" >>"$BATS_FILE_TMPDIR/made"
	session create "$@"
}

# For a time of a session: under valgrind a command takes a second itself.
seconds=1
[ -z "${SBX_VALGRIND_PROGRAM-}" ] || seconds=5

# For teardown: whatever a test has left.
end_sessions() {
	local name
	[ -e "$BATS_FILE_TMPDIR/made" ] || return 0
	while read -r name; do
		session stop "$name" >/dev/null 2>&1 || :
	done <"$BATS_FILE_TMPDIR/made"
	rm "$BATS_FILE_TMPDIR/made"
}

# step NAME ARGUMENT...: runs something in the session, as act does
step() {
	status=0
	record=$(session run "$@" 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	check_record
}

# about NAME: what is known of it goes to $record
about() {
	record=$(session status "$1" --format json)
}

# container_of NAME: its id, while there is one
container_of() {
	docker ps -aq --no-trunc --filter "label=io.skillbox.session=$1"
}

# ended_session NAME [SECONDS]: no container of it is left, soon
ended_session() {
	for _ in $(seq $((${2:-5} * 10 * slower))); do
		[ -n "$(container_of "$1")" ] || return 0
		sleep 0.1
	done
	docker ps -a --filter "label=io.skillbox.session=$1"
	return 1
}

# inside NAME SCRIPT [OPTION...]: has the shell of the session run it
inside() {
	step "$1" "${@:3}" -- sh -c "$2"
}

# serve_inside NAME PORT DIR [OPTION...]: a web server that goes on
serve_inside() {
	step "$1" --detach "${@:4}" -- \
		busybox httpd -f -p "$2" -h "$3"
	ended ok 0
}

# port_of NAME: the first of this host that is published
port_of() {
	session status "$1" --format json | jq -r '.ports[0].published'
}

# needs_engine_ports: the engine's own, of a session with a network
needs_engine_ports() {
	[ "$(family)" != podman ] ||
		skip "it publishes ports by the firewall, which is left alone"
}

# address_of NAME PORT: where a port of it is reached from here, published where
# it can be
address_of() {
	if [ "$(family)" = podman ]; then
		docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' \
			"$(container_of "$1")" | sed "s/$/:$2/"
	else
		echo "127.0.0.1:$(port_of "$1")"
	fi
}

# is_busy NAME: something runs in it
is_busy() {
	session status "$1" --format json | jq -e .busy >/dev/null
}

# logs_have NAME LINE: what goes on in it has written that
logs_have() {
	session logs "$1" | grep -qFx "$2"
}
