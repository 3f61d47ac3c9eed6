/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "sandbox/sources.h"

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
		{ "{\"type\": \"nfs\", \"o\": \"bind\", "
		  "\"device\": \"/etc\"}",
		  "/etc", false },
		{ "{\"type\": \"ext4\", \"device\": \"/dev/sda1\"}", NULL,
		  true },
		{ "{\"type\": \"overlay\", \"o\": \"lowerdir=/etc:/x\", "
		  "\"device\": \"overlay\"}",
		  NULL, true },
		{ "{\"o\": \"bind\"}", NULL, true },
		{ "{\"device\": \"/srv\"}", NULL, true },
		{ "{\"o\": \"nobind,binder\", \"device\": \"/srv\"}", NULL,
		  true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *text =
			sbx_asprintf("{\"Name\": \"v\", \"Options\": %s}",
				     samples[i].options);
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *inspect = NULL;
		const char *device = "untouched";

		assert_int_equal(
			sbx_json_parse(text, strlen(text), &inspect, &err), 0);
		if (sbx_sources_device(inspect, &device, &err) !=
		    (samples[i].refused ? -1 : 0))
			fail_msg("%s", text);
		if (samples[i].refused) {
			assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
			assert_true(sbx_text_has_prefix(err.message,
							"volumes.never: "));
		} else if (samples[i].device) {
			assert_string_equal(device, samples[i].device);
		} else {
			assert_null(device);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
