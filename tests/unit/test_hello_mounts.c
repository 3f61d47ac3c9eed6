/* SPDX-License-Identifier: MIT */
/*
 * The mounts of a sandbox: those of a real container are sound, and each
 * single one that is not as it must be is refused.
 */
#include "sandbox/hello_mounts.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hello_report.h"

/* --- what is sound --------------------------------------------------------- */

static void test_a_real_container_is_sound(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(check(f), 0);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_OK);
}

struct variant {
	int section;
	const char *from;
	const char *to;
};

static const struct variant sound[] = {
	{ STATUS, "Groups:\t200002 \n", "Groups:\t \n" },
	{ STATUS, "Groups:\t200002 \n", "Groups:\t200002 200002 \n" },
	/* cgroup v2 */
	{ MOUNTS, "rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs rw,mode=755",
	  "ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup rw,nsdelegate" },
	/* Podman: devices of the host's, one by one */
	{ MOUNTS, "/null /proc/keys rw,nosuid - tmpfs tmpfs",
	  "/null /proc/keys rw,nosuid - devtmpfs udev" },
	{ MOUNTS, "/null /proc/keys", "/null /proc/timer\\040list" },
	{ MOUNTS, "/c/hosts /etc/hosts ro,relatime - ext4",
	  "/zero /dev/zero rw,nosuid - devtmpfs" },
	{ MOUNTS, "/ /sys/firmware ro,relatime - tmpfs tmpfs ro",
	  "/null /sys/firmware rw,nosuid - tmpfs tmpfs rw" },
	/* out of the action's sight, so out of init's */
	{ TARGETS, "48 1 0 0 41777 /tmp", "- 13 /tmp" },
	/* read-only by its superblock alone */
	{ MOUNTS, "/ / ro,relatime master:3 - overlay overlay rw",
	  "/ / rw,relatime master:3 - overlay overlay ro" },
	/* more and fewer optional fields, an empty source */
	{ MOUNTS, "master:3 - overlay overlay",
	  "shared:1 master:3 unbindable - overlay overlay" },
	{ MOUNTS, "- proc proc rw", "- proc  rw" },
	/* a volume's own options are the engine's business */
	{ MOUNTS, "cache rw,relatime", "cache rw,nosuid,nodev,noexec" },
	{ LIMITS, "4096  ", "1024  " },
};

static void change_target_of(struct fixture *f, const char *from,
			     const char *to)
{
	change(&f->sections[TARGETS], from, to);
}

static void test_other_engines_are_sound(void **state)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sound); i++) {
		struct fixture *f = *state;

		change(&f->sections[sound[i].section], sound[i].from,
		       sound[i].to);
		if (strstr(sound[i].to, "/dev/zero"))
			change_target_of(f, "/etc/hosts", "/dev/zero");
		if (strstr(sound[i].to, "timer"))
			change_target_of(f, "/proc/keys",
					 "/proc/timer\\040list");
		if (check(f) != 0)
			fail_msg("%s: %s", sound[i].to, f->err.message);
		teardown(state);
		setup(state);
	}
}

/* Where an engine may make no devices, it mounts the host's one by one. */
static void test_devices_over_their_own_names(void **state)
{
	static const char *const names[] = { "/null",	 "/zero", "/full",
					     "/urandom", "/tty",  "/random" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		struct fixture *f = *state;
		char line[64], target[64];

		snprintf(line, sizeof(line), "%s /dev%s rw", names[i],
			 names[i]);
		snprintf(target, sizeof(target), "/dev%s", names[i]);
		change(&f->sections[MOUNTS], "/c/hosts /etc/hosts ro", line);
		change(&f->sections[MOUNTS], ",relatime - ext4 /dev/vda rw\n",
		       " rw - devtmpfs udev rw\n");
		change(&f->sections[TARGETS], "/etc/hosts", target);
		if (check(f) != 0)
			fail_msg("%s: %s", names[i], f->err.message);
		teardown(state);
		setup(state);
	}
}

