/* SPDX-License-Identifier: MIT */
/*
 * An archive laid out in a sandbox: docker cp's rules for the target, and
 * nothing outside of it, whatever the archive says and whatever stands there.
 * Who relies on it: a session's files are one's own, not a neighbour's.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "copy_archive.h"
#include "faulty_calls.h"
#include "scratch.h"

#define fchmod(...)    FAULTY(fchmod, __VA_ARGS__)
#define futimens(...)  FAULTY(futimens, __VA_ARGS__)
#define utimensat(...) FAULTY(utimensat, __VA_ARGS__)
#define symlinkat(...) FAULTY(symlinkat, __VA_ARGS__)
#define mkdirat(...)   FAULTY(mkdirat, __VA_ARGS__)
#define openat(...)    FAULTY(openat, __VA_ARGS__)
#define open(...)      FAULTY(open, __VA_ARGS__)
#define write(...)     FAULTY(write, __VA_ARGS__)
#define read(...)      FAULTY(read, __VA_ARGS__)

#include "../../runner/init/copy_in.c"

#undef fchmod
#undef mkdirat
#undef symlinkat
#undef openat
#undef open
#undef write
#undef read

#include "../../runner/init/copy.c"
#include "../../runner/init/text.c"

/* What the child said on its standard error. */
static char said[64 * 1024];

/* How many descriptors it may have; 0: as many as this program. */
static rlim_t descriptors;

static int set_up(void **state)
{
	descriptors = 0;
	signal(SIGPIPE, SIG_IGN);
	archive_clear();
	faulty(NULL, 0, 0);
	umask(022);
	return scratch_enter(state);
}

static int tear_down(void **state)
{
	/* Whoever is no root could not remove what is locked. */
	return system("chmod -R u+rwx .") < 0 ? -1 : scratch_leave(state);
}

/* The child's part, in a child: @in and @err are its streams. */
static _Noreturn void be_child(const char *path, int in, int err)
{
	if (dup2(in, STDIN_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(100);
	closefrom(3);
	/* Where a child of init's has its status. */
	if (dup2(STDERR_FILENO, 3) < 0)
		_exit(100);
	if (descriptors > 0 &&
	    setrlimit(RLIMIT_NOFILE,
		      &(struct rlimit){ descriptors, descriptors }) < 0)
		_exit(100);
	_exit(sbx_copy_in(path));
}

static void hear(int fd)
{
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, said + size, sizeof(said) - 1 - size)) > 0)
		size += (size_t)got;
	said[size] = '\0';
}

