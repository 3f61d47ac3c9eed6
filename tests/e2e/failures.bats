#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An engine, or a runner, that fails while an action runs: the record comes,
# says what it was, and nothing goes on running.  On an engine of its own,
# which no other test minds to lose.

load helper

setup_file() {
	own_engine
	prepare
	# A number of its own: other engines may run the same tests.
	export snooze=7$((BASHPID % 100000 + 100000))
	fixture t-failures <<YAML
  says: {command: [cat]}
  waits: {command: [sleep, '$snooze'], timeout: 5m}
  rests: {command: [sh, -c, 'sleep 6; echo rested']}
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

# begin_to ACTION: begins it, until its program is there
begin_to() {
	begin t-failures "$1"
	soon pgrep -f "^sleep $snooze\$"
}

# in_volume SCRIPT: by hand, where the engine keeps init
in_volume() {
	nsenter -t "$(daemon)" -m sh -c "cd '$(docker volume inspect \
		-f '{{.Mountpoint}}' "$(docker volume ls -q \
		--filter label=io.skillbox.init)")' && $1"
}

# Which of the calls of a run starts its container.
index_of_start() {
	"$harness/fault_proxy.py" --log "$BATS_TEST_TMPDIR/log" \
		"$BATS_TEST_TMPDIR/proxy" "${DOCKER_HOST#unix://}" 3>&- &
	soon test -S "$BATS_TEST_TMPDIR/proxy"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/proxy \
		skillbox run t-failures says 1 >/dev/null
	kill $!
	# Or begin takes it for its own.
	gone t-failures
	jq -s 'map(.call | endswith("/start")) | index(true)' \
		"$BATS_TEST_TMPDIR/log"
}

@test "the first runs of an engine may be several" {
	[ -z "$(docker volume ls -q)" ]
	for i in 1 2 3; do
		skillbox run t-failures says "$i" \
			>"$BATS_TEST_TMPDIR/record$i" 3>&- &
	done
	wait
	cat "$BATS_TEST_TMPDIR"/record[1-3]
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

# stopped_too_long: what begin began, until init has given it up
stopped_too_long() {
	kill -STOP "$runner"
	sleep 11
	soon is_over
	kill -CONT "$runner"
	finish
	ended sandbox_failed 70
	holds '.error | test("held up for 1[0-9] s")'
	gone t-failures
}

@test "a runner that was stopped too long says so" {
	begin_to waits
	stopped_too_long
}

# A busy engine may itself take as long to say so.
@test "one that has not yet heard of the start is waited for longer" {
	engine=$DOCKER_HOST
	docker() {
		command docker -H "$engine" "$@"
	}
	start=$(index_of_start)
	"$harness/fault_proxy.py" --fault "delay@call:$start" \
		"$BATS_TEST_TMPDIR/slow" "${engine#unix://}" 3>&- &
	soon test -S "$BATS_TEST_TMPDIR/slow"
	DOCKER_HOST=unix://$BATS_TEST_TMPDIR/slow begin t-failures rests
	kill -STOP "$runner"
	sleep 12
	kill -CONT "$runner"
	finish
	kill %1
	ended ok 0
	holds '.output == "rested\n" and .stages_ms.start > 10000'
	gone t-failures
}

# init cannot obey: the engine has to.
@test "a sandbox that is frozen is killed when its time is over" {
	begin_to times_out
	docker pause "$container"
	finish
	ended timeout 124
	holds '.started_at != null and within(20000)'
	gone t-failures
	is_over
}

# What is under way does without it.
@test "an engine that hangs does not matter to what runs" {
	begin_to times_out
	kill -STOP "$(daemon)"
	finish
	kill -CONT "$(daemon)"
	ended timeout 124
	is_over
	gone t-failures
}

@test "an engine that hangs holds up nothing for long" {
	export SKILLBOX_CHANNEL=attached
	begin_to times_out
	kill -STOP "$(daemon)"
	began=$SECONDS
	finish
	kill -CONT "$(daemon)"
	ended unavailable 69
	[ $((SECONDS - began)) -lt $((30 * slower)) ]
	is_over
	holds '.started_at != null'
	gone t-failures
}

@test "an engine that hangs from the start holds up nothing either" {
	kill -STOP "$(daemon)"
	began=$SECONDS
	act t-failures says 1 --timeout 3s || failed=1
	took=$((SECONDS - began))
	kill -CONT "$(daemon)"
	[ -z "${failed-}" ]
	ended unavailable 69
	[ "$took" -le $((8 * slower)) ]
	holds '.started_at == null'
	gone t-failures
}

# Well within what init bears without a heartbeat.
@test "an engine that stops and goes on is not even noticed" {
	begin t-failures rests
	kill -STOP "$(daemon)"
	sleep 4
	kill -CONT "$(daemon)"
	finish
	ended ok 0
	holds '.output == "rested\n"'
	gone t-failures
}

@test "an engine that is restarted ends what runs, and serves again" {
	begin_to waits
	"$harness/engine" stop --keep "$SBX_TEST_ENGINE"
	"$harness/engine" start "$SBX_TEST_ENGINE"
	finish
	# It tells its containers to stop, which is for the action to hear.
	holds '.outcome == "signaled" or .outcome == "sandbox_failed" or
		.outcome == "unavailable"'
	holds '.started_at != null and within(30000)'
	is_over
	act t-failures says 1
	ended ok 0
	gone t-failures
}

@test "an engine that is killed does not end what runs" {
	begin t-failures rests
	kill -9 "$(daemon)"
	finish
	ended ok 0
	holds '.output == "rested\n" and within(20000)'
	"$harness/engine" start "$SBX_TEST_ENGINE"
	gone t-failures
}

@test "an engine that is killed is unavailable, and the action ends" {
	export SKILLBOX_CHANNEL=attached
	begin_to waits
	kill -9 "$(daemon)"
	finish
	ended unavailable 69
	holds '.started_at != null and within(20000)'
	sleep 8
	soon is_over
	# And of the container nothing is left when it is there again.
	"$harness/engine" start "$SBX_TEST_ENGINE"
	gone t-failures
}

# full: nothing more fits where the small engine keeps its data
full() {
	dd if=/dev/zero of="$small/filler" bs=1M 2>/dev/null || :
	dd if=/dev/zero of="$small/filler-2" bs=512 2>/dev/null || :
}

# says_full: the record's error says so, in the kernel's words or in those of
# SQLite, in which Podman keeps its state since version 5
says_full='(.error | test("no space left|database or disk is full"))'

# On a file system of 300 MB, with an engine for it.
@test "a full disk is the engine's failure, and over when there is room" {
	small=$BATS_TEST_TMPDIR/small
	mkdir "$small"
	mount -t tmpfs -o size=300m,mode=755 tmpfs "$small"
	"$harness/engine" start "$small"
	DOCKER_HOST=$("$harness/engine" url "$small")
	# It is to come to the worst.
	export SKILLBOX_POLICY=$BATS_TEST_TMPDIR/policy.yaml
	sed 's/disk_free: 256m/disk_free: 0/' "$top/manifests/policy.yaml" \
		>"$SKILLBOX_POLICY"
	skillbox build t-failures
	full
	# Not even init has room, nor what is to be built.
	act t-failures says 1 -v new:/data:rw
	ended unavailable 69
	holds ".started_at == null and $says_full"
	fixture t-failures-new <<-'YAML'
		  says: {command: [cat]}
	YAML
	printf 'FROM skillbox/busybox\nCOPY large /\n' \
		>"$skills/t-failures-new/Dockerfile"
	head -c 9M /dev/urandom >"$skills/t-failures-new/large"
	act t-failures-new says 1
	holds "(.outcome == \"build_failed\" or .outcome == \"unavailable\") and
		.started_at == null and $says_full"
	rm "$small"/filler*
	for skill in t-failures t-failures-new; do
		act "$skill" says 1 -v new:/data:rw
		ended ok 0
	done
	# Full again, now with all in place but the container itself.
	full
	act t-failures says 1
	holds ".outcome == \"ok\" or (.outcome == \"unavailable\" and
		.started_at == null and $says_full)"
	rm "$small"/filler*
	act t-failures says 1
	ended ok 0
	soon eval '[ -z "$(docker ps -aq)" ]'
}

teardown() {
	[ -z "${small-}" ] || {
		"$harness/engine" stop "$small"
		umount "$small"
	}
}
