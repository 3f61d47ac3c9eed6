#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks by taking all there is: processes, memory, descriptors, files, output.
# What is taken is the sandbox's own share, all of it is given back, and while
# it is held others work.  What the kernel counts for users or for the whole
# machine is in escape-neighbour.bats.

load attack

setup_file() {
	prepare
	hostile t-escape-exhaust exhaust
	fixture t-escape-exhaust <<YAML
  attack: {$attack_action, pids_limit: 32, timeout: 30s}
  small: {$attack_action, mem_limit: 48m, tmpfs: ['/tmp:size=1g']}
  files: {$attack_action, tmpfs: ['/tmp:size=8m', '/scratch:size=4m']}
  volume: {$attack_action, volumes: ['full:/data:rw']}
  input: {$attack_action, input_limit: 16m}
YAML
	mkdir -p "$skills/t-escape-exhaust2"
	fixture t-escape-exhaust2 <<YAML
  attack: {$attack_action}
YAML
	skillbox build t-escape-exhaust t-escape-exhaust2
	uid=$(uid_of t-escape-exhaust)
	export uid
}

teardown() {
	end_runner
	unharmed t-escape-exhaust "$uid"
}

teardown_file() {
	remove_volumes t-escape-exhaust
}

# hold ATTACK: in the background, until it has taken all it can get
hold() {
	begin t-escape-exhaust attack -e "ATTACK=/app/exhaust $1 hold" \
		--format stream --timeout 5m
	said '^taken'
	cat "$BATS_TEST_TMPDIR/record"
}

release() {
	kill "$runner"
	wait "$runner" || :
}

neighbour_works() {
	attack t-escape-exhaust2 'echo fine | cat'
	ended ok 0
	holds '.output == "fine\n"'
	gone t-escape-exhaust2
}

# Attacks: pids_limit.
@test "a fork bomb, every process in a session of its own" {
	attack t-escape-exhaust '/app/exhaust fork-bomb' --timeout 2s
	ended timeout 124
	holds 'within(12000)'
	neighbour_works
}

# Attacks: pids_limit, as the host counts it.
@test "as many processes as there can be, held" {
	hold processes
	grep -q '"then": "EAGAIN"' "$BATS_TEST_TMPDIR/record"
	count=$(pgrep -c -U "$uid")
	[ "$count" -gt 20 ]
	[ "$count" -le 32 ]
	neighbour_works
	release
}

# Attacks: init kills, and reaps, whoever is left.
@test "setsid daemons, double forked, all closed, deaf to signals" {
	attack t-escape-exhaust '/app/exhaust daemons'
	ended ok 0
	holds '.output == {"left": "10"} and within(9000)'
	run ! pgrep sbx-daemon
}

# Attacks: nofile; init has descriptors of its own.
@test "all descriptors there are" {
	attack t-escape-exhaust '/app/exhaust descriptors'
	ended ok 0
	holds '.output | .then == "EMFILE" and .count > 1000 and .count <= 1024'
	hold descriptors
	neighbour_works
	release
}

# Attacks: the memory limit, and that swap is never added.
@test "a memory bomb in a child" {
	attack t-escape-exhaust '/app/exhaust memory-in-child 600' --memory 64m
	ended ok 0
	holds $'.output["child\'s signal"] == 9'
	holds '.usage.max_rss_bytes <= 64 * 1024 * 1024'
	attack t-escape-exhaust '/app/exhaust memory-in-child 600; exit 3' \
		--memory 64m
	ended failed 3
	holds '.error | test("memory")'
}

# Memory of no process: killing the largest does not give it back, so in the
# end the kernel may take init, and with it all.
@test "memory of no process: memfd, SysV segments, a tmpfs over the limit" {
	free=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
	for kind in 'memfd 600' 'segments 600' 'file 600 /tmp/x'; do
		act t-escape-exhaust small \
			-e "ATTACK=exec /app/exhaust shared-memory $kind"
		# Podman removes it before anybody could ask, and keeps no
		# record of it.
		if [ "$(family)" = podman ] &&
			[ "$(field .outcome)" = sandbox_failed ]; then
			holds '.error | test("ended without a word from init")'
		else
			ended oom 137
		fi
	done
	gone t-escape-exhaust
	[ -z "$(ipcs -m | awk -v uid="$uid" '$3 == uid')" ]
	neighbour_works
	# Given back, but for what else the machine does.
	[ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt \
		$((free - 1000000)) ]
}