/* The same of one that was granted, and of GPUs, whose numbers HELLO has. */
static void test_devices_that_were_granted(void **state)
{
	static const struct {
		const char *root;
		const char *path;
		bool gpus;
		bool refused;
	} samples[] = {
		{ "/fuse", "/dev/fuse", false, false },
		{ "/card0", "/dev/dri/card\\0400", false, false },
		{ "/nvidia0", "/dev/nvidia0", true, false },
		{ "/nvidia0", "/dev/nvidia0", false, true },
		{ "/kvm", "/dev/kvm", true, true },
		{ "/null", "/dev/fuse", false, true },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct fixture *f = *state;
		char line[64];

		f->expected.gpus = samples[i].gpus;
		snprintf(line, sizeof(line), "%s %s rw", samples[i].root,
			 samples[i].path);
		change(&f->sections[MOUNTS], "/c/hosts /etc/hosts ro", line);
		change(&f->sections[MOUNTS], ",relatime - ext4 /dev/vda rw\n",
		       " rw - devtmpfs udev rw\n");
		change(&f->sections[TARGETS], "/etc/hosts", samples[i].path);
		if (samples[i].refused)
			assert_refused(f, SBX_OUTCOME_DENIED,
				       "sandbox.mounts: /dev/");
		else if (check(f) != 0)
			fail_msg("%s: %s", samples[i].path, f->err.message);
		teardown(state);
		setup(state);
	}
}

/* --- what is not ----------------------------------------------------------- */

