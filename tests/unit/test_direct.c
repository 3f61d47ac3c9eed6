/* SPDX-License-Identifier: MIT */
/*
 * The runner's socket for one init: nobody else gets to it, nobody else is
 * accepted, and nothing of it stays.
 */
#include "sandbox/direct.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int connect_to(const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "%s/" SBX_DIRECT_SOCKET, directory);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return sbx_take_fd(&fd);
}

static struct sbx_direct *new_one(void)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_direct *direct = NULL;

	if (sbx_direct_new(&direct, &err) < 0)
		fail_msg("%s", err.message);
	return direct;
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_init_is_accepted(void **state)
{
	struct sbx_direct *direct = new_one();
	int theirs, ours;
	char byte;

	(void)state;
	assert_int_equal(sbx_direct_accept(direct, getpid()), -1);
	theirs = connect_to(sbx_direct_path(direct));
	assert_true(theirs >= 0);
	ours = sbx_direct_accept(direct, getpid());
	assert_true(ours >= 0);
	assert_int_equal(fcntl(ours, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(ours, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(theirs, "x", 1), 1);
	assert_int_equal(read(ours, &byte, 1), 1);
	close(theirs);
	close(ours);
	sbx_direct_free(&direct);
}

/* Any process but the one, whoever has sent it. */
static void test_other_process_is_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		const pid_t pids[] = { getppid(), 0, -1 };
		struct sbx_direct *direct = new_one();
		int theirs = connect_to(sbx_direct_path(direct));
		char byte;

		assert_true(theirs >= 0);
		assert_int_equal(sbx_direct_accept(direct, pids[i]),
				 SBX_DIRECT_REFUSED);
		assert_int_equal(read(theirs, &byte, 1), 0);
		close(theirs);
		sbx_direct_free(&direct);
	}
}

/* One that has come first does not keep its place until another is let in. */
static void test_child_of_init_is_refused(void **state)
{
	struct sbx_direct *direct = new_one();
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(connect_to(sbx_direct_path(direct)) >= 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sbx_direct_accept(direct, getpid()),
			 SBX_DIRECT_REFUSED);
	sbx_direct_free(&direct);
}

