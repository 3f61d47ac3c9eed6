/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"
#include "secret/memory.h"
#include "secret/seal.h"
#include "secret/store.h"

#define SKILL "telegram"

/* Keys to seal for; the first of them is what the ring of a test has. */
static struct sbx_keyring ring;
static struct sbx_keys strangers;

static int enter(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	umask(022);
	if (scratch_enter(state) < 0)
		return -1;
	setenv("XDG_CONFIG_HOME", scratch_path, 1);
	/* As if it had been read from there. */
	ring = (struct sbx_keyring){ .place = "fd:9", .is_loaded = true };
	strangers = (struct sbx_keys){ .v = NULL };
	return sbx_key_make(&ring.keys, "x", 2, &err) < 0 ||
			       sbx_key_make(&ring.keys, "y", 1, &err) < 0 ||
			       sbx_key_make(&strangers, "z", 1, &err) < 0
		       ? -1
		       : 0;
}

static int leave(void **state)
{
	sbx_keyring_clear(&ring);
	sbx_keys_clear(&strangers);
	return scratch_leave(state);
}

/* --- boxes ---------------------------------------------------------------- */

static void seal(struct sbx_sealed *sealed, const char *skill, const char *name,
		 const char *value)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_seal(sealed, skill, name, (const unsigned char *)value,
		     strlen(value), &err) < 0)
		fail_msg("%s", err.message);
}

static void add(struct sbx_sealed *sealed, const struct sbx_key *key)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(
		sbx_sealed_add_recipient(sealed, key->public_key, &err), 0);
}

/* Opens it: NULL, or why not. */
static const char *open_as(const struct sbx_sealed_secret *secret,
			   const char *skill, const struct sbx_keys *keys,
			   const char *expected)
{
	static struct sbx_error err;
	cleanup_secret unsigned char *value = NULL;
	size_t size = 0;

	err = (struct sbx_error)SBX_ERROR_INIT;
	if (sbx_seal_open(secret, skill, keys, &value, &size, &err) < 0) {
		assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
		assert_null(value);
		return err.message;
	}
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(value, expected, size);
	return NULL;
}

#define assert_has(text, part)                                                 \
	do {                                                                   \
		const char *_text = (text);                                    \
		if (!_text || !strstr(_text, part))                            \
			fail_msg("'%s' is not in '%s'", part, _text);          \
	} while (0)

/* Any of its recipients can open it, nobody else can. */
static void test_recipients(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	const struct sbx_sealed_secret *secret;
	struct sbx_keys none = { .v = NULL };
	struct sbx_keys second = { .v = &ring.keys.v[1], .n = 1 };

	(void)state;
	add(&sealed, &ring.keys.v[0]);
	add(&sealed, &ring.keys.v[1]);
	seal(&sealed, SKILL, "TOKEN", "the value\n");
	secret = sbx_sealed_find(&sealed, "TOKEN");
	assert_int_equal(secret->n_boxes, 2);
	assert_null(open_as(secret, SKILL, &ring.keys, "the value\n"));
	assert_null(open_as(secret, SKILL, &second, "the value\n"));
	assert_has(open_as(secret, SKILL, &strangers, ""), strangers.v[0].id);
	assert_has(open_as(secret, SKILL, &strangers, ""),
		   "that private key is not here");
	assert_has(open_as(secret, SKILL, &none, ""), "no private key here");
}

/* A box serves nobody else than whom it was made for. */
static void test_other_place(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	struct sbx_sealed_secret *secret;

	(void)state;
	add(&sealed, &ring.keys.v[0]);
	seal(&sealed, SKILL, "TOKEN", "the value");
	secret = sbx_sealed_find(&sealed, "TOKEN");
	assert_has(open_as(secret, "telegra", &ring.keys, ""),
		   "sealed for TOKEN of telegram");
	assert_has(open_as(secret, "telegrams", &ring.keys, ""),
		   "sealed for TOKEN of telegram");
	assert_has(open_as(secret, "telegraf", &ring.keys, ""),
		   "sealed for TOKEN of telegram");
	strcpy(secret->name, "TOKEM");
	assert_has(open_as(secret, SKILL, &ring.keys, ""),
		   "sealed for TOKEN of telegram");
	strcpy(secret->name, "TOKE");
	assert_has(open_as(secret, SKILL, &ring.keys, ""),
		   "sealed for TOKEN of telegram");
	sbx_strset(&secret->name, "TOKENS");
	assert_has(open_as(secret, SKILL, &ring.keys, ""),
		   "sealed for TOKEN of telegram");
}

