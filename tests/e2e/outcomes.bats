#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Each way a run can end gives the outcome and status of `run --help`'s table,
# and leaves no container.

load helper

setup_file() {
	prepare
	mkdir -p "$skills/t-outcomes"
	echo 'no program' >"$BATS_FILE_TMPDIR/skills/t-outcomes/data"
	printf '%s\n' 'FROM skillbox/busybox' 'COPY data /app/data' \
		>"$skills/t-outcomes/Dockerfile"
	fixture t-outcomes <<'YAML'
  fine: {command: [sh, -c, 'cat; echo aside >&2']}
  exit_3: {command: [sh, -c, 'echo first >&2; echo "last words" >&2; exit 3']}
  exit_says: {command: [sh, -c, 'echo "{\"error\":{\"message\":\"said so\"}}"; echo noise >&2; exit 4']}
  exit_255: {command: [sh, -c, 'exit 255']}
  signal_9: {command: [sh, -c, 'kill -9 $$']}
  signal_15: {command: [sh, -c, 'kill -15 $$']}
  signal_11: {command: [sh, -c, 'kill -11 $$']}
  sleeps: {command: [sh, -c, 'echo before; sleep 60'], timeout: 1s}
  waits: {command: [sleep, '60']}
  stubborn: {command: [sh, -c, 'trap "" TERM; while :; do sleep 1; done'], timeout: 500ms, stop_grace_period: 1s}
  polite: {command: [sh, -c, 'trap "echo bye; exit 0" TERM; sleep 60 & wait'], timeout: 500ms}
  memory: {command: [dd, if=/dev/zero, of=/dev/null, bs=64M, count=1], mem_limit: 16m}
  memory_child: {command: [sh, -c, 'dd if=/dev/zero of=/dev/null bs=64M count=1; exit 5'], mem_limit: 16m}
  tmpfs_full: {command: [sh, -c, 'dd if=/dev/zero of=/tmp/x bs=1M count=100; exit 6'], mem_limit: 64m, tmpfs: ['/tmp:size=8m']}
  processes: {command: [sh, -c, 'for i in $(seq 40); do sleep 60 & done; echo all'], pids_limit: 10}
  flood: {command: ['yes'], output_limit: 64k}
  flood_stderr: {command: [sh, -c, 'exec yes >&2'], output_limit: 64k}
  missing: {command: [/no/such/program]}
  missing_in_path: {command: [nosuchprogram]}
  not_executable: {command: [/app/data]}
  directory: {command: [/app]}
  holds_stdout: {command: [sh, -c, 'sleep 60 & echo done']}
  closes_all: {command: [sh, -c, 'exec <&- >&- 2>&-; sleep 0.3; exit 7']}
  ignores_input: {command: ['true']}
  not_json: {command: [echo, 'no json'], output: json}
  two_json: {command: [echo, '{} {}'], output: json}
  no_json: {command: ['true'], output: json}
  small_input: {command: [cat], input_limit: 16}
YAML
	fixture t-denied <<'YAML'
  host_network: {command: ['true'], network: host}
  root: {command: ['true'], user: '0:0'}
  host_path: {command: ['true'], volumes: ['/srv:/srv:ro']}
YAML
	skillbox build t-outcomes
}

# The rest belongs to every run.
teardown() {
	gone t-outcomes
}

@test "exit 0 is ok" {
	act t-outcomes fine '{"a": [1, "é"]}'
	ended ok 0
	holds '.output == {"a": [1, "é"]} and .error == null'
	holds '.exit_code == 0 and .signal == null and .stderr == "aside\n"'
	holds '.skill == "t-outcomes" and .skill_version == "1.0.0"'
	holds '.action == "fine" and .start == "cold" and .run_id != null'
	holds '.image | startswith("sha256:")'
	holds '.started_at | test("^20[0-9-]+T[0-9:.]+Z$")'
	holds '.usage.max_rss_bytes > 0 and .usage.cpu_ms >= 0'
	holds '.duration_ms > 0 and .stages_ms.start > 0'
	holds '.truncated == {"output": false, "stderr": false}'
}

@test "exit 3 is failed, with the last line of stderr" {
	act t-outcomes exit_3
	ended failed 3
	holds '.error == "last words" and .exit_code == 3'
	holds '.stderr == "first\nlast words\n"'
}

@test "exit 4 is failed, with what stdout says about it" {
	act t-outcomes exit_says
	ended failed 4
	holds '.error == "said so"'
}

@test "exit 255 without a word is failed, and has an error all the same" {
	act t-outcomes exit_255
	ended failed 255
	holds '.error | length > 0'
}

@test "signals 9, 15 and 11 are signaled" {
	for number in 9 15 11; do
		act t-outcomes signal_$number
		ended signaled $((128 + number))
		holds ".signal == $number and .exit_code == null"
	done
}

@test "past the deadline is timeout, and keeps what was written" {
	act t-outcomes sleeps
	ended timeout 124
	holds '.output == "before\n" and within(5000)'
}

@test "--timeout is in place of the manifest's" {
	act t-outcomes waits --timeout 300ms
	ended timeout 124
	holds 'within(4000)'
}

