#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# manifests/openapi.yaml says what the daemon answers, all of it, and no more.

load helper

setup_file() {
	prepare
	fixture t-openapi <<'YAML'
  echo: {command: [cat], warm_pool: {max: 0}, description: Says it again., input_schema: {type: [object, array]}}
  speaks: {command: [sh, -c, 'printf "\377"; echo a; echo b >&2; echo "::progress::{\"progress\":1,\"total\":2,\"message\":\"m\"}" >&2'], warm_pool: {max: 0}, output: text}
  files: {command: [sh, -c, 'cp -R /in/. /out'], warm_pool: {max: 0}, files: {in: /in, out: /out}}
  waits: {command: [sleep, '300'], timeout: 5m, warm_pool: {max: 0}}
YAML
	mkdir "$skills/t-broken"
	echo 'schema_version: 9' >"$skills/t-broken/skill.yaml"
}

teardown() {
	stop_daemon
	gone t-openapi
}

@test "every path and status is as documented, and there are no others" {
	head -c 24 /dev/urandom | base64 >"$BATS_TEST_TMPDIR/token"
	chmod 600 "$BATS_TEST_TMPDIR/token"
	serve --concurrency 1 --queue 0 --max-body 64k --listen 127.0.0.1:0 \
		--token-file "$BATS_TEST_TMPDIR/token"
	address=$(sed -n 's|.*listening at http://||p' "$daemon_log")
	"$top/tests/fixtures/openapi.py" "$top/manifests/openapi.yaml" \
		"$socket" "$address" "$BATS_TEST_TMPDIR/token" "$daemon"
}

@test "the routes of the program are the paths of the document" {
	diff <(sed -n 's/.*{ *"\([A-Z]*\)", *"\(\/[^"]*\)" }.*/\1 \2/p' \
		<(tr -d '\n\t' <"$top/runner/serve/route.c" | sed 's/\[SBX/\n[SBX/g') |
		sort) \
		<(/usr/bin/python3 -c '
import sys, yaml
for path, item in yaml.safe_load(open(sys.argv[1]))["paths"].items():
    for method in item:
        if method != "parameters":
            print(method.upper(), path)' "$top/manifests/openapi.yaml" | sort)
}
