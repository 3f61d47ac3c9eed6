/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"
#include "skill/context.h"

static struct sbx_context *open_context(const char *directory)
{
	struct sbx_context *context = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_context_open(&context, directory, "Dockerfile", &err) < 0)
		fail_msg("%s", err.message);
	return context;
}

static void hash_of(const char *directory, char hex[SBX_HASH_HEX_SIZE])
{
	struct sbx_context *context = open_context(directory);
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_context_hash(context, hex, &err) < 0)
		fail_msg("%s", err.message);
	sbx_context_free(&context);
}

/* Reads to the end, @step bytes at a time. */
static int read_all(struct sbx_context *context, size_t step,
		    struct sbx_buf *out, struct sbx_error *err)
{
	cleanup_free char *data = sbx_malloc(step);
	size_t got;

	do {
		if (sbx_context_read(context, data, step, &got, err) < 0)
			return -1;
		assert_int_equal(sbx_buf_append(out, data, got), got);
	} while (got > 0);
	return 0;
}

static void tar_of(struct sbx_context *context, size_t step,
		   struct sbx_buf *out)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (read_all(context, step, out, &err) < 0)
		fail_msg("%s", err.message);
}

/* One line per entry of the tar, with its contents or target. */
static char *list(const struct sbx_buf *tar)
{
	struct sbx_buf out = SBX_BUF_INIT(1 << 20);
	struct archive *in = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_format_tar(in);
	assert_int_equal(archive_read_open_memory(in, tar->data, tar->len), 0);
	while (archive_read_next_header(in, &entry) == ARCHIVE_OK) {
		char data[256] = "";
		const char *link = archive_entry_symlink(entry);

		if (archive_entry_size(entry) < (int)sizeof(data))
			archive_read_data(in, data, sizeof(data) - 1);
		sbx_buf_printf(&out, "%s %o %s\n",
			       archive_entry_pathname(entry),
			       archive_entry_mode(entry), link ? link : data);
		assert_int_equal(archive_entry_mtime(entry), 0);
		assert_int_equal(archive_entry_uid(entry), 0);
		assert_int_equal(archive_entry_gid(entry), 0);
	}
	archive_read_free(in);
	return sbx_buf_take(&out);
}

