#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Runs that are watched while they go on or asked for later, and metrics.

load helper

setup_file() {
	prepare
	fixture t-later <<'YAML'
  takes: {command: [sleep, '2'], timeout: 1m, warm_pool: {max: 0}}
  waits: {command: [sleep, '300'], timeout: 5m, warm_pool: {max: 0}}
  fails: {command: [sh, -c, 'exit 3'], warm_pool: {max: 0}}
  traced: {command: [sh, -c, 'echo "$TRACEPARENT"'], output: text, warm_pool: {max: 0}}
  speaks:
    command: [sh, -c, 'echo one; echo two >&2; echo "::progress::{\"progress\":1,\"total\":4,\"message\":\"m\"}" >&2; cat']
    output: text
    warm_pool: {max: 0}
  speaks_much: {command: [sh, -c, 'yes | head -c 600000'], output: text, warm_pool: {max: 0}}
  goes_on: {command: [sh, -c, 'yes | head -c 4000000'], output_limit: 8m, output: text, warm_pool: {max: 0}}
  floods: {command: [sh, -c, 'yes | head -c 4000000; sleep 300'], timeout: 5m, output_limit: 8m, output: text, warm_pool: {max: 0}}
YAML
	serve
	printf '%s\n%s\n' "$daemon" "$socket" >"$BATS_FILE_TMPDIR/shared"
	skillbox build t-later >/dev/null 2>&1
}

setup() {
	{ read -r shared && read -r socket; } <"$BATS_FILE_TMPDIR/shared"
	daemon=
}

teardown() {
	exec 9>&-
	stop_daemon
	gone t-later
}

teardown_file() {
	read -r daemon <"$BATS_FILE_TMPDIR/shared"
	kill -TERM "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
}

run_path=/v1/skills/t-later/actions

# state_of ID: of that run
state_of() {
	ask GET "/v1/runs/$1"
	field .state
}

@test "a run may be asked for, watched, and fetched when it is over" {
	ask POST $run_path/takes -H 'Prefer: respond-async' \
		-H 'Idempotency-Key: later-1' -d '{}'
	answered 202
	grep -qix $'location: /v1/runs/later-1\r' "$headers"
	ask GET /v1/runs
	holds '.runs | map(select(.run_id == "later-1")) | length == 1'
	ask GET '/v1/runs/later-1?wait=100ms'
	answered 202
	ask GET '/v1/runs/later-1?wait=30s'
	answered 200 ok
	holds '.run_id == "later-1" and .action == "takes"'
	ask GET /v1/runs
	holds '.runs[] | select(.run_id == "later-1") | .state == "done" and .outcome == "ok"'
	# Nobody goes on waiting for what nobody asked to be kept.
	ask POST $run_path/fails
	ask GET "/v1/runs/$(field .run_id)"
	answered 404 not_found
}

@test "a run that others wait for outlives its first client" {
	body='{"skill": "t-later", "action": "takes", "run_id": "shared"}'
	for name in first second; do
		curl -s --unix-socket "$socket" -d "$body" http://localhost/v1/runs \
			-o "$BATS_TEST_TMPDIR/$name" 3>&- &
		[ $name = second ] || {
			first=$!
			soon is_running shared
		}
	done
	second=$!
	soon is_shared shared
	kill "$first"
	wait "$second"
	jq -e '.outcome == "ok"' "$BATS_TEST_TMPDIR/second"
}

is_running() {
	[ "$(state_of "$1")" = running ]
}

is_shared() {
	ask GET "/v1/runs/$1"
	[ "$(field .waiting)" = 1 ]
}

@test "a run that never began may be begun again" {
	serve --concurrency 1 --queue 0
	ask POST $run_path/waits -H 'Prefer: respond-async' \
		-H 'Idempotency-Key: first' -d '{}'
	answered 202
	ask POST $run_path/fails -H 'Idempotency-Key: again' -d '{}'
	answered 429 busy
	ask DELETE /v1/runs/first
	ask GET '/v1/runs/first?wait=30s'
	answered 200 cancelled
	ask POST $run_path/fails -H 'Idempotency-Key: again' -d '{}'
	answered 200 failed
}

