#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What people do in sessions: with data, in several languages, with packages.

load sessions

setup_file() {
	prepare
	# What has pip, for who installs.
	fixture t-session-pip <<'YAML'
  shell: {command: [bash], output: text, mem_limit: 512m}
YAML
	echo 'FROM skillbox/python-build' >"$skills/t-session-pip/Dockerfile"
	skillbox build t-session-pip code
}

teardown() {
	end_sessions
}

teardown_file() {
	gone t-session-pip 10
}

# code NAME LANGUAGE CODE: what it prints is in $output
code() {
	step "$1" -l "$2" -c "$3"
	ended ok 0
	holds '.output.exit_code == 0'
	output=$(field .output.stdout)
}

@test "an analysis in two steps" {
	made tp-data --skill code
	code tp-data python 'import csv, random
random.seed(7)
with open("sales.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["region", "amount"])
    for i in range(1000):
        out.writerow(["north" if i % 2 else "south", i])
print("written")'
	[ "$output" = written ]
	code tp-data python 'import csv, collections, json
sums = collections.Counter()
for row in csv.DictReader(open("sales.csv")):
    sums[row["region"]] += int(row["amount"])
json.dump(sums, open("sums.json", "w"))
print(sums["north"], sums["south"])'
	[ "$output" = '250000 249500' ]
	session cp tp-data:sums.json "$BATS_TEST_TMPDIR/sums.json"
	jq -e '. == {north: 250000, south: 249500}' "$BATS_TEST_TMPDIR/sums.json"
}

@test "a batch in four languages, each with what the others left" {
	made tp-batch --skill code
	code tp-batch python 'open("n", "w").write("6")'
	code tp-batch nodejs 'const fs = require("fs");
fs.writeFileSync("n", String(fs.readFileSync("n", "utf8") * 7))'
	code tp-batch bash 'echo $(($(cat n) + 1)) >n'
	code tp-batch go 'package main
import ("fmt"; "os")
func main() { b, _ := os.ReadFile("n"); fmt.Printf("go %s", b) }'
	[ "$output" = 'go 43' ]
}

# wheel FILE: the least there can be of a package
wheel() {
	python3 - "$1" <<'PY'
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    info = "sixseven-1.0.dist-info/"
    wheel.writestr("sixseven.py", "def product():\n    return 6 * 7\n")
    wheel.writestr(info + "METADATA",
                   "Metadata-Version: 2.1\nName: sixseven\nVersion: 1.0\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\n"
                   "Root-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "entry_points.txt",
                   "[console_scripts]\nsixseven = sixseven:product\n")
    wheel.writestr(info + "RECORD", "")
PY
}

@test "a package that pip has installed is there in the next step" {
	made tp-pip --skill t-session-pip
	wheel "$BATS_TEST_TMPDIR/sixseven-1.0-py3-none-any.whl"
	step tp-pip -- python3 -c 'import sixseven'
	ended failed 1
	session cp "$BATS_TEST_TMPDIR/sixseven-1.0-py3-none-any.whl" tp-pip:.
	step tp-pip --timeout 2m -- pip install --no-index --quiet \
		./sixseven-1.0-py3-none-any.whl
	ended ok 0
	step tp-pip -- python3 -c 'import sixseven; print(sixseven.product())'
	ended ok 0
	holds '.output == "42\n"'
	# What it has put into a directory of programs is found.
	step tp-pip -- sixseven
	ended failed 42
}

@test "a program that go has installed is there in the next step" {
	made tp-go --skill code
	inside tp-go 'mkdir tool && cd tool && printf "module tool\n" >go.mod &&
		printf "package main\nfunc main() { println(42) }\n" >main.go &&
		go install .' --timeout 2m
	ended ok 0
	step tp-go -- tool
	ended ok 0
	holds '.stderr == "42\n"'
}
