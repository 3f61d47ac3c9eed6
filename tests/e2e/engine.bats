#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The private engines of tests/harness/engine: they come, they are alone, and
# they go without a trace.

load helper

setup_file() {
	prepare
}

setup() {
	dir=$BATS_TEST_TMPDIR/engine
	engine=$harness/engine
}

teardown() {
	"$engine" stop "$dir"
	"$engine" stop "$dir-2"
}

# clean DIR: nothing of its engine is left
clean() {
	local id
	id=$(printf %s "$1" | sha256sum | cut -c1-8)
	[ ! -e "/run/skillbox-$id" ]
	run ! ip link show "sbx-$id"
	run ! grep -q "$1/" /proc/mounts
	{
		iptables -w -S
		iptables -w -t nat -S
	} >"$BATS_TEST_TMPDIR/rules"
	run ! grep -q "$id" "$BATS_TEST_TMPDIR/rules"
}

@test "starting is done once, stopping leaves nothing" {
	run ! "$engine" status "$dir"
	"$engine" start "$dir"
	"$engine" status "$dir"
	socket=$("$engine" url "$dir")
	pid=$("$engine" pid "$dir")
	"$engine" start "$dir"
	[ "$("$engine" pid "$dir")" = "$pid" ]
	DOCKER_HOST=$socket docker info >/dev/null
	"$engine" stop "$dir"
	run ! "$engine" status "$dir"
	clean "$dir"
	[ ! -e "$dir/data" ]
	run ! kill -0 "$pid"
	"$engine" stop "$dir"
}

@test "an engine stays what it was made as, until it is removed" {
	run ! "$engine" start "$dir" --kind no-such-engine
	"$engine" start "$dir"
	kind=$("$engine" kind "$dir")
	for other in $("$engine" kinds); do
		[ "$other" = "$kind" ] ||
			run ! "$engine" start "$dir" --kind "$other"
	done
	"$engine" stop --keep "$dir"
	[ "$("$engine" kind "$dir")" = "$kind" ]
	"$engine" stop "$dir"
	[ ! -e "$dir/kind" ]
}

@test "two at once have each their own, and outlive the other" {
	"$engine" start "$dir" 3>&- &
	"$engine" start "$dir-2" 3>&- &
	"$engine" start "$dir" 3>&-
	wait
	[ "$("$engine" url "$dir")" != "$("$engine" url "$dir-2")" ]
	[ "$("$engine" address "$dir")" != "$("$engine" address "$dir-2")" ]
	"$engine" stop "$dir"
	"$engine" status "$dir-2"
	clean "$dir"
	# And the one that the tests run on is still there.
	docker info >/dev/null
}

@test "stopping leaves nothing even if the bridge was taken away" {
	"$engine" start "$dir"
	bridge=sbx-$(printf %s "$dir" | sha256sum | cut -c1-8)
	ip link del "$bridge"
	"$engine" stop "$dir"
	clean "$dir"
}

@test "an engine that was killed is cleaned up by the next start" {
	skillbox --engine "$DOCKER_HOST" build text >/dev/null
	image=$(skillbox build text 2>/dev/null | cut -d' ' -f2)
	docker save "$image" >"$BATS_TEST_TMPDIR/image.tar"
	"$engine" start "$dir"
	socket=$("$engine" url "$dir")
	export DOCKER_HOST=$socket
	docker load -q <"$BATS_TEST_TMPDIR/image.tar"
	id=$(docker run -d --entrypoint sleep "$image" 1234)
	inside=$(docker inspect -f '{{.State.Pid}}' "$id")
	kill -9 "$("$engine" pid "$dir")"
	sleep 0.5
	grep -qa 1234 "/proc/$inside/cmdline"
	"$engine" start "$dir"
	# Not even a process that nobody has waited for yet has a command line.
	run ! grep -qa 1234 "/proc/$inside/cmdline"
	docker info >/dev/null
	# With its images: only stop without --keep forgets them.
	docker image inspect "$image" >/dev/null
	"$engine" stop --keep "$dir"
	clean "$dir"
	[ -d "$dir/data" ]
}