@test "events come as JSON lines" {
	ask POST $run_path/speaks -H 'Accept: application/x-ndjson' -d '{"a": 1}'
	[ "$code" = 200 ]
	grep -qix $'content-type: application/x-ndjson\r' "$headers"
	jq -es '
		(map(.event) | .[0] == "started" and .[-1] == "record") and
		.[0].data.start == "cold" and
		(map(select(.event == "stdout").data.text) | add) ==
			"one\n{\"a\": 1}" and
		(map(select(.event == "stderr").data.text) | add) == "two\n" and
		map(select(.event == "progress").data) ==
			[{progress: 1, total: 4, message: "m"}] and
		(.[-1].data | .status == 0 and .output == "one\n{\"a\": 1}")' \
		<<<"$record"
}

@test "events come as a stream for browsers" {
	ask POST $run_path/speaks -H 'Accept: text/event-stream' -d '{"a": 1}'
	grep -qix $'content-type: text/event-stream\r' "$headers"
	[ "$(sed -n 's/^event: //p' <<<"$record" | sed -n '1p;$p' | xargs)" = \
		'started record' ]
	sed -n 's/^data: //p' <<<"$record" | tail -1 | jq -e '.status == 0'
	# Each is one line, and an empty one behind it.
	run ! grep -vE '^(event: [a-z]+|data: \{.*\}|:|)$' <<<"$record"
}

@test "a client that stops listening to events cancels the run" {
	curl -sN --unix-socket "$socket" -H 'Accept: application/x-ndjson' \
		-H 'Idempotency-Key: left' -d '{}' "http://localhost$run_path/floods" \
		-o "$BATS_TEST_TMPDIR/events" 3>&- &
	soon grep -qs stdout "$BATS_TEST_TMPDIR/events"
	kill $!
	ask GET '/v1/runs/left?wait=30s'
	answered 200 cancelled
}

# to_build NAME LINE: a skill whose image nobody has made yet
to_build() {
	mkdir -p "$skills/$1"
	printf '%s\n' 'FROM skillbox/busybox' "RUN echo $RANDOM$RANDOM; $2" \
		>"$skills/$1/Dockerfile"
	fixture "$1" <<<'  runs: {command: [cat], warm_pool: {max: 0}}'
}

@test "a build tells what it does, and the answer comes last" {
	to_build t-later-build 'echo of the build'
	ask POST /v1/skills/t-later-build/build -H 'Accept: application/x-ndjson'
	[ "$code" = 200 ]
	grep -qix $'content-type: application/x-ndjson\r' "$headers"
	jq -es '(.[:-1] | length > 0 and all(.event == "build") and
			any(.data.line | contains("of the build"))) and
		(.[-1] | .event == "answer" and .data.status == 0 and
			.data.output.built and
			(.data | keys_unsorted[:3] == ["status", "output", "error"]))' \
		<<<"$record"
	image=$(jq -rs '.[-1].data.output.image' <<<"$record")
	# There is nothing more to tell.
	ask POST /v1/skills/t-later-build/build -H 'Accept: text/event-stream'
	grep -qix $'content-type: text/event-stream\r' "$headers"
	[ "$(sed -n 's/^event: //p' <<<"$record" | tail -1)" = answer ]
	sed -n 's/^data: //p' <<<"$record" | tail -1 |
		jq -e --arg image "$image" '.output.image == $image and
			(.output.built | not)'
	# One that fails says so in the end.
	to_build t-later-build 'echo no good >&2; exit 1'
	ask POST /v1/skills/t-later-build/build -H 'Accept: application/x-ndjson'
	jq -es '.[-1] | .event == "answer" and .data.outcome == "build_failed" and
		.data.status != 0 and .data.output == null' <<<"$record"
	ask POST /v1/skills/t-none/build -H 'Accept: application/x-ndjson'
	answered 404 not_found
}

@test "a build is of all images, and each action tells of its own" {
	to_build t-later-build true
	fixture t-later-build <<'YAML'
  runs: {command: [cat], warm_pool: {max: 0}}
  own: {build: {args: {A: "1"}}, command: [cat], warm_pool: {max: 0}}
YAML
	ask GET /v1/skills/t-later-build
	holds '[.image, .actions.own.image | .ready] == [false, false] and
		(.actions.runs | has("image") | not)'
	ask POST /v1/skills/t-later-build/build
	answered 200 ok
	holds '.output | (.images | length) == 2 and
		.image == .images[0].image and all(.images[]; .built)'
	tags=$(jq -c '[.output.images[].tag]' <<<"$record")
	ask GET /v1/skills/t-later-build
	holds '[.image, .actions.own.image | .ready] == [true, true] and
		[.image.tag, .actions.own.image.tag] == $tags' \
		--argjson tags "$tags"
}

