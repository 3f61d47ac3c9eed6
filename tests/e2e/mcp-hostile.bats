#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Clients of the Model Context Protocol that say nonsense, go away in the middle
# or never listen; and what becomes of them when it is the server that goes.

load helper

setup_file() {
	prepare
	fixture t-hostile <<'YAML'
  echo: {command: [cat], description: Says it again., input_schema: {type: object}, warm_pool: {max: 0}}
  slow: {command: [sh, -c, 'sleep 1; echo slow'], description: Takes a second., warm_pool: {max: 0}}
  endless: {command: [sh, -c, 'echo so far; exec sleep 1000'], description: Takes long., timeout: 10m, warm_pool: {max: 0}}
YAML
	skillbox build t-hostile >/dev/null 2>&1
}

teardown() {
	stop_daemon
	gone t-hostile
}

hostile() {
	echo "hostile $1 ${*:2:2}" >&2
	"$top/tests/fixtures/mcp/hostile.py" "$@"
}

# over_stdio CASE [NUMBER]: with a server of its own
over_stdio() {
	hostile "$@" stdio "$program" --skills "$skills:$top/skills" mcp --no-daemon
}

# bridged CASE [NUMBER]: by way of the daemon
bridged() {
	hostile "$@" stdio "$program" --skills "$skills:$top/skills" mcp \
		--socket "$socket"
}

over_http() {
	hostile "$@" http "$socket"
}

# What the daemon holds: descriptors and threads.
held() {
	local fds=("/proc/$daemon/fd/"*) threads=("/proc/$daemon/task/"*)
	echo "${#fds[@]} ${#threads[@]}"
}

# no_more_than DESCRIPTORS THREADS: some of the engine's are kept
no_more_than() {
	local fds threads
	read -r fds threads < <(held)
	[ "$fds" -le $(($1 + 16)) ] && [ "$threads" -le "$2" ]
}

# is_clean: of all that came since $before nothing is left, soon
is_clean() {
	gone t-hostile && soon no_more_than "${before[@]}" && return
	echo "held before: ${before[*]}, now: $(held)"
	return 1
}

# served: a daemon that has answered once; sets $before
served() {
	serve
	over_http cancels
	gone t-hostile
	sleep 0.3
	read -r -a before < <(held)
}

@test "messages that are none: stdio" {
	over_stdio garbage
	over_stdio deep
}

@test "messages that are none: by way of a daemon, and over HTTP" {
	served
	bridged garbage
	over_http garbage
	bridged deep
	over_http deep
	is_clean
}

@test "messages that are too large" {
	over_stdio oversized $((66 * 1024 * 1024))
	serve --max-body 64k
	bridged oversized 65536
	head -c 100000 /dev/zero | tr '\0' ' ' >"$BATS_TEST_TMPDIR/large"
	ask POST /mcp -d "@$BATS_TEST_TMPDIR/large"
	answered 413 invalid
	ask POST /mcp -H 'Transfer-Encoding: chunked' -d "@$BATS_TEST_TMPDIR/large"
	answered 413 invalid
}

@test "an id that is taken" {
	over_stdio duplicates
	served
	bridged duplicates
	over_http duplicates
	ask GET /v1/runs
	[ "$record" = '{"runs": []}' ] || [ "$record" = '[]' ]
	is_clean
}

@test "nothing but protocol on standard output, whatever is wrong" {
	over_stdio quiet >"$BATS_TEST_TMPDIR/well"
	jq -e '.isError | not' "$BATS_TEST_TMPDIR/well"
	DOCKER_HOST=unix:///nonexistent over_stdio quiet >"$BATS_TEST_TMPDIR/away"
	jq -e '.isError and (.content[0].text | startswith("unavailable: "))' \
		"$BATS_TEST_TMPDIR/away"
	skills=$BATS_TEST_TMPDIR/skills
	cp -r "$BATS_FILE_TMPDIR/skills" "$skills"
	mkdir -p "$skills/broken"
	printf 'schema_version: 1\nname: [\n' >"$skills/broken/skill.yaml"
	over_stdio quiet 2>"$BATS_TEST_TMPDIR/stderr" >"$BATS_TEST_TMPDIR/broken"
	jq -e '.isError | not' "$BATS_TEST_TMPDIR/broken"
	grep -q 'skill broken is no tool' "$BATS_TEST_TMPDIR/stderr"
}

