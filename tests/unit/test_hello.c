/* SPDX-License-Identifier: MIT */
/*
 * Every single fact about the process that would be wrong is refused by its
 * name, and a report that is none ends the sandbox.
 */
#include "sandbox/hello.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hello_report.h"

/* --- facts about the process ----------------------------------------------- */

#define ZEROS "0000000000000000"

static const struct fault faults[] = {
	{ STATUS, "Uid:\t200001", "Uid:\t0",
	  "sandbox.uid: 0, expected 200001" },
	{ STATUS, "200001\t200001\t200001\t200001", "200001\t0\t200001\t200001",
	  "sandbox.uid: 0" },
	{ STATUS, "200001\t200001\t200001\t200001", "200001\t200001\t0\t200001",
	  "sandbox.uid: 0" },
	{ STATUS, "200001\t200001\t200001\t200001", "200001\t200001\t200001\t0",
	  "sandbox.uid: 0" },
	{ STATUS, "Gid:\t200002", "Gid:\t6", "sandbox.gid: 6" },
	{ STATUS, "200002\t200002\t200002\t200002", "200002\t6\t200002\t200002",
	  "sandbox.gid: 6" },
	{ STATUS, "200002\t200002\t200002\t200002", "200002\t200002\t6\t200002",
	  "sandbox.gid: 6" },
	{ STATUS, "200002\t200002\t200002\t200002", "200002\t200002\t200002\t6",
	  "sandbox.gid: 6" },
	{ STATUS, "Groups:\t200002 \n", "Groups:\t6 200002 \n",
	  "sandbox.groups: supplementary group 6, expected none" },
	{ STATUS, "Groups:\t200002 \n", "Groups:\t200002 6\n",
	  "sandbox.groups: supplementary group 6" },
	{ STATUS, "\nPid:\t1", "\nPid:\t7", "sandbox.pid_namespace: " },
	{ STATUS, "CapInh:\t" ZEROS, "CapInh:\t0000000000000400",
	  "sandbox.capabilities: CapInh: 0000000000000400, expected " ZEROS },
	{ STATUS, "CapPrm:\t" ZEROS, "CapPrm:\t0000000000000001",
	  "sandbox.capabilities: CapPrm: " },
	{ STATUS, "CapEff:\t" ZEROS, "CapEff:\t0000000000000001",
	  "sandbox.capabilities: CapEff: " },
	{ STATUS, "CapBnd:\t" ZEROS, "CapBnd:\t00000000a80425fb",
	  "sandbox.capabilities: CapBnd: " },
	{ STATUS, "CapAmb:\t" ZEROS, "CapAmb:\t0000000000000001",
	  "sandbox.capabilities: CapAmb: " },
	{ STATUS, "NoNewPrivs:\t1", "NoNewPrivs:\t0",
	  "sandbox.no_new_privileges: " },
	{ STATUS, "Seccomp:\t2", "Seccomp:\t0", "sandbox.seccomp: " },
	{ STATUS, "Seccomp:\t2", "Seccomp:\t1", "sandbox.seccomp: " },
	{ LIMITS, "4096  ", "4097  ",
	  "sandbox.nofile: hard limit 4097, expected at most 4096" },
	{ LIMITS, "4096  ", "unlimited  ", "sandbox.nofile: " },
};

static void test_each_wrong_fact_is_refused(void **state)
{
	check_faults(state, faults, SBX_ARRAY_SIZE(faults), SBX_OUTCOME_DENIED);
}

static void test_nofile_that_nobody_asked_about(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[LIMITS], "4096  ", "unlimited  ");
	assert_refused(f, SBX_OUTCOME_DENIED, "sandbox.nofile: ");
	f->expected.nofile = 0;
	assert_int_equal(check(f), 0);
}

/* --- another init ---------------------------------------------------------- */

static void test_other_build(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[BUILD], "abcdef", "abcdee");
	assert_int_equal(check(f), SBX_HELLO_OTHER_BUILD);
	change(&f->sections[BUILD], "abcdee", "abcdef0");
	assert_int_equal(check(f), SBX_HELLO_OTHER_BUILD);
}

/* It may report in another way altogether. */
static void test_other_version_is_another_build(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[BUILD], "4 ", "2 ");
	change(&f->sections[STATUS], "Uid:", "uid:");
	assert_int_equal(check(f), SBX_HELLO_OTHER_BUILD);
}

/* --- what makes no sense --------------------------------------------------- */

#define SENSELESS "init's report makes no sense: "

