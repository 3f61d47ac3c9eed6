#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks: what runs in a session wants to stay behind its end, to be init, to
# be a runner, or to have what the next runner brings.

load attack
load sessions

setup_file() {
	prepare
	hostile t-escape-session session exhaust
	fixture t-escape-session <<'YAML'
  attack:
    command: [sh, -c, 'eval "$ATTACK"']
    pids_limit: 64
    secrets: [{name: TOKEN, required: false}]
  deploy:
    command: [wc, -c, /run/secrets/token]
    secrets: [{name: TOKEN, file: token}]
  other:
    command: [sh, -c, 'ls -A /run/secrets; cat /run/secrets/token kept']
YAML
	skillbox build t-escape-session
}

teardown() {
	end_sessions
	[ -z "${proxy-}" ] || kill "$proxy"
}

teardown_file() {
	gone t-escape-session 10
}

# user_of NAME: as which everything in it runs
user_of() {
	session run "$1" --format text -- id -u
}

# with_server NAME: a session in which a web server goes on; sets $server, its
# process as the host numbers it, and $inner, as the session does
with_server() {
	made "$1" --skill t-escape-session --network bridge --publish 8080
	inside "$1" 'echo it works >/workspace/index.html'
	serve_inside "$1" 8080 /workspace
	inner=$(field .output.pid)
	uid=$(user_of "$1")
	soon serves "$1"
	server=$(pgrep -U "$uid" -x busybox)
}

