#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What an action writes comes back as its manifest says, to the byte, and in
# whatever amount costs the runner no memory and no time.

load helper

setup_file() {
	prepare
	policy <<<'skills: {limits: {output_limit: 256m}}'
	local here=$skills/t-output
	mkdir -p "$here/data"
	/usr/bin/python3 "$top/tests/fixtures/documents.py" "$here/data"
	printf '%s\n' 'FROM skillbox/busybox' 'COPY data /data' \
		>"$here/Dockerfile"
	fixture t-output <<'YAML'
  binary: {command: [sh, -c, 'cat "/data/$NAME"'], output: binary}
  file: {command: [sh, -c, 'echo aside; printf %s "$TEXT" >"$SKILL_OUTPUT"'], output: file}
  no_file: {command: ['true'], output: file}
  file_of_other_kind: {command: [sh, -c, 'ln -s /etc/passwd "$SKILL_OUTPUT"'], output: file}
  auto: {command: [sh, -c, 'printf %s "$TEXT"']}
  json: {command: [sh, -c, 'printf %s "$TEXT"'], output: json}
  text: {command: [sh, -c, 'printf %s "$TEXT"'], output: text}
  bytes: {command: [sh, -c, 'printf "a\377b\000c\033[31md\n"; printf "e\377\n" >&2; exit 1']}
  echo: {command: [cat], input_limit: 32m, output_limit: 32m, output: text}
  flood: {command: [sh, -c, 'yes | head -c 100000000'], timeout: 60s}
  flood_all: {command: [sh, -c, 'yes | head -c 100000000'], timeout: 60s, output_limit: 200m, output: text}
  steps: {command: [sh, -c, 'for i in 1 2 3; do echo $i; echo e$i >&2; sleep 0.5; done']}
  both: {command: [sh, -c, 'echo out; echo err >&2']}
YAML
	skillbox build t-output
}

# came_back NAME: the record's output is that file
came_back() {
	field .output | base64 -d | cmp - "$skills/t-output/data/$1"
}

@test "a PDF, a PNG and all byte values come back through output: binary" {
	for name in page.pdf dot.png bytes; do
		act t-output binary -e NAME=$name
		ended ok 0
		came_back $name
	done
}

@test "output: file is the file, and stdout is a second log" {
	act t-output file -e 'TEXT={"a": 1}'
	ended ok 0
	holds '.output == {"a": 1} and .stderr == "aside\n"'
	act t-output file -e 'TEXT=words é'
	holds '.output == "words é"'
}

@test "no file, or something else in its place, is bad_output" {
	act t-output no_file
	ended bad_output 65
	act t-output file_of_other_kind
	ended bad_output 65
	holds '.output == null'
}

@test "--format text gives the bytes back as they were" {
	for name in page.pdf dot.png bytes; do
		skillbox run t-output binary -e NAME=$name --format text \
			>"$BATS_TEST_TMPDIR/out"
		cmp "$BATS_TEST_TMPDIR/out" "$skills/t-output/data/$name"
	done
}

@test "--format text is raw, whatever became of the action" {
	skillbox run t-output bytes --format text >"$BATS_TEST_TMPDIR/out" || :
	printf 'a\377b\000c\033[31md\n' | cmp - "$BATS_TEST_TMPDIR/out"
	skillbox run t-output auto -e 'TEXT=[ 1.0,2]' --format text \
		>"$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = '[ 1.0,2]' ]
}

@test "on a terminal text is escaped, and an error begins a line" {
	# The terminal says \r\n.
	for format in text stream; do
		script -qec "$(printf '%q ' "$program" --skills "$skills:$top/skills" \
			run t-output bytes --format $format)" /dev/null \
			</dev/null >"$BATS_TEST_TMPDIR/out" || :
		cat -v "$BATS_TEST_TMPDIR/out"
		! grep -q $'\033' "$BATS_TEST_TMPDIR/out"
		grep -qF 'c\x1b[31md' "$BATS_TEST_TMPDIR/out"
		grep -q '^skillbox: failed: ' "$BATS_TEST_TMPDIR/out"
	done
}

