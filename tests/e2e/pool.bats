#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sandboxes that wait for their request, under a daemon on a real engine.

load helper

setup_file() {
	prepare
	fixture t-pool <<'YAML'
  once:
    output: json
    command: [sh, -c, '[ ! -e /tmp/mark ] && touch /tmp/mark && exec cat']
  env:
    command: [sh, -c, 'read -r x; env; ls /run/secrets 2>/dev/null || :']
    output: text
    warm_pool: {min: 1, start: program}
  again:
    command: [sh, -c, 'read -r x; ls -A /tmp; touch /tmp/mark; readlink /proc/self/ns/pid; kill "-$x" $$ || exit "$x"']
    output: text
    reuse: reset
    warm_pool: {max: 1}
  exits:
    command: [sh, -c, 'exit 3']
    warm_pool: {start: program}
  late:
    command: [sh, -c, 'read -r x; echo "$x" >>/data/log; echo "$x"']
    volumes: ['late:/data:rw']
  early:
    command: [sh, -c, 'read -r x; echo "$x" >>/data/log; echo "$x"']
    volumes: ['early:/data:rw']
    warm_pool: {start: program}
  late_log:
    command: [cat, /data/log]
    output: text
    volumes: ['late:/data:ro']
    warm_pool: {max: 0}
  early_log:
    command: [cat, /data/log]
    output: text
    volumes: ['early:/data:ro']
    warm_pool: {max: 0}
YAML
	skillbox build t-pool >/dev/null 2>&1
	serve
	printf '%s\n%s\n' "$daemon" "$socket" >"$BATS_FILE_TMPDIR/shared"
}

setup() {
	{ read -r shared && read -r socket; } <"$BATS_FILE_TMPDIR/shared"
	daemon=
}

teardown() {
	stop_daemon
}

teardown_file() {
	read -r daemon <"$BATS_FILE_TMPDIR/shared"
	kill -TERM "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
	# What waited ends with its daemon.
	gone t-pool 1
	remove_volumes t-pool
}

# of ACTION FILTER: of what the daemon tells of its stock, for jq -e
of() {
	curl -s --unix-socket "$socket" http://localhost/v1/pool |
		jq -e --arg action "$1" \
			".pools[] | select(.action == \$action) | $2" >/dev/null
}

# request SKILL ACTION [INPUT]: ends well
request() {
	ask POST "/v1/skills/$1/actions/$2" -d "${3-{\}}"
	answered 200 ok
}

@test "the next request finds a sandbox that waits, and each serves once" {
	request t-pool once 1
	for i in 2 3 4; do
		soon of once '.waiting > 0'
		request t-pool once "$i"
		holds '.start == "warm" and .output == $i' --argjson i "$i"
		# What it did not cost is not there.
		holds '.stages_ms | (has("create") or has("start")) | not'
		holds '.stages_ms | has("wait")'
	done
	of once '.takes.warm >= 3 and .takes.dead == 0'
}

@test "what always waits does so before anybody asks, and its program runs" {
	soon of env '.waiting > 0 and .start == "program" and .late == null'
	request t-pool env
	holds '.start == "warm"'
	holds '.output | test("SKILL_ACTION=env") and
		(test("SKILL_RUN_ID") | not)'
}

@test "a program that does not wait is started late, and that is told" {
	ask POST /v1/skills/t-pool/actions/exits
	answered 200 failed
	soon of exits '.late != null and .waiting > 0'
	ask POST /v1/skills/t-pool/actions/exits
	answered 200 failed
	holds '.start == "warm" and .status == 3'
}

# again INPUT OUTCOME: sets $box, the sandbox it was in
again() {
	ask POST /v1/skills/t-pool/actions/again -d "$1"
	answered 200 "$2"
	box=$(field .output)
	# One line: there was nothing in /tmp.
	grep -qx 'pid:\[[0-9]*\]' <<<"$box"
	[ "$(wc -l <<<"$box")" = 1 ]
}

@test "after a reset it is the same sandbox, and as good as new" {
	again 0 ok
	first=$box
	for status in 0 100 0; do
		again $status "$([ $status = 0 ] && echo ok || echo failed)"
		holds '.start == "reused" and .status == $s' --argjson s $status
		[ "$box" = "$first" ]
	done
	# What did not come to its end by itself is not trusted.
	again 9 signaled
	[ "$box" = "$first" ]
	again 0 ok
	holds '.start != "reused"'
}

@test "sandboxes killed at every step of a request: no effect is there twice" {
	for action in late early; do
		request t-pool "$action" '"first"'
		"$top/tests/fixtures/kill_waiting.py" "$socket" t-pool \
			"$action" 10 0.6 >"$BATS_TEST_TMPDIR/$action"
		cat "$BATS_TEST_TMPDIR/$action"
		request t-pool "${action}_log"
		field .output >"$BATS_TEST_TMPDIR/log"
		# Some were hit in time, and some came through.
		grep -q '"outcome": "ok"' "$BATS_TEST_TMPDIR/$action"
		of "$action" '.takes.dead > 0'
		while read -r line; do
			record=$line
			n=$(grep -cx "$(field .number)" \
				"$BATS_TEST_TMPDIR/log") || :
			echo "$n of $line"
			[ "$n" -le 1 ]
			[ "$(field .outcome)" != ok ] || [ "$n" = 1 ]
			[ "$(field .started_at)" != null ] || [ "$n" = 0 ]
		done <"$BATS_TEST_TMPDIR/$action"
	done
}

