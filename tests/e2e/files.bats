#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# files: what a caller gives is there before the action's input, what the
# action leaves comes back, whichever way a sandbox was started and init met.

load helper

setup_file() {
	prepare
	mkdir -p "$skills/t-files"
	cat >"$skills/t-files/early" <<-'SH'
		#!/bin/sh
		# Started before its files are there: they are when it has read.
		before=$(find /in -type f | wc -l)
		cat >/dev/null
		cp -R /in/. /out/
		echo "$before $(find /in -type f | wc -l)"
	SH
	chmod +x "$skills/t-files/early"
	printf 'FROM skillbox/busybox\nCOPY early /app/\n' \
		>"$skills/t-files/Dockerfile"
	fixture t-files <<'YAML'
  copy: {command: [sh, -c, 'cat >/dev/null; cp -R /in/. /out/'], output: text, files: {in: /in, out: /out, limit: 8m}}
  warm: {command: [sh, -c, 'cat >/dev/null; cp -R /in/. /out/'], output: text, files: {in: /in, out: /out, limit: 8m}, warm_pool: {min: 1, max: 1}}
  early: {command: [/app/early], output: text, files: {in: /in, out: /out, limit: 8m}, warm_pool: {min: 1, max: 1, start: program}}
  reset: {command: [sh, -c, 'find /in /out -type f | wc -l; cat >/dev/null; cp -R /in/. /out/'], output: text, reuse: reset, files: {in: /in, out: /out, limit: 8m}, warm_pool: {min: 1, max: 1}}
  both: {command: [/app/early], output: text, reuse: reset, files: {in: /in, out: /out, limit: 8m}, warm_pool: {min: 1, max: 1, start: program}}
  look: {command: [sh, -c, 'id -u; cd /in; find . | sort | xargs stat -c "%n %a %u"; cat a/b'], output: text, files: {in: /in}}
  shell: {command: [sh, -c, 'eval "$SCRIPT"'], output: text, files: {in: /in, out: /out, limit: 64k}, timeout: 3s}
  plain: {command: [cat]}
YAML
	skillbox build t-files >/dev/null 2>&1
	head -c 3000000 /dev/urandom >"$BATS_FILE_TMPDIR/bin"
	printf 'ä\n' >"$BATS_FILE_TMPDIR/text"
	: >"$BATS_FILE_TMPDIR/empty"
}

teardown() {
	[ -z "${daemon-}" ] || stop_daemon
	[ -z "${session-}" ] || skillbox session stop "$session"
	gone t-files
}

# All that is given, as options; and the same as a body's member "files".
given() {
	options=(--file "bin=$BATS_FILE_TMPDIR/bin"
		--file "a/b/c d.txt=$BATS_FILE_TMPDIR/text"
		--file "ä=$BATS_FILE_TMPDIR/empty")
	jq -n --rawfile text "$BATS_FILE_TMPDIR/text" \
		--rawfile bin <(base64 -w0 "$BATS_FILE_TMPDIR/bin") \
		'{"bin": {base64: $bin}, "a/b/c d.txt": {text: $text}, "ä": {text: ""}}' \
		>"$BATS_TEST_TMPDIR/files"
}

# The record has what was given, byte for byte, sorted.
same() {
	holds '[.artifacts[].name] == ["a/b/c d.txt", "bin", "ä"] and
		.artifacts[1].size == 3000000 and
		all(.artifacts[]; (.sha256 | length) == 64)'
	cmp <(field '.artifacts[1].data' | base64 -d) "$BATS_FILE_TMPDIR/bin"
	cmp <(field '.artifacts[0].data' | base64 -d) "$BATS_FILE_TMPDIR/text"
	[ "$(field '.artifacts[1].sha256')" = "$(sha256sum <"$BATS_FILE_TMPDIR/bin" | cut -d' ' -f1)" ]
}

# post ACTION [FILES]: to the daemon, with the files in that file
post() {
	jq -n --arg action "$1" --slurpfile files "${2-$BATS_TEST_TMPDIR/files}" \
		'{skill: "t-files", action: $action, files: $files[0]}' \
		>"$BATS_TEST_TMPDIR/request"
	ask POST /v1/runs -d "@$BATS_TEST_TMPDIR/request"
}

