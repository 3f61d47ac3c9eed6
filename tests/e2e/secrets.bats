#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# A secret that an action holds is nowhere else: not with the engine, not in
# what skillbox says, and in its memory only where it is locked.  What looks
# for it (tests/harness/find-secret) is shown to find it where it was planted.

load helper

# With all that JSON, URLs and shells write in another way.
marker() {
	printf 'm"%%\\/+ é%s' "$(head -c 15 /dev/urandom | base64)"
}

setup_file() {
	prepare
	fixture t-secrets <<'YAML'
  holds:
    command: [sh, -c, 'echo ready >&2; exec sleep 1000']
    secrets: [{name: TOKEN}, {name: TOKEN, file: token}]
    environment: {TOKEN: of the manifest}
    timeout: 5m
  prints:
    command: [sh, -c, 'echo "$TOKEN"; echo "$TOKEN" | base64 >&2;
      exec sleep 1000']
    secrets: [{name: TOKEN}]
    timeout: 5m
  tells:
    command: [sh, -c, 'stat -c "%a %s" /run/secrets/token;
      printf %s "$TOKEN" | cmp - /run/secrets/token && echo same']
    secrets: [{name: TOKEN}, {name: TOKEN, file: token}]
    output: text
  counts: {command: [sh, -c, 'printf %s "$TOKEN" | wc -c'], output: json,
    secrets: [{name: TOKEN}]}
  optional:
    command: [sh, -c, 'echo "${TOKEN-none}"; ls /run/secrets']
    secrets: [{name: TOKEN, required: false},
      {name: TOKEN, file: token, required: false}]
    output: text
  pries:
    command: [sh, -c, 'for f in mem environ maps fd/0 root cwd; do
      head -c 1 /proc/1/$f && echo "read $f"; done; true']
    secrets: [{name: TOKEN}]
    output: text
  has_none: {command: [sh, -c, 'env; ls /run/secrets'], output: text}
YAML
	skillbox build t-secrets
	export token=$BATS_FILE_TMPDIR/token
	marker >"$token"
}

teardown_file() {
	docker ps -aq --filter label=t-secrets | xargs -r docker rm -f
	gone t-secrets
}

# find_secret WHERE...
find_secret() {
	"$harness/find-secret" "$token" "$@"
}

# Where the engine keeps things, as it sees them: "tree:DIR" lines.
engine_trees() {
	local root
	root=/proc/$("$harness/engine" pid "$SBX_TEST_ENGINE")/root
	for dir in "$SBX_TEST_ENGINE/data" \
		"$(dirname "${DOCKER_HOST#unix://}")"; do
		[ ! -d "$root$dir" ] || echo "tree:$root$dir"
		[ "$root$dir" -ef "$dir" ] || [ ! -d "$dir" ] ||
			echo "tree:$dir"
	done
}

# events [OPTION...]: since $began.  Podman has none up to a time that is over.
events() {
	docker events --since "$began" \
		--until "$(date --date='1 second' +%s.%N)" "$@"
}

# All that the engine tells about everything there is; events since $began.
engine_words() {
	local ids
	mapfile -t ids < <(docker ps -aq --no-trunc
		docker images -q --no-trunc | sort -u
		docker volume ls -q)
	docker inspect "${ids[@]}" 2>/dev/null || true
	events
}

# An action that has its secret and waits; sets $init and $action (pids), and
# $began.
hold() {
	gone t-secrets
	began=$(date +%s.%N)
	begin t-secrets holds '{}' --secret TOKEN=@"$token"
	init=$(docker inspect -f '{{.State.Pid}}' "$container")
	soon action_runs
}

action_runs() {
	action=$(pgrep -P "$init" -xf 'sleep 1000')
}

@test "an action gets its secret in a variable and in a file" {
	act t-secrets tells '{}' --secret TOKEN=@"$token"
	ended ok 0
	[ "$(field .output)" = "400 $(stat -c %s "$token")
same" ]
}

@test "a secret that is short is taken for one run, and warned of" {
	act t-secrets counts '{}' --secret TOKEN=@<(printf 1234)
	ended ok 0
	grep -q -- '--secret TOKEN has under 8 bytes' "$BATS_TEST_TMPDIR/stderr"
	act t-secrets counts '{}' --secret TOKEN=@<(printf 12345678)
	run ! grep -q 'under 8 bytes' "$BATS_TEST_TMPDIR/stderr"
}

@test "a secret by a descriptor" {
	act t-secrets tells '{}' --secret TOKEN=fd:5 5<"$token"
	ended ok 0
	holds '.output | endswith("same\n")'
}

# Containers of the skill that were made since $began.
made() {
	events --filter label=io.skillbox.skill=t-secrets \
		--filter event=create
}

@test "without a secret that is required nothing starts" {
	began=$(date +%s.%N)
	act t-secrets tells
	ended misconfigured 78
	holds '.started_at == null and .image == null and
		(.error | contains("secret TOKEN is nowhere to be found"))'
	[ -z "$(made)" ]
	act t-secrets optional
	ended ok 0
	holds '.output == "none\n"'
	[ -n "$(made)" ]
}

# sealed: a skill with a sealed secret of its own, and the key for it, in the
# test's directory; the run works
sealed() {
	fixtures=$BATS_TEST_TMPDIR/skills
	export SKILLBOX_KEYS=$BATS_TEST_TMPDIR/keys
	mkdir "$fixtures"
	cp -r "$skills/t-secrets" "$fixtures"
	skillbox secret keygen
	skillbox secret set t-secrets TOKEN <"$token"
	file=$fixtures/t-secrets/secrets.yaml
	cp "$file" "$BATS_TEST_TMPDIR/good"
	act t-secrets tells
	ended ok 0
}

# refuses TEXT: nothing starts, and the error says why; then all is well again
refuses() {
	began=$(date +%s.%N)
	act t-secrets tells
	ended misconfigured 78
	holds '.started_at == null and (.error | contains($text))' \
		--arg text "$1"
	[ -z "$(made)" ]
	run -1 find_secret - <<<"$record"
	cp "$BATS_TEST_TMPDIR/good" "$file"
}

@test "what cannot be opened is a clear error, and nothing starts" {
	sealed
	# a box that was changed
	sed -i '$s/\(.*\)....../\1AAAAA=/' "$file"
	refuses 'it was changed'
	# another name's, another skill's
	sed -i 's/^  TOKEN:/  OTHER:/' "$file"
	act t-secrets tells
	ended misconfigured 78
	cp "$BATS_TEST_TMPDIR/good" "$file"
	mkdir "$fixtures/t-other"
	sed 's/t-secrets/t-other/' "$skills/t-secrets/skill.yaml" \
		>"$fixtures/t-other/skill.yaml"
	cp "$skills/t-secrets/Dockerfile" "$fixtures/t-other"
	cp "$file" "$fixtures/t-other"
	act t-other tells
	ended misconfigured 78
	holds '.error | contains("sealed for TOKEN of t-secrets")'
	# a file that ends too soon, anywhere
	size=$(stat -c %s "$file")
	for cut in 1 20 $((size / 2)) $((size - 20)); do
		head -c "-$cut" "$BATS_TEST_TMPDIR/good" >"$file"
		[ "$cut" = 1 ] || refuses 'secrets.yaml'
	done
	# no key, another key, one that cannot be read or that others can
	key=$(echo "$SKILLBOX_KEYS"/*.key)
	mv "$key" "$BATS_TEST_TMPDIR/aside"
	refuses 'no private key'
	skillbox secret keygen
	refuses 'that private key is not here'
	rm "$SKILLBOX_KEYS"/*.key
	cp "$BATS_TEST_TMPDIR/aside" "$key"
	chmod 644 "$key"
	refuses "chmod 600 $key"
	: >"$key"
	chmod 600 "$key"
	refuses "$key"
	rm "$key"
	mkdir "$key"
	refuses "$key"
	rmdir "$key"
	cp -p "$BATS_TEST_TMPDIR/aside" "$key"
	act t-secrets tells
	ended ok 0
}

@test "the run's own, the owner's store, the skill's file: in this order" {
	sealed
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	to=()
	for place in skill owner; do
		printf 'the value of the %s' "$place" >"$BATS_TEST_TMPDIR/value"
		skillbox secret set t-secrets TOKEN \
			"${to[@]}" <"$BATS_TEST_TMPDIR/value"
		act t-secrets counts
		holds '.output == $n' --argjson n \
			"$(stat -c %s "$BATS_TEST_TMPDIR/value")"
		to=(--owner "$(id -u)")
	done
	act t-secrets counts '{}' --secret TOKEN=@"$token"
	holds '.output == $n' --argjson n "$(stat -c %s "$token")"
}

@test "an action gets no secret that it does not name" {
	act t-secrets has_none '{}' --secret TOKEN=@"$token"
	ended invalid 65
	holds '.error | contains("has no secret TOKEN")'
	act t-secrets has_none
	ended failed 1
	run -1 find_secret - <<<"$record"
}

@test "a value on the command line is refused and not repeated" {
	for option in TOKEN=hunter2-hunter2 hunter2-hunter2 \
		TOKEN=@/no/such/file TOKEN=fd:77 TOKEN; do
		act t-secrets tells '{}' --secret "$option"
		ended invalid 65
		[[ $record$(cat "$BATS_TEST_TMPDIR/stderr") != *hunter2* ]]
	done
	act t-secrets tells '{}' --secret TOKEN=@"$token" \
		--secret TOKEN=@"$token"
	ended invalid 65
	# Where the record goes, even if it can be read.
	for fd in 1 2; do
		act t-secrets tells '{}' --secret "TOKEN=fd:$fd"
		ended invalid 65
		holds '.error | contains("expected another descriptor")'
	done
	head -c 65537 /dev/zero >"$BATS_TEST_TMPDIR/large"
	: >"$BATS_TEST_TMPDIR/empty"
	for file in large empty; do
		act t-secrets tells '{}' \
			--secret TOKEN=@"$BATS_TEST_TMPDIR/$file"
		ended invalid 65
	done
	printf 'with a\0in it' >"$BATS_TEST_TMPDIR/nul"
	began=$(date +%s.%N)
	act t-secrets tells '{}' --secret TOKEN=@"$BATS_TEST_TMPDIR/nul"
	ended invalid 65
	holds '.error | contains("has a NUL in it")'
	[ -z "$(made)" ]
}

@test "a secret that an action holds is nowhere outside of its sandbox" {
	hold
	mapfile -t trees < <(engine_trees)
	echo "${trees[@]}"
	run -1 find_secret "${trees[@]}" "proc:$init"
	run -1 find_secret - < <(engine_words)
	kill -INT "$runner"
	finish
	ended cancelled 130
	run -1 find_secret "${trees[@]}" "tree:$BATS_TEST_TMPDIR"
	run -1 find_secret - < <(engine_words)
}

@test "in the runner it is only where it is locked and not dumped" {
	# Sanitizers keep what was freed, and map terabytes.
	program=$plain
	ulimit -c unlimited
	cd "$BATS_TEST_TMPDIR"
	hold
	run -0 find_secret "memory:$runner"
	run ! grep -v ' lo+dd: ' <<<"$output"
	grep -q '^Max core file size *0 *0 ' "/proc/$runner/limits"
	kill -SEGV "$runner"
	wait "$runner" || true
	run -1 find_secret "tree:$BATS_TEST_TMPDIR"
}

@test "what the runner reads of it is as safe as what it sends" {
	# Sanitizers keep what was freed, and map terabytes.
	program=$plain
	gone t-secrets
	begin t-secrets prints '{}' --secret TOKEN=@"$token" --format stream
	soon grep -qF '***' "$BATS_TEST_TMPDIR/record"
	run -0 find_secret "memory:$runner"
	run ! grep -v ' lo+dd: ' <<<"$output"
	kill -INT "$runner"
	wait "$runner" || true
}

@test "init keeps nothing of it" {
	hold
	run -0 find_secret "memory:$action"
	run -1 find_secret "memory:$init"
	kill -INT "$runner"
	finish
}

@test "an action cannot look into init" {
	act t-secrets pries '{}' --secret TOKEN=@"$token"
	ended ok 0
	holds '.output == ""'
}

# --- what looks for it would find it -----------------------------------------

@test "the search finds what the engine is told" {
	began=$(date +%s.%N)
	docker create --label t-secrets --label "l=$(cat "$token")" \
		-e "TOKEN=$(cat "$token")" \
		"$(docker images -q skillbox/t-secrets | head -1)" x >/dev/null
	# At once: it remembers 256 of them, of whatever runs beside this.
	run -0 find_secret - < <(events)
	mapfile -t trees < <(engine_trees)
	for tree in "${trees[@]}"; do
		[[ $tree != *data ]] || soon find_secret "$tree"
	done
	run -0 find_secret - < <(docker inspect \
		"$(docker ps -aq --filter label=t-secrets)")
	touch "$(dirname "${DOCKER_HOST#unix://}")/planted"
	cp "$token" "$(dirname "${DOCKER_HOST#unix://}")/planted"
	run -0 find_secret "${trees[@]}"
	rm "$(dirname "${DOCKER_HOST#unix://}")/planted"
	[[ $output == *planted* ]]
}

@test "the search finds arguments and environments" {
	hold
	env "T=$(cat "$token")" sleep 100 3>&- &
	with_environment=$!
	sh -c 'sleep 100; exit' "$(cat "$token")" 3>&- &
	with_argument=$!
	soon find_secret "proc:$init"
	sleep 0.3
	run -0 find_secret "proc:$init"
	pkill -P "$with_argument"
	kill "$with_environment" "$with_argument" "$runner" || true
	[[ $output == *"/proc/$with_environment/environ: raw"* ]]
	[[ $output == *"/proc/$with_argument/cmdline: raw"* ]]
	[[ $output != *"/proc/$action/"* ]]
}

@test "the search finds it in the memory and the core of a process" {
	ulimit -c unlimited
	cd "$BATS_TEST_TMPDIR"
	/usr/bin/python3 -c 'import sys,time; x=open(sys.argv[1],"rb").read() * 2
print("ready", flush=True); time.sleep(100)' "$token" \
		>"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	soon grep -q ready "$BATS_TEST_TMPDIR/out"
	run -0 find_secret "memory:$pid"
	[[ $output == *" bare: raw"* ]]
	kill -SEGV "$pid"
	wait "$pid" || true
	# Where cores are files at all.
	case $(cat /proc/sys/kernel/core_pattern) in
	[!/\|]*) find_secret "tree:$BATS_TEST_TMPDIR" ;;
	esac
}

@test "the search finds it however it was written" {
	for lead in '' a ab; do
		{
			printf %s "$lead"
			cat "$token"
			printf xyz
		} >"$BATS_TEST_TMPDIR/with"
		for form in 'cat' 'base64 -w0' 'basenc --base64url -w0' \
			'od -An -v -tx1' 'jq -Rr @uri' 'jq -R .' 'jq -Ra .'; do
			$form <"$BATS_TEST_TMPDIR/with" | case $form in
			od*) tr -d ' \n' ;;
			*) cat ;;
			esac >"$BATS_TEST_TMPDIR/encoded"
			echo "$lead $form"
			find_secret - <"$BATS_TEST_TMPDIR/encoded"
		done
	done
	head -c 9000000 /dev/zero | cat - "$token" |
		find_secret - # over the edge of a piece
	run -1 find_secret - <<<'nothing'
}

@test "check reads sealed secrets, and says which nobody names" {
	key=$BATS_TEST_TMPDIR/keys
	cp -r "$skills/t-secrets" "$BATS_TEST_TMPDIR"
	fixtures=$BATS_TEST_TMPDIR
	for name in TOKEN OTHER; do
		[ -e "$key" ] || skillbox --keys "$key" secret keygen
		skillbox --keys "$key" secret set t-secrets "$name" <"$token"
	done
	run -0 skillbox check "$fixtures/t-secrets"
	[[ $output == *'secrets.yaml: warning: no action names the secret OTHER'* ]]
	[[ $output != *'the secret TOKEN'* ]]
	sed -i 's/^schema_version: 1/schema_version: 2/' \
		"$fixtures/t-secrets/secrets.yaml"
	run -65 skillbox check "$fixtures/t-secrets"
	[[ $output == *secrets.yaml:*schema_version* ]]
}
