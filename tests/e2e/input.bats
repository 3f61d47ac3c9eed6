#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Bad input of every kind: one clear message, a record, the right status, and
# no container left.

load helper

setup_file() {
	prepare
	fixture t-input <<'YAML'
  fine: {command: [cat]}
  same: {command: [cat], output: text}
YAML
}

teardown() {
	gone t-input
	gone t-bad
}

# manifest: t-bad's, from standard input
manifest() {
	mkdir -p "$skills/t-bad"
	cat >"$skills/t-bad/skill.yaml"
	echo 'FROM skillbox/busybox' >"$skills/t-bad/Dockerfile"
}

# refused PATTERN: t-bad is invalid, soon, for a reason that matches PATTERN
# and fits one line; check says the same.
refused() {
	act t-bad fine
	ended invalid 65
	holds '.error | test($re) and (test("\n") | not)' --arg re "$1"
	holds '.started_at == null and within(5000)'
	run skillbox check t-bad
	echo "$output"
	[ "$status" -ne 0 ]
	grep -qE "$1" <<<"$output"
}

@test "a binary manifest" {
	head -c 3000 /dev/urandom | manifest
	refused 'skill.yaml'
	head -c 3000 /dev/zero | manifest
	refused 'skill.yaml'
}

@test "a manifest of 50 MB" {
	{
		echo 'schema_version: 1'
		yes '# filling' | head -c 50000000
	} | manifest
	refused '(1 MiB|1048576|too large|larger)'
}

@test "a manifest without an end" {
	rm -f "$skills/t-bad/skill.yaml"
	mkdir -p "$skills/t-bad"
	mkfifo "$skills/t-bad/skill.yaml"
	refused 'skill.yaml'
	rm "$skills/t-bad/skill.yaml"
	ln -s /dev/zero "$skills/t-bad/skill.yaml"
	refused 'skill.yaml'
	rm "$skills/t-bad/skill.yaml"
}

@test "an alias bomb" {
	{
		echo 'x-a: &a [x, x, x, x, x, x, x, x, x, x]'
		last=a
		for next in b c d e f g h i; do
			echo "x-$next: &$next [$(yes "*$last" | head -n 10 | paste -sd,)]"
			last=$next
		done
	} | manifest
	refused 'alias'
}

@test "deep nesting" {
	{
		printf 'x-deep: '
		printf '[%.0s' $(seq 5000)
		printf ']%.0s' $(seq 5000)
	} | manifest
	refused '(deep|nest)'
}

@test "an empty manifest, a list, several documents" {
	: | manifest
	refused 'skill.yaml'
	echo '- a list' | manifest
	refused 'skill.yaml:1:1'
	printf 'a: 1\n---\nb: 2\n' | manifest
	refused 'document'
}

@test "duplicate and unknown keys, with line and column" {
	manifest <<'YAML'
schema_version: 1
name: t-bad
version: 1.0.0
description: x
actions:
  fine:
    command: [cat]
    timeout: 1s
    timeout: 2s
YAML
	refused 'skill.yaml:9:5.*timeout'
	manifest <<'YAML'
schema_version: 1
name: t-bad
version: 1.0.0
description: x
actions:
  fine:
    command: [cat]
    timeuot: 1s
YAML
	refused 'skill.yaml:8:5.*timeuot.*timeout'
}

@test "all errors of a file at once" {
	manifest <<'YAML'
schema_version: 2
name: other
actions:
  Fine:
    command: cat /x
    pids_limit: 1
    mem_limit: 1k
    network: [bridge]
    timeout: soon
YAML
	run skillbox check t-bad
	echo "$output"
	[ "$status" -ne 0 ]
	for line in 1 2 4 6 7 8 9; do
		grep -qE "skill.yaml:$line:[0-9]+: " <<<"$output"
	done
}

@test "what a later version will know is not supported yet" {
	manifest <<'YAML'
schema_version: 1
name: t-bad
version: 1.0.0
description: x
actions:
  fine:
    command: [cat]
    network: {allow: ["example.com:443"]}
YAML
	refused 'skill.yaml:8:[0-9]+.*not supported yet'
}

@test "warnings name their place, and are no errors" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'actions: {fine: {command: [cat], network: host}}' | manifest
	printf '%s\n' '# comment' 'FROM example.com/base:1' \
		>"$skills/t-bad/Dockerfile"
	cd "$skills"
	run -0 skillbox check t-bad
	grep -q '^t-bad/Dockerfile:2: warning: .*skills.build.from' <<<"$output"
	grep -q '^t-bad/skill.yaml: warning: .*skills.networks' <<<"$output"
	run -0 skillbox --policy "$top/manifests/policy-developer.yaml" \
		check t-bad
	grep -q '^t-bad/Dockerfile:2: warning: .* not pinned' <<<"$output"
}

