#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sessions over HTTP: sandboxes that stay, in which one thing after the other
# is run for whoever made them, and for nobody else.

load helper

setup_file() {
	prepare
	fixture t-serve-s <<'YAML'
  put: {command: [sh, -c, 'cat >/workspace/x; echo {}'], warm_pool: {max: 0}}
  get: {command: [cat, /workspace/x], warm_pool: {max: 0}}
YAML
	skillbox build t-serve-s >/dev/null 2>&1
}

teardown() {
	stop_daemon
	docker ps -aq --filter label=io.skillbox.skill=t-serve-s |
		xargs -r docker rm -f >/dev/null
}

# create NAME [MEMBERS]: a session of the fixture; MEMBERS are JSON's
create() {
	ask POST /v1/sessions -d "{\"name\": \"$1\", \"skill\": \"t-serve-s\"${2:+, $2}}"
	answered 201
}

# in_session NAME BODY [CURL-OPTION...]
in_session() {
	ask POST "/v1/sessions/$1/runs" -d "$2" "${@:3}"
}

# shell NAME SCRIPT [CURL-OPTION...]
shell() {
	in_session "$1" "$(jq -n --arg s "$2" '{command: ["sh", "-c", $s],
		working_dir: "/workspace"}')" \
		"${@:3}"
}

@test "files stay from one run to the next, and go with the session" {
	serve
	create a
	holds '.state == "active" and .action == "put" and .ttl_ms == 600000'
	in_session a '{"action": "put", "input": {"n": 1.50}}'
	answered 200 ok
	holds '.start == "session"'
	in_session a '{"action": "get"}'
	holds '.output == {"n": 1.5}'
	shell a 'cat x; pwd'
	answered 200 ok
	[ "$(field .output)" = '{"n": 1.50}/workspace' ]
	ask DELETE /v1/sessions/a
	answered 200
	holds '. == {"name": "a", "state": "stopped"}'
	gone t-serve-s
	in_session a '{"action": "get"}'
	answered 404 not_found
}

@test "a command gets its standard input, its place and its variables" {
	policy <<<'callers: {environment: true}'
	serve
	create a
	in_session a '{"command": ["sh", "-c", "cat; pwd; echo $V"],
		"stdin": {"base64": "AP8K"}, "working_dir": "/tmp",
		"config": {"env": {"V": "v"}}}' -H 'Accept: application/octet-stream'
	[ "$(od -An -c <"$BATS_TEST_TMPDIR/body" | tr -d ' \n')" = \
		'\0377\n/tmp\nv\n' ]
}

@test "what is detached goes on, is logged, and ends with the session" {
	serve
	create a
	in_session a '{"command": ["sh", "-c", "echo here; exec sleep 300"],
		"detach": true}'
	answered 200 ok
	ask GET /v1/sessions/a
	answered 200
	holds '.busy == false and .detached == 1 and .usage.processes >= 2'
	ask GET /v1/sessions/a/logs
	answered 200
	grep -qi '^content-type: text/plain' "$headers"
	[ "$record" = here ]
	ask DELETE /v1/sessions/a
	answered 200
	gone t-serve-s
}

@test "events, later, once: as of any run" {
	serve
	create a
	shell a 'echo a; echo b >&2' -H 'Accept: application/x-ndjson'
	jq -es 'map(.event) | contains(["started", "stdout", "stderr", "record"])' \
		<<<"$record"
	shell a 'echo x >>n; sleep 1; cat n' -H 'Prefer: respond-async' \
		-H 'Idempotency-Key: k'
	answered 202
	holds '.session == "a" and .run_id == "k"'
	shell a 'echo x >>n; sleep 1; cat n' -H 'Idempotency-Key: k'
	answered 200 ok
	[ "$(field .output)" = x ]
	shell a 'true' -H 'Idempotency-Key: k'
	answered 409 invalid
	ask GET /v1/runs/k
	answered 200 ok
}

