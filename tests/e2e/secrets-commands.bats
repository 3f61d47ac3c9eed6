#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The commands for keys and sealed files.  They ask no engine for anything.

load helper

marker='marker-Zq4vWx81'

setup() {
	skills=$BATS_TEST_TMPDIR/skills
	XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	keys=$XDG_CONFIG_HOME/skillbox/keys
	store=$XDG_CONFIG_HOME/skillbox/secrets
	export XDG_CONFIG_HOME
	unset SKILLBOX_KEYS CREDENTIALS_DIRECTORY
	fixture t-one <<<'  run: {command: [cat], secrets: [{name: TOKEN}]}'
	fixture t-two <<<'  run: {command: [cat], secrets: [{name: TOKEN}]}'
	sealed=$skills/t-one/secrets.yaml
}

# Without the shipped skills, which have secrets of their own.
secret() {
	"$program" --skills "$skills" secret "$@"
}

# put SKILL NAME [VALUE [OPTION...]]
put() {
	secret set "$1" "$2" "${@:4}" <<<"${3-$marker}"
}

# values [FILE [SKILL [KEYS]]]: what somebody with the keys opens
values() {
	/usr/bin/python3 "$top/tests/fixtures/unseal.py" "${3-$keys}" \
		"${1-$sealed}" "${2-t-one}"
}

# Ids of the keys that are here, the newest first.
ids() {
	secret keys --format json | jq -r '.[].id'
}

recipients() {
	sed -n 's/^  "\([0-9a-f]*\)": .*/\1/p' "${1-$sealed}" | sort
}

@test "a value that is sealed opens with the key, and is in no file" {
	secret keygen
	run -0 put t-one TOKEN
	[[ $output == "sealed TOKEN (15 bytes) for $(ids) in $sealed" ]]
	[ "$(values)" = "{\"TOKEN\": \"$marker\"}" ]
	[ "$(stat -c %a "$sealed")" = 644 ]
	# Nowhere, and the search would find it.
	run -1 grep -rlF "$marker" "$skills" "$XDG_CONFIG_HOME"
	echo "$marker" >"$skills/planted"
	run -0 grep -rlF "$marker" "$skills" "$XDG_CONFIG_HOME"
}

@test "a line loses its newline, any other value is sealed as it is" {
	secret keygen
	printf 'one line' | secret set t-one A
	printf 'one line\n' | secret set t-one B
	printf 'one line\n\n' | secret set t-one C
	printf 'two\nlines\n' | secret set t-one D
	printf '\0\1\377bytes\0' | secret set t-one E
	printf 'line of DOS\r\n' | secret set t-one F
	head -c 65536 /dev/zero | tr '\0' x | secret set t-one G
	run -65 put t-one H "$(head -c 65537 /dev/zero | tr '\0' x)"
	run -65 secret set t-one H </dev/null
	values | jq -e '.A == "one line" and .B == .A and
		.C == "one line\n\n" and .D == "two\nlines\n" and
		.E == "\u0000\u0001\u00ffbytes\u0000" and
		.F == "line of DOS\r" and (.G | length == 65536) and
		(has("H") | not)'
}

@test "a value under 8 bytes is refused with the reason" {
	secret keygen
	run -65 --separate-stderr put t-one TOKEN short77
	grep -q 'the value has 7 bytes: one under 8 .*--allow-short' \
		<<<"$stderr"
	[[ $stderr != *short77* ]]
	[ ! -e "$sealed" ]
	put t-one TOKEN short77 --allow-short
	put t-one OTHER exactly8
	values | jq -e '.TOKEN == "short77" and .OTHER == "exactly8"'
}

@test "a name that no action asks for is told, with the nearest that one does" {
	secret keygen
	run -0 --separate-stderr put t-one TOKEM
	[ "$stderr" = "skillbox: no action of t-one names TOKEM under \
\"secrets:\" in its manifest; did you mean TOKEN?" ]
	run -0 --separate-stderr put t-one OTHER
	grep -q 'no action of t-one names OTHER.*manifest$' <<<"$stderr"
	run -0 --separate-stderr put t-one TOKEN
	[ -z "$stderr" ]
}

@test "what cannot be written whole leaves the file as it was" {
	secret keygen
	put t-one TOKEN
	cp "$sealed" "$BATS_TEST_TMPDIR/before"
	write_little() {
		# As on a disk that is full, an error and no signal.
		trap '' XFSZ
		ulimit -f 4
		secret set t-one OTHER
	}
	run -78 --separate-stderr write_little \
		< <(head -c 6000 /dev/zero | tr '\0' x)
	grep -q 'cannot write secrets.yaml: File too large' <<<"$stderr"
	diff "$BATS_TEST_TMPDIR/before" "$sealed"
	[ "$(find "$skills/t-one" -name '.*' -type f)" = '' ]
}

