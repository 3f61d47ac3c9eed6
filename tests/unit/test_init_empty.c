/* SPDX-License-Identifier: MIT */
/*
 * How a tmpfs is emptied and compared, step by step: what goes wrong is never
 * taken for what is clean.  Who relies on it: init/reset.c; what it is like
 * with a real init, and a real tmpfs, is in test_init_reset.c.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "faulty_calls.h"
#include "scratch.h"

/* What the file system says of itself. */
static struct statfs said_space;
static int said_flags;
static const char *said_xattrs;

static int say_space(struct statfs *out)
{
	*out = said_space;
	return 0;
}

static ssize_t say_xattrs(char *out, size_t size)
{
	size_t said = strlen(said_xattrs);

	assert_true(said <= size);
	memcpy(out, said_xattrs, said);
	return (ssize_t)said;
}

#define fstat(...)    FAULTY(fstat, __VA_ARGS__)
#define lseek(...)    FAULTY(lseek, __VA_ARGS__)
#define fchmodat(...) FAULTY(fchmodat, __VA_ARGS__)
#define openat(...)   FAULTY(openat, __VA_ARGS__)
#define unlinkat(...) FAULTY(unlinkat, __VA_ARGS__)
#define fchmod(...)   FAULTY(fchmod, __VA_ARGS__)
#define futimens(...) FAULTY(futimens, __VA_ARGS__)
#define syscall(...)  FAULTY(syscall, __VA_ARGS__)
#define fstatfs(fd, out)                                                       \
	((void)(fd), is_faulty("fstatfs") ? -1 : say_space(out))
#define flistxattr(fd, out, size)                                              \
	((void)(fd), is_faulty("flistxattr") ? -1 : say_xattrs(out, size))
#define ioctl(fd, what, out)                                                   \
	((void)(fd), is_faulty("ioctl") ? -1 : (*(out) = said_flags, 0))

#include "../../runner/init/empty.c"
#include "../../runner/init/text.c"

#undef fstat
#undef openat

static int64_t time_is;

int64_t sbx_now(void)
{
	return time_is;
}

static uint32_t budget;
static int root = -1;

static int set_up(void **state)
{
	if (scratch_enter(state) < 0 || mkdir("root", 0700) < 0)
		return -1;
	root = open("root", DIRECTORY);
	said_space = (struct statfs){ .f_type = TMPFS_MAGIC,
				      .f_bfree = 100,
				      .f_ffree = 10 };
	said_flags = 0;
	said_xattrs = "";
	time_is = 0;
	budget = 1000;
	work.root = root;
	work.budget = &budget;
	work.until = 1;
	work.moved = 0;
	faulty(NULL, 0, 0);
	return root < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(root);
	return scratch_leave(state);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* --- what is removed ---------------------------------------------------------
 */

static void test_names(void **state)
{
	static const char *const names[] = { "a",  ".a", "..a", "...",
					     "a.", "aa", "x..", ".a." };

	(void)state;
	assert_true(is_dots("."));
	assert_true(is_dots(".."));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++)
		assert_false(is_dots(names[i]));
}

/* Neither more files than that, nor longer. */
static void test_bounds(void **state)
{
	(void)state;
	budget = 0;
	assert_false(may_go_on());
	assert_int_equal(budget, 0);
	budget = 1;
	assert_true(may_go_on());
	assert_int_equal(budget, 0);
	/* The time is looked at now and then. */
	time_is = 1;
	budget = 258;
	assert_true(may_go_on());
	assert_false(may_go_on());
	assert_true(may_go_on());
	time_is = 0;
	budget = 257;
	assert_true(may_go_on());
	budget = 1;
	put("root/a", "");
	put("root/b", "");
	assert_int_equal(sbx_empty_remove(root, &budget, 1), -1);
	assert_true(is_there("root/a") != is_there("root/b"));
	budget = 1;
	assert_int_equal(sbx_empty_remove(root, &budget, 1), 0);
	assert_int_equal(budget, 0);
}

static void test_one(void **state)
{
	(void)state;
	put("root/file", "");
	errno = 0;
	assert_int_equal(remove_one(root, "file"), 0);
	assert_false(is_there("root/file"));
	assert_int_equal(mkdir("root/empty", 0700), 0);
	assert_int_equal(remove_one(root, "empty"), 0);
	assert_false(is_there("root/empty"));
	assert_int_equal(mkdir("root/full", 0700), 0);
	put("root/full/file", "");
	assert_int_equal(remove_one(root, "full"), 1);
	assert_int_equal(remove_one(root, "none"), -1);
	/* Not as a directory, and as one. */
	faulty("unlinkat", EPERM, 0);
	assert_int_equal(remove_one(root, "full"), -1);
	assert_int_equal(faulty_calls, 1);
	faulty("unlinkat", EROFS, 1);
	assert_int_equal(remove_one(root, "full"), -1);
}