/* Who is not let in now never is: the socket is closed and gone. */
static void test_nobody_comes_second(void **state)
{
	struct sbx_direct *direct = new_one();
	cleanup_free char *path = sbx_strdup(sbx_direct_path(direct));
	int first = connect_to(path);
	int ours = sbx_direct_accept(direct, getpid());
	int second = connect_to(path);
	char byte;

	(void)state;
	assert_true(first >= 0 && ours >= 0 && second >= 0);
	sbx_direct_free(&direct);
	assert_int_equal(read(second, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_false(exists(path));
	assert_int_equal(connect_to(path), -ENOENT);
	assert_int_equal(write(first, "x", 1), 1);
	assert_int_equal(read(ours, &byte, 1), 1);
	close(first);
	close(second);
	close(ours);
}

static mode_t mode_of(const char *path)
{
	struct stat about;

	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_uid, geteuid());
	return about.st_mode & 07777;
}

/* Open to the sandbox's user, and to nobody who has no mount of it. */
static void test_modes(void **state)
{
	struct sbx_direct *direct = new_one();
	cleanup_free char *path = sbx_strdup(sbx_direct_path(direct));
	cleanup_free char *socket = sbx_asprintf("%s/" SBX_DIRECT_SOCKET, path);
	struct sbx_host_path host_path = sbx_direct_host_path(direct);
	struct stat about;

	(void)state;
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(host_path.dev, about.st_dev);
	assert_int_equal(host_path.ino, about.st_ino);
	assert_int_equal(mode_of(path), 0711);
	assert_int_equal(mode_of(socket), 0666);
	*strrchr(path, '/') = '\0';
	assert_int_equal(mode_of(path), 0700);
	sbx_direct_free(&direct);
}

/* A user of the host who has learnt the name cannot connect. */
static void test_other_users_cannot_reach_it(void **state)
{
	struct sbx_direct *direct = new_one();
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() == 0) {
		pid = fork();
		if (pid == 0) {
			if (setgid(200001) < 0 || setuid(200001) < 0)
				_exit(2);
			_exit(connect_to(sbx_direct_path(direct)) == -EACCES
				      ? 0
				      : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	sbx_direct_free(&direct);
}

/* A runner that was killed leaves its directory; one that lives needs it. */
static void test_sweep_takes_what_the_dead_left(void **state)
{
	struct sbx_direct *alive = new_one();
	char path[4096] = "";
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_direct *direct = NULL;

		if (sbx_direct_new(&direct, &err) < 0)
			_exit(1);
		(void)!write(ends[1], sbx_direct_path(direct),
			     strlen(sbx_direct_path(direct)));
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(read(ends[0], path, sizeof(path) - 1) > 0);
	assert_true(exists(path));
	sbx_direct_sweep();
	assert_false(exists(path));
	assert_true(exists(sbx_direct_path(alive)));
	close(ends[0]);
	close(ends[1]);
	sbx_direct_free(&alive);
}

/* --- of sessions ------------------------------------------------------------ */

static struct sbx_direct *new_session(void)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_direct *direct = NULL;

	if (sbx_direct_new_session(&direct, &err) < 0)
		fail_msg("%s", err.message);
	return direct;
}

static bool is_listed(const char *name, long seconds)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;

	sbx_direct_list_sessions(seconds, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (strcmp(names.v[i], name) == 0)
			return true;
	}
	return false;
}

/* One runner after the other has it, and none takes it away by leaving. */
static void test_session_goes_from_hand_to_hand(void **state)
{
	struct sbx_direct *direct = new_session();
	cleanup_free char *name = sbx_strdup(sbx_direct_name(direct));
	cleanup_free char *path = sbx_strdup(sbx_direct_path(direct));
	struct sbx_error err = SBX_ERROR_INIT;
	int theirs, ours;

	(void)state;
	assert_int_equal(mode_of(path), 0755);
	theirs = connect_to(path);
	ours = sbx_direct_accept(direct, getpid());
	assert_true(theirs >= 0 && ours >= 0);
	close(theirs);
	close(ours);
	sbx_direct_settle(direct);
	assert_int_equal(connect_to(path), -ENOENT);
	sbx_direct_leave(&direct);
	assert_null(direct);
	sbx_direct_sweep();
	assert_true(exists(path));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sbx_direct_open(&direct, name, 0, -1, &err),
				 0);
		assert_string_equal(sbx_direct_path(direct), path);
		assert_int_equal(connect_to(path), -ENOENT);
		assert_int_equal(sbx_direct_listen(direct, &err), 0);
		theirs = connect_to(path);
		assert_true(theirs >= 0);
		close(theirs);
		sbx_direct_leave(&direct);
		assert_int_equal(connect_to(path), -ENOENT);
	}
	sbx_direct_remove(name);
	assert_false(exists(path));
	assert_int_equal(sbx_direct_open(&direct, name, 0, -1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
}

static void test_session_has_one_runner(void **state)
{
	struct sbx_direct *first = new_session();
	cleanup_free char *name = sbx_strdup(sbx_direct_name(first));
	cleanup_free char *path = sbx_strdup(sbx_direct_path(first));
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_direct *second = NULL;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sbx_direct_open(&second, name, 0, -1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
	assert_int_equal(sbx_direct_open(&second, name, 60, -1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(sbx_direct_open(&second, name, 60000, ends[0], &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	/* What somebody has is not removed under him. */
	sbx_direct_remove(name);
	assert_true(exists(path));
	sbx_direct_leave(&first);
	assert_int_equal(sbx_direct_open(&second, name, 60, -1, &err), 0);
	sbx_direct_free(&second);
	assert_false(exists(path));
	close(ends[0]);
	close(ends[1]);
}

static void test_notes(void **state)
{
	struct sbx_direct *direct = new_session();
	cleanup_free char *name = sbx_strdup(sbx_direct_name(direct));
	cleanup_free char *path = sbx_strdup(sbx_direct_path(direct));
	cleanup_free char *note = sbx_asprintf("%s." SBX_DIRECT_HOOK, path);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(100);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_direct_get_note(name, SBX_DIRECT_HOOK, &text), -1);
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_HOOK, "one", &err), 0);
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_HOOK, "two", &err), 0);
	/* Not in what the sandbox has. */
	assert_int_equal(mode_of(note), 0600);
	assert_int_equal(sbx_direct_get_note(name, SBX_DIRECT_HOOK, &text), 0);
	assert_string_equal(sbx_buf_text(&text), "two");
	assert_int_equal(sbx_direct_take_note(name, SBX_DIRECT_HOOK, &text), 0);
	assert_string_equal(sbx_buf_text(&text), "twotwo");
	assert_int_equal(sbx_direct_take_note(name, SBX_DIRECT_HOOK, &text),
			 -1);
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_EXPIRY, "x", &err), 0);
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_EXPIRY, NULL, &err), 0);
	assert_int_equal(sbx_direct_get_note(name, SBX_DIRECT_EXPIRY, &text),
			 -1);
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_HOOK, "three", &err), 0);
	sbx_direct_free(&direct);
	assert_false(exists(note));
}

