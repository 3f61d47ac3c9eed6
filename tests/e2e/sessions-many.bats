#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Fifty sessions at once, of a user who has no others, so that all can be
# stopped.

load sessions

setup_file() {
	prepare
	fixture t-many <<'YAML'
  work: {command: [id, -u], output: text}
YAML
	skillbox build t-many
	export socket=$BATS_FILE_TMPDIR/engine.sock
	"$harness/fault_proxy.py" "$socket" "${DOCKER_HOST#unix://}" \
		>/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/proxy"
	soon test -S "$socket"
	chmod 666 "$socket"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
}

teardown_file() {
	as_many stop --all >/dev/null || :
	kill "$(cat "$BATS_FILE_TMPDIR/proxy")"
	gone t-many 30
}

# as_many ARGUMENT...: skillbox session, as the host's user 4321
as_many() {
	(cd / && setpriv --reuid 4321 --regid 4321 --clear-groups env \
		-u XDG_RUNTIME_DIR HOME=/nonexistent \
		DOCKER_HOST="unix://$socket" "$program" \
		--skills "$skills:$top/skills" session "$@")
}

# four_at_a_time FUNCTION: of each of the fifty's names
four_at_a_time() {
	export -f as_many create_one step_in_one
	export program skills top
	seq -f tm-%g 50 | xargs -P 4 -I{} bash -c "$1 {}" 3>&-
}

create_one() {
	as_many create "$1" --skill t-many >/dev/null
}

step_in_one() {
	as_many run "$1" --format text -- sh -c 'echo "$SKILL_SESSION" >>log
		sort -u log'
}

@test "fifty sessions at once are created, used and stopped" {
	four_at_a_time create_one
	as_many list --format json | jq -e 'length == 50 and
		all(.state == "active") and (map(.name) | unique | length) == 50'
	seq -f tm-%g 50 | sort >"$BATS_TEST_TMPDIR/names"
	for _ in 1 2; do
		four_at_a_time step_in_one | sort |
			diff "$BATS_TEST_TMPDIR/names" -
	done
	[ "$(containers_of t-many running | wc -l)" = 50 ]
	as_many stop --all | sort | diff "$BATS_TEST_TMPDIR/names" -
	as_many list --format json | jq -e '. == []'
	gone t-many 30
	run -0 as_many stop --all
	[ -z "$output" ]
}
