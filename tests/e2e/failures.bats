#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An engine, or a runner, that fails while an action runs: the record comes,
# says what it was, and nothing goes on running.  On an engine of its own,
# which no other test minds to lose.

load helper

setup_file() {
	dir=$BATS_FILE_TMPDIR/engine
	export SBX_TEST_ENGINE=$dir
	"$harness/engine" start "$dir"
	DOCKER_HOST=$("$harness/engine" url "$dir")
	export DOCKER_HOST
	prepare
	# A number of its own: other engines may run the same tests.
	export snooze=7$((BASHPID % 100000 + 100000))
	fixture t-failures <<YAML
  says: {command: [cat]}
  waits: {command: [sleep, '$snooze']}
  times_out: {command: [sleep, '$snooze'], timeout: 2s, stop_grace_period: 1s}
YAML
	skillbox build t-failures
}

teardown_file() {
	"$harness/engine" stop "$SBX_TEST_ENGINE"
}

daemon() {
	"$harness/engine" pid "$SBX_TEST_ENGINE"
}

# The program outside of the engine, which may not answer.
is_over() {
	! pgrep -f "^sleep $snooze\$" >/dev/null
}

# in_volume SCRIPT: by hand, where the engine keeps init
in_volume() {
	nsenter -t "$(daemon)" -m sh -c "cd '$(docker volume inspect \
		-f '{{.Mountpoint}}' "$(docker volume ls -q \
		--filter label=io.skillbox.init)")' && $1"
}

@test "the first runs of an engine may be several" {
	[ -z "$(docker volume ls -q)" ]
	for i in 1 2 3; do
		skillbox run t-failures says "$i" \
			>"$BATS_TEST_TMPDIR/record$i" 3>&- &
	done
	wait
	jq -es 'map(.output) == ["1", "2", "3"] and all(.status == 0)' \
		"$BATS_TEST_TMPDIR"/record[1-3]
	gone t-failures
	[ "$(docker volume ls -q | wc -l)" -eq 1 ]
}

@test "an init that was damaged is put back" {
	for damage in ': >init' 'rm init' 'chmod 600 init' \
		'head -c 9999 init >half && mv half init && chmod 111 init' \
		'rm init && echo "#!/bin/sh" >init && chmod 755 init' \
		'cp /bin/cat init' 'rm init && mkdir init'; do
		echo "$damage"
		in_volume "$damage"
		act t-failures says 1
		ended ok 0
	done
}

@test "a runner that was stopped too long says so" {
	begin t-failures waits
	kill -STOP "$runner"
	sleep 11
	soon is_over
	kill -CONT "$runner"
	finish
	ended sandbox_failed 70
	holds '.error | test("stopped for 1[0-9] s")'
	gone t-failures
}

# init cannot obey: the engine has to.
@test "a sandbox that is frozen is killed when its time is over" {
	begin t-failures times_out
	docker pause "$container"
	finish
	ended timeout 124
	holds '.started_at != null and .duration_ms < 20000'
	gone t-failures
	is_over
}

@test "an engine that hangs holds up nothing for long" {
	begin t-failures times_out
	kill -STOP "$(daemon)"
	began=$SECONDS
	finish
	kill -CONT "$(daemon)"
	ended unavailable 69
	[ $((SECONDS - began)) -lt 30 ]
	is_over
	holds '.started_at != null'
	gone t-failures
}

@test "an engine that is killed is unavailable, and the action ends" {
	begin t-failures waits
	kill -9 "$(daemon)"
	finish
	ended unavailable 69
	holds '.started_at != null and .duration_ms < 20000'
	sleep 8
	soon is_over
	# And of the container nothing is left when it is there again.
	"$harness/engine" start "$SBX_TEST_ENGINE"
	gone t-failures
}