@test "a client that stops listening to a build ends it" {
	to_build t-later-long 'echo begun; sleep 300'
	serve
	curl -sN --unix-socket "$socket" -H 'Accept: application/x-ndjson' \
		-X POST http://localhost/v1/skills/t-later-long/build \
		-o "$BATS_TEST_TMPDIR/events" 3>&- &
	soon grep -qs begun "$BATS_TEST_TMPDIR/events"
	kill $!
	# Or it would wait for its end.
	SECONDS=0
	stop_daemon
	[ $SECONDS -lt $((30 * slower)) ]
}

# waits_for_lock PID: it has that file open
waits_for_lock() {
	find "/proc/$1/fd" -lname "$lock" 2>/dev/null | grep -q .
}

@test "whoever waits for another's build of the same image can be told to stop" {
	to_build t-later-lock true
	serve
	# Built and removed, so that its key is known.
	ask POST /v1/skills/t-later-lock/build
	answered 200 ok
	tag=$(field .output.tag)
	docker rmi "$tag" >/dev/null
	directory=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/skillbox}
	[ "$(id -u)" != 0 ] || directory=/run/skillbox
	directory=${directory:-/tmp/skillbox-$(id -u)}
	lock=$directory/image-${tag##*:}
	exec 9>"$lock"
	flock 9
	for way in DELETE hang-up; do
		curl -s --unix-socket "$socket" -m $((10 * slower)) \
			-H "Idempotency-Key: $way" -d '{}' \
			http://localhost/v1/skills/t-later-lock/actions/runs \
			-o "$BATS_TEST_TMPDIR/$way" 3>&- 9>&- &
		client=$!
		soon waits_for_lock "$daemon"
		if [ $way = DELETE ]; then
			ask DELETE /v1/runs/DELETE
			wait "$client"
			record=$(cat "$BATS_TEST_TMPDIR/$way")
			holds '.outcome == "cancelled" and .started_at == null'
		else
			kill "$client"
			soon is_cancelled hang-up
		fi
		soon lets_go "$daemon"
	done
	env --default-signal=INT "$program" --skills "$skills:$top/skills" \
		run --no-daemon t-later-lock runs '{}' \
		>"$BATS_TEST_TMPDIR/record" 2>"$BATS_TEST_TMPDIR/stderr" \
		3>&- 9>&- &
	runner=$!
	soon waits_for_lock "$runner"
	kill -INT "$runner"
	finish
	ended cancelled 130
	# Nor does it hold up the daemon's end.
	ask POST /v1/skills/t-later-lock/actions/runs \
		-H 'Prefer: respond-async' -d '{}'
	answered 202
	soon waits_for_lock "$daemon"
	kill -TERM "$daemon"
	soon grep -q 'waiting for what runs' "$daemon_log"
	SECONDS=0
	stop_daemon
	[ $SECONDS -lt $((5 * slower)) ]
	rm "$lock"
	exec 9>&-
}

lets_go() {
	! waits_for_lock "$1"
}

is_cancelled() {
	ask GET /v1/runs
	jq -e --arg id "$1" '.runs[] | select(.run_id == $id) |
		.outcome == "cancelled"' <<<"$record" >/dev/null
}

# Longer than init bears to hear nothing.
@test "a client that takes its time gets all there is" {
	# Without chunks: they are cut anywhere.
	printf 'POST %s HTTP/1.0\r\nAccept: application/x-ndjson\r\nContent-Length: 0\r\n\r\n' \
		$run_path/goes_on | "$top/tests/fixtures/http_raw.py" \
		"$socket" --pause 14 >"$BATS_TEST_TMPDIR/events"
	grep -o '{"event": "record".*' "$BATS_TEST_TMPDIR/events" |
		jq -e '.data | .outcome == "ok" and (.output | length) == 4000000'
}

