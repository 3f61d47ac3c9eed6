#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# `skillbox run` leaves a run to a daemon that would do the same, and does it
# itself in all other cases; whatever happens it is done once.

load helper

setup_file() {
	prepare
	fixture t-daemon <<'YAML'
  echo: {command: [cat]}
  both: {command: [sh, -c, 'printf "\377\000out"; echo err >&2; exit 3'], output: text}
  progress: {command: [sh, -c, 'echo "::progress::{\"progress\":1,\"total\":4}" >&2; echo out']}
  variable: {command: [sh, -c, 'echo "$A"'], output: text}
  counts: {command: [sh, -c, 'echo x >>/v/log; echo "::progress::{\"progress\":1}" >&2; exec sleep 300'], timeout: 5m, volumes: ["v:/v:rw"]}
  count: {command: [sh, -c, 'wc -l </v/log'], output: json, volumes: ["v:/v:rw"]}
  clear: {command: [sh, -c, ': >/v/log'], volumes: ["v:/v:rw"]}
  secret: {command: [sh, -c, 'echo "it is $S"; echo "$S" >&2'], secrets: [{name: S}], output: text}
YAML
	skillbox build t-daemon >/dev/null 2>&1
}

setup() {
	serve --record-dir "$BATS_TEST_TMPDIR/records"
	export SKILLBOX_SOCKET=$socket
}

teardown() {
	stop_daemon
	gone t-daemon
}

teardown_file() {
	remove_volumes t-daemon
}

# counting: as begin, until the action has counted itself
counting() {
	begin t-daemon counts
	soon grep -qx 1 "$BATS_TEST_TMPDIR/stderr"
}

# done_by daemon|us: where the run of $record was done
done_by() {
	local by=us
	! grep -q "\"run_id\":\"$(field .run_id)\"" "$daemon_log" || by=daemon
	[ "$by" = "$1" ] && return
	echo "done by $by:"
	show
	return 1
}

@test "a daemon that serves the same does it" {
	act t-daemon echo '{"a": 1}'
	ended ok 0
	holds '.output == {"a": 1} and .owner == $uid and .started_at' --arg uid "$(id -u)"
	done_by daemon
	act t-daemon echo - <<<'"from a pipe"'
	holds '.output == "\"from a pipe\"\n"'
	done_by daemon
	act t-daemon both
	ended failed 3
	done_by daemon
	act t-daemon nosuch
	ended not_found 66
	act nosuch echo
	ended not_found 66
}

@test "all formats print what they would print without it" {
	for format in text stream; do
		for how in '' --no-daemon; do
			skillbox run t-daemon both --format $format $how \
				>"$BATS_TEST_TMPDIR/out$how" \
				2>"$BATS_TEST_TMPDIR/err$how" || :
		done
		cmp "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/out--no-daemon"
		cmp "$BATS_TEST_TMPDIR/err" "$BATS_TEST_TMPDIR/err--no-daemon"
		[ -s "$BATS_TEST_TMPDIR/out" ]
	done
	act t-daemon both
	keys=$(jq -c 'keys_unsorted' <<<"$record")
	act t-daemon both --no-daemon
	[ "$(jq -c 'keys_unsorted' <<<"$record")" = "$keys" ]
}

@test "who wants the record only is not sent the output twice" {
	for prefer in output=none other; do
		ask POST /v1/skills/t-daemon/actions/both -d '{}' \
			-H 'Accept: application/x-ndjson' -H "Prefer: $prefer"
		jq -r .event <<<"$record" >"$BATS_TEST_TMPDIR/$prefer"
	done
	[ "$(paste -sd' ' "$BATS_TEST_TMPDIR/output=none")" = 'started record' ]
	grep -qx stdout "$BATS_TEST_TMPDIR/other"
	grep -qx stderr "$BATS_TEST_TMPDIR/other"
}

@test "progress comes through it" {
	act t-daemon progress
	ended ok 0
	done_by daemon
	holds '.stderr == ""'
	grep -qx '25 % (1 of 4)' "$BATS_TEST_TMPDIR/stderr"
}

@test "who wants it otherwise does it himself" {
	act t-daemon echo --no-daemon
	done_by us
	act t-daemon variable -e A=b
	holds '.output == "b\n"'
	done_by us
	act t-daemon echo --timeout 20s
	done_by us
	act t-daemon echo ''
	ended invalid 65
	done_by us
	printf 'from the caller' >"$BATS_TEST_TMPDIR/secret"
	act t-daemon secret --secret "S=@$BATS_TEST_TMPDIR/secret"
	ended ok 0
	done_by us
}

