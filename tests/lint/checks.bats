#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The checks of this folder can fail: each rule is broken once.

setup() {
	tree=$BATS_TEST_TMPDIR/runner
	mkdir -p "$tree"/{base,engine,sandbox,cli,init}
	source_file base/error.h
	source_file base/error.c '#include "base/error.h"'
	source_file engine/http.h '#include "base/error.h"'
	source_file engine/http.c '#include "engine/http.h"'
	source_file init/wire.h
	source_file init/spawn.h
	source_file init/main.c '#include "init/spawn.h"' \
		'#include "init/wire.h"' '#include "init/build_id.h"'
	source_file sandbox/channel.c '#include "engine/http.h"' \
		'#include "init/wire.h"' '#include "init/build_id.h"'
}

# source_file NAME LINE...: a source that is right but for what LINEs say
source_file() {
	printf '%s\n' '/* SPDX-License-Identifier: MIT */' "${@:2}" >"$tree/$1"
}

# expect_problem CHECK TEXT: CHECK fails, and TEXT is all it has to say
expect_problem() {
	run "$BATS_TEST_DIRNAME/$1" "${@:3}" "$tree"
	echo "$output"
	[ "$status" -eq 1 ]
	[ "$output" = "$2" ]
}

layers_fail() {
	expect_problem check-layers "$1"
}

style_fails() {
	expect_problem check-style "$1" ""
}

@test "a tree that keeps the rules passes" {
	"$BATS_TEST_DIRNAME/check-layers" "$tree"
	"$BATS_TEST_DIRNAME/check-style" "" "$tree"
}

@test "upward include" {
	source_file base/error.c '#include "base/error.h"' \
		'#  include	"engine/http.h"'
	layers_fail 'base/error.c: upward include of "engine/http.h"'
}

@test "init sees nothing of the others" {
	source_file init/main.c '#include "base/error.h"'
	layers_fail 'init/main.c: init must not see "base/error.h"'
}

@test "the others see nothing of init but its wire format" {
	source_file sandbox/channel.c '#include "init/spawn.h"'
	layers_fail 'sandbox/channel.c: "init/spawn.h" is private to init'
}

@test "below sandbox even the wire format is out of sight" {
	source_file engine/http.c '#include "engine/http.h"' \
		'#include "init/wire.h"'
	layers_fail 'engine/http.c: "init/wire.h" is for sandbox and up'
}

@test "an include that does not name its layer" {
	source_file cli/main.c '#include "error.h"'
	layers_fail 'cli/main.c: "error.h" does not name its layer'
}

@test "an include of what is not there" {
	source_file cli/main.c '#include "base/gone.h"'
	layers_fail 'cli/main.c: "base/gone.h" does not exist'
}

@test "own header not first" {
	source_file engine/http.c '#include "base/error.h"' \
		'#include "engine/http.h"'
	layers_fail 'engine/http.c: "engine/http.h" must be the first include'
}

@test "include cycle, through sources as well" {
	source_file engine/http.c '#include "engine/http.h"' \
		'#include "engine/stream.h"'
	source_file engine/stream.h '#include "engine/engine.h"'
	source_file engine/engine.h '#include "engine/http.h"'
	layers_fail \
		"include cycle: engine/engine <-> engine/http <-> engine/stream"
}

@test "a folder that is no layer" {
	mkdir "$tree/util"
	source_file util/misc.c
	layers_fail 'util/misc.c: there is no layer util'
}

@test "no licence" {
	echo 'int sbx_x;' >"$tree/base/error.c"
	style_fails \
		'base/error.c:1: must open with /* SPDX-License-Identifier: MIT */'
}

@test "a file that is too long" {
	yes '' | head -n 600 >>"$tree/base/error.c"
	style_fails 'base/error.c: 602 lines, at most 600: split it'
}

@test "a function that has no bound, but not its name in a comment" {
	source_file base/error.c '/* strcpy(a, b) */' \
		'	puts("strcpy(a, b)");' '	my_strcpy(a, b);' \
		'	strcpy (a, b);'
	style_fails \
		'base/error.c:5: strcpy: no bound; sbx_strdup or a buffer'
}

@test "a visible name that is not ours" {
	cd "$BATS_TEST_TMPDIR"
	echo 'int sbx_fine; static int hidden; int loud(void) { return hidden; }' >a.c
	cc -c a.c
	ar rcs lib.a a.o
	expect_problem check-style \
		'lib.a:a.o: loud: visible names begin with sbx_' lib.a
}
