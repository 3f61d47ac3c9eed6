/* SPDX-License-Identifier: MIT */
/* What init says of the sandbox it finds itself in, mounts most of all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init/build_id.h"
#include "init_box.h"

/* Section @wanted of HELLO's payload as a string. */
static char *section(const struct sbx_buf *hello, int wanted)
{
	const unsigned char *at = (const unsigned char *)hello->data;
	const unsigned char *end = at + hello->len;
	int expected = SBX_WIRE_HELLO_BUILD;
	char *found = NULL;

	while (at < end) {
		size_t size = sbx_wire_get32(at + 4);

		assert_int_equal(at[0], expected++);
		at += SBX_WIRE_HEADER_SIZE;
		if (expected - 1 == wanted)
			found = sbx_strndup((const char *)at, size);
		at += size;
	}
	assert_ptr_equal(at, end);
	assert_int_equal(expected, SBX_WIRE_HELLO_DEVICES + 1);
	return found;
}

static unsigned int lines(const char *text)
{
	unsigned int n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static void test_hello_has_the_facts(void **state)
{
	cleanup_buf struct sbx_buf hello = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	struct box *box = box_start();

	(void)state;
	assert_int_equal(box_frame(box, &hello), SBX_WIRE_HELLO);
	{
		cleanup_free char *build = section(&hello, 1);
		cleanup_free char *status = section(&hello, 2);
		cleanup_free char *mounts = section(&hello, 3);
		cleanup_free char *targets = section(&hello, 4);
		cleanup_free char *limits = section(&hello, 5);
		cleanup_free char *devices = section(&hello, 6);

		assert_string_equal(build, "4 " SBX_INIT_BUILD_ID);
		assert_non_null(strstr(status, "\nPid:\t1\n"));
		assert_non_null(strstr(status, "\nNoNewPrivs:\t1\n"));
		assert_non_null(strstr(mounts, " / /proc rw,nosuid"));
		assert_int_equal(lines(targets), lines(mounts));
		assert_non_null(strstr(targets, " 0 0 40555 /proc\n"));
		assert_non_null(strstr(limits, "\nMax open files "));
		assert_non_null(strstr(devices, "1 3 c 666 /dev/null\n"));
		assert_null(strstr(devices, " /dev/pts"));
		assert_null(strstr(devices, " /dev/stdin"));
	}
	box_free(box);
}

/* --- devices --------------------------------------------------------------- */

/* DEVICES of a sandbox whose /dev is what @fill makes of an empty one. */
static void (*fill)(void);

static void make_dev(void)
{
	umask(0);
	if (mount("none", "/dev", "tmpfs", 0, "mode=0755") < 0)
		_exit(115);
	fill();
}

static char *devices_with(void (*with)(void))
{
	cleanup_buf struct sbx_buf hello = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	struct box *box;
	char *devices;

	fill = with;
	box_mounts = make_dev;
	box = box_start();
	box_mounts = NULL;
	assert_int_equal(box_frame(box, &hello), SBX_WIRE_HELLO);
	devices = section(&hello, SBX_WIRE_HELLO_DEVICES);
	box_free(box);
	return devices;
}

static void make(const char *path, mode_t mode)
{
	if (mknod(path, mode, 0) < 0)
		_exit(114);
}

static void make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0)
		_exit(113);
}

/* One of each kind that takes no right to make, links, and what is mounted. */
static void fill_with_kinds(void)
{
	make("/dev/file", S_IFREG | 0640);
	make("/dev/pipe", S_IFIFO | 0666);
	make("/dev/socket", S_IFSOCK | 0600);
	make("/dev/a\\b c\n", S_IFREG | 0600);
	make("/dev/a\x7f", S_IFREG | 0600);
	make("/dev/mqueue", S_IFREG | 0600);
	make_directory("/dev/a", 0755);
	make_directory("/dev/a/b", 0755);
	make("/dev/a/b/c", S_IFREG | 04755);
	make_directory("/dev/shm", 0755);
	make_directory("/dev/pts", 0755);
	make("/dev/pts/file", S_IFREG | 0600);
	make_directory("/dev/other", 0755);
	if (mount("none", "/dev/shm", "tmpfs", 0, "mode=0755") < 0 ||
	    mount("none", "/dev/other", "tmpfs", 0, "mode=0755") < 0 ||
	    mount("/proc/version", "/dev/mqueue", NULL, MS_BIND, NULL) < 0 ||
	    symlink("/proc/kcore", "/dev/core") < 0 ||
	    symlink("/proc", "/dev/directory") < 0)
		_exit(112);
	make("/dev/shm/file", S_IFREG | 0600);
	make("/dev/other/file", S_IFREG | 0600);
}

