# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the end-to-end tests have in common.  They run on a private engine, the
# one in $DOCKER_HOST where make test has started it; a file that is run by
# hand starts it and leaves it running (make engine-stop).  Several files run
# at once on one engine, so each names its fixture skills after itself and
# looks at their containers only.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
harness=$top/tests/harness
program=${SKILLBOX:-$top/build/skillbox}
# For tests that measure memory or time: never with a sanitizer in it.
plain=$top/build/skillbox
# By this factor every limit of time is longer: under valgrind, which takes a
# second to start and runs all at a tenth of its speed; and under CI, whose
# machines stand still for seconds.
slower=${SBX_SLOWER:-${CI:+3}}
slower=${slower:-1}

# Where a skip can only mean that the machine is not what it should be.
if [ -n "${CI-}" ]; then
	skip() {
		echo "may not be skipped under CI: $*"
		return 1
	}
fi

# use_engine DIR: a private engine for all that follows
use_engine() {
	export SBX_TEST_ENGINE=$1
	"$harness/engine" start "$1"
	DOCKER_HOST=$("$harness/engine" url "$1")
	export DOCKER_HOST
}

# For setup_file, before prepare: one that nobody else uses; teardown_file has
# to stop it.
own_engine() {
	use_engine "$BATS_FILE_TMPDIR/engine"
}

# For setup_file: the engine, and a place for fixtures.
prepare() {
	[ -n "${SBX_TEST_ENGINE-}" ] || use_engine "$top/build/test-engine"
	export skills=$BATS_FILE_TMPDIR/skills
	mkdir -p "$skills"
	# Not this machine's own, nor its user's keys and secrets.
	export SKILLBOX_POLICY=$top/manifests/policy.yaml
	export XDG_CONFIG_HOME=$BATS_FILE_TMPDIR/config
	unset SKILLBOX_KEYS CREDENTIALS_DIRECTORY
	# Nor its daemon.
	export SKILLBOX_SOCKET=$BATS_FILE_TMPDIR/no-daemon
}

# The API of the engine under test: "docker" or "podman".
family() {
	case $("$harness/engine" kind "$SBX_TEST_ENGINE") in
	podman*) echo podman ;;
	*) echo docker ;;
	esac
}

# Succeeds on crun with cgroup v1, whose folder has 1 MiB for everybody.
has_cgroup_tmpfs() {
	case $("$harness/engine" kind "$SBX_TEST_ENGINE") in
	podman* | *crun) [ -d /sys/fs/cgroup/memory ] ;;
	*) return 1 ;;
	esac
}

# podman_inspect CONTAINER: by Podman's own API, which leaves nothing out
podman_inspect() {
	curl -sf --unix-socket "${DOCKER_HOST#unix://}" \
		"http://localhost/v4.0.0/libpod/containers/$1/json"
}

# policy: for all that follows, the one on standard input; what it does not
# say is as in the default one.  Called in setup_file, it is for the file.
policy() {
	SKILLBOX_POLICY=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/policy.yaml
	export SKILLBOX_POLICY
	{
		echo 'schema_version: 1'
		cat
		sed -n '/^operator:/,/^$/p' "$top/manifests/policy.yaml"
	} >"$SKILLBOX_POLICY"
}

# fixture NAME: a skill whose actions are on standard input, indented as in a
# manifest; what else goes into its directory is up to the caller.
fixture() {
	mkdir -p "$skills/$1"
	{
		printf 'schema_version: 1\nname: %s\nversion: 1.0.0\n' "$1"
		printf 'description: A fixture.\nactions:\n'
		cat
	} >"$skills/$1/skill.yaml"
	[ -e "$skills/$1/Dockerfile" ] ||
		echo 'FROM skillbox/busybox' >"$skills/$1/Dockerfile"
}

# Where it looks for skills: the fixtures, unless $fixtures says otherwise.
skillbox() {
	"$program" --skills "${fixtures:-$skills}:$top/skills" "$@"
}

