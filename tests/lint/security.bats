#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # what stands in backticks is no command
#
# SECURITY.md claims nothing without a test, and each test it names is there.

bats_require_minimum_version 1.5.0

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# missing DOCUMENT: the tests it names, as `FILE: NAME`, that are not there
missing() {
	grep -oE '`tests/[^`]+: [^`]+`' "$1" | tr -d '`' | sort -u |
		while IFS= read -r claim; do
			file=$top/${claim%%: *} name=${claim#*: }
			case $file in
			*.bats) line="@test \"$name\" {" ;;
			*) line="static void $name(void **state)" ;;
			esac
			grep -qsxF "$line" "$file" || echo "$claim"
		done
}

@test "every test that SECURITY.md names is there" {
	run -0 missing "$top/SECURITY.md"
	echo "$output"
	[ -z "$output" ]
}

@test "every claim of SECURITY.md names a test" {
	run -1 awk -F '|' '
		/^## / { defended = /What is defended/ }
		defended && /^\| / && !/^\| claim / && $3 !~ /`tests\// {
			print
			found = 1
		}
		END { exit !found }' "$top/SECURITY.md"
}

@test "a test that is not there, or no longer, is noticed" {
	printf '%s\n' '`tests/lint/security.bats: every claim of SECURITY.md names a test`' \
		'`tests/lint/security.bats: no such test`' \
		'`tests/unit/gone.c: test_it`, `tests/unit/test_spec.c: test_home`' \
		'`tests/unit/test_spec.c: test_hom`' >"$BATS_TEST_TMPDIR/claims"
	run -0 missing "$BATS_TEST_TMPDIR/claims"
	echo "$output"
	[ "${lines[0]}" = 'tests/lint/security.bats: no such test' ]
	[ "${lines[1]}" = 'tests/unit/gone.c: test_it' ]
	[ "${lines[2]}" = 'tests/unit/test_spec.c: test_hom' ]
	[ "${#lines[@]}" -eq 3 ]
}
