#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Limits that the input of a run tightens, and never loosens.

load helper

setup_file() {
	prepare
	fixture t-limits-from <<'YAML'
  run:
    command: [sh, -c, 'cat >/dev/null; sleep 2; echo slept']
    timeout: 20s
    limits_from: {timeout: /timeout}
  memory:
    command: [sh, -c, 'cat >/dev/null; dd if=/dev/zero of=/tmp/x bs=1M count=48 2>/dev/null && echo fits']
    mem_limit: 128m
    limits_from: {mem_limit: {from: /limits/mem_limit, unit: MB}}
  cpus:
    command: [sh, -c, 'cat >/dev/null; cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || :']
    cpus: 1
    limits_from: {cpus: {from: /cpu_limit, unit: millicores}}
    reuse: reset
    warm_pool: {min: 1, max: 2}
YAML
	skillbox build t-limits-from
}

teardown() {
	[ -z "${daemon-}" ] || stop_daemon
	gone t-limits-from
}

@test "a time-out in the input ends the run, one that is longer does not count" {
	act t-limits-from run '{"timeout": 0.5}'
	ended timeout 124
	holds '(.error | test("0.5")) and within(1900)'
	act t-limits-from run '{"timeout": "500ms"}'
	ended timeout 124
	act t-limits-from run '{"timeout": 3600}'
	ended ok 0
	act t-limits-from run '{"timeout": 10}' --timeout 500ms
	ended timeout 124
}

@test "less memory in the input is less memory" {
	act t-limits-from memory '{}'
	ended ok 0
	act t-limits-from memory '{"limits": {"mem_limit": 32}}'
	[ "$status" -ne 0 ]
	holds '.outcome == "oom" or (.error | test("memory limit"))'
	act t-limits-from memory '{"limits": {"mem_limit": 100000}}'
	ended ok 0
}

@test "what is no limit is invalid, and nothing runs" {
	for input in '{"timeout": "soon"}' '{"timeout": null}' \
		'{"timeout": 0}' '{"timeout": [1]}'; do
		act t-limits-from run "$input"
		ended invalid 65
		holds '.started_at == null and (.error | test("/timeout"))'
	done
	act t-limits-from memory '{"limits": {"mem_limit": "32m"}}'
	ended invalid 65
	act t-limits-from memory '{"limits": {"mem_limit": 1}}'
	ended invalid 65
	holds '.error | test("at least 6m")'
}

@test "a sandbox that waits is not given to who may have less" {
	serve
	SKILLBOX_SOCKET=$socket
	act t-limits-from cpus '{}'
	ended ok 0
	soon_waits() {
		skillbox pool --format json | jq -e '.waiting > 0' >/dev/null
	}
	soon soon_waits
	act t-limits-from cpus '{"cpu_limit": 250}'
	ended ok 0
	holds '.start == "cold" and (.output | test("25000"))'
	act t-limits-from cpus '{"cpu_limit": 4000}'
	ended ok 0
	holds '.start != "cold" and (.output | test("100000"))'
	act t-limits-from cpus '{}'
	ended ok 0
	holds '.start != "cold" and (.output | test("100000"))'
}
