/* SPDX-License-Identifier: MIT */
/*
 * A directory of records never has half a record, nor more than it may, loses
 * the oldest first, and nobody else can read or write what is in it.
 */
#include "serve/record_dir.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "scratch.h"

static int warnings;
static char warning[256];

static void say(const char *line)
{
	warnings++;
	snprintf(warning, sizeof(warning), "%s", line);
}

static struct sbx_record_dir *open_dir(size_t records, uint64_t bytes)
{
	const struct sbx_record_dir_options options = {
		.path = "deep/records",
		.records = records,
		.bytes = bytes,
		.say = say,
	};
	struct sbx_record_dir *dir = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	warnings = 0;
	if (sbx_record_dir_open(&dir, &options, &err) < 0)
		fail_msg("%s", err.message);
	return dir;
}

static void refuse(const char *path, const char *why)
{
	const struct sbx_record_dir_options options = { path, 1, 1, say };
	struct sbx_record_dir *dir = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_record_dir_open(&dir, &options, &err), -1);
	assert_null(dir);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
}

/* The runs' ids of what is there, oldest first: "a b c". */
static void assert_there(const char *expected)
{
	cleanup_fd int fd = open("deep/records", O_RDONLY | O_DIRECTORY);
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	char ids[4096] = "";

	assert_int_equal(sbx_record_dir_names(fd, &names, &err), 0);
	for (size_t i = 0; i < names.n; i++) {
		const char *id;
		size_t size;

		assert_true(sbx_record_dir_is_name(names.v[i], &id, &size));
		strncat(ids, id, size);
		strcat(ids, i + 1 < names.n ? " " : "");
	}
	assert_string_equal(ids, expected);
}

static char *first_path(void)
{
	cleanup_fd int fd = open("deep/records", O_RDONLY | O_DIRECTORY);
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_record_dir_names(fd, &names, &err), 0);
	assert_true(names.n > 0);
	return sbx_asprintf("deep/records/%s", names.v[0]);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Names are times; two within a millisecond are in no order. */
static void keep(struct sbx_record_dir *dir, const char *id, const char *text)
{
	sbx_record_dir_keep(dir, id, text);
	usleep(1500);
}

static void test_keep(void **state)
{
	struct sbx_record_dir *dir = open_dir(10, 1000);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(100);
	cleanup_free char *path = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	keep(dir, "a", "{\"a\": 1}");
	keep(dir, "..", "{}");
	assert_there("a ..");
	path = first_path();
	assert_int_equal(sbx_file_read(AT_FDCWD, path, &text, &err), 0);
	assert_string_equal(sbx_buf_text(&text), "{\"a\": 1}");
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(mode_of("deep/records"), 0700);
	assert_int_equal(mode_of("deep"), 0700);
	assert_int_equal(warnings, 0);
	sbx_record_dir_close(&dir);
}

static void test_bounds(void **state)
{
	struct sbx_record_dir *dir = open_dir(3, 1000);

	(void)state;
	for (const char *id = "abcde"; *id; id++)
		keep(dir, (char[]){ *id, '\0' }, "12345678");
	assert_there("c d e");
	sbx_record_dir_close(&dir);

	/* What others left counts, and the bounds may be smaller now. */
	dir = open_dir(10, 20);
	assert_there("d e");
	keep(dir, "f", "1234");
	assert_there("d e f");
	keep(dir, "g", "1");
	assert_there("e f g");
	keep(dir, "h", "12345678901234567890");
	assert_there("h");
	assert_int_equal(warnings, 0);
	/* One that never can fit takes nothing with it. */
	keep(dir, "i", "123456789012345678901");
	assert_there("h");
	assert_int_equal(warnings, 1);
	sbx_record_dir_close(&dir);
}

/* Many more than there is room for, as a daemon does in a day. */
static void test_turnover(void **state)
{
	struct sbx_record_dir *dir = open_dir(5, 1000);
	char id[16];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(id, sizeof(id), "%d", i);
		sbx_record_dir_keep(dir, id, "x");
	}
	usleep(1500);
	keep(dir, "a", "x");
	keep(dir, "b", "x");
	sbx_record_dir_close(&dir);
	dir = open_dir(2, 1000);
	assert_there("a b");
	keep(dir, "c", "x");
	assert_there("b c");
	sbx_record_dir_close(&dir);
}

/* Whatever else is there is somebody else's. */
static void test_foreign_files(void **state)
{
	static const char *const names[] = { "notes.txt", "20260131.json",
					     ".hidden" };
	struct sbx_record_dir *dir = open_dir(2, 1000);

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *path =
			sbx_asprintf("deep/records/%s", names[i]);

		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	for (const char *id = "abcd"; *id; id++)
		keep(dir, (char[]){ *id, '\0' }, "x");
	sbx_record_dir_close(&dir);
	dir = open_dir(1, 1000);
	assert_there("d");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *path =
			sbx_asprintf("deep/records/%s", names[i]);

		assert_int_equal(access(path, F_OK), 0);
	}
	sbx_record_dir_close(&dir);
}

