#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks by files: writing where nothing may be written, host paths that are
# something else by the time they are mounted, and what is left in them.

load attack

setup_file() {
	prepare
	hostile t-escape-files files
	fixture t-escape-files <<YAML
  attack: {$attack_action}
  output: {$attack_action, output: file, output_limit: 64k}
  volume: {$attack_action, volumes: ['v:/data:rw']}
  reads: {$attack_action, volumes: ['v:/data:ro']}
YAML
	skillbox build t-escape-files
	uid=$(uid_of t-escape-files)
	export uid
}

teardown() {
	unharmed t-escape-files "$uid"
}

teardown_file() {
	remove_volumes t-escape-files
}

# Attacks: ReadonlyRootfs.
@test "writing to the root file system, wherever" {
	attack t-escape-files '/app/files root'
	if has_cgroup_tmpfs; then
		holds '.output["/sys/fs/cgroup"] == "done"'
		record=$(jq -c 'del(.output["/sys/fs/cgroup"])' <<<"$record")
	fi
	refused
	holds '.output | .["/"] == "EROFS" and .["/etc"] == "EROFS" and
		.["chmod"] == "EROFS"'
}

# Attacks: the mount's read-only flag.
@test "writing to a read-only volume" {
	act t-escape-files volume -e 'ATTACK=echo kept >/data/file'
	ended ok 0
	act t-escape-files reads -e 'ATTACK=
		echo no >/data/file; rm -f /data/file; chmod 777 /data/file
		mv /data/file /data/x; ln /data/file /data/y; cat /data/file'
	ended ok 0
	holds '.output == "kept\n" and
		([.stderr | match("Read-only"; "g")] | length) == 5'
}

# --- a host path that is something else when it is mounted -------------------

# A directory the operator grants, with a trap beside it.
trap_in() {
	work=$BATS_TEST_TMPDIR/work
	mkdir -p "$work/granted" "$work/secret"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR"
	chmod 777 "$work" "$work/granted" "$work/secret"
	echo granted >"$work/granted/file"
	echo secret >"$work/secret/file"
}

# swap_before CALL COMMAND: runs with an engine that has it done before CALL
swap_before() {
	local socket=$BATS_TEST_TMPDIR/hooked.sock
	rm -f "$socket"
	/usr/bin/python3 "$top/tests/fixtures/hooked_engine.py" "$socket" \
		"${DOCKER_HOST#unix://}" "$1" sh -c "cd '$work' && $2" 3>&- &
	local proxy=$!
	soon test -S "$socket"
	DOCKER_HOST=unix://$socket attack t-escape-files \
		'cat /host/file; echo owned >/host/owned' -v "$work/granted:/host"
	kill "$proxy"
}

# The first and the last call before which a swap can matter: Podman mounts
# what a container has when it is attached to.
calls() {
	echo /containers/create
	[ "$(family)" = podman ] && echo /attach || echo /start
}

# Attacks: init tells device and inode of each mount, the runner compares.
@test "a host path swapped between create and start: another directory" {
	for call in $(calls); do
		trap_in
		swap_before "$call" 'mv granted old && mv secret granted'
		ended denied 77
		holds '.started_at == null and (.error | test("host"))'
		run ! grep -q secret <<<"$(field .output)"
		[ ! -e "$work/granted/owned" ]
		rm -r "$work"
	done
}

@test "a host path swapped between create and start: a symbolic link" {
	for call in $(calls); do
		trap_in
		swap_before "$call" 'mv granted old && ln -s secret granted'
		run ! [ "$(field .outcome)" = ok ]
		holds '.started_at == null'
		[ ! -e "$work/secret/owned" ]
		rm -r "$work"
	done
}

@test "a host path swapped between create and start: back in time" {
	trap_in
	# The inode is what was checked, so it is what was granted.
	swap_before "$(calls | tail -n 1)" 'mv granted old && mv old granted'
	ended ok 0
	holds '.output == "granted\n"'
	[ -e "$work/granted/owned" ]
}

@test "a host path raced by somebody who swaps it all the time" {
	trap_in
	mkdir "$work/dir"
	mv "$work/granted" "$work/dir/granted"
	(
		cd "$work" || exit
		while [ ! -e stop ]; do
			mv dir real && ln -s secret-dir dir
			rm dir && mv real dir
		done
	) 3>&- &
	racer=$!
	mkdir "$work/secret-dir"
	mv "$work/secret" "$work/secret-dir/granted"
	outcomes=
	for _ in 1 2 3 4 5 6; do
		attack t-escape-files 'cat /host/file; echo owned >/host/owned' \
			-v "$work/dir/granted:/host"
		outcomes="$outcomes $(field .outcome)"
		run ! grep -q secret <<<"$(field .output)"
		[ "$(field .outcome)" = ok ] || holds '.started_at == null'
	done
	touch "$work/stop"
	wait "$racer"
	echo "$outcomes"
	[ ! -e "$work/secret-dir/granted/owned" ]
}

# Attacks: openat2 without links; the engine would follow them.
@test "a host path with links in it that lead to the host's own files" {
	trap_in
	ln -s /etc "$work/etc"
	ln -s / "$work/root"
	ln -s /proc/self/root "$work/proc"
	for path in etc root root/etc proc/etc etc/passwd; do
		attack t-escape-files 'ls /host' -v "$work/$path:/host:ro"
		ended denied 77
		holds '.started_at == null and (.error | test("symbolic link"))'
	done
}

# Whoever finds these on the host must not trip over root's rights.
@test "what is left in a host path: setuid, devices, links out of it" {
	trap_in
	attack t-escape-files 'cd /host
		cp /app/files setuid; chmod 6777 setuid
		mknod disk b 8 0; mknod mem c 1 1
		ln -s /etc/shadow shadow; mkfifo fifo
		ln file hard; touch -- "-rf" "$(printf "new\nline")"
		chown 0:0 setuid; chgrp 0 setuid; true' -v "$work/granted:/host"
	ended ok 0
	[ -z "$(find "$work" -uid 0 -perm /6000)" ]
	[ -z "$(find "$work" -type b -o -type c)" ]
	[ "$(stat -c %u "$work/granted/setuid")" = "$uid" ]
	# The next to get it sees no more of the host by way of the link.
	attack t-escape-files 'cat /host/shadow' -v "$work/granted:/host:ro"
	ended failed 1
	holds '.error | test("No such file")'
}

# --- the output file ---------------------------------------------------------

# init opens it, in its own name.
@test "an output file that is a FIFO, a socket, a directory, a link to /proc/1" {
	for kind in fifo socket directory unreadable 'link /proc/1/environ' \
		'link /etc/passwd' 'link /proc/self/fd/0' 'link /dev/zero'; do
		act t-escape-files output -e "ATTACK=/app/files output $kind"
		ended bad_output 65
		holds '.output == null and within(9000)'
	done
}

@test "an output file of eight sparse terabytes" {
	act t-escape-files output -e 'ATTACK=/app/files output sparse'
	ended output_limit 125
	holds '.truncated.output and within(9000)'
}
