#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# OCI runtimes: the one that was asked for or none.  Where the engine under
# test is this machine's Docker, on one of its own that has crun beside runc.

load helper

setup_file() {
	case ${SBX_TEST_KIND:-docker} in
	docker | docker-crun)
		export SBX_TEST_ENGINE=$BATS_FILE_TMPDIR/engine
		"$harness/engine" start "$SBX_TEST_ENGINE" --kind docker-crun
		DOCKER_HOST=$("$harness/engine" url "$SBX_TEST_ENGINE")
		export DOCKER_HOST
		;;
	esac
	prepare
	policy <<'YAML'
skills:
  runtimes: [default, runc, crun, no-such-runtime]
YAML
	fixture t-runtimes <<'YAML'
  default: {command: [sleep, '60']}
  runc: {command: [sleep, '60'], runtime: runc}
  crun: {command: [sleep, '60'], runtime: crun}
  no_such: {command: ['true'], runtime: no-such-runtime}
  ends: {command: [sh, -c, 'eval "$SCRIPT"'], timeout: 2s, stop_grace_period: 1s}
  memory: {command: [dd, if=/dev/zero, of=/dev/null, bs=64M, count=1], mem_limit: 16m}
YAML
	skillbox build t-runtimes
}

teardown() {
	gone t-runtimes
}

teardown_file() {
	[ "$SBX_TEST_ENGINE" != "$BATS_FILE_TMPDIR/engine" ] ||
		"$harness/engine" stop "$SBX_TEST_ENGINE"
}

# The runtimes that the engine has, the one it takes by default first.
runtimes() {
	case $("$harness/engine" kind "$SBX_TEST_ENGINE") in
	docker-crun) echo crun runc ;;
	podman*) echo crun ;;
	*) echo runc ;;
	esac
}

# What the running action has, as the engine says.
runtime_of() {
	if [ "$(family)" = podman ]; then
		podman_inspect "$1" | jq -r .OCIRuntime
	else
		docker inspect -f '{{.HostConfig.Runtime}}' "$1"
	fi
}

@test "an action runs in the runtime it asks for" {
	for runtime in default $(runtimes); do
		begin t-runtimes "$runtime"
		found=$(runtime_of "$container")
		echo "$runtime: $found"
		[ "$runtime" = default ] || [ "$found" = "$runtime" ]
		[ "$runtime" != default ] || [[ "$(runtimes)" == "$found"* ]]
		kill "$runner"
		finish
		ended cancelled 130
	done
}

@test "no other runtime takes the place of one that is not there" {
	for action in no_such runc crun; do
		! grep -qw "$action" <<<"$(runtimes)" || continue
		act t-runtimes "$action"
		ended denied 77
		holds '.started_at == null and (.error | test("sandbox.Runtime"))'
	done
}

@test "how an action ends does not depend on the runtime" {
	act t-runtimes ends -e 'SCRIPT=echo fine'
	ended ok 0
	act t-runtimes ends -e 'SCRIPT=exit 3'
	ended failed 3
	act t-runtimes ends -e 'SCRIPT=sleep 60'
	ended timeout 124
	act t-runtimes memory
	ended oom 137
	holds '.usage.max_rss_bytes > 0'
}
