/* SPDX-License-Identifier: MIT */
/*
 * Files that an action is given, and those that it leaves: nothing leads out
 * of the one directory and the other, whatever stands there.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init_box.h"

/* Directories of a test, in the one of the program. */
static char dir_in[64];
static char dir_out[64];

static int make_directories(void **state)
{
	static int n;

	(void)state;
	snprintf(dir_in, sizeof(dir_in), "%s/in%d", box_directory, n);
	snprintf(dir_out, sizeof(dir_out), "%s/out%d", box_directory, n++);
	if (mkdir(dir_in, 0777) < 0 || mkdir(dir_out, 0777) < 0)
		return -1;
	chmod(dir_in, 0777);
	chmod(dir_out, 0777);
	box_out = dir_out;
	box_out_limit = 100000;
	return 0;
}

/* --- given ----------------------------------------------------------------- */

static void in_directory(struct box *box, const char *dir, const char *script)
{
	box_working_dir = dir;
	box_shell(box, script);
	box_working_dir = "";
}

static void test_are_there_before_it_starts(void **state)
{
	static char much[100000];
	struct box *box = box_ready();

	(void)state;
	memset(much, 'm', sizeof(much) - 1);
	box_send_into(box, dir_in);
	box_send_file(box, "a/b/c d", "one");
	box_send_file(box, "a/b/e", "");
	box_send(box, SBX_WIRE_NEW, "\xc3\xa4", 2);
	box_send(box, SBX_WIRE_DATA, much, 50000);
	box_send(box, SBX_WIRE_DATA, much, 49999);
	assert_int_equal(box_send_end(box), 0);
	in_directory(box, dir_in,
		     "cat 'a/b/c d'; stat -c ' %a %s %U' a a/b/e | cut -d' ' "
		     "-f1-2; wc -c <\xc3\xa4");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_),
			    "one 755\n 644\n99999\n");
	box_free(box);
}

/* However many there are, and in folders. */
static void test_few_descriptors_do(void **state)
{
	struct box *box;

	(void)state;
	box_nofile = 32;
	box = box_ready();
	box_nofile = 0;
	box_send_into(box, dir_in);
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "a/b/%d", i);
		box_send_file(box, name, "text");
	}
	assert_int_equal(box_send_end(box), 0);
	in_directory(box, dir_in, "ls a/b | wc -l");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "100\n");
	box_free(box);
}

static void test_are_there_before_the_input(void **state)
{
	struct box *box = box_ready();

	(void)state;
	in_directory(box, dir_in, "ls; echo up; cat; cat f");
	box_expect(box, "up\n");
	box_send_into(box, dir_in);
	box_send_file(box, "f", "file");
	assert_int_equal(box_send_end(box), 0);
	box_send(box, SBX_WIRE_INPUT, "input ", 6);
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "up\ninput file");
	box_free(box);
}

static void assert_not_given(const char *dir, const char *name, int errnum)
{
	struct box *box = box_ready();

	box_send_into(box, dir);
	box_send_file(box, name, "text");
	box_send_file(box, "another", "text");
	assert_int_equal(box_send_end(box), errnum);
	box_shell(box, "exit 7");
	assert_ended(box, SBX_WIRE_EXITED, 7);
	box_free(box);
}

static void test_what_is_in_the_way(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof(path), "%s/link", dir_in);
	assert_int_equal(symlink(dir_out, path), 0);
	assert_not_given(dir_in, "link/x", ENOTDIR);
	assert_not_given(dir_in, "link/x/y", ENOTDIR);
	assert_not_given(dir_in, "link", EEXIST);
	assert_not_given(path, "x", ENOTDIR);
	snprintf(path, sizeof(path), "%s/dangling", dir_in);
	assert_int_equal(symlink("/tmp/sbx-escaped", path), 0);
	assert_not_given(dir_in, "dangling", EEXIST);
	assert_int_equal(access("/tmp/sbx-escaped", F_OK), -1);
	snprintf(path, sizeof(path), "%s/fifo", dir_in);
	assert_int_equal(mkfifo(path, 0666), 0);
	assert_not_given(dir_in, "fifo", EEXIST);
	assert_not_given(dir_in, "fifo/x", ENOTDIR);
	snprintf(path, sizeof(path), "%s/x", dir_out);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/another", dir_in);
	assert_int_equal(access(path, F_OK), -1);
	assert_not_given("/no/such/directory", "x", ENOENT);
}

