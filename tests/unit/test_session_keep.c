/* SPDX-License-Identifier: MIT */
#include "sandbox/session_keep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "secret/memory.h"

static void add_secret(struct sbx_secrets *secrets, const char *name,
		       const void *value, size_t size)
{
	cleanup_secret unsigned char *memory = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_secret_alloc(&memory, size, &err), 0);
	memcpy(memory, value, size);
	sbx_secrets_set(secrets, name, &memory, size);
}

/* Two of each, one with any bytes in it. */
static size_t sample(unsigned char **out)
{
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
	cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	size_t size;

	sbx_strv_push(&env, "A=1");
	sbx_strv_push(&env, "B=");
	add_secret(&secrets, "TOKEN", "t", 1);
	add_secret(&secrets, "KEY", "\0\xff\n", 3);
	assert_int_equal(
		sbx_session_keep_encode(&env, &secrets, out, &size, &err), 0);
	return size;
}

static int decode(const unsigned char *data, size_t size, struct sbx_strv *env,
		  struct sbx_secrets *secrets)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_session_keep_decode(data, size, env, secrets, &err);

	if (result < 0)
		assert_int_equal(err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	return result;
}

static void test_comes_back(void **state)
{
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
	cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
	cleanup_secret unsigned char *data = NULL;
	size_t size = sample(&data);

	(void)state;
	assert_int_equal(decode(data, size, &env, &secrets), 0);
	assert_int_equal(env.n, 2);
	assert_string_equal(env.v[0], "A=1");
	assert_string_equal(env.v[1], "B=");
	assert_int_equal(secrets.n, 2);
	assert_int_equal(sbx_secrets_find(&secrets, "TOKEN")->size, 1);
	assert_int_equal(sbx_secrets_find(&secrets, "KEY")->size, 3);
	assert_memory_equal(sbx_secrets_find(&secrets, "KEY")->value,
			    "\0\xff\n", 3);
}

static void test_nothing(void **state)
{
	static const struct sbx_strv none;
	static const struct sbx_secrets no_secrets;
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
	cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
	cleanup_secret unsigned char *data = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t size;

	(void)state;
	assert_int_equal(
		sbx_session_keep_encode(&none, &no_secrets, &data, &size, &err),
		0);
	assert_int_equal(decode(data, size, &env, &secrets), 0);
	assert_int_equal(env.n + secrets.n, 0);
}

/* It comes from a sandbox: whatever of it is cut, or too much, is refused. */
static void test_any_part_of_it(void **state)
{
	cleanup_secret unsigned char *data = NULL;
	size_t size = sample(&data);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
		cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
		cleanup_free unsigned char *part = sbx_malloc(i + 1);

		memcpy(part, data, i);
		assert_int_equal(decode(part, i, &env, &secrets), -1);
	}
}

/* No byte of it that is wrong does harm; the sanitizers say what that is. */
static void test_any_byte_of_it(void **state)
{
	cleanup_secret unsigned char *data = NULL;
	size_t size = sample(&data);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		for (int value = 0; value < 256; value += 15) {
			cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
			cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
			cleanup_free unsigned char *copy = sbx_malloc(size);

			memcpy(copy, data, size);
			copy[i] = (unsigned char)value;
			decode(copy, size, &env, &secrets);
		}
	}
}

static void test_what_cannot_be(void **state)
{
	static const struct {
		const char *data;
		size_t size;
	} samples[] = {
#define SAMPLE(text) { text, sizeof(text) - 1 }
		SAMPLE("\1\0\0\0\0\0\0\0no equals sign\0"),
		SAMPLE("\0\0\0\0\1\0\0\0not a name\0\1\0\0\0x"),
		SAMPLE("\0\0\0\0\1\0\0\0NAME\0\0\0\0\0"),
		SAMPLE("\0\0\0\0\1\0\0\0NAME\0\xff\xff\xff\xffx"),
		SAMPLE("\0\0\0\0\0\0\0\0x"),
		SAMPLE("\xff\xff\xff\xff\0\0\0\0"),
#undef SAMPLE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
		cleanup_secrets struct sbx_secrets secrets = { .n = 0 };

		assert_int_equal(decode((const unsigned char *)samples[i].data,
					samples[i].size, &env, &secrets),
				 -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_any_part_of_it),
		cmocka_unit_test(test_any_byte_of_it),
		cmocka_unit_test(test_what_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