static const struct fault faults[] = {
	/* the image's own file system, and mounts nobody asked for */
	{ MOUNTS, "/ / ro,relatime", "/ / rw,relatime",
	  "sandbox.mounts: / (overlay) is writable, expected read-only" },
	{ MOUNTS, "/etc/hosts ro,", "/etc/hosts rw,",
	  "sandbox.mounts: /etc/hosts (ext4) is writable" },
	{ MOUNTS, "/sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro",
	  "/sys rw,nosuid,nodev,noexec,relatime - sysfs sysfs rw",
	  "sandbox.mounts: /sys (sysfs) is writable" },
	{ MOUNTS, "/memory ro,", "/memory rw,",
	  "sandbox.mounts: /sys/fs/cgroup/memory (cgroup) is writable" },
	{ MOUNTS, "/proc/sys ro,", "/proc/sys rw,",
	  "sandbox.mounts: /proc/sys (proc) is writable" },
	{ MOUNTS, "/proc/acpi ro,relatime - tmpfs tmpfs ro",
	  "/proc/acpi rw,relatime - tmpfs tmpfs rw",
	  "sandbox.mounts: /proc/acpi (tmpfs) is writable" },

	/* "ro" must be a word of its own */
	{ MOUNTS, "/etc/hosts ro,", "/etc/hosts rw,errors=ro,nodev,",
	  "sandbox.mounts: /etc/hosts (ext4) is writable" },
	{ MOUNTS, "/etc/hosts ro,", "/etc/hosts rw,rox,",
	  "sandbox.mounts: /etc/hosts (ext4) is writable" },

	/* the kernel's own, each of another type or another part of it */
	{ MOUNTS, "relatime - proc proc rw", "relatime - ext4 proc rw",
	  "sandbox.mounts: /proc (ext4) is writable" },
	{ MOUNTS, "0:43 / /proc rw", "0:43 /sys /proc rw",
	  "sandbox.mounts: /proc (proc) is writable" },
	{ MOUNTS, "/dev rw,nosuid - tmpfs", "/dev rw,nosuid - devtmpfs",
	  "sandbox.mounts: /dev (devtmpfs) is writable" },
	{ MOUNTS, "- devpts", "- tmpfs",
	  "sandbox.mounts: /dev/pts (tmpfs) is writable" },
	{ MOUNTS, "- mqueue", "- ext4",
	  "sandbox.mounts: /dev/mqueue (ext4) is writable" },
	{ MOUNTS, "relatime - tmpfs tmpfs rw,mode=755",
	  "relatime - cgroup2 cgroup rw",
	  "sandbox.mounts: /sys/fs/cgroup (cgroup2) is writable" },
	{ TARGETS, "44 1 0 0 40755 /dev\n", "44 1 200001 0 40755 /dev\n",
	  "sandbox.mounts: /dev (tmpfs) is writable" },
	{ TARGETS, "44 1 0 0 40755 /dev\n", "44 1 0 0 40775 /dev\n",
	  "sandbox.mounts: /dev (tmpfs) is writable" },
	{ TARGETS, "44 1 0 0 40755 /dev\n", "44 1 0 0 40757 /dev\n",
	  "sandbox.mounts: /dev (tmpfs) is writable" },
	{ TARGETS, "44 1 0 0 40755 /dev\n", "- 13 /dev\n",
	  "sandbox.mounts: /dev (tmpfs) is writable" },
	{ TARGETS, "47 1 0 0 40555", "47 1 0 0 41777",
	  "sandbox.mounts: /sys/fs/cgroup (tmpfs) is writable" },
	{ MOUNTS, "/null /proc/keys", "/ /proc/keys",
	  "sandbox.mounts: /proc/keys (tmpfs) is writable" },
	{ MOUNTS, "/null /proc/keys", "/zero /proc/keys",
	  "sandbox.mounts: /proc/keys (tmpfs) is writable" },
	{ MOUNTS, "/proc/keys rw,nosuid - tmpfs", "/proc/keys rw,nosuid - ext4",
	  "sandbox.mounts: /proc/keys (ext4) is writable" },

	/* ours, not as they were asked for */
	{ MOUNTS, "/tmp rw,nosuid,nodev,noexec,relatime - tmpfs",
	  "/tmp rw,nosuid,nodev,noexec,relatime - ext4",
	  "sandbox.mounts: /tmp (ext4) is of the wrong type" },
	{ MOUNTS, "/tmp rw,nosuid,nodev,noexec", "/tmp ro,nosuid,nodev,noexec",
	  "sandbox.mounts: /tmp (tmpfs) is read-only, expected writable" },
	{ MOUNTS, "/tmp rw,nosuid,nodev,noexec", "/tmp rw,nodev,noexec",
	  "sandbox.mounts: /tmp (tmpfs) is not nosuid" },
	{ MOUNTS, "/tmp rw,nosuid,nodev,noexec", "/tmp rw,nosuid,noexec",
	  "sandbox.mounts: /tmp (tmpfs) is not nodev" },
	{ MOUNTS, "/tmp rw,nosuid,nodev,noexec", "/tmp rw,nosuid,nodev",
	  "sandbox.mounts: /tmp (tmpfs) is not noexec" },
	{ MOUNTS, "/exec rw,nosuid,", "/exec rw,",
	  "sandbox.mounts: /exec (tmpfs) is not nosuid" },
	{ MOUNTS, "0:48 / /tmp", "0:99 / /tmp",
	  "sandbox.mounts: /tmp (tmpfs) is hidden" },
	{ MOUNTS, "0:48 / /tmp", "1:48 / /tmp",
	  "sandbox.mounts: /tmp (tmpfs) is hidden" },
	{ MOUNTS, "cache rw,", "cache ro,",
	  "sandbox.mounts: /app/my cache (ext4) is read-only" },
	{ MOUNTS, "/books ro,", "/books rw,",
	  "sandbox.mounts: /books (ext4) is writable, expected read-only" },
	{ TARGETS, "65024 78", "65024 79",
	  "sandbox.mounts: /books (ext4) is not the file of the host" },
	{ TARGETS, "65024 78", "65025 78",
	  "sandbox.mounts: /books (ext4) is not the file of the host" },
	{ TARGETS, "65024 78 0 0 40755 /books", "- 2 /books",
	  "sandbox.mounts: /books (ext4) is not the file of the host" },
};

