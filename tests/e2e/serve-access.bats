#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Who may ask the daemon, and where: its socket, TCP, systemd's; owners.

load helper

setup_file() {
	prepare
	fixture t-access <<'YAML'
  echo: {command: [cat], warm_pool: {max: 0}}
  waits: {command: [sleep, '300'], timeout: 5m, warm_pool: {max: 0}}
  secret: {command: [sh, -c, 'test "$S" = correct-horse && echo got it'], output: text, secrets: [{name: S}], warm_pool: {max: 0}}
YAML
	skillbox build t-access >/dev/null 2>&1
}

teardown() {
	stop_daemon
	gone t-access
}

run_path=/v1/skills/t-access/actions

@test "the socket is its user's alone, whatever the umask" {
	umask 0
	serve
	[ "$(stat -c '%a %u' "$socket")" = "600 $(id -u)" ]
}

@test "another user is told nothing, even where the socket lets him in" {
	serve
	chmod 666 "$socket"
	chmod 711 "$BATS_TEST_TMPDIR" "${socket%/*}"
	for up in "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR/.."; do
		chmod a+x "$up"
	done
	for path in /healthz /v1/runs /v1/skills /metrics /v1/pool; do
		run -0 setpriv --reuid=65534 --regid=65534 --clear-groups \
			curl -s -w '\n%{http_code}' --unix-socket "$socket" \
			"http://localhost$path"
		[ "${lines[1]}" = 403 ]
		jq -e '.outcome == "denied"' <<<"${lines[0]}"
	done
	run -0 setpriv --reuid=65534 --regid=65534 --clear-groups \
		curl -s -w '\n%{http_code}' --unix-socket "$socket" -d '{}' \
		"http://localhost$run_path/echo"
	[ "${lines[1]}" = 403 ]
}

@test "a socket that nobody listens at is replaced, no other" {
	serve
	first=$daemon
	run -78 skillbox serve --socket "$socket"
	[[ $output = *'another daemon does'* ]]
	kill -KILL "$daemon"
	wait "$daemon" || :
	[ -S "$socket" ]
	env --default-signal=INT "$program" --skills "$skills:$top/skills" serve \
		--socket "$socket" >"$BATS_TEST_TMPDIR/again" 2>&1 3>&- &
	daemon=$!
	soon grep -q 'listening at' "$BATS_TEST_TMPDIR/again"
	ask GET /healthz
	answered 200
	stop_daemon
	[ ! -e "$socket" ]
	echo precious >"$socket"
	run -78 skillbox serve --socket "$socket"
	[ "$(cat "$socket")" = precious ]
}

@test "a socket that is another daemon's by now is left to that" {
	serve
	rm "$socket"
	/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$socket"
	stop_daemon
	[ -S "$socket" ]
}

