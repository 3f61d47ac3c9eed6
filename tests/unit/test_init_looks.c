/* SPDX-License-Identifier: MIT */
/*
 * What init looks at before a sandbox is used again, each by itself, with what
 * a kernel says put into its mouth: what cannot be looked at is not clean.  Who
 * relies on it: the pool, for all that a skill may leave behind.  What it is
 * like with a real init is in test_init_reset.c.
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "faulty_calls.h"

/* --- what the kernel says ----------------------------------------------------
 */

enum { V2, V1, SHM_, SEM_, MSG_, SOCKSTAT, SOCKSTAT6, N_FILES };

/* Files, NULL for one that is not there. */
static struct {
	const char *path;
	const char *text;
} kernel[] = {
	[V2] = { "/sys/fs/cgroup/pids.current", NULL },
	[V1] = { "/sys/fs/cgroup/pids/pids.current", NULL },
	[SHM_] = { "/proc/sysvipc/shm", NULL },
	[SEM_] = { "/proc/sysvipc/sem", NULL },
	[MSG_] = { "/proc/sysvipc/msg", NULL },
	[SOCKSTAT] = { "/proc/net/sockstat", NULL },
	[SOCKSTAT6] = { "/proc/net/sockstat6", NULL },
};

#define FIRST_FD 1000
#define QUEUES	 2000

/*
 * @entries	bytes of /dev/mqueue's entries
 * @no_queues	why it cannot be opened
 * @child	what waitpid(2) says, with ECHILD or what is in @child_errno
 * @children	how often that, and then none
 */
static struct {
	long entries;
	int no_queues;
	pid_t child;
	int child_errno;
	int children;
	int kill;
	int kill_errno;
	int nice;
	const char *tmpfs;
	int emptied;
	int64_t now;
} said;

static int say_open(const char *path)
{
	if (strcmp(path, "/dev/mqueue") == 0) {
		errno = said.no_queues;
		return said.no_queues ? -1 : QUEUES;
	}
	for (int i = 0; i < N_FILES; i++) {
		if (strcmp(path, kernel[i].path) == 0 && kernel[i].text)
			return FIRST_FD + i;
	}
	errno = ENOENT;
	return -1;
}

static ssize_t say_text(int fd, char *text, size_t size)
{
	assert_in_range(fd, FIRST_FD, FIRST_FD + N_FILES - 1);
	snprintf(text, size, "%s", kernel[fd - FIRST_FD].text);
	return (ssize_t)strlen(text);
}

static pid_t say_child(void)
{
	if (said.children > 0) {
		said.children--;
		errno = said.child_errno;
		return said.child;
	}
	errno = ECHILD;
	return -1;
}

static int say_kill(void)
{
	errno = said.kill_errno;
	return said.kill;
}

#define open(path, ...) say_open(path)
#define close(fd)	((void)(fd))
#define pread(fd, text, size, at)                                              \
	((void)(at), is_faulty("pread") ? -1 : say_text(fd, text, size))
#define waitpid(pid, status, options) ((void)(options), say_child())
#define kill(pid, signal)	      say_kill()
#define lseek(...)		      (is_faulty("lseek") ? -1 : 0)
#define futimens(...)		      (is_faulty("futimens") ? -1 : 0)
#define syscall(number, fd, data, size)                                        \
	((void)(data), (void)(size), said.entries)

#include "../../runner/init/reset.c"
#include "../../runner/init/text.c"

#undef open
#undef close

/* --- the rest of init ------------------------------------------------------- */

int64_t sbx_now(void)
{
	return said.now++;
}

int sbx_self_note(struct sbx_self *out)
{
	out->nice = said.nice;
	return is_faulty("self") ? -1 : 0;
}

const char *sbx_self_compare(const struct sbx_self *was,
			     const struct sbx_self *is)
{
	return was->nice == is->nice ? NULL : "the priority of init";
}

const char *sbx_empty_note(struct sbx_empty *empty, const char *path)
{
	empty->path = path;
	return is_faulty("note") ? "a tmpfs cannot be opened" : NULL;
}

const char *sbx_empty(const struct sbx_empty *empty, uint32_t *budget,
		      int64_t until)
{
	(void)until;
	if (said.emptied++ >= 100)
		fail_msg("more tmpfs than there are");
	assert_string_equal(empty->path, "/tmp");
	(*budget)--;
	return said.tmpfs;
}