static void test_each_wrong_fact_is_refused(void **state)
{
	check_faults(state, faults, SBX_ARRAY_SIZE(faults), SBX_OUTCOME_DENIED);
}

/* What was found at one mount point says nothing about the next. */
static void test_mount_point_that_could_not_be_examined(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[TARGETS], "65024 77", "65024 78");
	change(&f->sections[TARGETS], "65024 78 0 0 40755 /books",
	       "- 2 /books");
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: /books (ext4) is not the file of "
		       "the host");
}

static void test_mount_that_is_missing(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[MOUNTS], " /books ", " /sys/books ");
	change(&f->sections[TARGETS], " /books\n", " /sys/books\n");
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: nothing is mounted on /books");
}

static void test_mount_that_is_there_twice(void **state)
{
	struct fixture *f = *state;

	sbx_buf_puts(&f->sections[MOUNTS],
		     "90 97 0:50 / /tmp rw,nosuid,nodev,noexec - tmpfs t rw\n");
	sbx_buf_puts(&f->sections[TARGETS], "50 1 0 0 41777 /tmp\n");
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: /tmp (tmpfs) is mounted twice");
}

static void test_mount_that_is_one_too_many(void **state)
{
	struct fixture *f = *state;

	f->expected.n_mounts--;
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: /books (ext4) was not asked for");
	/* As a driver of GPUs mounts it. */
	f->expected.gpus = true;
	assert_int_equal(check(f), 0);
	f->expected.n_mounts--;
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: /app/my cache (ext4) is writable");
}

/* Read-only, and still a file of the host's. */
static void test_mounts_that_engines_have(void **state)
{
	static const struct {
		const char *path;
		bool refused;
	} samples[] = {
		{ "/etc/hostname", false },
		{ "/etc/resolv.conf", false },
		{ "/run/.containerenv", false },
		{ "/proc/fs", false },
		{ "/sys/dev/block", false },
		{ "/dev/x", false },
		{ "/etc/crypto-policies/back-ends", false },
		{ "/run/secrets", true },
		{ "/etc/hosts/x", true },
		{ "/etc/crypto-policiesx", true },
		{ "/devices", true },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct fixture *f = *state;

		change(&f->sections[MOUNTS], "/etc/hosts", samples[i].path);
		change(&f->sections[TARGETS], "/etc/hosts", samples[i].path);
		if (samples[i].refused)
			assert_refused(f, SBX_OUTCOME_DENIED,
				       "sandbox.mounts: /");
		else if (check(f) != 0)
			fail_msg("%s: %s", samples[i].path, f->err.message);
		teardown(state);
		setup(state);
	}
}

/* What somebody mounted below a granted path just now was granted by nobody. */
static void test_mount_below_a_path(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[MOUNTS], "/c/hosts /etc/hosts ro",
	       "/ /books/sub rw");
	change(&f->sections[TARGETS], "/etc/hosts", "/books/sub");
	assert_refused(f, SBX_OUTCOME_DENIED,
		       "sandbox.mounts: /books/sub (ext4) is writable");
}

/* A device over another's name, or over anything but a device's name. */
static void test_device_over_something_else(void **state)
{
	static const char *const places[] = { "/null /dev/zero",
					      "/sda /dev/sda",
					      "/null /etc/hosts",
					      "/tty /devtty", "/tty /etc/tty" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(places); i++) {
		struct fixture *f = *state;

		change(&f->sections[MOUNTS], "/c/hosts /etc/hosts ro",
		       places[i]);
		change(&f->sections[MOUNTS], ",relatime - ext4 /dev/vda rw\n",
		       " rw - devtmpfs udev rw\n");
		change(&f->sections[TARGETS], "/etc/hosts",
		       strchr(places[i], ' ') + 1);
		assert_refused(f, SBX_OUTCOME_DENIED, "sandbox.mounts: ");
		teardown(state);
		setup(state);
	}
}

