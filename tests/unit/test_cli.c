/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The commands' own tables hold together. */

static const struct sbx_command *const commands[] = {
	&sbx_cmd_build,	  &sbx_cmd_check, &sbx_cmd_doctor,
	&sbx_cmd_inspect, &sbx_cmd_list,  &sbx_cmd_prune,
	&sbx_cmd_run,	  &sbx_cmd_test,  &sbx_cmd_version,
};

/* Every command's help fits a page 80 columns wide and has an example. */
static void test_help_of_every_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++) {
		struct sbx_buf out = SBX_BUF_INIT(64 * 1024);
		size_t size;

		sbx_cli_describe(commands[i], &out);
		for (const char *line = sbx_buf_text(&out); *line;
		     line += size + 1) {
			size = strcspn(line, "\n");
			assert_in_range(size, 0, 80);
		}
		assert_non_null(strstr(sbx_buf_text(&out), "examples:\n  "));
		sbx_buf_free(&out);
	}
}

/* A short name means one thing, whatever command and globals it is for. */
static void test_letters_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++) {
		const struct sbx_option *option = commands[i]->options;
		char seen[64] = "h";

		for (; option && option->name; option++) {
			if (!option->letter)
				continue;
			assert_null(strchr(seen, option->letter));
			seen[strlen(seen)] = option->letter;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_of_every_command),
		cmocka_unit_test(test_letters_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
