/* SPDX-License-Identifier: MIT */
/*
 * The runner's socket for one init when the kernel refuses something on the
 * way, and when two runners are at it: there is none rather than one that
 * others may reach or remove.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "faulty_calls.h"
#include "scratch.h"

#include "base/runtime_dir.h"

static int open_runtime_dir(char **out, struct sbx_error *err)
{
	if (is_faulty("runtime_dir"))
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "no runtime directory");
	*out = sbx_strdup(scratch_path);
	return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Whether nobody has a lock on it. */
static bool is_free(int dir)
{
	cleanup_fd int fd = openat(dir, ".", O_RDONLY | O_CLOEXEC);

	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static int n_made;

/* A sweep must not come between this and the lock on what is made. */
static int make_locked(int dir, const char *name, mode_t mode)
{
	n_made++;
	assert_false(is_free(dir));
	return is_faulty("mkdirat") ? -1 : mkdirat(dir, name, mode);
}

static pid_t peer_pid;

static int say_peer(struct ucred *peer)
{
	peer->pid = peer_pid;
	return is_faulty("getsockopt") ? -1 : 0;
}

#define sbx_runtime_dir_open open_runtime_dir
#define sbx_runtime_dir_private(...)                                           \
	(is_faulty("private") ? -1 : sbx_runtime_dir_private(__VA_ARGS__))
#define mkdirat(dir, name, mode)	       make_locked(dir, name, mode)
#define fdopendir(fd)			       (is_faulty("fdopendir") ? NULL : fdopendir(fd))
#define openat(...)			       FAULTY(openat, __VA_ARGS__)
#define fchmod(...)			       FAULTY(fchmod, __VA_ARGS__)
#define fstat(...)			       FAULTY(fstat, __VA_ARGS__)
#define socket(...)			       FAULTY(socket, __VA_ARGS__)
#define bind(...)			       FAULTY(bind, __VA_ARGS__)
#define fchmodat(...)			       FAULTY(fchmodat, __VA_ARGS__)
#define listen(...)			       FAULTY(listen, __VA_ARGS__)
#define getsockopt(fd, level, name, out, size) ((void)(size), say_peer(out))

#include "../../runner/sandbox/direct.c"

#undef sbx_runtime_dir_private
#undef openat
#undef socket

static int set_up(void **state)
{
	faulty(NULL, 0, 0);
	n_made = 0;
	return scratch_enter(state);
}

static struct sbx_direct *new_one(void)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_direct *direct = NULL;

	if (sbx_direct_new(&direct, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(n_made, 1);
	return direct;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_refused(void **state)
{
	static const struct {
		const char *call;
		const char *why;
	} faults[] = {
		{ "runtime_dir", "no runtime directory" },
		{ "private", "cannot use " },
		{ "fchmod", "cannot use " },
		{ "mkdirat", "cannot make a socket in " },
		{ "openat", "cannot make a socket in " },
		{ "fstat", "cannot make a socket in " },
		{ "socket", "cannot make a socket in " },
		{ "bind", "cannot make a socket in " },
		{ "fchmodat", "cannot make a socket in " },
		{ "listen", "cannot make a socket in " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(faults); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_direct *direct = NULL;

		faulty(faults[i].call, ENOMEM, 0);
		assert_int_equal(sbx_direct_new(&direct, &err), -1);
		assert_null(direct);
		if (strncmp(err.message, faults[i].why,
			    strlen(faults[i].why)) != 0 ||
		    (i > 0 && !strstr(err.message, strerror(ENOMEM))))
			fail_msg("%s: %s", faults[i].call, err.message);
		sbx_direct_sweep();
	}
}

/* Somebody has opened it to others. */
static void test_parent_is_ours_alone(void **state)
{
	struct sbx_direct *direct;
	struct stat about;

	(void)state;
	assert_int_equal(mkdir(PARENT, 0755), 0);
	assert_int_equal(chmod(PARENT, 0755), 0);
	direct = new_one();
	assert_int_equal(stat(PARENT, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0700);
	sbx_direct_free(&direct);
}

/* Another has made one, and not locked it yet. */
static void test_nothing_is_swept_meanwhile(void **state)
{
	int parent;

	(void)state;
	assert_int_equal(mkdir(PARENT, 0700), 0);
	assert_int_equal(mkdir(PARENT "/new", 0700), 0);
	parent = open(PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(parent, LOCK_SH), 0);
	sbx_direct_sweep();
	assert_true(is_there(PARENT "/new"));
	close(parent);
	/* Nor when the directory cannot be read. */
	faulty("fdopendir", ENOMEM, 0);
	sbx_direct_sweep();
	assert_true(is_there(PARENT "/new"));
	faulty(NULL, 0, 0);
	sbx_direct_sweep();
	assert_false(is_there(PARENT "/new"));
}

/* One outside of our PID namespace is nobody's, whoever is waited for. */
static void test_nobody_is_accepted(void **state)
{
	const struct {
		pid_t says;
		pid_t expected;
		bool is_faulty;
	} peers[] = {
		{ 0, 0, false },
		{ -1, -1, false },
		{ 7, 8, false },
		{ 7, 7, true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(peers); i++) {
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		struct sbx_direct *direct;
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		n_made = 0;
		direct = new_one();
		snprintf(address.sun_path, sizeof(address.sun_path),
			 "/proc/self/fd/%d/" SBX_DIRECT_SOCKET, direct->dir);
		assert_int_equal(connect(fd, (struct sockaddr *)&address,
					 sizeof(address)),
				 0);
		peer_pid = peers[i].says;
		faulty(peers[i].is_faulty ? "getsockopt" : NULL, EINVAL, 0);
		assert_int_equal(sbx_direct_accept(direct, peers[i].expected),
				 SBX_DIRECT_REFUSED);
		faulty(NULL, 0, 0);
		close(fd);
		sbx_direct_free(&direct);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),
		TEST(test_parent_is_ours_alone),
		TEST(test_nothing_is_swept_meanwhile),
		TEST(test_nobody_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
