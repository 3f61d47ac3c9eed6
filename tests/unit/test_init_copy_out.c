/* SPDX-License-Identifier: MIT */
/*
 * A file or a tree of a sandbox as an archive: what is in it, and what is not,
 * however the tree is made and whatever happens to it meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "copy_archive.h"
#include "faulty_calls.h"
#include "scratch.h"

/* What somebody else does to a file right when it has been examined. */
static void (*meanwhile)(void);

static int fstat_and_then(int fd, struct stat *st)
{
	int result = fstat(fd, st);

	if (meanwhile && S_ISREG(st->st_mode)) {
		meanwhile();
		meanwhile = NULL;
	}
	return result;
}

/* And right before it is opened. */
static void (*before)(void);

static int then_openat(int dir, const char *name, int flags)
{
	if (before)
		before();
	before = NULL;
	return openat(dir, name, flags);
}

/* How often a directory was read, by the child as well. */
static int *n_reads;

#define fstat(...)	(is_faulty("fstat") ? -1 : fstat_and_then(__VA_ARGS__))
#define fstatat(...)	FAULTY(fstatat, __VA_ARGS__)
#define openat(...)	(is_faulty("openat") ? -1 : then_openat(__VA_ARGS__))
#define open(...)	FAULTY(open, __VA_ARGS__)
#define readlinkat(...) FAULTY(readlinkat, __VA_ARGS__)
#define write(...)	FAULTY(write, __VA_ARGS__)
#define read(...)	FAULTY(read, __VA_ARGS__)
#define syscall(...)	((*n_reads)++, FAULTY(syscall, __VA_ARGS__))

#include "../../runner/init/copy_out.c"

#undef fstat
#undef fstatat
#undef openat
#undef open
#undef readlinkat
#undef write
#undef read
#undef syscall

#include "../../runner/init/copy.c"
#include "../../runner/init/text.c"

static char said[64 * 1024];

/* What else the child does before. */
static void (*first)(void);

/* How many descriptors it may have; 0: as many as this program. */
static rlim_t descriptors;

static int set_up(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	archive_clear();
	faulty(NULL, 0, 0);
	meanwhile = NULL;
	before = NULL;
	first = NULL;
	descriptors = 0;
	umask(022);
	return scratch_enter(state);
}

static int tear_down(void **state)
{
	return system("chmod -R u+rwx .") < 0 ? -1 : scratch_leave(state);
}

static _Noreturn void be_child(const char *path, int out, int err)
{
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(100);
	closefrom(3);
	/* Where a child of init's has its status. */
	if (dup2(STDERR_FILENO, 3) < 0)
		_exit(100);
	if (descriptors > 0 &&
	    setrlimit(RLIMIT_NOFILE,
		      &(struct rlimit){ descriptors, descriptors }) < 0)
		_exit(100);
	if (first)
		first();
	_exit(sbx_copy_out(path));
}

