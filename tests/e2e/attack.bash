# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What the escape-*.bats files have in common: hostile programs from
# tests/fixtures/attack, and looks at what happened outside of the sandbox.

load helper

# hostile SKILL PROGRAM...: puts them into the skill's directory, where its
# Dockerfile finds them; to be called before fixture.  Static, so that they
# run in any image.
hostile() {
	local kernel=$BATS_FILE_TMPDIR/kernel name
	local skill=$skills/$1
	mkdir -p "$kernel" "$skill"
	ln -sfn /usr/include/linux "$kernel/linux"
	ln -sfn /usr/include/asm-generic "$kernel/asm-generic"
	ln -sfn "/usr/include/$(cc -print-multiarch)/asm" "$kernel/asm"
	for name in "${@:2}"; do
		musl-gcc -std=gnu11 -Os -Wall -Wextra -Werror -D_GNU_SOURCE \
			-isystem "$kernel" -static -s -o "$skill/$name" \
			"$top/tests/fixtures/attack/$name.c"
	done
	printf '%s\n' 'FROM skillbox/busybox' "COPY ${*:2} /app/" \
		>"$skill/Dockerfile"
}

# The action that runs what a test says, one line of a manifest.
attack_action="command: [sh, -c, 'eval \"\$ATTACK\"']"

# attack SKILL COMMAND [OPTION...]: runs it as the skill's action "attack"
attack() {
	act "$1" attack -e "ATTACK=$2" "${@:3}"
}

# Nothing that was tried has worked: no member of the output is "done".
refused() {
	ended ok 0 && holds '.output | length > 0 and all(. != "done")'
}

# uid_of SKILL: the user that its actions run as
uid_of() {
	skillbox run "$1" attack -e 'ATTACK=id -u' 2>/dev/null |
		jq -r '.output | tonumber'
}

# no_process UID: the host runs nothing as this user
no_process() {
	! pgrep -l -U "$1"
}

# unharmed SKILL UID: container and processes are gone, the engine works
unharmed() {
	gone "$1"
	soon no_process "$2"
	docker version >/dev/null
}

# said PATTERN: what was begun with --format stream has said so
said() {
	for _ in $(seq 600); do
		! grep -qE "$1" "$BATS_TEST_TMPDIR/record" || return 0
		sleep 0.05
	done
	echo "it has not said $1, but:"
	cat "$BATS_TEST_TMPDIR/record" "$BATS_TEST_TMPDIR/stderr"
	return 1
}

# For teardown: what a test that failed has left running.
end_runner() {
	[ -z "${runner-}" ] || kill "$runner" 2>/dev/null || :
}

# What one sandbox must not change for the whole machine.
host_state() {
	grep -rs ^ /proc/sys/kernel/{core_pattern,hostname,domainname,modprobe} \
		/proc/sys/vm/{overcommit_memory,swappiness} \
		/proc/sys/net/ipv4/ip_forward || :
	cut -d' ' -f1 /proc/swaps
	# Of its mounts those that are nobody's but its own.
	awk '$5 == "/" || $5 == "/tmp" || $5 == "/proc" || $5 == "/sys"' \
		/proc/self/mountinfo
}