/* The archive's first @size bytes are sent; the exit status. */
static int copy_some(const char *path, size_t size)
{
	int in[2], err[2];
	int status;
	pid_t pid;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_child(path, in[0], err[1]);
	close(in[0]);
	close(err[1]);
	/* EPIPE is no error here: it did not want the rest. */
	(void)!sbx_fd_write_all(in[1], archive.data, size);
	close(in[1]);
	hear(err[0]);
	close(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void assert_copies(const char *path)
{
	add_end();
	if (copy_some(path, archive.len) != SBX_COPY_DONE)
		fail_msg("failed: %s", said);
	assert_string_equal(said, "");
	archive_clear();
}

static void assert_fails(const char *path, const char *why)
{
	add_end();
	assert_int_equal(copy_some(path, archive.len), SBX_COPY_FAILED);
	assert_string_equal(said, why);
	archive_clear();
}

static void assert_text(const char *path, const char *text)
{
	cleanup_buf struct sbx_buf found = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_file_read_nofollow(AT_FDCWD, path, &found, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(sbx_buf_text(&found), text);
}

static struct stat about(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static void assert_missing(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

/* --- the target ------------------------------------------------------------ */

static void test_into_directory(void **state)
{
	(void)state;
	mkdir("d", 0700);
	add_dir("tree");
	add_file("tree/a", "one");
	add_dir("tree/b");
	add_file("tree/b/c", "two");
	assert_copies("d");
	assert_text("d/tree/a", "one");
	assert_text("d/tree/b/c", "two");
	add_file("file", "three");
	add_file(".hidden/file", "five");
	assert_copies("d/");
	assert_text("d/file", "three");
	assert_text("d/.hidden/file", "five");
	/* What it has in it, not itself. */
	add_dir(".");
	add_file("./e", "four");
	add_link("./l", "e");
	assert_copies("d");
	assert_text("d/e", "four");
	assert_int_equal(about("d").st_mode, S_IFDIR | 0700);
}

static void test_under_a_new_name(void **state)
{
	(void)state;
	add_file("file", "one");
	assert_copies("new");
	assert_text("new", "one");
	add_dir("tree");
	add_file("tree/a", "two");
	add_link("tree/l", "a");
	assert_copies("other/");
	assert_text("other/a", "two");
	assert_text("new", "one");
	add_dir(".");
	add_file("./b", "three");
	assert_copies("third");
	assert_text("third/b", "three");
	/* A file in place of another. */
	add_file("whatever", "four");
	assert_copies("new");
	assert_text("new", "four");
	assert_missing("file");
	assert_missing("tree");
}

static void test_no_such_target(void **state)
{
	static char too_long[PATH_MAX + 100];

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	put("file", "");
	add_file("a", "");
	assert_fails("no/new", "no/new: is in no directory: No such file or "
			       "directory\n");
	add_file("a", "");
	assert_fails("new/", "a: is to be a directory and is none\n");
	add_file("a", "");
	assert_fails("file/", "a: is to be a directory and is none\n");
	add_file("a", "");
	assert_fails("", ": can be no path\n");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	add_file("a", "");
	assert_fails("fifo/new", "fifo/new: is in no directory: Not a "
				 "directory\n");
	add_file("a", "");
	add_end();
	assert_int_equal(copy_some(too_long, archive.len), SBX_COPY_FAILED);
	assert_non_null(strstr(said, ": can be no path\n"));
	archive_clear();
	add_file("a", "");
	assert_fails("no/.", "no/.: is not there\n");
	add_file("a", "");
	assert_fails("no/..", "no/..: is not there\n");
	add_dir("tree");
	assert_fails("file", "tree: a link or a file is in the way: Not a "
			     "directory\n");
	add_file("a", "");
	add_file("b", "");
	assert_fails("new", "new: is no directory for several files\n");
	add_dir("a");
	add_dir("ab");
	assert_fails("new2", "new2: is no directory for several files\n");
	add_dir("ab");
	add_dir("a");
	assert_fails("new3", "new3: is no directory for several files\n");
}

/* The path to the target is the session's own word, with its links. */
static void test_target_through_links(void **state)
{
	static char too_long[PATH_MAX];
	cleanup_free char *absolute = NULL;

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	for (size_t i = 100; i < sizeof(too_long) - 1; i += 100)
		too_long[i] = '/';
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	put("d/f", "old");
	absolute = sbx_asprintf("%s/d/later", scratch_path);
	assert_int_equal(symlink("d", "to-dir"), 0);
	assert_int_equal(symlink("d/f", "to-file"), 0);
	assert_int_equal(symlink("../new", "d/sub/to-new"), 0);
	assert_int_equal(symlink(absolute, "to-later"), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	add_file("a", "one");
	assert_copies("to-dir");
	assert_text("d/a", "one");
	add_file("a", "two");
	assert_copies("to-file");
	assert_text("d/f", "two");
	assert_true(S_ISLNK(about("to-file").st_mode));
	add_file("a", "three");
	assert_copies("d/sub/to-new");
	assert_text("d/new", "three");
	add_dir("a");
	assert_copies("to-later");
	assert_true(S_ISDIR(about("d/later").st_mode));
	add_file("a", "");
	assert_fails("loop", "loop: cannot be opened: Too many levels of "
			     "symbolic links\n");
	assert_int_equal(unlink("to-later"), 0);
	assert_int_equal(rmdir("d/later"), 0);
	assert_int_equal(symlink(absolute, "d/sub/to-later"), 0);
	add_file("a", "four");
	assert_copies("d/sub/to-later");
	assert_text("d/later", "four");
	assert_int_equal(symlink(too_long, "d/sub/to-far"), 0);
	add_file("a", "");
	assert_fails("d/sub/to-far",
		     "d/sub/to-far: cannot be opened: File name too long\n");
}

/* --- what is made ---------------------------------------------------------- */

static void test_modes_and_times(void **state)
{
	(void)state;
	umask(077);
	mkdir("d", 0755);
	mkdir("d/was", 0751);
	add("t", S_IFDIR | 07555, "");
	add("t/f", S_IFREG | 06755, "x");
	add("t/locked", S_IFREG | 0, "y");
	add("t/e", S_IFDIR | 0, "");
	add_file("t/e/g", "");
	add_link("t/l", "f");
	add("was", S_IFDIR | 0755, "");
	assert_copies("d");
	assert_int_equal(about("d/t").st_mode, S_IFDIR | 0555);
	assert_int_equal(about("d/t/f").st_mode, S_IFREG | 0755);
	assert_int_equal(about("d/t/locked").st_mode, S_IFREG | 0);
	assert_int_equal(about("d/t/e").st_mode, S_IFDIR | 0);
	assert_int_equal(about("d/was").st_mode & 0777, 0700);
	assert_int_equal(about("d/t").st_mtime, LONG_AGO);
	assert_int_equal(about("d/t/f").st_mtime, LONG_AGO);
	assert_int_equal(about("d/t/e").st_mtime, LONG_AGO);
	assert_int_equal(about("d/t/l").st_mtime, LONG_AGO);
	assert_true(about("d/was").st_mtime != LONG_AGO);
}

/* Of two entries the last one counts, as for files. */
static void test_directory_that_comes_twice(void **state)
{
	(void)state;
	add("t", S_IFDIR | 0700, "");
	add("t", S_IFDIR | 0750, "");
	assert_copies(".");
	assert_int_equal(about("t").st_mode, S_IFDIR | 0750);
}

static void test_directory_that_cannot_be_made(void **state)
{
	(void)state;
	faulty("mkdirat", ENOSPC, 0);
	add_dir("t");
	assert_fails(".", "t: no directory can be made: No space left on "
			  "device\n");
}

/* Only what is in the way goes. */
static void test_link_that_cannot_be_made(void **state)
{
	(void)state;
	mkdir("t", 0755);
	put("t/l", "old");
	faulty_once("symlinkat", ENOSPC, 0);
	add_link("t/l", "f");
	assert_fails(".", "t/l: cannot be made: No space left on device\n");
	assert_text("t/l", "old");
}

/* Few descriptors do, also where a directory is there already. */
static void test_into_what_is_there(void **state)
{
	(void)state;
	descriptors = 64;
	mkdir("t", 0755);
	for (int i = 0; i < 100; i++) {
		char called_[16];

		snprintf(called_, sizeof(called_), "t/%d", i);
		add_file(called_, "x");
	}
	assert_copies(".");
	assert_text("t/99", "x");
}

/* Directories are merged, everything else is replaced. */
static void test_merge(void **state)
{
	(void)state;
	mkdir("t", 0700);
	put("t/keep", "keep");
	put("t/f", "old");
	put("outside", "safe");
	assert_int_equal(symlink("../outside", "t/l"), 0);
	assert_int_equal(symlink("../outside", "t/m"), 0);
	assert_int_equal(link("outside", "t/h"), 0);
	add_dir("t");
	add_file("t/f", "new");
	add_file("t/l", "file now");
	add_link("t/m", "keep");
	add_file("t/h", "other");
	assert_copies(".");
	assert_text("t/keep", "keep");
	assert_text("t/f", "new");
	assert_text("t/l", "file now");
	assert_true(S_ISLNK(about("t/m").st_mode));
	assert_text("t/h", "other");
	assert_text("outside", "safe");
	assert_int_equal(about("t").st_mode & 0777, 0700);
}

/* Sizes around the padding and the buffer. */
static void test_sizes(void **state)
{
	static char data[70000];
	static const size_t sizes[] = { 0,     1,     2,     3,	    4,	  5,
					65425, 65535, 65536, 65537, 70000 };
	char long_name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sizes); i++) {
		snprintf(long_name, sizeof(long_name), "%zu", sizes[i]);
		add_bytes(long_name, strlen(long_name) + 1, S_IFREG | 0644,
			  data, sizes[i]);
	}
	assert_copies(".");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sizes); i++) {
		cleanup_buf struct sbx_buf found = SBX_BUF_INIT(1 << 20);
		struct sbx_error err = SBX_ERROR_INIT;

		snprintf(long_name, sizeof(long_name), "%zu", sizes[i]);
		assert_int_equal(
			sbx_file_read(AT_FDCWD, long_name, &found, &err), 0);
		assert_int_equal(found.len, sizes[i]);
		assert_true(sizes[i] == 0 ||
			    memcmp(found.data, data, sizes[i]) == 0);
	}
}

/* Directories that nobody named, and an order that is no tree's. */
static void test_order(void **state)
{
	(void)state;
	add_file("a/b/c", "1");
	add_file("a/bb/c", "2");
	add_file("a/b/d", "3");
	add_file("x", "4");
	add_dir("a/b");
	add_file("a/b/e/f", "5");
	assert_copies(".");
	assert_text("a/b/c", "1");
	assert_text("a/bb/c", "2");
	assert_text("a/b/d", "3");
	assert_text("x", "4");
	assert_text("a/b/e/f", "5");
}

static void add_nested(int levels_)
{
	char long_name[2 * SBX_CPIO_DEPTH_MAX + 8] = "";

	for (int i = 0; i < levels_; i++)
		strcat(long_name, i ? "/d" : "d");
	add_dir(long_name);
}

/* As deep as can be with the fewest descriptors that a sandbox has. */
static void test_depth(void **state)
{
	(void)state;
	descriptors = 64;
	add_nested(SBX_CPIO_DEPTH_MAX);
	assert_copies(".");
	add_nested(SBX_CPIO_DEPTH_MAX + 1);
	add_end();
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_FAILED);
	assert_non_null(strstr(said, ": is in too many directories\n"));
}

/* --- attacks --------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const names[] = {
		"/etc/passwd", "..",	   "../x",   "a/../../x",
		"a/..",	       "a//b",	   "a/",     "a/./b",
		"./../x",      "././x",	   "./",     "\xff",
		"a\nb",	       "\xc2\x85", "a/\x7f", "",
	};

	(void)state;
	mkdir("d", 0755);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		add_file(names[i], "bad");
		add_end();
		assert_int_equal(copy_some("d", archive.len), SBX_COPY_FAILED);
		if (names[i][0] && !strstr(said, "can be no file's name\n"))
			fail_msg("\"%s\": %s", names[i], said);
		archive_clear();
		assert_int_equal(rmdir("d"), 0);
		mkdir("d", 0755);
	}
	/* A line is one line, whatever the name. */
	add_file("a\nb\x1b[0m", "");
	assert_fails("d", "a?b?[0m: can be no file's name\n");
	add_file("a\x7f", "");
	assert_fails("d", "a?: can be no file's name\n");
	add_bytes("a\0b", 4, S_IFREG, "", 0);
	assert_fails("d", "the archive: has a name that does not end\n");
	add_bytes("abc", 3, S_IFREG, "", 0);
	assert_fails("d", "the archive: has a name that does not end\n");
	assert_missing("x");
}

