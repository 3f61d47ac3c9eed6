#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks by the files of a skill, before there is a sandbox: a build takes
# nothing from outside of the skill's directory, does not hang, does not read
# for ever.

load attack

setup_file() {
	prepare
	fixture t-escape-victim <<YAML
  attack: {$attack_action}
YAML
	echo 'a secret of the host' >"$BATS_FILE_TMPDIR/secret"
	mkdir "$BATS_FILE_TMPDIR/secrets"
	echo 'a secret of the host' >"$BATS_FILE_TMPDIR/secrets/file"
	export secret=$BATS_FILE_TMPDIR/secret secrets=$BATS_FILE_TMPDIR/secrets
}

setup() {
	here=$skills/t-escape-context
	rm -rf "$here"
	mkdir -p "$here"
	fixture t-escape-context <<YAML
  attack: {$attack_action}
YAML
}

# Whoever waits for a file that never ends has failed.
skillbox() {
	timeout $((60 * slower)) "$program" --skills "$skills:$top/skills" "$@"
}

# Whatever became of it: no container, and the next one is served.
teardown() {
	# The racer, which a test that fails leaves running.
	touch "$BATS_TEST_TMPDIR/stop"
	gone t-escape-context
	act t-escape-victim attack -e 'ATTACK=echo fine'
	ended ok 0
	gone t-escape-victim
}

dockerfile() {
	printf '%s\n' 'FROM skillbox/busybox' "$@" >"$here/Dockerfile"
}

# soon_ended OUTCOME STATUS: nothing ran, and nothing was read for long
soon_ended() {
	ended "$1" "$2"
	holds '.started_at == null and within(20000)'
}

# no_secret: neither in the record nor in what was built
no_secret() {
	local status output lines # run's, which are not those of act
	run ! grep -q 'secret of the host' <<<"$record"
	run ! grep -q 'secret of the host' "$BATS_TEST_TMPDIR/stderr"
}

@test "links to files and directories outside are packed as links" {
	dockerfile 'COPY . /app/'
	ln -s "$secret" "$here/file"
	ln -s "$secrets" "$here/directory"
	ln -s / "$here/root"
	ln -s ../../../../../../../../etc "$here/up"
	act t-escape-context attack -e \
		'ATTACK=cat /app/file /app/directory/file; readlink /app/file'
	# Podman takes no relative one that leads out, and says nothing else.
	if [ "$(family)" = podman ]; then
		ended build_failed 125
		no_secret
		rm "$here/up"
		act t-escape-context attack -e 'ATTACK=cat /app/file \
			/app/directory/file; readlink /app/file'
	fi
	ended ok 0
	holds '.output == $secret + "\n"' --arg secret "$secret"
	no_secret
}

# A COPY follows links within the context; to the engine that is its root.
@test "COPY and ADD of a link that leads outside, and of .. and /" {
	ln -s "$secret" "$here/file"
	ln -s "$secrets" "$here/directory"
	for line in 'COPY file /app/' 'COPY directory/file /app/' \
		"COPY ../../secret /app/" "COPY $secret /app/" \
		'COPY ../../../../../../etc/passwd /app/' \
		'ADD /etc/shadow /app/' "ADD file://$secret /app/" \
		'COPY directory/.. /app/' 'COPY --from=/ /etc/shadow /app/'; do
		dockerfile "$line"
		act t-escape-context attack -e \
			'ATTACK=cat /app/* /app/*/* 2>/dev/null; true'
		echo "$line: $(field .outcome)"
		no_secret
		run ! grep -q 'root:' <<<"$record"
		gone t-escape-context
	done
}

@test "a Dockerfile, .dockerignore or manifest that is a link" {
	dockerfile
	mv "$here/Dockerfile" "$BATS_TEST_TMPDIR/Dockerfile"
	ln -s "$secret" "$here/Dockerfile"
	act t-escape-context attack
	soon_ended invalid 65
	no_secret
	ln -sf "$BATS_TEST_TMPDIR/Dockerfile" "$here/Dockerfile"
	act t-escape-context attack
	soon_ended invalid 65
	rm "$here/Dockerfile"
	dockerfile
	ln -s "$secret" "$here/.dockerignore"
	act t-escape-context attack
	soon_ended invalid 65
	no_secret
	rm "$here/.dockerignore"
	ln -sf "$secret" "$here/skill.yaml"
	act t-escape-context attack
	run ! [ "$(field .outcome)" = ok ]
	no_secret
}

