/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/words.h"
#include "codec/json.h"

/* Words as a JSON array; NULL for what has no end. */
static void test_split(void **state)
{
	static const char *const samples[][2] = {
		{ "", "[]" },
		{ "  \t\n", "[]" },
		{ "a", "[\"a\"]" },
		{ " a  b\tc\n", "[\"a\", \"b\", \"c\"]" },
		{ "'a b'", "[\"a b\"]" },
		{ "a'b c'd", "[\"ab cd\"]" },
		{ "'' \"\"", "[\"\", \"\"]" },
		{ "\"a 'b'\" '\"'", "[\"a 'b'\", \"\\\"\"]" },
		{ "a\\ b \\'", "[\"a b\", \"'\"]" },
		{ "\"\\\\ \\\" \\$ \\` \\n\"", "[\"\\\\ \\\" $ ` \\\\n\"]" },
		{ "'\\'", "[\"\\\\\"]" },
		{ "$HOME * ~ #x; a|b", "[\"$HOME\", \"*\", \"~\", \"#x;\", "
				       "\"a|b\"]" },
		{ "'a", NULL },
		{ "\"a", NULL },
		{ "\"a\\\"", NULL },
		{ "a\\", NULL },
		{ "\"a\\", NULL },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_strv struct sbx_strv words = SBX_STRV_INIT;
		bool split = sbx_words_split(samples[i][0], &words);
		json_auto_t *array = sbx_json_strings(words.v);
		cleanup_free char *line = sbx_json_line(array);

		assert_int_equal(split, samples[i][1] != NULL);
		if (split)
			assert_string_equal(line, samples[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
