#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tools of sessions: what a client of the Model Context Protocol can do with
# them, in each revision, by a process of its own and by the daemon.

load helper

setup_file() {
	prepare
	fixture t-mcp-s <<'YAML'
  put: {command: [sh, -c, 'cat >/workspace/x; echo {}'], description: Keeps it., warm_pool: {max: 0}}
  get: {command: [cat, /workspace/x], description: Gives it back., warm_pool: {max: 0}}
  execute_code: {command: [cat], description: Says what it would run., warm_pool: {max: 0}}
YAML
	skillbox build t-mcp-s >/dev/null 2>&1
}

teardown() {
	stop_daemon
	docker ps -aq --filter label=io.skillbox.skill=t-mcp-s |
		xargs -r docker rm -f >/dev/null
}

# use REVISION OPTION...: of "skillbox mcp"
use() {
	local transcript=$BATS_TEST_TMPDIR/transcript
	"$top/tests/fixtures/mcp/sessions.py" "$1" "$transcript" t-mcp-s \
		"$program" --skills "$skills:$top/skills" mcp "${@:2}"
	# SCHEMAS is a checkout of the protocol's schema/ directory.
	[ -z "${MCP_SCHEMAS-}" ] ||
		"$top/tests/fixtures/mcp/validate.py" "$MCP_SCHEMAS" "$transcript"
}

# tools OPTION...: the names that "skillbox mcp" offers
tools() {
	"$program" --skills "$skills:$top/skills" mcp "$@" <<-'EOF' |
		{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}}
	EOF
		jq -r '.result.tools[].name'
}

@test "2025-06-18" {
	use 2025-06-18 --no-daemon --sessions
}

@test "2025-11-25" {
	use 2025-11-25 --no-daemon --sessions
}

@test "2026-07-28" {
	use 2026-07-28 --no-daemon --sessions
}

@test "by way of a daemon that offers them" {
	serve --sessions
	use 2026-07-28 --sessions --socket "$socket"
	grep '^{' "$daemon_log" | jq -se 'map(select(
		.action == "put" and .outcome == "ok")) | length > 0'
}

@test "a daemon that does not offer them is left alone, and so the other way" {
	serve
	use 2026-07-28 --sessions --socket "$socket"
	run -0 tools --socket "$socket"
	[[ $output != *session_* ]]
	run ! grep -q '^{' "$daemon_log"
	stop_daemon
	serve --sessions
	run -0 tools --socket "$socket"
	[[ $output = *t-mcp-s_put* && $output != *session_* ]]
}

@test "they are offered to nobody who did not ask" {
	run -0 tools --no-daemon
	[[ $output = *t-mcp-s_put* && $output != *session_* ]]
	run -0 tools --no-daemon --sessions
	[[ $output = *session_run* ]]
}

@test "over HTTP" {
	serve --sessions
	ask POST /mcp -d '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",
		"params": {"name": "session_create",
		"arguments": {"name": "h", "skill": "t-mcp-s"}, "_meta": {
		"io.modelcontextprotocol/protocolVersion": "2026-07-28",
		"io.modelcontextprotocol/clientCapabilities": {}}}}' \
		-H 'MCP-Protocol-Version: 2026-07-28' \
		-H 'Mcp-Method: tools/call' -H 'Mcp-Name: session_create'
	answered 200
	holds '.result.structuredContent.name == "h"'
	ask GET /v1/sessions/h
	answered 200
}

@test "a skill that takes one of their names is refused at the start" {
	fixtures=$BATS_TEST_TMPDIR/taken
	skills=$fixtures fixture t-mcp-s-b <<'YAML'
  a: {command: [cat], description: No., tool_name: session_run}
YAML
	run -0 tools --no-daemon
	run "$program" --skills "$fixtures" mcp --no-daemon --sessions </dev/null
	[ "$status" = 65 ]
	[[ $output = *'t-mcp-s-b a is the tool session_run, which is one of sessions'* ]]
}
