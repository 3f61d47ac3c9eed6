/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "scratch.h"
#include "secret/keyring.h"
#include "secret/keys.h"

/* The pairs of RFC 7748, section 6.1. */
#define ALICE	     "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo="
#define ALICE_PUBLIC "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define ALICE_ID     "7a91869e4c114964"
#define BOB	     "XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os="
#define BOB_PUBLIC   "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="
#define BOB_ID	     "e95918fc55316af0"

#define LINE(key)    "skillbox-key-1:" key "\n"

static int parse(struct sbx_keys *keys, const char *text, const char *expected)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result =
		sbx_keys_parse(keys, text, strlen(text), "here", 5000, &err);

	if (result == 0)
		return 0;
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	if (!expected || !strstr(err.message, expected))
		fail_msg("'%s' is not in '%s'", expected, err.message);
	/* Whatever is wrong, nothing of a key is in a message. */
	assert_null(strstr(err.message, "dwdtCn"));
	return result;
}

/* The public key is RFC 7748's, and the id BLAKE2b's of it (by b2sum -l256). */
static void test_vectors(void **state)
{
	struct sbx_keys keys = { .v = NULL };
	char text[SBX_KEY_TEXT_SIZE];

	(void)state;
	assert_int_equal(parse(&keys, LINE(ALICE) LINE(BOB), NULL), 0);
	assert_int_equal(keys.n, 2);
	assert_string_equal(keys.v[0].id, BOB_ID);
	for (size_t i = 0; i < 2; i++) {
		const struct sbx_key *key = &keys.v[i];
		bool alice = strcmp(key->id, ALICE_ID) == 0;

		sbx_key_encode(key->public_key, text);
		assert_string_equal(text, alice ? ALICE_PUBLIC : BOB_PUBLIC);
		assert_string_equal(key->id, alice ? ALICE_ID : BOB_ID);
		assert_string_equal(key->source, "here");
		assert_int_equal(key->created_ms, 5000);
	}
	sbx_keys_clear(&keys);
	/* Of two that are as old, it is always the same that is current. */
	assert_int_equal(parse(&keys, LINE(BOB) LINE(ALICE), NULL), 0);
	assert_string_equal(keys.v[0].id, BOB_ID);
	sbx_keys_clear(&keys);
}

/* What is written is read again as the same key. */
static void test_format(void **state)
{
	struct sbx_keys keys = { .v = NULL };
	struct sbx_keys again = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	unsigned char *text = NULL;

	(void)state;
	assert_int_equal(sbx_key_make(&keys, "x", 1700000000123, &err), 0);
	assert_int_equal(sbx_key_make(&keys, "y", 1700000000122, &err), 0);
	assert_string_equal(keys.v[0].source, "x");
	assert_memory_not_equal(keys.v[0].private_key, keys.v[1].private_key,
				SBX_KEY_SIZE);
	assert_int_equal(sbx_key_format(&keys.v[0], &text, &err), 0);
	assert_non_null(strstr((char *)text, "\n# created: "
					     "2023-11-14T22:13:20.123Z\n"));
	assert_int_equal(parse(&again, (char *)text, NULL), 0);
	assert_int_equal(again.n, 1);
	assert_string_equal(again.v[0].id, keys.v[0].id);
	assert_int_equal(again.v[0].created_ms, 1700000000123);
	assert_memory_equal(again.v[0].private_key, keys.v[0].private_key,
			    SBX_KEY_SIZE);
	sodium_free(text);
	sbx_keys_clear(&keys);
	sbx_keys_clear(&again);
}

/* The newest stands first, whatever the order; a key is there only once. */
static void test_order(void **state)
{
	static const char text[] =
		"# created: 2026-01-01T00:00:00.000Z\n"
		"# expires: 2027-01-01T00:00:00.000Z\n" LINE(
			BOB) "\n"
			     "# created: 2026-01-01T00:00:00.001Z\n"
			     "# public key: " ALICE_PUBLIC "\n" LINE(ALICE);
	struct sbx_keys keys = { .v = NULL };

	(void)state;
	assert_int_equal(parse(&keys, text, NULL), 0);
	assert_int_equal(parse(&keys, LINE(BOB), NULL), 0);
	assert_int_equal(keys.n, 2);
	assert_string_equal(keys.v[0].id, ALICE_ID);
	assert_string_equal(keys.v[1].id, BOB_ID);
	assert_ptr_equal(sbx_keys_find(&keys, BOB_ID), &keys.v[1]);
	assert_null(sbx_keys_find(&keys, "0123456789abcdef"));
	sbx_keys_clear(&keys);
}