/* No single byte of a box can be another. */
static void test_tampered(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	struct sbx_sealed_box *box;

	(void)state;
	add(&sealed, &ring.keys.v[0]);
	seal(&sealed, SKILL, "TOKEN", "value");
	box = sealed.secrets[0].boxes;
	for (size_t i = 0; i < box->size; i++) {
		/*
		 * But for the highest bit of the X25519 key in front, which
		 * RFC 7748 has ignored; the hash of all of it in the nonce
		 * makes up for that.
		 */
		box->data[i] ^= 0x80;
		assert_has(open_as(&sealed.secrets[0], SKILL, &ring.keys, ""),
			   "does not open: it was changed");
		box->data[i] ^= 0x80;
	}
	assert_null(open_as(&sealed.secrets[0], SKILL, &ring.keys, "value"));
	while (--box->size > SBX_SEALED_BOX_MIN)
		assert_has(open_as(&sealed.secrets[0], SKILL, &ring.keys, ""),
			   "does not open: it was changed");
}

/* What a box with @text in it says. */
static const char *open_text(const char *text, size_t size)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	size_t box_size = size + crypto_box_SEALBYTES;
	unsigned char *box = sbx_malloc(box_size);

	add(&sealed, &ring.keys.v[0]);
	seal(&sealed, SKILL, "TOKEN", "x");
	assert_int_equal(crypto_box_seal(box, (const unsigned char *)text, size,
					 ring.keys.v[0].public_key),
			 0);
	sbx_sealed_set_box(&sealed.secrets[0], ring.keys.v[0].id, &box,
			   box_size);
	return open_as(&sealed.secrets[0], SKILL, &ring.keys, "value");
}

/*
 * The layout is the documented one; whoever has left the names out reads
 * nothing of the value in the message.
 */
static void test_layout(void **state)
{
	static const char *const nameless[] = {
		"5ecret",
		"5ecret\n5ecret\n5ecret\n",
		"skillbox-secret-1\n5ecret",
		"skillbox-secret-1\n5ecret\n5ecret",
		"skillbox-secret-2\ntelegram\nTOKEN\n5ecret",
		"skillbox-secret-1\nKey: 5ecret\n5ecret\n",
		"skillbox-secret-1\n5ecret\n5ecret word\n",
		"skillbox-secret-1\n5ecret\n\n5ecret",
		"skillbox-secret-1\n\n5ecret\n",
		"skillbox-secret-1\n5ecret5ecret5ecret5ecret5ecret5ecret"
		"5ecret5ecret5ecret5ecret5ecret\nA\n",
		"skillbox-secret-1\na\n5ecret5ecret5ecret5ecret5ecret5ecret"
		"5ecret5ecret5ecret5ecret5ecret\n",
	};
	static const char nul[] = "skillbox-secret-1\ntelegram\0\nTOKEN\nvalue";

	(void)state;
	assert_null(open_text("skillbox-secret-1\ntelegram\nTOKEN\nvalue", 38));
	assert_has(open_text("skillbox-secret-1\ntelegram\nTOKEN\n", 33),
		   "the value is empty");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(nameless); i++) {
		const char *why = open_text(nameless[i], strlen(nameless[i]));

		if (!why || strstr(why, "5ecret"))
			fail_msg("case %zu: %s", i, why);
	}
	assert_has(open_text(nul, sizeof(nul) - 1), "something else");
	assert_has(open_text("", 0), "does not begin with");
}

