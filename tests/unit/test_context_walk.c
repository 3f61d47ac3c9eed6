/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "scratch.h"
#include "skill/context_walk.h"

enum kind { A_FILE, A_LINK, A_DIRECTORY, A_FIFO, A_SOCKET, NOTHING };

static void make_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, name);
	assert_int_equal(bind(fd, (void *)&address, sizeof(address)), 0);
}

static void make(const char *name, enum kind kind)
{
	assert_true(unlink(name) == 0 || rmdir(name) == 0 || errno == ENOENT);
	switch (kind) {
	case A_FILE:
		put(name, "text");
		break;
	case A_LINK:
		assert_int_equal(symlink("a", name), 0);
		break;
	case A_DIRECTORY:
		assert_int_equal(mkdir(name, 0755), 0);
		break;
	case A_FIFO:
		assert_int_equal(mkfifo(name, 0644), 0);
		break;
	case A_SOCKET:
		make_socket(name);
		break;
	case NOTHING:
		break;
	}
}

/* The walk has read that "b" is @before, and finds @after when it gets there.
 */
static void check_change(enum kind before, enum kind after)
{
	cleanup_fd int dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sbx_dockerignore *ignore = NULL;
	struct sbx_walk *walk = NULL;
	struct sbx_walk_entry entry;
	struct sbx_error err = SBX_ERROR_INIT;

	put("a", "first");
	make("b", before);
	assert_int_equal(
		sbx_dockerignore_parse(&ignore, ".dockerignore", "", 0, &err),
		0);
	sbx_walk_new(&walk, dirfd, ignore, "Dockerfile");
	assert_int_equal(sbx_walk_next(walk, &entry, &err), 1);
	assert_string_equal(entry.path, "a");
	make("b", after);
	assert_int_equal(sbx_walk_next(walk, &entry, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUILD_FAILED);
	assert_string_equal(err.message, "b: changed while it was packed");
	sbx_walk_free(&walk);
	sbx_dockerignore_free(&ignore);
	make("b", NOTHING);
}

static void test_became_something_else(void **state)
{
	(void)state;
	for (enum kind before = A_FILE; before <= A_DIRECTORY; before++) {
		for (enum kind after = A_FILE; after <= NOTHING; after++) {
			if (after != before)
				check_change(before, after);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_became_something_else,
						scratch_enter, scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
