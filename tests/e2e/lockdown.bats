#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What holds for every action, as the engine sees it, as the action sees it,
# and whatever its image would like.

load helper

setup_file() {
	prepare
	policy <<<'skills: {users: [1234, 4321]}'
	fixture t-lockdown <<'YAML'
  sleeps: {command: [sleep, '60'], environment: {FROM_MANIFEST: manifest-marker}}
  sees: {command: [sh, -c, 'eval "$SCRIPT"']}
  writes: {command: [sh, /app/writable.sh], tmpfs: ['/tmp:size=1m', '/scratch:size=1m,exec']}
  own_user: {command: [id], user: '4321:1234'}
  limits: {command: [sh, -c, 'ulimit -n; ulimit -c; cat /proc/self/limits'], ulimits: {nofile: 99}}
YAML
	cat >"$skills/t-lockdown/writable.sh" <<'SCRIPT'
# Every directory that can be written to, and whether it lets programs run.
cut -d' ' -f2 /proc/mounts | while read -r at; do
	[ -d "$at" ] && echo 'echo ran' >"$at/.probe" 2>/dev/null || continue
	chmod 755 "$at/.probe"
	ran=$("$at/.probe" 2>/dev/null) || ran=no
	rm "$at/.probe"
	echo "$at $ran"
done | sort -u
SCRIPT
	printf '%s\n' 'FROM skillbox/busybox' 'COPY writable.sh /app/' \
		>"$skills/t-lockdown/Dockerfile"
	skillbox build t-lockdown
}

# inside SCRIPT: its output, from inside
inside() {
	act t-lockdown sees -e "SCRIPT=$1" && ended ok 0 && field .output
}

inspect() {
	if [ "$(family)" = podman ]; then
		podman_inspect "$container" | jq -s .
	else
		docker inspect "$container"
	fi
}

# has FILTER: FILTER is true of the container that was inspected
has() {
	jq -e ".[0] | $1" "$BATS_TEST_TMPDIR/inspected" >/dev/null && return
	echo "not so: $1"
	jq '.[0] | {Config, HostConfig}' "$BATS_TEST_TMPDIR/inspected"
	return 1
}

docker_view() {
	has '.HostConfig.CapDrop == ["ALL"] and ((.HostConfig.CapAdd // []) == [])'
	has '.HostConfig.CgroupnsMode == "private"'
	has '.HostConfig.PidMode == "" and .HostConfig.UTSMode == ""'
	has '.HostConfig.IpcMode == "private" or .HostConfig.IpcMode == "none"'
}

podman_view() {
	has '(.EffectiveCaps // []) == [] and (.BoundingCaps // []) == []'
	has '.HostConfig.CgroupMode == "private"'
	has '.HostConfig.PidMode == "private" and .HostConfig.UTSMode == "private"'
	# 4.3 says "shareable" of all that is its own.
	has '.HostConfig.IpcMode | . == "shareable" or . == "none"'
	has '.OCIRuntime == "crun"'
	has '.Config.Umask == "0022"'
}