static void test_refused(void **state)
{
	struct sbx_record_dir *dir = open_dir(2, 1000);

	(void)state;
	refuse("deep/records", "another daemon");
	sbx_record_dir_close(&dir);
	assert_int_equal(chmod("deep/records", 0770), 0);
	refuse("deep/records", "others can write");
	assert_int_equal(chmod("deep/records", 0702), 0);
	refuse("deep/records", "others can write");
	assert_int_equal(chmod("deep/records", 0755), 0);
	close(open("file", O_CREAT | O_WRONLY, 0600));
	refuse("file", "Not a directory");
	if (geteuid() == 0) {
		assert_int_equal(chown("deep/records", 12345, 0), 0);
		refuse("deep/records", "belongs to user 12345");
	}
}

/*
 * No more can be written, as on a full disk: one warning, nothing half there,
 * and when there is room again, all is well.
 */
static void test_full_disk(void **state)
{
	struct sbx_record_dir *dir = open_dir(10, 1000);
	struct rlimit old;
	struct rlimit limit;

	(void)state;
	keep(dir, "a", "1234");
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = old;
	limit.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	keep(dir, "b", "12345678901234567890");
	keep(dir, "c", "12345678901234567890");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(warning, strerror(EFBIG)));
	assert_there("a");
	assert_int_equal(access("deep/records/.new", F_OK), -1);
	keep(dir, "d", "12345678901234567890");
	assert_there("a d");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	keep(dir, "e", "12345678901234567890");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(warnings, 2);
	sbx_record_dir_close(&dir);
}

/* A link is no record, whatever it is called: nothing of it is counted. */
static void test_links(void **state)
{
	static const char link[] = "deep/records/20260131T120000123Z-a.json";
	struct sbx_record_dir *dir = open_dir(1, 1000);
	struct stat st;

	(void)state;
	sbx_record_dir_close(&dir);
	assert_int_equal(symlink("../../elsewhere", link), 0);
	dir = open_dir(1, 1000);
	keep(dir, "b", "x");
	keep(dir, "c", "x");
	assert_int_equal(lstat(link, &st), 0);
	assert_there("a c");
	sbx_record_dir_close(&dir);
}

/* Nobody else's file is written to, and it is told what was in the way. */
static void test_something_in_the_way(void **state)
{
	struct sbx_record_dir *dir = open_dir(10, 1000);

	(void)state;
	assert_int_equal(mkdir("deep/records/.new", 0700), 0);
	keep(dir, "a", "1");
	assert_there("");
	assert_int_equal(warnings, 1);
	if (!strstr(warning, strerror(EEXIST)))
		fail_msg("%s", warning);
	sbx_record_dir_close(&dir);
}

static void test_no_directory(void **state)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_record_dir_names(-1, &names, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_int_equal(names.n, 0);
}

/* Killed while it wrote. */
static void test_left_behind(void **state)
{
	struct sbx_record_dir *dir = open_dir(10, 1000);

	(void)state;
	sbx_record_dir_close(&dir);
	close(open("deep/records/.new", O_CREAT | O_WRONLY, 0600));
	dir = open_dir(10, 1000);
	keep(dir, "a", "1");
	assert_there("a");
	assert_int_equal(warnings, 0);
	sbx_record_dir_close(&dir);
}

#define THREADS 4
#define EACH	50

static void *keep_many(void *ctx)
{
	for (int i = 0; i < EACH; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%lx-%d",
			 (unsigned long)pthread_self(), i);
		sbx_record_dir_keep(ctx, id, "12345678");
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct sbx_record_dir *dir = open_dir((size_t)THREADS * EACH, 100000);
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	pthread_t threads[THREADS];
	int fd;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, keep_many, dir);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	fd = open("deep/records", O_RDONLY | O_DIRECTORY);
	assert_int_equal(sbx_record_dir_names(fd, &names, &err), 0);
	assert_int_equal(names.n, THREADS * EACH);
	assert_int_equal(warnings, 0);
	close(fd);
	sbx_record_dir_close(&dir);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		const char *id;
	} samples[] = {
		{ "20260131T120000123Z-a.json", "a" },
		{ "20260131T120000123Z-...json", ".." },
		{ "20260131T120000123Z-.json", NULL },
		{ "20260131T120000123Z-a", NULL },
		{ "20260131T120000123Z-a.jsoN", NULL },
		{ "20260131T120000123Z-abc.yaml", NULL },
		{ "20260131T120000123-a.json", NULL },
		{ "2026013xT120000123Z-a.json", NULL },
		{ ".new", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const char *id = NULL;
		size_t size = 0;
		bool is = sbx_record_dir_is_name(samples[i].name, &id, &size);

		assert_int_equal(is, samples[i].id != NULL);
		if (is) {
			assert_int_equal(size, strlen(samples[i].id));
			assert_memory_equal(id, samples[i].id, size);
		}
	}
}

#define test(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_keep),
		test(test_bounds),
		test(test_turnover),
		test(test_foreign_files),
		test(test_refused),
		test(test_full_disk),
		test(test_links),
		test(test_something_in_the_way),
		cmocka_unit_test(test_no_directory),
		test(test_left_behind),
		test(test_threads),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