# waits ACTION: a sandbox for it waits
waits() {
	ask GET /v1/pool
	holds '[.pools[] | select(.skill == "t-files" and .action == $a) | .waiting] | add >= 1' \
		--arg a "$1" >/dev/null
}

@test "one-off, direct: text and binary in, and out again" {
	given
	act t-files copy "${options[@]}" --no-daemon
	ended ok 0
	same
	holds '.stages_ms.action < 2000 * '"$slower"
}

@test "one-off, over the attached stream" {
	given
	SKILLBOX_CHANNEL=attached act t-files copy "${options[@]}"
	ended ok 0
	same
}

@test "they are the action's own, in folders, before it starts" {
	echo hello >"$BATS_TEST_TMPDIR/b"
	act t-files look --file "a/b=$BATS_TEST_TMPDIR/b"
	ended ok 0
	uid=$(field .output | head -1)
	own="700 $uid"
	[ "$(family)" != podman ] || own='1777 0' # its tmpfs are root's
	[ "$(field .output)" = "$(printf '%s\n. %s\n./a 755 %s\n./a/b 644 %s\nhello' "$uid" "$own" "$uid" "$uid")" ]
}

@test "by a daemon: cold, warm, started early, reset" {
	given
	for channel in '' attached; do
		SKILLBOX_CHANNEL=$channel serve
		post copy
		answered 200 ok
		same
		soon waits warm
		post warm
		answered 200 ok
		holds '.start == "warm"'
		same
		soon waits early
		post early
		answered 200 ok
		holds '.start == "warm" and .output == "0 3\n"'
		same
		stop_daemon
	done
}

# later SESSION ...: a step behind the last, by the kernel's clock of files
later() {
	sleep 0.05
	step "$@"
}

@test "in a session: what is given replaces, what a run made comes back" {
	given
	skillbox session create t-files --skill t-files --action copy
	session=t-files
	step t-files copy "${options[@]}"
	ended ok 0
	same
	later t-files shell -e 'SCRIPT=cmp /in/bin /out/bin && cp /in/bin /out/c'
	ended output_limit 125
	later t-files shell -e 'SCRIPT=printf "\\377\\000" >/out/a/new; rm /out/bin /out/c'
	ended ok 0
	holds '[.artifacts[] | [.name, .data]] == [["a/new", "/wA="]]'
	later t-files shell -e SCRIPT=true
	ended ok 0
	holds '.artifacts == []'
	later t-files copy --file "bin=$BATS_FILE_TMPDIR/text"
	ended ok 0
	holds '[.artifacts[].name] == ["a/b/c d.txt", "bin", "ä"]'
	cmp <(field '.artifacts[1].data' | base64 -d) "$BATS_FILE_TMPDIR/text"
	later t-files shell -e 'SCRIPT=echo a >>"/out/a/b/c d.txt"'
	ended ok 0
	holds '[.artifacts[] | [.name, .data]] == [["a/b/c d.txt", "w6QKYQo="]]'
}

@test "by a daemon: a sandbox that is used again has nothing of before" {
	given
	echo '{"x": {"text": "y"}}' >"$BATS_TEST_TMPDIR/other"
	serve
	soon waits reset
	post reset
	answered 200 ok
	holds '.output == "3\n"'
	same
	soon waits reset
	post reset "$BATS_TEST_TMPDIR/other"
	answered 200 ok
	holds '.start == "reused" and .output == "1\n" and [.artifacts[].name] == ["x"]'
	soon waits reset
	ask POST /v1/skills/t-files/actions/reset -d '{}'
	answered 200 ok
	holds '.start == "reused" and .output == "0\n" and .artifacts == []'
	soon waits both
	post both
	answered 200 ok
	holds '.output == "0 3\n"'
	same
	soon waits both
	post both "$BATS_TEST_TMPDIR/other"
	answered 200 ok
	holds '.start == "reused" and .output == "0 1\n" and [.artifacts[].name] == ["x"]'
}

