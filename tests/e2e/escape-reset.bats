#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks: an action in a sandbox that is used again leaves something for the
# next one.  The same sandbox answers all that is asked here, and each time it
# looks as it did at first.

load attack

setup_file() {
	prepare
	hostile t-escape-reset files exhaust init
	fixture t-escape-reset <<'YAML'
  attack:
    # What stands in the input's quotes, which has none in it.
    command: [sh, -c, 'x=$(cat); x=${x#?}; eval "${x%?}"']
    output: text
    reuse: reset
    warm_pool: {min: 1, max: 1}
    pids_limit: 64
YAML
	skillbox build t-escape-reset >/dev/null 2>&1
	serve
	printf '%s\n%s\n' "$daemon" "$socket" >"$BATS_FILE_TMPDIR/shared"
}

setup() {
	# Podman's tmpfs are root's: their times can only become those of now.
	if [ "$(family)" = podman ]; then
		look=${look/:%X:%Y/}
		look=${look/ls -laR \/tmp \/dev\/shm/& | cut -c1-43,57-}
	fi
	{ read -r shared && read -r socket; } <"$BATS_FILE_TMPDIR/shared"
	daemon=
}

teardown_file() {
	read -r daemon <"$BATS_FILE_TMPDIR/shared"
	kill -TERM "$daemon"
	while kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
	gone t-escape-reset 1
}

# does SCRIPT: in the sandbox; it has ended by itself, well or not
does() {
	ask POST /v1/skills/t-escape-reset/actions/attack -d "\"$1\""
	[ "$code" = 200 ]
	holds '.outcome == "ok" or .outcome == "failed"'
}

# What an action can see of itself and of what is around it.
look='stat -c %a:%u:%g:%X:%Y:%h:%s /tmp /dev/shm; umask; pwd; ls -A /dev/mqueue'
look="$look; ls -laR /tmp /dev/shm | grep -v [.][.]; ulimit -a"
look="$look; df -k /tmp /dev/shm; df -i /tmp /dev/shm; set -- /proc/[0-9]*"
look="$look; echo \$#; cat /proc/sysvipc/*; ls /proc/self/fd; nice"
look="$look; grep -E Sig[BIC] /proc/self/status; cat /proc/net/unix | wc -l"
look="$look; grep -E allowed /proc/self/status; cut -c1-19 /proc/self/limits"
look="$look; cat /proc/net/tcp /proc/net/udp; cat /proc/1/limits 2>&1"
look="$look; cut -d' ' -f18-19,40-41 /proc/1/stat; ls /proc/1/fd 2>&1"

waits() {
	ask GET /v1/pool
	jq -e '.pools[] | select(.action == "attack") | .waiting > 0' \
		<<<"$record" >/dev/null
}

# stays_clean SCRIPT...: what each does is not there for the next
stays_clean() {
	# A request that is earlier has a sandbox of its own, of another time.
	soon waits
	does "$look"
	holds '.start != "cold"'
	field .output >"$BATS_TEST_TMPDIR/before"
	[ -s "$BATS_TEST_TMPDIR/before" ]
	for script; do
		does "$script"
		does "$look"
		holds '.start == "reused"'
		field .output | diff "$BATS_TEST_TMPDIR/before" -
	done
}

@test "files: of every kind, mode and name, in every tmpfs, and their times" {
	stays_clean 'cd /tmp; echo s >a; mkdir -p b/c; mkfifo f; ln -s / l; echo >.h' \
		'echo s >/dev/shm/s; dd if=/dev/zero of=/dev/shm/z bs=1M count=9' \
		'cd /tmp; mkdir -p a/b; echo x >a/b/c; chmod 0 a/b/c a/b a' \
		'chmod 0 /tmp; chmod 1777 /dev/shm' \
		'touch -d 2001-01-01 /tmp /dev/shm' \
		'cd /tmp; ln -s /dev/shm shm; ln -s /proc p; mkdir 0 1 2; >3'
}

@test "files: 2,000 nested folders, and so many that nothing more fits" {
	stays_clean 'cd /tmp; i=0; while [ $i -lt 2000 ]; do mkdir d; cd d; i=$((i+1)); done' \
		'cd /tmp; seq 5000 | xargs touch'
}

@test "processes: daemons, and such as ignore signals or fork all the time" {
	stays_clean 'setsid sleep 99 & setsid sleep 99 & true' \
		'(trap : TERM HUP INT; sleep 99) & true' \
		'(while :; do (while :; do (:) & done) & sleep 1; done) >/dev/null 2>&1 & sleep 0.1' \
		'/app/exhaust daemons >/dev/null 2>&1 & sleep 0.1'
}

@test "objects: shared memory, message queues, semaphores, sockets, ports, locks" {
	stays_clean '/app/exhaust shared-memory' '/app/exhaust one-of-each' \
		'nc -l -p 4711 & nc -lu -p 4711 & sleep 0.1' \
		'/app/files serve /tmp/s & sleep 0.1' \
		'/app/files leave-traces & sleep 0.1; echo x >/dev/mqueue/queue' \
		'exec 9</etc/passwd; flock 9; setsid sleep 99 & true'
}

@test "itself: limits, priority, umask, folder, masks, and init's" {
	stays_clean 'ulimit -n 20; umask 077; cd /etc; nice -n 9 true; trap : TERM' \
		'/app/init weaken' '/app/init weaken-and-stay & sleep 0.1' \
		'/app/init signals'
}

# What is not undone is noticed: no sandbox with more than init in it is used.
@test "an action that is killed, or too late, leaves no sandbox" {
	does true
	ask POST /v1/skills/t-escape-reset/actions/attack -d '"kill -9 $$"'
	holds '.outcome == "signaled"'
	does true
	holds '.start != "reused"'
}