static void assert_name_aborts(const char *name, size_t size)
{
	struct box *box = box_ready();

	box_send_into(box, dir_in);
	box_send(box, SBX_WIRE_NEW, name, size);
	assert_aborts(box, "name of a file makes no sense");
	box_free(box);
}

static void test_names_that_are_none(void **state)
{
	static const char *const names[] = { ".",	 ".",		"..",
					     "../x",	 "/x",		"a//b",
					     "a/.",	 "a/../b",	"a/",
					     "a\nb",	 "\x7f",	"\xff",
					     "\xc2\x80", "\xed\xa0\x80" };
	char longest[300];

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++)
		assert_name_aborts(names[i], strlen(names[i]));
	assert_name_aborts("a\0b", 3);
	memset(longest, 'x', sizeof(longest));
	assert_name_aborts(longest, 256);
}

static void test_out_of_turn(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_send_file(box, "a", "");
	assert_aborts(box, "files out of turn");
	box_free(box);

	box = box_ready();
	box_send_into(box, dir_in);
	box_send(box, SBX_WIRE_DATA, "x", 1);
	assert_aborts(box, "files out of turn");
	box_free(box);

	box = box_ready();
	box_send(box, SBX_WIRE_FILES_END, NULL, 0);
	assert_aborts(box, "files out of turn");
	box_free(box);

	box = box_ready();
	box_send_into(box, dir_in);
	assert_int_equal(box_send_end(box), 0);
	box_send_into(box, dir_in);
	assert_aborts(box, "second FILES");
	box_free(box);

	box = box_ready();
	box_send(box, SBX_WIRE_FILES, "\0\0\0\0x", 5);
	assert_aborts(box, "FILES makes no sense");
	box_free(box);

	box = box_ready();
	box_send(box, SBX_WIRE_FILES, "\1\0\0\0x", 6);
	assert_aborts(box, "FILES makes no sense");
	box_free(box);

	box = box_ready();
	box_send(box, SBX_WIRE_FILES, "\0\0\0\0x\0y", 8);
	assert_aborts(box, "FILES makes no sense");
	box_free(box);
}

static void test_more_tmpfs_than_there_may_be(void **state)
{
	char payload[SBX_WIRE_INTO_FIXED + 2 * (SBX_WIRE_TMPFS_MAX + 2)];
	struct box *box = box_ready();

	(void)state;
	for (size_t i = SBX_WIRE_INTO_FIXED; i < sizeof(payload); i += 2)
		memcpy(payload + i, "x", 2);
	sbx_wire_put32((unsigned char *)payload, SBX_WIRE_TMPFS_MAX + 1);
	box_send(box, SBX_WIRE_FILES, payload, sizeof(payload));
	assert_aborts(box, "FILES makes no sense");
	box_free(box);
}

/* They are to be emptied behind a run, and this channel is for only one. */
static void test_tmpfs_that_cannot_be_noted(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_send(box, SBX_WIRE_FILES, "\1\0\0\0x\0y", 8);
	assert_aborts(box, "reset of an attached sandbox");
	box_free(box);
}

static void test_directory_that_is_not_there(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_send_into(box, "/no/such/directory");
	assert_int_equal(box_send_end(box), ENOENT);
	box_shell(box, "exit 7");
	assert_ended(box, SBX_WIRE_EXITED, 7);
	box_free(box);
}

static void mount_small(void)
{
	if (mount("none", dir_in, "tmpfs", 0, "mode=777,size=64k") < 0)
		_exit(121);
}

static void test_more_than_there_is_room(void **state)
{
	static char much[SBX_WIRE_DATA_MAX];
	struct box *box;

	(void)state;
	box_mounts = mount_small;
	box = box_ready();
	box_mounts = NULL;
	box_send_into(box, dir_in);
	box_send(box, SBX_WIRE_NEW, "much", 4);
	for (int i = 0; i < 4; i++)
		box_send(box, SBX_WIRE_DATA, much, sizeof(much));
	assert_int_equal(box_send_end(box), ENOSPC);
	box_shell(box, "exit 7");
	assert_ended(box, SBX_WIRE_EXITED, 7);
	box_free(box);
}

/* --- left ------------------------------------------------------------------ */