/* The archive, and what was said, both whole; the exit status. */
static int copy(const char *path)
{
	FILE *err = tmpfile();
	struct sbx_error error = SBX_ERROR_INIT;
	int out[2];
	int status;
	pid_t pid;

	archive_clear();
	assert_non_null(err);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_child(path, out[1], fileno(err));
	close(out[1]);
	assert_int_equal(sbx_fd_read_all(out[0], &archive, &error), 0);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rewind(err);
	said[fread(said, 1, sizeof(said) - 1, err)] = '\0';
	fclose(err);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static size_t at;

static const char *next_bytes(size_t size)
{
	assert_true(size <= archive.len - at);
	at += size;
	return archive.data + at - size;
}

/* The entries: "MODE NAME SIZE\n" each, the archive is whole. */
static void list(struct sbx_buf *out)
{
	struct sbx_cpio entry = { 0 };
	const char *name_;

	at = 0;
	for (;;) {
		assert_true(sbx_cpio_get(&entry, next_bytes(110)));
		name_ = next_bytes(entry.name_size);
		assert_int_equal(strlen(name_) + 1, entry.name_size);
		next_bytes(-at & 3);
		if (strcmp(name_, SBX_CPIO_TRAILER) == 0)
			break;
		assert_true(sbx_cpio_is_name(name_, entry.name_size - 1));
		next_bytes(entry.size);
		next_bytes(-at & 3);
		sbx_buf_printf(out, "%o %s %u\n", entry.mode, name_,
			       entry.size);
	}
	assert_int_equal(at, archive.len);
}

static int by_line(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Directories have their entries in any order. */
static void assert_lists(const char *text)
{
	cleanup_buf struct sbx_buf found = SBX_BUF_INIT(1 << 20);
	cleanup_buf struct sbx_buf sorted = SBX_BUF_INIT(1 << 20);
	char *lines_[64] = { NULL };
	size_t n = 0;
	char *rest;

	list(&found);
	rest = found.data;
	while (rest && *rest)
		lines_[n++] = strsep(&rest, "\n");
	qsort(lines_, n, sizeof(lines_[0]), by_line);
	for (size_t i = 0; i < n; i++)
		sbx_buf_printf(&sorted, "%s\n", lines_[i]);
	assert_string_equal(sbx_buf_text(&sorted), text);
}

static void make_tree(void)
{
	mkdir("d", 0755);
	mkdir("d/t", 0750);
	put_mode("d/t/f", "text", 0640);
	mkdir("d/t/e", 0700);
	put_mode("d/t/e/x", "", 0700);
	assert_int_equal(symlink("../f", "d/t/e/l"), 0);
}

#define TREE                                                                   \
	"100640 %1$s/f 4\n"                                                    \
	"100700 %1$s/e/x 0\n"                                                  \
	"120777 %1$s/e/l 4\n"                                                  \
	"40700 %1$s/e 0\n"                                                     \
	"40750 %1$s 0\n"

static void assert_tree(const char *root)
{
	cleanup_free char *text = sbx_asprintf(TREE, root);

	assert_lists(text);
	assert_string_equal(said, "");
}

/* --- names ----------------------------------------------------------------- */

static void test_names(void **state)
{
	char too_long[300] = "";

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	make_tree();
	assert_int_equal(symlink("d/t", "link"), 0);
	assert_int_equal(copy("d/t"), SBX_COPY_DONE);
	assert_tree("t");
	assert_int_equal(copy("d/t//"), SBX_COPY_DONE);
	assert_tree("t");
	assert_int_equal(copy("d/t/."), SBX_COPY_DONE);
	assert_tree(".");
	assert_int_equal(copy("d/t/e/.."), SBX_COPY_DONE);
	assert_tree(".");
	assert_int_equal(copy("link"), SBX_COPY_DONE);
	assert_tree("link");
	assert_int_equal(copy(too_long), SBX_COPY_FAILED);
	assert_non_null(strstr(said, ": its name cannot be sent\n"));
	assert_int_equal(copy("d/t/f"), SBX_COPY_DONE);
	assert_lists("100640 f 4\n");
	assert_non_null(memmem(archive.data, archive.len, "text", 4));
}

/* A directory comes before what is in it. */
static void test_order(void **state)
{
	cleanup_buf struct sbx_buf found = SBX_BUF_INIT(4096);
	const char *text;

	(void)state;
	make_tree();
	assert_int_equal(copy("d/t"), SBX_COPY_DONE);
	list(&found);
	text = sbx_buf_text(&found);
	assert_true(strncmp(text, "40750 t 0\n", 10) == 0);
	assert_true(strstr(text, " t/e 0") < strstr(text, " t/e/x 0"));
	assert_true(strstr(text, " t/e 0") < strstr(text, " t/e/l 4"));
}

static void test_nothing_there(void **state)
{
	(void)state;
	mkfifo("p", 0644);
	assert_int_equal(copy("no"), SBX_COPY_FAILED);
	assert_string_equal(said, "no: cannot be examined: No such file or "
				  "directory\n");
	assert_int_equal(archive.len, 0);
	assert_int_equal(copy("p"), SBX_COPY_FAILED);
	assert_string_equal(said, "p: a FIFO\n");
	assert_int_equal(copy("/dev/null"), SBX_COPY_FAILED);
	assert_string_equal(said, "/dev/null: a device\n");
	put(SBX_CPIO_TRAILER, "");
	assert_int_equal(copy(SBX_CPIO_TRAILER), SBX_COPY_FAILED);
	assert_string_equal(said, "TRAILER!!!: its name cannot be sent\n");
	assert_int_equal(copy("a\nb"), SBX_COPY_FAILED);
	assert_string_equal(said, "a?b: its name cannot be sent\n");
	assert_int_equal(archive.len, 0);
}

/* --- what it is ------------------------------------------------------------ */

static void test_modes_and_times(void **state)
{
	const struct timespec times[] = { { .tv_sec = 1 },
					  { .tv_sec = LONG_AGO } };
	const struct timespec early[] = { { .tv_sec = 1 }, { .tv_sec = -5 } };
	struct sbx_cpio entry = { 0 };

	(void)state;
	put_mode("f", "x", 06755);
	assert_int_equal(utimensat(AT_FDCWD, "f", times, 0), 0);
	assert_int_equal(copy("f"), SBX_COPY_DONE);
	assert_true(sbx_cpio_get(&entry, archive.data));
	assert_int_equal(entry.mode, S_IFREG | 0755);
	assert_int_equal(entry.mtime, LONG_AGO);
	assert_int_equal(utimensat(AT_FDCWD, "f", early, 0), 0);
	assert_int_equal(copy("f"), SBX_COPY_DONE);
	assert_true(sbx_cpio_get(&entry, archive.data));
	assert_int_equal(entry.mtime, 0);
}

/* Two names of one file are two files. */
static void test_hard_links(void **state)
{
	(void)state;
	mkdir("d", 0755);
	put("d/a", "text");
	assert_int_equal(link("d/a", "d/b"), 0);
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("100644 d/a 4\n100644 d/b 4\n40755 d 0\n");
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
}

static void test_left_out(void **state)
{
	(void)state;
	mkdir("d", 0755);
	put("outside", "secret");
	make_socket("d/s");
	mkfifo("d/p", 0644);
	assert_int_equal(symlink("../outside", "d/l"), 0);
	assert_int_equal(symlink("/etc/passwd", "d/m"), 0);
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("40755 d 0\n");
	assert_non_null(strstr(said, "d/s: left out: a socket\n"));
	assert_non_null(strstr(said, "d/p: left out: a FIFO\n"));
	assert_non_null(strstr(said, "d/l: left out: a link that leads out of "
				     "the tree\n"));
	assert_non_null(strstr(said, "d/m: left out: a link that leads out of "
				     "the tree\n"));
}

static void test_odd_names(void **state)
{
	(void)state;
	mkdir("d", 0755);
	put("d/\xff", "");
	put("d/a\nb", "");
	put("d/..a", "");
	put("d/" SBX_CPIO_TRAILER, "");
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("100644 d/..a 0\n100644 d/TRAILER!!! 0\n40755 d 0\n");
	assert_non_null(
		strstr(said, "d/a?b: left out: its name cannot be sent\n"));
	assert_non_null(
		strstr(said, "d/\xff: left out: its name cannot be sent\n"));
}

/* Hundreds of them are no hundreds of lines. */
static void test_lines(void **state)
{
	char path[32];
	size_t n = 0;

	(void)state;
	mkdir("d", 0755);
	for (int i = 0; i < 250; i++) {
		snprintf(path, sizeof(path), "d/%d", i);
		mkfifo(path, 0644);
	}
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	for (const char *c = said; *c; c++)
		n += *c == '\n';
	assert_int_equal(n, 101);
	assert_non_null(strstr(said, "and 150 lines more of this kind\n"));
}

static void test_kernels_own(void **state)
{
	struct sbx_cpio entry = { 0 };

	(void)state;
	descriptors = 64;
	assert_int_equal(copy("/proc/sys/kernel/ostype"), SBX_COPY_DONE);
	assert_true(sbx_cpio_get(&entry, archive.data));
	assert_int_equal(entry.size, 0);
	assert_string_equal(said, "ostype: became longer, the rest is left "
				  "out\n");
}

/* A directory that is another file system, as it says itself. */
static void test_proc_is_left_out(void **state)
{
	int proc = open("/proc", DIRECTORY);
	int sys = open("/sys", DIRECTORY);
	int here = open(".", DIRECTORY);

	(void)state;
	assert_true(is_kernels(proc));
	assert_true(is_kernels(sys));
	assert_false(is_kernels(here));
	close(sys);
	put("out", "");
	depth = 0;
	filled = 0;
	snprintf(name, sizeof(name), "d");
	assert_int_equal(enter(here), 0);
	assert_int_equal(depth, 1);
	snprintf(name, sizeof(name), "d/proc");
	assert_int_equal(enter(proc), 0);
	assert_int_equal(depth, 1);
	assert_int_equal(fcntl(proc, F_GETFD), -1);
	close(here);
}

/* Who asks for it gets it, with its directories. */
static void test_proc_that_is_asked_for(void **state)
{
	(void)state;
	copy("/proc/sys/fs");
	assert_non_null(memmem(archive.data, archive.len, "fs/inotify", 11));
}

static void mount_below(void)
{
	unsigned int uid = geteuid();

	if (unshare(CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "d/m", "tmpfs", 0, NULL) < 0)
		_exit(101);
	put("d/m/f", "below");
}

static void test_other_file_systems(void **state)
{
	(void)state;
	mkdir("d", 0755);
	mkdir("d/m", 0755);
	first = mount_below;
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_non_null(memmem(archive.data, archive.len, "d/m/f", 6));
	assert_non_null(memmem(archive.data, archive.len, "below", 5));
}

/* --- what is large --------------------------------------------------------- */

static void make_nested(int levels_)
{
	int dir = open(".", DIRECTORY);

	for (int i = 0; i < levels_; i++) {
		int next;

		assert_int_equal(mkdirat(dir, "d", 0755), 0);
		next = openat(dir, "d", DIRECTORY);
		close(dir);
		dir = next;
	}
	close(dir);
}

/* As deep as can be with the fewest descriptors that a sandbox has. */
static void test_depth(void **state)
{
	(void)state;
	descriptors = 64;
	make_nested(SBX_CPIO_DEPTH_MAX);
	put("d/f", "x");
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_int_equal(system("rm -rf d"), 0);
	make_nested(SBX_CPIO_DEPTH_MAX + 1);
	put("d/f", "x");
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_non_null(strstr(said, "d/d: is in too many directories\n"));
	/* All the rest is there. */
	assert_non_null(memmem(archive.data, archive.len, "d/f", 4));
}

static void test_long_path(void **state)
{
	cleanup_buf struct sbx_buf found = SBX_BUF_INIT(1 << 20);
	char long_name[201];
	int dir = open(".", DIRECTORY);
	int n = 0;

	(void)state;
	memset(long_name, 'n', 200);
	long_name[200] = '\0';
	for (int i = 0; i < 7; i++) {
		int next;

		assert_int_equal(mkdirat(dir, long_name, 0755), 0);
		next = openat(dir, long_name, DIRECTORY);
		close(dir);
		dir = next;
	}
	close(dir);
	assert_int_equal(copy("."), SBX_COPY_FAILED);
	assert_non_null(strstr(said, ": left out: its name cannot be sent\n"));
	/* "." and five below it; what is cut off is no name of the next one. */
	list(&found);
	for (const char *line = found.data; (line = strchr(line, '\n')); line++)
		n++;
	assert_int_equal(n, 6);
}

static void test_large_files(void **state)
{
	static char data[200001];
	const char *found;

	(void)state;
	mkdir("d", 0755);
	for (size_t i = 0; i + 1 < sizeof(data); i++)
		data[i] = (char)('a' + i % 23);
	put("d/f", data);
	put("d/big", "");
	assert_int_equal(truncate("d/big", (off_t)1 << 32), 0);
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("100644 d/f 200000\n40755 d 0\n");
	assert_string_equal(said, "d/big: is larger than 4 GiB, the most that "
				  "can be copied\n");
	found = memmem(archive.data, archive.len, "abcdefgh", 8);
	assert_non_null(found);
	assert_memory_equal(found, data, 200000);
}

/* However many there are, none is read twice. */
static void test_many_files(void **state)
{
	char path[32];

	(void)state;
	mkdir("d", 0755);
	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "d/%d", i);
		mkdir(path, 0755);
	}
	*n_reads = 0;
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_true(*n_reads > 4000);
	assert_true(*n_reads < 4050);
	assert_non_null(memmem(archive.data, archive.len, "d/1999", 7));
}