serves() {
	[ "$(curl -s -m 5 "http://$(address_of "$1" 8080)/")" = 'it works' ]
}

# only_server: of the session's user the host runs nothing but init and that
only_server() {
	[ "$(pgrep -U "$uid" | wc -l)" = 2 ] && pgrep -U "$uid" | grep -qx "$server"
}

@test "what a step leaves running is gone, and the server is not" {
	with_server ta-stay
	for how in '/app/session stays' '/app/exhaust daemons' \
		'setsid sh -c "trap : TERM HUP; sleep 900 & sleep 900" & sleep 0.1' \
		'(sleep 901 & sleep 902 &) & (trap "" TERM; sleep 903) & :' \
		'nohup sleep 904 >/dev/null 2>&1 & exec sh -c :'; do
		inside ta-stay "$how"
		echo "$how"
		holds '.outcome == "ok" or .outcome == "failed"'
		soon only_server
		serves ta-stay
	done
	about ta-stay
	holds '.detached == 1 and .usage.processes == 2'
}

@test "a step that forks without end ends with its time, and the server stays" {
	with_server ta-forks
	for how in '/app/exhaust fork-bomb' 'f() { f | f & }; f; sleep 60' \
		'trap "" TERM; /app/session stays; sleep 60'; do
		inside ta-forks "$how" --timeout 1s
		echo "$how"
		holds '.outcome != "sandbox_failed" and within(15000)'
		soon only_server
	done
	soon serves ta-forks
	inside ta-forks 'echo fine'
	ended ok 0
}

@test "who kills the server has killed that and no more" {
	with_server ta-kill
	step ta-kill --detach -- sleep 1000
	inside ta-kill "kill -9 $inner"
	about ta-kill
	holds '.detached == 1 and .usage.processes == 2'
	inside ta-kill 'kill -9 -1; echo on'
	holds '.output == "on\n"'
	inside ta-kill 'kill -9 1; kill -TERM 1; kill -HUP 1; echo still'
	holds '.output == "still\n"'
	about ta-kill
	holds '.detached == 0 and .usage.processes == 1'
	step ta-kill -- true
	ended ok 0
	about ta-kill
	[ -z "$(pgrep -U "$uid" -x busybox)" ]
}

@test "who stops everybody has stopped a step" {
	with_server ta-stop
	inside ta-stop 'kill -STOP -1; sleep 60' --timeout 1s
	ended timeout 124
	soon only_server
	soon serves ta-stop
}

# Attacks: the socket of the next runner can be connected to by all that run.
@test "nobody can pass for init, nor keep runners from it" {
	made ta-init --skill t-escape-session
	step ta-init --detach -- /app/session connects
	ended ok 0
	step ta-init --detach -- /app/session connects
	for _ in {1..20}; do
		inside ta-init 'echo fine; ls'
		ended ok 0
		holds '.output == "fine\n" and within(900)'
	done
	about ta-init
	holds '.busy == false and .detached == 2'
	session cp ta-init:. - | tar -tf - | grep -q .
	session stop ta-init
	ended_session ta-init 1
}

@test "nobody can pass for a runner" {
	made ta-runner --skill t-escape-session
	inside ta-runner '/app/session listens'
	ended ok 0
	holds '.output | fromjson | length == 8 and all(. != "done")'
	step ta-runner -- true
	ended ok 0
	channel=$(docker inspect "$(container_of ta-runner)" |
		jq -r '.[0].Mounts[] | select(.Destination | test("skillbox")) |
			.Source' | grep sessions)
	[ -d "$channel" ]
	[ -z "$(ls -A "$channel")" ]
	[ -z "$(find "${channel%/*}" -user "$(user_of ta-runner)")" ]
}

# Attacks: a step writes what shells and interpreters read, for the next one.
# That is its owner's own; what must not follow is more than that.
@test "files that are read at the start are the session's, and no more" {
	token=$BATS_TEST_TMPDIR/token
	echo correct-horse-battery >"$token"
	made ta-home --skill t-escape-session --secret "TOKEN=@$token"
	inside ta-home 'ln -s /proc/1/environ .profile; mkdir -p .local/bin
		printf "#!/bin/sh\ncat /proc/1/environ /proc/1/mem\n" >.local/bin/tool
		chmod +x .local/bin/tool'
	inside ta-home 'tool; cat .profile'
	ended failed 1
	holds '.output == null and (.stderr | test("Permission denied"))'
	# It is no mount that could be taken away, nor a link that leads on.
	inside ta-home 'rm -rf /workspace; mv /workspace /x; rmdir /workspace
		ln -s /etc /workspace/in; ls -A'
	session cp "$token" ta-home:in/token && return 1
	inside ta-home 'ls -A; pwd; id -u'
	ended ok 0
	holds '.output | test("^in\n/workspace\n2[0-9]{5}\n$")'
}

@test "what goes on behind a step does not outlive the session" {
	made ta-outlive --skill t-escape-session
	uid=$(user_of ta-outlive)
	step ta-outlive --detach -- sh -c 'trap "" TERM; /app/session stays
		while :; do sleep 1; done'
	ended ok 0
	begun=$(date +%s)
	session stop ta-outlive
	[ $(($(date +%s) - begun)) -le $((10 * slower)) ]
	ended_session ta-outlive 1
	soon no_process "$uid"
	# Nor its time.
	made ta-outlive --skill t-escape-session --ttl $((2 * seconds))s
	step ta-outlive --detach -- sh -c 'trap "" TERM; /app/session stays
		while :; do sleep 1; done'
	ended_session ta-outlive 10
	soon no_process "$uid"
}

@test "a step that eats all memory ends, and the session goes on" {
	made ta-memory --skill t-escape-session --memory 32m
	step ta-memory --detach -- sleep 1000
	uid=$(user_of ta-memory)
	inside ta-memory 'tail /dev/zero' --timeout 20s
	ended oom 137
	inside ta-memory 'echo on'
	holds '.output == "on\n"'
	about ta-memory
	holds '.detached == 1'
	# The workspace is memory, and never more of it than half.
	inside ta-memory 'head -c 100m /dev/zero >fill' --timeout 20s
	ended failed 1
	inside ta-memory 'stat -c %s fill'
	holds '.output | tonumber | . > 15000000 and . <= 16777216'
	session stop ta-memory
	ended_session ta-memory
	soon no_process "$uid"
}

# What one run is given another one must not find, and what it was given and
# has kept, which is its right, is not shown.
@test "a secret ends with its run, and is in no record" {
	token=$BATS_TEST_TMPDIR/token
	echo correct-horse-battery >"$token"
	made ta-token --skill t-escape-session --action deploy \
		--secret "TOKEN=@$token"
	step ta-token deploy
	ended ok 0
	step ta-token other
	ended failed 1
	holds '.stderr | test("/run/secrets/token.: No such file")'
	run ! session cp ta-token:/run/secrets/token -
	[[ $output = *'No such file'* ]]
	# What is in the way of it goes.
	inside ta-token 'cd /run/secrets && rm token &&
		mkdir -p token/x/y && ln -s / token/x/z && chmod 0 token/x token'
	ended ok 0
	step ta-token deploy
	ended ok 0
	# A run that was not given it has it from one that was.
	session cp "$token" ta-token:kept
	step ta-token -- cat kept
	holds '.output == "***\n"'
}

@test "who has all processes for himself has not the session" {
	made ta-pids --skill t-escape-session --action attack
	step ta-pids --detach -- sh -c 'trap "" TERM; sleep 0.5
		for _ in $(seq 62); do sleep 1000 & done; wait'
	sleep 1
	step ta-pids -- true
	ended exec_failed 126
	holds '.error | test("Resource temporarily unavailable")'
	about ta-pids
	holds '.detached == 1'
	session stop ta-pids
	ended_session ta-pids 10
}

# Attacks: what init takes for another runner's first word, as far as it can be
# known in there, and behind it a command, in what a caller only passes on.
@test "input is no runner, whatever is in it" {
	[ "$(family)" != podman ] ||
		skip "it has no sessions over the attached stream"
	export SKILLBOX_CHANNEL=attached
	made ta-sync --skill t-escape-session
	channel=$(docker inspect "$(container_of ta-sync)" |
		jq -r '.[0].Config.Labels["io.skillbox.channel"]')
	sync=$(cat "${XDG_RUNTIME_DIR:-/run}/skillbox/sessions/$channel.sync")
	[ "${#sync}" = 32 ]
	# It is nowhere in there, nor does the engine know it.
	inside ta-sync "cat /proc/*/cmdline /proc/*/environ /proc/*/mountinfo \
		2>/dev/null | tr '\\0' ' '; ls -R /.skillbox-*; env"
	run ! grep -qF "$sync" <<<"$record"
	run ! grep -qF "$sync" <<<"$(docker inspect "$(container_of ta-sync)")"
	# What was in its place: the path of init.
	inside ta-sync 'tr "\0" "\n" </proc/1/cmdline | head -n 1'
	seen=$(jq -r .output <<<"$record" | sed 's|.*/.skillbox-||; s|/.*||')
	{
		head -c 240000 /dev/zero
		printf '\365skillbox-sync-%s\4\0\0\0\1\0\0\0\11' "$seen"
		printf '\365skillbox-sync-%s\4\0\0\0\1\0\0\0\11' \
			"$seen$seen$seen"
	} >"$BATS_TEST_TMPDIR/input"
	step ta-sync --stdin - -- sha256sum <"$BATS_TEST_TMPDIR/input"
	ended ok 0
	[ "$(field .output)" = "$(sha256sum <"$BATS_TEST_TMPDIR/input")" ]
	step ta-sync --stdin - -- true <"$BATS_TEST_TMPDIR/input"
	ended ok 0
	session cp "$BATS_TEST_TMPDIR/input" ta-sync:copy
	step ta-sync -- sha256sum copy
	[[ $(field .output) = "$(sha256sum <"$BATS_TEST_TMPDIR/input" |
		cut -d' ' -f1)"* ]]
}

@test "a log that is written all the time can be read" {
	made ta-log --skill t-escape-session
	step ta-log --detach -- cat /dev/zero
	for _ in 1 2 3 4 5; do
		size=$(session logs ta-log | wc -c)
		[ "$size" -gt 0 ] && [ "$size" -le 262144 ]
	done
}

# A run that begins in the moment is turned away, or not frozen.
@test "pause freezes no run" {
	made ta-pause --skill t-escape-session
	uid=$(user_of ta-pause)
	for i in 1 2 3 4 5 6 7 8; do
		"$program" --skills "$skills" session run ta-pause -- \
			sleep 0.3 >/dev/null 2>&1 3>&- &
		first=$!
		sleep 0.1
		"$program" --skills "$skills" session run ta-pause \
			--timeout 3s -- sleep 0.37 \
			>"$BATS_TEST_TMPDIR/second" 2>&1 3>&- &
		second=$!
		sleep "0.0$i"
		session pause ta-pause
		run ! pgrep -U "$uid" -x sleep
		session resume ta-pause
		wait "$first" "$second" || :
		record=$(cat "$BATS_TEST_TMPDIR/second")
		holds '.outcome == "ok" or (.error | test("is paused"))'
	done
	step ta-pause -- true
	ended ok 0
}

# another COMMAND...: skillbox as the host's user 1234, once there is a $socket
another() {
	(cd / && setpriv --reuid 1234 --regid 1234 --clear-groups env \
		-u XDG_RUNTIME_DIR HOME=/nonexistent \
		DOCKER_HOST="unix://$socket" "$program" \
		--skills "$skills:$top/skills" "$@")
}

@test "another owner's session is not there" {
	made ta-owner --skill t-escape-session
	inside ta-owner 'echo mine >mine'
	container=$(container_of ta-owner)
	socket=$BATS_TEST_TMPDIR/engine.sock
	"$harness/fault_proxy.py" "$socket" "${DOCKER_HOST#unix://}" 3>&- &
	proxy=$!
	soon test -S "$socket"
	chmod 666 "$socket"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	for what in 'run ta-owner -- cat mine' 'status ta-owner' \
		'logs ta-owner' 'pause ta-owner' 'resume ta-owner' \
		'stop ta-owner' "cp ta-owner:mine -"; do
		# shellcheck disable=SC2086 # words
		run another session $what
		echo "$status $output"
		[ "$status" = 66 ]
		[[ $output = *'there is no session'* ]]
	done
	run -0 another session list
	[[ $output != *ta-owner* ]]
	run -0 another session stop --all
	# The same name is free, and another's.
	run -0 another session create ta-owner --skill t-escape-session
	[ "$(container_of ta-owner | wc -l)" = 2 ]
	run -0 another session run ta-owner --format text -- sh -c 'ls; id -u'
	[ "$output" != "$(user_of ta-owner)" ]
	[[ $output != *mine* ]]
	run -0 another session stop --all
	[ "$(container_of ta-owner)" = "$container" ]
	inside ta-owner 'cat mine'
	holds '.output == "mine\n"'
}