@test "a client that hangs up ends its run, and not the session" {
	serve
	create a
	run -28 curl -s --unix-socket "$socket" -m 1 \
		-d '{"command": ["sleep", "301"]}' \
		http://localhost/v1/sessions/a/runs
	shell a 'ps | grep -c "[s]leep 301" || :'
	answered 200 ok
	[ "$(field .output)" = 0 ]
}

@test "a run that is asked to end does; one of another session goes on" {
	serve
	create a
	create b
	shell b 'sleep 2; echo done' -H 'Prefer: respond-async' -H 'Idempotency-Key: b'
	shell a 'sleep 300' -H 'Prefer: respond-async' -H 'Idempotency-Key: a'
	answered 202
	ask DELETE /v1/runs/a
	ask GET '/v1/runs/a?wait=10s'
	answered 200 cancelled
	ask GET '/v1/runs/b?wait=10s'
	answered 200 ok
}

@test "two at once are served one after the other" {
	serve
	create a
	shell a 'sleep 1; echo 1 >>order' -H 'Prefer: respond-async'
	shell a 'echo 2 >>order; cat order'
	answered 200 ok
	[ "$(field .output)" = $'1\n2' ]
	holds '.stages_ms.wait > 300'
}

@test "paused, nothing runs; resumed, it goes on" {
	serve
	create a
	in_session a '{"command": ["sh", "-c",
		"while :; do echo >>/workspace/t; sleep 0.05; done"], "detach": true}'
	ask POST /v1/sessions/a/pause
	answered 200
	holds '.state == "paused"'
	shell a true
	answered 200 invalid
	holds '.error | contains("resume it")'
	ask POST /v1/sessions/a/resume
	answered 200
	shell a 'wc -l <t'
	before=$(field .output)
	sleep 0.5
	shell a 'wc -l <t'
	[ "$(field .output)" -gt "$before" ]
}

@test "a name is given once; the list has them all" {
	serve
	create b
	create a
	ask POST /v1/sessions -d '{"name": "a", "skill": "t-serve-s"}'
	answered 409 invalid
	ask GET /v1/sessions
	holds '[.sessions[] | select(.skill == "t-serve-s") | .name] == ["a", "b"]'
}

@test "nobody reaches the sessions of another owner" {
	policy <<<'callers: {owner: true}'
	serve
	create a '"owner": "mine"'
	holds '.owner == "mine"'
	other=(-H 'Skillbox-Owner: other')
	ask GET /v1/sessions "${other[@]}"
	holds '.sessions == []'
	ask GET /v1/sessions/a "${other[@]}"
	answered 404 not_found
	ask GET /v1/sessions/a/logs "${other[@]}"
	answered 404 not_found
	shell a 'true' "${other[@]}"
	answered 404 not_found
	for what in pause resume; do
		ask POST "/v1/sessions/a/$what" "${other[@]}"
		answered 404 not_found
	done
	ask DELETE /v1/sessions/a "${other[@]}"
	answered 404 not_found
	shell a 'true' -H 'Skillbox-Owner: mine'
	answered 200 ok
}

@test "a caller may say for whom only where the policy lets him" {
	serve
	ask POST /v1/sessions \
		-d '{"name": "a", "skill": "t-serve-s", "owner": "other"}'
	answered 403 denied
	ask GET /v1/sessions -H 'Skillbox-Owner: other'
	answered 403 denied
	[ -z "$(containers_of t-serve-s)" ]
}

@test "a caller gets no more than the manifest asks for" {
	serve
	for members in '"network": "bridge"' '"network": "host"' \
		'"volumes": ["/etc:/x:ro"]' '"env": {"A": "b"}' \
		'"secrets": {"A": "0123456789"}'; do
		ask POST /v1/sessions -d "{\"name\": \"a\",
			\"skill\": \"t-serve-s\", \"config\": {$members}}"
		answered 403 denied
	done
	ask POST /v1/sessions -d '{"name": "a", "skill": "t-serve-s",
		"publish": [{"target": 80}]}'
	answered 403 denied
	holds '.error | contains("callers.publish")'
	ask POST /v1/sessions -d '{"name": "a", "skill": "t-serve-s",
		"image": "debian:12"}'
	[ "$code" = 403 ] || [ "$code" = 404 ]
	[ -z "$(containers_of t-serve-s)" ]
	create a '"config": {"memory": "1000g", "pids_limit": 30}'
	id=$(field .container)
	[ "$(docker inspect -f '{{.HostConfig.PidsLimit}}' "$id")" = 30 ]
	[ "$(docker inspect -f '{{.HostConfig.Memory}}' "$id")" -le $((256 << 20)) ]
	in_session a '{"command": ["true"], "config": {"env": {"A": "b"}}}'
	answered 200 denied
}

