#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks on other runs: their counters in the kernel, their files, volumes,
# sockets and processes.

load attack

setup_file() {
	prepare
	hostile t-escape-neighbour exhaust files
	fixture t-escape-neighbour <<YAML
  attack: {$attack_action, volumes: ['c-d:/data:rw']}
  as_one: {$attack_action, user: '210123:210123'}
YAML
	# Two that would have one volume if names were only put together.
	for other in t-escape-neighbour-c t-escape-other; do
		hostile "$other" exhaust files
		fixture "$other" <<YAML
  attack: {$attack_action}
  as_one: {$attack_action, user: '210123:210123'}
  volume: {$attack_action, volumes: ['d:/data:rw']}
YAML
	done
	fixture t-escape-neighbour-off <<YAML
  off: {$attack_action, volumes: ['both:/shared:ro'], user: '210124:210124'}
  bridged: {$attack_action, network: bridge, volumes: ['both:/shared:rw'], user: '210124:210124'}
YAML
	cp "$skills"/t-escape-neighbour/{Dockerfile,exhaust,files} \
		"$skills/t-escape-neighbour-off"
	skillbox build t-escape-neighbour t-escape-neighbour-c t-escape-other \
		t-escape-neighbour-off
	uid=$(uid_of t-escape-neighbour)
	export uid
}

teardown() {
	end_runner
	unharmed t-escape-neighbour "$uid"
	gone t-escape-other
	gone t-escape-neighbour-c
	gone t-escape-neighbour-off
}

teardown_file() {
	remove_volumes t-escape-neighbour t-escape-neighbour-c t-escape-other \
		t-escape-neighbour-off
}

# hold ACTION COMMAND: in the background, until it says so
hold() {
	begin t-escape-neighbour "$1" -e "ATTACK=$2" --format stream \
		--timeout 5m
	said '^(taken|traces|serving)'
	cat "$BATS_TEST_TMPDIR/record"
}

release() {
	kill "$runner"
	wait "$runner" || :
}

one_of_each='{"inotify": "done", "in flight": "done", "mqueue": "done",
	"sigqueue": "done", "pipe": 65536}'

# Attacks: a user of its own for each owner and skill.
@test "all of what the kernel counts per user: inotify, pipes, signals, mqueue, descriptors in flight" {
	hold attack '/app/exhaust per-uid hold'
	for all in '"inotify then": "EMFILE"' '"in flight then": "ETOOMANYREFS"' \
		'"mqueue then": "EMFILE"' '"sigqueue then": "EAGAIN"' \
		'"pipe": \(8192\|4096\)'; do
		grep -q "$all" "$BATS_TEST_TMPDIR/record"
	done
	# The neighbour's, and the host's.
	attack t-escape-other '/app/exhaust one-of-each'
	ended ok 0
	holds ".output == $one_of_each"
	"$skills/t-escape-other/exhaust" one-of-each |
		jq -e ". == $one_of_each"
	# The same skill has the same user, and so nothing left; it runs.
	attack t-escape-neighbour '/app/exhaust one-of-each'
	ended ok 0
	holds '.output | .inotify == "EMFILE" and .pipe < 65536'
	release
}

# What the test before guards against is real: with one user for both, which
# only a policy can grant, the neighbour gets nothing.
@test "two skills that have themselves given one user share what it has" {
	act t-escape-other as_one
	ended denied 77
	holds '.started_at == null and (.error | test("skills.users"))'
	policy <<<'skills: {users: ["210123"]}'
	hold as_one '/app/exhaust per-uid hold'
	act t-escape-other as_one -e 'ATTACK=/app/exhaust one-of-each'
	ended ok 0
	holds '.output | .inotify == "EMFILE" and .mqueue == "EMFILE" and
		.sigqueue == "EAGAIN"'
	release
}

# Attacks: init's filter.
@test "all of what the kernel counts for the machine: asynchronous I/O, huge pages" {
	before=$(cat /proc/sys/fs/aio-nr)
	attack t-escape-neighbour '/app/exhaust machine-wide'
	ended ok 0
	holds '.output == {"aio": 0, "aio then": "ENOSYS",
		"huge pages": "EPERM", "huge memfd": "EPERM",
		"huge segment": "EPERM"}'
	[ "$(cat /proc/sys/fs/aio-nr)" -le "$before" ]
}

