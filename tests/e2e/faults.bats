#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An engine that fails at any call and at any byte, with a proxy in between:
# a valid record comes in time, and no container stays (tests/harness/faults
# says exactly what must be so).  On an engine of its own, where nothing else
# may be left.  SBX_FAULTS=full asks for more of everything; few, which is for
# valgrind, for less of what is one run like another: the same calls and kinds
# of faults, at fewer bytes.

load helper

# What the proxy can see is what goes through the engine.
export SKILLBOX_CHANNEL=attached

setup_file() {
	own_engine
	prepare
	fixture t-faults <<'YAML'
  says: {command: [cat]}
YAML
	skillbox build t-faults
}

teardown_file() {
	"$harness/engine" stop "$SBX_TEST_ENGINE"
}

# sized CI FULL FEW: how much of it
sized() {
	case ${SBX_FAULTS-} in
	full) echo "$2" ;;
	few) echo "$3" ;;
	*) echo "$1" ;;
	esac
}

# Where what runs is out of the engine's reach once it does.
@test "every fault at every call, over a direct channel" {
	unset SKILLBOX_CHANNEL
	SBX_FAULTS_AT_ONCE=$(sized 8 8 3) "$harness/faults" calls t-faults says
}

@test "the connection is cut at any byte, beside a direct channel" {
	unset SKILLBOX_CHANNEL
	"$harness/faults" "cuts=$(sized 60 2000 20)" t-faults says
}

# A volume that is new has to be given to the action's user: more calls.
@test "every fault at every call" {
	SBX_FAULTS_AT_ONCE=$(sized 8 8 3) "$harness/faults" calls t-faults says \
		-v 'v{}:/data:rw'
}

@test "every fault at every call of a build" {
	SBX_FAULTS_AT_ONCE=$(sized 8 8 3) "$harness/faults" \
		"$(sized build=quick build build=quick)" t-faults says
}

@test "every fault at every call of the first run" {
	"$harness/faults" "$(sized first=lose first first=lose)" t-faults says
}

@test "a caller who wants out while a call is not answered" {
	"$harness/faults" cancel t-faults says -v 'v{}:/data:rw'
}

@test "the connection is cut at any byte" {
	"$harness/faults" "cuts=$(sized 300 5000 60)" t-faults says
}

@test "other faults at any byte" {
	SBX_FAULTS_AT_ONCE=$(sized 8 8 3) \
		"$harness/faults" "bytes=$(sized 15 500 8)" t-faults says
}

@test "what may have run is told from what cannot have" {
	SBX_FAULTS_AT_ONCE=$(sized 4 4 3) \
		"$harness/faults" "hello=$(sized 8 200 8)" t-faults says
}

@test "a hundred runs at once" {
	"$harness/faults" "crowd=$(sized 100 300 20)" t-faults says
}

# What must hold of the proxy, or the tests above show nothing.
@test "the proxy does what it is told" {
	proxy=$BATS_TEST_TMPDIR/proxy
	"$harness/fault_proxy.py" --log "$proxy.log" --fault fail@call:1 \
		"$proxy" "${DOCKER_HOST#unix://}" 3>&- &
	soon test -S "$proxy"
	run ! docker -H "unix://$proxy" version
	run -0 docker -H "unix://$proxy" version
	kill $!
	jq -es 'length > 2 and [.[] | select(.fault == "fail")] ==
		[.[1]]' "$proxy.log"
}
