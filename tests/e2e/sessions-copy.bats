#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Files into and out of sessions, as docker cp would, and no further.

load sessions

setup_file() {
	prepare
	fixture t-copy <<'YAML'
  work: {command: [id, -u], output: text}
  small:
    command: [id, -u]
    tmpfs: ["/workspace:size=1m", "/tmp:size=1m"]
YAML
	skillbox build t-copy
}

setup() {
	here=$BATS_TEST_TMPDIR
	mkdir "$here/in" "$here/out"
}

teardown() {
	end_sessions
}

teardown_file() {
	gone t-copy 10
}

# tree DIR: files, directories and links, a name that has all in it
tree() {
	mkdir -p "$1/sub/empty" "$1/sub/bin"
	echo text >"$1/file"
	printf 'no text\0\xff' >"$1/sub/ b: é"
	printf '#!/bin/sh\necho ran\n' >"$1/sub/bin/run"
	chmod 755 "$1/sub/bin/run"
	chmod 600 "$1/file"
	ln -s sub/bin/run "$1/link"
	touch -h -d @1000000000 "$1/file" "$1/link"
}

same() {
	diff -r --no-dereference "$1" "$2"
	diff <(cd "$1" && find . -printf '%p %m %y %l\n' | sort) \
		<(cd "$2" && find . -printf '%p %m %y %l\n' | sort)
}

@test "a tree goes in and comes out as it was" {
	made tc-tree --skill t-copy
	tree "$here/in/t"
	[ "$(session cp "$here/in/t/file" tc-tree:one)" = '1 file, 5b' ]
	record=$(session cp "$here/in/t" tc-tree:copy --format json)
	holds '. == {files: 3, bytes: $n}' --argjson n \
		"$(find "$here/in/t" -type f -printf '%s\n' | paste -sd+ | bc)"
	inside tc-tree 'cat copy/file; copy/link; stat -c "%a %Y" copy/file;
		stat -c %u copy/sub; id -u'
	ended ok 0
	holds '.output | split("\n") | .[:3] == ["text", "ran", "600 1000000000"]
		and .[3] == .[4]'
	session cp tc-tree:/workspace/copy "$here/out/t"
	same "$here/in/t" "$here/out/t"
	[ "$(stat -c '%Y %u' "$here/out/t/file")" = "1000000000 $(id -u)" ]
}

@test "where it goes is as with docker cp" {
	made tc-where --skill t-copy
	echo 1 >"$here/in/a"
	mkdir "$here/in/d"
	echo 2 >"$here/in/d/b"
	session cp "$here/in/a" tc-where:new-name
	session cp "$here/in/a" tc-where:/tmp
	inside tc-where 'mkdir there; echo old >there/a'
	session cp "$here/in/a" tc-where:there
	session cp "$here/in/d" tc-where:there
	session cp "$here/in/d/." tc-where:there
	session cp "$here/in/d" tc-where:made
	inside tc-where 'cd /workspace; cat new-name /tmp/a there/a there/d/b \
		there/b made/b; ls there made'
	ended ok 0
	holds '.output == "1\n1\n1\n2\n2\n2\nmade:\nb\n\nthere:\na\nb\nd\n"'
	# And out.
	cd "$here/out"
	session cp tc-where:new-name .
	session cp tc-where:there/d/. .
	session cp tc-where:there x
	[ "$(cat new-name b x/a x/d/b)" = $'1\n2\n1\n2' ]
	# A colon behind a "." or a "/" is of a path here.
	echo colon >a:b
	session cp ./a:b tc-where:colon
	session cp tc-where:colon ./c:d
	cmp a:b c:d
}

@test "a tar goes in and comes out" {
	made tc-tar --skill t-copy
	tree "$here/in/t"
	tar -C "$here/in" -cf - t | session cp - tc-tar:.
	session cp tc-tar:t - | tar -C "$here/out" -xf -
	same "$here/in/t" "$here/out/t"
	run -65 session cp - tc-tar:. <<<'no tar'
	[[ $output = *'expected tar'* ]]
	run -64 session cp tc-tar:t - --format json
}

@test "ten thousand files go in and come out" {
	made tc-many --skill t-copy --memory 512m
	mkdir "$here/in/many"
	(cd "$here/in/many" && for ((i = 0; i < 100; i++)); do
		mkdir "d$i"
		for ((k = 0; k < 100; k++)); do
			printf '%d %d\n' "$i" "$k" >"d$i/f$k"
		done
	done)
	begun=$(date +%s)
	record=$(session cp "$here/in/many" tc-many:many --format json)
	holds '.files == 10000'
	inside tc-many 'find many -type f | wc -l; cat many/d99/f7;
		find many -type f | sort | xargs cat | md5sum'
	holds '.output == $is' --arg is "10000
99 7
$(cd "$here/in" && find many -type f | LC_ALL=C sort | xargs cat | md5sum)
"
	record=$(session cp tc-many:many "$here/out/many" --format json)
	holds '.files == 10000'
	[ $(($(date +%s) - begun)) -lt $((30 * slower)) ]
	diff -r "$here/in/many" "$here/out/many"
}

@test "a copy waits for its turn, and leaves what is detached alone" {
	made tc-turn --skill t-copy
	step tc-turn --detach -- sleep 1000
	session run tc-turn -- sh -c 'sleep 1; echo first >order' 3>&- &
	first=$!
	sleep 0.3
	session cp tc-turn:order "$here/out/order"
	wait "$first"
	[ "$(cat "$here/out/order")" = first ]
	about tc-turn
	holds '.detached == 1'
}

