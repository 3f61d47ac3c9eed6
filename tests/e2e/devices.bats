#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Devices and GPUs: none that was not granted, and what was granted is the one
# that was meant.  The device that is passed is /dev/fuse, which does nothing
# to whoever has it open and mounts nothing: by nodes of the test's own, which
# everybody may open, so that what refuses is never the node's mode.

load helper

setup_file() {
	prepare
	export node=/dev/skillbox-test-$$
	remove_nodes
	mknod -m 666 "$node-a" c 10 229
	mknod -m 666 "$node-b" c 10 229
	mknod -m 666 "$node-z" c 1 5
	mknod -m 666 "$node-d" b 7 0
	mknod -m 666 "$node-m" c 1 1
	mknod -m 666 "$node-u" c 189 0
	ln -s /dev/fuse "$node-l"
	fixture t-devices <<YAML
  none: {command: [sh, -c, 'eval "\$SCRIPT"']}
  fuse: {command: [sh, -c, 'eval "\$SCRIPT"'], devices: [/dev/fuse]}
  both: {command: [sh, -c, 'eval "\$SCRIPT"'], devices: ['$node-a:/dev/x/a:rw', '$node-b:/dev/x/b:r']}
  one: {command: [sh, -c, 'eval "\$SCRIPT"'], devices: ['$node-a:/dev/aaaa']}
  mknod: {command: [echo, ran], devices: ['/dev/fuse:/dev/fuse:rwm']}
  memory: {command: [echo, ran], devices: ['/dev/mem:/dev/a:r']}
  disk: {command: [echo, ran], devices: ['$node-d:/dev/a:r']}
  hidden: {command: [echo, ran], devices: ['$node-m:/dev/a:r']}
  usb: {command: [echo, ran], devices: ['$node-u:/dev/a:r']}
  typed: {command: [echo, ran], devices: ['/dev/hidraw0:/dev/a:r']}
  link: {command: [echo, ran], devices: ['$node-l:/dev/a']}
  absent: {command: [echo, ran], devices: [/dev/skillbox-absent]}
  file: {command: [echo, ran], devices: ['/dev/shm:/dev/a']}
  gpu: {command: [echo, ran], gpus: 1}
  gpus: {command: [echo, ran], gpus: all}
YAML
	skillbox build t-devices
}

remove_nodes() {
	rm -f "$node-a" "$node-b" "$node-z" "$node-d" "$node-m" \
		"$node-u" "$node-l"
}

teardown_file() {
	remove_nodes
}

teardown() {
	gone t-devices
}

# denied RULE: the run was, by that rule, before anything was started
denied() {
	ended denied 77
	holds '.error | startswith($rule + ": ")' --arg rule "$1"
	holds '.started_at == null'
}

inside() {
	act t-devices "$1" -e "SCRIPT=$2" && ended ok 0 && field .output
}

grant_all() {
	policy <<<'skills: {devices: ["/dev/*:rw"], gpus: all}'
}

all_devices='find /dev ! -type d ! -type l ! -path "/dev/pts/*" | sort'
# How an open ends: "yes", or the word of the kernel.
# shellcheck disable=SC2016 # for the shell inside
opens='try() { if eval ": $1"; then echo yes; fi 2>&1 | sed "s/.*: //"; }; '

@test "an action has the devices that every container has, and no other" {
	run -0 inside none "$all_devices"
	echo "$output"
	[ "$(grep -v '^/dev/ptmx$' <<<"$output" | tr '\n' ' ')" = \
		'/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero ' ]
}

@test "a device is denied by default, by the name of the rule" {
	act t-devices fuse
	denied skills.devices
	holds '.error | test("/dev/fuse:rw")'
	policy <<<'exceptions: {t-other: {devices: ["/dev/fuse:rw"]}}'
	act t-devices fuse
	denied skills.devices
	policy <<<'skills: {devices: ["/dev/fuse:r"]}'
	act t-devices fuse
	denied skills.devices
	run -0 skillbox check t-devices
	grep -q 'warning: actions.fuse: skills.devices: ' <<<"$output"
}

@test "a device that is granted is there" {
	policy <<<'exceptions: {t-devices: {devices: ["/dev/fuse:rw"]}}'
	run -0 inside fuse "$all_devices; ls -l /dev/fuse"
	echo "$output"
	grep -qx /dev/fuse <<<"$output"
	grep -qE '^c.* 10, +229 ' <<<"$output"
	# It is the host's mode that lets a user open it.
	run -0 inside fuse "$opens"'try "</dev/fuse"'
	[ "$output" = yes ] || [ "$output" = 'Permission denied' ]
}