# skill_md LINE...: the SKILL.md of t-bad, of which check says what stdin has
skill_md() {
	printf '%s\n' "$@" >"$skills/t-bad/SKILL.md"
	run --separate-stderr skillbox check t-bad
	echo "$output"
	diff - <(grep -F SKILL.md <<<"$output" | sed "s|.*/t-bad/||")
}

@test "SKILL.md beside a manifest: check says where it is wrong" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'license: MIT' 'actions: {fine: {command: [cat]}}' | manifest
	skill_md --- 'name: t-bad' 'description: From there.' 'x: []' --- x </dev/null
	[ "$status" -eq 0 ]
	[ "$(skillbox inspect t-bad | jq -r .description)" = 'From there.' ]
	skill_md --- 'name: t-bad' 'description: x' 'license: ISC' --- <<-'EOF'
		SKILL.md:4:10: warning: license: skill.yaml has another, which counts: make them the same, or remove it there
	EOF
	[ "$status" -eq 0 ]
	skill_md --- 'name: bad' 'description: x' --- <<-'EOF'
		SKILL.md:2:7: name: found "bad", expected "t-bad", the name of the skill
	EOF
	[ "$status" -eq 65 ]
	skill_md --- 'name: t-bad' 'description: {' --- <<-'EOF'
		SKILL.md:4:1: did not find expected node content, while parsing a flow node that starts at line 4
	EOF
	[ "$status" -eq 65 ]
	skill_md --- 'name: t-bad' 'description: x' <<-'EOF'
		SKILL.md:1:1: what begins here has no end: expected another line "---"
	EOF
	[ "$status" -eq 65 ]
	# It is for those who read: the action has nothing to do with it.
	act t-bad fine
	ended ok 0
	rm "$skills/t-bad/SKILL.md"
}

@test "SKILL.md that is no file of the skill" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'actions: {fine: {command: [cat]}}' | manifest
	cd "$skills/t-bad"
	ln -s /etc/passwd SKILL.md
	run -65 skillbox check t-bad
	grep -q 'SKILL.md:1:1: SKILL.md is a symbolic link' <<<"$output"
	rm SKILL.md
	mkfifo SKILL.md
	run -65 timeout 10 "$program" --skills "$skills" check t-bad
	grep -q 'SKILL.md:1:1: SKILL.md is no regular file' <<<"$output"
	rm SKILL.md
	head -c 50000000 /dev/zero >SKILL.md
	run -65 skillbox check t-bad
	grep -q 'SKILL.md:1:1: SKILL.md is larger than 1048576' <<<"$output"
	rm SKILL.md
}

@test "no Dockerfile" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'description: x' 'actions: {fine: {command: [cat]}}' | manifest
	rm "$skills/t-bad/Dockerfile"
	act t-bad fine
	ended invalid 65
	holds '.error | test("Dockerfile")'
	run skillbox check t-bad
	[ "$status" -ne 0 ]
	grep -q Dockerfile <<<"$output"
}

@test "files that cannot be packed" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'description: x' 'actions: {fine: {command: [cat]}}' | manifest
	mkfifo "$skills/t-bad/pipe"
	act t-bad fine
	ended invalid 65
	holds '.error | test("pipe")'
	rm "$skills/t-bad/pipe"
	: >"$skills/t-bad/"$'not\xffutf8'
	act t-bad fine
	rm "$skills/t-bad/"$'not\xffutf8'
	ended invalid 65
}

