/* SPDX-License-Identifier: MIT */
#include "serve/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "scratch.h"

/*
 * Who relies on it: serve/admission.c, serve/daemon.c.  Some of these tests are
 * about other users, which takes root; without they are shorter.
 */

#define TOKEN  "correct-horse-ba" /* of the least size */
#define NOBODY 65534

/* --- token files ------------------------------------------------------------ */

static void put_token(const char *text)
{
	put_mode("token", text, 0600);
}

static void refuse(const char *why)
{
	struct sbx_token token;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_token_read("token", &token, &err) == 0)
		fail_msg("taken, although: %s", why);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	if (!strstr(err.message, why))
		fail_msg("'%s' does not say '%s'", err.message, why);
}

/* What is in the file, with "Bearer " in front. */
static void take(const char *header)
{
	struct sbx_token token;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_token_read("token", &token, &err), 0);
	assert_true(sbx_token_fits(&token, header));
}

static void test_token_files(void **state)
{
	(void)state;
	put_token(TOKEN);
	take("Bearer " TOKEN);
	put_token(TOKEN "\n");
	take("Bearer " TOKEN);
	put_token("!~~~~~~~~~~~~~~~~~~~~~~!\n");
	take("Bearer !~~~~~~~~~~~~~~~~~~~~~~!");
}

static void test_what_is_no_token(void **state)
{
	static const char *const wrong[] = {
		TOKEN " ",    " " TOKEN,    TOKEN "\n\n",
		TOKEN "\r\n", TOKEN "\x7f", TOKEN "\xc3\xa4",
	};
	char large[SBX_TOKEN_SIZE_MAX + 3];

	(void)state;
	put_token("");
	refuse("16 characters");
	put_token("correct-horse-b\n");
	refuse("16 characters");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(wrong); i++) {
		put_token(wrong[i]);
		refuse("printable ASCII");
	}
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	put_token(large);
	refuse("too large");
}

static void test_modes(void **state)
{
	static const mode_t modes[] = { 0640, 0620, 0610, 0604, 0602, 0601 };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(modes); i++) {
		put_mode("token", TOKEN, modes[i]);
		refuse("others can read it");
	}
}

static void test_what_is_no_file(void **state)
{
	(void)state;
	refuse("No such file");
	assert_int_equal(mkdir("token", 0700), 0);
	refuse("not a regular file");
	assert_int_equal(rmdir("token"), 0);
	/* Nobody writes there: it would take for ever. */
	assert_int_equal(mkfifo("token", 0600), 0);
	alarm(10);
	refuse("not a regular file");
	alarm(0);
}

static void test_users_of_files(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return;
	put_token(TOKEN);
	assert_int_equal(chown("token", NOBODY, 0), 0);
	refuse("belongs to another user");
	/* His own file, and one of root's that he can read all the same. */
	assert_int_equal(chmod(".", 0711), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	take("Bearer " TOKEN);
	setfsuid(0);
	assert_int_equal(chown("token", 0, 0), 0);
	take("Bearer " TOKEN);
	assert_int_equal(chown("token", 1, 0), 0);
	refuse("belongs to another user");
	assert_int_equal(seteuid(0), 0);
}

/* --- headers ---------------------------------------------------------------- */

static void test_tokens(void **state)
{
	struct sbx_token token;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	put_token(TOKEN);
	assert_int_equal(sbx_token_read("token", &token, &err), 0);
	assert_true(sbx_token_fits(&token, "Bearer " TOKEN));
	assert_true(sbx_token_fits(&token, "bearer   " TOKEN));
	assert_false(sbx_token_fits(&token, NULL));
	assert_false(sbx_token_fits(&token, ""));
	assert_false(sbx_token_fits(&token, "Bearer "));
	assert_false(sbx_token_fits(&token, TOKEN));
	assert_false(sbx_token_fits(&token, "Digest " TOKEN));
	assert_false(sbx_token_fits(&token, "Bearer correct-horse-b"));
	assert_false(sbx_token_fits(&token, "Bearer " TOKEN "t"));
	assert_false(sbx_token_fits(&token, "Bearer " TOKEN " "));
	assert_false(sbx_token_fits(&token, "Bearer Correct-horse-ba"));
}

static void test_hosts(void **state)
{
	static char *names[] = { (char *)"127.0.0.1:80", (char *)"Name:80" };
	const struct sbx_strv hosts = { .v = names, .n = 2 };

	(void)state;
	assert_true(sbx_host_is_ours(&hosts, "127.0.0.1:80", NULL));
	assert_true(sbx_host_is_ours(&hosts, "name:80", NULL));
	assert_false(sbx_host_is_ours(&hosts, NULL, NULL));
	assert_false(sbx_host_is_ours(&hosts, "", NULL));
	assert_false(sbx_host_is_ours(&hosts, "127.0.0.1", NULL));
	assert_false(sbx_host_is_ours(&hosts, "127.0.0.1:80.evil", NULL));
	assert_false(sbx_host_is_ours(&hosts, "evil:80", "http://name:80"));
	assert_true(sbx_host_is_ours(&hosts, "name:80", "http://name:80"));
	assert_true(sbx_host_is_ours(&hosts, "name:80", "https://name:80"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "http://evil:80"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "https://evil:80"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "null"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", ""));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "ftp://name:80"));
}

/* --- peers ------------------------------------------------------------------ */

static void test_peers(void **state)
{
	int fds[2];
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uid_t uid = 1234;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_true(sbx_peer_uid(fds[0], &uid));
	assert_int_equal(uid, geteuid());
	close(fds[0]);
	close(fds[1]);
	uid = 1234;
	assert_int_equal(pipe(fds), 0);
	assert_false(sbx_peer_uid(fds[0], &uid));
	assert_false(sbx_peer_uid(-1, &uid));
	close(fds[0]);
	close(fds[1]);
	/* Has no user, which the kernel says by a number. */
	assert_true(tcp >= 0);
	assert_false(sbx_peer_uid(tcp, &uid));
	close(tcp);
	assert_int_equal(uid, 1234);
}

static void test_who_may_ask(void **state)
{
	(void)state;
	assert_true(sbx_peer_may_ask(0));
	assert_true(sbx_peer_may_ask(geteuid()));
	assert_false(sbx_peer_may_ask(geteuid() + 1));
	assert_false(sbx_peer_may_ask((uid_t)-1));
	if (geteuid() != 0)
		return;
	assert_int_equal(seteuid(NOBODY), 0);
	assert_true(sbx_peer_may_ask(0));
	assert_true(sbx_peer_may_ask(NOBODY));
	assert_false(sbx_peer_may_ask(1));
	assert_int_equal(seteuid(0), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_token_files),
		TEST(test_what_is_no_token),
		TEST(test_modes),
		TEST(test_what_is_no_file),
		TEST(test_users_of_files),
		TEST(test_tokens),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_who_may_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