# Attacks: the engine's cgroup of devices, with a node that all may open.
@test "for what it was granted, and no more" {
	grant_all
	run -0 inside both "$opens"'try "</dev/x/a"; try ">/dev/x/a"
		try "</dev/x/b"'
	echo "$output"
	[ "$output" = $'yes\nyes\nyes' ]
	fixture t-devices-read <<YAML
  reads: {command: [sh, -c, 'eval "\$SCRIPT"'], devices: ['$node-b:/dev/b:r']}
  none: {command: [sh, -c, 'eval "\$SCRIPT"']}
YAML
	act t-devices-read reads -e "SCRIPT=$opens"'try "</dev/b"; try ">/dev/b"'
	ended ok 0
	holds '.output == "yes\nOperation not permitted\n"'
	act t-devices-read none -e "SCRIPT=mknod /tmp/fuse c 10 229"
	ended failed 1
	holds '.stderr | test("not permitted")'
	gone t-devices-read
}

@test "what nobody may have, whatever the policy says and it is called" {
	grant_all
	act t-devices mknod
	denied devices.never
	act t-devices memory
	denied devices.never
	holds '.error | test("the memory of the machine")'
	act t-devices hidden
	denied devices.never
	holds '.error | test("the memory of the machine")'
	act t-devices usb
	denied devices.never
	holds '.error | test("USB")'
	act t-devices typed
	denied devices.never
	holds '.error | test("what is typed")'
	act t-devices disk
	denied devices.never
	holds '.error | test("block device")'
	act t-devices link
	denied devices.host_path
	policy <<<'skills: {devices: ["/dev/mem:r"]}'
	act t-devices none
	ended misconfigured 78
	holds '.error | test("skills.devices\\[0\\].*never granted")'
}

@test "what is no device is invalid" {
	grant_all
	for action in absent file; do
		act t-devices "$action"
		ended invalid 65
		holds '.started_at == null and (.error | test("^device /dev/"))'
	done
}

# Attacks: an engine that gives another device than it was told to.
@test "another device in the place of the one that was granted" {
	grant_all
	weaken "$node-a" "$node-z" "\"$node-z\"" "\"$node-a\""
	DOCKER_HOST=$weak_host act t-devices one
	kill "$weak_proxy"
	denied sandbox.devices
	holds '.error | test("/dev/aaaa .c 1:5. is another device")'
}

@test "a device that nobody asked for" {
	grant_all
	# In quotes: what the engine says of it, not what init does.
	weaken /dev/aaaa /dev/bbbb '"/dev/bbbb"' '"/dev/aaaa"'
	DOCKER_HOST=$weak_host act t-devices one
	kill "$weak_proxy"
	denied sandbox.devices
	holds '.error | test("/dev/bbbb .c 10:229. was not granted")'
	weaken /dev/aaaa /dev/bbbb
	DOCKER_HOST=$weak_host act t-devices one
	kill "$weak_proxy"
	denied sandbox.Devices
}

@test "GPUs are denied by default, by the name of the rule" {
	for action in gpu gpus; do
		act t-devices "$action"
		denied skills.gpus
	done
	policy <<<'skills: {gpus: 1}'
	act t-devices gpus
	denied skills.gpus
	policy <<<'exceptions: {t-other: {gpus: all}}'
	act t-devices gpu
	denied skills.gpus
}

# There is none here: the engine says so, and that is the end of it.
@test "GPUs that are granted, on an engine that has none" {
	policy <<<'skills: {gpus: all}'
	for action in gpu gpus; do
		act t-devices "$action"
		denied sandbox.DeviceRequests
		holds '.error | test("GPUs")'
		[ -z "$(containers_of t-devices)" ] || gone t-devices
	done
}

@test "inspect shows what is asked for" {
	run -0 --separate-stderr skillbox inspect t-devices
	jq -e '.actions.none | .devices == [] and has("gpus") == false' <<<"$output"
	jq -e '.actions.fuse.devices == ["/dev/fuse:/dev/fuse:rw"]' <<<"$output"
	jq -e '.actions.gpus.gpus == "all" and .actions.gpu.gpus == 1' <<<"$output"
}