@test "sessions.most and sessions.ttl of the policy are kept to" {
	skillbox session create t-serve-most --skill t-serve-s
	policy <<-'YAML'
		sessions: {most: 2, ttl: 20s}
		callers: {owner: true}
	YAML
	serve
	# This user has those of other files, too.
	local owner='"owner": "t-most"'
	create a "$owner, \"ttl\": \"1h\""
	holds '.ttl_ms == 20000'
	create b "$owner, \"ttl\": \"10s\""
	holds '.ttl_ms == 10000'
	ask POST /v1/sessions \
		-d "{\"name\": \"c\", \"skill\": \"t-serve-s\", $owner}"
	answered 403 denied
	holds '.error | startswith("sessions.most: ")'
	ask DELETE /v1/sessions/a -H 'Skillbox-Owner: t-most'
	create c "$owner"
	policy <<<'sessions: {most: 1}'
	run -77 skillbox session create d --skill t-serve-s
	[[ $output = *'sessions.most: '* ]]
}

@test "many who create at once get no more than the policy lets them" {
	policy <<-'YAML'
		sessions: {most: 3}
		callers: {owner: true}
	YAML
	serve
	pids=()
	for i in 1 2 3 4 5 6; do
		curl -s --unix-socket "$socket" -o /dev/null \
			-d "{\"name\": \"s$i\", \"skill\": \"t-serve-s\",
				\"owner\": \"t-many\"}" \
			http://localhost/v1/sessions &
		pids+=($!)
	done
	wait "${pids[@]}"
	ask GET /v1/sessions -H 'Skillbox-Owner: t-many'
	holds '.sessions | length <= 3 and length > 0'
}

@test "they outlive the daemon, and its command line and it share them" {
	serve
	create a
	shell a 'echo x >y'
	stop_daemon
	run -0 skillbox session run a --format text -- cat /workspace/y
	[ "$output" = x ]
	serve
	shell a 'cat y'
	answered 200 ok
	skillbox session stop a
	shell a true
	answered 404 not_found
}

# web NAME: a program in it answers at port 8080 with its name
web() {
	in_session "$1" "$(jq -n --arg n "$1" '{detach: true, command: ["sh", "-c",
		"while :; do echo \($n) | nc -l -p 8080; done"]}')"
	answered 200 ok
}

# said PORT: what comes from there
said() {
	timeout 5 "$BASH" -c "exec 3<>/dev/tcp/127.0.0.1/$1; cat <&3" 2>/dev/null
}

is_said() {
	[ "$(said "$1")" = "$2" ]
}

# a port that nobody has at this moment
free_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

@test "a port without a network is reached while a daemon is there" {
	policy <<<'callers: {publish: [127.0.0.1]}'
	serve
	create a '"publish": [{"target": 8080}]'
	holds '.ports[0] | .target == 8080 and .host_ip == "127.0.0.1" and .forwarded'
	[ "$(docker inspect -f '{{.HostConfig.NetworkMode}}' "$(field .container)")" = none ]
	port=$(field '.ports[0].published')
	web a
	soon is_said "$port" a
	soon is_said "$port" a
	ask GET /v1/sessions/a
	holds ".ports[0].published == $port"
	# Nobody is there to forward it; the next daemon does.
	stop_daemon
	run said "$port"
	[ "$status" != 0 ]
	skillbox session list --format json >"$BATS_TEST_TMPDIR/list"
	jq -e '.[] | select(.skill == "t-serve-s") | .ports[0].forwarded | not' \
		"$BATS_TEST_TMPDIR/list"
	serve
	ports_are_there() {
		ask GET /v1/sessions/a
		holds '.ports[0].forwarded' >/dev/null
	}
	soon ports_are_there
	soon is_said "$(field '.ports[0].published')" a
}