int sbx_empty_remove(int fd, uint32_t *budget, int64_t until)
{
	(void)budget;
	(void)until;
	assert_int_equal(fd, QUEUES);
	return is_faulty("remove") ? -1 : 0;
}

static unsigned char payload[SBX_WIRE_RESET_MAX + 1];

bool sbx_out_frame(uint8_t type, const void *data, uint32_t size)
{
	assert_int_equal(type, SBX_WIRE_RESET);
	assert_in_range(size, SBX_WIRE_RESET_FIXED, SBX_WIRE_RESET_MAX);
	memcpy(payload, data, size);
	payload[size] = '\0';
	return true;
}

/* --- a sandbox ---------------------------------------------------------------
 */

static char *const list[] = { (char *)"/tmp" };
static struct sbx_init init;

static int set_up(void **state)
{
	(void)state;
	alarm(30);
	kernel[V2].text = "1\n";
	kernel[V1].text = NULL;
	kernel[SHM_].text = " key shmid\n";
	kernel[SEM_].text = " key semid\n";
	kernel[MSG_].text = " key msqid\n";
	kernel[SOCKSTAT].text = "sockets: used 1\n"
				"TCP: inuse 2 orphan 64 tw 4 alloc 64 mem 64\n"
				"UDP: inuse 8 mem 64\n"
				"UDPLITE: inuse 64\nRAW: inuse 16\n";
	kernel[SOCKSTAT6].text = "TCP6: inuse 100\nUDP6: inuse 200\n"
				 "UDPLITE6: inuse 64\nRAW6: inuse 400\n";
	memset(&said, 0, sizeof(said));
	said.entries = 48;
	said.kill = -1;
	said.kill_errno = ESRCH;
	init = (struct sbx_init){ .is_direct = true };
	n_tmpfs = 0;
	faulty(NULL, 0, 0);
	return 0;
}

/* In the middle of a sandbox's life. */
static void note(void)
{
	assert_int_equal(sbx_reset_note(&init, list, 1), 0);
	assert_true(init.can_reset);
	init.phase = SBX_ENDED;
	init.wants_reset = true;
}

static const char *reset(void)
{
	sbx_reset(&init);
	assert_false(init.wants_reset);
	return (const char *)payload + SBX_WIRE_RESET_FIXED;
}

static void assert_clean(void)
{
	note();
	assert_string_equal(reset(), "");
	assert_int_equal(init.phase, SBX_WAITING);
	assert_int_equal(sbx_wire_get32(payload), 1);
}

static void assert_dirty(const char *why)
{
	if (!init.can_reset)
		note();
	assert_string_equal(reset(), why);
	assert_int_equal(init.phase, SBX_ENDED);
}

static void test_clean(void **state)
{
	(void)state;
	assert_clean();
	assert_int_equal(said.emptied, 1);
	assert_int_equal(sbx_wire_get32(payload + 4), 1);
	assert_int_equal(sbx_wire_get32(payload + 8), 1);
	assert_int_equal(sbx_wire_get32(payload + 12), 0);
}

/* It is looked again, for a while. */
static void test_clean_in_a_moment(void **state)
{
	(void)state;
	said.children = 3;
	assert_clean();
}

/* --- before ------------------------------------------------------------------
 */

static void refuse(char *const *paths_, uint32_t n, const char *why)
{
	init.can_reset = false;
	assert_int_equal(sbx_reset_note(&init, paths_, n), SBX_ABORT);
	assert_string_equal(init.why, why);
	assert_false(init.can_reset);
}

static void test_what_cannot_be_noted(void **state)
{
	static char text[sizeof(paths)];
	char *const large[] = { text, text };
	char *many[SBX_WIRE_TMPFS_MAX + 1];

	(void)state;
	faulty("self", EINVAL, 0);
	refuse(list, 1, "what init is like");
	faulty("note", 0, 0);
	refuse(list, 1, "a tmpfs cannot be opened");
	faulty(NULL, 0, 0);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(many); i++)
		many[i] = (char *)"/tmp";
	assert_int_equal(sbx_reset_note(&init, many, SBX_WIRE_TMPFS_MAX), 0);
	refuse(many, SBX_WIRE_TMPFS_MAX + 1, "too many tmpfs");
	memset(text, 'x', sizeof(text) / 2);
	refuse(large, 2, "too many tmpfs");
	init.is_direct = false;
	refuse(list, 1, "reset of an attached sandbox");
	/* Once is enough. */
	init.can_reset = true;
	assert_int_equal(sbx_reset_note(&init, list, 1), 0);
}

