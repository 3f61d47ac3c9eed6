#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Sessions: what one step leaves the next one has, until it is over.

load sessions

setup_file() {
	prepare
	fixture t-sessions <<'YAML'
  work:
    command: [sh, -c, 'cat; echo " $GREETING"']
    output: text
    secrets: [{name: TOKEN, required: false}]
YAML
	skillbox build t-sessions
}

teardown() {
	end_sessions
	[ -z "${holder-}" ] || { kill -9 "$holder" && wait "$holder"; } 2>/dev/null ||
		:
}

teardown_file() {
	gone t-sessions 10
}

# cpu_of ID: nanoseconds that its processes have had, as the engine says
cpu_of() {
	curl -sf --unix-socket "${DOCKER_HOST#unix://}" \
		"http://localhost/v1.41/containers/$1/stats?stream=false" |
		jq .cpu_stats.cpu_usage.total_usage
}

# --- steps --------------------------------------------------------------------

@test "files, variables and the directory stay; each step is a process" {
	made ts-steps --skill t-sessions -e GREETING=hello
	inside ts-steps 'echo $$ >first; pwd; umask'
	ended ok 0
	holds '.output == "/workspace\n0022\n" and .start == "session"'
	inside ts-steps 'cat first; echo "$GREETING $SKILL_SESSION"; id -u' \
		-e GREETING=here
	ended ok 0
	holds '.output | test("^[0-9]+\nhere ts-steps\n2[0-9]{5}\n$")'
	# An action of the skill, with its input; and with no variable of its
	# own that of the session.
	step ts-steps work '{"a": 1}'
	ended ok 0
	holds '.output == "{\"a\": 1} hello\n" and .action == "work"'
	inside ts-steps 'exit 3'
	ended failed 3
	step ts-steps -- no-such-program
	ended exec_failed 127
	step ts-steps --workdir /tmp -- pwd
	holds '.output == "/tmp\n"'
	step ts-steps --stdin - -- cat <<<'from here'
	holds '.output == "from here\n"'
	session list --format json | jq -e '.[] | select(.name == "ts-steps") |
		.state == "active" and .skill == "t-sessions" and
		.ttl_ms == 600000'
	about ts-steps
	holds '.busy == false and .detached == 0 and .usage.processes == 1'
	session stop ts-steps
	ended_session ts-steps
	run -66 session run ts-steps -- true
	run -66 session stop ts-steps
}

@test "what is no session, and no name" {
	step ts-nobody -- true
	ended not_found 66
	run -65 session create Ts --skill t-sessions
	run -65 session create ts-x --skill t-sessions --ttl 1ms
	run -65 session create ts-x --skill t-sessions --ttl soon
	run -64 session create ts-x
	run -66 session create ts-x --skill t-nobody
	run -66 session create ts-x --skill t-sessions --action nothing
	[ -z "$(container_of ts-x)" ]
}

@test "a name is given once" {
	made ts-once --skill t-sessions
	run -65 session create ts-once --skill t-sessions
	[[ $output = *'there is a session "ts-once" already'* ]]
	inside ts-once 'echo still here'
	ended ok 0
}

# one_container NAME: those of who lost may be on their way out
one_container() {
	[ "$(container_of "$1" | wc -l)" = 1 ]
}

@test "of two that come at once one has the name" {
	echo ts-race >>"$BATS_FILE_TMPDIR/made"
	pids=()
	for _ in 1 2 3; do
		session create ts-race --skill t-sessions 3>&- \
			>/dev/null 2>>"$BATS_TEST_TMPDIR/said" &
		pids+=($!)
	done
	won=0
	for pid in "${pids[@]}"; do
		status=0
		wait "$pid" || status=$?
		[ "$status" = 0 ] || [ "$status" = 65 ]
		[ "$status" != 0 ] || won=$((won + 1))
	done
	cat "$BATS_TEST_TMPDIR/said"
	[ "$won" = 1 ]
	soon one_container ts-race
	inside ts-race true
	ended ok 0
}

@test "two that come at once are served one after the other" {
	made ts-order --skill t-sessions
	session run ts-order -- sh -c "echo in >>log; sleep $seconds; echo out >>log" \
		>"$BATS_TEST_TMPDIR/first" 3>&- &
	first=$!
	soon is_busy ts-order
	inside ts-order 'echo second >>log; cat log'
	ended ok 0
	wait "$first"
	holds '.output == "in\nout\nsecond\n"'
	holds '.stages_ms.wait > 200'
}