@test "who ignores SIGTERM is killed after the grace period" {
	act t-outcomes stubborn
	ended timeout 124
	holds '.stages_ms.action >= 1500 and .stages_ms.action < 4000'
}

@test "who heeds SIGTERM has its last words kept" {
	act t-outcomes polite
	ended timeout 124
	holds '.output == "bye\n" and .stages_ms.action < 2000'
}

@test "past the memory limit is oom" {
	act t-outcomes memory
	ended oom 137
	holds '.error | test("memory")'
}

@test "a child past the memory limit is failed, and the error says so" {
	act t-outcomes memory_child
	ended failed 5
	holds '.error | test("memory")'
}

@test "a full tmpfs is the action's own business" {
	act t-outcomes tmpfs_full
	ended failed 6
	holds '.error | test("No space left")' ||
		holds '.stderr | test("No space left")'
}

@test "past the pids limit nothing can be started, and all ends at once" {
	act t-outcomes processes
	ended failed 2
	holds '.error | test("fork")'
	holds 'within(10000)'
}

@test "past the output limit is output_limit, and keeps what came before" {
	act t-outcomes flood
	ended output_limit 125
	holds '.truncated == {"output": true, "stderr": false}'
	holds '(.output | length) == 65536 and (.output | startswith("y\ny\n"))'
	act t-outcomes flood_stderr
	ended output_limit 125
	holds '.truncated == {"output": false, "stderr": true}'
	holds '(.stderr | length) == 65536'
}

@test "a command that is not there is exec_failed 127" {
	for action in missing missing_in_path; do
		act t-outcomes $action
		ended exec_failed 127
		holds '.error | test("program")'
	done
}

@test "a command that cannot be executed is exec_failed 126" {
	for action in not_executable directory; do
		act t-outcomes $action
		ended exec_failed 126
		holds '.error | test("/app")'
	done
}

@test "a child that holds stdout open does not hold up the answer" {
	act t-outcomes holds_stdout
	ended ok 0
	holds '.output == "done\n" and within(5000)'
}

@test "closing all descriptors is not the end" {
	act t-outcomes closes_all
	ended failed 7
}

@test "never reading the input is no error" {
	head -c 3000000 /dev/zero | tr '\0' x |
		jq -Rs '{text: .}' >"$BATS_TEST_TMPDIR/input"
	act t-outcomes ignores_input "@$BATS_TEST_TMPDIR/input"
	ended ok 0
}

@test "output that is not what was promised is bad_output" {
	for action in not_json two_json no_json; do
		act t-outcomes $action
		ended bad_output 65
		holds '.exit_code == 0 and (.error | length > 0)'
	done
}

@test "input that is no JSON, or too much, is invalid and never runs" {
	for input in 'no json' '{"a": 1' '' '{} {}' '{"a":1,"a":2}'; do
		act t-outcomes fine "$input"
		ended invalid 65
		holds '.started_at == null and .exit_code == null'
	done
	act t-outcomes small_input '{"text": "01234567"}'
	ended invalid 65
	holds '.error | test("16")'
}

@test "interrupting skillbox is cancelled" {
	begin t-outcomes waits
	kill -INT "$runner"
	finish
	ended cancelled 130
	begin t-outcomes waits
	kill -TERM "$runner"
	finish
	ended cancelled 130
}

@test "no such skill, no such action is not_found, with the nearest name" {
	act t-outcome fine
	ended not_found 66
	holds '.error | test("t-outcomes")'
	act t-outcomes fne
	ended not_found 66
	holds '.error | test("fine") and test("fne")'
	holds '.started_at == null'
}

@test "what the policy forbids is denied, by the rule's name" {
	act t-denied host_network
	ended denied 77
	holds '.error | test("skills.networks")'
	act t-denied root
	ended denied 77
	holds '.error | test("user.root")'
	act t-denied host_path
	ended denied 77
	holds '.error | test("skills.volumes")'
	holds '.started_at == null'
	[ -z "$(containers_of t-denied)" ]
}

@test "no engine is unavailable" {
	act t-outcomes fine --engine "unix://$BATS_TEST_TMPDIR/none.sock"
	ended unavailable 69
	holds '.started_at == null and (.error | test("none.sock"))'
}

@test "an engine's URL that is none is misconfigured" {
	for url in /run/docker.sock tcp://127.0.0.1:1 unix:// bogus; do
		act t-outcomes fine --engine "$url"
		ended misconfigured 78
		holds '.started_at == null'
	done
}

@test "something else at the engine's socket is unavailable, soon" {
	local socket=$BATS_TEST_TMPDIR/odd.sock
	for answer in '' 'garbage' $'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{' \
		$'HTTP/1.1 200 OK\r\n\r\nnot json'; do
		/usr/bin/python3 "$top/tests/fixtures/odd_server.py" "$socket" \
			"$answer" 3>&- &
		local server=$!
		soon test -S "$socket"
		act t-outcomes fine --engine "unix://$socket"
		kill $server
		rm -f "$socket"
		ended unavailable 69
		holds '.started_at == null and within(20000)'
	done
}
