#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What runs the tests can fail: a program that mishandles its memory is found
# out, also where a test wants nothing better than that it fails.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
harness=$top/tests/harness

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cat >program.c <<'C'
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	char *data = calloc(1, 8);
	int leak = strcmp(argv[1], "leak") == 0;
	int overrun = strcmp(argv[1], "overrun") == 0;
	if (strcmp(argv[1], "shift") == 0)
		data[0] = (char)(1 << (argc + 40));
	if (data[overrun ? argc + 6 : 0] && !leak)
		return 2;
	if (leak)
		data = NULL;
	free(data);
	return 1;
}
C
}

# shellcheck disable=SC2016 # the test is to expand it
# Sets $status and $output: a test of the program with $1, which has to fail.
tapped() {
	printf '%s\n' '@test "it fails" {' "run '$program' $1" \
		'[ "$status" -ne 0 ]' '}' >expects.bats
	run env -u SBX_TEST_TALLY "$harness/tap" "$PWD/expects.bats"
	echo "$output"
}

@test "what ASan, LSan and UBSan report is a failure of the test" {
	cc -g -fsanitize=address,undefined -fno-sanitize-recover=all \
		-static-libasan -static-libubsan -o program program.c
	program=$PWD/program
	tapped fine
	[ "$status" -eq 0 ]
	grep -q '^1\.\.2$' <<<"$output"
	grep -q '^ok 2 - nothing for sanitizers to report$' <<<"$output"
	for fault in leak overrun shift; do
		tapped "$fault"
		grep -q '^ok 1 ' <<<"$output"
		grep -q '^not ok 2 - nothing for sanitizers' <<<"$output"
		grep -q '^# .*program\.c:' <<<"$output"
	done
}

@test "what TSan reports is a failure of the test" {
	cat >program.c <<-'C'
		#include <pthread.h>
		#include <string.h>

		static int n;

		static void *count(void *ctx)
		{
			n++;
			return ctx;
		}

		int main(int argc, char **argv)
		{
			pthread_t thread;

			pthread_create(&thread, NULL, count, NULL);
			if (argc > 1 && !strcmp(argv[1], "race"))
				n++;
			pthread_join(thread, NULL);
			return n != 0;
		}
	C
	cc -g -fsanitize=thread -pthread -o program program.c
	program=$PWD/program
	tapped fine
	grep -q '^ok 1 ' <<<"$output"
	grep -q '^ok 2 - nothing for sanitizers to report$' <<<"$output"
	tapped race
	grep -q '^not ok 2 - nothing for sanitizers' <<<"$output"
	grep -q '^# .*program\.c:' <<<"$output"
}

@test "what valgrind reports is a failure of the test" {
	cc -g -o program program.c
	program=$harness/valgrind
	export SBX_VALGRIND_PROGRAM=$PWD/program SBX_VALGRIND_TALLY=$PWD/tally
	tapped fine
	grep -q '^ok 2 - nothing for sanitizers to report$' <<<"$output"
	run -0 "$harness/valgrind-tally" sum
	[ "$output" = \
		'1 processes under valgrind, 0 of them with something to report' ]
	for fault in leak overrun; do
		tapped "$fault"
		grep -q '^ok 1 ' <<<"$output"
		grep -q '^not ok 2 - nothing for sanitizers' <<<"$output"
	done
	run -1 "$harness/valgrind-tally" sum
	[[ $output == '3 processes under valgrind, 2 of them '* ]]
	# And where all went well because nothing was looked at.
	: >tally
	program=$PWD/program
	tapped fine
	run -1 "$harness/valgrind-tally" sum
	[[ $output == '0 processes '* ]]
}

# target NAME CONDITION: one that breaks on data for which CONDITION holds
target() {
	mkdir -p tree/build/fuzz/targets
	cat >"$1.c" <<C
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if ($2)
		abort();
	return 0;
}
C
	clang -fsanitize=fuzzer -o "tree/build/fuzz/targets/fuzz_$1" "$1.c"
}

# shellcheck disable=SC2016 # the script is to expand it
@test "a fuzz target that breaks, or has no seeds, is a failure" {
	# What is broken on purpose is not to be in this test's own reports.
	unset ASAN_OPTIONS UBSAN_OPTIONS
	mkdir -p tree/tests/fuzz
	cp "$top/tests/fuzz/run" tree/tests/fuzz/
	printf '%s\n' '#!/bin/sh' 'mkdir -p "$1/sound" "$1/broken"' \
		'echo a >"$1/sound/a"' 'echo a >"$1/broken/a"' \
		>tree/tests/fuzz/seeds
	chmod +x tree/tests/fuzz/seeds
	target sound 0
	target barren 0
	target broken "size > 1 && data[0] == 'b'"
	run -0 tree/tests/fuzz/run --seconds 1 sound
	grep -q '^ok 1 - sound' <<<"$output"
	run -1 tree/tests/fuzz/run --seconds 10 broken sound barren missing
	echo "$output"
	grep -q '^not ok 1 - broken' <<<"$output"
	grep -q '^ok 2 - sound' <<<"$output"
	grep -q '^not ok 3 - barren' <<<"$output"
	grep -q '^not ok 4 - missing' <<<"$output"
	[ -n "$(ls tree/build/fuzz/found)" ]
}
