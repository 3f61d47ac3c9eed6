/* SPDX-License-Identifier: MIT */
/*
 * What is in /dev is what every container has, and what was granted: by its
 * number, in its place, and nothing else.
 */
#include "sandbox/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hello_report.h"

static void test_what_was_granted(void **state)
{
	struct fixture *f = *state;

	if (check(f) != 0)
		fail_msg("%s", f->err.message);
	/* Whatever its mode and owner: those are the host's. */
	change(&f->sections[DEVICES], "229 c 600", "229 c 4666");
	assert_int_equal(check(f), 0);
	/* A node in the place of the link. */
	change(&f->sections[DEVICES], "1 3 c 666 /dev/null\n",
	       "1 3 c 666 /dev/null\n5 2 c 666 /dev/ptmx\n");
	assert_int_equal(check(f), 0);
}

static void test_nothing_granted(void **state)
{
	struct fixture *f = *state;

	f->expected.n_devices = 0;
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.devices: /dev/fuse (c 10:229) was not granted");
	change(&f->sections[DEVICES], "10 229 c 600 /dev/fuse\n", "");
	change(&f->sections[DEVICES], "226 0 c 660 /dev/dri/card\\0400\n", "");
	assert_int_equal(check(f), 0);
}

static const struct fault faults[] = {
	/* more than there should be, of whatever kind */
	{ DEVICES, "10 229", "10 200 c 666 /dev/net/tun\n10 229",
	  "sandbox.devices: /dev/net/tun (c 10:200) was not granted" },
	{ DEVICES, "10 229", "1 3 c 666 /dev/null2\n10 229",
	  "sandbox.devices: /dev/null2 (c 1:3) was not granted" },
	{ DEVICES, "10 229", "8 0 b 660 /dev/sda\n10 229",
	  "sandbox.devices: /dev/sda (b 8:0) was not granted" },
	{ DEVICES, "10 229", "0 0 s 666 /dev/log\n10 229",
	  "sandbox.devices: /dev/log (s 0:0) was not granted" },
	{ DEVICES, "10 229", "0 0 f 666 /dev/a\\033[2J\n10 229",
	  "sandbox.devices: /dev/a\\x1b[2J (f 0:0) was not granted" },
	{ DEVICES, "10 229", "195 0 c 666 /dev/nvidia0\n10 229",
	  "sandbox.devices: /dev/nvidia0 (c 195:0) was not granted" },
	{ DEVICES, "10 229", "136 0 c 620 /dev/console\n10 229",
	  "sandbox.devices: /dev/console (c 136:0) was not granted" },
	{ DEVICES, "10 229", "- 13 /dev/closed\n10 229",
	  "sandbox.devices: /dev/closed cannot be examined" },
	/* another one in the place of one that may be there */
	{ DEVICES, "1 3 c", "1 1 c",
	  "sandbox.devices: /dev/null (c 1:1) is another device" },
	{ DEVICES, "1 3 c", "8 3 c",
	  "sandbox.devices: /dev/null (c 8:3) is another device" },
	{ DEVICES, "1 3 c", "1 3 b",
	  "sandbox.devices: /dev/null (b 1:3) is another device" },
	{ DEVICES, "1 3 c", "0 0 f",
	  "sandbox.devices: /dev/null (f 0:0) is another device" },
	{ DEVICES, "5 0 c", "4 0 c",
	  "sandbox.devices: /dev/tty (c 4:0) is another device" },
	{ DEVICES, "10 229 c", "10 230 c",
	  "sandbox.devices: /dev/fuse (c 10:230) is another device" },
	{ DEVICES, "10 229 c", "11 229 c",
	  "sandbox.devices: /dev/fuse (c 11:229) is another device" },
	{ DEVICES, "10 229 c", "10 229 b",
	  "sandbox.devices: /dev/fuse (b 10:229) is another device" },
	{ DEVICES, "10 229", "5 1 c 666 /dev/ptmx\n10 229",
	  "sandbox.devices: /dev/ptmx (c 5:1) is another device" },
	{ DEVICES, "10 229 c 600 /dev/fuse", "- 13 /dev/fuse",
	  "sandbox.devices: /dev/fuse cannot be examined" },
	{ DEVICES, "/dev/fuse\n", "/dev/fuse\n- 13 /dev/fuse\n",
	  "sandbox.devices: /dev/fuse cannot be examined" },
	/* less than there should be */
	{ DEVICES, "1 3 c 666 /dev/null\n", "",
	  "sandbox.devices: there is no /dev/null" },
	{ DEVICES, "1 5 c 666 /dev/zero\n", "",
	  "sandbox.devices: there is no /dev/zero" },
	{ DEVICES, "1 7 c 666 /dev/full\n", "",
	  "sandbox.devices: there is no /dev/full" },
	{ DEVICES, "1 8 c 666 /dev/random\n", "",
	  "sandbox.devices: there is no /dev/random" },
	{ DEVICES, "1 9 c 666 /dev/urandom\n", "",
	  "sandbox.devices: there is no /dev/urandom" },
	{ DEVICES, "5 0 c 666 /dev/tty\n", "",
	  "sandbox.devices: there is no /dev/tty" },
	{ DEVICES, "10 229 c 600 /dev/fuse\n", "",
	  "sandbox.devices: there is no /dev/fuse" },
	{ DEVICES, "226 0 c 660 /dev/dri/card\\0400\n", "",
	  "sandbox.devices: there is no /dev/dri/card 0" },
};