@test "a value on the command line is refused, and not repeated" {
	secret keygen
	run -64 --separate-stderr secret set t-one TOKEN "$marker" </dev/null
	grep -q 'standard input, never from the command line' <<<"$stderr"
	[[ $stderr$output != *$marker* ]]
}

@test "anybody can add a secret without any private key" {
	secret keygen
	put t-one TOKEN
	mv "$keys" "$BATS_TEST_TMPDIR/away"
	put t-one OTHER 'another value'
	run -0 secret ls t-one --format json
	jq -e 'length == 2 and all(.opens == false and
		(.error | contains("no private key here")))' <<<"$output"
	values "$sealed" t-one "$BATS_TEST_TMPDIR/away" |
		jq -e '.OTHER == "another value"'
	# But not where nobody has said whom for.
	run -78 --separate-stderr put t-two TOKEN
	grep -q 'secret keygen' <<<"$stderr"
}

@test "a file that is changed keeps the lines of all other secrets" {
	secret keygen
	printf '# Ask Ann before\n# you change these.\n' >"$sealed.head"
	put t-one A
	put t-one C
	sed -i "1{r $sealed.head
		d}" "$sealed"
	cp "$sealed" "$sealed.before"
	put t-one B
	diff "$sealed.before" "$sealed" >"$sealed.diff" || :
	grep -q '^>   B:' "$sealed.diff"
	run -1 grep '^<' "$sealed.diff"
	secret rm t-one B
	diff "$sealed.before" "$sealed"
	# What cannot be kept is said.
	sed -i 's/^secrets:/x-note: mine\n&/' "$sealed"
	run -0 --separate-stderr put t-one B
	grep -q 'notes (x-...) and comments' <<<"$stderr"
}

@test "an owner's store is apart from the skill's file, and private" {
	secret keygen
	put t-one TOKEN "value of ann" --owner ann
	put t-one TOKEN "value of all"
	[ "$(values "$store/ann/t-one.yaml")" = '{"TOKEN": "value of ann"}' ]
	[ "$(values)" = '{"TOKEN": "value of all"}' ]
	[ "$(stat -c %a "$store" "$store/ann" "$store/ann/t-one.yaml" |
		xargs)" = '700 700 600' ]
	secret ls --owner ann --format json | jq -e 'length == 1 and
		.[0].owner == "ann" and .[0].opens'
	secret ls --format json | jq -e 'map(.owner) == [null, "ann"]'
	run -66 secret rm t-one TOKEN --owner bob
	[ ! -e "$store/bob" ]
	secret rm t-one TOKEN --owner ann
	secret ls --owner ann --format json | jq -e 'length == 0'
	for owner in .. ../x . A; do
		run -65 put t-one TOKEN "$marker" --owner "$owner"
	done
	[ "$(ls -A "$store")" = ann ]
}

@test "ls shows names, recipients and age, and what is wrong; no values" {
	secret keygen
	put t-one TOKEN
	put t-two OTHER "$marker" \
		--recipient hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
	faketime '3 days' "$program" --skills "$skills" secret ls \
		>"$BATS_TEST_TMPDIR/out"
	cat "$BATS_TEST_TMPDIR/out"
	grep -qx "t-one  TOKEN  3 days old  for $(ids)  opens here" \
		"$BATS_TEST_TMPDIR/out"
	grep -q 't-two  OTHER .*for 7a91869e4c114964  DOES NOT OPEN HERE: ' \
		"$BATS_TEST_TMPDIR/out"
	run -1 grep -F "$marker" "$BATS_TEST_TMPDIR/out"
	echo rubbish >"$sealed"
	run -78 --separate-stderr secret ls
	[[ $stderr == *"$sealed:1:1: "* && $output == *t-two* ]]
	run -66 secret ls t-three
}

@test "a copied or changed box does not open" {
	secret keygen
	put t-one TOKEN
	sed 's/TOKEN:/OTHER:/' "$sealed" >"$skills/t-two/secrets.yaml"
	cp "$sealed" "$sealed.good"
	sed 's/^  TOKEN:/  TOKEM:/' "$sealed.good" >"$sealed"
	run -0 secret ls --format json
	jq -e 'length == 2 and all(.opens == false and (.error |
		contains("sealed for TOKEN of t-one")))' <<<"$output"
	sed '$s/\(.*\)..../\1AAA=/' "$sealed.good" >"$sealed"
	run -0 secret ls t-one --format json
	jq -e '.[0].error | contains("it was changed")' <<<"$output"
	cp "$sealed.good" "$sealed"
	run -0 secret ls t-one --format json
	jq -e '.[0].opens' <<<"$output"
}