static void check_list(const char *expected)
{
	struct sbx_context *context = open_context(".");
	struct sbx_buf tar = SBX_BUF_INIT(1 << 24);
	cleanup_free char *text = NULL;

	tar_of(context, 65536, &tar);
	text = list(&tar);
	assert_string_equal(text, expected);
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

static void check_error(const char *directory, const char *dockerfile,
			enum sbx_outcome outcome, const char *start)
{
	struct sbx_context *context = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char hex[SBX_HASH_HEX_SIZE];

	if (sbx_context_open(&context, directory, dockerfile, &err) == 0)
		assert_int_equal(sbx_context_hash(context, hex, &err), -1);
	assert_int_equal(err.outcome, outcome);
	if (strncmp(err.message, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not start with \"%s\"", err.message,
			 start);
	sbx_context_free(&context);
}

/* --------------------------------------------------------------------------*/

static void test_entries(void **state)
{
	(void)state;
	put("Dockerfile", "FROM scratch\n");
	put("a-b", "1");
	mkdir("a", 0700);
	put_mode("a/run", "2", 0700);
	put_mode("a/text", "", 0666);
	mkdir("a/empty", 0777);
	assert_int_equal(symlink("/etc", "a/link"), 0);
	assert_int_equal(symlink("nowhere", "z"), 0);
	put("a.b", "3");
	put("B", "4");
	check_list("B 100644 4\n"
		   "Dockerfile 100644 FROM scratch\n\n"
		   "a/ 40755 \n"
		   "a/empty/ 40755 \n"
		   "a/link 120777 /etc\n"
		   "a/run 100755 2\n"
		   "a/text 100644 \n"
		   "a-b 100644 1\n"
		   "a.b 100644 3\n"
		   "z 120777 nowhere\n");
}

/* The same files made at another time, in another order, by another umask. */
static void test_same_sources(void **state)
{
	struct sbx_context *context;
	struct sbx_buf one = SBX_BUF_INIT(1 << 20);
	struct sbx_buf other = SBX_BUF_INIT(1 << 20);
	char hex[2][SBX_HASH_HEX_SIZE];
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	(void)state;
	mkdir("1", 0755);
	put("1/Dockerfile", "FROM x");
	mkdir("1/d", 0755);
	put_mode("1/d/f", "text", 0755);
	mkdir("2", 0700);
	mkdir("2/d", 0700);
	put_mode("2/d/f", "text", 0711);
	put_mode("2/Dockerfile", "FROM x", 0600);
	utimensat(AT_FDCWD, "2/d/f", old, 0);
	hash_of("1", hex[0]);
	hash_of("2", hex[1]);
	assert_string_equal(hex[0], hex[1]);
	context = open_context("1");
	tar_of(context, 1000, &one);
	sbx_context_free(&context);
	context = open_context("2");
	tar_of(context, 1000, &other);
	sbx_context_free(&context);
	assert_int_equal(one.len, other.len);
	assert_memory_equal(one.data, other.data, one.len);
	sbx_buf_free(&one);
	sbx_buf_free(&other);
}

/* What the caller's buffer holds does not change the bytes. */
static void test_steps(void **state)
{
	struct sbx_buf one = SBX_BUF_INIT(1 << 20);
	struct sbx_buf other = SBX_BUF_INIT(1 << 20);
	struct sbx_context *context;

	(void)state;
	put("Dockerfile", "FROM x");
	put("f", "text");
	context = open_context(".");
	tar_of(context, 1, &one);
	sbx_context_free(&context);
	context = open_context(".");
	tar_of(context, 1 << 19, &other);
	sbx_context_free(&context);
	assert_int_equal(one.len, other.len);
	assert_int_equal(one.len % 512, 0);
	assert_memory_equal(one.data, other.data, one.len);
	sbx_buf_free(&one);
	sbx_buf_free(&other);
}

/* Each of these is another image. */
static void test_hash_differs(void **state)
{
	char seen[9][SBX_HASH_HEX_SIZE];
	int n = 0;

	(void)state;
	put("Dockerfile", "FROM x");
	put("f", "text");
	hash_of(".", seen[n++]);
	put("f", "tex2");
	hash_of(".", seen[n++]);
	chmod("f", 0755);
	hash_of(".", seen[n++]);
	rename("f", "g");
	hash_of(".", seen[n++]);
	mkdir("d", 0755);
	hash_of(".", seen[n++]);
	rename("g", "d/g");
	hash_of(".", seen[n++]);
	assert_int_equal(symlink("1", "l"), 0);
	hash_of(".", seen[n++]);
	unlink("l");
	assert_int_equal(symlink("2", "l"), 0);
	hash_of(".", seen[n++]);
	put("Dockerfile", "FROM y");
	hash_of(".", seen[n++]);
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
}

/* A part of every key on every machine: it may change only with FORMAT. */
static void test_hash_value(void **state)
{
	char hex[SBX_HASH_HEX_SIZE];

	(void)state;
	put("Dockerfile", "FROM x");
	mkdir("d", 0755);
	put_mode("d/run", "text", 0755);
	assert_int_equal(symlink("d", "l"), 0);
	hash_of(".", hex);
	assert_string_equal(hex, "ba4f33fe8864a51661620cf6208d1d606d555c360bbe0"
				 "0e3d77fccc894851b97");
}

#define LONG_NAME                                                              \
	"0123456789012345678901234567890123456789012345678901234567890"        \
	"123456789012345678901234567890123456789012345678901234567890"

static void names_in(const char *locale, struct sbx_buf *tar)
{
	struct sbx_context *context = open_context(".");

	assert_non_null(setlocale(LC_ALL, locale));
	tar_of(context, 4096, tar);
	sbx_context_free(&context);
}

/* Long names and those that are not ASCII, whatever the locale. */
static void test_names(void **state)
{
	struct sbx_buf plain = SBX_BUF_INIT(1 << 20);
	struct sbx_buf utf8 = SBX_BUF_INIT(1 << 20);
	cleanup_free char *text = NULL;

	(void)state;
	put("Dockerfile", "FROM x");
	put("d\xc3\xa4", "1");
	mkdir(LONG_NAME, 0755);
	put(LONG_NAME "/" LONG_NAME, "2");
	mkdir(LONG_NAME "/x", 0755);
	put(LONG_NAME "/x/" LONG_NAME, "3");
	assert_int_equal(symlink(LONG_NAME "/\xe2\x98\xba", "s"), 0);
	names_in("C", &plain);
	names_in("C.UTF-8", &utf8);
	assert_int_equal(plain.len, utf8.len);
	assert_memory_equal(plain.data, utf8.data, utf8.len);
	text = list(&utf8);
	assert_string_equal(text, LONG_NAME
			    "/ 40755 \n" LONG_NAME "/" LONG_NAME
			    " 100644 2\n" LONG_NAME "/x/ 40755 \n" LONG_NAME
			    "/x/" LONG_NAME " 100644 3\n"
			    "Dockerfile 100644 FROM x\n"
			    "d\xc3\xa4 100644 1\n"
			    "s 120777 " LONG_NAME "/\xe2\x98\xba\n");
	setlocale(LC_ALL, "C");
	sbx_buf_free(&plain);
	sbx_buf_free(&utf8);
}

/* Plain names make plain ustar headers: nothing depends on extensions. */
static void test_ustar(void **state)
{
	struct sbx_context *context;
	struct sbx_buf tar = SBX_BUF_INIT(1 << 20);

	(void)state;
	put("Dockerfile", "FROM x");
	context = open_context(".");
	tar_of(context, 4096, &tar);
	assert_int_equal(tar.len, 512 + 512 + 1024);
	assert_memory_equal(tar.data + 257,
			    "ustar\0"
			    "00",
			    8);
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

static void test_ignored(void **state)
{
	(void)state;
	put("Dockerfile", "D");
	put(".dockerignore", "*\n!d/e/keep\n!/f\n");
	put("secrets.yaml", "never");
	mkdir("d", 0755);
	put("d/drop", "");
	mkdir("d/e", 0755);
	put("d/e/drop", "");
	put("d/e/keep", "k");
	mkdir("f", 0755);
	put("f/secrets.yaml", "s");
	mkdir("g", 0000);
	check_list("Dockerfile 100644 D\n"
		   "d/ 40755 \n"
		   "d/e/ 40755 \n"
		   "d/e/keep 100644 k\n"
		   "f/ 40755 \n"
		   "f/secrets.yaml 100644 s\n");
	/* the Dockerfile's own rules win over the directory's */
	put("Dockerfile.dockerignore", "*.yaml\n[d-g]\n.dock*");
	check_list("Dockerfile 100644 D\n"
		   "Dockerfile.dockerignore 100644 *.yaml\n[d-g]\n.dock*\n");
	/* not even a rule brings it in */
	put("Dockerfile.dockerignore", "*\n!secrets.yaml");
	check_list("Dockerfile 100644 D\n");
	put("Dockerfile.dockerignore", "ok\n[");
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "Dockerfile.dockerignore:2: ");
}

/* Neither the image nor its key has them, whatever .dockerignore says. */
static void test_secrets_are_left_out(void **state)
{
	char without[SBX_HASH_HEX_SIZE], with[SBX_HASH_HEX_SIZE];

	(void)state;
	put("Dockerfile", "D");
	put(".dockerignore", "!secrets.yaml\n!.secrets.yaml.tmp\n");
	hash_of(".", without);
	put("secrets.yaml", "sealed");
	put(".secrets.yaml.tmp", "half of it");
	hash_of(".", with);
	assert_string_equal(without, with);
	check_list(".dockerignore 100644 "
		   "!secrets.yaml\n!.secrets.yaml.tmp\n\n"
		   "Dockerfile 100644 D\n");
}

static void test_dockerfile_elsewhere(void **state)
{
	struct sbx_context *context = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_buf tar = SBX_BUF_INIT(1 << 20);
	cleanup_free char *text = NULL;

	(void)state;
	put(".dockerignore", "**");
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	put("a/b/File", "F");
	put("a/b/other", "");
	assert_int_equal(sbx_context_open(&context, ".", "./a/b/File", &err),
			 0);
	assert_string_equal(sbx_context_dockerfile(context)->data, "F");
	tar_of(context, 4096, &tar);
	text = list(&tar);
	assert_string_equal(text,
			    "a/ 40755 \na/b/ 40755 \na/b/File 100644 F\n");
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

static void test_no_dockerfile(void **state)
{
	(void)state;
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "there is no Dockerfile");
	check_error("none", "Dockerfile", SBX_OUTCOME_INVALID,
		    "cannot open none");
	put("file", "F");
	mkdir("d", 0755);
	assert_int_equal(symlink("file", "Dockerfile"), 0);
	assert_int_equal(symlink(".", "here"), 0);
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID, "Dockerfile: ");
	check_error(".", "here/file", SBX_OUTCOME_INVALID, "here/file: ");
	check_error(".", "d", SBX_OUTCOME_INVALID, "d: not a regular file");
	check_error("d", "../file", SBX_OUTCOME_INVALID, "the Dockerfile's");
	check_error("d", "/etc/passwd", SBX_OUTCOME_INVALID,
		    "the Dockerfile's");
	check_error(".", "d//file", SBX_OUTCOME_INVALID, "the Dockerfile's");
}

/* What no build can have is named, with the way out; the way out works. */
static void test_special_files(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "d/socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	put("Dockerfile", "D");
	mkdir("d", 0755);
	mkfifo("d/fifo", 0644);
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "d/fifo: a FIFO cannot be part of a build; remove it or "
		    "name it in .dockerignore");
	unlink("d/fifo");
	bind(fd, (struct sockaddr *)&address, sizeof(address));
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "d/socket: a socket");
	put(".dockerignore", "d/socket\n.*");
	check_list("Dockerfile 100644 D\nd/ 40755 \n");
	close(fd);
	unlink("d/socket");
	put("d/\xff\x1b", "");
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "d/\\xff\\x1b: the name is not UTF-8");
	unlink("d/\xff\x1b");
	assert_int_equal(symlink("\xff", "d/l"), 0);
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID, "d/l: points to");
}

