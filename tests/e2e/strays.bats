#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a runner that was killed leaves behind is taken away, and nothing else.

load helper

setup_file() {
	prepare
	fixture t-strays <<'YAML'
  sh: {command: [sh, -c, 'eval "$SCRIPT"']}
YAML
	skillbox build t-strays
}

teardown() {
	stop_daemon
	gone t-strays
}

# leave_stray: what a runner that is dead now had not started yet; sets $stray
leave_stray() {
	stray=$(docker create --label "io.skillbox.runner=$(
		cat /proc/sys/kernel/random/boot_id):$(
		stat -Lc %i /proc/self/ns/pid):4194000:1" \
		"$(docker image ls -q skillbox/t-strays | head -n 1)" true)
}

stray_is_gone() {
	! docker inspect "$stray" >/dev/null 2>&1
}

@test "a daemon takes away what a killed one had not started yet" {
	leave_stray
	serve
	soon stray_is_gone
	stop_daemon
}

@test "a run takes away what a killed runner had not started yet" {
	leave_stray
	act t-strays sh -e 'SCRIPT=echo answer'
	ended ok 0
	run -1 docker inspect "$stray"
}

# As with hidepid=2, or for a user of another /proc.
@test "a runner that cannot be seen is not taken for dead" {
	begin t-strays sh -e 'SCRIPT=sleep 300' --timeout 5m
	unshare -m sh -c 'mount -t tmpfs none "/proc/$1" && shift && exec "$@"' \
		sh "$runner" "$program" prune
	[ "$(containers_of t-strays running)" = "$container" ]
	kill "$runner"
	finish
	ended cancelled 130
}