# Attacks: namespaces, and that nothing is shared by runs of one skill.
@test "another run's tmp, shared memory, queues, abstract sockets, processes" {
	hold attack '/app/files leave-traces'
	for skill in t-escape-neighbour t-escape-other; do
		attack "$skill" '/app/files find-traces'
		refused
		holds '.output.processes <= 3'
	done
	attack t-escape-neighbour 'kill -9 -1; echo on'
	[ -n "$(containers_of t-escape-neighbour running)" ]
	release
}

# Attacks: names of volumes.  The skill a's volume b-c is not a-b's c.
@test "a skill whose name and volume spell another skill's volume" {
	attack t-escape-neighbour 'echo mine >/data/secret; ls /data'
	ended ok 0
	holds '.output == "secret\n"'
	act t-escape-neighbour-c volume -e 'ATTACK=ls -a /data'
	ended ok 0
	holds '.output | test("secret") | not'
	attack t-escape-neighbour 'cat /data/secret'
	holds '.output == "mine\n"'
}

# another_owner COMMAND ARGUMENT...: skillbox as the host's user 1234; sets
# $record and $status
another_owner() {
	local socket=$BATS_TEST_TMPDIR/engine.sock
	"$harness/fault_proxy.py" "$socket" "${DOCKER_HOST#unix://}" 3>&- &
	local proxy=$!
	soon test -S "$socket"
	chmod 666 "$socket"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	status=0
	record=$(cd / && setpriv --reuid 1234 --regid 1234 --clear-groups env \
		HOME=/nonexistent DOCKER_HOST="unix://$socket" "$program" \
		--skills "$skills:$top/skills" "$@" \
		2>"$BATS_TEST_TMPDIR/stderr") || status=$?
	kill "$proxy"
	rm "$socket"
}

# Attacks: the owner, which is who calls, is part of a volume's name and of
# the user.
@test "another owner's volume" {
	attack t-escape-neighbour 'echo mine >/data/secret; id -u'
	ended ok 0
	mine=$(field .output)
	another_owner run t-escape-neighbour attack -e 'ATTACK=ls -a /data; id -u'
	check_record
	ended ok 0
	holds '.owner == "1234" and (.output | test("secret") | not)'
	[ "$(field '.output | split("\n")[-2]')" != "${mine%%[!0-9]*}" ]
	# Nor by asking for it in so many words.
	volume=$(docker volume ls -q | grep -- 'skillbox-0-.*neighbour-c-d$')
	another_owner run t-escape-neighbour attack -v "$volume:/other:rw" \
		-e 'ATTACK=cat /other/secret'
	ended denied 77
	holds '.started_at == null and (.error | test("volumes.never"))'
	attack t-escape-neighbour 'cat /data/secret'
	holds '.output == "mine\n"'
}

# Another owner's prune takes strays only.
@test "another owner's run" {
	begin t-escape-neighbour attack -e 'ATTACK=sleep 300' --timeout 5m
	mine=$container
	another_owner prune
	[ "$status" -eq 0 ]
	another_owner run t-escape-neighbour attack \
		-e 'ATTACK=kill -9 -1; echo on'
	check_record
	ended ok 0
	[ "$(containers_of t-escape-neighbour running)" = "$mine" ]
	kill "$runner"
	finish
	ended cancelled 130
	holds '.owner == "0"'
}

# A socket in a volume joins whoever mounts it, read-only or not: nothing can
# be done about that but to say so, and check does.
@test "a Unix socket in a volume that two network modes share: check warns" {
	policy <<<'skills: {users: ["210124"], networks: [none, bridge]}'
	begin t-escape-neighbour-off bridged --format stream --timeout 5m \
		-e 'ATTACK=/app/files serve /shared/socket'
	said '^serving'
	act t-escape-neighbour-off off -e 'ATTACK=/app/files reach /shared/socket'
	ended ok 0
	holds '.output == {"reach": "across"}'
	wait "$runner"
	run skillbox check t-escape-neighbour-off
	grep -q 'warning: .*volume both' <<<"$output"
	# Of another skill there is no such way.
	run skillbox check t-escape-other
	run ! grep -q 'warning: .*volume' <<<"$output"
}
