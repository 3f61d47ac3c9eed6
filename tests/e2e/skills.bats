#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped skills: their own tests, then webpage on a small local web.

load helper

setup_file() {
	prepare
	skillbox build text webpage
}

teardown_file() {
	remove_volumes webpage
}

# serve: a web server on the engine's bridge; sets $server and $url
serve() {
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

@test "text and webpage pass the tests of their manifests" {
	skillbox test text webpage >"$BATS_TEST_TMPDIR/out" || {
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
	serve
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
	serve
	act webpage download_page "{\"url\": \"$url/latin1\"}"
	act webpage parse_html "{\"url\": \"$url/latin1\"}"
	holds '.output.text == "café"'
	act webpage download_page "{\"url\": \"$url/redirect\"}"
	holds '.output.final_url == $url' --arg url "$url/dir/page"
	act webpage parse_html "{\"url\": \"$url/redirect\"}"
	holds '.output.links[0].url == $url' --arg url "$url/dir/other?a=b&c=d"
}

@test "webpage stores nothing of what goes wrong" {
	serve
	fails_with 1 '404' /none
	fails_with 1 'redirect|infinite' /loop
	fails_with 1 'file:///etc/passwd' /to/file
	fails_with 1 'larger than' /large
	fails_with 1 'cut off after 6 bytes' /short
	url=http://127.0.0.1:9
	fails_with 1 'refused' /
}

@test "webpage gives up on a server that never ends" {
	serve
	act webpage download_page "{\"url\": \"$url/slow\"}" --timeout 3s
	ended timeout 124
	holds 'within(10000)'
}