/* Labels are on the engine, where others may have put them. */
static void test_names_that_lead_elsewhere(void **state)
{
	static const char *const names[] = { "..",
					     "../sessions",
					     "0123456789abcde",
					     "0123456789abcdef0",
					     "0123456789abcde/",
					     "0123456789ABCDEF",
					     "" };
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(100);
	struct sbx_direct *direct = new_session();
	cleanup_free char *name = sbx_strdup(sbx_direct_name(direct));
	cleanup_free char *path = sbx_strdup(sbx_direct_path(direct));
	cleanup_free char *there = sbx_asprintf("../sessions/%s", name);
	cleanup_free char *inside = sbx_asprintf("%s/.", name);
	struct sbx_error ignored = SBX_ERROR_INIT;

	(void)state;
	sbx_direct_leave(&direct);
	assert_int_equal(sbx_direct_open(&direct, inside, 0, -1, &ignored), -1);
	sbx_direct_remove(there);
	assert_true(exists(path));
	sbx_direct_remove(name);
	assert_false(exists(path));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(
			sbx_direct_open(&direct, names[i], 0, -1, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
		assert_int_equal(sbx_direct_set_note(names[i], SBX_DIRECT_HOOK,
						     "x", &err),
				 -1);
		assert_int_equal(
			sbx_direct_get_note(names[i], SBX_DIRECT_HOOK, &text),
			-1);
		sbx_direct_remove(names[i]);
	}
}

/* By its age, and it alone: not its notes. */
static void test_sessions_are_listed(void **state)
{
	struct sbx_direct *direct = new_session();
	cleanup_free char *name = sbx_strdup(sbx_direct_name(direct));
	cleanup_free char *note = sbx_asprintf("%s." SBX_DIRECT_ENGINE, name);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_direct_set_note(name, SBX_DIRECT_ENGINE, "x", &err), 0);
	assert_true(is_listed(name, 0));
	assert_false(is_listed(name, 1000));
	assert_false(is_listed(note, 0));
	assert_false(is_listed(".", 0));
	sbx_direct_free(&direct);
	assert_false(is_listed(name, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_is_accepted),
		cmocka_unit_test(test_session_goes_from_hand_to_hand),
		cmocka_unit_test(test_session_has_one_runner),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_names_that_lead_elsewhere),
		cmocka_unit_test(test_sessions_are_listed),
		cmocka_unit_test(test_other_process_is_refused),
		cmocka_unit_test(test_child_of_init_is_refused),
		cmocka_unit_test(test_nobody_comes_second),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_other_users_cannot_reach_it),
		cmocka_unit_test(test_sweep_takes_what_the_dead_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