static void test_long_names(void **state)
{
	char long_name[SBX_CPIO_NAME_MAX + 2];

	(void)state;
	memset(long_name, 'a', 256);
	long_name[256] = '\0';
	add_file(long_name, "");
	add_end();
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_FAILED);
	archive_clear();
	long_name[255] = '\0';
	add_file(long_name, "long");
	assert_copies(".");
	assert_text(long_name, "long");
	memset(long_name, 'a', sizeof(long_name));
	add_bytes(long_name, sizeof(long_name), S_IFREG, "", 0);
	assert_fails(".", "the archive: has a name of no possible size\n");
}

/* Through a link that is there, or that the archive has just made. */
static void test_through_links(void **state)
{
	(void)state;
	mkdir("d", 0755);
	mkdir("outside", 0755);
	assert_int_equal(symlink("../outside", "d/planted"), 0);
	add_file("planted/f", "bad");
	assert_fails("d", "planted/f: a link or a file is in the way: Not a "
			  "directory\n");
	add_dir("planted");
	assert_fails("d", "planted: a link or a file is in the way: Not a "
			  "directory\n");
	add_dir("t");
	add_dir("t/in");
	add_link("t/l", "in");
	add_file("t/l/f", "bad");
	assert_fails("d", "t/l/f: a link or a file is in the way: Not a "
			  "directory\n");
	assert_missing("d/t/in/f");
	assert_missing("outside/f");
	/* One that replaces the directory that is held. */
	add_dir("u");
	add_dir("u/v");
	add_link("u/v", "../outside");
	assert_fails("d", "u/v: is a link that leads out of the tree\n");
	add_dir("u");
	add_dir("u/w");
	add_dir("u/v");
	add_link("u/v", "w");
	assert_fails("d", "u/v: cannot be made: Is a directory\n");
}