@test "where it cannot begin there is nothing on standard output" {
	skills=$BATS_TEST_TMPDIR/skills
	for name in t-one t-two; do
		fixture $name <<-'YAML'
			  a: {command: [cat], description: A., tool_name: same}
		YAML
	done
	echo 'schema_version: [' >"$BATS_TEST_TMPDIR/policy.yaml"
	for wrong in '--skills /nonexistent' "--skills $skills" \
		'--engine tcp:x' "--policy $BATS_TEST_TMPDIR/policy.yaml"; do
		status=0
		# shellcheck disable=SC2086 # two words
		"$program" $wrong mcp --no-daemon </dev/null \
			>"$BATS_TEST_TMPDIR/stdout" 2>"$BATS_TEST_TMPDIR/stderr" ||
			status=$?
		[ $status != 0 ]
		[ ! -s "$BATS_TEST_TMPDIR/stdout" ]
		[ -s "$BATS_TEST_TMPDIR/stderr" ]
	done
}

@test "clients that go away: stdio" {
	run over_stdio die
	[ "$status" = 137 ]
	gone t-hostile
	over_stdio close-stdin
	over_stdio close-stdout
	gone t-hostile
	run over_stdio never-reads
	[ "$status" = 137 ]
	gone t-hostile
}

@test "clients that go away: by way of a daemon, which goes on" {
	served
	run bridged die
	[ "$status" = 137 ]
	gone t-hostile
	bridged close-stdin
	bridged close-stdout
	gone t-hostile
	run bridged never-reads
	[ "$status" = 137 ]
	is_clean
	over_http cancels
}

@test "a thousand requests in one breath" {
	over_stdio floods
	serve
	bridged floods
}

@test "cancelling what is not, twice, and what is over" {
	over_stdio cancels
	served
	bridged cancels
	over_http cancels
	is_clean
}

@test "hanging up is the end of a call only where there is no session" {
	served
	over_http hang-up
	is_clean
}

@test "the end of a session in the middle of its calls" {
	served
	over_http delete
	is_clean
}

@test "sessions: which requests need one, and whose it is" {
	policy <<'YAML'
callers: {owner: true}
YAML
	serve
	over_http sessions
}

@test "2026-07-28: headers and what goes with them" {
	serve
	over_http headers-2026
}

@test "over TCP: the token, and who asks from where" {
	echo correct-horse-battery >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	serve --listen 127.0.0.1:0 --token-file "$BATS_TEST_TMPDIR/token"
	soon grep -q 'listening at http' "$daemon_log"
	address=$(sed -n 's|.*listening at http://||p' "$daemon_log")
	right='Authorization: Bearer correct-horse-battery'
	body='{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}'
	# over_tcp CODE CURL-OPTION...
	over_tcp() {
		code=$(curl -s -o /dev/null -w '%{http_code}' "${@:2}" \
			"http://$address/mcp")
		echo "$code ${*:2}"
		[ "$code" = "$1" ]
	}
	over_tcp 200 -d "$body" -H "$right"
	over_tcp 200 -d "$body" -H "$right" -H "Origin: http://$address"
	for method in POST GET DELETE; do
		over_tcp 401 -X $method
		over_tcp 401 -X $method -H "${right}x"
		over_tcp 403 -X $method -H "$right" -H 'Origin: http://example.com'
		over_tcp 403 -X $method -H "$right" -H 'Origin: null'
		over_tcp 403 -X $method -H "$right" -H 'Host: example.com'
	done
	# Nobody gets the connection itself over TCP.
	over_tcp 405 -H "$right" -H 'Connection: Upgrade' -H 'Upgrade: mcp'
}

@test "a daemon that ends, and one that dies, in the middle of a call" {
	serve
	bridged daemon-ends "$daemon" 2>"$BATS_TEST_TMPDIR/stderr"
	stop_daemon
	serve
	bridged daemon-dies "$daemon" 2>"$BATS_TEST_TMPDIR/stderr"
	cat "$BATS_TEST_TMPDIR/stderr"
	grep -q 'skillbox: .*daemon' "$BATS_TEST_TMPDIR/stderr"
	wait "$daemon" || :
	daemon=
}

@test "an image that takes longer than a client can wait" {
	skills=$BATS_TEST_TMPDIR/skills
	fixture t-hostile-slow <<'YAML'
  built: {command: [cat], description: Says it again., warm_pool: {max: 0}}
YAML
	# A number of its own, so that it is never there already.
	cat >"$skills/t-hostile-slow/Dockerfile" <<EOF
FROM skillbox/busybox
RUN for i in 1 2 3 4 5; do echo $$.$RANDOM; sleep 0.8; done
EOF
	serve --image-wait 1500ms
	over_http slow-build
	gone t-hostile-slow
}