/* --- what changes meanwhile ------------------------------------------------ */

static void shorten(void)
{
	assert_int_equal(truncate("d/f", 2), 0);
}

static void lengthen(void)
{
	put("d/f", "abcdefghi");
}

static void exchange(void)
{
	assert_int_equal(unlink("d/f"), 0);
	assert_int_equal(symlink("../outside", "d/f"), 0);
}

static void exchange_dir(void)
{
	assert_int_equal(rmdir("d/e"), 0);
	assert_int_equal(symlink("../outside-dir", "d/e"), 0);
}

static void make_fifo(void)
{
	assert_int_equal(unlink("d/f"), 0);
	assert_int_equal(mkfifo("d/f", 0644), 0);
}

static void start_over(void)
{
	assert_int_equal(system("rm -rf d; mkdir d"), 0);
	put("d/f", "abcdef");
}

static void test_changes(void **state)
{
	(void)state;
	start_over();
	meanwhile = shorten;
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("100644 d/f 6\n40755 d 0\n");
	assert_non_null(memmem(archive.data, archive.len, "ab\0\0\0\0\0\0", 8));
	assert_string_equal(said, "d/f: became shorter, zeros are in place of "
				  "the rest\n");
	/* An errno that is an earlier call's says nothing of that. */
	start_over();
	meanwhile = shorten;
	faulty_once("read", EINTR, 0);
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	faulty(NULL, 0, 0);
	start_over();
	meanwhile = lengthen;
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("100644 d/f 6\n40755 d 0\n");
	assert_null(memmem(archive.data, archive.len, "abcdefg", 7));
	assert_string_equal(said, "d/f: became longer, the rest is left out\n");
}