@test "--out writes them, and leaves them out of the record" {
	given
	mkdir -p "$BATS_TEST_TMPDIR/out/a"
	echo old >"$BATS_TEST_TMPDIR/out/bin"
	act t-files copy "${options[@]}" --out "$BATS_TEST_TMPDIR/out"
	ended ok 0
	holds 'all(.artifacts[]; keys == ["name", "sha256", "size"])'
	cmp "$BATS_TEST_TMPDIR/out/bin" "$BATS_FILE_TMPDIR/bin"
	cmp "$BATS_TEST_TMPDIR/out/a/b/c d.txt" "$BATS_FILE_TMPDIR/text"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/out/bin")" = 644 ]
	[ "$(find "$BATS_TEST_TMPDIR/out" -type f | wc -l)" = 3 ]
}

@test "--out where nothing can be written is invalid, and nothing runs" {
	given
	act t-files copy "${options[@]}" --out "$BATS_FILE_TMPDIR/text"
	ended invalid 65
	holds '.started_at == null and (.error | test("^--out .*: Not a dir"))'
	act t-files copy "${options[@]}" --out "$BATS_TEST_TMPDIR/none/below"
	ended invalid 65
	holds '.started_at == null and (.error | test("^--out .*: No such"))'
}

@test "what cannot be given is invalid, and nothing runs" {
	act t-files plain --file "a=$BATS_FILE_TMPDIR/text"
	ended invalid 65
	holds '.started_at == null and (.error | contains("files.in"))'
	for name in ../a /a a/../b a//b . .. a/ $'a\nb'; do
		act t-files copy --file "$name=$BATS_FILE_TMPDIR/text"
		ended invalid 65
	done
	act t-files copy --file "a=$BATS_FILE_TMPDIR/text" --file "a/b=$BATS_FILE_TMPDIR/text"
	ended invalid 65
	act t-files copy --file "a=$BATS_TEST_TMPDIR/none"
	ended invalid 65
	act t-files shell --file "a=$BATS_FILE_TMPDIR/bin" -e SCRIPT=true
	ended invalid 65
	holds '.error | contains("files.limit")'
	act t-files copy --file a
	ended invalid 65
}

@test "whatever the outcome, what is there comes back" {
	act t-files shell -e 'SCRIPT=echo 1 >/out/a; exit 3'
	ended failed 3
	holds '.artifacts[0].data == "MQo="'
	act t-files shell -e 'SCRIPT=echo 1 >/out/a; kill -9 $$'
	ended signaled 137
	holds '.artifacts[0].name == "a"'
	act t-files shell -e 'SCRIPT=echo 1 >/out/a; sleep 30'
	ended timeout 124
	holds '.artifacts[0].name == "a"'
	act t-files shell -e 'SCRIPT=echo 1 >/out/a; head -c 3000000 /dev/zero'
	ended output_limit 125
	holds '.artifacts[0].name == "a"'
}

@test "a secret does not come back in a file, nor in its name" {
	mkdir -p "$skills/t-files-secret"
	fixture t-files-secret <<'YAML'
  leak: {command: [sh, -c, 'printf "x%sy" "$TOKEN" >"/out/$TOKEN.txt"'], output: text, secrets: [{name: TOKEN, env: TOKEN}], files: {out: /out}}
YAML
	skillbox build t-files-secret >/dev/null 2>&1
	printf hunter2hunter2 >"$BATS_TEST_TMPDIR/token"
	act t-files-secret leak --secret "TOKEN=@$BATS_TEST_TMPDIR/token"
	ended ok 0
	holds '.artifacts[0] | .name == "***.txt" and (.data | @base64d) == "x***y" and .size == 5'
	gone t-files-secret
}

@test "policy, check and inspect know of them" {
	policy <<-'YAML'
		skills:
		  limits: {files: 1m}
	YAML
	given
	act t-files copy "${options[@]}"
	ended invalid 65
	grep -q 'skills.limits.files: 8m was asked for, 1m is granted' "$BATS_TEST_TMPDIR/stderr"
	skillbox inspect t-files | jq -e '.actions.look.files == {in: "/in", limit: "64m"}'
	fixture t-files-bad <<'YAML'
  a: {files: {in: relative}}
  b: {files: {in: /tmp/in}}
  c: {files: {limit: 1m}}
  d: {files: {in: /a, out: /a/b}}
  e: {files: {in: /a, limit: 2g, into: /b}}
YAML
	run -65 skillbox check t-files-bad
	for line in 6 7 8 9 10; do
		[[ $output == *"skill.yaml:$line:"* ]]
	done
	rm -r "$skills/t-files-bad"
}