static const struct fault nonsense[] = {
	{ STATUS, "\nUid:", "\nuid:", SENSELESS },
	{ STATUS, "\nGid:", "\ngid:", SENSELESS },
	{ STATUS, "\nGroups:", "\ngroups:", SENSELESS },
	{ STATUS, "\nPid:", "\npid:", SENSELESS },
	{ STATUS, "\nCapAmb:", "\ncapAmb:", SENSELESS },
	{ STATUS, "\nNoNewPrivs:", "\nnoNewPrivs:", SENSELESS },
	{ STATUS, "\nSeccomp:", "\nseccomp:", SENSELESS },
	{ STATUS, "200001\t200001\t200001\t200001", "200001\t200001\t200001",
	  SENSELESS },
	{ STATUS, "200001\t200001\t200001\t200001",
	  "200001\t200001\t200001\t200001\t200001", SENSELESS },
	{ STATUS, "Uid:\t200001", "Uid:\t+200001", SENSELESS },
	{ STATUS, "Uid:\t200001", "Uid:\t18446744073709751617", SENSELESS },
	{ STATUS, "Groups:\t200002 \n", "Groups:\troot \n", SENSELESS },
	{ MOUNTS, "0:40 / /", "0-40 / /", SENSELESS },
	{ MOUNTS, "0:40 / /", "x:40 / /", SENSELESS },
	{ MOUNTS, " - proc proc rw", " proc proc rw", SENSELESS },
	{ MOUNTS, " - proc proc rw", " - proc", SENSELESS },
	{ MOUNTS, " /etc/hosts ", " etc/hosts ", SENSELESS },
	{ MOUNTS, " /etc/hosts ", " /etc/\\000hosts ", SENSELESS },
	{ TARGETS, "40 10960913 0 0 40755 /\n", "", SENSELESS },
	{ TARGETS, "43 1 0 0 40555 /proc\n", "43 1 0 0 40555 /prod\n",
	  SENSELESS },
	{ TARGETS, "43 1 0 0 40555 /proc\n", "43 1 0 0 40955 /proc\n",
	  SENSELESS },
	{ TARGETS, "43 1 0 0 40555 /proc\n", "43 1 0 0 /proc\n", SENSELESS },
	{ TARGETS, "43 1 0 0 40555 /proc\n", "- /proc\n", SENSELESS },
	{ TARGETS, "- 13 /sys/firmware\n", "", SENSELESS },
	{ TARGETS, "- 13 /sys/firmware\n", "- 13 /sys\n", SENSELESS },
	{ TARGETS, "- 13 /sys/firmware\n", "- 13 /sys/firmware\n- 13 /x\n",
	  SENSELESS },
	{ LIMITS, "Max open", "max open", SENSELESS },
	{ LIMITS, "1024                 4096", "1024", SENSELESS },
	/* nothing is read behind the last line */
	{ LIMITS,
	  "Max open files            1024                 4096                 "
	  "files     \n",
	  "Max", SENSELESS },
	{ LIMITS,
	  "files            1024                 4096                 "
	  "files     \n",
	  "files  ", SENSELESS },
};

static void test_nonsense_is_a_failed_sandbox(void **state)
{
	check_faults(state, nonsense, SBX_ARRAY_SIZE(nonsense),
		     SBX_OUTCOME_SANDBOX_FAILED);
}

/* What is not where the build belongs does not tell of another build. */
static void test_build_in_another_section(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[BUILD], "abcdef", "abcdee");
	pack(f);
	f->payload.data[0] = SBX_WIRE_HELLO_STATUS;
	assert_int_equal(verdict(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
}

/* Cut anywhere it is no report: never sound, never read beyond its end. */
static void test_report_that_is_cut_short(void **state)
{
	struct fixture *f = *state;
	size_t whole;

	pack(f);
	whole = f->payload.len;
	for (size_t size = 0; size < whole; size++) {
		f->payload.len = size;
		assert_int_equal(verdict(f), -1);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	}
	f->payload.len = whole;
	assert_int_equal(verdict(f), 0);
	sbx_buf_puts(&f->payload, "x");
	assert_int_equal(verdict(f), -1);
}

static void test_sections_out_of_order(void **state)
{
	static const size_t offsets[] = { 0, 1, 2, 3 };
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(offsets); i++) {
		pack(f);
		f->payload.data[offsets[i]] ^= 4;
		assert_int_equal(verdict(f), -1);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	}
}

/* Any byte turned into another: a verdict, whatever it is, and no harm. */
static void test_any_byte_may_be_wrong(void **state)
{
	static const char others[] = { 0, '\n', ' ', '0', '9', '\\', -1 };
	struct fixture *f = *state;

	pack(f);
	for (size_t i = 0; i < f->payload.len; i++) {
		char byte = f->payload.data[i];

		for (size_t j = 0; j < sizeof(others); j++) {
			f->payload.data[i] = others[j];
			assert_in_range(verdict(f) + 1, 0, 2);
		}
		f->payload.data[i] = byte;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_wrong_fact_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_nofile_that_nobody_asked_about, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_build, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_other_version_is_another_build, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_nonsense_is_a_failed_sandbox, setup, teardown),
		cmocka_unit_test_setup_teardown(test_build_in_another_section,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_report_that_is_cut_short,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_sections_out_of_order,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_byte_may_be_wrong,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