static void test_each_difference_is_refused(void **state)
{
	check_faults(state, faults, SBX_ARRAY_SIZE(faults), SBX_OUTCOME_DENIED);
}

#define SENSELESS "init's report makes no sense: a device's facts"

static const struct fault nonsense[] = {
	{ DEVICES, "1 3 c", "x 3 c", SENSELESS },
	{ DEVICES, "1 3 c", "1 x c", SENSELESS },
	{ DEVICES, "1 3 c", "1 3", SENSELESS },
	{ DEVICES, "1 3 c", "1 3 cc", SENSELESS },
	{ DEVICES, "c 666 /dev/null", "c 888 /dev/null", SENSELESS },
	{ DEVICES, "c 666 /dev/null", "c 666 dev/null", SENSELESS },
	{ DEVICES, "c 666 /dev/null", "c 666", SENSELESS },
	{ DEVICES, "10 229 c 600 /dev/fuse", "- /dev/fuse", SENSELESS },
	{ DEVICES, "10 229 c 600 /dev/fuse", "- 13 fuse", SENSELESS },
	{ DEVICES, "10 229 c 600 /dev/fuse", "", SENSELESS },
};

static void test_nonsense_is_a_failed_sandbox(void **state)
{
	check_faults(state, nonsense, SBX_ARRAY_SIZE(nonsense),
		     SBX_OUTCOME_SANDBOX_FAILED);
}

/* Which nodes a driver makes is its own affair, within bounds. */
static void test_gpus(void **state)
{
	static const struct {
		const char *line;
		const char *refusal;
	} samples[] = {
		{ "195 0 c 666 /dev/nvidia0", NULL },
		{ "195 255 c 666 /dev/nvidiactl", NULL },
		{ "508 1 c 444 /dev/nvidia-caps/nvidia-cap1", NULL },
		{ "226 128 c 660 /dev/dri/renderD128", NULL },
		{ "242 0 c 660 /dev/kfd", NULL },
		{ "10 63 c 666 /dev/dxg", NULL },
		{ "195 0 b 666 /dev/nvidia0", "/dev/nvidia0 (b 195:0) is no" },
		{ "1 1 c 666 /dev/nvidia0", "/dev/nvidia0 (c 1:1) is no GPU" },
		{ "4294967491 1 c 666 /dev/nvidia0", "/dev/nvidia0 (c 429" },
		{ "195 4294967297 c 666 /dev/nvidia0", "/dev/nvidia0 (c 195" },
		{ "195 0 c 666 /dev/other", "/dev/other (c 195:0) was not" },
		{ "226 0 c 666 /dev/dri/a/b", "/dev/dri/a/b (c 226:0) was" },
		{ "195 0 c 666 /dev/a/nvidia0", "/dev/a/nvidia0 (c 195:0) " },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct fixture *f = *state;
		struct sbx_buf *section = &f->sections[DEVICES];
		cleanup_free char *message =
			sbx_asprintf("sandbox.devices: %s", samples[i].refusal);

		f->expected.gpus = true;
		sbx_buf_printf(section, "%s\n", samples[i].line);
		if (samples[i].refusal)
			assert_refused(f, SBX_OUTCOME_DENIED, message);
		else if (check(f) != 0)
			fail_msg("%s: %s", samples[i].line, f->err.message);
		teardown(state);
		setup(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_what_was_granted),
		TEST(test_nothing_granted),
		TEST(test_each_difference_is_refused),
		TEST(test_nonsense_is_a_failed_sandbox),
		TEST(test_gpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