static void test_move(void **state)
{
	cleanup_fd int dir = -1;

	(void)state;
	assert_int_equal(mkdir("root/a", 0700), 0);
	dir = open("root/a", DIRECTORY);
	assert_int_equal(mkdir("root/a/b", 0), 0);
	/* Somebody has that name. */
	put("root/0", "");
	assert_int_equal(move_up(dir, "b"), 0);
	assert_true(is_there("root/1"));
	assert_true(is_there("root/0"));
	assert_int_equal(mkdir("root/a/b", 0), 0);
	faulty("fchmodat", EPERM, 0);
	assert_int_equal(move_up(dir, "b"), -1);
	faulty("syscall", EROFS, 0);
	assert_int_equal(move_up(dir, "b"), -1);
	assert_int_equal(faulty_calls, 1);
	faulty("syscall", EEXIST, 0);
	assert_int_equal(move_up(dir, "b"), -1);
	assert_int_equal(faulty_calls, NAME_TRIES);
}

static void test_tree(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mkdir("root/a", 0700), 0);
		assert_int_equal(mkdir("root/a/b", 0700), 0);
		put("root/a/b/c", "");
		assert_int_equal(chmod("root/a/b", 0), 0);
		assert_int_equal(chmod("root/a", 0), 0);
		put("root/.d", "");
		if (i == 0)
			assert_int_equal(remove_tree(root, ".d"), 0);
		assert_int_equal(sbx_empty_remove(root, &budget, 1), 0);
		assert_false(is_there("root/a"));
		assert_false(is_there("root/.d"));
	}
	assert_int_equal(remove_tree(root, "none"), -1);
}

