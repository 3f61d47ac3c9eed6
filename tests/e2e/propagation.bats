#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the host mounts after the start of a sandbox: seen where that was
# granted, and nowhere else.

load helper

setup_file() {
	prepare
	fixture t-later <<'YAML'
  waits:
    command:
      - sh
      - -c
      - 'echo ready >/host/ready; i=0; while [ $i -lt 100 ] && [ ! -e /host/go ]; do i=$((i + 1)); sleep 0.1; done; cat /host/sub/file; echo x >/host/sub/made'
YAML
	skillbox build t-later
}

# The engine has mounts of its own, so what "the host" mounts is mounted there.
setup() {
	engine=$("$harness/engine" pid "$SBX_TEST_ENGINE")
	host=$BATS_TEST_TMPDIR/host
	mkdir -p "$host/sub" "$BATS_TEST_TMPDIR/far"
	chmod 777 "$host" "$BATS_TEST_TMPDIR/far"
	echo from-afar >"$BATS_TEST_TMPDIR/far/file"
	there mount --bind "$host" "$host"
	there mount --make-shared "$host"
	export SKILLBOX_POLICY=$top/manifests/policy-developer.yaml
}

teardown() {
	while there umount "$host/sub" 2>/dev/null; do :; done
	there umount "$host"
}

# there COMMAND...: among the engine's mounts
there() {
	nsenter --target "$engine" --mount "$@"
}

# later MODE COMMAND...: runs the action with the volume; mounts by COMMAND
# once it runs
later() {
	skillbox run t-later waits --no-daemon -v "$host:/host:$1" \
		>"$BATS_TEST_TMPDIR/act" &
	local action=$!
	shift
	soon test -e "$host/ready" || { cat "$BATS_TEST_TMPDIR/act"; return 1; }
	there "$@"
	touch "$host/go"
	wait "$action" || :
	record=$(cat "$BATS_TEST_TMPDIR/act")
	echo "$record"
}

@test "a FUSE mount that is made later appears where rslave was granted" {
	later rw,rslave bindfs "$BATS_TEST_TMPDIR/far" "$host/sub"
	holds '.outcome == "ok" and .output == "from-afar\n"'
	[ -e "$BATS_TEST_TMPDIR/far/made" ]
}

@test "any other mount does, and is as writable as it was mounted" {
	later rw,rslave mount -t tmpfs -o mode=0777 tmpfs "$host/sub"
	holds '.outcome == "ok" and .output == ""'
	there test -e "$host/sub/made"
}

@test "without rslave nothing that is mounted later is seen" {
	later rw bindfs "$BATS_TEST_TMPDIR/far" "$host/sub"
	run ! [ "$(field .outcome)" = ok ]
	run ! [ -e "$BATS_TEST_TMPDIR/far/made" ]
}

@test "what is mounted there already does not come along" {
	there bindfs "$BATS_TEST_TMPDIR/far" "$host/sub"
	later rw,rslave true
	run ! [ "$(field .outcome)" = ok ]
	run ! [ -e "$BATS_TEST_TMPDIR/far/made" ]
}

@test "a FUSE mount is a path of the host itself" {
	there "$program" --version >/dev/null ||
		skip "the engine's root has not what the program needs"
	there bindfs "$BATS_TEST_TMPDIR/far" "$host/sub"
	# The runner has to see what the engine mounts.
	record=$(there "$program" --skills "$skills:$top/skills" --engine "$DOCKER_HOST" \
		run --no-daemon t-later waits --timeout 1s \
		-v "$host/sub:/host:rw,rslave") || :
	holds '.outcome == "timeout"'
	[ -e "$BATS_TEST_TMPDIR/far/ready" ]
}

@test "the operator needs the policy's word too" {
	unset SKILLBOX_POLICY
	act t-later waits --no-daemon -v "$host:/host:rw,rslave"
	holds '.outcome == "denied" and (.error | test("rslave"))'
}