static void test_links(void **state)
{
	static const char *const stay[] = {
		"f",	   "./f", "g/h",  "..",	 "../f",
		"../t/f/", ".",	  "../.", "..a", ".a/..b",
	};
	static const char *const leave_[] = {
		"/etc/passwd", "../../..", "../../t2",
		"../../../x",  "f/../x",   "g/../../../x",
		"a//b",	       "f\n",	   "../../../t/f",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(stay); i++) {
		add_link("t/t1/l", stay[i]);
		assert_copies(".");
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(leave_); i++) {
		add_link("t/t1/l", leave_[i]);
		assert_fails(".",
			     "t/t1/l: is a link that leads out of the tree\n");
	}
	/* A link alone is in no tree. */
	add_link("l", "f");
	assert_fails(".", "l: is a link that leads out of the tree\n");
	add_link("t/l", "");
	assert_fails(".", "t/l: is a link to nowhere\n");
	add_bytes("t/l", 4, S_IFLNK, "a\0b", 3);
	assert_fails(".", "t/l: is a link that leads out of the tree\n");
}

static void test_types(void **state)
{
	(void)state;
	mkdir("d", 0755);
	mkdir("d/dir", 0755);
	put("d/file", "old");
	add("p", S_IFIFO | 0644, "");
	assert_fails("d", "p: a FIFO\n");
	add("p", S_IFCHR | 0644, "");
	assert_fails("d", "p: a device\n");
	add("p", S_IFBLK | 0644, "");
	assert_fails("d", "p: a device\n");
	add("p", S_IFSOCK | 0644, "");
	assert_fails("d", "p: a socket\n");
	add("p", 0644, "");
	assert_fails("d", "p: of no known type\n");
	add("p", S_IFDIR | 0755, "x");
	assert_fails("d", "p: is a directory with contents\n");
	add_file(".", "x");
	assert_fails("d", ".: is to be a directory and is none\n");
	assert_missing("d/p");
	/* One in place of the other. */
	add_file("dir", "x");
	assert_fails("d", "dir: cannot be made: Is a directory\n");
	add_dir("file");
	assert_fails("d", "file: a link or a file is in the way: Not a "
			  "directory\n");
	add_file("file/x", "");
	assert_fails("d", "file/x: a link or a file is in the way: Not a "
			  "directory\n");
	assert_text("d/file", "old");
}

