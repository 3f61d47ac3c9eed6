#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The daemon: actions over HTTP, one request after another and many at once.

load helper

setup_file() {
	prepare
	fixture t-serve <<'YAML'
  echo: {command: [cat], warm_pool: {max: 0}}
  bytes: {command: [cat], output: text, warm_pool: {max: 0}}
  fails: {command: [sh, -c, 'echo why >&2; exit 3'], warm_pool: {max: 0}}
  variable: {command: [sh, -c, 'echo "$A"'], output: text, warm_pool: {max: 0}}
  waits: {command: [sh, -c, 'read -r x; echo "$x" >&2; exec sleep 300'], timeout: 5m, warm_pool: {max: 0}}
  takes: {command: [sleep, '2'], timeout: 1m, warm_pool: {max: 0}}
YAML
	# Nothing waits, so that a container is a run.  What the tests share; those that need another start their own.
	serve
	printf '%s\n%s\n' "$daemon" "$socket" >"$BATS_FILE_TMPDIR/shared"
	skillbox build t-serve >/dev/null 2>&1
}

setup() {
	{ read -r shared && read -r socket; } <"$BATS_FILE_TMPDIR/shared"
	daemon=
}

teardown() {
	stop_daemon
	gone t-serve
}

teardown_file() {
	read -r daemon <"$BATS_FILE_TMPDIR/shared"
	kill -TERM "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
}

run_path=/v1/skills/t-serve/actions

# asleep NAME PATH [CURL-OPTION...]: asks in the background; $! is the client
asleep() {
	curl -s --unix-socket "$socket" -X POST -o "$BATS_TEST_TMPDIR/$1.body" \
		-D "$BATS_TEST_TMPDIR/$1.head" "${@:3}" "http://localhost$2" \
		3>&- &
}

# one_runs: the container of one run is there
one_runs() {
	soon is_running
}

is_running() {
	[ -n "$(containers_of t-serve running)" ]
}

@test "an action is answered with the record that run prints" {
	ask POST $run_path/echo -d '{"a": 1}'
	answered 200 ok
	holds '.output == {"a": 1} and .status == 0 and .action == "echo"'
	grep -qix $'content-type: application/json\r' "$headers"
	over_http=$(field 'keys_unsorted | join(" ")')
	act t-serve echo '{"a": 1}'
	[ "$(field 'keys_unsorted | join(" ")')" = "$over_http" ]

	ask POST /v1/runs -d '{"skill": "t-serve", "action": "fails"}'
	answered 200 failed
	holds '.status == 3 and .error == "why"'

	ask POST $run_path/echo
	answered 200 ok
	holds '.output == {}'
}

@test "the input arrives byte for byte" {
	ask POST $run_path/bytes -d '{"b": 1.50, "a":1e2 }'
	holds '.output == "{\"b\": 1.50, \"a\":1e2 }"'
	ask POST /v1/runs -d \
		'{"skill": "t-serve", "action": "bytes", "input": [1.50,  1e2] }'
	holds '.output == "[1.50,  1e2]"'
}

@test "what cannot be run is told by status and record" {
	ask POST /v1/skills/t-none/actions/echo
	answered 404 not_found
	ask POST $run_path/none
	answered 404 not_found
	ask POST $run_path/echo -d '{"a": 1, "a": 2}'
	answered 200 invalid
	ask POST $run_path/echo -d '{'
	answered 200 invalid
	ask POST /v1/runs -d '{"skill": "t-serve", "action": "echo", "inputs": 1}'
	answered 400 invalid
	holds '.error | contains("did you mean \"input\"")'
	ask POST /v1/runs -d "$(printf '[%.0s' $(seq 100000))"
	answered 400 invalid
	ask POST /v1/runs -d $'{"skill": "\xff"}'
	answered 400 invalid
	ask GET $run_path/echo
	answered 405 invalid
	grep -qix $'allow: POST\r' "$headers"
	ask POST /v1/none
	answered 404 not_found
}

@test "a member of the query that is none is refused, and nothing runs" {
	serve
	ask POST '/v1/skills/t-serve/actions/input?timeout=1s' -d '{}'
	answered 400 invalid
	holds '.error | test("^query: \"timeout\" .*expected none")'
	ask GET '/v1/runs/x?wait=1s&wiat=1s'
	answered 400 invalid
	holds '.error | test("\"wiat\" .*expected only wait")'
	ask GET '/v1/skills?%00%FF'
	answered 400 invalid
	ask GET '/healthz?probe=1'
	answered 200
}