@test "a file that cannot be read" {
	printf '%s\n' 'schema_version: 1' 'name: t-bad' 'version: 1.0.0' \
		'description: x' 'actions: {fine: {command: [cat]}}' | manifest
	echo private >"$skills/t-bad/private"
	chmod 000 "$skills/t-bad/private"
	local socket=${DOCKER_HOST#unix://} as=()
	if [ "$(id -u)" -eq 0 ]; then
		# Root reads everything: as somebody who may use the engine.
		chmod o+x "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
		as=(setpriv --reuid 65534 --regid 65534
			--groups "$(stat -c %g "$socket")")
		chmod o+r "$skills" "$skills/t-bad"
		cp "$program" "$BATS_FILE_TMPDIR/skillbox"
		cp -R "$top/images" "$BATS_FILE_TMPDIR/images"
		program=$BATS_FILE_TMPDIR/skillbox
	fi
	status=0
	record=$(cd / && "${as[@]}" "$program" --skills "$skills" \
		run t-bad fine 2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	rm -f "$skills/t-bad/private"
	check_record
	ended invalid 65
	holds '.error | test("private") and test("[Pp]ermission denied")'
}

@test "names that lead elsewhere" {
	mkdir -p "$BATS_FILE_TMPDIR/elsewhere"
	cp -R "$skills/t-input/." "$BATS_FILE_TMPDIR/elsewhere/"
	sed -i 's/t-input/elsewhere/' "$BATS_FILE_TMPDIR/elsewhere/skill.yaml"
	for name in .. ../elsewhere ./t-input t-input/ t-input/../t-input \
		"$skills/t-input" '' . 'a b' 'T-INPUT' $'t-input\n' '-x'; do
		act "--" "$name" fine
		echo "$name: $(field .outcome)"
		[ "$(field .outcome)" = invalid ] ||
			[ "$(field .outcome)" = not_found ]
		holds '.started_at == null'
	done
	for name in '../fine' '' 'fine ' 'FINE' '*'; do
		act t-input "$name"
		[ "$(field .outcome)" = invalid ] ||
			[ "$(field .outcome)" = not_found ]
	done
}

@test "a skill directory that is a symlink has the link's name" {
	mkdir -p "$BATS_TEST_TMPDIR/links"
	cp -R "$skills/t-input" "$BATS_TEST_TMPDIR/elsewhere"
	ln -s ../elsewhere "$BATS_TEST_TMPDIR/links/t-input"
	fixtures=$BATS_TEST_TMPDIR/links
	act t-input fine
	ended ok 0
	for path in t-input "$fixtures/t-input" "$fixtures/t-input/"; do
		run -0 skillbox check "$path"
	done
	cd "$fixtures"
	run -0 skillbox check t-input/skill.yaml
	run -65 skillbox check ../elsewhere
	grep -q '^../elsewhere/skill.yaml:2:7: .*"elsewhere"' <<<"$output"
}

@test "a name that is no UTF-8" {
	act $'t-input\xff' fine
	ended invalid 65
	holds '.skill == "t-input\ufffd" and .action == "fine"'
	act t-input $'fine\xff'
	ended not_found 66
	holds '.action == "fine\ufffd"'
}

@test "a skill whose name is another's" {
	cp -R "$skills/t-input" "$skills/t-renamed"
	act t-renamed fine
	ended invalid 65
	holds '.error | test("t-input") and test("t-renamed")'
	rm -r "$skills/t-renamed"
}

@test "input that is no JSON, from each source" {
	echo '{"a":' >"$BATS_TEST_TMPDIR/in"
	act t-input fine "@$BATS_TEST_TMPDIR/in"
	ended invalid 65
	status=0
	record=$(skillbox run t-input fine - <"$BATS_TEST_TMPDIR/in" \
		2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	check_record
	ended invalid 65
	act t-input fine @
	ended invalid 65
	act t-input fine "@$BATS_TEST_TMPDIR/none"
	ended invalid 65
	holds '.error | test("none")'
	act t-input fine $'"\xff"'
	ended invalid 65
	act t-input fine "$(printf '[%.0s' $(seq 5000))"
	ended invalid 65
}

@test "input from each source, unchanged" {
	printf ' {"b": 1.0,\n "a": "\\u0041"} ' >"$BATS_TEST_TMPDIR/in"
	cp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/same"
	act t-input same "@$BATS_TEST_TMPDIR/in"
	ended ok 0
	skillbox run t-input same "@$BATS_TEST_TMPDIR/in" --format text |
		cmp - "$BATS_TEST_TMPDIR/same"
	skillbox run t-input same - --format text \
		<"$BATS_TEST_TMPDIR/in" | cmp - "$BATS_TEST_TMPDIR/same"
	skillbox run t-input same "$(cat "$BATS_TEST_TMPDIR/in")" \
		--format text | cmp - "$BATS_TEST_TMPDIR/same"
	act t-input fine
	holds '.output == {}'
}

@test "overrides that make no sense are wrong usage" {
	for option in --timeout=soon --timeout=-1s --memory=lots --cpus=none \
		--pids-limit=x --network=some --format=xml --bogus -eA=1=2x \
		--env-file=/none; do
		status=0
		skillbox run t-input fine "$option" >"$BATS_TEST_TMPDIR/out" \
			2>"$BATS_TEST_TMPDIR/err" || status=$?
		echo "$option: $status $(cat "$BATS_TEST_TMPDIR/err")"
		case $option in
		-eA=1=2x) [ $status -eq 0 ] ;;
		--env-file=*) [ $status -eq 65 ] ;;
		*) [ $status -eq 64 ] ;;
		esac
	done
}