/* What it was when it was looked at is not what is opened. */
static void test_exchanges(void **state)
{
	(void)state;
	put("outside", "secret");
	mkdir("outside-dir", 0755);
	put("outside-dir/f", "secret");
	start_over();
	before = exchange;
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("40755 d 0\n");
	assert_string_equal(said, "d/f: cannot be opened: Too many levels of "
				  "symbolic links\n");
	start_over();
	before = make_fifo;
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("40755 d 0\n");
	assert_string_equal(said, "d/f: was exchanged for something else\n");
	assert_int_equal(system("rm d/f; mkdir d/e"), 0);
	before = exchange_dir;
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_lists("40755 d 0\n");
	assert_string_equal(said, "d/e: cannot be opened: Not a directory\n");
	assert_null(memmem(archive.data, archive.len, "secret", 6));
}

/* --- need ------------------------------------------------------------------ */

static void assert_fault(const char *call, int errnum, int skip,
			 const char *entries, const char *why)
{
	faulty_once(call, errnum, skip);
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	faulty(NULL, 0, 0);
	assert_string_equal(said, why);
	if (entries)
		assert_lists(entries);
}

static void test_faults(void **state)
{
	(void)state;
	start_over();
	assert_fault("open", EACCES, 0, NULL,
		     "d: cannot be opened: Permission denied\n");
	assert_fault("fstat", EIO, 0, "",
		     "d: cannot be examined: Input/output error\n");
	assert_fault("fstatat", EIO, 0, "40755 d 0\n",
		     "d/f: cannot be examined: Input/output error\n");
	assert_fault("openat", EMFILE, 0, "40755 d 0\n",
		     "d/f: cannot be opened: Too many open files\n");
	assert_fault("fstat", EIO, 1, "40755 d 0\n",
		     "d/f: cannot be examined: Input/output error\n");
	assert_fault("read", EIO, 0, "100644 d/f 6\n40755 d 0\n",
		     "d/f: cannot be read, zeros are in its place: "
		     "Input/output error\n");
	assert_fault("syscall", EIO, 0, "40755 d 0\n",
		     "d: cannot be read: Input/output error\n");
	assert_fault("write", EPIPE, 0, NULL,
		     "the archive: cannot be written: Broken pipe\n");
	assert_int_equal(archive.len, 0);
	/* That is the end of it, not of one file after the other. */
	put("d/big", "");
	assert_int_equal(truncate("d/big", 1000000), 0);
	faulty("write", EPIPE, 0);
	assert_int_equal(copy("d"), SBX_COPY_FAILED);
	assert_string_equal(said,
			    "the archive: cannot be written: Broken pipe\n");
	assert_int_equal(unlink("d/big"), 0);
	assert_int_equal(symlink("f", "d/l"), 0);
	assert_int_equal(unlink("d/f"), 0);
	assert_fault("readlinkat", EIO, 0, "40755 d 0\n",
		     "d/l: cannot be read: Input/output error\n");
}

/* What is gone was never there; what interrupts is no end. */
static void test_no_faults(void **state)
{
	(void)state;
	start_over();
	faulty_once("fstatat", ENOENT, 0);
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("40755 d 0\n");
	faulty_once("read", EINTR, 0);
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("100644 d/f 6\n40755 d 0\n");
	faulty_once("write", EINTR, 0);
	assert_int_equal(copy("d"), SBX_COPY_DONE);
	assert_lists("100644 d/f 6\n40755 d 0\n");
	assert_string_equal(said, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_order),
		TEST(test_nothing_there),
		TEST(test_modes_and_times),
		TEST(test_hard_links),
		TEST(test_left_out),
		TEST(test_odd_names),
		TEST(test_lines),
		TEST(test_kernels_own),
		TEST(test_proc_is_left_out),
		TEST(test_proc_that_is_asked_for),
		TEST(test_other_file_systems),
		TEST(test_depth),
		TEST(test_long_path),
		TEST(test_large_files),
		TEST(test_many_files),
		TEST(test_changes),
		TEST(test_exchanges),
		TEST(test_faults),
		TEST(test_no_faults),
	};

	n_reads = mmap(NULL, sizeof(*n_reads), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n_reads == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