static void assert_line(const char *devices, const char *line)
{
	if (!strstr(devices, line))
		fail_msg("no \"%s\" in\n%s", line, devices);
}

static void test_all_that_is_in_dev(void **state)
{
	cleanup_free char *devices = devices_with(fill_with_kinds);

	(void)state;
	assert_line(devices, "0 0 f 640 /dev/file\n");
	assert_line(devices, "0 0 p 666 /dev/pipe\n");
	assert_line(devices, "0 0 s 600 /dev/socket\n");
	assert_line(devices, "0 0 f 600 /dev/a\\134b\\040c\\012\n");
	assert_line(devices, "0 0 f 600 /dev/a\\177\n");
	/* It is no directory, whatever is mounted there. */
	assert_line(devices, "0 0 f 444 /dev/mqueue\n");
	assert_line(devices, "0 0 f 4755 /dev/a/b/c\n");
	/* No mount is there but in name. */
	assert_line(devices, "0 0 f 600 /dev/pts/file\n");
	assert_line(devices, "0 0 f 600 /dev/other/file\n");
	assert_int_equal(lines(devices), 9);
}

/* More than one buffer of entries, and what lies beside them. */
static void fill_with_many(void)
{
	char path[64];

	make_directory("/dev/many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(path, sizeof(path), "/dev/many/%030d", i);
		make(path, S_IFREG | 0600);
		snprintf(path, sizeof(path), "/dev/%03d", i);
		make(path, S_IFREG | 0600);
	}
}

static void test_many_devices(void **state)
{
	cleanup_free char *devices = devices_with(fill_with_many);

	(void)state;
	assert_int_equal(lines(devices), 1000);
	assert_line(devices, "0 0 f 600 /dev/499\n");
	assert_line(devices, "00499\n");
}

/* Seven directories deep, and one more. */
static void fill_deeply(void)
{
	char path[64] = "/dev";

	for (int i = 0; i < 8; i++) {
		strcat(path, "/d");
		make_directory(path, 0755);
		strcat(path, "/f");
		make(path, S_IFREG | 0600);
		path[strlen(path) - 2] = '\0';
	}
}

static void test_deep_directories(void **state)
{
	cleanup_free char *devices = devices_with(fill_deeply);

	(void)state;
	assert_int_equal(lines(devices), 8);
	assert_line(devices, "0 0 f 600 /dev/d/d/d/d/d/d/d/f\n");
	assert_line(devices, "- 40 /dev/d/d/d/d/d/d/d/d\n");
}

static void fill_with_closed(void)
{
	make_directory("/dev/closed", 0755);
	make("/dev/closed/file", S_IFREG | 0600);
	if (chmod("/dev/closed", 0) < 0)
		_exit(111);
}

static void test_directory_that_cannot_be_examined(void **state)
{
	cleanup_free char *devices = devices_with(fill_with_closed);

	(void)state;
	/* Root would find a way. */
	if (!box_wrapper())
		assert_string_equal(devices, "- 13 /dev/closed\n");
}

static void fill_with_queues(void)
{
	make_directory("/dev/mqueue", 0755);
	if (mount("none", "/dev/mqueue", "tmpfs", 0, "mode=0755") < 0)
		_exit(112);
	make("/dev/mqueue/file", S_IFREG | 0600);
}

static void close_dev(void)
{
	if (chmod("/dev", 0) < 0)
		_exit(111);
}

static void test_queues_are_no_devices(void **state)
{
	cleanup_free char *devices = devices_with(fill_with_queues);

	(void)state;
	assert_string_equal(devices, "");
}

static void test_dev_that_cannot_be_examined(void **state)
{
	cleanup_free char *devices = devices_with(close_dev);

	(void)state;
	if (!box_wrapper())
		assert_string_equal(devices, "- 13 /dev\n");
}

static void fill_beyond_telling(void)
{
	char path[256];

	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/dev/%0200d", i);
		make(path, S_IFREG | 0600);
	}
}

static void test_more_devices_than_can_be_told(void **state)
{
	struct box *box;

	(void)state;
	fill = fill_beyond_telling;
	box_mounts = make_dev;
	box = box_start();
	box_mounts = NULL;
	assert_aborts(box, "facts about the sandbox (errno 27)");
	box_free(box);
}

/* --- odd mounts ------------------------------------------------------------ */