@test "the engine's view of a running action" {
	begin t-lockdown sleeps '{"secret": "input-marker"}' \
		-e FROM_REQUEST=request-marker
	# Once: the action does not run for ever.
	inspect >"$BATS_TEST_TMPDIR/inspected"
	has '.Config.User | test("^[1-9][0-9]*:[1-9][0-9]*$")'
	"$(family)_view"
	has '.HostConfig.SecurityOpt | index("no-new-privileges") or
		index("no-new-privileges:true")'
	has '[.HostConfig.SecurityOpt[] | select(test("seccomp"))] == []'
	has '.HostConfig.Privileged == false'
	has '.HostConfig.ReadonlyRootfs == true'
	has '.HostConfig.PidsLimit == 64'
	has '.HostConfig.Memory == 268435456 and
		.HostConfig.MemorySwap == .HostConfig.Memory'
	has '.HostConfig.CpuQuota == 100000 and
		.HostConfig.CpuPeriod == 100000'
	has '.HostConfig.LogConfig.Type == "none"'
	has '.HostConfig.NetworkMode == "none"'
	has '.HostConfig.AutoRemove == true'
	has '(.HostConfig.Devices // []) == [] and
		(.HostConfig.PortBindings // {}) == {} and
		.HostConfig.PublishAllPorts == false'
	has '[.Mounts[] | select(.RW)] == []'
	has '.Config.Healthcheck.Test == ["NONE"]'
	has '.Config.Tty == false'
	has '.Path | endswith("/init")'

	markers='request-marker|manifest-marker|input-marker'
	run -1 grep -E "$markers" "$BATS_TEST_TMPDIR/inspected"
	# Nor does the engine have them anywhere on its disk.
	run -1 grep -rE "$markers" "$SBX_TEST_ENGINE/log" \
		"$SBX_TEST_ENGINE/data"/*containers
	kill "$runner"
	finish
	gone t-lockdown
}

@test "no right is left inside" {
	run -0 inside 'grep -E "^(Cap|NoNewPrivs|Seccomp:|Groups|Uid|Gid)" /proc/self/status'
	echo "$output"
	for set in Inh Prm Eff Bnd Amb; do
		grep -qP "^Cap$set:\t0{16}$" <<<"$output"
	done
	grep -qP '^NoNewPrivs:\t1$' <<<"$output"
	grep -qP '^Seccomp:\t2$' <<<"$output"
	grep -qP '^Uid:\t([1-9]\d*)\t\1\t\1\t\1$' <<<"$output"
	grep -qP '^Gid:\t([1-9]\d*)\t\1\t\1\t\1$' <<<"$output"
	grep -qP '^Groups:\t\s*([1-9]\d*)?\s*$' <<<"$output"
}

@test "the user is one that the host has not, and another for each skill" {
	run -0 inside 'id -u'
	[ "$output" -ge 200000 ]
	[ "$output" -le 265535 ]
	[ -z "$(getent passwd "$output")" ]
	uid=$output
	cp -R "$skills/t-lockdown" "$skills/t-lockdown2"
	sed -i 's/t-lockdown/t-lockdown2/' "$skills/t-lockdown2/skill.yaml"
	act t-lockdown2 sees -e 'SCRIPT=id -u'
	ended ok 0
	[ "$(field .output)" != "$uid" ]
	gone t-lockdown2
}

@test "a manifest may choose another user, but root" {
	act t-lockdown own_user
	ended ok 0
	holds '.output | test("^uid=4321 gid=1234( groups=1234)?\n$")'
}

@test "only the tmpfs that were asked for can be written to, noexec" {
	act t-lockdown writes
	ended ok 0
	run -0 field '.output'
	echo "$output"
	grep -q '^/tmp no$' <<<"$output"
	grep -q '^/scratch ran$' <<<"$output"
	allowed='^(/tmp|/scratch|/dev/shm|/run/[a-z-]+) '
	if has_cgroup_tmpfs; then
		allowed+='|^/sys/fs/cgroup no$'
	fi
	run -1 grep -vE "$allowed" <<<"$output"
}

@test "there is no network" {
	run -0 inside 'ls /sys/class/net; cat /proc/net/route | wc -l; nc -w 2 192.0.2.1 80 2>&1; echo'
	echo "$output"
	[ "${lines[0]}" = lo ]
	[ "${lines[1]}" -le 1 ]
	grep -qi unreachable <<<"$output"
}

@test "limits on descriptors and core files" {
	act t-lockdown limits
	ended ok 0
	run -0 field .output
	[ "${lines[0]}" = 99 ]
	grep -qE '^Max core file size +1 +1 ' <<<"$output"
}

@test "environment: image, manifest, request, then what skillbox says" {
	mkdir -p "$skills/t-lockdown-env"
	printf '%s\n' 'FROM skillbox/busybox' \
		'ENV A=image B=image C=image SKILL_ACTION=image' \
		>"$skills/t-lockdown-env/Dockerfile"
	fixture t-lockdown-env <<'YAML'
  shows: {command: [env], environment: {B: manifest, C: manifest}}
  dumps: {command: [env], input: env}
YAML
	act t-lockdown-env shows -e C=request -e D=request
	ended ok 0
	run -0 field .output
	echo "$output"
	for line in A=image B=manifest C=request D=request SKILL_ACTION=shows \
		HOME=/tmp "SKILL_RUN_ID=$(field .run_id)"; do
		grep -qxF "$line" <<<"$output"
	done

	act t-lockdown-env dumps '{"a b":"c d","n":1.5,"o":{"x":[]}}'
	ended ok 0
	run -0 field .output
	echo "$output"
	for line in 'INPUT_A_B=c d' 'INPUT_N=1.5' \
		'SKILL_ARGS={"a b":"c d","n":1.5,"o":{"x":[]}}'; do
		grep -qxF "$line" <<<"$output"
	done
	grep -qE '^INPUT_O=\{"x": ?\[\]\}$' <<<"$output"
	gone t-lockdown-env
}

# --- engines that do less than they are told ---------------------------------

# weak OLD NEW [OLD NEW]: runs an action with such an engine in between
weak() {
	weaken "$@"
	DOCKER_HOST=$weak_host act t-lockdown sees -e 'SCRIPT=echo ran'
	kill "$weak_proxy"
}

docker_fields() {
	printf '%s\n' CapDrop SecurityOpt ReadonlyRootfs PidsLimit \
		MemorySwap AutoRemove IpcMode CgroupnsMode LogConfig Tmpfs \
		Ulimits User Entrypoint StdinOnce Healthcheck NetworkMode
}

# Where its word is another one than Docker's, both.
podman_fields() {
	printf '%s\n' cap_drop:CapDrop no_new_privileges:SecurityOpt \
		read_only_filesystem:ReadonlyRootfs pids:PidsLimit \
		memory:Memory remove:AutoRemove cgroupns:CgroupnsMode \
		log_configuration:LogConfig mounts:Tmpfs r_limits:Ulimits \
		user:User entrypoint:Entrypoint stdin:StdinOnce \
		healthconfig:Healthcheck netns:NetworkMode
	# Only since 5.0 does it say how IPC is.
	if [ "$("$harness/engine" kind "$SBX_TEST_ENGINE")" != podman ]; then
		echo ipcns:IpcMode
	fi
}

@test "what an engine leaves out is found before anything starts" {
	for field in $("$(family)_fields"); do
		echo "$field"
		word=${field%:*}
		weak "\"$word\":" "\"${word%?}_\":"
		ended denied 77
		holds '.started_at == null and (.error | test($field))' \
			--arg field "sandbox.(${field#*:}|Mounts)"
	done
	gone t-lockdown
}

@test "what an engine only says it did is found before anything is told" {
	local root=ReadonlyRootfs user=User
	if [ "$(family)" = podman ]; then
		root=read_only_filesystem user=user
	fi
	weak "\"$root\":" "\"${root%?}_\":" \
		'"ReadonlyRootfs":false' '"ReadonlyRootfs":true '
	ended denied 77
	holds '.started_at == null and (.error | test("sandbox.mounts: / "))'

	run -0 inside 'id -u'
	weak "\"$user\":\"$output:" "\"$user\":\"100000:" \
		'"User":"100000:' "\"User\":\"$output:"
	ended denied 77
	holds '.started_at == null and (.error | test("sandbox.uid"))'
	gone t-lockdown
}
