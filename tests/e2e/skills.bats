#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped skills: their own tests, then webpage on a small local web.

load helper

setup_file() {
	prepare
	skillbox build text webpage code
}

teardown_file() {
	remove_volumes webpage
}

# serve_pages: a web server on the engine's bridge; sets $server and $url
serve_pages() {
	local address
	address=$("$harness/engine" address "$SBX_TEST_ENGINE")
	/usr/bin/python3 "$top/tests/fixtures/web_server.py" "$address" \
		"$BATS_TEST_TMPDIR/port" 3>&- &
	server=$!
	soon test -s "$BATS_TEST_TMPDIR/port"
	url=http://$address:$(cat "$BATS_TEST_TMPDIR/port")
}

teardown() {
	[ -z "${server-}" ] || kill "$server"
	[ -z "${daemon-}" ] || stop_daemon
}

# fails_with STATUS PATTERN PATH: downloading that fails so
fails_with() {
	act webpage download_page "{\"url\": \"$url$3\"}"
	ended failed "$1"
	holds '.error | test($re)' --arg re "$2"
	act webpage parse_html "{\"url\": \"$url$3\"}"
	ended failed 1
	holds '.error | test("download it first")'
}

@test "text, webpage and code pass the tests of their manifests" {
	skillbox test text webpage code >"$BATS_TEST_TMPDIR/out" || {
		cat "$BATS_TEST_TMPDIR/out"
		return 1
	}
}

@test "text, as the README has it, from any directory" {
	cd /
	act text word_count '{"text":"a b"}'
	ended ok 0
	holds '.output == {"lines": 1, "words": 2, "bytes": 3}'
}

@test "text gives back whatever text there is" {
	/usr/bin/python3 -c 'import json, random
random.seed(3)
letters = "\"\\\n\t\x01\x1f\x7f ab/&%$\u00e9\u2028\U0001f600"
print(json.dumps({"text": "".join(random.choices(letters, k=20000))}))' \
		>"$BATS_TEST_TMPDIR/in"
	act text sort "@$BATS_TEST_TMPDIR/in"
	ended ok 0
	jq -e --argjson record "$record" '
		(.text | split("\n") | if last == "" then .[:-1] else . end
			| sort) == ($record.output.lines | sort)' \
		"$BATS_TEST_TMPDIR/in"
}

@test "webpage downloads a page and reads it without a network" {
	serve_pages
	act webpage download_page "{\"url\": \"$url/dir/page#part\"}"
	ended ok 0
	holds '.output | .status == 200 and .content_type == "text/html" and
		.url == $url and .bytes > 300 and (.sha256 | length) == 64' \
		--arg url "$url/dir/page"
	kill "$server"
	server=
	act webpage parse_html "{\"url\": \"$url/dir/page\"}"
	ended ok 0
	holds '.output | .title == "The title" and
		.headings == [{"level": 1, "text": "One"},
			{"level": 2, "text": "Two parts"}] and
		.links == [
			{"url": ($url + "/dir/other?a=b&c=d"), "text": "Other"},
			{"url": ($url + "/top#part"), "text": "Top"},
			{"url": "https://example.org/", "text": "Elsewhere"}]
		and (.text | contains("First & second, café."))
		and (.text | test("hidden|color") | not)' --arg url "$url"
	# There really is none.
	act webpage download_page "{\"url\": \"$url/dir/page\"}" --network none
	ended failed 1
}

@test "webpage knows other encodings and follows redirects" {
	serve_pages
	act webpage download_page "{\"url\": \"$url/latin1\"}"
	act webpage parse_html "{\"url\": \"$url/latin1\"}"
	holds '.output.text == "café"'
	act webpage download_page "{\"url\": \"$url/redirect\"}"
	holds '.output.final_url == $url' --arg url "$url/dir/page"
	act webpage parse_html "{\"url\": \"$url/redirect\"}"
	holds '.output.links[0].url == $url' --arg url "$url/dir/other?a=b&c=d"
}

@test "webpage stores nothing of what goes wrong" {
	serve_pages
	fails_with 1 '404' /none
	fails_with 1 'redirect|infinite' /loop
	fails_with 1 'file:///etc/passwd' /to/file
	fails_with 1 'larger than' /large
	fails_with 1 'cut off after 6 bytes' /short
	url=http://127.0.0.1:9
	fails_with 1 'refused' /
}

@test "webpage gives up on a server that never ends" {
	serve_pages
	act webpage download_page "{\"url\": \"$url/slow\"}" --timeout 3s
	ended timeout 124
	holds 'within(10000)'
}

# evaluate LANGUAGE INPUT: runs it in the image of all languages
evaluate() {
	act code execute_code "$(jq -cn --arg language "$1" --argjson rest "$2" \
		'{language: $language} + $rest')"
}

@test "code survives whatever is done to what runs it" {
	for code in 'kill -9 $PPID' 'kill -STOP $PPID; exec yes >/dev/null' \
		'f() { f | f & }; f' 'exec 0<&- 1>&- 2>&-; sleep 0.2' \
		'head -c 300000000 /dev/zero >fill' 'kill -9 -1'; do
		evaluate bash "$(jq -cn --arg code "$code" \
			'{code: $code, timeout: 3}')"
		echo "$code: $(field .outcome) $(field .error)"
		[[ "$(field .outcome)" =~ ^(ok|timeout|signaled|oom|failed)$ ]]
		holds 'within(20000)'
	done
	gone code
}

@test "code that names no time-out has 30 s" {
	evaluate bash '{"code": "sleep 60"}'
	ended failed 124
	holds '.error == "the time-out of 30 s passed" and within(45000)'
}

@test "code may have less of a CPU, and of memory, than it would get" {
	evaluate python '{"code": "x = bytearray(200 << 20)"}'
	ended ok 0
	holds '.output.exit_code == 0'
	evaluate python '{"code": "x = bytearray(200 << 20)", "mem_limit": 100}'
	holds '.output.exit_code == 137'
	evaluate python '{"code": "", "mem_limit": 513}'
	ended invalid 65
	evaluate python '{"code": "", "timeout": 301}'
	ended invalid 65
}

@test "code in a daemon finds nothing of the code before it" {
	serve
	SKILLBOX_SOCKET=$socket
	for action in python bash; do
		skillbox pool warm code "$action" 1
	done
	soon eval 'skillbox pool --format json | jq -e ".waiting >= 2"'
	act code python '{"code": "open(\"/tmp/x\", \"w\"); import os; os.mkdir(\"d\")", "files": {"a/b": "c"}}'
	ended ok 0
	holds '.start != "cold"'
	for _ in 1 2 3; do
		act code python '{"code": "import os; print(os.listdir(), os.listdir(\"/tmp\"))"}'
		ended ok 0
		holds '.output.stdout == "[\u0027main.py\u0027] []\n"'
	done
	holds '.start != "cold"'
}
