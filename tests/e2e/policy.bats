#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The manifest asks, the policy grants: each rule, as an engine and an action
# see it, and where the policy comes from.  What a rule decides is in
# tests/unit/test_grant.c; here it is shown to be asked, everywhere.

load helper

setup_file() {
	prepare
	# Every kind of engine sees it, which not every directory of this host is.
	export host=$BATS_FILE_TMPDIR/host
	fixture t-policy <<YAML
  plain: {command: [echo, ran]}
  shell: {command: [sh, -c, 'eval "\$SCRIPT"'], timeout: 20s, mem_limit: 128m, cpus: 2, pids_limit: 40, tmpfs: ['/tmp:size=48m'], ulimits: {nofile: 2000}}
  bridged: {command: [echo, ran], network: bridge}
  alone: {command: [sleep, '60'], concurrency: 1}
  mounts: {command: [cat, /data/file], volumes: ['$host:/data:ro']}
YAML
	skillbox build t-policy
	mkdir -p "$host/deep"
	echo from-the-host >"$host/file"
}

teardown() {
	stop_daemon
	gone t-policy
}

# denied RULE: the run was, by that rule, before anything was started
denied() {
	ended denied 77
	holds '.error | startswith($rule + ": ")' --arg rule "$1"
	holds '.started_at == null'
}

inside() {
	act t-policy shell -e "SCRIPT=$1" "${@:2}"
}

# --- where it comes from -----------------------------------------------------

@test "without a file the strict policy that is built in holds" {
	[ ! -e /etc/skillbox/policy.yaml ]
	unset SKILLBOX_POLICY
	act t-policy plain
	ended ok 0
	act t-policy bridged
	denied skills.networks
	act t-policy plain --network bridge
	ended ok 0
	act t-policy plain --network host
	denied operator.networks
}

@test "--policy wins over the environment, that over the built-in one" {
	echo '{schema_version: 1, skills: {enabled: false}}' \
		>"$BATS_TEST_TMPDIR/off.yaml"
	echo '{schema_version: 1, skills: {networks: [bridge]}}' \
		>"$BATS_TEST_TMPDIR/bridge.yaml"
	SKILLBOX_POLICY=$BATS_TEST_TMPDIR/off.yaml
	act t-policy plain
	denied skills.enabled
	act t-policy bridged --policy "$BATS_TEST_TMPDIR/bridge.yaml"
	ended ok 0
}

@test "a policy that cannot be had stops everything" {
	act t-policy plain --policy /nonexistent.yaml
	ended misconfigured 78
	holds '.error | test("/nonexistent.yaml.*No such file")'
	echo '{schema_version: 1, skills: {networks: [bridge' \
		>"$BATS_TEST_TMPDIR/cut.yaml"
	act t-policy plain --policy "$BATS_TEST_TMPDIR/cut.yaml"
	ended misconfigured 78
	holds '.error | test("cut.yaml:[0-9]+:[0-9]+: ")'
	for command in 'build t-policy' 'check t-policy' 'test t-policy'; do
		# shellcheck disable=SC2086 # words
		run -78 skillbox --policy "$BATS_TEST_TMPDIR/cut.yaml" $command
	done
	run -69 skillbox --policy "$BATS_TEST_TMPDIR/cut.yaml" doctor
	grep -q 'FAIL *policy' <<<"$output"
}

@test "a policy that others can write is not believed" {
	policy <<<'skills: {networks: [bridge]}'
	chmod 666 "$SKILLBOX_POLICY"
	act t-policy plain
	ended misconfigured 78
	holds '.error | test("others can write it")'
}

@test "check prints every error of the policy, and what it does to skills" {
	policy <<'YAML'
skills:
  networks: [internet]
  volumes: ["/var/run/docker.sock:rw"]
YAML
	run -78 --separate-stderr skillbox check t-policy
	[ "$(grep -c "^$SKILLBOX_POLICY:[0-9]*:[0-9]*: " <<<"$output")" = 2 ]
	policy <<<'skills: {limits: {timeout: 5s}}'
	run -0 skillbox check t-policy
	grep -q 'warning: actions.bridged: skills.networks: ' <<<"$output"
	grep -q 'warning: actions.mounts: skills.volumes: ' <<<"$output"
	grep -q 'actions.shell: skills.limits.timeout: 20s was asked for, 5s' \
		<<<"$output"
}

# --- what it grants ----------------------------------------------------------