/* --- after -------------------------------------------------------------------
 */

static void test_children(void **state)
{
	(void)state;
	said.children = INT_MAX;
	assert_dirty("a process");
	said.child = 7;
	assert_dirty("a process");
	/* ECHILD, but for a reason; none, but not for that. */
	said.child_errno = ECHILD;
	assert_dirty("a process");
	said.child = -1;
	said.child_errno = EINTR;
	assert_dirty("a process");
}

static void test_other_processes(void **state)
{
	(void)state;
	said.kill = 0;
	assert_dirty("a process");
	said.kill = -1;
	said.kill_errno = EPERM;
	assert_dirty("a process");
}

static void test_count_of_processes(void **state)
{
	static const char why[] = "the number of processes";

	(void)state;
	kernel[V2].text = "2\n";
	assert_dirty(why);
	assert_int_equal(sbx_wire_get32(payload), 2);
	kernel[V2].text = "11\n";
	assert_dirty(why);
	kernel[V2].text = "1\n";
	faulty("pread", EIO, 0);
	assert_dirty(why);
	faulty(NULL, 0, 0);
	init.can_reset = false;
	kernel[V2].text = NULL;
	assert_dirty(why);
	init.can_reset = false;
	kernel[V1].text = "2\n";
	assert_dirty(why);
	init.can_reset = false;
	kernel[V1].text = "1\n";
	assert_clean();
}

static void test_objects(void **state)
{
	(void)state;
	for (int i = SHM_; i <= MSG_; i++) {
		const char *was = kernel[i].text;

		init.can_reset = false;
		kernel[i].text = " key\n 1\n";
		assert_dirty("a System V object");
		assert_int_equal(sbx_wire_get32(payload + 12), 1);
		/* A kernel may have none of them. */
		init.can_reset = false;
		kernel[i].text = NULL;
		assert_clean();
		init.phase = SBX_ENDED;
		kernel[i].text = was;
	}
	init.can_reset = false;
	note();
	for (int i = 0; i < 3; i++) {
		faulty("pread", EIO, 1 + i);
		assert_string_equal(look_around(&(struct report){ 0 }, 1),
				    "System V objects");
	}
}

static void test_queues(void **state)
{
	static const char *const calls[] = { "remove", "lseek", "futimens" };

	(void)state;
	said.entries = 72;
	assert_dirty("a POSIX queue");
	said.entries = 24;
	assert_dirty("a POSIX queue");
	said.entries = -1;
	assert_dirty("a POSIX queue");
	said.entries = 48;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(calls); i++) {
		faulty(calls[i], EPERM, 0);
		assert_dirty("a POSIX queue");
	}
	faulty(NULL, 0, 0);
	said.no_queues = EACCES;
	assert_dirty("POSIX queues");
	said.no_queues = ENOENT;
	assert_clean();
}

static void test_tmpfs(void **state)
{
	(void)state;
	said.tmpfs = "a file in a tmpfs";
	assert_dirty("a file in a tmpfs");
	assert_int_equal(sbx_wire_get32(payload + 4), 0);
}

static void test_sockets(void **state)
{
	(void)state;
	note();
	assert_int_equal(count_sockets(), 731);
	for (int i = 0; i < 2; i++) {
		faulty("pread", EIO, i);
		assert_true(count_sockets() == UINT64_MAX);
	}
	faulty(NULL, 0, 0);
	kernel[SOCKSTAT].text = "sockets: used 2\n";
	assert_dirty("a socket");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(number_behind("a 12/3", "a "), 12);
	assert_int_equal(number_behind("a 12:3", "a "), 12);
	assert_int_equal(number_behind("a 12", "a "), 12);
	assert_int_equal(number_behind("a 12", "b "), 0);
	assert_int_equal(number_behind("a x", "a "), 0);
}

static void test_init(void **state)
{
	(void)state;
	note();
	said.nice = 3;
	assert_dirty("the priority of init");
	said.nice = 0;
	faulty("self", EINVAL, 0);
	assert_dirty("what init is like");
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clean),
		TEST(test_clean_in_a_moment),
		TEST(test_what_cannot_be_noted),
		TEST(test_children),
		TEST(test_other_processes),
		TEST(test_count_of_processes),
		TEST(test_objects),
		TEST(test_queues),
		TEST(test_tmpfs),
		TEST(test_sockets),
		TEST(test_numbers),
		TEST(test_init),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
