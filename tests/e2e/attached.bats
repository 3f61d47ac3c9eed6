#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Where init cannot be met without the engine in between its streams go
# through the engine: what must be so over the one way must be so over the
# other.  On an engine of its own, for the files may run there at the same time.

bats_require_minimum_version 1.5.0

load helper

setup_file() {
	own_engine
}

teardown_file() {
	"$harness/engine" stop "$SBX_TEST_ENGINE"
}

# again FILE: all of its tests, over the attached stream, by a bats that knows
# nothing of this one
again() {
	local name forget=()
	for name in $(compgen -v BATS_); do
		forget+=(-u "$name")
	done
	env "${forget[@]}" SKILLBOX_CHANNEL=attached \
		"$BATS_ROOT/bin/bats" "$BATS_TEST_DIRNAME/$1" 3>&-
}

@test "outcomes.bats over the attached stream" {
	again outcomes.bats
}

@test "output.bats over the attached stream" {
	again output.bats
}

@test "sessions.bats over the attached stream" {
	[ "$(family)" != podman ] ||
		skip "it has no sessions over the attached stream"
	again sessions.bats
}
