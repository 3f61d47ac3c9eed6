/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Nothing an action writes reaches a terminal unescaped, and a character
 * that comes in parts is still one character; a pipe gets every byte as is.
 */

static void test_incomplete(void **state)
{
	static const struct {
		const char *text;
		size_t size;
	} samples[] = {
		{ "", 0 },
		{ "abc", 0 },
		{ "a\xc3", 1 },
		{ "a\xc3\xa4", 0 },
		{ "\xe2", 1 },
		{ "\xe2\x82", 2 },
		{ "\xe2\x82\xac", 0 },
		{ "\xf0\x9f\x98", 3 },
		{ "\xf0\x9f\x98\x80", 0 },
		{ "\x80\x80\x80\x80", 0 }, /* can begin nothing */
		{ "\xff", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		assert_int_equal(sbx_term_incomplete(samples[i].text,
						     strlen(samples[i].text)),
				 samples[i].size);
}

/* What the stream makes of @parts (NULL-terminated), in @out. */
static void stream(bool escape, const char *const *parts, char *out,
		   size_t room)
{
	struct sbx_term_stream to;
	int fds[2];
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	sbx_term_stream_init(&to, fds[1]);
	assert_false(to.escape);
	to.escape = escape;
	for (; *parts; parts++)
		sbx_term_stream_write(&to, *parts, strlen(*parts));
	sbx_term_stream_end(&to);
	close(fds[1]);
	got = read(fds[0], out, room - 1);
	assert_true(got >= 0);
	out[got] = '\0';
	assert_false(to.failed);
	close(fds[0]);
}

static void test_stream(void **state)
{
	static const char *const parts[] = { "a\x1b[31m\n", "\xe2\x82",
					     "\xac\xe2", "x\xe2", NULL };
	char out[256];

	(void)state;
	stream(false, parts, out, sizeof(out));
	assert_string_equal(out, "a\x1b[31m\n\xe2\x82\xac\xe2x\xe2");
	stream(true, parts, out, sizeof(out));
	assert_string_equal(out, "a\\x1b[31m\n\xe2\x82\xac\\xe2x\\xe2\n");
}

/* On a terminal what is said next begins a line, and only there. */
static void test_last_line(void **state)
{
	static const char *const ended[] = { "a", "b\n", NULL };
	static const char *const open[] = { "a\n", "b", NULL };
	static const char *const empty[] = { "", NULL };
	char out[256];

	(void)state;
	stream(true, ended, out, sizeof(out));
	assert_string_equal(out, "ab\n");
	stream(true, open, out, sizeof(out));
	assert_string_equal(out, "a\nb\n");
	stream(false, open, out, sizeof(out));
	assert_string_equal(out, "a\nb");
	stream(true, empty, out, sizeof(out));
	assert_string_equal(out, "");
}

/* What a message quotes can neither be a message nor move the cursor. */
static void test_error(void **state)
{
	int keep = dup(STDERR_FILENO);
	char out[256];
	ssize_t got;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	sbx_term_error("%s", "a\tb\x1b[1m\nskillbox: c\n\r\n");
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(fds[1]);
	got = read(fds[0], out, sizeof(out) - 1);
	close(fds[0]);
	assert_true(got > 0);
	out[got] = '\0';
	assert_string_equal(out, "skillbox: a\tb\\x1b[1m\n"
				 "  skillbox: c\n"
				 "  \\x0d\n");
}

/* A reader that went away is told by the flag, not by a crash. */
static void test_failed_write(void **state)
{
	struct sbx_term_stream to;

	(void)state;
	sbx_term_stream_init(&to, -1);
	sbx_term_stream_write(&to, "x", 1);
	assert_true(to.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_last_line),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_failed_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