@test "a key that others could have read is an error that says what to do" {
	secret keygen
	put t-one TOKEN
	key=$keys/$(ids).key
	chmod 640 "$key"
	for line in ls keys rotate "rekey t-one --recipient $(recipients)" \
		keygen; do
		# shellcheck disable=SC2086 # words
		run -78 --separate-stderr secret $line
		[[ $stderr == *"chmod 600 $key"* ]]
		[ -z "$output" ]
	done
}

@test "keys come from a directory, systemd's credentials or a descriptor" {
	secret keygen
	put t-one TOKEN
	opens='.[0].opens'
	mkdir "$BATS_TEST_TMPDIR/credentials"
	cp -p "$keys"/*.key "$BATS_TEST_TMPDIR/credentials/skillbox-key"
	mv "$keys" "$BATS_TEST_TMPDIR/other"
	run -1 jq -e "$opens" <<<"$(secret ls --format json)"
	secret ls --format json --keys "$BATS_TEST_TMPDIR/other" |
		jq -e "$opens"
	SKILLBOX_KEYS=$BATS_TEST_TMPDIR/other secret ls --format json |
		jq -e "$opens"
	CREDENTIALS_DIRECTORY=$BATS_TEST_TMPDIR/credentials secret ls \
		--format json | jq -e "$opens"
	secret ls --format json --keys fd:7 \
		7< <(cat "$BATS_TEST_TMPDIR"/other/*.key) | jq -e "$opens"
	run -78 --separate-stderr secret ls --keys "$BATS_TEST_TMPDIR/none"
	grep -q 'cannot read the keys in' <<<"$stderr"
}

@test "64 KiB of memory that can be locked are enough for a token" {
	# Root may lock any amount.  With ASan nobody locks anything.
	confined() {
		ulimit -l 64
		if [ "$(id -u)" = 0 ]; then
			set -- setpriv --bounding-set=-ipc_lock \
				--inh-caps=-ipc_lock "$@"
		fi
		"$@"
	}
	confined "$plain" --skills "$skills" secret keygen
	run -0 confined "$plain" --skills "$skills" secret set t-one TOKEN \
		<<<"$marker"
	run -0 confined "$plain" --skills "$skills" secret ls --format json
	jq -e '.[0].opens' <<<"$output"
	# It is the limit that holds here, and what to do is said.
	run -78 --separate-stderr confined "$plain" --skills "$skills" \
		secret set t-one TOKEN < <(head -c 65536 /dev/zero)
	grep -q 'ulimit -l' <<<"$stderr"
}

@test "rekey decides who can open it from now on" {
	secret keygen
	put t-one A
	put t-one B "another value"
	mine=$(ids)
	secret --keys "$BATS_TEST_TMPDIR/theirs" keygen
	theirs=$(secret --keys "$BATS_TEST_TMPDIR/theirs" keys --format json |
		jq -r '.[0].public_key')
	before=$(sed 's/      .*//' "$sealed")
	run -65 --separate-stderr secret rekey t-one --recipient nobody
	run -64 secret rekey t-one
	secret rekey t-one --recipient "$mine" --recipient "$theirs"
	[ "$(recipients | wc -l)" = 2 ]
	values >"$BATS_TEST_TMPDIR/1"
	values "$sealed" t-one "$BATS_TEST_TMPDIR/theirs" \
		>"$BATS_TEST_TMPDIR/2"
	diff "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/2"
	run -0 --separate-stderr secret rekey t-one --recipient "$theirs"
	grep -q 'no key that is here can open' <<<"$stderr"
	run -1 values
	values "$sealed" t-one "$BATS_TEST_TMPDIR/theirs" |
		jq -e '.B == "another value"'
	# As old as they were.
	diff <(grep sealed_at <<<"$before") <(grep sealed_at "$sealed")
	# What does not open stays as it is.
	cp "$sealed" "$sealed.before"
	run -78 secret rekey t-one --recipient "$mine"
	diff "$sealed.before" "$sealed"
}

@test "set says so where it seals for others only" {
	others=hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
	secret keygen
	run -0 --separate-stderr put t-one TOKEN "$marker" --recipient "$others"
	[[ $stderr == *"no key that is here can open $sealed"* ]]
	run -0 --separate-stderr put t-one TOKEN "$marker" --recipient "$(ids)"
	[ -z "$stderr" ]
	# Who has no key at all seals for others always.
	run -0 --separate-stderr put t-two TOKEN "$marker" --recipient "$others" \
		--keys "$BATS_TEST_TMPDIR/none"
	[ -z "$stderr" ]
}

@test "ls does not say that there is nothing where it could not look" {
	secret keygen
	run -0 --separate-stderr secret ls
	[[ $stderr == *"no sealed secrets"* ]]
	echo 'no sealed file' >"$sealed"
	run -78 --separate-stderr secret ls
	[[ $stderr == *"$sealed:1:1: "* && $stderr != *"no sealed"* ]]
}