static void test_sizes(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_free char *large = sbx_malloc(SBX_SECRET_SIZE_MAX + 34);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	memset(large, 'x', SBX_SECRET_SIZE_MAX + 1);
	add(&sealed, &ring.keys.v[0]);
	assert_int_equal(sbx_seal(&sealed, SKILL, "A",
				  (const unsigned char *)large,
				  SBX_SECRET_SIZE_MAX + 1, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_int_equal(sbx_seal(&sealed, SKILL, "A",
				  (const unsigned char *)large, 0, &err),
			 -1);
	large[SBX_SECRET_SIZE_MAX] = '\0';
	seal(&sealed, SKILL, "A", large);
	assert_true(sealed.secrets[0].boxes[0].size <= SBX_SEALED_BOX_MAX);
	assert_null(open_as(&sealed.secrets[0], SKILL, &ring.keys, large));
	/* A box of another program may have more in it than a value has. */
	memset(large, 'x', SBX_SECRET_SIZE_MAX + 34);
	memcpy(large, "skillbox-secret-1\ntelegram\nTOKEN\n", 33);
	assert_has(open_text(large, SBX_SECRET_SIZE_MAX + 34),
		   "the value has more than 65536 bytes");
}

/* No more than can be read again. */
static void test_too_many(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, &ring.keys.v[0]);
	for (int i = 0; i < SBX_SEALED_SECRETS_MAX; i++) {
		cleanup_free char *name = sbx_asprintf("S%d", i);

		seal(&sealed, SKILL, name, "x");
	}
	seal(&sealed, SKILL, "S7", "another");
	assert_int_equal(sbx_seal(&sealed, SKILL, "MORE",
				  (const unsigned char *)"x", 1, &err),
			 -1);
	assert_has(err.message, "more than 256 secrets");
}

/* Nothing can be sealed for a point of low order. */
static void test_weak_key(void **state)
{
	static const unsigned char weak[SBX_KEY_SIZE];
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_sealed_add_recipient(&sealed, weak, &err), 0);
	assert_int_equal(sbx_seal(&sealed, SKILL, "A",
				  (const unsigned char *)"value", 5, &err),
			 -1);
	assert_has(err.message, "nothing can be sealed");
}

/* --- files ---------------------------------------------------------------- */

/* Seals @value in a file of that place, for the first own key. */
static void put_sealed(const char *owner, const char *dir, const char *name,
		       const char *value, const struct sbx_key *to)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (owner)
		assert_int_equal(
			sbx_sealed_place_of_owner(&place, owner, SKILL, &err),
			0);
	else
		sbx_sealed_place_of_skill(&place, dir);
	if (sbx_sealed_file_edit(&file, &place, &err) < 0)
		fail_msg("%s", err.message);
	assert_false(file.is_foreign);
	add(&file.sealed, to);
	seal(&file.sealed, SKILL, name, value);
	if (sbx_sealed_file_save(&file, &err) < 0)
		fail_msg("%s", err.message);
}

/* What is found by @name: 1 and @expected, 0, or -1 with that in the message. */
static int find(const char *owner, const struct sbx_secrets *given,
		const char *name, const char *expected)
{
	cleanup_secret_lookup struct sbx_secret_lookup lookup = {
		.given = given,
		.owner = owner,
		.skill = SKILL,
		.skill_dir = "skill",
		.keys = &ring,
	};
	cleanup_secrets struct sbx_secrets out = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_secret_find(&lookup, name, &out, &err);
	const struct sbx_secret *found = sbx_secrets_find(&out, name);

	assert_int_equal(found != NULL, result == 1);
	assert_int_equal(err.outcome,
			 result < 0 ? SBX_OUTCOME_MISCONFIGURED : 0);
	if (found) {
		assert_int_equal(found->size, strlen(expected));
		assert_memory_equal(found->value, expected, found->size);
	}
	if (result < 0) {
		assert_has(err.message, expected);
		assert_has(err.message, name);
	}
	return result;
}

