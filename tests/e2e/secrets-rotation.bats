#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A rotation that ends at any moment loses nothing.  That it is killed stands
# for that; what a machine loses that stops is up to fsync(2), which is called
# before each step that the next one depends on, and is not tested here.

load helper

@test "a rotation killed at a hundred random moments loses no secret" {
	skills=$BATS_TEST_TMPDIR/skills
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	unset SKILLBOX_KEYS CREDENTIALS_DIRECTORY
	secret() {
		"$program" --skills "$skills" secret "$@"
	}
	secret keygen
	for skill in t-one t-two t-three; do
		fixture $skill <<<'  run: {command: [cat]}'
		for name in A B C D; do
			head -c 40 /dev/urandom | secret set $skill $name
		done
	done
	head -c 6000 /dev/urandom | secret set t-one A --owner ann
	timeout 120 /usr/bin/python3 "$top/tests/fixtures/kill_rotation.py" \
		"$plain" "$skills" 100 >&3
}
