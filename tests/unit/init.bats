#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# init alone, without an engine: tests/fixtures/init_peer.py plays the runner.
# Once as it is, once under valgrind.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
init=${SBX_INIT:-$top/build/init}

peer() {
	timeout 90 /usr/bin/python3 "$top/tests/fixtures/init_peer.py" "$@" 3>&-
}

@test "init does its part, and refuses what is no part of the protocol" {
	for scenario in $(peer --list); do
		echo "$scenario"
		peer "$scenario" "$init"
	done
}

@test "and under valgrind there is nothing to say about it" {
	log=$BATS_TEST_TMPDIR/log
	for scenario in $(peer --list); do
		echo "$scenario"
		peer "$scenario" valgrind -q --error-exitcode=99 \
			--log-file="$log" "$init"
		cat "$log"
		[ ! -s "$log" ]
	done
}

@test "init is no first process of anything but a sandbox" {
	run -1 "$init" </dev/null
}

@test "init is static, under 80 KiB, and needs no executable stack" {
	[ "$(stat -c %s "$init")" -lt 81920 ]
	readelf -l --wide "$init" >"$BATS_TEST_TMPDIR/headers"
	run ! grep -q INTERP "$BATS_TEST_TMPDIR/headers"
	run ! grep -E 'GNU_STACK.*RWE' "$BATS_TEST_TMPDIR/headers"
}