@test "no path leads out of the skills directories" {
	for path in /v1/skills/../actions/echo /v1/skills/..%2f/actions/echo \
		/v1/skills/%2e%2e%2fskills%2ft-serve/actions/echo \
		/v1/skills/t-serve%00/actions/echo //v1/skills/t-serve/actions/echo \
		/v1/skills/t-serve/actions/echo%2f..; do
		ask POST "$path" --path-as-is -d '{}'
		answered 404 not_found
	done
	ask POST /v1/runs -d '{"skill": "../t-serve", "action": "echo"}'
	answered 400 invalid
}

@test "a caller may ask for less than the manifest, not for more" {
	ask POST /v1/runs -d '{"skill": "t-serve", "action": "waits",
		"config": {"timeout": "500ms"}}'
	answered 200 timeout
	ask POST /v1/runs -d '{"skill": "t-serve", "action": "variable",
		"config": {"env": {"A": "b"}}}'
	answered 200 denied
	holds '.error | contains("callers.environment")'
	ask POST /v1/runs -d '{"skill": "t-serve", "action": "echo",
		"config": {"network": "bridge"}}'
	answered 200 denied
	ask POST /v1/runs -d '{"skill": "t-serve", "action": "echo",
		"owner": "somebody"}'
	answered 403 denied
	holds '.error | contains("callers.owner")'
}

@test "one connection serves many requests, also when they come at once" {
	{
		for i in 1 2 3; do
			printf 'POST %s/echo HTTP/1.1\r\nHost: x\r\n' $run_path
			printf 'Content-Length: 1\r\n\r\n%s' $i
		done
		printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n'
		printf 'Connection: close\r\n\r\n'
	} | "$top/tests/fixtures/http_raw.py" "$socket" >"$BATS_TEST_TMPDIR/out"
	[ "$(grep -o 'HTTP/1.1 200 ' "$BATS_TEST_TMPDIR/out" | wc -l)" = 4 ]
	[ "$(grep -o '"output": "[0-9]"' "$BATS_TEST_TMPDIR/out" | tr -dc 0-9)" = 123 ]
}

@test "a client that goes away cancels its run" {
	asleep gone $run_path/waits
	one_runs
	kill $!
	gone t-serve 5
	# One that has only said all it had to say has not gone away.
	printf 'POST %s/takes HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}' \
		$run_path | "$top/tests/fixtures/http_raw.py" "$socket" \
		--half-close --then 20 >"$BATS_TEST_TMPDIR/out"
	grep -q '"outcome": "ok"' "$BATS_TEST_TMPDIR/out"
}

@test "the same run_id runs once, and gives the same record" {
	id=once-$RANDOM
	body='{"skill": "t-serve", "action": "takes", "input": 1, "run_id": "'$id'"}'
	asleep first /v1/runs -d "$body"
	one_runs
	ask POST /v1/runs -d "$body"
	answered 200 ok
	second=$record
	wait
	[ "$(cat "$BATS_TEST_TMPDIR/first.body")" = "$second" ]
	ask POST /v1/runs -d "$body"
	[ "$record" = "$second" ]
	ask POST /v1/runs -d "${body/: 1,/: 2,}"
	answered 409 invalid
	ask POST $run_path/takes -H "Idempotency-Key: $id" -d 1
	answered 409 invalid
	ask POST $run_path/takes -H 'Idempotency-Key: a b' -d 1
	answered 400 invalid
}

# in_flight N: so many connections the daemon has
in_flight() {
	[ "$(ss -xH | grep -cF " $socket ")" = "$1" ]
}

@test "more than may run wait, and more than may wait are refused" {
	serve --concurrency 1 --queue 1
	asleep first $run_path/takes
	first=$!
	one_runs
	asleep second $run_path/takes
	second=$!
	soon in_flight 2
	# The second is in the queue now, or has yet to get there.
	for _ in $(seq $((20 * slower))); do
		ask POST $run_path/echo -m 1
		[ "$code" = 000 ] || break
	done
	answered 429 busy
	holds '.status == 75'
	grep -qix $'retry-after: 1\r' "$headers"
	wait "$first" "$second"
	for name in first second; do
		jq -e '.outcome == "ok"' "$BATS_TEST_TMPDIR/$name.body"
	done
	# Which of them was the second is not said.
	jq -es 'map(select(.stages_ms.wait > 100 and .duration_ms > 2100)) |
		length == 1' "$BATS_TEST_TMPDIR"/{first,second}.body
}