# over_tcp [CURL-OPTION...]: GET /healthz; sets $code and $record
over_tcp() {
	code=$(curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' \
		-D "$BATS_TEST_TMPDIR/headers" "$@" "http://$address/healthz") || :
	record=$(cat "$BATS_TEST_TMPDIR/body")
	headers=$BATS_TEST_TMPDIR/headers
}

@test "TCP takes a token, and its own name" {
	echo correct-horse-battery >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	serve --listen 127.0.0.1:0 --token-file "$BATS_TEST_TMPDIR/token" \
		--allow-host skillbox.example
	address=$(sed -n 's|.*listening at http://||p' "$daemon_log")
	right='Authorization: Bearer correct-horse-battery'
	over_tcp
	answered 401 denied
	grep -qix $'www-authenticate: bearer\r' "$headers"
	for wrong in correct-horse-batter correct-horse-batteryx x ''; do
		over_tcp -H "Authorization: Bearer $wrong"
		answered 401 denied
	done
	over_tcp -H 'Authorization: Basic correct-horse-battery'
	answered 401 denied
	over_tcp -H "$right"
	answered 200
	over_tcp -H "$right" -H "Host: localhost:${address##*:}"
	answered 200
	over_tcp -H "$right" -H 'Host: skillbox.example'
	answered 200
	# A name that was made to point here, and somebody's page.
	for host in evil.example "evil.example:${address##*:}" 127.0.0.1:1 ''; do
		over_tcp -H "$right" -H "Host: $host"
		[ "$code" = 403 ] || [ "$code" = 400 ]
	done
	over_tcp -H "$right" -H 'Origin: http://evil.example'
	answered 403 denied
	over_tcp -H "$right" -H 'Origin: null'
	answered 403 denied
	over_tcp -H "$right" -H "Origin: http://$address"
	answered 200
	# What it runs is not this user's.
	record=$(curl -s -H "$right" -d '{}' "http://$address$run_path/echo")
	holds '.owner == "tcp" and .outcome == "ok"'
}

@test "no TCP without a token that is kept to oneself" {
	run -64 skillbox serve --listen 127.0.0.1:0
	token=$BATS_TEST_TMPDIR/token
	echo correct-horse-battery >"$token"
	chmod 640 "$token"
	for where in localhost:80 :80 127.0.0.1 '::1:80' 127.0.0.1:99999; do
		chmod 600 "$token"
		run -65 skillbox serve --socket "$BATS_TEST_TMPDIR/s" \
			--listen "$where" --token-file "$token"
	done
	chmod 640 "$token"
	run -78 skillbox serve --socket "$BATS_TEST_TMPDIR/s" \
		--listen 127.0.0.1:0 --token-file "$token"
	[[ $output = *'others can read it'* ]]
	chmod 600 "$token"
	echo short >"$token"
	run -78 skillbox serve --socket "$BATS_TEST_TMPDIR/s" \
		--listen 127.0.0.1:0 --token-file "$token"
	[ ! -e "$BATS_TEST_TMPDIR/s" ]
}

@test "systemd's socket is taken over, and systemd told" {
	socket=$BATS_TEST_TMPDIR/given
	states=$BATS_TEST_TMPDIR/states
	"$top/tests/fixtures/activate.py" "$socket" "$states" "$program" \
		--skills "$skills:$top/skills" serve \
		>"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	daemon=$!
	daemon_log=$BATS_TEST_TMPDIR/log
	soon grep -qsx READY=1 "$states"
	ask GET /healthz
	answered 200
	stop_daemon
	grep -qx STOPPING=1 "$states"
	# It is not ours to remove.
	[ -S "$socket" ]
}

@test "an owner finds his own runs only" {
	policy <<'YAML'
callers: {owner: true}
YAML
	serve
	for owner in anna berta; do
		ask POST /v1/runs -H 'Prefer: respond-async' -d '{"skill":
			"t-access", "action": "waits", "run_id": "same", "owner":
			"'$owner'"}'
		answered 202
		holds '.owner == $o and (.state == "running" or .state == "queued")' \
			--arg o $owner
	done
	ask GET /v1/runs -H 'Skillbox-Owner: anna'
	holds '.runs | map(.owner) == ["anna"]'
	ask GET /v1/runs
	holds '.runs == []'
	ask GET /v1/runs/same
	answered 404 not_found
	ask DELETE /v1/runs/same
	answered 404 not_found
	ask DELETE /v1/runs/same -H 'Skillbox-Owner: anna'
	# Unless it was over before there was an answer.
	[ "$code" = 202 ] || answered 200 cancelled
	ask GET '/v1/runs/same?wait=30s' -H 'Skillbox-Owner: anna'
	answered 200 cancelled
	ask GET /v1/runs/same -H 'Skillbox-Owner: berta'
	answered 202
	ask DELETE /v1/runs/same -H 'Skillbox-Owner: berta'
	# Unless it was over before there was an answer.
	[ "$code" = 202 ] || answered 200 cancelled
	ask GET '/v1/runs/same?wait=30s' -H 'Skillbox-Owner: berta'
	answered 200 cancelled
}

@test "a caller gives secrets only where the policy lets him" {
	serve
	body='{"skill": "t-access", "action": "secret", "config":
		{"secrets": {"S": "correct-horse"}}}'
	ask POST /v1/runs -d "$body"
	answered 403 denied
	holds '.error | contains("callers.secrets")'
	stop_daemon
	policy <<'YAML'
callers: {secrets: true}
YAML
	serve
	ask POST /v1/runs -d "$body"
	answered 200 ok
	holds '.output == "got it\n"'
	run ! grep -q correct-horse "$daemon_log"
}

@test "the units for systemd are what it takes" {
	mkdir "$BATS_TEST_TMPDIR/units"
	sed "s|/usr/local/bin/skillbox|$program|" \
		"$top/manifests/systemd/skillbox.service" \
		>"$BATS_TEST_TMPDIR/units/skillbox.service"
	cp "$top/manifests/systemd/skillbox.socket" "$BATS_TEST_TMPDIR/units/"
	run -0 systemd-analyze verify "$BATS_TEST_TMPDIR"/units/skillbox.*
	[ -z "$output" ]
}