@test "an exception is for its own skill" {
	policy <<<'exceptions: {t-policy: {networks: [bridge]}}'
	act t-policy bridged
	ended ok 0
	policy <<<'exceptions: {t-other: {networks: [bridge]}}'
	act t-policy bridged
	denied skills.networks
	policy <<<'exceptions: {t-policy: {enabled: false}}'
	act t-policy plain
	denied skills.enabled
}

@test "numbers are lowered, in the engine too, and that is said" {
	policy <<'YAML'
skills:
  limits: {timeout: 3s, mem_limit: 64m, cpus: 0.5, pids_limit: 20, tmpfs: 8m}
  ulimits: {nofile: 500}
YAML
	begin t-policy shell -e 'SCRIPT=ulimit -n; df -k /tmp | tail -n 1; sleep 60'
	run docker inspect -f '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.CpuQuota}}/{{.CpuPeriod}} {{.PidsLimit}}{{end}}' "$container"
	echo "$output"
	[ "$output" = '67108864 67108864 50000/100000 20' ]
	finish
	ended timeout 124
	holds '.output | startswith("500\n")'
	holds '.output | test(" 8192 ")'
	holds 'within(15000)'
	grep -q 'skills.limits.mem_limit: 128m was asked for, 64m is granted' \
		"$BATS_TEST_TMPDIR/stderr"
}

@test "the operator may raise them, as far as the operator's own rule" {
	policy <<<'skills: {limits: {mem_limit: 64m}}'
	begin t-policy shell -e 'SCRIPT=sleep 60' --memory 100m
	[ "$(docker inspect -f '{{.HostConfig.Memory}}' "$container")" = 104857600 ]
	kill "$runner"
	finish
	ended cancelled 130
	gone t-policy
	sed -i 's/mem_limit: .*g/mem_limit: 80m/' "$SKILLBOX_POLICY"
	begin t-policy shell -e 'SCRIPT=sleep 60' --memory 100m
	[ "$(docker inspect -f '{{.HostConfig.Memory}}' "$container")" = 83886080 ]
	kill "$runner"
	finish
	grep -q 'operator.limits.mem_limit: 100m' "$BATS_TEST_TMPDIR/stderr"
}

@test "without a section of its own, the operator can only tighten" {
	echo '{schema_version: 1}' >"$BATS_TEST_TMPDIR/p.yaml"
	SKILLBOX_POLICY=$BATS_TEST_TMPDIR/p.yaml
	act t-policy plain --timeout 5s --memory 32m
	ended ok 0
	act t-policy plain --network bridge
	denied operator.networks
	act t-policy plain -e A=b
	denied operator.environment
	act t-policy plain -v "$host:/data:ro"
	denied operator.volumes
	act t-policy plain -v name:/data:ro
	denied operator.volumes
}

@test "paths of the host: those of the rules, as the rules say" {
	act t-policy mounts
	denied skills.volumes
	policy <<<"skills: {volumes: [\"$host:ro\"]}"
	act t-policy mounts
	ended ok 0
	holds '.output == "from-the-host\n"'
	sed -i "/^operator:/,\$s|volumes: .*|volumes: [\"$host/deep:rw\"]|" \
		"$SKILLBOX_POLICY"
	inside 'touch /x/made' -v "$host/deep:/x:rw"
	ended failed 1 # of the directory's owner, who is somebody else
	inside 'ls /x' -v "$host:/x:ro"
	denied operator.volumes
	inside 'ls /x' -v "$(dirname "$host"):/x:ro"
	denied operator.volumes
}