# Attacks: size and nr_inodes of the tmpfs.  Podman takes no nr_inodes: there
# the memory limit is what ends it, for inodes are the action's memory.
@test "filling a tmpfs, by bytes and by files" {
	act t-escape-exhaust files -e 'ATTACK=
		for at in /tmp /scratch /dev/shm; do
			dd if=/dev/zero of=$at/x bs=64k count=4096 2>/dev/null
			wc -c <$at/x
			rm $at/x
		done
		i=0; while true 2>/dev/null >/tmp/$i; do i=$((i+1)); done; echo $i'
	holds '.output | startswith("8388608\n4194304\n67108864\n")'
	if [ "$(family)" = podman ]; then
		ended oom 137
	else
		ended ok 0
		holds '.output | split("\n")[3] | tonumber |
			. > 1000 and . < 4096'
	fi
}

# A volume has no size: the engine's local driver cannot give it one on most
# file systems, so whoever is granted a writable one may fill the engine's
# disk.  What holds is that all of it is in that one place, and goes with it.
@test "filling a writable volume: all of it is in the volume" {
	act t-escape-exhaust volume -e 'ATTACK=
		dd if=/dev/zero of=/data/x bs=1M count=64 2>/dev/null
		i=0; while [ $i -lt 500 ]; do echo >/data/$i; i=$((i+1)); done
		df -k / | tail -n 1 >&2; echo x >/x'
	ended failed 1
	gone t-escape-exhaust
	volume=$(docker volume ls -q --filter label=io.skillbox.skill=t-escape-exhaust)
	at=$(docker volume inspect -f '{{.Mountpoint}}' "$volume")
	[ "$(du -sk "$at" | cut -f1)" -ge 65536 ]
	[ "$(find "$at" -user "$uid" | wc -l)" -eq 502 ]
	# Nothing of it is anywhere else.
	[ "$(find "$SBX_TEST_ENGINE/data" -user "$uid" -not -path "$at*" |
		wc -l)" -eq 0 ]
	remove_volumes t-escape-exhaust
	[ ! -e "$at" ]
}

# Attacks: output_limit; a stream that is over it is read on, but not kept.
@test "an output flood on both streams by four processes, input unread" {
	head -c 4000000 /dev/zero | tr '\0' x | jq -Rs . >"$BATS_TEST_TMPDIR/in"
	/usr/bin/time -f %M -o "$BATS_TEST_TMPDIR/rss" "$plain" \
		--skills "$skills:$top/skills" run t-escape-exhaust input \
		"@$BATS_TEST_TMPDIR/in" -e 'ATTACK=/app/exhaust flood' \
		>"$BATS_TEST_TMPDIR/record" 2>"$BATS_TEST_TMPDIR/stderr" || status=$?
	record=$(cat "$BATS_TEST_TMPDIR/record")
	ended output_limit 125
	holds 'within(10000)'
	holds '((.output // "" | length) <= 1048576) and
		(.stderr | length) <= 1048576'
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/rss")" -lt 100000 ]
}

# More than all that is on the way can hold.
@test "input that is never read, and never ends to come" {
	head -c $((12000000 / slower)) /dev/zero | tr '\0' x | jq -Rs . >"$BATS_TEST_TMPDIR/in"
	act t-escape-exhaust input "@$BATS_TEST_TMPDIR/in" -e 'ATTACK=sleep 1'
	ended ok 0
	act t-escape-exhaust input "@$BATS_TEST_TMPDIR/in" -e 'ATTACK=sleep 60' \
		--timeout 1s
	ended timeout 124
	holds 'within(9000)'
}

# Attacks: CpuQuota.
@test "all processors there are" {
	begin t-escape-exhaust attack \
		-e 'ATTACK=for i in 1 2 3 4 5 6 7 8; do yes >/dev/null & done; wait' \
		--cpus 0.2
	pid=$(docker inspect -f '{{.State.Pid}}' "$container")
	sleep 1
	used() {
		ps -o cputimes= -U "$uid" | awk '{ sum += $1 } END { print sum + 0 }'
	}
	before=$(used)
	sleep 3
	after=$(used)
	echo "$before $after"
	[ $((after - before)) -le 2 ]
	kill "$runner"
	finish
	ended cancelled 130
	[ -n "$pid" ]
}
