#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The commands beside run and build, and what a runner that dies leaves.

load helper

setup_file() {
	prepare
	fixture t-commands <<'YAML'
  fine: {command: [cat], description: Says it again.}
  fails: {command: [sh, -c, 'echo why >&2; exit 3']}
  waits: {command: [sleep, '300'], timeout: 5m}
  ignores_all: {command: [sh, -c, 'trap "" TERM INT HUP; while :; do sleep 1; done']}
  keeps: {command: [sh, -c, 'cat /data/x; echo 1 >>/data/x'], volumes: ['keep:/data:rw']}
tests:
  - {name: says it, action: fine, input: {a: [1, {b: 2}]}, expect: {status: 0, output: {a: [1, {b: 2}]}}}
  - {name: says part of it, action: fine, input: {a: 1, b: {c: 2, d: 3}}, expect: {output_subset: {b: {c: 2}}}}
  - {name: fails well, action: fails, expect: {status: 3, outcome: failed, error_contains: why, stderr_contains: why}}
  - {name: keeps nothing yet, action: keeps, expect: {outcome: failed}}
YAML
	sed -i 's/cat .data.x; echo/cat \/data\/x || r=3; echo/; s/>>.data.x/>>\/data\/x; exit $r/' \
		"$skills/t-commands/skill.yaml"
	sed -i '$d' "$skills/t-commands/skill.yaml"
	cat >>"$skills/t-commands/skill.yaml" <<'YAML'
  - {name: keeps nothing yet, action: keeps, expect: {status: 3}}
  - {name: keeps it until the end, action: keeps, expect: {status: 0, output: "1\n"}}
YAML
}

teardown() {
	gone t-commands
}

@test "list shows every skill and its actions" {
	skillbox list >"$BATS_TEST_TMPDIR/out"
	grep -qE '^t-commands +1.0.0 +A fixture' "$BATS_TEST_TMPDIR/out"
	grep -qE '^  fine +Says it again' "$BATS_TEST_TMPDIR/out"
	grep -qE '^text ' "$BATS_TEST_TMPDIR/out"
	skillbox list --format json | jq -e 'map(.name) as $names |
		($names | index("t-commands")) and ($names | index("webpage"))
		and $names == ($names | sort)'
}

@test "check is content with the shipped skills" {
	"$program" --skills "$top/skills" check
}

@test "inspect tells of actions in the words of others" {
	skillbox inspect text --as openai | jq -e 'length == 3 and (.[0] |
		.type == "function" and (.function |
			.name == "text_word_count" and
			.parameters.required == ["text"]))'
	skillbox inspect text --as anthropic | jq -e '.[2] |
		.name == "text_sort" and .input_schema.type == "object"'
	skillbox inspect --as mcp | jq -e '
		(map(.name) | index("t-commands_fine")) and (map(select(
			.name == "webpage_parse_html"))[0] | .title and
			.outputSchema and .annotations.readOnlyHint)'
	run -64 --separate-stderr skillbox inspect text --as llama
	grep -q 'openai, anthropic, mcp' <<<"$stderr"
}

@test "inspect shows the manifest with all defaults" {
	skillbox inspect t-commands | jq -e '
		.name == "t-commands" and (.actions.fine |
			.timeout and .mem_limit and .pids_limit == 64 and
			.network == "none" and .input == "stdin" and
			.output == "auto" and (.command == ["cat"]))'
	# It is a manifest again, and the same.
	mkdir -p "$BATS_TEST_TMPDIR/again/t-commands"
	cp "$skills/t-commands/Dockerfile" "$BATS_TEST_TMPDIR/again/t-commands/"
	skillbox inspect t-commands \
		>"$BATS_TEST_TMPDIR/again/t-commands/skill.yaml"
	diff <("$program" --skills "$BATS_TEST_TMPDIR/again" inspect t-commands) \
		"$BATS_TEST_TMPDIR/again/t-commands/skill.yaml"
	run -66 skillbox inspect t-comands
}

@test "test runs the manifest's tests and speaks TAP" {
	skillbox test t-commands >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	[ "$(head -n 2 "$BATS_TEST_TMPDIR/out")" = $'TAP version 14\n1..5' ]
	[ "$(grep -c '^ok ' "$BATS_TEST_TMPDIR/out")" = 5 ]
	# Twice, for its volumes are fresh each time.
	skillbox test t-commands | grep -qx 'ok 5 - t-commands: keeps it until the end'
	[ -z "$(docker volume ls -q --filter label=io.skillbox.volume |
		grep -- '-test-.*-t-commands-' || :)" ]
}

@test "a test that fails shows the difference, and the status" {
	cp -R "$skills/t-commands" "$skills/t-failing"
	sed -i 's/t-commands/t-failing/; s/output: {a: \[1, {b: 2}\]}/output: {a: [1, {b: 3}], c: null}/; s/c: 2}}/c: 4}}/; s/status: 3, outcome/status: 4, outcome/' \
		"$skills/t-failing/skill.yaml"
	run -1 skillbox test t-failing
	echo "$output"
	[ "$(grep -c '^not ok ' <<<"$output")" = 3 ]
	grep -qE '/a/1/b.*3.*2' <<<"$output"
	grep -qE '/b/c.*4.*2' <<<"$output"
	grep -qE 'status.*4.*3' <<<"$output"
	rm -r "$skills/t-failing"
}