/* --- no archive ------------------------------------------------------------ */

static void assert_is_none(const char *text)
{
	archive_clear();
	sbx_buf_puts(&archive, text);
	while (archive.len < SBX_CPIO_HEADER_SIZE)
		sbx_buf_puts(&archive, "0");
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_FAILED);
	assert_string_equal(said, "the archive: is none, or damaged\n");
	archive_clear();
}

static void test_damaged_header(void **state)
{
	(void)state;
	assert_is_none("070702");
	assert_is_none("070707");
	assert_is_none("\x1f\x8b");
	assert_is_none("070701-");
	assert_is_none("070701 0");
	assert_is_none("0707010x");
	assert_is_none("070701g");
	/* Each digit counts. */
	for (size_t i = 0; i < SBX_CPIO_HEADER_SIZE; i++) {
		add_file("a", "");
		archive.data[i] = '/';
		assert_int_equal(copy_some(".", archive.len), SBX_COPY_FAILED);
		archive_clear();
	}
	/* Either case. */
	add_file("ABCDEFabcdef", "x");
	for (size_t i = 6; i < SBX_CPIO_HEADER_SIZE; i++) {
		if (archive.data[i] >= 'a')
			archive.data[i] = (char)(archive.data[i] - 0x20);
	}
	assert_copies(".");
	assert_int_equal(about("ABCDEFabcdef").st_mtime, LONG_AGO);
}

static void test_huge_numbers(void **state)
{
	(void)state;
	add_file("a", "x");
	memcpy(archive.data + 6 + 8 * SBX_CPIO_SIZE, "ffffffff", 8);
	add_end();
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_FAILED);
	assert_string_equal(said, "the archive: ends too early\n");
	archive_clear();
	add_link("t/a", "x");
	memcpy(archive.data + 6 + 8 * SBX_CPIO_SIZE, "ffffffff", 8);
	assert_fails(".", "t/a: is a link to nowhere\n");
	add_file("a", "x");
	memcpy(archive.data + 6 + 8 * SBX_CPIO_NAME_SIZE, "ffffffff", 8);
	assert_fails(".", "the archive: has a name of no possible size\n");
	add_file("a", "x");
	memcpy(archive.data + 6 + 8 * SBX_CPIO_NAME_SIZE, "00000000", 8);
	assert_fails(".", "the archive: has a name of no possible size\n");
}

