#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks on init, the first process of every sandbox, by an action of the same
# user: looking into it, weakening it, signals, and speaking in its name.

load attack

setup_file() {
	prepare
	hostile t-escape-init init files
	fixture t-escape-init <<YAML
  attack: {$attack_action, timeout: 20s}
  bytes: {$attack_action, output: binary}
YAML
	sed 's/t-escape-init/t-escape-init2/' "$skills/t-escape-init/skill.yaml" |
		sed '1,/^actions/d' | fixture t-escape-init2
	skillbox build t-escape-init t-escape-init2
	uid=$(uid_of t-escape-init)
	export uid
}

teardown() {
	end_runner
	unharmed t-escape-init "$uid"
}

# Attacks: init is not dumpable (mode 0111, PR_SET_DUMPABLE).
@test "ptrace, process_vm_readv, pidfd_getfd, /proc/1/mem, fd, environ, exe" {
	attack t-escape-init '/app/init look'
	refused
	holds '.output | length == 28 and ([.[] |
		select(. != "EACCES" and . != "EPERM")] == [])'
}

niceness() {
	cut -d' ' -f19 "/proc/$1/stat"
}

# Attacks: init's seccomp filter; what the kernel itself refuses is here, too.
@test "prlimit, setpriority, scheduler, affinity, ioprio, oom_score_adj of init" {
	begin t-escape-init attack -e 'ATTACK=/app/init weaken-and-stay' \
		--format stream
	pid=$(docker inspect -f '{{.State.Pid}}' "$container")
	said '^}'
	record="{\"output\": $(cat "$BATS_TEST_TMPDIR/record")}"
	holds '.output | length == 24 and all(. != "done")'
	# Where nothing but our filter is in the way, what it says is there.
	holds '[.output | .["prlimit nofile", "prlimit cpu", "setpriority",
		"prlimit long pid", "setpriority group", "setpriority user",
		"setpriority uid", "affinity", "scheduler", "param", "attr",
		"ioprio", "ioprio group", "ioprio user"]] |
		all(. == "EPERM")'
	# What the host sees of init.
	cat "/proc/$pid/limits"
	grep -qE '^Max cpu time +unlimited' "/proc/$pid/limits"
	grep -qE '^Max file size +unlimited' "/proc/$pid/limits"
	grep -qE '^Max open files +1024 +1024' "/proc/$pid/limits"
	[ "$(niceness "$pid")" = "$(niceness "$("$harness/engine" pid \
		"$SBX_TEST_ENGINE")")" ]
	[ "$(cat "/proc/$pid/comm")" = init ]
	# crun leaves the 1 that the engine's shim has.
	[ "$(cat "/proc/$pid/oom_score_adj")" -le 1 ]
	chrt -p "$pid" | grep -q SCHED_OTHER
	kill "$runner"
	wait "$runner" || :
}

# The filter spares what is the action's own: threads set their affinity so.
@test "a program may limit itself by its number, and raise nothing" {
	attack t-escape-init '/app/init self'
	ended ok 0
	holds '.output == {"getaffinity": "done", "setaffinity": "done",
		"prlimit": "done", "setpriority": "done", "scheduler": "done",
		"no more descriptors": "EPERM", "no higher priority": "EACCES",
		"no real time": "EPERM"}'
}

# Attacks: init believes a signal only if it came from outside.
@test "every signal to init by kill, tgkill, rt_sigqueueinfo, pidfd_send_signal" {
	attack t-escape-init '/app/init signals; echo $?'
	ended ok 0
	holds '.output | test("\"as if by kill\": \"EPERM\"") and
		test("\"caught\": 0") and endswith("0\n")'
}

# Attacks: the action's half of RLIMIT_SIGPENDING.  With the queue full the
# kernel delivers signals that look as if they came from outside.
@test "signals whose sender the kernel had no room to remember" {
	attack t-escape-init '/app/init signals-unsigned'
	ended ok 0
	holds '.output == {"queue": "EAGAIN", "caught": 0}'
}

@test "SIGSTOP and SIGKILL to init from inside" {
	attack t-escape-init 'kill -STOP 1; kill -KILL 1; kill -STOP 1; echo on'
	ended ok 0
	holds '.output == "on\n"'
}

# Attacks: the private PID namespace.  A neighbour must not feel it.
@test "kill -9 -1 reaches nobody but the action's own" {
	begin t-escape-init2 attack -e 'ATTACK=sleep 300' --timeout 5m
	neighbour=$container
	attack t-escape-init 'sleep 60 & (kill -9 -1) & wait'
	ended signaled 137
	attack t-escape-init 'kill -9 -1; echo on'
	ended ok 0
	holds '.output == "on\n"'
	[ "$(containers_of t-escape-init2 running)" = "$neighbour" ]
	kill "$runner"
	finish
	ended cancelled 130
	gone t-escape-init2
}

@test "everybody stopped by SIGSTOP ends with the deadline all the same" {
	attack t-escape-init 'sleep 60 & (kill -STOP -1) & wait' --timeout 1s
	ended timeout 124
	holds 'within(9000)'
}

# Attacks: the action has pipes of its own, none of init's descriptors.
@test "forging init's frames on stdout, stderr and whatever else is open" {
	attack t-escape-init '/app/init frames'
	ended failed 3
	act t-escape-init bytes -e 'ATTACK=/app/init frames'
	ended failed 3
	holds '.exit_code == 3'
	# It came as bytes: the frame of EXIT, the engine's header, ABORT.
	field .output | base64 -d | od -An -v -tx1 | tr -d ' \n' >"$BATS_TEST_TMPDIR/hex"
	grep -q '^8600000030000000' "$BATS_TEST_TMPDIR/hex"
	grep -q '01000000000000388600000030' "$BATS_TEST_TMPDIR/hex"
	grep -q '87000000050000006f776e6564' "$BATS_TEST_TMPDIR/hex"
	# And the runner goes on to believe init.
	attack t-escape-init '/app/init frames | cat; exit 7'
	ended failed 7
}

# Attacks: mode 0111, the read-only volume, the file belongs to root.
@test "reading, changing or linking init's own file" {
	attack t-escape-init '/app/files own-init'
	refused
	holds '.output.found == 1'
	attack t-escape-init 'cp /.skillbox-*/init /tmp/x || ln /.skillbox-*/init /tmp/x'
	ended failed 1
}

# Attacks: the runner has closed its socket and removed it, the mount is
# read-only and of a directory that is not there any more.
@test "reaching the runner where init had met it" {
	attack t-escape-init '/app/files own-channel'
	refused
	# It cannot be listed either.
	holds '.output.found == 1 and .output.entries == -1'
	# The streams are the runner's own pipes, so it did meet it there.
	holds '.output.pipe == 1048576'
}