/* Whatever fails on the way is the end of it. */
static void test_tree_that_cannot_be_removed(void **state)
{
	static const struct {
		const char *call;
		int skip;
	} faults[] = {
		{ "lseek", 0 },	   { "lseek", 1 },    { "syscall", 0 },
		{ "syscall", 1 },  { "fchmodat", 0 }, { "fchmodat", 1 },
		{ "openat", 0 },   { "unlinkat", 0 }, { "unlinkat", 1 },
		{ "unlinkat", 2 }, { "unlinkat", 3 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(faults); i++) {
		mkdir("root/a", 0700);
		mkdir("root/a/b", 0700);
		put("root/a/b/c", "");
		faulty_once(faults[i].call, EPERM, faults[i].skip);
		if (sbx_empty_remove(root, &budget, 1) != -1)
			fail_msg("%s, no. %d", faults[i].call, faults[i].skip);
		faulty(NULL, 0, 0);
		assert_int_equal(sbx_empty_remove(root, &budget, 1), 0);
	}
}

/* --- what is compared --------------------------------------------------------
 */

static void test_notes(void **state)
{
	struct sbx_empty empty;

	(void)state;
	assert_null(sbx_empty_note(&empty, "root"));
	assert_string_equal(empty.path, "root");
	assert_string_equal(sbx_empty_note(&empty, "none"),
			    "a tmpfs cannot be opened");
	faulty("fstat", EIO, 0);
	assert_string_equal(sbx_empty_note(&empty, "root"),
			    "a tmpfs cannot be examined");
	faulty("fstatfs", EIO, 0);
	assert_string_equal(sbx_empty_note(&empty, "root"),
			    "a tmpfs cannot be examined");
	/* One that has no attributes, and one that has too many. */
	faulty("flistxattr", EOPNOTSUPP, 0);
	assert_null(sbx_empty_note(&empty, "root"));
	assert_int_equal(empty.xattrs_size, -1);
	faulty("flistxattr", ERANGE, 0);
	assert_string_equal(sbx_empty_note(&empty, "root"),
			    "a tmpfs with too many attributes");
	faulty("ioctl", ENOTTY, 0);
	assert_null(sbx_empty_note(&empty, "root"));
	assert_int_equal(empty.flags, -1);
	said_space.f_type = 1;
	faulty(NULL, 0, 0);
	assert_string_equal(sbx_empty_note(&empty, "root"),
			    "a tmpfs cannot be examined");
}

static void test_attributes(void **state)
{
	struct sbx_empty a = { .xattrs_size = 3, .xattrs = "abc" };
	struct sbx_empty b = { .xattrs_size = 3, .xattrs = "abcd" };

	(void)state;
	assert_true(same_xattrs(&a, &b));
	b.xattrs_size = 4;
	assert_false(same_xattrs(&a, &b));
	b = (struct sbx_empty){ .xattrs_size = 3, .xattrs = "abd" };
	assert_false(same_xattrs(&a, &b));
	/* There are none: what is in there is nothing. */
	a.xattrs_size = -1;
	b.xattrs_size = -1;
	assert_true(same_xattrs(&a, &b));
	b.xattrs_size = 0;
	assert_false(same_xattrs(&a, &b));
}

static void test_differences(void **state)
{
	struct sbx_empty was, is;

	(void)state;
	assert_null(sbx_empty_note(&was, "root"));
	assert_null(compare(&was, &was));
#define DIFFERS(field)                                                         \
	do {                                                                   \
		is = was;                                                      \
		is.field ^= 1;                                                 \
		if (!compare(&was, &is))                                       \
			fail_msg("%s is not compared", #field);                \
	} while (0)
	DIFFERS(root.st_dev);
	DIFFERS(root.st_ino);
	DIFFERS(root.st_mode);
	DIFFERS(root.st_uid);
	DIFFERS(root.st_gid);
	DIFFERS(root.st_nlink);
	DIFFERS(root.st_size);
	DIFFERS(flags);
	DIFFERS(xattrs_size);
	DIFFERS(space.f_bfree);
	DIFFERS(space.f_ffree);
}

/* Who may not change its mode is not its owner: then nobody has. */
static void test_modes_and_times(void **state)
{
	static const int fails[] = { EROFS, EPERM };
	struct sbx_empty was;
	struct stat is;

	(void)state;
	assert_null(sbx_empty_note(&was, "root"));
	faulty("fchmod", EPERM, 0);
	assert_int_equal(restore(&was, root), 0);
	faulty("fchmod", EROFS, 0);
	assert_int_equal(restore(&was, root), -1);
	/* Its times it may have changed: those of now, or none. */
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fails); i++) {
		faulty("futimens", fails[i], 0);
		assert_int_equal(restore(&was, root), -1);
	}
	faulty_once("futimens", EROFS, 0);
	assert_int_equal(restore(&was, root), -1);
	was.root.st_mtim.tv_sec = 1234567890;
	faulty(NULL, 0, 0);
	assert_int_equal(restore(&was, root), 0);
	faulty_once("futimens", EPERM, 0);
	assert_int_equal(restore(&was, root), 0);
	assert_int_equal(fstat(root, &is), 0);
	assert_true(is.st_mtim.tv_sec > 1234567890);
	faulty(NULL, 0, 0);
	was.root.st_mtim.tv_sec = 1234567890;
	was.root.st_mode = S_IFDIR | 01750;
	assert_int_equal(restore(&was, root), 0);
	assert_int_equal(fstat(root, &is), 0);
	assert_int_equal(is.st_mtim.tv_sec, 1234567890);
	assert_int_equal(is.st_mode & 07777, 01750);
}

static void test_emptied(void **state)
{
	static const char no[] = "a tmpfs cannot be emptied";
	struct sbx_empty was, none;

	(void)state;
	assert_null(sbx_empty_note(&was, "root"));
	put("root/a", "");
	assert_int_equal(chmod("root", 0), 0);
	assert_null(sbx_empty(&was, &budget, 1));
	assert_false(is_there("root/a"));
	/* One that is left is not compared: it is not empty. */
	put("root/a", "");
	budget = 0;
	assert_string_equal(sbx_empty(&was, &budget, 1), no);
	budget = 1000;
	faulty("futimens", EROFS, 0);
	assert_string_equal(sbx_empty(&was, &budget, 1), no);
	faulty("fstat", EIO, 0);
	assert_string_equal(sbx_empty(&was, &budget, 1),
			    "a tmpfs cannot be examined");
	faulty(NULL, 0, 0);
	said_space.f_bfree--;
	assert_string_equal(sbx_empty(&was, &budget, 1),
			    "the space of a tmpfs");
	none = was;
	none.path = "none";
	assert_string_equal(sbx_empty(&none, &budget, 1), no);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names),	TEST(test_bounds),
		TEST(test_one),		TEST(test_move),
		TEST(test_tree),	TEST(test_tree_that_cannot_be_removed),
		TEST(test_notes),	TEST(test_attributes),
		TEST(test_differences), TEST(test_modes_and_times),
		TEST(test_emptied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
