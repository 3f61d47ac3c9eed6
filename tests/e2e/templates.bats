#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Skills without a Dockerfile: `template:` makes one, and what their languages
# call dependencies is installed when they are built.

load helper

setup_file() {
	prepare
}

teardown() {
	gone t-templates
}

teardown_file() {
	docker images --format '{{.Repository}}:{{.Tag}}' |
		grep '^skillbox/t-' | xargs -r docker rmi -f >/dev/null 2>&1 || :
}

# template NAME: the skill t-templates of it, its actions on standard input
template() {
	rm -rf "$skills/t-templates"
	fixture t-templates
	rm "$skills/t-templates/Dockerfile"
	echo "build: {template: $1}" >>"$skills/t-templates/skill.yaml"
	cd "$skills/t-templates" || return
}

# wheel: a package of Python, as one of its servers has it
wheel() {
	mkdir wheels
	/usr/bin/python3 - <<'END'
import zipfile

with zipfile.ZipFile("wheels/greeter-1.0-py3-none-any.whl", "w") as wheel:
    info = "greeter-1.0.dist-info/"
    wheel.writestr("greeter.py", "def greet(who): return 'Hello, ' + who\n")
    wheel.writestr(info + "METADATA",
                   "Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                   "Root-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "RECORD", "")
END
}

@test "busybox: the files are in /app, where the action starts" {
	template busybox <<<'  run: {command: [sh, hello.sh]}'
	echo 'echo hello from $PWD' >hello.sh
	act t-templates run
	ended ok 0
	holds '.output == "hello from /app\n"'
	skillbox inspect t-templates | jq -e '.build == {"template": "busybox"}'
	skillbox check "$PWD"
	# What is made of it is a part of the key.
	tag=$(skillbox build t-templates | cut -d' ' -f2)
	[ "$(skillbox build t-templates)" = "t-templates $tag unchanged" ]
	echo 'echo other' >hello.sh
	act t-templates run
	holds '.output == "other\n"'
}

@test "python: what requirements.txt names is there, without a network" {
	template python <<<'  run: {command: [python3, main.py]}'
	wheel
	printf '%s\n' --no-index '--find-links wheels' greeter >requirements.txt
	printf '%s\n' 'import sys, greeter' \
		'print(greeter.greet(sys.stdin.read()))' >main.py
	act t-templates run '"you"'
	ended ok 0
	holds '.output == "Hello, \"you\"\n"'
	echo nothing-of-this-name >>requirements.txt
	act t-templates run
	ended build_failed 125
	holds '.error | test("nothing-of-this-name")'
}

@test "go: the program of a module is built" {
	template go <<<'  run: {command: [greet]}'
	printf '%s\n' 'module example.org/greet' 'go 1.19' >go.mod
	printf '%s\n' 'package main' 'import "fmt"' \
		'func main() { fmt.Println("hello from go") }' >main.go
	act t-templates run
	ended ok 0
	holds '.output == "hello from go\n"'
	echo 'func f() int { }' >>main.go
	act t-templates run
	ended build_failed 125
	holds '.error | test("missing return")'
}

@test "node: what package.json names is there" {
	template node <<<'  run: {command: [node, main.js]}'
	mkdir -p vendor/greeter
	echo '{"name": "a", "dependencies": {"greeter": "file:vendor/greeter"}}' \
		>package.json
	echo '{"name": "greeter", "version": "1.0.0", "main": "index.js"}' \
		>vendor/greeter/package.json
	echo 'module.exports = who => "Hello, " + who' >vendor/greeter/index.js
	echo 'console.log(require("greeter")("you"))' >main.js
	act t-templates run
	ended ok 0
	holds '.output == "Hello, you\n"'
}

@test "--print-dockerfile shows it, and needs no engine" {
	template python <<'YAML'
  run: {command: [python3, main.py]}
  other: {build: {template: busybox}, command: [ls]}
YAML
	touch requirements.txt
	DOCKER_HOST=unix:///nonexistent skillbox build --print-dockerfile \
		t-templates >"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	grep -qx '# t-templates run' "$BATS_TEST_TMPDIR/out"
	grep -qx 'RUN python3 -m pip install .*' "$BATS_TEST_TMPDIR/out"
	grep -qx '# template: busybox' "$BATS_TEST_TMPDIR/out"
	rm requirements.txt
	skillbox build --print-dockerfile t-templates >"$BATS_TEST_TMPDIR/out"
	run ! grep -q pip "$BATS_TEST_TMPDIR/out"
	# Of a skill that has one, that.
	[ "$(skillbox build --print-dockerfile text)" = \
		"$(cat "$top/skills/text/Dockerfile")" ]
}

@test "a Dockerfile beside a template is an error that says what to do" {
	template busybox <<<'  run: {command: [ls]}'
	echo FROM skillbox/busybox >Dockerfile
	run -65 skillbox check "$PWD"
	[[ "$output" == *"/Dockerfile: it stands beside \`template: busybox\`"* ]]
	act t-templates run
	ended invalid 65
	holds '.error | test("remove one of the two")'
	# Unless it is another action's.
	sed -i '/^  run/a \  other: {build: {}, command: [ls]}' skill.yaml
	skillbox check "$PWD"
	act t-templates run
	ended ok 0
	act t-templates other
	ended ok 0
}