@test "a body has a limit, announced or not" {
	serve --max-body 1k
	head -c 2000 /dev/zero | tr '\0' 1 >"$BATS_TEST_TMPDIR/large"
	ask POST $run_path/echo --data-binary "@$BATS_TEST_TMPDIR/large"
	answered 413 invalid
	ask POST $run_path/echo -H 'Transfer-Encoding: chunked' \
		--data-binary "@$BATS_TEST_TMPDIR/large"
	answered 413 invalid
	ask POST $run_path/echo -d 12
	answered 200 ok
}

@test "a client that is slow to say what it wants is left alone" {
	serve --request-timeout 1s
	printf 'POST %s/echo HTTP/1.1\r\nContent-Length: 9\r\n\r\n{' $run_path |
		timeout $((20 * slower)) "$top/tests/fixtures/http_raw.py" "$socket" \
		--then 60 >"$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/out" ]
	# Its answer may take longer than that.
	ask POST $run_path/takes
	answered 200 ok
}

@test "ten thousand headers are too many, and harm nobody" {
	{
		printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n'
		seq -f 'X-%g: y'$'\r' 10000
		printf '\r\n'
	} | "$top/tests/fixtures/http_raw.py" "$socket" --then 20 \
		>"$BATS_TEST_TMPDIR/out"
	head -1 "$BATS_TEST_TMPDIR/out" | grep -qE '^HTTP/1.1 4(13|31) '
	ask GET /healthz
	answered 200
}

@test "it says whether it is alive, and ready" {
	ask GET /healthz
	answered 200
	ask GET /readyz
	answered 200
	# A path that is removed would not do: connections are kept.
	"$harness/fault_proxy.py" "$BATS_TEST_TMPDIR/engine" \
		"${DOCKER_HOST#unix://}" 3>&- &
	proxy=$!
	soon test -S "$BATS_TEST_TMPDIR/engine"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine serve
	kill "$proxy"
	wait "$proxy" || :
	ask GET /healthz
	answered 200
	ask GET /readyz
	answered 503 unavailable
	ask POST $run_path/echo
	answered 200 unavailable
}

@test "a first signal lets end what runs, and nothing else begin" {
	serve
	asleep first $run_path/takes
	one_runs
	kill -TERM "$daemon"
	soon grep -q 'waiting for what runs' "$daemon_log"
	ask GET /readyz
	answered 503 unavailable
	ask POST $run_path/echo
	answered 503 unavailable
	status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" = 0 ]
	wait
	jq -e '.outcome == "ok"' "$BATS_TEST_TMPDIR/first.body"
	[ ! -e "$socket" ]
}

@test "a second signal cancels what runs" {
	serve
	asleep first $run_path/waits
	one_runs
	kill -INT "$daemon"
	soon grep -q 'waiting for what runs' "$daemon_log"
	kill -INT "$daemon"
	status=0
	wait "$daemon" || status=$?
	daemon=
	[ "$status" = 0 ]
	wait
	jq -e '.outcome == "cancelled"' "$BATS_TEST_TMPDIR/first.body"
	gone t-serve
}

@test "a changed policy and a changed manifest hold from the next request on" {
	policy <<'YAML'
callers: {environment: true}
YAML
	serve
	variable='{"skill": "t-serve", "action": "variable", "config": {"env": {"A": "b"}}}'
	ask POST /v1/runs -d "$variable"
	answered 200 ok
	holds '.output == "b\n"'
	policy </dev/null
	ask POST /v1/runs -d "$variable"
	answered 200 denied
	# None is fallen back on while there is one that is wrong.
	echo 'skils: {}' >>"$SKILLBOX_POLICY"
	ask POST $run_path/echo
	answered 200 misconfigured
	ask GET /readyz
	answered 503 misconfigured
	policy </dev/null
	kill -HUP "$daemon"
	soon grep -q 'looked at again' "$daemon_log"
	ask POST $run_path/echo
	answered 200 ok
	cp -R "$skills/t-serve" "$BATS_TEST_TMPDIR/saved"
	sed -i 's/exit 3/exit 4/' "$skills/t-serve/skill.yaml"
	ask POST $run_path/fails
	holds '.status == 4'
}