/* Wherever it is cut off. */
static void test_truncated(void **state)
{
	size_t size;

	(void)state;
	add_dir("t");
	add_file("t/f", "some text");
	add_link("t/l", "f");
	size = archive.len;
	add_end();
	for (size_t i = 0; i < archive.len; i++) {
		assert_int_equal(copy_some(".", i), SBX_COPY_FAILED);
		assert_string_equal(said, "the archive: ends too early\n");
	}
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_DONE);
	assert_int_equal(copy_some(".", size), SBX_COPY_FAILED);
}

/* Whoever writes it may pad it, and is not cut off while it does. */
/* Whoever sends need not have come to an end. */
static void test_does_not_wait_for_the_rest(void **state)
{
	int in[2];
	int status;
	pid_t pid, ended = 0;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_child(".", in[0], open("/dev/null", O_WRONLY | O_CLOEXEC));
	for (size_t i = 0; i < SBX_CPIO_HEADER_SIZE; i++)
		assert_int_equal(write(in[1], "x", 1), 1);
	for (int i = 0; i < 500 && ended == 0; i++) {
		usleep(10000);
		ended = waitpid(pid, &status, WNOHANG);
	}
	if (ended == 0)
		kill(pid, SIGKILL);
	assert_int_equal(ended, pid);
	assert_int_equal(WEXITSTATUS(status), SBX_COPY_FAILED);
	close(in[0]);
	close(in[1]);
}

static void test_padded(void **state)
{
	static char much[1000000];

	(void)state;
	add_file("a", "x");
	add_end();
	sbx_buf_append(&archive, much, sizeof(much));
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_DONE);
	archive_clear();
	add_end();
	assert_int_equal(copy_some(".", archive.len), SBX_COPY_DONE);
}

/* --- need ------------------------------------------------------------------ */

static void assert_fault(const char *call, int errnum, int skip,
			 const char *why)
{
	mkdir("d", 0755);
	add_dir("t");
	add_file("t/f", "x");
	add_link("t/l", "f");
	faulty_once(call, errnum, skip);
	assert_fails("d", why);
	faulty(NULL, 0, 0);
	assert_int_equal(system("rm -rf d"), 0);
}

static void test_faults(void **state)
{
	(void)state;
	assert_fault("open", EACCES, 0,
		     "d: cannot be opened: Permission denied\n");
	assert_fault("openat", EMFILE, 0,
		     "t: a directory cannot be opened: Too many open files\n");
	assert_fault("openat", ENOSPC, 1,
		     "t/f: cannot be made: No space left on device\n");
	assert_fault("write", ENOSPC, 0,
		     "t/f: cannot be written: No space left on device\n");
	assert_fault("fchmod", EPERM, 0,
		     "t/f: mode and time cannot be set: Operation not "
		     "permitted\n");
	assert_fault("futimens", EPERM, 0,
		     "t/f: mode and time cannot be set: Operation not "
		     "permitted\n");
	assert_fault("fchmod", EPERM, 1,
		     "t: mode and time cannot be set: Operation not "
		     "permitted\n");
	assert_fault("utimensat", EPERM, 0,
		     "t/l: cannot be made: Operation not permitted\n");
	assert_fault("read", EIO, 0, "the archive: ends too early\n");
}

static void test_interrupted(void **state)
{
	(void)state;
	add_file("f", "x");
	faulty_once("read", EINTR, 0);
	assert_copies(".");
	add_file("f", "y");
	faulty_once("write", EINTR, 0);
	assert_copies(".");
	assert_text("f", "y");
}

static void test_many_files(void **state)
{
	char long_name[32];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(long_name, sizeof(long_name), "t/%d/%d", i / 100, i);
		add_file(long_name, "x");
	}
	assert_copies("new");
	assert_text("new/19/1999", "x");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_into_directory),
		TEST(test_under_a_new_name),
		TEST(test_no_such_target),
		TEST(test_target_through_links),
		TEST(test_modes_and_times),
		TEST(test_directory_that_comes_twice),
		TEST(test_directory_that_cannot_be_made),
		TEST(test_link_that_cannot_be_made),
		TEST(test_into_what_is_there),
		TEST(test_merge),
		TEST(test_sizes),
		TEST(test_order),
		TEST(test_depth),
		TEST(test_names),
		TEST(test_long_names),
		TEST(test_through_links),
		TEST(test_links),
		TEST(test_types),
		TEST(test_damaged_header),
		TEST(test_huge_numbers),
		TEST(test_truncated),
		TEST(test_does_not_wait_for_the_rest),
		TEST(test_padded),
		TEST(test_faults),
		TEST(test_interrupted),
		TEST(test_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
