/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"

/* Digits to the last but one byte, and nothing beyond the NUL. */
static void test_fills(void **state)
{
	static const size_t sizes[] = { 3, 17, 65 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char out[66];

		memset(out, 'x', sizeof(out));
		sbx_random_hex(out, sizes[i]);
		assert_int_equal(strspn(out, "0123456789abcdef"), sizes[i] - 1);
		assert_int_equal(out[sizes[i] - 1], '\0');
		assert_int_equal(out[sizes[i]], 'x');
	}
}

static void test_differs(void **state)
{
	char a[33];
	char b[33];

	(void)state;
	sbx_random_hex(a, sizeof(a));
	sbx_random_hex(b, sizeof(b));
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills),
		cmocka_unit_test(test_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
