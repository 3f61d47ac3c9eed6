#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks on the kernel and on the machine: system calls, sockets, devices and
# kernel files that a sandbox has no business with.  In general the engine's
# restrictions hold (capabilities, seccomp profile, masked paths), which this
# shows are in force; where it is a filter of our own the test says so.

load attack

setup_file() {
	prepare
	hostile t-escape-kernel kernel
	# Everything is there for the taking: setuid root, device nodes.
	cat >>"$skills/t-escape-kernel/Dockerfile" <<'DOCKERFILE'
RUN cp /app/kernel /app/setuid && chmod 6755 /app/setuid
DOCKERFILE
	fixture t-escape-kernel <<YAML
  attack: {$attack_action}
  exec: {$attack_action, tmpfs: ['/tmp:size=8m,exec']}
YAML
	skillbox build t-escape-kernel
	uid=$(uid_of t-escape-kernel)
	export uid
}

setup() {
	host_state >"$BATS_TEST_TMPDIR/before"
}

teardown() {
	host_state | diff "$BATS_TEST_TMPDIR/before" -
	unharmed t-escape-kernel "$uid"
}

@test "unshare, clone, clone3 and setns: no user namespace, nor any other" {
	attack t-escape-kernel '/app/kernel namespaces'
	refused
}

@test "mount, umount, remount, pivot_root, chroot, and the new mount calls" {
	attack t-escape-kernel '/app/kernel mounts'
	refused
}

# AF_VSOCK: our filter; it belongs to no network namespace.
@test "AF_VSOCK, raw and packet sockets" {
	attack t-escape-kernel '/app/kernel sockets'
	refused
	holds '[.output | to_entries[] | select(.key | test("vsock")).value] ==
		["EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT"]'
}

@test "raw and packet sockets with a network as well" {
	attack t-escape-kernel '/app/kernel sockets' --network bridge
	refused
}

@test "connecting without a network: the bridge, metadata services, the host" {
	attack t-escape-kernel '/app/kernel connects'
	refused
	attack t-escape-kernel 'ls /sys/class/net; cat /proc/net/route | wc -l'
	holds '.output | test("^lo\n[01]\n$")'
}

@test "bpf, perf, modules, kexec, reboot, swap, clock, host name, port I/O" {
	attack t-escape-kernel '/app/kernel machine'
	refused
	holds '.output.hostname == "EPERM" and .output["bpf map"] == "EPERM"'
}

# Our filter: io_uring goes round filters.
@test "io_uring" {
	attack t-escape-kernel '/app/kernel io_uring'
	ended ok 0
	holds '.output == {"setup": "ENOSYS", "enter": "ENOSYS", "register": "ENOSYS"}'
}

# Our filter: keyrings belong to no container.  Docker's profile refuses them
# as well; tests/unit/test_init_child.c asks the filter alone.
@test "keyctl, add_key, request_key" {
	attack t-escape-kernel '/app/kernel keys'
	refused
	run ! grep -E "^ *$uid:" /proc/key-users
}

# Our filter: another ABI has other numbers for what it refuses.
@test "system calls of the i386 and x32 ABIs" {
	attack t-escape-kernel '/app/kernel abis'
	ended ok 0
	holds '.output | .x32 == "ENOSYS" and
		(.i386 == "ENOSYS" or .i386 == "killed")'
}

@test "core_pattern, sysrq, release_agent, cgroups and other kernel files" {
	attack t-escape-kernel '/app/kernel files'
	refused
	holds '.output | length > 30'
}

# The number is that of the disk the host stands on.
@test "device nodes: made by mknod, or already there" {
	disk=$(stat -Lc %Hd:%Ld / 2>/dev/null)
	attack t-escape-kernel "/app/kernel devices ${disk%:*} ${disk#*:}"
	refused
	holds '.output | .["mknod disk"] == "EPERM" and
		.["/dev/mem"] == "ENOENT"'
}

# Attacks: numeric user, no capabilities, no-new-privileges.
@test "setuid, setgroups, capset: nobody becomes somebody else" {
	attack t-escape-kernel '/app/kernel identity'
	refused
}

# Attacks: no-new-privileges.
@test "a program of the image that is setuid root" {
	attack t-escape-kernel '/app/setuid elevated'
	ended ok 0
	holds '.output == {"is_setuid": 1, "has_file_capabilities": 0,
		"uid": ($uid | tonumber), "gid": ($uid | tonumber),
		"capabilities": 0}' --arg uid "$uid"
}

# Attacks: nosuid of the tmpfs, and whose file it is.
@test "a program made setuid in a tmpfs" {
	act t-escape-kernel exec -e \
		'ATTACK=cp /app/kernel /tmp/k; chmod 6755 /tmp/k; /tmp/k elevated'
	ended ok 0
	holds '.output | .uid == ($uid | tonumber) and .capabilities == 0' \
		--arg uid "$uid"
}

# The host's processes are not there to be seen.
@test "/proc shows the action and init, and nobody else" {
	marker=$BATS_TEST_TMPDIR/marker-of-the-host
	ln -s /bin/sleep "$marker"
	"$marker" 30 3>&- &
	host=$!
	attack t-escape-kernel 'ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/cmdline'
	kill "$host"
	ended ok 0
	holds '.output | test("^[1-6]\n") and (test("marker-of-the-host") | not)'
}