@test "output: auto makes JSON of objects and arrays, text of all else" {
	act t-output auto -e 'TEXT= {"a": [1, 2.50, "\u00e9", null]} '
	holds '.output == {"a": [1, 2.5, "é", null]}'
	act t-output auto -e 'TEXT=[]'
	holds '.output == []'
	for text in 12 true '"word"' null '{"a":' '{} {}' '' 'two
lines'; do
		act t-output auto -e "TEXT=$text"
		ended ok 0
		holds '.output == $text' --arg text "$text"
	done
}

@test "output: json takes any one value, output: text any text" {
	for text in 12 true '"word"' null '{"a":1}' '[[]]'; do
		act t-output json -e "TEXT=$text"
		ended ok 0
		holds '.output == $value' --argjson value "$text"
		act t-output text -e "TEXT=$text"
		ended ok 0
		holds '.output == $value' --arg value "$text"
	done
}

@test "a number keeps its digits" {
	act t-output json -e 'TEXT=[12345678901234567, 0.1, -0.0, 1e300]'
	ended ok 0
	# Not by jq, which rounds.
	tr -d ' \n' <<<"$record" | grep -qF '[12345678901234567,0.1,'
}

@test "what is no text is made text, nothing reaches a terminal" {
	act t-output bytes
	ended failed 1
	holds '.output == "a\ufffdb\ufffdc\u001b[31md\n"'
	holds '.error | test("^e") and (test("\u001b") | not)'
	# The record has no control character but as an escape.
	run -1 grep -aP '[\x00-\x08\x0b-\x1f\x7f]' <<<"$record"
}

@test "stdout and stderr stay apart" {
	act t-output both
	holds '.output == "out\n" and .stderr == "err\n"'
	skillbox run t-output both --format stream \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = out ]
	grep -qx err "$BATS_TEST_TMPDIR/err"
}

@test "--format stream prints output as it comes" {
	skillbox run t-output steps --format stream 2>/dev/null |
		while read -r line; do
			echo "$line $(date +%s%N)"
		done >"$BATS_TEST_TMPDIR/times"
	cat "$BATS_TEST_TMPDIR/times"
	first=$(sed -n 's/^1 //p' "$BATS_TEST_TMPDIR/times")
	third=$(sed -n 's/^3 //p' "$BATS_TEST_TMPDIR/times")
	[ $((third - first)) -gt 800000000 ]
}

@test "10 MB of input come back" {
	/usr/bin/python3 -c 'import json, random
random.seed(1)
print(json.dumps("".join(chr(random.choice((32, 34, 92, 233, 8364, 128512)))
      for _ in range(2000000)), ensure_ascii=False))' >"$BATS_TEST_TMPDIR/in"
	act t-output echo "@$BATS_TEST_TMPDIR/in"
	ended ok 0
	field .output >"$BATS_TEST_TMPDIR/out"
	jq -s '.[0] == .[1]' "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out" |
		grep -qx true
}

# act, and the runner's peak resident set in $kib
measured_act() {
	status=0
	record=$(/usr/bin/time -o "$BATS_TEST_TMPDIR/peak" -f %M \
		"$plain" --skills "$skills:$top/skills" run "$@" \
		2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	kib=$(tail -n 1 "$BATS_TEST_TMPDIR/peak")
	check_record
}

@test "100 MB on stdout: no hang, no memory" {
	measured_act t-output flood
	ended output_limit 125
	holds '(.output | length) == 1048576 and within(20000)'
	echo "$kib KiB"
	[ "$kib" -lt 32768 ]
}

@test "100 MB to somebody who reads slowly: all of it" {
	skillbox run t-output flood_all --format stream \
		2>"$BATS_TEST_TMPDIR/err" |
		/usr/bin/python3 -c 'import sys, time
n = 0
while part := sys.stdin.buffer.read(1 << 20):
    n += len(part)
    time.sleep(0.005)
print(n)' >"$BATS_TEST_TMPDIR/count"
	cat "$BATS_TEST_TMPDIR"/{err,count}
	[ "$(cat "$BATS_TEST_TMPDIR/count")" = 100000000 ]
}

@test "who stops reading ends the action" {
	before=$(date +%s)
	skillbox run t-output flood_all --format stream 2>/dev/null | head -c 10 |
		grep -q y
	gone t-output 10
	[ $(($(date +%s) - before)) -lt $((15 * slower)) ]
}
