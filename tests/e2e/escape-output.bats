#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks on whoever reads what a skill says: terminals, logs, JSON parsers.
# The same for what a manifest, a Dockerfile or a file's name says.

load attack

setup_file() {
	prepare
	mkdir -p "$skills/t-escape-output"
	fixture t-escape-output <<YAML
  attack: {$attack_action}
  json: {$attack_action, output: json}
YAML
	skillbox build t-escape-output
	uid=$(uid_of t-escape-output)
	export uid
}

teardown() {
	unharmed t-escape-output "$uid"
}

# A title, a colour, a clear screen, a C1 control, a bell, and bytes that are
# no UTF-8.
evil='printf "\033]0;owned\007\033[31mred\033[2J\302\233K\r\377\300\257\355\240\200end\n"'

# harmless FILE: no control character but what a terminal prints
harmless() {
	cat -v "$1"
	run ! grep -aqP '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
	iconv -f UTF-8 -t UTF-8 "$1" >/dev/null
}

@test "escape sequences and invalid UTF-8 in output, stderr and error" {
	attack t-escape-output "$evil; $evil >&2; exit 3"
	ended failed 3
	echo "$record" >"$BATS_TEST_TMPDIR/record"
	harmless "$BATS_TEST_TMPDIR/record"
	harmless "$BATS_TEST_TMPDIR/stderr"
	holds '.error | test("end") and (test("[\u0000-\u001f]") | not)'
	# In an error that the action words itself as well.
	attack t-escape-output 'printf "{\"error\":{\"message\":\"a\\\\u001b[31mb\\\\nc\"}}"; exit 3'
	ended failed 3
	holds '.error | test("a") and test("c") and
		(test("[\u0000-\u001f\u007f]") | not)'
}

@test "escape sequences on a terminal, in each format" {
	for format in json text stream; do
		script -qec "$(printf '%q ' "$program" --skills \
			"$skills:$top/skills" run t-escape-output attack -e \
			"ATTACK=$evil; $evil >&2; exit 3" --format $format)" \
			/dev/null </dev/null >"$BATS_TEST_TMPDIR/out" || :
		grep -q end "$BATS_TEST_TMPDIR/out"
		harmless "$BATS_TEST_TMPDIR/out"
	done
}

# What a build prints is the Dockerfile's.
@test "escape sequences in a build's log" {
	mkdir -p "$skills/t-escape-build"
	fixture t-escape-build <<YAML
  attack: {$attack_action}
YAML
	printf '%s\n' 'FROM skillbox/busybox' "RUN $evil; $evil >&2; exit 3" \
		>"$skills/t-escape-build/Dockerfile"
	act t-escape-build attack
	ended build_failed 125
	holds '.error | test("end") and (test("[\u0000-\u0008\u000b-\u001f]") | not)'
	harmless "$BATS_TEST_TMPDIR/stderr"
	# On a terminal progress has sequences of its own; these are not.
	script -qec "$(printf '%q ' "$program" --skills "$skills:$top/skills" \
		build t-escape-build)" /dev/null </dev/null \
		>"$BATS_TEST_TMPDIR/out" || :
	cat -v "$BATS_TEST_TMPDIR/out"
	grep -q end "$BATS_TEST_TMPDIR/out"
	run ! grep -qF $'\033]0;' "$BATS_TEST_TMPDIR/out"
	run ! grep -qF $'\033[31m' "$BATS_TEST_TMPDIR/out"
	run ! grep -qF $'\033[2J' "$BATS_TEST_TMPDIR/out"
}

@test "escape sequences in names: actions, keys, files" {
	mkdir -p "$skills/t-escape-names"
	printf 'FROM skillbox/busybox\n' >"$skills/t-escape-names/Dockerfile"
	printf '  "a\\e[31m": {command: [x]}\n  b: {"k\\e]0;x\\a": 1}\n' |
		fixture t-escape-names
	run skillbox check t-escape-names
	[ "$status" -ne 0 ]
	echo "$output" >"$BATS_TEST_TMPDIR/out"
	harmless "$BATS_TEST_TMPDIR/out"
	fixture t-escape-names <<YAML
  attack: {$attack_action}
YAML
	mkfifo "$skills/t-escape-names/"$'a\033[31m\nb'
	act t-escape-names attack
	ended invalid 65
	holds '.error | test("FIFO") and (test("[\u0000-\u001f]") | not)'
	act t-escape-names $'x\033[31m'
	holds '.error | test("[\u0000-\u001f]") | not'
}

@test "JSON that is deep, wide, doubled, or made of odd numbers" {
	for text in 'head -c 300000 /dev/zero | tr "\0" "["' \
		'yes "{\"a\":" | head -n 100000' \
		'printf "{\"a\":1,\"a\":2}"' 'printf "[1e999999]"' \
		'printf "[\"\\ud800\"]"' 'printf "{\"\\u0000\":1}"' \
		'printf "[1]\0"' 'printf "[NaN]"'; do
		act t-escape-output json -e "ATTACK=$text"
		echo "$text: $(field .outcome)"
		[ "$(field .outcome)" = bad_output ] || ended ok 0
		holds 'within(9000)'
		attack t-escape-output "$text"
		ended ok 0
		holds '.output | type == "string" or type == "object" or
			type == "array"'
	done
	# What is no JSON value for all its readers is none.
	act t-escape-output json -e 'ATTACK=printf "{\"a\":1,\"a\":2}"'
	ended bad_output 65
}

@test "one line without end as the last words" {
	attack t-escape-output \
		'head -c 900000 /dev/zero | tr "\0" "\033" >&2; exit 3'
	ended failed 3
	holds '.error | length <= 512'
}