/* "NAME:SIZE;" of all that came, in @names; their bytes in @bytes. */
struct left {
	struct sbx_buf names;
	struct sbx_buf bytes;
	size_t n;
};

static void read_to_exit(struct box *box, struct left *left)
{
	int type;

	left->names.max = 4 * 1024 * 1024;
	left->bytes.max = 4 * 1024 * 1024;
	do {
		cleanup_buf struct sbx_buf payload =
			SBX_BUF_INIT(SBX_WIRE_DATA_MAX);

		type = box_frame(box, &payload);
		assert_true(type == SBX_WIRE_ARTIFACT ||
			    type == SBX_WIRE_CONTENT || type == SBX_WIRE_EXIT ||
			    type == SBX_WIRE_STDOUT || type == SBX_WIRE_STDERR);
		if (type == SBX_WIRE_ARTIFACT) {
			const char *at = payload.data;

			sbx_buf_printf(&left->names, "%.*s:%llu;",
				       (int)payload.len - 8, at + 8,
				       (unsigned long long)sbx_wire_get64(
					       (const unsigned char *)at));
			left->n++;
		}
		if (type == SBX_WIRE_CONTENT)
			sbx_buf_append(&left->bytes, payload.data, payload.len);
		if (type == SBX_WIRE_EXIT)
			box_decode_exit(box, &payload);
	} while (type != SBX_WIRE_EXIT);
}

static void read_left(struct box *box, struct left *left)
{
	read_to_exit(box, left);
	sbx_close(&box->in);
	assert_int_equal(box_wait(box, BOX_WAIT_MS), 0);
}

static void leave_in(struct box *box, const char *script, struct left *left,
		     uint32_t flags)
{
	in_directory(box, dir_out, script);
	read_left(box, left);
	assert_int_equal(box->exit.kind, SBX_WIRE_EXITED);
	assert_int_equal(box->exit.code, 0);
	assert_int_equal(box->exit.flags, flags);
	box_free(box);
}

static void leave(const char *script, struct left *left, uint32_t flags)
{
	leave_in(box_ready(), script, left, flags);
}

static void left_free(struct left *left)
{
	sbx_buf_free(&left->names);
	sbx_buf_free(&left->bytes);
}

static void assert_left(const char *script, const char *names,
			const char *bytes, uint32_t flags)
{
	struct left left = { .n = 0 };

	leave(script, &left, flags);
	assert_string_equal(sbx_buf_text(&left.names), names);
	assert_string_equal(sbx_buf_text(&left.bytes), bytes);
	left_free(&left);
}

static void test_files_come_back(void **state)
{
	(void)state;
	assert_left("mkdir -p d/e/f; printf one >d/e/f/g", "d/e/f/g:3;", "one",
		    0);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_left("mkdir -p a/b/c", "", "", 0);
}

static void test_only_files_come_back(void **state)
{
	(void)state;
	assert_left("ln -s /etc/passwd a; ln -s / b; ln -s . c; mkfifo d; "
		    "ln -s /proc/self/environ e; printf x >f; "
		    "python3 -c 'import socket as s; "
		    "s.socket(s.AF_UNIX).bind(\"g\")' || :",
		    "f:1;", "x", 0);
}

static void test_directory_that_became_a_link(void **state)
{
	char script[300];

	(void)state;
	snprintf(script, sizeof(script), "mv %s %s.old && ln -s /etc %s",
		 dir_out, dir_out, dir_out);
	assert_left(script, "", "", 0);
}