@test "a time-out ends a step, and neither the session nor what is detached" {
	made ts-late --skill t-sessions
	step ts-late --detach -- sh -c 'n=0; while sleep 0.1; do
		n=$((n + 1)); echo $n >new; mv new count; done'
	ended ok 0
	pid=$(field .output.pid)
	step ts-late --timeout 500ms -- sh -c 'trap "" TERM; sleep 60 & sleep 60'
	ended timeout 124
	holds 'within(5000)'
	inside ts-late "kill -0 $pid && cat count; sleep 0.5; cat count"
	ended ok 0
	holds '.output | split("\n") | (.[1] | tonumber) > (.[0] | tonumber)'
	about ts-late
	holds '.detached == 1'
	# What the step had started is gone; "sleep" of the loop comes and goes.
	inside ts-late 'ps | grep -c "sleep 60$"'
	holds '.output == "0\n"'
}

@test "what a detached process writes is kept, and ends with the session" {
	made ts-log --skill t-sessions
	step ts-log --detach -- sh -c 'echo begun; echo "to stderr" >&2
		trap "echo ended; exit" TERM; while :; do sleep 0.1; done'
	ended ok 0
	soon logs_have ts-log begun
	soon logs_have ts-log 'to stderr'
	container=$(container_of ts-log)
	session stop ts-log
	run -1 docker inspect "$container"
}

# --- time ---------------------------------------------------------------------

@test "it ends in time with nobody alive" {
	made ts-ttl --skill t-sessions --ttl $((3 * seconds))s
	env --default-signal=INT "$program" --skills "$skills" session run \
		ts-ttl -- sleep 1000 >/dev/null 2>&1 3>&- &
	holder=$!
	soon is_busy ts-ttl
	kill -9 "$holder"
	wait "$holder" || :
	holder=
	sleep 1
	[ -n "$(container_of ts-ttl)" ]
	# Over the attached streams it is the missing heartbeat that tells.
	patience=7
	[ "${SKILLBOX_CHANNEL-}" != attached ] || patience=20
	ended_session ts-ttl $patience
}

@test "a runner that is killed ends its step, and not the session" {
	made ts-killed --skill t-sessions
	step ts-killed --detach -- sleep 1000
	env --default-signal=INT "$program" --skills "$skills" session run \
		ts-killed -- sleep 999 >/dev/null 2>&1 3>&- &
	holder=$!
	soon is_busy ts-killed
	kill -9 "$holder"
	wait "$holder" || :
	holder=
	inside ts-killed 'ps | grep -c "[s]leep 999$"; ps | grep -c "[s]leep 1000$"'
	holds '.output == "0\n1\n"'
}

@test "every step begins its time anew" {
	made ts-anew --skill t-sessions --ttl $((2 * seconds))s
	for _ in 1 2 3 4; do
		sleep "$seconds"
		inside ts-anew true
		ended ok 0
	done
	ended_session ts-anew 6
}

@test "pause takes no CPU, and it goes on where it was" {
	made ts-pause --skill t-sessions
	step ts-pause --detach -- sh -c \
		'n=0; while :; do n=$((n + 1)); echo $n >new; mv new count; done'
	ended ok 0
	container=$(container_of ts-pause)
	session pause ts-pause
	before=$(cpu_of "$container")
	sleep 1
	[ "$(cpu_of "$container")" = "$before" ]
	about ts-pause
	holds '.state == "paused"'
	step ts-pause -- true
	ended invalid 65
	holds '.error | test("is paused: resume it")'
	run -65 session pause ts-pause
	session resume ts-pause
	run -65 session resume ts-pause
	inside ts-pause 'cat count; sleep 0.5; cat count'
	ended ok 0
	holds '.output | split("\n") |
		(.[0] | tonumber) > 0 and (.[1] | tonumber) > (.[0] | tonumber)'
	[ "$(cpu_of "$container")" -gt "$before" ]
	about ts-pause
	holds '.detached == 1'
}

# With any of this owner's, so it may be gone before ours.
@test "one that is paused and over ends with the next command" {
	made ts-over --skill t-sessions --ttl $((2 * seconds))s
	session pause ts-over
	[ -n "$(container_of ts-over)" ]
	sleep $((3 * seconds))
	session list
	ended_session ts-over
}

# --- hooks --------------------------------------------------------------------

@test "hooks are told what the session is" {
	facts=$BATS_TEST_TMPDIR/facts
	made ts-hooks --skill t-sessions \
		--on-start "env | grep ^SKILLBOX_SESSION= >$facts;
			echo \$SKILLBOX_OWNER \$SKILLBOX_SKILL \$SKILLBOX_ACTION \
			\$SKILLBOX_CONTAINER >>$facts" \
		--on-stop "echo \$SKILLBOX_SESSION \$SKILLBOX_CONTAINER >$facts.end"
	container=$(container_of ts-hooks)
	printf 'SKILLBOX_SESSION=ts-hooks\n%s t-sessions work %s\n' \
		"$(id -u)" "$container" | diff - "$facts"
	[ ! -e "$facts.end" ]
	session stop ts-hooks
	[ "$(cat "$facts.end")" = "ts-hooks $container" ]
}