# act SKILL ACTION [INPUT] [OPTION...]: runs it; sets $record and $status.
# Whatever happens, the record is one JSON object that begins with the same
# three members, and its status is the exit status.
act() {
	status=0
	record=$(skillbox run "$@" 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	check_record
}

# step SESSION [OPTION...] ...: the same with one run in a session
step() {
	status=0
	record=$(skillbox session run "$@" 2>"$BATS_TEST_TMPDIR/stderr") ||
		status=$?
	check_record
}

check_record() {
	jq -es --argjson status "$status" '
		length == 1 and (.[0] |
			keys_unsorted[:3] == ["status", "output", "error"] and
			.status == $status)' <<<"$record" >/dev/null && return
	echo "exit status $status does not go with this record:"
	show
	return 1
}

show() {
	echo "$record"
	sed 's/^/stderr: /' "$BATS_TEST_TMPDIR/stderr"
}

# ended OUTCOME STATUS
ended() {
	[ "$(field .outcome) $status" = "$1 $2" ] && return
	echo "expected $1 $2:"
	show
	return 1
}

field() {
	jq -r "$1" <<<"$record"
}

# holds FILTER [JQ-OPTION...]: FILTER is true of the record; within(MS) in it
# means that the run took less than that.
holds() {
	jq -e "${@:2}" "def within(ms): .duration_ms < ms * $slower; $1" \
		<<<"$record" >/dev/null && return
	echo "not so: $1"
	show
	return 1
}

# begin SKILL ACTION [INPUT] [OPTION...]: in the background, until its
# container runs; sets $runner (pid) and $container.  The shell has what it
# puts into the background ignore SIGINT; env undoes that.
begin() {
	env --default-signal=INT "$program" \
		--skills "${fixtures:-$skills}:$top/skills" run "$@" \
		>"$BATS_TEST_TMPDIR/record" 2>"$BATS_TEST_TMPDIR/stderr" 3>&- &
	runner=$!
	for _ in $(seq $((200 * slower))); do
		container=$(containers_of "$1" running)
		[ -z "$container" ] || return 0
		sleep 0.05
	done
	echo 'it did not start:'
	cat "$BATS_TEST_TMPDIR/record" "$BATS_TEST_TMPDIR/stderr"
	return 1
}

# What begin began has ended: sets $record and $status as act does.
finish() {
	status=0
	wait "$runner" || status=$?
	record=$(cat "$BATS_TEST_TMPDIR/record")
	check_record
}

# weaken OLD NEW [OLD NEW]: an engine that is asked for NEW where OLD was
# meant, and answers as if it had not been; sets $weak_host and $weak_proxy
# (pid), which whoever asked for it has to end.
weaken() {
	rm -f "$BATS_TEST_TMPDIR/weak.sock"
	"$harness/fault_proxy.py" --ask "$1" "$2" \
		${3+--answer "$3" "$4"} "$BATS_TEST_TMPDIR/weak.sock" \
		"${DOCKER_HOST#unix://}" 3>&- &
	weak_proxy=$!
	weak_host=unix://$BATS_TEST_TMPDIR/weak.sock
	soon test -S "$BATS_TEST_TMPDIR/weak.sock"
}

# containers_of SKILL [STATUS]: their ids
containers_of() {
	docker ps -aq --no-trunc --filter "label=io.skillbox.skill=$1" \
		${2:+--filter "status=$2"}
}

# gone SKILL [SECONDS]: no container of it is left, soon
gone() {
	for _ in $(seq $((${2:-5} * 10 * slower))); do
		[ -n "$(containers_of "$1")" ] || return 0
		sleep 0.1
	done
	docker ps -a --filter "label=io.skillbox.skill=$1"
	return 1
}

# soon COMMAND...: succeeds within five seconds
soon() {
	for _ in $(seq $((50 * slower))); do
		! "$@" || return 0
		sleep 0.1
	done
	echo "not within 5 s: $*"
	return 1
}

# remove_volumes SKILL...: of the skills, once their last container is gone
remove_volumes() {
	for skill; do
		gone "$skill" 10 || return 1
		docker volume ls -q --filter "label=io.skillbox.skill=$skill" |
			xargs -r docker volume rm >/dev/null
	done
}

# serve [OPTION...]: a daemon on a socket of its own until it listens; sets
# $daemon (pid), $socket and $daemon_log.  Whoever starts one has to stop it.
serve() {
	local directory
	directory=$(mktemp -d "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/d.XXXX")
	socket=$directory/s
	daemon_log=$directory/log
	env --default-signal=INT "$program" \
		--skills "${fixtures:-$skills}:$top/skills" serve \
		--socket "$socket" "$@" >"$daemon_log" 2>&1 3>&- &
	daemon=$!
	for _ in $(seq $((100 * slower))); do
		! grep -q 'listening at' "$daemon_log" || return 0
		kill -0 "$daemon" 2>/dev/null || break
		sleep 0.05
	done
	cat "$daemon_log"
	return 1
}

# stop_daemon: in good order, and it says so
stop_daemon() {
	[ -n "${daemon-}" ] || return 0
	kill -TERM "$daemon" 2>/dev/null || :
	status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" = 0 ] && return
	echo "the daemon ended with $status:"
	cat "$daemon_log"
	return 1
}

# ask METHOD PATH [CURL-OPTION...]: of the daemon; sets $code (of HTTP),
# $record (the body) and $headers (a file)
ask() {
	headers=$BATS_TEST_TMPDIR/headers
	code=$(curl -s --unix-socket "$socket" -X "$1" -D "$headers" \
		-o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' -m $((60 * slower)) \
		"${@:3}" "http://localhost$2") || :
	record=$(cat "$BATS_TEST_TMPDIR/body")
}

# answered CODE [OUTCOME]: what was asked has that answer; whatever that is, a
# body of an error begins as a record does
answered() {
	[ "$code" = "$1" ] && { [ $# = 1 ] || {
		[ "$(field .outcome)" = "$2" ] &&
			grep -qix "skillbox-outcome: $2"$'\r' "$headers"
	}; } && { [ "$code" -lt 400 ] ||
		holds 'keys_unsorted[:3] == ["status", "output", "error"]'; } &&
		return
	echo "expected $*, got $code:"
	cat "$headers"
	echo "$record"
	return 1
}
