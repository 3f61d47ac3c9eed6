#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Attacks: by what an action leaves to be returned.  init reads it, the runner
# believes nothing of it, and where it is written nothing leads out.

load attack

setup_file() {
	prepare
	fixture t-escape-artifacts <<'YAML'
  attack: {command: [sh, -c, 'eval "$ATTACK"'], output: text, files: {in: /in, out: /out, limit: 1m}, timeout: 20s}
YAML
	skillbox build t-escape-artifacts >/dev/null 2>&1
	uid=$(skillbox run t-escape-artifacts attack -e 'ATTACK=id -u' |
		jq -r '.output | tonumber')
	export uid
}

teardown() {
	unharmed t-escape-artifacts "$uid"
}

# over BOTH: the test's own function, over a direct and an attached channel
over_both() {
	"$1"
	export SKILLBOX_CHANNEL=attached
	"$1"
	unset SKILLBOX_CHANNEL
}

# leaves SCRIPT [OPTION...]: has it run in its directory
leaves() {
	attack t-escape-artifacts "cd /out; $1" "${@:2}"
}

kinds() {
	leaves 'ln -s /etc/passwd a; ln -s / b; ln -s . c; ln -s /proc/1/root d
		mkfifo e; mkdir f; ln -s ../../../etc f/g; ln -s /proc/self/mem h
		nc -lU i & sleep 0.2; printf yes >z; printf no >/tmp/no
		ln -s /tmp/no j'
	ended ok 0
	holds '[.artifacts[] | [.name, .data]] == [["z", "eWVz"]]'
}

@test "links, FIFOs and sockets do not come back, nor what they lead to" {
	over_both kinds
}

swapped() {
	leaves 'mkdir x; echo in >x/f; (while :; do mv x y; ln -s /etc x
		rm x; mv y x; done) >/dev/null 2>&1 &
		sleep 0.2'
	ended ok 0
	holds 'all(.artifacts[]; .name | test("^[xy]/f$"))'
}

@test "a tree that is changed all the time: nobody changes it when it is read" {
	over_both swapped
}

names() {
	leaves 'echo >"$(printf "a\nb")"; echo >"$(printf "\033[31mred")"
		echo >"$(printf "\377\376")"; mkdir "$(printf "d\r")"
		echo >"$(printf "d\r/x")"; echo >"..."; echo >"..a"; echo >" "
		echo >"$(printf "\303\244")"; echo >-rf; echo ">"'
	ended ok 0
	holds '[.artifacts[].name] == [" ", "-rf", "...", "..a", "ä"]'
}

@test "names with newlines, escape sequences and no UTF-8 do not come back" {
	over_both names
}

deep() {
	leaves 'i=0; while [ $i -lt 1500 ]; do mkdir d; cd -P d; i=$((i+1)); done
		echo deepest >f; cd /out; echo top >f'
	ended ok 0
	holds '[.artifacts[].name] == ["f"]'
}

@test "1,500 nested folders" {
	over_both deep
}

too_much() {
	leaves 'echo first >a; truncate -s 1099511627776 b'
	ended output_limit 125
	holds '.error | contains("/out")'
	holds 'all(.artifacts[]; .name == "a") and within(15000)'
	leaves 'truncate -s 1048576 a; echo >b'
	ended output_limit 125
	holds '[.artifacts[].size] | add <= 1048576'
	leaves 'seq 1 1500 | xargs touch'
	ended output_limit 125
	holds '.artifacts | length == 1000'
	leaves 'seq 1 1000 | xargs touch'
	ended ok 0
	holds '.artifacts | length == 1000'
}

@test "files larger than any memory, and more of them than may be" {
	over_both too_much
}

@test "everything locked, by the action itself" {
	# Podman's tmpfs is root's: nobody in there can lock it.
	leaves 'mkdir -p a/b; echo x >a/b/c; chmod 0 a/b/c a/b a
		chmod 0 . || [ "$(stat -c %u .)" = 0 ]'
	ended ok 0
	holds '[.artifacts[].name] == ["a/b/c"]'
}

@test "the memory of the sandbox, full of files" {
	leaves 'head -c 1048576 /dev/zero >a; head -c 9000000 /dev/zero >b'
	[ "$(field .outcome)" = failed ]
	holds '[.artifacts[].size] | add <= 1048576'
}

# Where the operator has them written; the first is in the way of the second.
@test "--out: links in the way are not followed, and no name leads out" {
	out=$BATS_TEST_TMPDIR/out
	victim=$BATS_TEST_TMPDIR/victim
	mkdir -p "$out" "$victim"
	echo kept >"$victim/file"
	ln -s "$victim" "$out/dir"
	ln -s "$victim/file" "$out/link"
	leaves 'echo owned >link' --out "$out"
	ended ok 0
	[ ! -L "$out/link" ]
	[ "$(cat "$out/link")" = owned ]
	run -70 --separate-stderr skillbox run t-escape-artifacts attack \
		-e 'ATTACK=mkdir /out/dir; echo owned >/out/dir/file' --out "$out"
	[[ $stderr == *'dir/file'* ]]
	[ "$(cat "$victim/file")" = kept ]
	[ "$(ls -A "$victim")" = file ]
	leaves 'mkdir sub; echo >sub/x; chmod 4777 sub/x' --out "$out"
	[ "$(stat -c %a "$out/sub/x")" = 644 ]
	[ -z "$(find "$out" -name '.skillbox-*')" ]
}

@test "a file that is given does not follow a link of the image" {
	mkdir -p "$skills/t-escape-linked"
	printf '%s\n' 'FROM skillbox/busybox' 'RUN mkdir /real && ln -s /real /in' \
		>"$skills/t-escape-linked/Dockerfile"
	fixture t-escape-linked <<'YAML'
  look: {command: [ls, /real], files: {in: /in}, output: text}
YAML
	echo >"$BATS_TEST_TMPDIR/f"
	act t-escape-linked look --file "f=$BATS_TEST_TMPDIR/f"
	[ "$(field .outcome)" != ok ]
	holds '.started_at == null'
	gone t-escape-linked
}
