/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_empty(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(10);
	cleanup_free char *taken = NULL;

	(void)state;
	assert_string_equal(sbx_buf_text(&buf), "");
	sbx_buf_consume(&buf, 5);
	assert_int_equal(buf.len, 0);
	taken = sbx_buf_take(&buf);
	assert_string_equal(taken, "");
}

/* What is over the maximum is left out, and that shows. */
static void test_maximum(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(5);

	(void)state;
	assert_int_equal(sbx_buf_append(&buf, "abc", 3), 3);
	assert_false(sbx_buf_puts(&buf, "def"));
	assert_string_equal(sbx_buf_text(&buf), "abcde");
	assert_int_equal(sbx_buf_append(&buf, "x", 1), 0);
	assert_true(sbx_buf_puts(&buf, ""));
	assert_int_equal(buf.len, 5);
}

/* There is a NUL behind the bytes, whatever they are and however many. */
static void test_terminated(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(100000);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(sbx_buf_append(&buf, "\0x", 2), 2);
		assert_int_equal(buf.data[buf.len], '\0');
	}
	assert_int_equal(buf.len, 6000);
	assert_memory_equal(buf.data + 5998, "\0x", 3);
}

static void test_printf(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(8);

	(void)state;
	assert_true(sbx_buf_printf(&buf, "%d-%s", 12, "ab"));
	assert_false(sbx_buf_printf(&buf, "%s", "12345"));
	assert_string_equal(sbx_buf_text(&buf), "12-ab123");
}

static void test_consume(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(10);

	(void)state;
	sbx_buf_puts(&buf, "abcdef");
	sbx_buf_consume(&buf, 2);
	assert_string_equal(sbx_buf_text(&buf), "cdef");
	sbx_buf_consume(&buf, 0);
	assert_int_equal(buf.len, 4);
	sbx_buf_consume(&buf, 100);
	assert_string_equal(sbx_buf_text(&buf), "");
	assert_true(sbx_buf_puts(&buf, "0123456789"));
}

static void test_take(void **state)
{
	cleanup_buf struct sbx_buf buf = SBX_BUF_INIT(10);
	cleanup_free char *taken = NULL;

	(void)state;
	sbx_buf_puts(&buf, "abc");
	taken = sbx_buf_take(&buf);
	assert_string_equal(taken, "abc");
	assert_string_equal(sbx_buf_text(&buf), "");
	assert_true(sbx_buf_puts(&buf, "new"));
	assert_string_equal(taken, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_terminated),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_consume),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