@test "a hook that fails at the start leaves no session" {
	run -65 session create ts-hook --skill t-sessions \
		--on-start 'touch '"$BATS_TEST_TMPDIR"'/ran; exit 3' \
		--on-stop 'touch '"$BATS_TEST_TMPDIR"'/stopped'
	[[ $output = *'the hook '*'ended with status 3'* ]]
	[ -e "$BATS_TEST_TMPDIR/ran" ]
	[ ! -e "$BATS_TEST_TMPDIR/stopped" ]
	run -66 session status ts-hook
	ended_session ts-hook
}

# With any of this owner's, as above.
@test "the hook of one whose time was over runs with the next command, once" {
	made ts-hook-ttl --skill t-sessions --ttl "${seconds}s" \
		--on-stop "echo ended >>$BATS_TEST_TMPDIR/ended"
	ended_session ts-hook-ttl 6
	session list
	soon test -s "$BATS_TEST_TMPDIR/ended"
	session list
	[ "$(cat "$BATS_TEST_TMPDIR/ended")" = ended ]
}

# --- ports --------------------------------------------------------------------

@test "a server that goes on is reached by its published port" {
	needs_engine_ports
	made ts-web --skill t-sessions --network bridge --publish 8080
	serve_inside ts-web 8080 /workspace
	inside ts-web 'echo it works >index.html'
	soon curl -sf -m 5 -o "$BATS_TEST_TMPDIR/page" \
		"http://127.0.0.1:$(port_of ts-web)/"
	[ "$(cat "$BATS_TEST_TMPDIR/page")" = 'it works' ]
	about ts-web
	holds '.ports == [{target: 8080, published: .ports[0].published,
		host_ip: "127.0.0.1"}] and .detached == 1'
	port=$(port_of ts-web)
	session stop ts-web
	run -7 curl -s -m 5 "http://127.0.0.1:$port/"
}

@test "a port that is asked for is the one" {
	needs_engine_ports
	made ts-port --skill t-sessions --network bridge \
		--publish 8080:127.0.0.1:18374
	[ "$(port_of ts-port)" = 18374 ]
	run session create ts-port2 --skill t-sessions --network bridge \
		--publish 8080:18374
	[ "$status" != 0 ]
	[ -z "$(container_of ts-port2)" ]
}

@test "without a network, no grant or no sense nothing is published" {
	run -65 session create ts-none --skill t-sessions --network none \
		--publish 8080
	[[ $output = *"start 'skillbox serve'"*'"bridge"'* ]]
	run -77 session create ts-none --skill t-sessions --network bridge \
		--publish 8080:0.0.0.0:80
	[[ $output = *'operator.publish'* ]]
	run -64 session create ts-none --skill t-sessions --publish http
	run -64 session create ts-none --skill t-sessions --publish 8080/udp
	run -64 session create ts-none --skill t-sessions --publish 1 --publish 1
	[ -z "$(container_of ts-none)" ]
}

# daemon_says STATUS ANSWER: one that is asked once, at $SKILLBOX_SOCKET
daemon_says() {
	SKILLBOX_SOCKET=$BATS_TEST_TMPDIR/daemon
	export SKILLBOX_SOCKET
	rm -f "$SKILLBOX_SOCKET"
	"$top/tests/fixtures/one_post.py" "$SKILLBOX_SOCKET" \
		"$BATS_TEST_TMPDIR/asked" "$@" 3>&- &
	holder=$!
	soon test -S "$SKILLBOX_SOCKET"
}