@test "what is wrong is said, in one line" {
	made tc-wrong --skill t-copy
	run -65 session cp tc-wrong:nothing "$here/out"
	[ "${#lines[@]}" = 1 ]
	[[ $output = *'nothing: cannot be examined: No such file'* ]]
	run -66 session cp "$here/nothing" tc-wrong:x
	run -65 session cp "$here/in" tc-wrong:/no/such/place
	[[ $output = */no/such/place* ]]
	run -65 session cp "$here/in" tc-wrong:/etc
	[[ $output = *'Read-only'* ]]
	run -66 session cp tc-nobody:x "$here/out"
	run -64 session cp tc-wrong:x tc-wrong:y
	run -64 session cp "$here/in" "$here/out"
	run -64 session cp "$here/in"
	run -64 session cp tc-wrong: "$here/out"
	run -64 session cp tc-wrong:x "$here/out" --timeout never
	[ -z "$(ls -A "$here/out")" ]
	session pause tc-wrong
	run -65 session cp "$here/in" tc-wrong:x
	[[ $output = *'resume it'* ]]
}

@test "what cannot be read is said, and the rest comes" {
	made tc-rest --skill t-copy
	inside tc-rest 'mkdir d; echo a >d/a; echo b >d/b; chmod 0 d/b; mkfifo d/p'
	run -65 session cp tc-rest:d "$here/out"
	[[ $output = *'d/p: left out'*'d/b: cannot be opened'* ]] ||
		[[ $output = *'d/b: cannot be opened'*'d/p'* ]]
	[ "$(ls "$here/out/d")" = a ]
}

@test "a full workspace is no end of the session" {
	made tc-full --skill t-copy --action small
	head -c 3000000 /dev/zero >"$here/in/large"
	run -65 session cp "$here/in/large" tc-full:large
	[[ $output = *'No space left'* ]]
	inside tc-full 'rm large; echo fine >small; df . | tail -1'
	ended ok 0
	session cp tc-full:small "$here/out/small"
	[ "$(cat "$here/out/small")" = fine ]
}

# --- attacks ------------------------------------------------------------------

# A link cannot lead a copy out of what is copied, in no direction.
@test "links lead out of no tree" {
	made tc-links --skill t-copy
	mkdir "$here/in/t"
	ln -s /etc/passwd "$here/in/t/passwd"
	ln -s .. "$here/in/t/up"
	ln -s gone "$here/in/t/gone"
	run -0 session cp "$here/in/t" tc-links:t
	[[ $output = *'t/passwd'* && $output = *'t/up'* ]]
	inside tc-links 'ls -A t; mkdir o; ln -s /etc/passwd o/passwd
		ln -s /tmp o/dir; ln -s ../../../../../../etc o/etc
		ln -s /proc/1/root o/root; echo fine >o/fine'
	holds '.output == "gone\n"'
	run -0 session cp tc-links:o "$here/out"
	[ "$(ls -A "$here/out/o")" = fine ]
	# What stands here already is no way out either.
	mkdir "$here/elsewhere"
	rm -r "$here/out/o"
	mkdir "$here/out/o"
	ln -s "$here/elsewhere" "$here/out/o/d"
	inside tc-links 'mkdir o/d; echo evil >o/d/evil; rm o/passwd o/etc o/dir'
	run session cp tc-links:o "$here/out"
	[ -z "$(ls -A "$here/elsewhere")" ]
}

# The sandbox's user is nobody on this host, and root's files are not its own.
@test "what comes out has no owner, set-uid bit or device of the sandbox's" {
	made tc-modes --skill t-copy
	inside tc-modes 'mkdir m; cp /bin/busybox m/x; chmod 6755 m/x
		chmod 1777 m; mkfifo m/fifo; echo x >m/f; chmod 666 m/f'
	ended ok 0
	run -0 session cp tc-modes:m "$here/out"
	[ -z "$(find "$here/out" -perm /7000 -o ! -user "$(id -u)")" ]
	[ -z "$(find "$here/out" ! -type f ! -type d)" ]
	cp /bin/true "$here/in/suid"
	chmod 6755 "$here/in/suid"
	session cp "$here/in/suid" tc-modes:suid
	inside tc-modes 'stat -c %a suid'
	holds '.output == "755\n"'
}

@test "the rest of the sandbox can be read as its user can, and no more" {
	made tc-rights --skill t-copy
	session cp tc-rights:/etc/hostname "$here/out/hostname"
	[ "$(cat "$here/out/hostname")" = skillbox ]
	for path in /proc/1/environ /proc/1/mem /proc/1/root/etc /proc/kcore \
		/proc/self/fd/0 /dev/zero; do
		run session cp "tc-rights:$path" "$here/out/stolen" --timeout 5s
		[ "$status" != 0 ]
	done
	[ ! -e "$here/out/stolen" ] || [ ! -s "$here/out/stolen" ]
	inside tc-rights true
	ended ok 0
}

@test "who is cancelled or too slow leaves no process" {
	made tc-slow --skill t-copy --cpus 0.05
	(cd "$here/in" && for ((i = 0; i < 15000; i++)); do : >"$i"; done)
	run -124 session cp "$here/in" tc-slow:many --timeout 300ms
	inside tc-slow 'rm -rf many'
	env --default-signal=INT "$program" session cp "$here/in" tc-slow:more \
		>"$here/said" 2>&1 3>&- &
	copier=$!
	soon is_busy tc-slow
	kill -INT "$copier"
	status=0
	wait "$copier" || status=$?
	[ "$status" = 130 ]
	about tc-slow
	holds '.usage.processes == 1'
	inside tc-slow 'ls more | wc -l'
	holds '.output | tonumber < 15000'
}
