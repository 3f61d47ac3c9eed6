#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The skill "code" in a session: what a run leaves the next one has, in any
# language, but for what belongs to the run itself.

load helper

setup_file() {
	prepare
	# By a name of its own: others look at what "code" has left.
	cp -R "$top/skills/code" "$skills/t-code"
	sed -i 's/^name: code$/name: t-code/' "$skills/t-code/skill.yaml"
	skillbox build t-code
}

setup() {
	session=t-code-$BATS_TEST_NUMBER
	skillbox session create "$session" --skill t-code
}

teardown() {
	[ -z "${session-}" ] || skillbox session stop "$session"
}

teardown_file() {
	gone t-code 10
}

# evaluate LANGUAGE CODE [FILES]: one step of the session; FILES is an object
evaluate() {
	step "$session" execute_code "$(jq -cn --arg language "$1" \
		--arg code "$2" --argjson files "${3-{\}}" '$ARGS.named')"
}

# prints TEXT: the code did, on both streams together, and ended well
prints() {
	ended ok 0
	holds '.output | .exit_code == 0 and .stdout + .stderr == $text' \
		--arg text "$1"
}

# refused TEXT: the run was, with that in the reason
refused() {
	ended failed 1
	holds '.error | contains($text)' --arg text "$1"
}

@test "what one step writes another reads, in all languages" {
	evaluate python 'open("a", "w").write("python\n")'
	prints ''
	evaluate bash 'cat a; echo bash >>a'
	prints $'python\n'
	evaluate nodejs 'const fs = require("fs"); process.stdout.write(fs.readFileSync("a")); fs.appendFileSync("a", "node\n")'
	prints $'python\nbash\n'
	evaluate go 'package main
import ("fmt"; "os")
func main() { a, _ := os.ReadFile("a"); fmt.Print(string(a)); os.WriteFile("a", []byte("go\n"), 0644) }'
	prints $'python\nbash\nnode\n'
	evaluate python 'print(open("a").read(), end="")'
	prints $'go\n'
}

@test "the code is there while it runs, and then it is not" {
	evaluate python 'import os; print(os.listdir("."), __file__)'
	prints $'[\'.main.py\'] /workspace/.main.py\n'
	evaluate bash 'ls -A; echo "$0"'
	prints $'.main.sh\n.main.sh\n'
	evaluate nodejs 'console.log(require("fs").readdirSync("."), require.main === module)'
	prints $'[ \'.main.js\' ] true\n'
	step "$session" execute_code '{"language": "python", "code": "while True: pass", "timeout": 1}'
	ended timeout 124
	step "$session" -- ls -A
	ended ok 0
	holds '.output == ".main.py\n"'
	evaluate bash 'ls -A'
	prints $'.main.sh\n'
	step "$session" -- ls -A
	holds '.output == ""'
}

@test "files are replaced, and are beside the code" {
	evaluate python 'import helper; print(helper.X, open("d/a").read())' \
		'{"helper.py": "X = 1", "d/a": "one"}'
	prints $'1 one\n'
	evaluate python 'import helper; print(helper.X, open("d/a").read())' \
		'{"helper.py": "X = 2", "d/a": "two"}'
	prints $'2 two\n'
	evaluate nodejs 'console.log(require("./h").x, require("m"))' \
		'{"h.js": "exports.x = 1", "node_modules/m/index.js": "module.exports = 2"}'
	prints $'1 2\n'
	evaluate bash '. ./lib; f' '{"lib": "f() { cat d/a; }"}'
	prints two
}

@test "who has a file open keeps what it was" {
	evaluate bash : '{"f": "old"}'
	step "$session" --detach -- sh -c \
		'exec 3<f; touch open; until [ -e go ]; do sleep 0.1; done; cat <&3'
	evaluate bash 'until [ -e open ]; do sleep 0.1; done'
	evaluate bash 'cat f; touch go' '{"f": "new"}'
	prints new
	soon eval '[ "$(skillbox session logs "$session")" = old ]'
}

