#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# skillbox pool: what waits in a daemon, seen and asked for.

load helper

setup_file() {
	prepare
	fixture t-pool <<'YAML'
  echo: {command: [cat], warm_pool: {min: 0, max: 4}}
YAML
	skillbox build t-pool >/dev/null 2>&1
}

setup() {
	serve
	export SKILLBOX_SOCKET=$socket
}

teardown() {
	stop_daemon
	gone t-pool
}

# waiting N: so many sandboxes of t-pool wait, and none is on its way
waiting() {
	skillbox pool --format json | jq -e --argjson n "$1" '
		.waiting == $n and .starting == 0 and
		([.pools[] | select(.skill == "t-pool") | .waiting] | add // 0) == $n' \
		>/dev/null
}

@test "warm has them waiting, a run takes one, shrink ends them" {
	waiting 0
	run -0 --separate-stderr skillbox pool warm t-pool echo 2 --format json
	[ "$(jq -r '.pools[0] | "\(.skill) \(.action) \(.target)"' <<<"$output")" = 't-pool echo 2' ]
	soon waiting 2
	[ "$(containers_of t-pool running | wc -l)" = 2 ]
	act t-pool echo '{"a": 1}'
	ended ok 0
	holds '.start == "warm" and .output == {"a": 1}'
	soon waiting 2
	skillbox pool shrink t-pool echo 0
	soon waiting 0
	gone t-pool
}

@test "status is a table of what waits for whom" {
	skillbox pool warm t-pool echo 1
	soon waiting 1
	run -0 --separate-stderr skillbox pool
	[[ ${lines[0]} == '1 waiting of at most '*' 0 starting, 0 busy, '*' MiB' ]]
	[[ ${lines[1]} == 'SKILL ACTION '*' WAITING STARTING '* ]]
	[[ ${lines[2]} =~ ^"t-pool echo"\ +$(id -u)\ +sandbox\ +never\ +1\ +0\ +0\ +1\  ]]
	[ "$(skillbox pool status)" = "$(skillbox pool)" ]
}

@test "what cannot be is said" {
	run -66 skillbox pool warm nosuch echo 1
	[[ $output == *nosuch* ]]
	run -66 skillbox pool warm t-pool nosuch 1
	run -66 skillbox pool shrink t-pool echo 1
	run -64 skillbox pool warm t-pool echo many
	run -64 skillbox pool warm t-pool echo -1
	run -64 skillbox pool fill
	SKILLBOX_SOCKET=$BATS_TEST_TMPDIR/none run -69 skillbox pool
	[[ $output == *"no daemon runs at $BATS_TEST_TMPDIR/none; 'skillbox serve' starts one" ]]
}