@test "a daemon that was killed forwards nothing, and is not said to" {
	policy <<<'callers: {publish: [127.0.0.1]}'
	serve
	create a '"publish": [{"target": 8080}]'
	kill -KILL "$daemon"
	wait "$daemon" || :
	daemon=
	skillbox session status a --format json >"$BATS_TEST_TMPDIR/status"
	jq -e '.ports[0].forwarded | not' "$BATS_TEST_TMPDIR/status"
}

@test "a port is free again when its session has ended, however that was" {
	policy <<<'callers: {publish: [127.0.0.1]}'
	port=$(free_port)
	serve
	for end in http cli; do
		create a "\"publish\": [{\"target\": 8080, \"published\": $port}]"
		holds ".ports[0].published == $port"
		web a
		soon is_said "$port" a
		case $end in
		http) ask DELETE /v1/sessions/a ;;
		cli) skillbox session stop a ;;
		esac
	done
	create b "\"publish\": [{\"target\": 8080, \"published\": $port}]"
	web b
	soon is_said "$port" b
}

@test "a port that somebody else has is no session's" {
	policy <<<'callers: {publish: [127.0.0.1]}'
	serve
	create a '"publish": [{"target": 8080}]'
	port=$(field '.ports[0].published')
	ask POST /v1/sessions -d "{\"name\": \"b\", \"skill\": \"t-serve-s\",
		\"publish\": [{\"target\": 80, \"published\": $port}]}"
	answered 503 unavailable
	holds '.error | contains("cannot listen on 127.0.0.1:")'
	ask GET /v1/sessions
	holds '[.sessions[] | select(.skill == "t-serve-s") | .name] == ["a"]'
}

@test "who comes while it is paused is turned away; then it goes on" {
	policy <<<'callers: {publish: [127.0.0.1]}'
	serve
	create a '"publish": [{"target": 8080}]'
	port=$(field '.ports[0].published')
	web a
	soon is_said "$port" a
	ask POST /v1/sessions/a/pause
	answered 200
	run said "$port"
	[ -z "$output" ]
	# Nor can a daemon meet it that comes now, before it goes on.
	stop_daemon
	serve
	ask POST /v1/sessions/a/resume
	ask GET /v1/sessions/a
	soon is_said "$(field '.ports[0].published')" a
}

@test "files go in and come out as a tar" {
	local where=$BATS_TEST_TMPDIR/files
	serve
	create a
	mkdir -p "$where/in/sub" "$where/out"
	echo one >"$where/in/a.txt"
	head -c 300000 /dev/urandom >"$where/in/sub/b"
	ln -s a.txt "$where/in/link"
	ln -s /etc/passwd "$where/in/away"
	tar -C "$where/in" -cf "$where/in.tar" .
	ask PUT '/v1/sessions/a/files?path=.' --data-binary @"$where/in.tar" \
		-H 'Content-Type: application/x-tar'
	answered 200
	holds '.files == 2 and .bytes == 300004 and
		(.left_out | length == 1 and (.[0] | test("away")))'
	shell a 'cat link; wc -c <sub/b; ls away 2>&1'
	holds '.output | startswith("one\n300000\n")'
	curl -sf --unix-socket "$socket" \
		'http://localhost/v1/sessions/a/files?path=sub' |
		tar -C "$where/out" -xf -
	cmp "$where/in/sub/b" "$where/out/sub/b"
	ask GET '/v1/sessions/a/files?path=nowhere'
	answered 400
	holds '.error | test("nowhere")'
	ask PUT '/v1/sessions/a/files?path=.' --data-binary 'no tar' \
		-H 'Content-Type: application/x-tar'
	answered 400
	ask GET '/v1/sessions/b/files?path=.'
	answered 404
	ask DELETE /v1/sessions/a
	answered 200
}