@test "without a network the daemon is asked, if there is one" {
	daemon_says 200 '{"name": "ts-far", "ports": [{"target": 8080}]}'
	record=$(session create ts-far --skill t-sessions --network none \
		--publish 8080 --publish 81:18081 --ttl 1h -e A=b=c \
		--memory 64m --cpus 0.5 --pids-limit 9 --action work \
		-v keep:/keep:rw --format json)
	holds '.ports[0].target == 8080'
	wait "$holder"
	record=$(cat "$BATS_TEST_TMPDIR/asked")
	holds '.path == "/v1/sessions" and .body == {name: "ts-far",
		skill: "t-sessions", action: "work", ttl: "1h", publish: [
			{target: 8080, published: 0, host_ip: "127.0.0.1"},
			{target: 81, published: 18081, host_ip: "127.0.0.1"}],
		config: {network: "none", memory: "64m", cpus: "0.5",
			pids_limit: 9, env: {A: "b=c"},
			volumes: ["keep:/keep:rw"]}}'
	[ -z "$(container_of ts-far)" ]
	# What it refuses is refused.
	daemon_says 403 '{"status": 77, "output": null, "error": "not here",
		"outcome": "denied"}'
	run -77 session create ts-far --skill t-sessions --network none \
		--publish 8080
	[[ $output = *'not here'* ]]
	wait "$holder"
	# It would be the daemon who runs the hooks, as somebody else.
	daemon_says 200 '{}'
	run -65 session create ts-far --skill t-sessions --network none \
		--publish 8080 --on-start true
	run -65 session create ts-far --skill t-sessions --network none \
		--publish 8080 --secret "TOKEN=@$SKILLBOX_POLICY"
	[[ $output = *'no hooks and no --secret'* ]]
	kill -0 "$holder"
	# With one it is not needed, nor asked.
	made ts-near --skill t-sessions --network bridge --publish 8080
	kill -0 "$holder"
	[ "$(port_of ts-near)" -gt 0 ]
}

# --- what it is created with --------------------------------------------------

@test "variables and secrets are there for all runs, and nowhere else" {
	token=$BATS_TEST_TMPDIR/token
	printf 's3cr"t/%s' "$(head -c 15 /dev/urandom | base64)" >"$token"
	made ts-secret --skill t-sessions -e PLAIN=visible \
		--secret "TOKEN=@$token"
	container=$(container_of ts-secret)
	# Only what an action names does it get.
	step ts-secret work
	ended ok 0
	inside ts-secret 'printf %s "$TOKEN" | wc -c; echo "$PLAIN"; echo "$TOKEN"'
	ended ok 0
	holds '.output == $size + "\nvisible\n***\n"' \
		--arg size "$(wc -c <"$token")"
	step ts-secret --detach -- sh -c 'echo "$TOKEN" | tee /workspace/token
		sleep 100'
	ended ok 0
	soon logs_have ts-secret '***'
	# The copy is as it was: what comes out as a file is the owner's.
	[ "$(session cp ts-secret:token - | tar -xOf -)" = "$(cat "$token")" ]
	{
		docker inspect "$container"
		session status ts-secret --format json
		session logs ts-secret
		echo "$record"
	} >"$BATS_TEST_TMPDIR/all"
	run -1 "$harness/find-secret" "$token" "tree:$BATS_TEST_TMPDIR/all"
	run -1 "$harness/find-secret" "$token" - <"$BATS_TEST_TMPDIR/all"
	[ "$(family)" = podman ] || run -1 "$harness/find-secret" "$token" \
		"tree:$SBX_TEST_ENGINE/data/containers/$container"
	run -1 "$harness/find-secret" "$token" \
		"tree:${XDG_RUNTIME_DIR:-/run}/skillbox"
	# It would find it.
	{
		cat "$BATS_TEST_TMPDIR/all"
		base64 -w0 "$token"
	} | "$harness/find-secret" "$token" -
}

@test "what is detached is given no input, and is not told that it was" {
	made ts-no-input --skill t-sessions
	step ts-no-input --detach --stdin - -- cat <<<"lost"
	ended invalid 65
	holds '.error | test("reads no input")'
	about ts-no-input
	holds '.detached == 0'
	step ts-no-input --detach -- sleep 100
	ended ok 0
}

@test "output that cannot be written is no success" {
	made ts-full --skill t-sessions
	for format in text json; do
		status=0
		session run ts-full --format "$format" -- echo text >/dev/full ||
			status=$?
		[ "$status" = 74 ]
	done
	step ts-full --detach -- sh -c 'echo line; sleep 100'
	soon logs_have ts-full line
	status=0
	session logs ts-full >/dev/full 2>"$BATS_TEST_TMPDIR/said" || status=$?
	[ "$status" = 74 ]
	grep -q 'cannot write to standard output: No space left' \
		"$BATS_TEST_TMPDIR/said"
}

@test "another image, by the policy's leave" {
	printf 'FROM skillbox/busybox\nRUN echo other >/which\n' |
		docker build -q -t t-sessions-other - >/dev/null
	run -77 session create ts-image --skill t-sessions \
		--image t-sessions-other
	[[ $output = *build.from* ]]
	[ -z "$(container_of ts-image)" ]
	policy <<<'skills: {build: {from: [t-sessions-other, skillbox/*]}}'
	made ts-image --skill t-sessions --image t-sessions-other
	inside ts-image 'cat /which; id -u'
	ended ok 0
	holds '.output | test("^other\n2[0-9]{5}\n$")'
	run -66 session create ts-image2 --skill t-sessions \
		--image skillbox/no-such-image
}