/* The run's own come first, then the owner's, then the skill's. */
static void test_order(void **state)
{
	cleanup_secrets struct sbx_secrets given = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	unsigned char *value = NULL;

	(void)state;
	assert_int_equal(find("ann", NULL, "TOKEN", NULL), 0);
	put_sealed(NULL, "skill", "TOKEN", "of the skill", ring.keys.v);
	assert_int_equal(find("ann", NULL, "TOKEN", "of the skill"), 1);
	assert_int_equal(find("ann", NULL, "OTHER", NULL), 0);
	put_sealed("ann", NULL, "TOKEN", "of ann", ring.keys.v);
	assert_int_equal(find("ann", NULL, "TOKEN", "of ann"), 1);
	assert_int_equal(find("bob", NULL, "TOKEN", "of the skill"), 1);
	assert_int_equal(find(NULL, NULL, "TOKEN", "of the skill"), 1);
	assert_int_equal(sbx_secret_alloc(&value, 5, &err), 0);
	memcpy(value, "given", 5);
	sbx_secrets_set(&given, "TOKEN", &value, 5);
	assert_int_equal(find("ann", &given, "TOKEN", "given"), 1);
	assert_int_equal(find("ann", &given, "OTHER", NULL), 0);
}

/* What is there and cannot be opened is not made up for by another place. */
static void test_no_fallback(void **state)
{
	(void)state;
	put_sealed(NULL, "skill", "TOKEN", "of the skill", ring.keys.v);
	put_sealed("ann", NULL, "TOKEN", "of ann", strangers.v);
	assert_int_equal(find("ann", NULL, "TOKEN",
			      "skillbox/secrets/ann/telegram.yaml: it is "
			      "sealed for"),
			 -1);
	/* But what is not there is. */
	put_sealed(NULL, "skill", "OTHER", "other", ring.keys.v);
	assert_int_equal(find("ann", NULL, "OTHER", "other"), 1);
	put_mode("skillbox/secrets/ann/telegram.yaml", "rubbish", 0600);
	assert_int_equal(find("ann", NULL, "OTHER", "telegram.yaml:1:1:"), -1);
	assert_int_equal(find("..", NULL, "OTHER", "owner \"..\""), -1);
}