/* Nor is what it leads to touched. */
static void test_link_to_a_directory_of_its_own(void **state)
{
	char script[600];
	struct stat about;

	(void)state;
	snprintf(script, sizeof(script),
		 "mv %s %s.old && mkdir %s.own && chmod 755 %s.own && "
		 "ln -s %s.own %s",
		 dir_out, dir_out, dir_out, dir_out, dir_out, dir_out);
	assert_left(script, "", "", 0);
	snprintf(script, sizeof(script), "%s.own", dir_out);
	assert_int_equal(stat(script, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0755);
}

/* The one that was asked for; it is the action's own. */
static void test_locked_directory(void **state)
{
	(void)state;
	if (geteuid() == 0)
		assert_int_equal(chown(dir_out, BOX_UID, BOX_UID), 0);
	assert_left("printf x >f; chmod 0 .", "f:1;", "x", 0);
}

/* One that is somebody else's does not hide the others. */
static void test_directory_that_cannot_be_opened(void **state)
{
	cleanup_free char *locked = sbx_asprintf("%s/locked", dir_out);
	struct left left = { .n = 0 };

	(void)state;
	assert_int_equal(mkdir(locked, 0700), 0);
	leave("for i in 1 2 3 4 5 6 7 8 9; do echo >$i; mkdir d$i; "
	      "echo >d$i/f; done",
	      &left, 0);
	assert_int_equal(left.n, 18);
	left_free(&left);
}

/* Behind each directory it goes on where it was. */
static void test_directories_beside_files(void **state)
{
	struct left left = { .n = 0 };

	(void)state;
	box_nofile = 32;
	leave("mkdir -p a/b; cd a/b; for i in $(seq 50); do mkdir $i; "
	      "echo >$i/x; echo >f$i; done",
	      &left, 0);
	box_nofile = 0;
	assert_int_equal(left.n, 100);
	for (int i = 1; i <= 50; i++) {
		char name[32];

		snprintf(name, sizeof(name), "a/b/%d/x:1;", i);
		assert_non_null(strstr(sbx_buf_text(&left.names), name));
		snprintf(name, sizeof(name), "a/b/f%d:1;", i);
		assert_non_null(strstr(sbx_buf_text(&left.names), name));
	}
	left_free(&left);
}

/* 1024 bytes are a name, and in a directory of so many nothing has one. */
static void test_long_names(void **state)
{
	struct left left = { .n = 0 };

	(void)state;
	leave("x=$(printf %0255d 0); y=$(printf %0200d 0); mkdir -p "
	      "$x/$x/$x/$x "
	      "$x/$x/$x/$y; cd $x/$x/$x; echo >$x/f; echo >$x/$x; cd $y; "
	      "echo >$(printf %055d 1); d=$(printf %055d 2); mkdir $d; cd $d; "
	      "echo >$x; mkdir $y; cd $y; echo >$x",
	      &left, 0);
	assert_int_equal(left.n, 1);
	assert_int_equal(left.names.len, 1024 + strlen(":1;"));
	left_free(&left);
}

/* A file system of the action's user. */
static void mount_below(void)
{
	cleanup_free char *below = sbx_asprintf("%s/below", dir_out);
	cleanup_free char *file = sbx_asprintf("%s/f", below);
	cleanup_free char *options =
		sbx_asprintf("mode=751,uid=%d,gid=%d", BOX_UID, BOX_UID);

	if (mount("none", below, "tmpfs", 0, options) < 0)
		_exit(121);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

/* Where the sandbox has it mounted. */
static int open_below(const struct box *box)
{
	cleanup_free char *path =
		sbx_asprintf("/proc/%d/root%s/below", box->pid, dir_out);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_return_code(fd, errno);
	return fd;
}

static void test_what_is_mounted_below(void **state)
{
	cleanup_free char *path = sbx_asprintf("%s/below", dir_out);
	struct left left = { .n = 0 };
	struct stat about;
	struct box *box;
	int below;

	(void)state;
	assert_int_equal(mkdir(path, 0777), 0);
	box_mounts = mount_below;
	box = box_ready();
	box_mounts = NULL;
	below = open_below(box);
	leave_in(box,
		 "ls below/f >/dev/null && echo >below/mine && mkdir d && "
		 "printf x >d/f",
		 &left, 0);
	assert_string_equal(sbx_buf_text(&left.names), "d/f:1;");
	left_free(&left);
	assert_int_equal(fstat(below, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0751);
	close(below);
}

static void test_names_that_cannot_be_told(void **state)
{
	(void)state;
	assert_left("echo >\"$(printf 'a\\nb')\"; echo >\"$(printf '\\377')\"; "
		    "echo >\"$(printf '\\033[31m')\"; mkdir \"$(printf "
		    "'x\\ty')\"; echo >\"$(printf 'x\\ty')/z\"; printf k >ok",
		    "ok:1;", "k", 0);
}

static void test_locked_ones(void **state)
{
	(void)state;
	assert_left("mkdir d; printf x >d/f; chmod 0 d/f d", "d/f:1;", "x", 0);
}

static void test_deep_nesting(void **state)
{
	struct left left = { .n = 0 };

	(void)state;
	/* At 2 bytes a folder, what is below the 511th has no name. */
	leave("i=0; while [ $i -lt 600 ]; do echo >f; mkdir d && cd -P d || "
	      "exit 1; i=$((i+1)); done",
	      &left, 0);
	assert_int_equal(left.n, 512);
	left_free(&left);
}

static void test_what_is_too_much(void **state)
{
	(void)state;
	assert_left("truncate -s 100001 f", "", "", SBX_WIRE_OUT_TRUNCATED);
}

static void test_sparse_giant(void **state)
{
	(void)state;
	assert_left("truncate -s 1T f", "", "", SBX_WIRE_OUT_TRUNCATED);
}

static void test_exactly_the_limit(void **state)
{
	struct left left = { .n = 0 };

	(void)state;
	leave("head -c 60000 /dev/zero >a; head -c 40000 /dev/zero >b; : >c",
	      &left, 0);
	assert_int_equal(left.n, 3);
	assert_int_equal(left.bytes.len, 100000);
	left_free(&left);
}

/* An action that has ended, and more to be sent than anybody has read. */
static void end_with_much_to_send(struct box *box)
{
	box_out_limit = 10000000;
	in_directory(box, dir_out, "head -c 3000000 /dev/zero >much");
	usleep(500000);
}

/* Whatever comes then was for it, and is for nobody. */
static void test_files_that_come_late(void **state)
{
	cleanup_free char *late = sbx_asprintf("%s/late", dir_in);
	struct left left = { .n = 0 };
	struct box *box = box_ready();

	(void)state;
	box_send_into(box, dir_in);
	end_with_much_to_send(box);
	box_send_file(box, "late", "text");
	box_send(box, SBX_WIRE_FILES_END, NULL, 0);
	read_left(box, &left);
	assert_int_equal(access(late, F_OK), -1);
	box_free(box);

	box = box_ready();
	end_with_much_to_send(box);
	box_send(box, SBX_WIRE_FILES, "\1\0\0\0x\0y", 8);
	read_left(box, &left);
	box_free(box);
	left_free(&left);
}

static void test_so_many(void **state)
{
	struct left left = { .n = 0 };

	(void)state;
	leave("i=0; while [ $i -lt 50 ]; do mkdir $i; cd $i; touch 1 2 3 4 5 6 "
	      "7 8 9 10 11 12 13 14 15 16 17 18 19 20; cd ..; i=$((i+1)); done",
	      &left, 0);
	assert_int_equal(left.n, SBX_WIRE_FILES_MAX);
	left_free(&left);
	left = (struct left){ .n = 0 };
	leave("touch 0/21", &left, SBX_WIRE_OUT_TRUNCATED);
	assert_int_equal(left.n, SBX_WIRE_FILES_MAX);
	left_free(&left);
}

/* Entries that are no files are looked at as well. */
static void test_so_many_entries(void **state)
{
	(void)state;
	assert_left("/usr/bin/python3 -c 'import os\n"
		    "for i in range(100001): os.symlink(\"x\", str(i))'",
		    "", "", SBX_WIRE_OUT_TRUNCATED);
}

static void test_path_that_is_too_long(void **state)
{
	static char path[5000];
	struct box *box = box_ready();

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	box_out = path;
	box_shell(box, "true");
	assert_aborts(box, "directory of files (errno 36)");
	box_free(box);
}

static void test_after_any_end(void **state)
{
	struct left left = { .n = 0 };
	struct box *box = box_ready();

	(void)state;
	in_directory(box, dir_out, "echo >a; kill -9 $$");
	read_left(box, &left);
	assert_int_equal(box->exit.kind, SBX_WIRE_SIGNALED);
	assert_string_equal(sbx_buf_text(&left.names), "a:1;");
	left_free(&left);
	box_free(box);
}

/* --- left in a session ----------------------------------------------------- */

static struct box *session_ready(void)
{
	static char nobody[] = "/nonexistent/socket";
	static char ms[] = "60000";
	struct box *box;

	box_argument = nobody;
	box_session = ms;
	box = box_ready();
	box_argument = NULL;
	box_session = NULL;
	return box;
}

/* Behind what was before, by the steps of the kernel's clock. */
static void assert_step(struct box *box, const char *script, const char *names,
			const char *bytes)
{
	struct left left = { .n = 0 };

	usleep(50 * 1000);
	in_directory(box, dir_out, script);
	read_to_exit(box, &left);
	assert_int_equal(box->exit.kind, SBX_WIRE_EXITED);
	assert_int_equal(box->exit.code, 0);
	assert_string_equal(sbx_buf_text(&left.names), names);
	assert_string_equal(sbx_buf_text(&left.bytes), bytes);
	left_free(&left);
}

static void test_only_new_ones_in_a_session(void **state)
{
	struct box *box = session_ready();

	(void)state;
	assert_step(box, "mkdir d; printf 1 >d/a", "d/a:1;", "1");
	assert_step(box, "cat d/a >/dev/null; printf 2 >b", "b:1;", "2");
	assert_step(box, "true", "", "");
	assert_step(box, "printf 3 >>d/a", "d/a:2;", "13");
	/* Whatever it says of itself. */
	assert_step(box, "printf 4 >b; touch -d @1 b", "b:1;", "4");
	assert_step(box, "mv b d/c", "d/c:1;", "4");
	assert_step(box, "chmod 755 d; rm d/a", "", "");
	box_free(box);
}

/* To look at it is not to change it. */
static void test_locked_ones_in_a_session(void **state)
{
	struct box *box = session_ready();

	(void)state;
	box_out = "";
	assert_step(box, "mkdir d; echo >d/old; chmod 0 d/old d", "", "");
	box_out = dir_out;
	assert_step(box, "printf 1 >new; chmod 0 new", "new:1;", "1");
	assert_step(box, "true", "", "");
	box_free(box);
}

/* What is given again replaces what was given, and is no link's target. */
static void test_given_again_in_a_session(void **state)
{
	struct box *box = session_ready();

	(void)state;
	box_send_into(box, dir_out);
	box_send_file(box, "f", "first");
	assert_int_equal(box_send_end(box), 0);
	assert_step(box, "mv f g; ln -s g f", "g:5;", "first");
	box_send_into(box, dir_out);
	box_send_file(box, "f", "second");
	assert_int_equal(box_send_end(box), 0);
	assert_step(box, "cat f g >both", "both:11;", "secondfirst");
	box_free(box);
}

int main(void)
{
#define IN_DIRECTORIES(test) cmocka_unit_test_setup(test, make_directories)
	const struct CMUnitTest tests[] = {
		IN_DIRECTORIES(test_are_there_before_it_starts),
		IN_DIRECTORIES(test_few_descriptors_do),
		IN_DIRECTORIES(test_are_there_before_the_input),
		IN_DIRECTORIES(test_what_is_in_the_way),
		IN_DIRECTORIES(test_names_that_are_none),
		IN_DIRECTORIES(test_out_of_turn),
		IN_DIRECTORIES(test_more_tmpfs_than_there_may_be),
		IN_DIRECTORIES(test_tmpfs_that_cannot_be_noted),
		IN_DIRECTORIES(test_directory_that_is_not_there),
		IN_DIRECTORIES(test_more_than_there_is_room),
		IN_DIRECTORIES(test_files_come_back),
		IN_DIRECTORIES(test_nothing),
		IN_DIRECTORIES(test_only_files_come_back),
		IN_DIRECTORIES(test_directory_that_became_a_link),
		IN_DIRECTORIES(test_link_to_a_directory_of_its_own),
		IN_DIRECTORIES(test_locked_directory),
		IN_DIRECTORIES(test_directory_that_cannot_be_opened),
		IN_DIRECTORIES(test_directories_beside_files),
		IN_DIRECTORIES(test_long_names),
		IN_DIRECTORIES(test_what_is_mounted_below),
		IN_DIRECTORIES(test_names_that_cannot_be_told),
		IN_DIRECTORIES(test_locked_ones),
		IN_DIRECTORIES(test_deep_nesting),
		IN_DIRECTORIES(test_what_is_too_much),
		IN_DIRECTORIES(test_sparse_giant),
		IN_DIRECTORIES(test_exactly_the_limit),
		IN_DIRECTORIES(test_files_that_come_late),
		IN_DIRECTORIES(test_so_many),
		IN_DIRECTORIES(test_so_many_entries),
		IN_DIRECTORIES(test_path_that_is_too_long),
		IN_DIRECTORIES(test_after_any_end),
		IN_DIRECTORIES(test_only_new_ones_in_a_session),
		IN_DIRECTORIES(test_locked_ones_in_a_session),
		IN_DIRECTORIES(test_given_again_in_a_session),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