static void test_bad_text(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "no key in it" },
		{ "# only a comment\n", "no key in it" },
		{ ALICE "\n", "neither a comment" },
		{ "skillbox-key-2:" ALICE "\n", "neither a comment" },
		{ " " LINE(ALICE), "neither a comment" },
		{ "skillbox-key-1:" ALICE "\r\n", "neither a comment" },
		{ "skillbox-key-1: " ALICE "\n", "neither a comment" },
		{ "skillbox-key-1:" ALICE "=\n", "neither a comment" },
		/* 31 and 33 bytes, and bits behind the end */
		{ "skillbox-key-1:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LA=="
		  "\n",
		  "neither a comment" },
		{ "skillbox-key-1:"
		  "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCoA\n",
		  "neither a comment" },
		{ "skillbox-key-1:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCp="
		  "\n",
		  "neither a comment" },
		{ LINE(ALICE) "x", "neither a comment" },
		{ "# public key: " BOB_PUBLIC "\n" LINE(ALICE), "is damaged" },
		{ "# public key: " ALICE_PUBLIC "=\n" LINE(ALICE),
		  "is damaged" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct sbx_keys keys = { .v = NULL };

		if (parse(&keys, cases[i].text, cases[i].expected) != -1)
			fail_msg("case %zu was taken", i);
		sbx_keys_clear(&keys);
	}
}

static void test_too_many(void **state)
{
	struct sbx_keys keys = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (int i = 0; i < SBX_KEYS_MAX; i++)
		assert_int_equal(sbx_key_make(&keys, "x", i, &err), 0);
	assert_int_equal(sbx_key_make(&keys, "x", 1, &err), -1);
	assert_int_equal(keys.n, SBX_KEYS_MAX);
	sbx_keys_clear(&keys);
}

/* --- where they are ------------------------------------------------------- */

static int enter(void **state)
{
	umask(022);
	unsetenv("SKILLBOX_KEYS");
	unsetenv("CREDENTIALS_DIRECTORY");
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	return scratch_enter(state);
}

/* How many keys there are in @place; -1 with @expected in the message. */
static int count(const char *place, const char *expected)
{
	struct sbx_keyring ring = SBX_KEYRING_INIT(place);
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_keyring_load(&ring, &err);

	if (result == 0)
		result = (int)ring.keys.n;
	else
		assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	if (result < 0 && (!expected || !strstr(err.message, expected)))
		fail_msg("'%s' is not in '%s'", expected, err.message);
	sbx_keyring_clear(&ring);
	return result;
}