/* Names of owners and skills are names of files, and of no other ones. */
static void test_store_names(void **state)
{
	static const char *const none[] = { "", ".", "..", "a/b", "/" };
	cleanup_free char *long_name = sbx_malloc(129);
	struct sbx_sealed_place place = { .name = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(none); i++) {
		assert_int_equal(
			sbx_sealed_place_of_owner(&place, none[i], "a", &err),
			-1);
		assert_int_equal(
			sbx_sealed_place_of_owner(&place, "a", none[i], &err),
			-1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	}
	memset(long_name, 'a', 128);
	long_name[128] = '\0';
	assert_int_equal(
		sbx_sealed_place_of_owner(&place, long_name, "a", &err), -1);
	assert_int_equal(
		sbx_sealed_place_of_owner(&place, long_name + 1, "a", &err), 0);
	sbx_sealed_place_clear(&place);
	/* Whoever has no home has no store. */
	if (geteuid() == 0) {
		unsetenv("XDG_CONFIG_HOME");
		unsetenv("HOME");
		assert_int_equal(seteuid(12345), 0);
		assert_int_equal(
			sbx_sealed_place_of_owner(&place, "a", "a", &err), -1);
		assert_int_equal(seteuid(0), 0);
		assert_has(err.message, "neither $XDG_CONFIG_HOME nor $HOME");
	}
}

/* A skill's author decides what is in its directory, and no more. */
static void test_untrusted(void **state)
{
	(void)state;
	put_sealed(NULL, "skill", "TOKEN", "value", ring.keys.v);
	assert_int_equal(rename("skill/secrets.yaml", "elsewhere"), 0);
	assert_int_equal(symlink("../elsewhere", "skill/secrets.yaml"), 0);
	assert_int_equal(find(NULL, NULL, "TOKEN", "is a symbolic link"), -1);
	assert_int_equal(unlink("skill/secrets.yaml"), 0);
	assert_int_equal(mkfifo("skill/secrets.yaml", 0644), 0);
	assert_int_equal(find(NULL, NULL, "TOKEN", "is no regular file"), -1);
	assert_int_equal(unlink("skill/secrets.yaml"), 0);
	put("skill/secrets.yaml", "");
	assert_int_equal(truncate("skill/secrets.yaml", (1 << 20) + 1), 0);
	assert_int_equal(find(NULL, NULL, "TOKEN", "is larger than"), -1);
}

/* Keys are not even looked for where there is nothing to open. */
static void test_lazy_keys(void **state)
{
	(void)state;
	sbx_keyring_clear(&ring);
	ring.place = "none";
	assert_int_equal(find("ann", NULL, "TOKEN", NULL), 0);
	put_sealed(NULL, "skill", "TOKEN", "value", strangers.v);
	assert_int_equal(find("ann", NULL, "OTHER", NULL), 0);
	assert_int_equal(
		find("ann", NULL, "TOKEN", "cannot read the keys in none"), -1);
}

/* A file is read once: all secrets of a run are of one state of it. */
static void test_read_once(void **state)
{
	cleanup_secret_lookup struct sbx_secret_lookup lookup = {
		.skill = SKILL,
		.skill_dir = "skill",
		.keys = &ring,
	};
	cleanup_secrets struct sbx_secrets out = { .v = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	put_sealed(NULL, "skill", "A", "1", ring.keys.v);
	put_sealed(NULL, "skill", "B", "2", ring.keys.v);
	assert_int_equal(sbx_secret_find(&lookup, "A", &out, &err), 1);
	put("skill/secrets.yaml", "rubbish");
	assert_int_equal(sbx_secret_find(&lookup, "B", &out, &err), 1);
	assert_int_equal(out.n, 2);
	sbx_secret_lookup_clear(&lookup);
	lookup.skill_dir = NULL;
	assert_int_equal(sbx_secret_find(&lookup, "B", &out, &err), 0);
	/* Who has no keys at all opens nothing. */
	sbx_secret_lookup_clear(&lookup);
	put_sealed(NULL, "other", "A", "1", ring.keys.v);
	lookup.skill_dir = "other";
	lookup.keys = NULL;
	assert_int_equal(sbx_secret_find(&lookup, "A", &out, &err), -1);
	assert_has(err.message, "no private key here");
}

/* A run does not hold on to keys that can be read again. */
static void test_release(void **state)
{
	struct sbx_keyring own = { .place = "keys", .is_loaded = true };
	struct sbx_secret_lookup lookup = { .keys = &own };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_key_make(&own.keys, "x", 1, &err), 0);
	sbx_secret_lookup_clear(&lookup);
	assert_null(own.keys.v);
	assert_false(own.is_loaded);
}

static mode_t mode_of(const char *path)
{
	struct stat about;

	assert_int_equal(stat(path, &about), 0);
	return about.st_mode & 07777;
}

/* The skill's file is for everybody, unless somebody wants it otherwise. */
static void test_modes(void **state)
{
	struct stat about;

	(void)state;
	umask(077);
	put_sealed(NULL, "skill", "A", "1", ring.keys.v);
	put_sealed("ann", NULL, "A", "1", ring.keys.v);
	assert_int_equal(mode_of("skill/secrets.yaml"), 0644);
	assert_int_equal(mode_of("skillbox/secrets/ann/telegram.yaml"), 0600);
	assert_int_equal(mode_of("skillbox/secrets/ann"), 0700);
	assert_int_equal(chmod("skill/secrets.yaml", 0664), 0);
	if (geteuid() == 0)
		assert_int_equal(chown("skill/secrets.yaml", 12345, 12346), 0);
	put_sealed(NULL, "skill", "B", "2", ring.keys.v);
	assert_int_equal(mode_of("skill/secrets.yaml"), 0664);
	assert_int_equal(stat("skill/secrets.yaml", &about), 0);
	if (geteuid() == 0) {
		assert_int_equal(about.st_uid, 12345);
		assert_int_equal(about.st_gid, 12346);
	}
}

/* What somebody who died has left does no harm, and goes; nothing is left. */
static void test_leftovers(void **state)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(64);
	struct sbx_error err = SBX_ERROR_INIT;
	const struct dirent *entry;
	DIR *directory;
	int n = 0;

	(void)state;
	assert_int_equal(mkdir("skill", 0755), 0);
	put("skill/.secrets.yaml.tmp", "schema_ver");
	put_sealed(NULL, "skill", "A", "1", ring.keys.v);
	directory = opendir("skill");
	assert_non_null(directory);
	while ((entry = readdir(directory)))
		n += entry->d_name[0] != '.' || entry->d_name[1] == 's';
	closedir(directory);
	assert_int_equal(n, 1);
	/* Not through a link that somebody has put in its place, either. */
	put("victim", "untouched");
	assert_int_equal(symlink("../victim", "skill/.secrets.yaml.tmp"), 0);
	put_sealed(NULL, "skill", "B", "1", ring.keys.v);
	assert_int_equal(find(NULL, NULL, "B", "1"), 1);
	assert_int_equal(sbx_file_read(AT_FDCWD, "victim", &text, &err), 0);
	assert_string_equal(sbx_buf_text(&text), "untouched");
}

