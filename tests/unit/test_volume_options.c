/* SPDX-License-Identifier: MIT */
#include "skill/volume_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

/*
 * What options make of a volume: a path of the host, nothing of this host, or
 * something that cannot be judged.
 */
static void test_device(void **state)
{
	static const struct {
		const char *options; /* JSON */
		const char *device;
		bool refused;
	} samples[] = {
		{ "null", NULL, false },
		{ "{}", NULL, false },
		{ "{\"type\": \"none\", \"o\": \"bind\", "
		  "\"device\": \"/srv\"}",
		  "/srv", false },
		{ "{\"o\": \"ro,rbind\", \"device\": \"/srv\"}", "/srv",
		  false },
		{ "{\"type\": \"tmpfs\", \"o\": \"size=1m\", "
		  "\"device\": \"tmpfs\"}",
		  NULL, false },
		{ "{\"type\": \"nfs\", \"o\": \"addr=192.0.2.1\", "
		  "\"device\": \":/export\"}",
		  NULL, false },
		{ "{\"type\": \"cifs\", \"device\": \"//192.0.2.1/x\"}", NULL,
		  false },
		{ "{\"type\": \"nfs4\", \"device\": \":/export\"}", NULL,
		  false },
		{ "{\"type\": \"nfs\", \"o\": \"bind\", "
		  "\"device\": \"/etc\"}",
		  "/etc", false },
		{ "{\"type\": \"ext4\", \"device\": \"/dev/sda1\"}", NULL,
		  true },
		{ "{\"type\": \"overlay\", \"o\": \"lowerdir=/etc:/x\", "
		  "\"device\": \"overlay\"}",
		  NULL, true },
		{ "{\"o\": \"bind\"}", NULL, true },
		{ "{\"o\": \"size=1m\"}", NULL, true },
		{ "{\"type\": \"none\"}", NULL, true },
		{ "{\"device\": \"/srv\"}", NULL, true },
		{ "{\"o\": \"sync\", \"device\": \"/srv\"}", NULL, true },
		{ "{\"o\": \"nobind,binder\", \"device\": \"/srv\"}", NULL,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *text =
			sbx_asprintf("{\"Options\": %s}", samples[i].options);
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *inspect = NULL;
		const char *device = "untouched";
		const char *type = "untouched";

		assert_int_equal(
			sbx_json_parse(text, strlen(text), &inspect, &err), 0);
		if (sbx_volume_options_judge(
			    "v", json_object_get(inspect, "Options"), &device,
			    &type, &err) != (samples[i].refused ? -1 : 0))
			fail_msg("%s", text);
		if (samples[i].refused) {
			assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
			assert_true(sbx_text_has_prefix(err.message,
							"volumes.never: "));
		} else if (samples[i].device) {
			assert_string_equal(device, samples[i].device);
			assert_null(type);
		} else {
			assert_null(device);
			assert_int_equal(!type, !strstr(text, "type"));
		}
	}
}

/* What a manifest, which is committed and sent around, must not have. */
static void test_secret(void **state)
{
	static const char *const secrets[] = {
		"password=x",	    "addr=192.0.2.1,password=x",
		"ro, password=x",   "passwd=x",
		"pass=x",	    "PASSWORD=x",
		"password2=x",	    "pass2=x",
		"credentials=/x",   "cred=/x",
		"username=me%x,ro", "user=me%x",
		"password",	    "ro,,password=x",
	};
	static const char *const fine[] = {
		"",	    "username=me",     "addr=192.0.2.1,ro",
		"sec=krb5", "nopassword=x",    "passwords=x",
		",",	    "file_mode=0600%", "pas=x",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(secrets); i++) {
		if (!sbx_volume_options_secret(secrets[i]))
			fail_msg("%s", secrets[i]);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fine); i++) {
		if (sbx_volume_options_secret(fine[i]))
			fail_msg("%s", fine[i]);
	}
}

static void test_same(void **state)
{
	json_auto_t *none = json_null();
	json_auto_t *empty = json_object();
	json_auto_t *a = json_pack("{s:s}", "type", "nfs");
	json_auto_t *b = json_pack("{s:s}", "type", "nfs");
	json_auto_t *c = json_pack("{s:s}", "type", "cifs");

	(void)state;
	assert_true(sbx_volume_options_same(NULL, none));
	assert_true(sbx_volume_options_same(none, empty));
	assert_true(sbx_volume_options_same(a, b));
	assert_false(sbx_volume_options_same(a, c));
	assert_false(sbx_volume_options_same(a, NULL));
	assert_false(sbx_volume_options_same(empty, a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