@test "a daemon that serves something else is not asked to" {
	mkdir "$BATS_TEST_TMPDIR/more"
	fixtures=$BATS_TEST_TMPDIR/more:$skills act t-daemon echo
	ended ok 0
	done_by us
	SKILLBOX_KEYS=$BATS_TEST_TMPDIR/keys act t-daemon echo
	done_by us
	policy <<<'skills: {limits: {pids_limit: 5}}'
	act t-daemon echo
	ended ok 0
	done_by us
}

@test "nobody there, or nobody any more: we do it ourselves" {
	stop_daemon
	act t-daemon echo
	ended ok 0
	serve
	SKILLBOX_SOCKET=$socket
	kill -KILL "$daemon"
	wait "$daemon" || :
	daemon=
	[ -S "$socket" ]
	act t-daemon echo
	ended ok 0
}

@test "a daemon that is stopped holds nobody up, and does not do it later" {
	act t-daemon clear
	kill -STOP "$daemon"
	counting
	kill -CONT "$daemon"
	kill -INT "$runner"
	finish
	ended cancelled 130
	done_by us
	act t-daemon count
	holds '.output == 1'
}

@test "a daemon that drains takes nothing more" {
	counting
	kill -TERM "$daemon"
	soon grep -q 'waiting for what runs' "$daemon_log"
	act t-daemon echo
	ended ok 0
	done_by us
	kill -INT "$runner"
	finish
	done_by daemon
}

@test "an interrupted client has a record, and its run ends" {
	counting
	kill -INT "$runner"
	finish
	ended cancelled 130
	holds '.started_at != null and .run_id'
	# Its line in the log is written when it has ended.
	soon done_by daemon
	grep -q '"outcome":"cancelled"' "$daemon_log"
}

@test "a daemon that is killed is not done the work of again" {
	act t-daemon clear
	counting
	kill -KILL "$daemon"
	wait "$daemon" || :
	daemon=
	finish
	ended unavailable 69
	holds '.started_at != null and (.error | test("may have run"))'
	# Which also sweeps up what the daemon was about to start.
	act t-daemon count
	holds '.output == 1'
	gone t-daemon 15
}

@test "the log has a line for each run, and nothing of what was in it" {
	act t-daemon echo '"what nobody should know"'
	id=$(field .run_id)
	act t-daemon both
	grep '^{' "$daemon_log" >"$BATS_TEST_TMPDIR/lines"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/lines")" = 2 ]
	record=$(head -n 1 "$BATS_TEST_TMPDIR/lines")
	holds '.run_id == $id and .outcome == "ok" and .skill == "t-daemon" and
		.action == "echo" and .owner == $uid and .start and .duration_ms > 0 and
		(.time | fromdateiso8601? // (sub("\\.[0-9]+Z$"; "Z") | fromdateiso8601)) > 0' \
		--arg id "$id" --arg uid "$(id -u)"
	run -1 grep -E 'nobody should know|err' "$daemon_log"
}

@test "skillbox logs has the records, without secrets" {
	skillbox secret keygen >/dev/null 2>&1
	printf 'hunter22' | skillbox secret set t-daemon S >/dev/null 2>&1
	act t-daemon secret
	ended ok 0
	done_by daemon
	id=$(field .run_id)
	act t-daemon both
	run -0 --separate-stderr skillbox logs --record-dir "$BATS_TEST_TMPDIR/records" --run "$id"
	[ "$(jq -c '[.output, .stderr]' <<<"$output")" = '["it is ***\n","***\n"]' ]
	run -1 grep -r hunter22 "$BATS_TEST_TMPDIR/records"
	run -0 --separate-stderr skillbox logs --record-dir "$BATS_TEST_TMPDIR/records" --failed
	[ "${#lines[@]}" = 1 ]
	[[ ${lines[0]} == *' failed '*' err' ]]
	[ "$(find "$BATS_TEST_TMPDIR/records" -type f ! -perm 600 | wc -l)" = 0 ]
	rm "$skills/t-daemon/secrets.yaml"
}

@test "a directory of records that cannot be had is said at the start" {
	run -78 timeout 20 "$program" serve --socket "$BATS_TEST_TMPDIR/other" \
		--record-dir "$BATS_TEST_TMPDIR/records"
	[[ $output == *'another daemon keeps its records there'* ]]
}
