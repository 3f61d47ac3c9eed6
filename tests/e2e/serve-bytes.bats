#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Accept: application/octet-stream: what an action writes is the answer, byte
# for byte as it comes, and never taken for whole when it is not.

load helper

setup_file() {
	prepare
	fixture t-bytes <<'YAML'
  any: {command: [sh, -c, 'cat >/dev/null; printf "\000\377a\nb"; echo no >&2']}
  json: {command: [sh, -c, 'cat >/dev/null; echo {']}
  checked: {command: [sh, -c, 'cat >/dev/null; echo {'], output: json}
  much: {command: [sh, -c, 'cat >/dev/null; head -c 134217728 /dev/zero'], output_limit: 256m}
  over: {command: [sh, -c, 'cat >/dev/null; head -c 2097152 /dev/zero']}
  fails: {command: [sh, -c, 'cat >/dev/null; echo half; exit 3']}
  silent: {command: [sh, -c, 'cat >/dev/null; exit 3']}
YAML
	policy <<-'YAML'
		skills:
		  limits: {output_limit: 256m}
	YAML
	skillbox build t-bytes >/dev/null 2>&1
	serve --record-dir "$BATS_FILE_TMPDIR/records"
	printf '%s\n%s\n' "$daemon" "$socket" >"$BATS_FILE_TMPDIR/shared"
}

setup() {
	{ read -r daemon && read -r socket; } <"$BATS_FILE_TMPDIR/shared"
	body=$BATS_TEST_TMPDIR/body
}

teardown_file() {
	{ read -r daemon && read -r _; } <"$BATS_FILE_TMPDIR/shared"
	kill -TERM "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
	gone t-bytes
}

# fetch ACTION [CURL-OPTION...]: its bytes go to $body; sets $status, curl's,
# and $type
fetch() {
	status=0
	type=$(curl -s --unix-socket "$socket" -d '{}' -o "$body" \
		-H 'Accept: application/octet-stream' -w '%{content_type}' \
		"${@:2}" "http://localhost/v1/skills/t-bytes/actions/$1") ||
		status=$?
}

# kept FILTER: is true of the one record of the run called $1
kept() {
	jq -e "$2" "$BATS_FILE_TMPDIR"/records/*"$1"* >/dev/null && return
	cat "$BATS_FILE_TMPDIR"/records/*"$1"*
	return 1
}

@test "every byte of stdout comes as it is, and nothing else" {
	fetch any
	[ "$status $type" = '0 application/octet-stream' ]
	cmp "$body" <(printf '\000\377a\nb')
}

@test "the record is kept without them" {
	fetch any -H 'Idempotency-Key: t-bytes-any'
	kept t-bytes-any '.outcome == "ok" and .output == null and
		.stderr == "no\n" and .truncated.output == false'
}

@test "more than memory may hold goes through" {
	before=$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")
	fetch much
	[ $status = 0 ]
	[ "$(stat -c %s "$body")" = 134217728 ]
	cmp -n 134217728 "$body" /dev/zero
	after=$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon/status")
	echo "$before KiB, then $after KiB"
	# With the sanitizers everything takes more, but not all of it.
	[ $((after - before)) -lt 65536 ]
}

@test "an answer that is not whole does not look as if it were" {
	for action in fails over; do
		fetch $action
		# curl: the transfer was cut.
		[ $status = 18 ] || [ $status = 56 ]
		[ "$type" = application/octet-stream ]
		[ -s "$body" ]
	done
}

@test "where nothing was written the record says why" {
	fetch silent
	[ "$status $type" = '0 application/json' ]
	jq -e '.outcome == "failed" and .status == 3' "$body"
	fetch none
	jq -e '.outcome == "not_found"' "$body"
}

@test "what has to fit is still looked at" {
	fetch json
	[ $status = 0 ]
	fetch checked
	[ $status = 18 ] || [ $status = 56 ]
}

@test "a client that goes away in the middle cancels the run" {
	fetch much -H 'Idempotency-Key: t-bytes-gone' --limit-rate 1k -m 1
	[ $status = 28 ]
	soon is_cancelled
}

is_cancelled() {
	grep -sq '"outcome": "cancelled"' "$BATS_FILE_TMPDIR"/records/*gone*
}
