#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Runners that die, wherever they were: nothing of theirs goes on running, the
# next command removes the rest, and what belongs to a runner that lives is
# left alone.  On an engine of its own, where nothing else may be left.
# SBX_FAULTS=full asks for more, few, which is for valgrind, for less.

load helper

setup_file() {
	own_engine
	prepare
	# Killed while it looks for leaks, LSan reports that it could not.
	export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
	fixture t-dying <<'YAML'
  says: {command: [cat]}
  waits: {command: [sleep, '71117'], timeout: 5m}
YAML
	skillbox build t-dying
}

teardown_file() {
	"$harness/engine" stop "$SBX_TEST_ENGINE"
}

setup() {
	act t-dying says 1
	ended ok 0
}

# stray LABEL: a container that was never started, as of the runner LABEL
stray() {
	docker create --label "io.skillbox.runner=$1" \
		--label io.skillbox.skill=t-dying \
		--entrypoint /none skillbox/empty:1
}

# identity PID: as a runner would be called that has this pid
identity() {
	local fields
	read -ra fields < <(sed 's/.*) //' "/proc/$1/stat")
	echo "$(cat /proc/sys/kernel/random/boot_id):$(stat -L -c %i \
		/proc/self/ns/pid):$1:${fields[19]}"
}

@test "killed at any time" {
	case ${SBX_FAULTS-} in
	full) count=2000 ;;
	few) count=40 ;;
	*) count=200 ;;
	esac
	"$harness/faults" "kill=$count" t-dying says
}

@test "killed at each call" {
	"$harness/faults" kill-calls t-dying says -v 'v{}:/data:rw'
}

@test "killed while its action runs" {
	begin t-dying waits
	kill -9 "$runner"
	gone t-dying
}

@test "a runner leaves what belongs to another that lives" {
	begin t-dying waits
	ours=$(stray "$(identity "$runner")")
	skillbox run t-dying says 1
	skillbox prune
	docker inspect "$ours" "$container" >/dev/null
	[ "$(docker inspect -f '{{.State.Running}}' "$container")" = true ]
	kill -9 "$runner"
	# Not even if nobody takes note of its death.
	act t-dying says 1
	gone t-dying
}

@test "a pid that was given out again is no runner" {
	id=$(identity $$)
	mine=$(stray "$id")
	forged=$(stray "${id%:*}:12345")
	dead=$(stray "${id%:*:*}:4194304:12345")
	act t-dying says 1
	docker inspect "$mine" >/dev/null
	run ! docker inspect "$forged"
	run ! docker inspect "$dead"
	docker rm "$mine"
}

@test "labels that are no runner's condemn nothing" {
	for label in '' : nonsense "$(identity $$):1" \
		"00000000-0000-0000-0000-000000000000:1:2:3"; do
		stray "$label"
	done >"$BATS_TEST_TMPDIR/strays"
	act t-dying says 1
	skillbox prune
	[ "$(wc -l <"$BATS_TEST_TMPDIR/strays")" = 5 ]
	xargs docker rm <"$BATS_TEST_TMPDIR/strays"
}

# As if the clock had been set while a runner was between create and start.
@test "no clock that is set condemns anything" {
	mine=$(stray "$(identity $$)")
	theirs=$(stray "00000000-0000-0000-0000-000000000000:1:2:3")
	faketime -f +3d "$program" --skills "$skills:$top/skills" \
		run t-dying says 1
	faketime -f -3d "$program" --skills "$skills:$top/skills" \
		run t-dying says 1
	docker inspect "$mine" "$theirs" >/dev/null
	# Only who asks for it gets what is old elsewhere removed.
	faketime -f +3d "$program" --skills "$skills:$top/skills" prune
	docker inspect "$mine" >/dev/null
	run ! docker inspect "$theirs"
	docker rm "$mine"
}

# begin_in OPTION...: as begin, in namespaces of its own
begin_in() {
	unshare "$@" "$program" --skills "$skills:$top/skills" \
		run t-dying waits >"$BATS_TEST_TMPDIR/record" 2>&1 3>&- &
	runner=$!
	for _ in $(seq $((200 * slower))); do
		container=$(containers_of t-dying running)
		[ -z "$container" ] || return 0
		sleep 0.05
	done
	cat "$BATS_TEST_TMPDIR/record"
	return 1
}

@test "runners in other namespaces are left alone, and leave us alone" {
	mine=$(stray "$(identity $$)")
	for options in '-pf --kill-child --mount-proc' '-pf --kill-child' \
		'-Tf --kill-child --boottime 100000'; do
		echo "$options"
		# shellcheck disable=SC2086 # words
		begin_in $options
		theirs=$(stray "$(docker inspect -f \
			'{{index .Config.Labels "io.skillbox.runner"}}' \
			"$container")")
		act t-dying says 1
		skillbox prune
		# shellcheck disable=SC2086 # words
		unshare $options "$program" --skills "$skills:$top/skills" prune
		docker inspect "$theirs" "$container" "$mine" >/dev/null
		kill -9 "$runner"
		wait "$runner" || :
		docker rm "$theirs"
		for _ in $(seq 100); do
			[ -n "$(containers_of t-dying running)" ] || break
			sleep 0.1
		done
		[ -z "$(containers_of t-dying running)" ]
	done
	docker rm "$mine"
}

# Its /proc is the outer one: what has its pid there is another process, and
# would be taken for it.
@test "a runner with another's /proc is not judged" {
	begin_in -pf --kill-child
	label=$(docker inspect -f \
		'{{index .Config.Labels "io.skillbox.runner"}}' "$container")
	[[ $label =~ ^[0-9a-f-]+:0:[0-9]+:[0-9]+$ ]]
	kill -9 "$runner"
	gone t-dying
}