/* A change that cannot be written leaves the file as it was. */
static void test_unsaved(void **state)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	cleanup_free char *large = sbx_malloc(SBX_SECRET_SIZE_MAX + 1);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	memset(large, 'x', SBX_SECRET_SIZE_MAX);
	large[SBX_SECRET_SIZE_MAX] = '\0';
	put_sealed(NULL, "skill", "A", "1", ring.keys.v);
	sbx_sealed_place_of_skill(&place, "skill");
	assert_int_equal(sbx_sealed_file_edit(&file, &place, &err), 0);
	for (char name[] = "B"; name[0] <= 'Z'; name[0]++)
		seal(&file.sealed, SKILL, name, large);
	assert_int_equal(sbx_sealed_file_save(&file, &err), -1);
	assert_has(err.message, "1 MiB");
	assert_int_equal(find(NULL, NULL, "A", "1"), 1);
	assert_int_equal(find(NULL, NULL, "B", NULL), 0);
}

/* The file with @text in it: whether something is lost when it is saved. */
static bool is_foreign(const char *text)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	put("skill/secrets.yaml", text);
	sbx_sealed_place_of_skill(&place, "skill");
	if (sbx_sealed_file_edit(&file, &place, &err) < 0)
		fail_msg("%s", err.message);
	return file.is_foreign;
}

/* Comments in the middle would be lost: that can be told beforehand. */
static void test_foreign(void **state)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	size_t size;

	(void)state;
	put_sealed(NULL, "skill", "A", "1", ring.keys.v);
	assert_int_equal(
		sbx_file_read(AT_FDCWD, "skill/secrets.yaml", &text, &err), 0);
	size = text.len;
	assert_false(is_foreign(sbx_buf_text(&text)));
	sbx_buf_puts(&text, "# a note\n");
	assert_true(is_foreign(sbx_buf_text(&text)));
	text.data[size] = '\0';
	text.len = size;
	sbx_buf_puts(&text, "x-note: 1\n");
	assert_true(is_foreign(sbx_buf_text(&text)));
	text.data[size] = '\0';
	for (char *c = text.data; (c = strchr(c, '"'));)
		*c = '\'';
	assert_true(is_foreign(text.data));
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCRATCH(test_recipients),  IN_SCRATCH(test_other_place),
		IN_SCRATCH(test_tampered),    IN_SCRATCH(test_layout),
		IN_SCRATCH(test_sizes),	      IN_SCRATCH(test_weak_key),
		IN_SCRATCH(test_too_many),    IN_SCRATCH(test_order),
		IN_SCRATCH(test_no_fallback), IN_SCRATCH(test_untrusted),
		IN_SCRATCH(test_store_names), IN_SCRATCH(test_lazy_keys),
		IN_SCRATCH(test_read_once),   IN_SCRATCH(test_release),
		IN_SCRATCH(test_modes),	      IN_SCRATCH(test_leftovers),
		IN_SCRATCH(test_unsaved),     IN_SCRATCH(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
