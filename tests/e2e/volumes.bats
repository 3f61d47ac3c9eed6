#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Volumes and networks: an action has those it was granted, and no other.

load helper

setup_file() {
	prepare
	policy <<<'skills: {users: [265535]}'
	fixture t-volumes <<'YAML'
  write: {command: [sh, -c, 'echo "$TEXT" >/data/file'], volumes: ['keep:/data:rw']}
  read: {command: [cat, /data/file], volumes: ['keep:/data:ro']}
  write_ro: {command: [sh, -c, 'echo no >/data/file'], volumes: ['keep:/data:ro']}
  long: {command: [sh, -c, 'cat /data/file; echo more >>/data/file'], volumes: [{type: volume, source: keep, target: /data}]}
  owner: {command: [stat, -c, '%u %g %a', /fresh], volumes: ['fresh:/fresh:rw']}
  last_user: {command: [stat, -c, '%u %g %a', /last], volumes: ['last:/last:rw'], user: '265535:265535'}
  uid: {command: [id, -u]}
  shell: {command: [sh, -c, 'eval "$SCRIPT"']}
YAML
	sed 's/t-volumes/t-volumes2/' "$skills/t-volumes/skill.yaml" |
		sed -n '/^actions/,$p' | sed 1d | fixture t-volumes2
	skillbox build t-volumes t-volumes2
}

teardown() {
	[ -z "${server-}" ] || kill "$server"
}

teardown_file() {
	remove_volumes t-volumes t-volumes2 t-volumes-image t-made
}

# inside SCRIPT [OPTION...]: runs it in the sandbox
inside() {
	act t-volumes shell -e "SCRIPT=$1" "${@:2}"
}

@test "what is written to a volume is there next time" {
	act t-volumes write -e TEXT=hello
	ended ok 0
	act t-volumes read
	ended ok 0
	holds '.output == "hello\n"'
	act t-volumes long
	holds '.output == "hello\n"'
	act t-volumes read
	holds '.output == "hello\nmore\n"'
}

@test "a read-only volume cannot be written to" {
	act t-volumes write -e TEXT=kept
	act t-volumes write_ro
	ended failed 1
	holds '.error | test("[Rr]ead-only")'
	act t-volumes read
	holds '.output == "kept\n"'
}

@test "a new volume belongs to the action's user, and is nobody else's" {
	act t-volumes uid
	uid=$(field '.output | rtrimstr("\n")')
	act t-volumes owner
	ended ok 0
	holds '.output | startswith($uid + " " + $uid + " ")' --arg uid "$uid"
	holds '.output | test(" 7[05][05]\n$")'
}

@test "and not to whom the image says" {
	fixture t-volumes-image <<'YAML'
  owner: {command: [stat, -c, '%u %g %a', /owned], volumes: ['fresh:/owned:rw']}
  look: {command: [stat, -c, '%u %g %a', /owned], volumes: ['looked:/owned:ro']}
  uid: {command: [id, -u]}
YAML
	cat >"$skills/t-volumes-image/Dockerfile" <<-'DOCKERFILE'
		FROM skillbox/busybox
		RUN mkdir /owned && chmod 0707 /owned && chown 1000:1000 /owned
	DOCKERFILE
	skillbox build t-volumes-image
	act t-volumes-image uid
	uid=$(field '.output | rtrimstr("\n")')
	for _ in 1 2; do
		act t-volumes-image owner
		ended ok 0
		holds '.output == $uid + " " + $uid + " 755\n"' --arg uid "$uid"
		act t-volumes-image look
		ended ok 0
		holds '.output == "0 0 755\n"'
	done
}

# Seven octal digits do not go into every archive.
@test "a new volume can belong to the last of all users" {
	act t-volumes last_user
	ended ok 0
	holds '.output | startswith("265535 265535 7")'
}

@test "volumes of two skills with one name are two" {
	act t-volumes write -e TEXT=first
	act t-volumes2 write -e TEXT=second
	act t-volumes read
	holds '.output == "first\n"'
	act t-volumes2 read
	holds '.output == "second\n"'
}

@test "the operator may mount a host path, read-only or not" {
	local dir=$BATS_TEST_TMPDIR/host
	mkdir -p "$dir"
	chmod 777 "$dir"
	echo from-host >"$dir/in"
	inside 'cat /host/in; echo x >/host/out' -v "$dir:/host:ro"
	ended failed 1
	holds '.output == "from-host\n"'
	[ ! -e "$dir/out" ]
	inside 'echo from-action >/host/out' -v "$dir:/host"
	ended ok 0
	[ "$(cat "$dir/out")" = from-action ]
}