@test "a Dockerfile outside of the skill" {
	for path in ../t-escape-victim/Dockerfile /etc/passwd ./../../secret; do
		dockerfile
		sed -i "/^build:/d; 1a build: {dockerfile: $path}" "$here/skill.yaml"
		act t-escape-context attack
		soon_ended invalid 65
		no_secret
	done
}

# Each would hang whoever opens it without care.
@test "a FIFO in place of the Dockerfile, .dockerignore, manifest" {
	for name in Dockerfile .dockerignore skill.yaml; do
		setup
		dockerfile
		rm -f "$here/$name"
		mkfifo "$here/$name"
		status=0
		skillbox run t-escape-context attack >"$BATS_TEST_TMPDIR/out" ||
			status=$?
		cat "$BATS_TEST_TMPDIR/out"
		[ "$status" -ne 124 ]
		[ "$(jq -r .outcome "$BATS_TEST_TMPDIR/out")" != ok ]
		# And to list what there is.
		skillbox list >/dev/null || [ $? -ne 124 ]
	done
}

@test "a FIFO, a socket, a device among the files" {
	dockerfile 'COPY . /app/'
	mkfifo "$here/fifo"
	act t-escape-context attack
	soon_ended invalid 65
	holds '.error | test("FIFO")'
	rm "$here/fifo"
	/usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$here/socket"
	act t-escape-context attack
	soon_ended invalid 65
	holds '.error | test("socket")'
	rm "$here/socket"
	mknod "$here/zero" c 1 5
	act t-escape-context attack
	soon_ended invalid 65
	holds '.error | test("device")'
	rm "$here/zero"
}

# Attacks: the limit of 4 GiB, by what files say of themselves.
@test "sparse files of terabytes" {
	dockerfile 'COPY . /app/'
	truncate -s 8T "$here/sparse"
	act t-escape-context attack
	soon_ended invalid 65
	holds '.error | test("sparse.*4096 MiB")'
	# Left out, it is no matter.
	echo sparse >"$here/.dockerignore"
	act t-escape-context attack -e 'ATTACK=ls /app'
	ended ok 0
	# Many that are too much together.
	rm "$here/.dockerignore" "$here/sparse"
	for i in 1 2 3 4 5; do
		truncate -s 1G "$here/sparse$i"
	done
	echo 'sparse[1-3]' >"$here/.dockerignore"
	truncate -s 4G "$here/sparse4"
	act t-escape-context attack
	ended invalid 65
	holds '.started_at == null'
}

@test "directories in each other without end, and a link to itself" {
	dockerfile 'COPY . /app/'
	ln -s loop "$here/loop"
	ln -s . "$here/dot"
	act t-escape-context attack -e 'ATTACK=readlink /app/loop && readlink /app/dot'
	ended ok 0
	(
		cd "$here"
		for _ in $(seq 300); do
			mkdir d && cd d
		done
	)
	act t-escape-context attack
	soon_ended invalid 65
}

@test "names with newlines, quotes, escapes, and what looks like an option" {
	dockerfile 'COPY . /app/'
	for name in $'new\nline' 'quo"te' "quo'te" '-rf' '$(id)' '%n%n' \
		'back\slash' 'ünïcödé' $'tab\there' '*' '{"a":1}'; do
		printf x >"$here/$name"
	done
	act t-escape-context attack -e 'ATTACK=cat /app/* | tr -dc x | wc -c; ls -1 /app | wc -l'
	ended ok 0
	# Dockerfile and skill.yaml, the eleven, one of them on two lines.
	holds '.output | test("\n(13|14)\n")'
	printf x >"$here/"$'\377\376'
	act t-escape-context attack
	soon_ended invalid 65
}

# Attacks: openat without following, and that what is sent is what was hashed.
@test "a directory that becomes a link, a file that grows, while it is packed" {
	dockerfile 'COPY . /app/'
	mkdir "$here/d" "$here/many"
	for i in $(seq 300); do
		echo "$i" >"$here/many/$i"
		echo harmless >"$here/d/file"
	done
	(
		cd "$here" || exit
		while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
			mv d real && ln -s "$secrets" d
			rm -f d && mv real d
			echo more >>many/300
		done
	) 3>&- 2>/dev/null &
	racer=$!
	for _ in 1 2 3 4 5 6; do
		act t-escape-context attack -e \
			'ATTACK=cat /app/d/file /app/real/file 2>/dev/null; true'
		echo "$(field .outcome): $(field .error)"
		[ "$(field .outcome)" = build_failed ] || ended ok 0
		no_secret
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$racer"
}
