#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# bench/load: what it takes for an answer, and from when on it counts.

setup() {
	load=$BATS_TEST_DIRNAME/../../build/bench/load
	socket=$BATS_TEST_TMPDIR/socket
}

teardown() {
	[ -z "${server-}" ] || kill "$server"
}

# serve SECONDS: for so long it stalls once
serve() {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/../fixtures/stalling_server.py" \
		"$socket" "$1" 3>&- &
	server=$!
	for _ in $(seq 100); do
		[ ! -S "$socket" ] || return 0
		sleep 0.1
	done
	return 1
}

# measure MODE TARGET: with what the plans have in common; sets $results
measure() {
	status=0
	results=$(jq -n --arg stderr "$BATS_TEST_TMPDIR/stderr" \
		"{stderr: \$stderr, targets: [{name: \"it\",
			input: \"{\\\"a\\\": 1}\", expect: {a: 1}} + $2]} + $1" |
		"$load") || status=$?
}

# holds FILTER: of the one target's result
holds() {
	jq -e ".[0] | $1" <<<"$results" >/dev/null && return
	echo "not so: $1"
	echo "$results"
	return 1
}

http='{socket: "SOCKET", path: "/"}'

@test "requests have to wait from when they are due" {
	serve 1
	measure '{mode: "open", seconds: 1.5}' \
		"${http/SOCKET/$socket} + {rate: 100}"
	[ $status = 0 ]
	# All that were due while it stalled, each for what was left of it.
	holds '.ms | length == 150'
	holds '.ms | map(select(. > 100)) | length > 70'
	holds '.ms | map(select(. > 900)) | length > 3'
}

@test "clients that wait for an answer do not see what others would have" {
	serve 1
	measure '{mode: "closed", seconds: 1.5, clients: 1}' \
		"${http/SOCKET/$socket}"
	[ $status = 0 ]
	holds '.ms | map(select(. > 500)) | length == 1'
	holds '.starts.warm == (.ms | length)'
}

@test "a command's answer is its output, and its time all of its life" {
	measure '{mode: "paced", rate: 1000, requests: 3}' \
		'{command: ["sh", "-c", "cat; exec >&-; sleep 0.2"]}'
	[ $status = 0 ]
	holds '.ms | length == 3 and min > 200'
}

@test "a wrong answer and a failed command are no measurement" {
	measure '{mode: "paced", rate: 1000, requests: 3}' \
		'{command: ["echo", "{\"a\": 2}"]}'
	[ $status = 1 ]
	holds '.failed == 4 and .ms == []'
	measure '{mode: "closed", seconds: 0.1, clients: 2}' \
		'{command: ["sh", "-c", "cat; exit 3"]}'
	[ $status = 1 ]
	holds '.failed > 1 and .ms == []'
	serve 0
	measure '{mode: "paced", rate: 1000, requests: 3}' \
		"${http/SOCKET/$socket} + {expect: {a: 2}}"
	[ $status = 1 ]
	holds '.failed == 4 and .ms == []'
}
