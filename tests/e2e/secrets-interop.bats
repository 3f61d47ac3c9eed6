#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Keys and boxes are libsodium's, as the layout says: what another program makes
# of it opens here, and the other way round.  The other one is libsodium for
# JavaScript, from npm.

load helper

setup_file() {
	export NODE_PATH=$BATS_FILE_TMPDIR/node_modules
	for _ in 1 2 3; do
		! timeout 100 npm install --prefix "$BATS_FILE_TMPDIR" \
			--no-audit --no-fund --ignore-scripts --loglevel=error \
			libsodium-wrappers@0.7.15 || return 0
	done
	echo 'npm could not install libsodium-wrappers'
	return 1
}

setup() {
	skills=$BATS_TEST_TMPDIR/skills
	export XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	unset SKILLBOX_KEYS CREDENTIALS_DIRECTORY
	keys=$XDG_CONFIG_HOME/skillbox/keys
	sealed=$skills/t-interop/secrets.yaml
	fixture t-interop <<<'  run: {command: [cat]}'
}

secret() {
	"$program" --skills "$skills" secret "$@"
}

interop() {
	node "$top/tests/fixtures/interop.js" "$@"
}

# box NAME: the one there is for it
box() {
	sed -n "/^  $1:/,/^      /s/^      \"[0-9a-f]*\": //p" "$sealed"
}

@test "what is sealed here opens in node" {
	secret keygen
	printf 'gr\303\274n "\\ \n' | secret set t-interop TOKEN
	[ "$(interop open "$keys"/*.key "$(box TOKEN)" t-interop TOKEN)" = \
		$'grün "\\ ' ]
	run -1 interop open "$keys"/*.key "$(box TOKEN)" t-interop OTHER
}

@test "what is sealed in node opens here" {
	secret keygen
	public=$(secret keys --format json | jq -r '.[0].public_key')
	id=$(secret keys --format json | jq -r '.[0].id')
	{
		printf 'schema_version: 1\nrecipients: {"%s": %s}\nsecrets:\n' \
			"$id" "$public"
		for name in TOKEN OTHER; do
			printf '  %s:\n    sealed_at: 2026-01-01T00:00:00Z\n' \
				$name
			printf '    boxes: {"%s": %s}\n' "$id" "$(interop seal \
				"$public" t-interop TOKEN 'from node: grün')"
		done
	} >"$sealed"
	run -0 secret ls --format json
	jq -e 'map(.opens) == [false, true] and
		(.[0].error | contains("for TOKEN of t-interop"))' <<<"$output"
	# It is the value that was meant: sealed again here, opened there.
	secret rm t-interop OTHER
	before=$(box TOKEN)
	secret rotate
	[ "$(box TOKEN)" != "$before" ]
	rm "$keys/$id.key"
	[ "$(interop open "$keys"/*.key "$(box TOKEN)" t-interop TOKEN)" = \
		'from node: grün' ]
}

@test "a key that node has made is one" {
	(umask 077 && mkdir -p "$keys" && interop keygen >"$keys/node.key")
	secret set t-interop TOKEN <<<'for the key of node'
	secret ls --format json | jq -e '.[0].opens'
	[ "$(interop open "$keys/node.key" "$(box TOKEN)" t-interop TOKEN)" = \
		'for the key of node' ]
}