/* TARGETS of a sandbox in which @mounts has mounted something. */
static char *targets_with(void (*mounts)(void))
{
	cleanup_buf struct sbx_buf hello = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	struct box *box;
	char *targets;

	box_mounts = mounts;
	box = box_start();
	box_mounts = NULL;
	assert_int_equal(box_frame(box, &hello), SBX_WIRE_HELLO);
	targets = section(&hello, SBX_WIRE_HELLO_TARGETS);
	box_free(box);
	return targets;
}

/* In the sandbox: a tmpfs on a directory of the test's own. */
static void mount_on(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", box_directory, name);
	if ((mkdir(path, 0755) < 0 && errno != EEXIST) ||
	    mount("none", path, "tmpfs", 0, "mode=0700") < 0)
		_exit(118);
}

/* Blanks, backslashes, and what looks like the kernel's way to write them. */
static const struct {
	const char *name;
	const char *escaped;
} odd[] = {
	{ "with blank", "with\\040blank" },
	{ "tab\tline\n", "tab\\011line\\012" },
	{ "back\\slash", "back\\134slash" },
	{ "\\040", "\\134040" },
	{ "v0407", "v0407" },
	{ "end\\", "end\\134" },
};

static void mount_odd(void)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(odd); i++)
		mount_on(odd[i].name);
}

static void test_names_are_read_as_the_kernel_writes_them(void **state)
{
	cleanup_free char *targets = targets_with(mount_odd);

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(odd); i++) {
		cleanup_free char *end = sbx_asprintf(
			" 40700 %s/%s\n", box_directory, odd[i].escaped);

		if (!strstr(targets, end))
			fail_msg("no \"%s\" in\n%s", end, targets);
	}
}

/* Another mount lies over it, with a link in its place. */
static void mount_hidden(void)
{
	cleanup_free char *link = sbx_asprintf("%s/over/x", box_directory);
	cleanup_free char *over = sbx_asprintf("%s/over", box_directory);

	if (mkdir(over, 0755) < 0 && errno != EEXIST)
		_exit(117);
	mount_on("over/x");
	if (mount("none", over, "tmpfs", 0, "mode=0755") < 0 ||
	    symlink("/proc", link) < 0)
		_exit(116);
}

static void test_link_in_the_place_of_a_mount(void **state)
{
	cleanup_free char *targets = targets_with(mount_hidden);
	cleanup_free char *end =
		sbx_asprintf(" 120777 %s/over/x\n", box_directory);

	(void)state;
	if (!strstr(targets, end))
		fail_msg("no \"%s\" in\n%s", end, targets);
}

static void mount_closed(void)
{
	cleanup_free char *closed = sbx_asprintf("%s/closed", box_directory);

	if (mkdir(closed, 0755) < 0 && errno != EEXIST)
		_exit(117);
	mount_on("closed/x");
	if (chmod(closed, 0) < 0)
		_exit(116);
}

static void test_mount_that_cannot_be_examined(void **state)
{
	cleanup_free char *targets = targets_with(mount_closed);
	cleanup_free char *closed = sbx_asprintf("%s/closed", box_directory);
	cleanup_free char *line = sbx_asprintf("\n- 13 %s/x\n", closed);

	(void)state;
	assert_int_equal(chmod(closed, 0755), 0);
	/* Root would find a way. */
	if (!box_wrapper() && !strstr(targets, line))
		fail_msg("no \"%s\" in\n%s", line, targets);
}

static void mount_many(void)
{
	char name[128];

	for (int i = 0; i < 450; i++) {
		snprintf(name, sizeof(name), "%0100d", i);
		mount_on(name);
	}
}

/* Half of the facts are none. */
static void test_more_mounts_than_can_be_told(void **state)
{
	struct box *box;

	(void)state;
	box_mounts = mount_many;
	box = box_start();
	box_mounts = NULL;
	assert_aborts(box, "/proc/self/limits (errno 27)");
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_has_the_facts),
		cmocka_unit_test(test_all_that_is_in_dev),
		cmocka_unit_test(test_many_devices),
		cmocka_unit_test(test_deep_directories),
		cmocka_unit_test(test_directory_that_cannot_be_examined),
		cmocka_unit_test(test_queues_are_no_devices),
		cmocka_unit_test(test_dev_that_cannot_be_examined),
		cmocka_unit_test(test_more_devices_than_can_be_told),
		cmocka_unit_test(test_names_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(test_link_in_the_place_of_a_mount),
		cmocka_unit_test(test_mount_that_cannot_be_examined),
		cmocka_unit_test(test_more_mounts_than_can_be_told),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