@test "a main file of the user's is left alone" {
	evaluate bash 'for at in py js sh go; do echo "user $at" >main.$at; done'
	prints ''
	evaluate python 'print(1)'
	prints $'1\n'
	evaluate nodejs 'console.log(2)'
	prints $'2\n'
	evaluate go 'package main
func main() { println(3) }'
	prints $'3\n'
	evaluate bash 'cat main.*'
	prints $'user go\nuser js\nuser py\nuser sh\n'
	evaluate python 'import main; print(main.X)' '{"main.py": "X = 4"}'
	prints $'4\n'
	evaluate go 'package main
func main() { }' '{"main.go": "package main"}'
	refused 'main.go is what the code is put in'
}

@test "Go builds the code and its files, not what else lies about" {
	evaluate go 'package main
func main() { f() }' '{"f.go": "package main\nfunc f() { println(\"f\") }"}'
	prints $'f\n'
	evaluate bash 'echo "package other" >broken.go'
	evaluate go 'package main
func main() { g() }' '{"g.go": "package main\nfunc g() { println(\"g\") }"}'
	prints $'g\n'
	evaluate go 'package main
func main() { f() }'
	ended ok 0
	holds '.output | .exit_code == 2 and (.stderr | contains("undefined: f"))'
	# A module that is there is its own, with what it needs.
	evaluate go 'package main
import "here/part"
func main() { println(part.X) }' \
		'{"go.mod": "module here", "part/part.go": "package part\nconst X = 5"}'
	prints $'5\n'
	evaluate go 'package main
import _ "embed"
//go:embed text
var text string
func main() { println(text) }' '{"text": "embedded"}'
	prints $'embedded\n'
}

@test "files do not leave the workspace, by no link either" {
	evaluate bash 'mkdir /tmp/d; echo before >/tmp/f; ln -s /tmp/d d; ln -s /tmp/f f; ln -s /tmp /workspace/.main.py; mkfifo p; mkdir full; touch full/x'
	prints ''
	evaluate bash : '{"d/x": "after"}'
	refused "the file 'd/x': Not a directory"
	evaluate bash : '{"p/x": "after"}'
	refused "the file 'p/x': Not a directory"
	evaluate bash : '{"full": "after"}'
	refused "the file 'full': Is a directory"
	evaluate python 'print(open("f").read(), open("p").read(), __file__)' \
		'{"f": "after", "p": "pipe"}'
	prints $'after pipe /workspace/.main.py\n'
	step "$session" -- sh -c 'cat /tmp/f; ls -A /tmp /tmp/d; stat -c "%F" f p'
	ended ok 0
	holds '.output == "before\n/tmp:\nd\nf\n\n/tmp/d:\nregular file\nregular file\n"'
	for name in ../f /tmp/f a/../../f; do
		evaluate bash : "{\"$name\": \"after\"}"
		ended invalid 65
	done
}

@test "what is detached goes on, what a run leaves does not" {
	step "$session" --detach -- sleep 1001
	ended ok 0
	evaluate bash 'sleep 1002 & setsid sleep 1003 & echo left'
	prints $'left\n'
	evaluate python 'import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    line = open(f"/proc/{pid}/cmdline").read().split("\0")
    if line[0] == "sleep": print(line[1])'
	prints $'1001\n'
}

@test "packages that were installed for the user are found" {
	step "$session" -- sh -c 'site=$(python3 -c "import site; print(site.getusersitepackages())"); mkdir -p "$site"; echo X = 6 >"$site/installed.py"'
	ended ok 0
	evaluate python 'import installed; print(installed.X, installed.__file__.startswith("/workspace/"))'
	prints $'6 True\n'
}

@test "time is kept, other limits are the session's" {
	evaluate python 'import time; time.sleep(0.1)'
	prints ''
	step "$session" execute_code '{"language": "bash", "code": "sleep 60", "timeout": 1}'
	ended timeout 124
	step "$session" execute_code '{"language": "bash", "code": "", "mem_limit": 64}'
	[ "$(field .outcome)" = invalid ]
	step "$session" -l python -c 'print(input())' --stdin <(echo given)
	prints $'given\n'
}