/* A key is made where it is looked for, for its owner alone, and found. */
static void test_generate(void **state)
{
	struct sbx_keyring ring = SBX_KEYRING_INIT("a/b/keys");
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key = NULL;
	int64_t began = sbx_clock_wall_ms();
	char first[SBX_KEY_ID_SIZE];
	struct stat about;

	(void)state;
	if (sbx_keyring_generate(&ring, &key, &err) < 0)
		fail_msg("%s", err.message);
	strcpy(first, key->id);
	assert_int_equal(stat(key->source, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	assert_int_equal(stat("a/b/keys", &about), 0);
	assert_int_equal(about.st_mode & 07777, 0700);
	assert_in_range(key->created_ms, began, sbx_clock_wall_ms());
	assert_int_equal(sbx_keyring_generate(&ring, &key, &err), 0);
	assert_in_range(key->created_ms, began, sbx_clock_wall_ms() + 1);
	assert_string_not_equal(key->id, first);
	assert_string_equal(ring.keys.v[1].id, first);
	sbx_keyring_clear(&ring);
	assert_int_equal(count("a/b/keys", NULL), 2);
}

/* A new key is the newest, also where the clock has been set back. */
static void test_generate_late(void **state)
{
	int64_t began = sbx_clock_wall_ms();
	struct sbx_keyring ring = SBX_KEYRING_INIT("keys");
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key = NULL;

	(void)state;
	assert_int_equal(mkdir("keys", 0700), 0);
	put_mode("keys/a.key",
		 "# created: 2999-12-31T23:59:59.999Z\n" LINE(ALICE), 0600);
	assert_int_equal(sbx_keyring_generate(&ring, &key, &err), 0);
	sbx_keyring_clear(&ring);
	assert_int_equal(sbx_keyring_load(&ring, &err), 0);
	assert_int_equal(ring.keys.n, 2);
	assert_string_equal(ring.keys.v[1].id, ALICE_ID);
	assert_int_equal(ring.keys.v[0].created_ms,
			 ring.keys.v[1].created_ms + 1);
	sbx_keyring_clear(&ring);
	assert_int_equal(mkdir("others", 0700), 0);
	put_mode("others/a.key",
		 "# created: 2020-01-01T00:00:00Z\n" LINE(ALICE), 0600);
	ring.place = "others";
	assert_int_equal(sbx_keyring_generate(&ring, &key, &err), 0);
	assert_in_range(key->created_ms, began, sbx_clock_wall_ms());
	/* Nothing of it stays where it can be read again. */
	sbx_keyring_release(&ring);
	assert_null(ring.keys.v);
	assert_false(ring.is_loaded);
}

/* What has been left by somebody who died does no harm, and goes. */
static void test_generate_again(void **state)
{
	struct sbx_keyring ring = SBX_KEYRING_INIT("keys");
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key = NULL;

	(void)state;
	assert_int_equal(mkdir("keys", 0700), 0);
	put_mode("keys/.new.key.tmp", "skillbox-key-1:dwdt", 0600);
	assert_int_equal(count("keys", NULL), 0);
	assert_int_equal(sbx_keyring_generate(&ring, &key, &err), 0);
	assert_int_equal(access("keys/.new.key.tmp", F_OK), -1);
	sbx_keyring_clear(&ring);
}

static void test_places(void **state)
{
	(void)state;
	assert_int_equal(count(NULL, NULL), 0);
	assert_int_equal(count("none", "cannot read the keys in none"), -1);
	assert_int_equal(mkdir("config", 0700), 0);
	assert_int_equal(mkdir("config/skillbox", 0700), 0);
	assert_int_equal(mkdir("config/skillbox/keys", 0700), 0);
	put_mode("config/skillbox/keys/a.key", LINE(ALICE), 0600);
	put_mode("config/skillbox/keys/README", "no key", 0644);
	setenv("XDG_CONFIG_HOME", "config", 1);
	setenv("HOME", "/nonexistent", 1);
	/* A relative one is invalid. */
	assert_int_equal(count(NULL, NULL), 0);
	setenv("XDG_CONFIG_HOME", realpath("config", (char[4096]){ 0 }), 1);
	assert_int_equal(count(NULL, NULL), 1);
	assert_int_equal(mkdir("keys", 0700), 0);
	setenv("SKILLBOX_KEYS", "", 1);
	assert_int_equal(count(NULL, NULL), 1);
	setenv("SKILLBOX_KEYS", "keys", 1);
	assert_int_equal(count(NULL, NULL), 0);
	/* The command line's is the only one then. */
	assert_int_equal(mkdir("credentials", 0700), 0);
	put_mode("credentials/skillbox-key-2026", LINE(BOB), 0400);
	put_mode("credentials/other", "a password", 0400);
	assert_int_equal(chmod("credentials", 0500), 0);
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	assert_int_equal(count(NULL, NULL), 1);
	assert_int_equal(count("config/skillbox/keys", NULL), 1);
	put_mode("keys/b.key", LINE(BOB), 0600);
	put_mode("keys/a.key", LINE(ALICE), 0600);
	put_mode("keys/.c.key", "what an editor has left", 0600);
	assert_int_equal(count(NULL, NULL), 2);
	setenv("CREDENTIALS_DIRECTORY", "", 1);
	assert_int_equal(count(NULL, NULL), 2);
}

/* Only what is not there is none. */
static void test_no_place(void **state)
{
	struct sbx_keyring ring = { .place = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	setenv("XDG_CONFIG_HOME", scratch_path, 1);
	assert_int_equal(count(NULL, NULL), 0);
	assert_int_equal(mkdir("skillbox", 0700), 0);
	put("skillbox/keys", "a file");
	assert_int_equal(count(NULL, "cannot read the keys in"), -1);
	assert_int_equal(unlink("skillbox/keys"), 0);
	assert_int_equal(mkdir("skillbox/keys", 0700), 0);
	put_mode("skillbox/keys/a.key", LINE(ALICE), 0600);
	assert_int_equal(sbx_keyring_load(&ring, &err), 0);
	assert_int_equal(ring.keys.n, 1);
	sbx_keyring_release(&ring);
	assert_null(ring.keys.v);
	/* Whoever has no home has none either. */
	if (geteuid() == 0) {
		unsetenv("XDG_CONFIG_HOME");
		unsetenv("HOME");
		assert_int_equal(seteuid(12345), 0);
		assert_int_equal(count(NULL, NULL), 0);
		assert_int_equal(seteuid(0), 0);
	}
}

static void check_described(const char *place, const char *expected)
{
	struct sbx_keyring ring = SBX_KEYRING_INIT(place);
	cleanup_free char *text = sbx_keyring_describe(&ring);

	assert_string_equal(text, expected);
}

static void test_describe(void **state)
{
	(void)state;
	check_described(NULL, "/nonexistent/skillbox/keys");
	setenv("CREDENTIALS_DIRECTORY", "/run/c", 1);
	check_described(NULL, "/nonexistent/skillbox/keys and /run/c");
	check_described("fd:3", "fd:3");
	setenv("SKILLBOX_KEYS", "fd:4", 1);
	check_described(NULL, "fd:4 and /run/c");
	check_described("keys", "keys");
	if (geteuid() == 0) {
		unsetenv("SKILLBOX_KEYS");
		unsetenv("XDG_CONFIG_HOME");
		unsetenv("HOME");
		assert_int_equal(seteuid(12345), 0);
		check_described(NULL, "/run/c");
		assert_int_equal(seteuid(0), 0);
	}
}

/* @expected: the directories that nobody else is to have, in one line */
static void check_guarded(const struct sbx_keyring *ring, const char *expected)
{
	cleanup_strv struct sbx_strv list = SBX_STRV_INIT;
	char line[256] = "";

	sbx_keyring_places(ring, &list);
	for (size_t i = 0; i < list.n; i++) {
		strcat(line, " ");
		strcat(line, list.v[i]);
	}
	assert_string_equal(line, expected);
}

/* Used or not; what is mounted is judged by them (sandbox/guarded.h). */
static void test_all_places(void **state)
{
	struct sbx_keyring ring = SBX_KEYRING_INIT("named");

	(void)state;
	check_guarded(NULL, " /nonexistent/skillbox/keys");
	check_guarded(&ring, " named /nonexistent/skillbox/keys");
	setenv("SKILLBOX_KEYS", "keys", 1);
	setenv("CREDENTIALS_DIRECTORY", "/run/c", 1);
	check_guarded(&ring, " named keys /nonexistent/skillbox/keys /run/c");
	ring.place = "fd:3";
	check_guarded(&ring, " keys /nonexistent/skillbox/keys /run/c");
	setenv("SKILLBOX_KEYS", "fd:4", 1);
	check_guarded(NULL, " /nonexistent/skillbox/keys /run/c");
}

/* Of systemd's the group may read, because of how an ACL shows. */
static void test_modes(void **state)
{
	(void)state;
	assert_int_equal(mkdir("keys", 0700), 0);
	assert_int_equal(mkdir("credentials", 0700), 0);
	put_mode("keys/a.key", LINE(ALICE), 0600);
	put_mode("credentials/skillbox-key", LINE(BOB), 0600);
	setenv("CREDENTIALS_DIRECTORY", "credentials", 1);
	setenv("SKILLBOX_KEYS", "keys", 1);
	for (mode_t bit = 1; bit < 0100; bit <<= 1) {
		assert_int_equal(chmod("keys/a.key", 0600 | bit), 0);
		assert_int_equal(count(NULL, "chmod 600 keys/a.key"), -1);
	}
	assert_int_equal(chmod("keys/a.key", 0400), 0);
	for (mode_t bit = 1; bit < 0100; bit <<= 1) {
		int expected = bit == S_IRGRP ? 2 : -1;

		assert_int_equal(chmod("credentials/skillbox-key", 0400 | bit),
				 0);
		assert_int_equal(count(NULL, "credentials/skillbox-key"),
				 expected);
	}
	assert_int_equal(chmod("credentials/skillbox-key", 0400), 0);
	for (mode_t bit = 1; bit < 0100; bit <<= 1) {
		int expected = bit == S_IWGRP || bit == S_IWOTH ? -1 : 2;

		assert_int_equal(chmod("keys", 0700 | bit), 0);
		assert_int_equal(count(NULL, "chmod 700 keys"), expected);
	}
}

/* Only root can give a file away. */
static void test_owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return;
	assert_int_equal(mkdir("keys", 0755), 0);
	put_mode("keys/a.key", LINE(ALICE), 0600);
	assert_int_equal(count("keys", NULL), 1);
	assert_int_equal(chown("keys/a.key", 12345, 12345), 0);
	assert_int_equal(count("keys", "belongs to user 12345"), -1);
	assert_int_equal(chown("keys/a.key", 0, 0), 0);
	assert_int_equal(chown("keys", 12345, 12345), 0);
	assert_int_equal(count("keys", "belongs to user 12345"), -1);
	/* To whom they belong both may use them; root's may be anybody's. */
	assert_int_equal(chmod(scratch_path, 0755), 0);
	assert_int_equal(chown("keys/a.key", 12345, 12345), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_int_equal(count("keys", NULL), 1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chown("keys", 0, 0), 0);
	assert_int_equal(seteuid(12345), 0);
	assert_int_equal(count("keys", NULL), 1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(seteuid(12346), 0);
	assert_int_equal(
		count("keys", "cannot read keys/a.key: Permission denied"), -1);
	assert_int_equal(seteuid(0), 0);
}

/* One bad file is enough, whatever others there are. */
static void test_bad_files(void **state)
{
	(void)state;
	assert_int_equal(mkdir("keys", 0700), 0);
	put_mode("keys/a.key", LINE(ALICE), 0600);
	put_mode("elsewhere", LINE(BOB), 0600);
	assert_int_equal(symlink("../elsewhere", "keys/b.key"), 0);
	assert_int_equal(count("keys", "keys/b.key is a symbolic link"), -1);
	assert_int_equal(unlink("keys/b.key"), 0);
	assert_int_equal(mkfifo("keys/b.key", 0600), 0);
	assert_int_equal(count("keys", "keys/b.key is no regular file"), -1);
	assert_int_equal(unlink("keys/b.key"), 0);
	assert_int_equal(mkdir("keys/b.key", 0700), 0);
	assert_int_equal(count("keys", "keys/b.key is no regular file"), -1);
	assert_int_equal(rmdir("keys/b.key"), 0);
	put_mode("keys/b.key", "", 0600);
	assert_int_equal(count("keys", "keys/b.key is empty"), -1);
	put_mode("keys/b.key", "rubbish\n", 0600);
	assert_int_equal(count("keys", "keys/b.key: there is a line"), -1);
	assert_int_equal(truncate("keys/b.key", 1 << 20), 0);
	assert_int_equal(count("keys", "keys/b.key has more than"), -1);
	put_mode("keys/b.key", LINE(BOB), 0600);
	assert_int_equal(count("keys", NULL), 2);
	assert_int_equal(count("keys/a.key", "cannot read the keys in"), -1);
}

/* A descriptor is read once, closed, and kept for as long as the ring is. */
static void test_descriptor(void **state)
{
	struct sbx_keyring ring = { .place = NULL };
	cleanup_free char *place = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(sbx_fd_write_all(ends[1], LINE(ALICE) LINE(BOB),
					  strlen(LINE(ALICE) LINE(BOB))),
			 0);
	close(ends[1]);
	place = sbx_asprintf("fd:%d", ends[0]);
	ring.place = place;
	assert_int_equal(sbx_keyring_load(&ring, &err), 0);
	assert_int_equal(sbx_keyring_load(&ring, &err), 0);
	sbx_keyring_release(&ring);
	assert_int_equal(ring.keys.n, 2);
	assert_int_equal(fcntl(ends[0], F_GETFD), -1);
	assert_int_equal(sbx_keyring_generate(&ring, &key, &err), -1);
	assert_non_null(strstr(err.message, "--keys DIR"));
	sbx_keyring_clear(&ring);
	assert_int_equal(count(place, "cannot be read"), -1);
	assert_int_equal(count("fd:", "expected fd:NUMBER"), -1);
	assert_int_equal(count("fd:-1", "expected fd:NUMBER"), -1);
	assert_int_equal(count("fd:0x3", "expected fd:NUMBER"), -1);
	assert_int_equal(count("fd:4294967296", "expected fd:NUMBER"), -1);
}

#define IN_SCRATCH(test)                                                       \
	cmocka_unit_test_setup_teardown(test, enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_bad_text),
		cmocka_unit_test(test_too_many),
		IN_SCRATCH(test_generate),
		IN_SCRATCH(test_generate_late),
		IN_SCRATCH(test_generate_again),
		IN_SCRATCH(test_places),
		IN_SCRATCH(test_no_place),
		IN_SCRATCH(test_describe),
		IN_SCRATCH(test_all_places),
		IN_SCRATCH(test_modes),
		IN_SCRATCH(test_owners),
		IN_SCRATCH(test_bad_files),
		IN_SCRATCH(test_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
