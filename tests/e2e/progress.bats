#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An action says how far it is, and whoever waits for it sees that at once.

load helper

setup_file() {
	prepare
	fixture t-progress <<'YAML'
  steps:
    command: [sh, -c, 'echo before >&2; for i in 1 2; do printf "::progress::{\"progress\":%d,\"total\":2,\"message\":\"step %d\"}\n" $i $i >&2; done; echo after >&2; printf "::progress::{}\n" >&2; echo out']
  waits:
    command: [sh, -c, 'echo ::progress::{\"progress\":7} >&2; cat /dev/zero | head -c 1 >/dev/null; sleep 30']
  flood:
    command: [sh, -c, 'i=0; while [ $i -lt 20000 ]; do echo "::progress::{\"progress\":$i}"; i=$((i+1)); done >&2']
  late:
    command: [sh, -c, 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do echo "::progress::{\"progress\":$i}" >&2; done; sleep 30']
  hostile: {command: [sh, -c, 'printf "%s\n" "$LINE" >&2']}
YAML
	skillbox build t-progress
}

stderr_has() {
	grep -q "$1" "$BATS_TEST_TMPDIR/stderr"
}

@test "lines of progress are shown, and are no part of stderr" {
	act t-progress steps
	ended ok 0
	holds '.stderr == "before\nafter\n::progress::{}\n" and .output == "out\n"'
	run -0 grep -v '^Build\|^Pull\|^ ' "$BATS_TEST_TMPDIR/stderr"
	[ "$output" = '50 % (1 of 2): step 1
100 % (2 of 2): step 2' ]
}

@test "they are shown while the action runs" {
	begin t-progress waits
	soon stderr_has '^7$'
	kill -INT "$runner"
	finish
	ended cancelled 130
	holds '.stderr == ""'
}

@test "also the last of many, when the action says no more" {
	begin t-progress late
	soon stderr_has '^14$'
	kill -INT "$runner"
	finish
	ended cancelled 130
}

@test "of a flood a few are shown, and the last" {
	act t-progress flood
	ended ok 0
	holds '.stderr == ""'
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/stderr")" = 19999 ]
	# A burst of ten, then ten a second.
	shown=$(wc -l <"$BATS_TEST_TMPDIR/stderr")
	[ "$shown" -le "$(field '12 + .duration_ms / 100 | floor')" ]
}

@test "no character of theirs reaches a terminal as it is" {
	act t-progress hostile \
		-e 'LINE=::progress::{"progress":1,"message":"\u001b[2Jred\nskillbox: fake"}'
	ended ok 0
	[ "$(cat "$BATS_TEST_TMPDIR/stderr")" = \
		'1: \x1b[2Jred\x0askillbox: fake' ]
}

@test "on a terminal there is one line of them, gone at the end" {
	script -qec "$(printf '%q ' "$program" --skills "$skills:$top/skills" \
		run t-progress steps --format stream)" /dev/null \
		</dev/null >"$BATS_TEST_TMPDIR/out"
	cat -v "$BATS_TEST_TMPDIR/out"
	# Each line as it stands when all is over.
	sed 's/\r$//; s/.*\r\x1b\[K//' "$BATS_TEST_TMPDIR/out" >"$BATS_TEST_TMPDIR/seen"
	[ "$(sort "$BATS_TEST_TMPDIR/seen")" = "$(printf '%s\n' \
		'::progress::{}' after before out | sort)" ]
	grep -qF '50 % (1 of 2): step 1' "$BATS_TEST_TMPDIR/out"
	[ "$(grep -c '100 %' "$BATS_TEST_TMPDIR/out")" = 1 ]
}