@test "help for everything, with examples" {
	run -0 skillbox --help
	commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' <<<"$output")
	[ "$(wc -w <<<"$commands")" = 15 ]
	for command in $commands; do
		run -0 --separate-stderr skillbox "$command" --help
		grep -q "^usage: skillbox $command" <<<"$output"
		[ "$command" = version ] || grep -q '^examples:' <<<"$output"
		[ -z "$stderr" ]
	done
}

@test "wrong usage exits with 64 and says what is right" {
	for line in '' bogus 'run' 'run text' 'run text word_count {} more' \
		'build' 'build --all text' '--bogus' 'list --bogus' \
		'inspect' 'inspect a b' 'logs a b' 'pool warm a' 'mcp a'; do
		# shellcheck disable=SC2086 # words
		run -64 --separate-stderr skillbox $line
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
	run -64 --separate-stderr skillbox lst
	grep -q "'list'" <<<"$stderr"
}

@test "all skills of nowhere are not_found" {
	mkdir "$BATS_TEST_TMPDIR/empty"
	cd "$BATS_TEST_TMPDIR/empty"
	for line in list check 'build --all' test; do
		# shellcheck disable=SC2086 # words
		run -66 --separate-stderr "$program" $line
		grep -q -- '--skills' <<<"$stderr"
	done
	mkdir skills
	run -0 --separate-stderr "$program" list
	grep -q -- 'no skill in' <<<"$stderr"
}

@test "version" {
	run -0 skillbox version
	grep -qE '[0-9]+\.[0-9]+\.[0-9]+' <<<"$output"
}

@test "doctor says what the engine is and can do" {
	run -0 skillbox doctor
	echo "$output"
	grep -qF "$DOCKER_HOST" <<<"$output"
	grep -q 'skills can run here' <<<"$output"
	skillbox doctor --format json | jq -e '.ok and (.findings | length > 5)'
}

@test "doctor says how to mend an engine that is not there" {
	run -69 skillbox --engine "unix://$BATS_TEST_TMPDIR/none" doctor
	echo "$output"
	grep -q 'fix:' <<<"$output"
	grep -q 'skills cannot run here' <<<"$output"
}

# silent SOCKET FILE: takes one connection, says so in the file, no more
silent() {
	python3 - "$@" <<-'END' 3>&- &
		import signal, socket, sys

		listener = socket.socket(socket.AF_UNIX)
		listener.bind(sys.argv[1])
		listener.listen()
		open(sys.argv[2], "w").close()
		connection = listener.accept()
		open(sys.argv[2], "a").write("taken")
		signal.alarm(60)
		signal.pause()
	END
	silent=$!
	soon test -e "$2"
}

@test "doctor that is interrupted finds nothing wrong" {
	cd "$BATS_TEST_TMPDIR"
	silent "$PWD/s" at
	env --default-signal=INT "$program" --engine "unix://$PWD/s" doctor \
		>found 3>&- &
	doctor=$!
	soon test -s at
	kill -INT "$doctor"
	status=0
	wait "$doctor" || status=$?
	kill "$silent"
	[ "$status" = 130 ]
	[ ! -s found ]
}

@test "a runner killed with SIGKILL leaves nothing" {
	for action in waits ignores_all; do
		begin t-commands $action
		kill -9 "$runner"
		wait "$runner" || :
		gone t-commands 15
	done
}

@test "a runner that hangs leaves nothing: the heartbeat stops" {
	begin t-commands waits
	kill -STOP "$runner"
	gone t-commands 30
	kill -9 "$runner"
}

@test "prune removes strays whose runner is dead, and nothing else" {
	skillbox build t-commands
	image=$(skillbox build t-commands | cut -d' ' -f2)
	identity=$(cat /proc/sys/kernel/random/boot_id):$(
		stat -Lc %i /proc/self/ns/pid):4194000:1
	stray=$(docker create --label "io.skillbox.runner=$identity" \
		--label io.skillbox.skill=t-stray "$image" true)
	# Any run that ends meanwhile takes containers, but no volumes.
	volume=$(docker volume create --label "io.skillbox.runner=$identity" \
		--label io.skillbox.owner=test-stray t-stray)
	foreign=$(docker create --label t-commands=1 "$image" true)
	begin t-commands waits

	skillbox prune --dry-run >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	grep -q 'would remove volume t-stray' "$BATS_TEST_TMPDIR/out"
	docker volume inspect "$volume" >/dev/null
	skillbox prune >"$BATS_TEST_TMPDIR/out"
	grep -q 'removed volume t-stray' "$BATS_TEST_TMPDIR/out"
	run -1 docker volume inspect "$volume"
	run -1 docker inspect "$stray"
	docker inspect "$foreign" >/dev/null
	docker rm "$foreign" >/dev/null
	[ "$(containers_of t-commands running)" = "$container" ]

	kill "$runner"
	finish
	ended cancelled 130
}

@test "many at once" {
	for i in $(seq 8); do
		skillbox run t-commands fine "{\"n\": $i}" \
			>"$BATS_TEST_TMPDIR/record$i" 3>&- &
	done
	wait
	jq -es 'map(.output.n) == [range(1; 9)] and all(.status == 0)' \
		"$BATS_TEST_TMPDIR"/record[1-8]
}
