#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Skills that attack what runs them.

load helper

setup_file() {
	prepare
	mkdir -p "$skills/t-hostile"
	printf '#!/bin/sh\necho evil init >&2\n' >"$skills/t-hostile/evil"
	chmod 755 "$skills/t-hostile/evil"
	fixture t-hostile <<'YAML'
  sh: {command: [sh, -c, 'eval "$SCRIPT"']}
  here: {command: [echo, 'an action'], working_dir: /app}
  plant: {command: [cp, /app/init, /vol/init], volumes: ['v:/vol:rw']}
  harvest: {command: [echo, 'an action'], volumes: ['v:/app/cache:rw']}
YAML
	cat >"$skills/t-hostile/Dockerfile" <<'DOCKERFILE'
FROM skillbox/busybox
COPY evil /app/init
RUN ln -s /proc/self/cwd /.skillbox && ln -s /.skillbox /app/cache
DOCKERFILE
	skillbox build t-hostile
}

teardown() {
	gone t-hostile
}

teardown_file() {
	docker volume ls -q --filter label=io.skillbox.volume |
		grep -- -t-hostile | xargs -r docker volume rm -f >/dev/null
}

# A link to /proc/self/cwd is another directory to the engine, which mounts
# init there, than to the kernel, which executes what is there.
@test "no link of the image decides what is init" {
	act t-hostile here
	ended ok 0
	holds '.output == "an action\n"'
}

@test "no volume is mounted over init" {
	act t-hostile plant
	ended ok 0
	act t-hostile harvest
	# runc 1.3 finds the link before init can.
	[ "$(field .outcome)" = denied ] ||
		holds '.error | test("/app/cache: too many levels of symbolic")'
	holds '.started_at == null and (.error | test("evil") | not)'
}

# volumes PATH...: a skill whose image declares them
volumes() {
	mkdir -p "$skills/t-hostile-volumes"
	printf '%s\n' 'FROM skillbox/busybox' "VOLUME $*" \
		>"$skills/t-hostile-volumes/Dockerfile"
	fixture t-hostile-volumes <<'YAML'
  plain: {command: [sh, -c, 'cat >/dev/null; touch /tmp/x && cat /data/file']}
  keeps: {command: [sh, -c, 'touch /data/deep/x'], volumes: ['v:/data/deep:rw']}
YAML
}

@test "a VOLUME hides nothing that the sandbox needs, spelled as it may be" {
	for path in / /proc /proc/x /sys/fs/cgroup /dev /dev//pts; do
		volumes "$path"
		act t-hostile-volumes plain
		ended denied 77
		holds '.started_at == null and (.error | test("image.volumes"))'
	done
	volumes /tmp/ /.skillbox /dev/shm /data /data/ /data/file //data/deep
	act t-hostile-volumes plain
	ended failed 1
	holds '.error | test("directory")'
	act t-hostile-volumes keeps
	ended ok 0
	gone t-hostile-volumes
}

@test "a run takes away what a killed runner had not started yet" {
	stray=$(docker create --label "io.skillbox.runner=$(
		cat /proc/sys/kernel/random/boot_id):$(
		stat -Lc %i /proc/self/ns/pid):4194000:1" \
		"$(docker image ls -q skillbox/t-hostile | head -n 1)" true)
	act t-hostile sh -e 'SCRIPT=echo answer'
	ended ok 0
	run -1 docker inspect "$stray"
}

# As with hidepid=2, or for a user of another /proc.
@test "a runner that cannot be seen is not taken for dead" {
	begin t-hostile sh -e 'SCRIPT=sleep 60'
	unshare -m sh -c 'mount -t tmpfs none "/proc/$1" && shift && exec "$@"' \
		sh "$runner" "$program" prune
	[ "$(containers_of t-hostile running)" = "$container" ]
	kill "$runner"
	finish
	ended cancelled 130
}
