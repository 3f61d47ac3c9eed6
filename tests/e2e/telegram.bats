#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shipped skill telegram on a small Bot API of our own: the message comes
# through, with the token that was sealed, and the token comes to nobody else.

load helper

setup_file() {
	prepare
	export token=$BATS_FILE_TMPDIR/token port=$BATS_FILE_TMPDIR/port
	export log=$BATS_FILE_TMPDIR/log
	printf '4711:%s\n' "$(head -c 15 /dev/urandom | basenc --base64url)" \
		>"$token"
	address=$("$harness/engine" address "$SBX_TEST_ENGINE")
	/usr/bin/python3 "$top/tests/fixtures/bot_server.py" "$address" \
		"$port" "$token" "$log" 3>&- &
	export server=$!
	for _ in $(seq 100); do
		[ ! -s "$port" ] || break
		sleep 0.1
	done
	url=http://$address:$(cat "$port")
	export url
	# With a sealed token, as its user would seal it.
	export SKILLBOX_KEYS=$BATS_FILE_TMPDIR/keys
	cp -r "$top/skills/telegram" "$skills"
	skillbox secret keygen
	skillbox secret set telegram BOT_TOKEN <"$token"
	skillbox build telegram
}

teardown_file() {
	kill "$server"
}

# send INPUT [OPTION...]: as act; and nothing says the token
send() {
	act telegram send_message "$1" -e TELEGRAM_API="$url" "${@:2}"
	! "$harness/find-secret" "$token" "tree:$BATS_TEST_TMPDIR" - \
		<<<"$record"
}

# refused STATUS TEXT: it was, and the error says why
refused() {
	ended failed "$1"
	holds '.error | contains($text)' --arg text "$2"
}

@test "telegram passes the tests of its manifest" {
	skillbox test telegram
}

@test "a message comes through" {
	: >"$log"
	send '{"chat_id": -100, "text": "Grüße & <b>so</b> 🙂"}'
	ended ok 0
	holds '.output == {"message_id": 42, "date": 1700000000,
		"chat_id": -100}'
	send '{"chat_id": "@channel", "text": "b", "parse_mode": "HTML",
		"disable_notification": true}'
	ended ok 0
	jq -es '. == [{"chat_id": -100, "text": "Grüße & <b>so</b> 🙂"},
		{"chat_id": "@channel", "text": "b", "parse_mode": "HTML",
			"disable_notification": true}]' "$log"
}

# unfit TEXT: its schema says so before it runs
unfit() {
	ended invalid 65
	holds '.error | contains($text)' --arg text "$1"
}

@test "a token that the bot has not is refused" {
	echo '4711:somebody-elses-token' >"$BATS_TEST_TMPDIR/other"
	send '{"chat_id": 1, "text": "a"}' \
		--secret BOT_TOKEN=@"$BATS_TEST_TMPDIR/other"
	refused 1 '401 Unauthorized'
}

@test "what the API refuses is told" {
	send '{"chat_id": 400, "text": "a"}'
	refused 1 '400 Bad Request: chat not found'
	send '{"chat_id": 403, "text": "a"}'
	refused 1 'blocked by the user'
	send '{"chat_id": 429, "text": "a"}'
	refused 1 '429'
	holds '.output.error.retry_after == 5'
	send '{"chat_id": 666, "text": "a"}'
	refused 1 "none of the Bot API's"
}

@test "the token goes nowhere else" {
	send '{"chat_id": 301, "text": "a"}'
	refused 1 'redirects'
	send '{"chat_id": 667, "text": "a"}'
	refused 1 'Not Found: /bot***/sendMessage'
	send '{"chat_id": 1, "text": "a"}' -e TELEGRAM_API=http://127.0.0.1:9
	refused 1 'cannot be reached: Connection refused'
	send '{"chat_id": 1, "text": "a"}' -e TELEGRAM_API=file:///etc/passwd
	refused 1 'must be an http: or https: URL'
}

@test "bad input is told" {
	send '{"chat_id": 1, "text": "a", "txt": "b"}'
	unfit '/txt'
	send '{"chat_id": true, "text": "a"}'
	unfit '/chat_id'
	send '{"chat_id": 1, "text": "a", "parse_mode": "html"}'
	unfit '/parse_mode'
	send "$(jq -nc '{"chat_id": 1, "text": ("🙂" * 2049)}')"
	refused 2 '4098 UTF-16'
	send "$(jq -nc '{"chat_id": 1, "text": ("🙂" * 2048)}')"
	ended ok 0
}
