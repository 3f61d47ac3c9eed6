#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The table of tests/mutation is about these sources and these tests.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

setup() {
	copy=$BATS_TEST_TMPDIR/copy
}

# A copy in which something can be wrong.
copy_sources() {
	mkdir -p "$copy"
	cp -R "$top/runner" "$top/tests" "$copy"
}

check() {
	"$copy/tests/mutation/mutate" check
}

# complains TEXT: check fails, and says so in a line of its own
complains() {
	run -1 check
	echo "$output"
	grep -qF "$1" <<<"$output"
}

@test "for every mutation there is the test that caught it, or a reason" {
	"$top/tests/mutation/mutate" check
}

@test "a check that has no mutation in the table is noticed" {
	copy_sources
	sed -i 's/if (fd < 0)$/if (fd < 0 || path[0] == 0)/' \
		"$copy/runner/sandbox/host_path.c"
	complains 'not in one of table.tsv and kept: runner/sandbox/host_path.c | look | term: path[0] == 0'
	complains 'table.tsv: no longer a mutation: runner/sandbox/host_path.c | look | if: fd < 0'
}

@test "a mutation whose text is gone is noticed" {
	copy_sources
	sed -i 's/RESOLVE_NO_SYMLINKS/RESOLVE_BENEATH/' \
		"$copy/runner/sandbox/host_path.c"
	complains 'by-hand: runner/sandbox/host_path.c: links on the way are followed: its text is there 0 times, expected once'
}

@test "a test that is gone, or a mutation that survived, is noticed" {
	copy_sources
	sed -i 's/test_no_link_is_followed/test_links/' \
		"$copy/tests/unit/test_host_path.c"
	complains 'no such test: tests/unit/test_host_path.c: test_no_link_is_followed'
	sed -i 's/\t[^\t]*test_no_link_is_followed$/\tSURVIVED/' \
		"$copy/tests/mutation/table.tsv"
	complains 'no such test: SURVIVED'
}

@test "some of the table, asked again" {
	"$top/tests/mutation/mutate" sample 8
}
