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

# again FILE: all of its tests, over the attached stream
again() {
	local name
	for name in $(compgen -v BATS_); do
		[ "$name" = BATS_TEST_DIRNAME ] || unset "$name" 2>/dev/null || :
	done
	SKILLBOX_CHANNEL=attached bats "$BATS_TEST_DIRNAME/$1"
}

@test "outcomes.bats over the attached stream" {
	again outcomes.bats
}

@test "output.bats over the attached stream" {
	again output.bats
}
