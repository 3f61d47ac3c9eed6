#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# skillbox logs shows what a daemon has kept of its runs.  It only reads, so
# these records are made here; tests/e2e/serve.bats has a daemon make them.

load helper

setup() {
	export SKILLBOX_RECORD_DIR=$BATS_TEST_TMPDIR/records
	mkdir -m 700 "$SKILLBOX_RECORD_DIR"
	keep 20260131T120000001Z a text ok 0 null
	keep 20260131T120000002Z b webpage failed 3 '"it \u001b[31mbroke"'
	keep 20260131T120000003Z c text timeout 124 '"too late"'
}

# keep TIME RUN_ID SKILL OUTCOME STATUS ERROR: as a daemon does it
keep() {
	printf '{"status": %d, "output": "out", "error": %s, "outcome": "%s", "skill": "%s", "action": "do", "run_id": "%s", "duration_ms": 2.5, "start": "warm"}' \
		"$5" "$6" "$4" "$3" "$2" >"$SKILLBOX_RECORD_DIR/.new"
	mv "$SKILLBOX_RECORD_DIR/.new" "$SKILLBOX_RECORD_DIR/$1-$2.json"
}

# ids: of the runs it showed
ids() {
	[ "$(sed -n 's/.* ms  warm *\([^ ]*\).*/\1/p' <<<"$output" | paste -sd' ')" = "$1" ] && return
	echo "expected $1:"
	echo "$output"
	return 1
}

@test "all runs, oldest first, a line for each" {
	run -0 "$program" logs
	ids 'a b c'
	[ "${lines[1]}" = '2026-01-31T12:00:00.002Z  webpage do                        failed           3        2.5 ms  warm    b  it \x1b[31mbroke' ]
}

@test "of a skill, those that failed, both" {
	run -0 "$program" logs text
	ids 'a c'
	run -0 "$program" logs --failed
	ids 'b c'
	run -0 "$program" logs text --failed
	ids c
	run -0 "$program" logs nothing
	[ -z "$output" ]
}

@test "the whole record of one run" {
	run -0 --separate-stderr "$program" logs --run b
	[ "$(jq -c '[.run_id, .output]' <<<"$output")" = '["b","out"]' ]
	run -66 "$program" logs --run nosuch
	[[ $output == *"no record of a run 'nosuch' in $SKILLBOX_RECORD_DIR" ]]
}

@test "all records as JSON" {
	run -0 --separate-stderr "$program" logs --format json
	[ "$(jq -sr 'map(.run_id) | join(" ")' <<<"$output")" = 'a b c' ]
}

@test "with -f also what comes, each once, until interrupted" {
	env --default-signal=INT "$program" logs -f >"$BATS_TEST_TMPDIR/out" 3>&- &
	follower=$!
	soon grep -q 'too late' "$BATS_TEST_TMPDIR/out"
	for id in d e f; do
		keep "20260131T12000000${#id}Z" "$id" text ok 0 null
	done
	soon grep -q ' f$' "$BATS_TEST_TMPDIR/out"
	kill -INT "$follower"
	status=0
	wait "$follower" || status=$?
	[ "$status" = 130 ]
	output=$(cat "$BATS_TEST_TMPDIR/out")
	ids 'a b c d e f'
}

@test "-f ends when nobody reads any more" {
	"$program" logs -f 3>&- > >(head -n 1 >/dev/null) &
	follower=$!
	for n in $(seq $((50 * slower))); do
		keep 20260131T120000009Z "g$n" text ok 0 null
		kill -0 "$follower" 2>/dev/null || break
		sleep 0.1
	done
	run kill -0 "$follower"
	[ "$status" != 0 ]
}

@test "what is no record is not shown, a broken one is named" {
	echo '{"outcome":' >"$SKILLBOX_RECORD_DIR/20260131T120000004Z-x.json"
	echo '{}' >"$SKILLBOX_RECORD_DIR/notes.json"
	ln -s notes.json "$SKILLBOX_RECORD_DIR/20260131T120000005Z-y.json"
	run -0 --separate-stderr "$program" logs
	ids 'a b c'
	[[ $stderr == *20260131T120000004Z-x.json* ]]
	[[ $stderr == *20260131T120000005Z-y.json* ]]
}

@test "where there are none it says how to have them" {
	run -66 "$program" logs --record-dir "$BATS_TEST_TMPDIR/none"
	[[ $output == *"no records in $BATS_TEST_TMPDIR/none; 'skillbox serve --record-dir DIR' keeps them" ]]
}