@test "what nobody may have: however it is asked for" {
	for path in / /proc /sys /dev /etc /etc/ssl /run /var/run /var/lib/docker; do
		act t-policy plain -v "$path:/x:ro"
		denied volumes.never
	done
	act t-policy plain -v "${DOCKER_HOST#unix://}:/x:ro"
	denied volumes.never
	act t-policy plain -v "$(dirname "${DOCKER_HOST#unix://}"):/x:ro"
	denied volumes.never
	act t-policy plain -v skillbox-init-0:/x:ro
	denied volumes.never
	# Everybody's volumes, wherever this engine has them.
	root=$(docker info -f '{{.DockerRootDir}}')
	for path in "$root" "$root/volumes" "$(dirname "$root")"; do
		act t-policy plain -v "$path:/x:ro"
		denied volumes.never
	done
}

@test "keys and the policy itself are not mounted" {
	export XDG_CONFIG_HOME="$host/config"
	export SKILLBOX_KEYS="$host/keys"
	mkdir -p "$XDG_CONFIG_HOME/skillbox/keys" "$SKILLBOX_KEYS"
	for path in config config/skillbox config/skillbox/keys keys .; do
		act t-policy plain -v "$host/$path:/x:ro"
		denied volumes.never
	done
	rm -r "$XDG_CONFIG_HOME" "$SKILLBOX_KEYS"
	policy <<<'skills: {}'
	mkdir "$host/p"
	mv "$SKILLBOX_POLICY" "$host/p/"
	export SKILLBOX_POLICY="$host/p/policy.yaml"
	act t-policy plain -v "$host/p:/x:ro"
	denied volumes.never
	act t-policy plain -v "$host/deep:/x:ro"
	ended ok 0
}

# What --keys has skillbox pass over are keys all the same.
@test "keys are not mounted, wherever they were named" {
	keys=$host/keys
	mkdir -m 700 "$keys"
	for access in ro rw; do
		act t-policy plain --keys "$keys" -v "$keys:/x:$access"
		denied volumes.never
	done
	SKILLBOX_KEYS=$keys act t-policy plain -v "$keys:/x:ro"
	denied volumes.never
	for more in '' "--keys $host/deep"; do
		# shellcheck disable=SC2086 # words
		CREDENTIALS_DIRECTORY=$keys act t-policy plain $more \
			-v "$keys:/x:ro"
		denied volumes.never
	done
	status=0
	skillbox session create keys --skill t-policy --keys "$keys" \
		-v "$keys:/x:ro" >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	[ "$status" = 77 ]
	grep -q volumes.never "$BATS_TEST_TMPDIR/out"
	policy <<<"skills: {volumes: [\"$host:ro\"]}"
	serve --keys "$keys"
	ask POST /v1/skills/t-policy/actions/mounts -d '{}'
	stop_daemon
	rmdir "$keys"
	holds '.error | startswith("volumes.never: ")'
	act t-policy mounts
	ended ok 0
}

# As a service of the system has it.  The user database says where it is.
@test "without HOME the keys of the user's home are not mounted" {
	mkdir -p "$host/home/.config/skillbox/keys"
	awk -F: -v OFS=: -v uid="$(id -u)" -v home="$host/home" \
		'$3 == uid { $6 = home } 1' /etc/passwd >"$BATS_TEST_TMPDIR/passwd"
	cat >"$BATS_TEST_TMPDIR/homeless" <<-EOF
		#!/bin/sh
		unset HOME XDG_CONFIG_HOME
		exec unshare -m sh -c 'mount --bind "\$0" /etc/passwd && exec "\$@"' \
			"$BATS_TEST_TMPDIR/passwd" "$program" "\$@"
	EOF
	chmod +x "$BATS_TEST_TMPDIR/homeless"
	program=$BATS_TEST_TMPDIR/homeless
	for path in home home/.config/skillbox home/.config/skillbox/keys; do
		act t-policy plain -v "$host/$path:/x:ro"
		denied volumes.never
	done
	rm -r "${host:?}/home"
	act t-policy plain -v "$host/deep:/x:ro"
	ended ok 0
}

@test "no source lies in what another mount lets the action change" {
	act t-policy plain -v "$host:/a:rw" \
		-v "$host/deep:/b:ro"
	denied volumes.inside
	act t-policy plain -v "$host:/a:ro" \
		-v "$host/deep:/b:rw"
	ended ok 0
}

@test "users and runtimes: those of the list" {
	# One that the engine does have.
	there=runc
	[ "$(family)" != podman ] || there=crun
	fixture t-policy-who <<YAML
  user: {command: [id, -u], user: '4321:4321'}
  other: {command: ['true'], runtime: runsc}
  named: {command: [echo, ran], runtime: $there}
YAML
	act t-policy-who user
	denied skills.users
	act t-policy-who other
	denied skills.runtimes
	act t-policy-who named
	denied skills.runtimes
	policy <<<"skills: {users: [\"4000-5000\"], runtimes: [default, $there]}"
	act t-policy-who user
	ended ok 0
	holds '.output == "4321\n"'
	act t-policy-who named
	ended ok 0
}

@test "a uid of the policy's range" {
	policy <<<'uid_range: "70000-70001"'
	inside 'id -u; id -g'
	ended ok 0
	holds '.output | test("^7000[01]\n7000[01]\n$")'
}

@test "no more runs of a skill at once than the policy allows" {
	policy <<<'exceptions: {t-policy: {concurrency: 1}}'
	begin t-policy shell -e 'SCRIPT=sleep 60'
	cp "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/first"
	act t-policy plain
	ended busy 75
	holds '.error | test("^skills.concurrency: ")'
	holds '.started_at == null'
	kill -9 "$runner"
	gone t-policy
	act t-policy plain
	ended ok 0
}

@test "no more runs of an action at once than its manifest allows" {
	begin t-policy alone
	cp "$BATS_TEST_TMPDIR/stderr" "$BATS_TEST_TMPDIR/first"
	act t-policy alone
	ended busy 75
	holds '.error | test("^concurrency: alone of t-policy ")'
	holds '.started_at == null'
	# The others have places of their own.
	act t-policy plain
	ended ok 0
	kill -9 "$runner"
}

# The engine keeps a volume as it was made, whoever made it.
@test "a volume that is a host path by its driver's options is one" {
	fixture t-policy-volume <<'YAML'
  reads: {command: [cat, /data/file], volumes: ['v:/data:ro']}
  writes: {command: [touch, /data/made], volumes: ['v:/data:rw']}
YAML
	skillbox build t-policy-volume
	name=skillbox-$(id -u)-t--policy--volume-v
	made_of() {
		docker volume rm "$name" >/dev/null 2>&1 || :
		docker volume create --opt type="$1" --opt o="$2" \
			--opt device="$3" "$name" >/dev/null
	}
	bind=bind
	# Else it would give the path to the action.
	[ "$(family)" != podman ] || bind=bind,uid=0
	made_of none "$bind" "$host"
	act t-policy-volume reads
	ended denied 77
	holds '.error | test("skills.volumes: .*" + $host)' --arg host "$host"
	policy <<<"skills: {volumes: [\"$host:ro\"]}"
	act t-policy-volume reads
	ended ok 0
	holds '.output == "from-the-host\n"'
	act t-policy-volume writes
	ended denied 77
	[ ! -e "$host/made" ]
	for path in /etc /proc /dev "$(docker info -f '{{.DockerRootDir}}')"; do
		made_of none "$bind" "$path"
		policy <<<'skills: {volumes: ["/:ro"]}'
		act t-policy-volume reads
		ended denied 77
		holds '.error | test("volumes.never")'
	done
	made_of overlay "lowerdir=/etc:/srv" overlay
	act t-policy-volume reads
	ended denied 77
	holds '.error | test("volumes.never")'
	# No path of this host: nothing to judge.
	made_of tmpfs nosuid tmpfs
	act t-policy-volume reads
	holds '.outcome != "denied"'
	gone t-policy-volume
	docker volume rm "$name"
}

# --- builds and the disk -----------------------------------------------------

@test "an image the policy does not grant is not built on, nor run" {
	fixture t-policy-from <<<'  plain: {command: [echo, ran]}'
	printf '%s\n' 'FROM example.com/base:1 AS a' 'FROM skillbox/busybox' \
		'COPY --from=a /x /x' >"$skills/t-policy-from/Dockerfile"
	act t-policy-from plain
	denied skills.build.from
	holds '.error | test("example.com/base:1")'
	run -77 skillbox build t-policy-from
	printf '%s\n' 'FROM skillbox/busybox' \
		'COPY --from=example.com/tool:1 /x /x' \
		>"$skills/t-policy-from/Dockerfile"
	act t-policy-from plain
	denied skills.build.from
	echo 'FROM skillbox/busybox' >"$skills/t-policy-from/Dockerfile"
	act t-policy-from plain
	ended ok 0
	# It is there now, and still not granted to whom it is not.
	policy <<<'exceptions: {t-policy-from: {build: {from: []}}}'
	act t-policy-from plain
	denied skills.build.from
}

@test "RUN has a network only where the policy says so" {
	fixture t-policy-net <<<'  plain: {command: [cat, /net]}'
	# Each is another RUN: Podman would take what it has of the first.
	sees() {
		printf '%s\n' 'FROM skillbox/busybox' \
			"RUN : $1 $BATS_TEST_TMPDIR; ls /sys/class/net >/net" \
			>"$skills/t-policy-net/Dockerfile"
	}
	sees without
	act t-policy-net plain
	ended ok 0
	holds '.output == "lo\n"'
	policy <<<'skills: {build: {network: true}}'
	sees with
	act t-policy-net plain
	ended ok 0
	holds '.output != "lo\n"'
}

@test "an engine's disk that is too full gets nothing more" {
	policy <<<'engine: {disk_free: 1000000g}'
	act t-policy plain
	denied engine.disk_free
	holds '.error | test("are free")'
	fixture t-policy-disk <<<'  plain: {command: [echo, ran]}'
	echo "FROM skillbox/busybox
COPY skill.yaml /$RANDOM" >"$skills/t-policy-disk/Dockerfile"
	run -77 skillbox build t-policy-disk
	[ -z "$(docker images -q skillbox/t-policy-disk)" ]
}