/*
 * crun's folder of cgroup v1 belongs to the action's user, but it is small and
 * holds nothing that could be run or used.
 */
static void test_cgroup_folder_of_the_user(void **state)
{
	static const char *const words[] = { "", "nosuid,", "nodev,", "noexec,",
					     "size=1024k," };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(words); i++) {
		struct fixture *f = *state;
		cleanup_free char *line = sbx_strdup(
			"/sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs"
			" tmpfs rw,size=1024k,mode=755");
		char *at = strstr(line, words[i]);

		memmove(at, at + strlen(words[i]),
			strlen(at + strlen(words[i])) + 1);
		change(&f->sections[TARGETS], "47 1 0 0 40555",
		       "47 1 200001 200002 40755");
		change(&f->sections[MOUNTS],
		       "/sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs "
		       "tmpfs rw,mode=755",
		       line);
		if (i == 0)
			assert_int_equal(check(f), 0);
		else
			assert_refused(f, SBX_OUTCOME_DENIED,
				       "sandbox.mounts: /sys/fs/cgroup (tmpfs) "
				       "is writable");
		teardown(state);
		setup(state);
	}
}

/* Nothing that reaches a terminal is the mount's to choose. */
static void test_paths_are_escaped_in_messages(void **state)
{
	struct fixture *f = *state;

	change(&f->sections[MOUNTS], "/etc/hosts ro", "/\\033[2J rw");
	change(&f->sections[TARGETS], "/etc/hosts", "/\\033[2J");
	assert_refused(f, SBX_OUTCOME_DENIED, "sandbox.mounts: /\\x1b[2J");
}

/* --- owners ---------------------------------------------------------------- */

static int owner(struct fixture *f, const char *target, uint32_t *uid,
		 uint32_t *gid)
{
	pack(f);
	return sbx_hello_owner(f->payload.data, f->payload.len, target, uid,
			       gid, &f->err);
}

static void test_owner_of_a_mount_point(void **state)
{
	uint32_t uid = 7, gid = 7;

	assert_int_equal(owner(*state, "/app/my cache", &uid, &gid), 0);
	assert_int_equal(uid, 200001);
	assert_int_equal(gid, 200002);
	assert_int_equal(owner(*state, "/books", &uid, &gid), 0);
	assert_int_equal(uid, 0);
	assert_int_equal(gid, 0);
}

static void test_owner_that_nobody_knows(void **state)
{
	static const char *const paths[] = { "/book", "/books/", "/app",
					     "/sys/firmware" };
	struct fixture *f = *state;
	uint32_t uid, gid;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(paths); i++) {
		assert_int_equal(owner(f, paths[i], &uid, &gid), -1);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	}
	change(&f->sections[TARGETS], "65024 78", "x");
	assert_int_equal(owner(f, "/books", &uid, &gid), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	assert_non_null(strstr(f->err.message, "makes no sense"));
}

/* A report is believed whole or not at all. */
static void test_owner_in_a_report_that_is_cut_short(void **state)
{
	struct fixture *f = *state;
	uint32_t uid, gid;

	pack(f);
	assert_int_equal(sbx_hello_owner(f->payload.data, f->payload.len - 1,
					 "/books", &uid, &gid, &f->err),
			 -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_real_container_is_sound,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_engines_are_sound,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_wrong_fact_is_refused,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_devices_over_their_own_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_devices_that_were_granted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_mount_point_that_could_not_be_examined, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_mount_that_is_missing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_that_is_there_twice,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_that_is_one_too_many,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_mounts_that_engines_have,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_below_a_path, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_device_over_something_else,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_cgroup_folder_of_the_user,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_paths_are_escaped_in_messages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_of_a_mount_point,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_that_nobody_knows,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_owner_in_a_report_that_is_cut_short, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