@test "a client that takes nothing is left alone when its run is over" {
	serve --request-timeout 1s
	printf 'POST %s HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\nIdempotency-Key: deaf\r\nContent-Length: 0\r\n\r\n' \
		$run_path/speaks_much | "$top/tests/fixtures/http_raw.py" \
		"$socket" --pause $((60 * slower)) 3>&- &
	client=$!
	listed() {
		ask GET '/v1/runs/deaf?wait=30s'
		[ "$code" = 200 ]
	}
	soon listed
	answered 200 ok
	# Or it would wait for that client.
	SECONDS=0
	stop_daemon
	[ $SECONDS -lt $((30 * slower)) ]
	kill $client
}

@test "the memory for large outputs is given back" {
	program=$plain serve
	for _ in 1 2 3; do
		clients=
		for _ in $(seq 8); do
			curl -s --unix-socket "$socket" -X POST -o /dev/null \
				"http://localhost$run_path/goes_on" 3>&- &
			clients="$clients $!"
		done
		# shellcheck disable=SC2086 # words
		wait $clients
	done
	rss=$(awk '$1 == "VmRSS:" { print $2 }' "/proc/$daemon/status")
	echo "$rss KiB"
	[ "$rss" -lt 20000 ]
}

@test "a trace goes on in the action, if it is one" {
	trace=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
	ask POST $run_path/traced -H "traceparent: $trace"
	holds '.output == $t + "\n" and .traceparent == $t' --arg t $trace
	for wrong in "${trace%1}" "${trace/af/AF}" "01${trace#00}" \
		00-00000000000000000000000000000000-b7ad6b7169203331-01 \
		00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01; do
		ask POST $run_path/traced -H "traceparent: $wrong"
		answered 200 ok
		holds '.output == "\n" and (has("traceparent") | not)'
	done
}

# A list of 4000 is 1 MiB of text; as one tree of values, 7 MiB a client.
@test "a list of thousands of runs leaves no memory behind" {
	program=$plain serve
	run -0 /usr/bin/python3 "$top/tests/fixtures/list_runs.py" "$socket" \
		4000 8
	echo "$output KiB"
	[ "$output" -lt 12288 ]
}

@test "metrics are what Prometheus reads, and say what happened" {
	serve
	ask POST $run_path/fails
	ask POST $run_path/fails
	ask POST $run_path/none
	ask POST /v1/skills/t-none/actions/none-at-all
	ask GET /metrics
	answered 200
	grep -qi '^content-type: text/plain; version=0.0.4' "$headers"
	/usr/bin/python3 - "$BATS_TEST_TMPDIR/body" <<'PYTHON'
import sys
from prometheus_client.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = {family.name: family
                for family in text_string_to_metric_families(file.read())}


def value(family, name, **labels):
    found = [sample.value for sample in families[family].samples
             if sample.name == name and labels.items() <= sample.labels.items()]
    assert found, f"no {name} {labels}"
    return sum(found)


assert value("skillbox_runs", "skillbox_runs_total", skill="t-later",
             action="fails", outcome="failed", start="cold") == 2
assert value("skillbox_runs", "skillbox_runs_total", skill="", action="",
             outcome="not_found", start="none") == 1
for stage in "build", "create", "start", "action", "overhead", "total":
    least = 3 if stage == "total" else 2
    count = value("skillbox_stage_seconds", "skillbox_stage_seconds_count",
                  stage=stage)
    assert count == least, (stage, count)
    assert value("skillbox_stage_seconds", "skillbox_stage_seconds_bucket",
                 stage=stage, le="+Inf") == count
    assert value("skillbox_stage_seconds", "skillbox_stage_seconds_sum",
                 stage=stage) > 0
for state in "waiting", "starting", "busy":
    assert value("skillbox_sandboxes", "skillbox_sandboxes", state=state) == 0
assert value("skillbox_pool_takes", "skillbox_pool_takes_total",
             result="cold") == 2
assert value("skillbox_builds", "skillbox_builds_total", outcome="failed") == 0
assert value("skillbox_engine_calls", "skillbox_engine_calls_total") >= 6
assert value("process_resident_memory_bytes",
             "process_resident_memory_bytes") > 1 << 20
assert value("process_open_fds", "process_open_fds") > 5
assert not any("owner" in sample.labels for family in families.values()
               for sample in family.samples)
PYTHON
}