@test "a symlink in the way to a host path is not followed" {
	ln -s /etc "$BATS_TEST_TMPDIR/link"
	inside 'ls /host' -v "$BATS_TEST_TMPDIR/link:/host:ro"
	run ! [ "$(field .outcome)" = ok ]
	run ! grep -q passwd <<<"$record"
	# Nor one in the middle of it.
	mkdir "$BATS_TEST_TMPDIR/there"
	ln -s . "$BATS_TEST_TMPDIR/round"
	inside 'ls /host' -v "$BATS_TEST_TMPDIR/round/there:/host:ro"
	ended denied 77
	holds '.error | test("symbolic link")'
}

@test "what would hand over the host is denied to the operator as well" {
	for path in / /proc /proc/self /sys /sys/fs /dev /dev/null /etc \
		/etc/passwd /var/run/docker.sock /run/docker.sock \
		"${DOCKER_HOST#unix://}" //etc /etc/ /etc/.; do
		inside 'true' -v "$path:/host:ro"
		echo "$path: $(field .outcome)"
		ended denied 77
		holds '.started_at == null'
	done
	run -64 skillbox run t-volumes uid -v /tmp/../etc:/host:ro
	[ -z "$(containers_of t-volumes)" ]
}

@test "volumes that make no sense are invalid" {
	for volume in relative/x:/data ./x:/data \~/x:/data /srv:relative \
		/srv:/a/../b: 'keep:/data:rx' 'Keep%:/data' keep: :/data keep \
		'../x:/data'; do
		status=0
		skillbox run t-volumes uid -v "$volume" >"$BATS_TEST_TMPDIR/out" \
			2>&1 || status=$?
		echo "$volume: $status"
		[ $status -eq 64 ] || [ $status -eq 65 ] || [ $status -eq 77 ]
	done
}

@test "a directory that has the engine's socket in it is denied, wherever" {
	local socket=${DOCKER_HOST#unix://}
	inside 'true' -v "${socket%/*}:/host:ro"
	ended denied 77
	holds '.error | test("engine")'
}

@test "the operator's volume is in place of the manifest's on that target" {
	act t-volumes write -e TEXT=manifest
	act t-volumes write -e TEXT=operator -v other:/data
	ended ok 0
	act t-volumes read
	holds '.output == "manifest\n"'
	act t-volumes read -v other:/data:ro
	holds '.output == "operator\n"'
}

@test "two mounts may not be on, or within, one another" {
	act t-volumes write -v other:/mnt -v more:/mnt
	ended denied 77
	holds '.error | test("overlap")'
	act t-volumes write -v other:/data/inner
	ended denied 77
	act t-volumes write -v other:/tmp/x
	ended denied 77
}

# --- volumes that are made of something --------------------------------------

# A tmpfs with a limit of N: "size", but for Podman 4, which asks for project
# quotas then, even for a tmpfs.
memory() {
	if [ "$SBX_TEST_KIND" = podman ]; then
		echo "{type: tmpfs, device: tmpfs, o: 'nr_inodes=$1'}"
	else
		echo "{type: tmpfs, device: tmpfs, o: 'size=$1k'}"
	fi
}

# made_of OPTIONS: the skill t-made, whose volume v has these driver_opts
made_of() {
	fixture t-made <<'YAML'
  write: {command: [sh, -c, 'echo "$TEXT" >/v/file && cat /v/file'], volumes: ['v:/v']}
  mount: {command: [grep, ' /v ', /proc/self/mounts], volumes: ['v:/v:ro']}
  plain: {command: [sh, -c, 'echo x >/w/file'], volumes: ['w:/w']}
YAML
	if [ -n "$1" ]; then
		echo "volumes: {v: {driver_opts: $1}}" >>"$skills/t-made/skill.yaml"
	fi
	made=skillbox-$(id -u)-t--made-v
}

@test "a volume is made with the options of the manifest, if the policy grants it" {
	policy <<<''
	made_of "$(memory 1024)"
	skillbox build t-made
	run -0 skillbox check t-made
	grep -q 'actions.write: skills.volume_types: ' <<<"$output"
	act t-made write -e TEXT=no
	ended denied 77
	holds '.error | test("skills.volume_types: ")'
	run ! docker volume inspect "$made"
	# What is ordinary needs no rule.
	act t-made plain
	ended ok 0
	export SKILLBOX_POLICY=$top/manifests/policy-developer.yaml
	act t-made write -e TEXT=memory
	ended ok 0
	holds '.output == "memory\n"'
	act t-made mount
	ended ok 0
	holds '.output | test("^tmpfs /v tmpfs ro,.*(size=1024k|nr_inodes=1024)")'
	docker volume inspect "$made" >"$BATS_TEST_TMPDIR/volume"
	# Podman adds what it understood of them.
	jq -e '(.[0].Options | [.type, .device] == ["tmpfs", "tmpfs"] and
			(.o | IN("size=1024k", "nr_inodes=1024"))) and
		.[0].Labels["io.skillbox.volume"] == "v"' \
		"$BATS_TEST_TMPDIR/volume"
	skillbox inspect t-made | jq -e '.volumes.v.driver_opts.o'
}