@test "64 at once: all are answered, and then there are some again" {
	request t-pool once 0
	for i in $(seq 64); do
		curl -s --unix-socket "$socket" -d "$i" -m $((60 * slower)) \
			http://localhost/v1/skills/t-pool/actions/once \
			>"$BATS_TEST_TMPDIR/burst.$i" 3>&- &
	done
	wait
	cat "$BATS_TEST_TMPDIR"/burst.* | jq -c 'select(.outcome != "ok")'
	cat "$BATS_TEST_TMPDIR"/burst.* | jq -es '
		length == 64 and all(.outcome == "ok") and
		([.[].output] | sort) == [range(1; 65)]'
	soon of once '.waiting > 0 and .busy == 0'
}

# answers TEXT [ACTION]: it is one of the new ones
answers() {
	ask POST "/v1/skills/t-pool-change/actions/${2-run}"
	[ "$(field .output)" = "$1" ]
}

@test "what was started for what is no more so serves nobody" {
	policy <<<'exceptions: {}'
	change() {
		fixture t-pool-change <<YAML
  run:
    entrypoint: [sh, /app/run.sh]
    command: [$1]
    output: text
    secrets: [{name: KEY}]
    warm_pool: {min: 1, start: program}
YAML
	}
	ready() {
		soon of run '.waiting > 0'
	}
	printf '%s\n' 'FROM skillbox/busybox' 'COPY run.sh /app/' \
		>"$BATS_TEST_TMPDIR/Dockerfile"
	change one
	mv "$BATS_TEST_TMPDIR/Dockerfile" "$skills/t-pool-change/"
	printf '%s' 'read -r x; printf %s "A$1$(printf %s "$KEY" | wc -c)"' \
		>"$skills/t-pool-change/run.sh"
	export SKILLBOX_KEYS=$BATS_TEST_TMPDIR/keys
	mkdir -m 700 "$SKILLBOX_KEYS"
	skillbox secret keygen >/dev/null
	printf aaaaaaaa | skillbox secret set t-pool-change KEY
	serve
	soon answers Aone8
	ready

	# The manifest: at once.
	change two
	answers Atwo8
	ready
	# The sources, and secrets: within a second.
	sed -i s/A/B/ "$skills/t-pool-change/run.sh"
	soon answers Btwo8
	ready
	printf aaaaaaaaa | skillbox secret set t-pool-change KEY
	soon answers Btwo9
	ready
	# The policy: at once.
	policy <<<'exceptions: {t-pool-change: {enabled: false}}'
	ask POST /v1/skills/t-pool-change/actions/run
	answered 200 denied
	soon gone t-pool-change
	stop_daemon
	gone t-pool-change 1
}

@test "one that is killed while it waits is replaced" {
	request t-pool once 0
	# One that is being started would be killed as well, and found out later;
	# that of the first request may end by itself meanwhile.
	soon of once '.waiting > 0 and .starting == 0'
	for id in $(containers_of t-pool running); do
		docker kill "$id" >/dev/null 2>&1 || [ -z "$(docker ps -q -f "id=$id")" ]
	done
	# Which of those that wait are dead is found out at the latest when one is
	# taken; then there are others.
	request t-pool once 7
	holds '.output == 7'
	start=cold
	for number in 8 9 10; do
		[ "$start" = warm ] || {
			soon of once '.waiting > 0'
			request t-pool once $number
			holds ".output == $number"
			start=$(jq -r .start <<<"$record")
		}
	done
	[ "$start" = warm ]
}

@test "a daemon that is there before its engine has all there is later" {
	fixture t-pool-later <<<'  idle: {command: [cat], warm_pool: {min: 1}}'
	skillbox build t-pool-later >/dev/null 2>&1
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/engine serve
	soon grep -q 'until the engine is there' "$daemon_log"
	ask GET /healthz
	answered 200
	ask GET /readyz
	answered 503 unavailable
	ask POST /v1/skills/t-pool-later/actions/idle
	answered 200 unavailable
	holds '.started_at == null'
	"$harness/fault_proxy.py" "$BATS_TEST_TMPDIR/engine" \
		"${DOCKER_HOST#unix://}" 3>&- &
	proxy=$!
	soon grep -q 'the engine is there$' "$daemon_log"
	ask GET /readyz
	answered 200
	soon of idle '.waiting == 1'
	request t-pool-later idle
	holds '.start == "warm"'
	stop_daemon
	kill "$proxy"
	gone t-pool-later 1
}

@test "a skills directory that comes later is looked into" {
	later=$BATS_TEST_TMPDIR/later
	fixtures=$later serve
	grep -q "there is no skills directory $later yet" "$daemon_log"
	ask POST /v1/skills/t-pool-dir/actions/idle
	answered 404 not_found
	skills=$later fixture t-pool-dir <<<'  idle: {command: [cat], warm_pool: {min: 1}}'
	# At once, for who asks.
	request t-pool-dir idle
	curl -s --unix-socket "$socket" http://localhost/v1/skills |
		jq -e '.skills | any(.name == "t-pool-dir")'
	# And what waits unasked, when it is told.
	skills=$later fixture t-pool-dir-too <<<'  too: {command: [cat], warm_pool: {min: 1}}'
	kill -HUP "$daemon"
	for _ in $(seq $((30 * slower))); do
		! of too '.waiting == 1' || break
		sleep 1
	done
	of too '.waiting == 1'
	stop_daemon
	gone t-pool-dir 1
	gone t-pool-dir-too 1
}

@test "nothing waits any more when the daemon was killed" {
	fixture t-pool-killed <<<'  idle: {command: [cat], warm_pool: {min: 2}}'
	skillbox build t-pool-killed >/dev/null 2>&1
	serve
	soon of idle '.waiting == 2'
	kill -KILL "$daemon"
	wait "$daemon" || :
	daemon=
	gone t-pool-killed 15
}