@test "rotate makes a new key and seals everything for it" {
	secret keygen
	old=$(ids)
	put t-one A
	put t-two B "$marker" --recipient "$old" \
		--recipient hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
	theirs=$(grep ' "7a91' "$skills/t-two/secrets.yaml")
	put t-two C "value of ann" --owner ann
	put t-one D "for others" --owner ann \
		--recipient hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
	cp "$store/ann/t-one.yaml" "$BATS_TEST_TMPDIR/foreign"
	run -0 secret rotate
	echo "$output"
	new=$(ids | head -n 1)
	[ "$new" != "$old" ]
	[ "$(ids | tail -n 1)" = "$old" ]
	grep -qF "sealed 3 secrets in 3 files for $new" <<<"$output"
	grep -qF "$keys/$old.key" <<<"$output"
	rm "$keys/$old.key"
	[ "$(values)" = "{\"A\": \"$marker\"}" ]
	[ "$(values "$skills/t-two/secrets.yaml" t-two)" = "{\"B\": \"$marker\"}" ]
	[ "$(values "$store/ann/t-two.yaml" t-two)" = '{"C": "value of ann"}' ]
	# Others have what they had.
	[ "$(grep ' "7a91' "$skills/t-two/secrets.yaml")" = "$theirs" ]
	diff "$BATS_TEST_TMPDIR/foreign" "$store/ann/t-one.yaml"
	run -1 grep -rF "$old" "$skills" "$store"
}

@test "rotate goes on where it was interrupted, with the same key" {
	secret keygen
	old=$(ids)
	put t-one A
	put t-two B
	echo rubbish >"$skills/t-two/secrets.yaml.good"
	cp "$skills/t-two/secrets.yaml" "$skills/t-two/secrets.yaml.good"
	echo rubbish >"$skills/t-two/secrets.yaml"
	run -78 --separate-stderr secret rotate
	grep -q 'keep the older keys' <<<"$stderr"
	new=$(ids | head -n 1)
	[ "$(recipients)" = "$new" ]
	mv "$skills/t-two/secrets.yaml.good" "$skills/t-two/secrets.yaml"
	run -0 --separate-stderr secret rotate
	grep -qF "going on with the newest key, $new" <<<"$output"
	[ "$(recipients "$skills/t-two/secrets.yaml")" = "$new" ]
	[ "$(ids | wc -l)" = 2 ]
	# The next one is another.
	secret rotate
	[ "$(ids | wc -l)" = 3 ]
	[ "$(recipients)" != "$new" ]
}

@test "many who change one file at once all have their way" {
	secret keygen
	for i in $(seq 12); do
		put t-one "S$i" "the value of $i" >/dev/null 3>&- &
	done
	wait
	values | jq -e 'length == 12 and .S7 == "the value of 7"'
}

@test "what is typed at a prompt is not shown" {
	secret keygen
	ask() {
		/usr/bin/python3 "$top/tests/fixtures/terminal.py" "$@" \
			"$program" --skills "$skills" secret set t-one TOKEN
	}
	run -0 ask "$marker\n"
	[[ $output != *"$marker"* ]]
	grep -q '^Value of TOKEN for t-one (not shown): $' <<<"$output"
	[ "$(values)" = "{\"TOKEN\": \"$marker\"}" ]
	# Mistakes can be mended; nothing but these keys means anything.
	run -0 ask 'no\x15typo\x7f\x7fed first\n'
	[ "$(values)" = '{"TOKEN": "tyed first"}' ]
	run -0 ask 'all of it\x17caf\xc3\xa9\x7fe or \xe2\x82\xac\x7ftea\n'
	[ "$(values)" = '{"TOKEN": "cafe or tea"}' ]
	# However long: what terminals give line by line ends at 4095.
	long=$(head -c 9000 /dev/zero | tr '\0' y)
	run -0 ask "$long\n"
	values | jq -e '.TOKEN | length == 9000'
	run -65 ask "$(head -c 16385 /dev/zero | tr '\0' y)\n"
	grep -q 'redirect standard input' <<<"$output"
	run -65 ask '\n'
	run -65 ask 'short\x04'
}

@test "a signal at the prompt leaves the terminal as it was" {
	secret keygen
	for signal in 2 3 15 1; do
		run -0 /usr/bin/python3 "$top/tests/fixtures/terminal.py" \
			--signal "$signal" '' "$program" --skills "$skills" \
			secret set t-one TOKEN
		echo "$output"
		[ ! -e "$sealed" ]
	done
	# One that was ignored before still is, as with nohup.
	run -0 /usr/bin/python3 "$top/tests/fixtures/terminal.py" \
		--ignored 1 "$marker\n" "$program" --skills "$skills" \
		secret set t-one TOKEN
	[ "$(values)" = "{\"TOKEN\": \"$marker\"}" ]
}