@test "a volume that was made with other options is not used" {
	export SKILLBOX_POLICY=$top/manifests/policy-developer.yaml
	made_of "$(memory 1024)"
	skillbox build t-made
	docker volume rm -f "$made"
	act t-made write -e TEXT=first
	ended ok 0
	act t-made write -e TEXT=again
	ended ok 0
	for options in "$(memory 2048)" ''; do
		made_of "$options"
		act t-made write -e TEXT=second
		ended invalid 65
		holds '.error | test("docker volume rm")'
		holds '.started_at == null'
	done
	made_of "$(memory 2048)"
	gone t-made
	docker volume rm "$made"
	act t-made write -e TEXT=second
	ended ok 0
}

@test "a path of the host is one in the manifest's options too" {
	local dir=$BATS_TEST_TMPDIR/made
	mkdir "$dir"
	chmod 777 "$dir"
	policy <<<''
	made_of "{type: none, o: bind, device: $dir}"
	skillbox build t-made
	gone t-made
	docker volume rm -f "$made"
	act t-made write -e TEXT=host
	ended denied 77
	holds '.error | test("skills.volumes: ")'
	policy <<<"skills: {volumes: [\"$dir:rw\"]}"
	act t-made write -e TEXT=host
	ended ok 0
	[ "$(cat "$dir/file")" = host ]
	# It is not given away, by one that somebody made for the action neither.
	[ "$(stat -c %u "$dir")" = "$(id -u)" ]
	rm "$dir/file"
	gone t-made
	docker volume rm "$made"
	docker volume create -o type=none -o o=bind -o "device=$dir" "$made"
	act t-made write -e TEXT=again
	if [ "$(family)" = podman ]; then
		ended denied 77
		holds '.error | test("uid=0")'
	else
		ended ok 0
	fi
	[ "$(stat -c %u "$dir")" = "$(id -u)" ]
	gone t-made
	docker volume rm "$made"
}

@test "a password in a manifest is refused, and not repeated" {
	made_of '{type: cifs, device: //192.0.2.1/x, o: "password=not-real"}'
	run -65 skillbox check t-made
	grep -q 'no place for a password' <<<"$output"
	run ! grep -q not-real <<<"$output"
}

# --- networks ----------------------------------------------------------------

# serve: a web server on the engine's bridge; sets $server, $address and $port
serve() {
	address=$("$harness/engine" address "$SBX_TEST_ENGINE")
	/usr/bin/python3 "$top/tests/fixtures/web_server.py" "$address" \
		"$BATS_TEST_TMPDIR/port" 3>&- &
	server=$!
	soon test -s "$BATS_TEST_TMPDIR/port"
	port=$(cat "$BATS_TEST_TMPDIR/port")
}

@test "network none reaches nothing, bridge does" {
	serve
	local script="printf 'GET /plain HTTP/1.0\r\n\r\n' |
		nc -w 3 $address $port"
	inside "$script"
	run ! [ "$(field .outcome)" = ok ]
	holds '.stderr | test("unreachable")'
	inside "$script" --network bridge
	ended ok 0
	holds '.output | endswith("\r\n\r\nplain words\n")'
}

@test "network host is denied to the operator as well" {
	inside true --network host
	ended denied 77
	holds '.error | test("operator.networks")'
}