/* What sparse files say of their size is believed without reading them. */
static void test_too_large(void **state)
{
	(void)state;
	put("Dockerfile", "D");
	put("a", "");
	put("b", "");
	assert_int_equal(truncate("b", 1LL << 40), 0);
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID,
		    "b: the files of a build may have 4096 MiB together");
	/* The sum counts, and what is left out does not. */
	put("a", "2");
	assert_int_equal(truncate("b", 4LL << 30), 0);
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID, "b: the files");
	put(".dockerignore", "b\n.*");
	check_list("Dockerfile 100644 D\na 100644 2\n");
}

static void test_too_deep(void **state)
{
	char path[4096] = "d";

	(void)state;
	put("Dockerfile", "D");
	for (int i = 0; i < 250; i++) {
		assert_int_equal(mkdir(path, 0755), 0);
		strcat(path, "/d");
	}
	check_error(".", "Dockerfile", SBX_OUTCOME_INVALID, "d/d/d/");
}

/* What is sent is what was hashed, or nothing is. */
static void check_changed(const char *start)
{
	struct sbx_context *context = open_context(".");
	struct sbx_buf tar = SBX_BUF_INIT(1 << 24);
	struct sbx_error err = SBX_ERROR_INIT;
	char hex[SBX_HASH_HEX_SIZE];

	assert_int_equal(sbx_context_hash(context, hex, &err), 0);
	if (*start == '+')
		put("new", "");
	else
		put("f", start);
	assert_int_equal(read_all(context, 4096, &tar, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUILD_FAILED);
	assert_non_null(strstr(err.message, "changed while it was packed"));
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

static void test_changed_between(void **state)
{
	(void)state;
	put("Dockerfile", "D");
	put("f", "text");
	check_changed("tex2");
	check_changed("longer");
	check_changed("");
	check_changed("+");
}

/* A file that changes its size under the reader's hands. */
static void test_changed_within(void **state)
{
	struct sbx_buf tar = SBX_BUF_INIT(1 << 24);
	static char data[4096];
	size_t got;

	(void)state;
	put("Dockerfile", "D");
	put("f", "");
	for (int grow = 0; grow < 2; grow++) {
		struct sbx_context *context = open_context(".");
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(truncate("f", 1 << 20), 0);
		assert_int_equal(sbx_context_read(context, data, sizeof(data),
						  &got, &err),
				 0);
		assert_int_equal(truncate("f", grow ? 2 << 20 : 1 << 19), 0);
		assert_int_equal(read_all(context, 4096, &tar, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_BUILD_FAILED);
		assert_memory_equal(err.message, "f changed while", 15);
		sbx_context_free(&context);
	}
	sbx_buf_free(&tar);
}

/* The Dockerfile is read once: what comes later is too late. */
static void test_dockerfile_snapshot(void **state)
{
	struct sbx_context *context;
	struct sbx_buf tar = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;
	char hex[SBX_HASH_HEX_SIZE];

	(void)state;
	put("Dockerfile", "one");
	context = open_context(".");
	put("Dockerfile", "other");
	assert_int_equal(sbx_context_hash(context, hex, &err), 0);
	tar_of(context, 4096, &tar);
	assert_memory_equal(tar.data + 512, "one\0", 4);
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

/* What is sent besides changes no hash. */
static void test_replaced_and_added(void **state)
{
	struct sbx_context *context;
	struct sbx_buf tar = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;
	char hex[2][SBX_HASH_HEX_SIZE];
	cleanup_free char *text = NULL;
	int fd;

	(void)state;
	put("Dockerfile", "one");
	put("a.tar", "old");
	put("z", "z");
	hash_of(".", hex[0]);
	context = open_context(".");
	sbx_context_replace_dockerfile(context, "another", 7);
	fd = memfd_create("added", MFD_CLOEXEC);
	assert_int_equal(write(fd, "added", 5), 5);
	assert_int_equal(sbx_context_add(context, "a.tar", fd, &err), 0);
	assert_int_equal(sbx_context_hash(context, hex[1], &err), 0);
	assert_string_equal(hex[0], hex[1]);
	tar_of(context, 4096, &tar);
	text = list(&tar);
	assert_string_equal(text, "Dockerfile 100644 another\n"
				  "z 100644 z\na.tar 100644 added\n");
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

/* After its end a reading stays at its end. */
static void test_end(void **state)
{
	struct sbx_context *context;
	struct sbx_buf tar = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;
	char byte;
	size_t got = 1;

	(void)state;
	put("Dockerfile", "D");
	context = open_context(".");
	tar_of(context, 4096, &tar);
	assert_int_equal(sbx_context_read(context, &byte, 1, &got, &err), 0);
	assert_int_equal(got, 0);
	sbx_buf_free(&tar);
	sbx_context_free(&context);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_entries),
		TEST(test_same_sources),
		TEST(test_steps),
		TEST(test_hash_differs),
		TEST(test_hash_value),
		TEST(test_names),
		TEST(test_ustar),
		TEST(test_ignored),
		TEST(test_secrets_are_left_out),
		TEST(test_dockerfile_elsewhere),
		TEST(test_no_dockerfile),
		TEST(test_special_files),
		TEST(test_too_large),
		TEST(test_too_deep),
		TEST(test_changed_between),
		TEST(test_changed_within),
		TEST(test_dockerfile_snapshot),
		TEST(test_replaced_and_added),
		TEST(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
