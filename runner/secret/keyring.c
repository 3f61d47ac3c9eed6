/* SPDX-License-Identifier: MIT */
#include "secret/keyring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/text.h"
#include "secret/durable.h"
#include "secret/memory.h"
#include "secret/secrets.h"

/*
 * A directory with keys in it.
 *
 * @prefix, @suffix	which files of the directory are keys
 * @forbidden		bits of the mode that a key must not have
 * @must_exist		the directory was named by somebody
 */
struct place {
	const char *path;
	const char *prefix;
	const char *suffix;
	mode_t forbidden;
	bool must_exist;
};

#define FD_PREFIX   "fd:"
#define CONFIG_NAME "keys"

void sbx_keyring_clear(struct sbx_keyring *ring)
{
	sbx_keys_clear(&ring->keys);
	ring->is_loaded = false;
}

/* --- where ---------------------------------------------------------------- */

/* What was named by the command line or the environment, or NULL. */
static const char *named_place(const struct sbx_keyring *ring)
{
	const char *place = ring->place ? ring->place : getenv("SKILLBOX_KEYS");

	return place && *place ? place : NULL;
}

char *sbx_keyring_directory(const struct sbx_keyring *ring)
{
	const char *place = named_place(ring);

	if (!place)
		return sbx_durable_config_path(CONFIG_NAME);
	if (sbx_text_has_prefix(place, FD_PREFIX))
		return NULL;
	return sbx_strdup(place);
}

static const char *credentials(const struct sbx_keyring *ring)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return ring->place ? NULL : directory;
}

static void add_place(struct sbx_strv *list, const char *place)
{
	if (place && !sbx_text_has_prefix(place, FD_PREFIX))
		sbx_strv_push(list, place);
}

void sbx_keyring_places(const struct sbx_keyring *ring, struct sbx_strv *list)
{
	cleanup_free char *own = sbx_durable_config_path(CONFIG_NAME);

	add_place(list, ring ? ring->place : NULL);
	add_place(list, getenv("SKILLBOX_KEYS"));
	add_place(list, own);
	add_place(list, getenv("CREDENTIALS_DIRECTORY"));
}

char *sbx_keyring_describe(const struct sbx_keyring *ring)
{
	cleanup_free char *directory = sbx_keyring_directory(ring);
	const char *place = directory ? directory : named_place(ring);
	const char *more = credentials(ring);

	return sbx_asprintf("%s%s%s", place ? place : "",
			    place && more ? " and " : "", more ? more : "");
}

void sbx_keyring_release(struct sbx_keyring *ring)
{
	const char *place = named_place(ring);

	if (!place || !sbx_text_has_prefix(place, FD_PREFIX))
		sbx_keyring_clear(ring);
}

/* --- one file ------------------------------------------------------------- */

static int must_be_ours(const char *path, const struct stat *about,
			struct sbx_error *err)
{
	if (about->st_uid == 0 || about->st_uid == geteuid())
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "%s belongs to user %u, expected root or "
			     "yourself: whoever it belongs to can change it "
			     "(chown %u %s)",
			     path, about->st_uid, geteuid(), path);
}

static int check_file(const char *path, const struct stat *about,
		      mode_t forbidden, struct sbx_error *err)
{
	if (!S_ISREG(about->st_mode))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s is no regular file", path);
	if (must_be_ours(path, about, err) < 0)
		return -1;
	if (about->st_mode & forbidden)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "others than its owner have a right to "
				     "%s (its mode is %04o): chmod 600 %s",
				     path, about->st_mode & 07777, path);
	return 0;
}

static int parse_fd(struct sbx_keys *keys, int fd, const char *source,
		    int64_t created_ms, struct sbx_error *err)
{
	cleanup_secret unsigned char *text = NULL;
	size_t size;

	if (sbx_secret_read(fd, source, &text, &size, err) < 0) {
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
		return -1;
	}
	return sbx_keys_parse(keys, (const char *)text, size, source,
			      created_ms, err);
}

static int cannot_open(const char *path, int errnum, struct sbx_error *err)
{
	if (errnum == ELOOP)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s is a symbolic link: put the key "
				     "itself there",
				     path);
	return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errnum,
			       "cannot read %s", path);
}

/* Not to be held up by a FIFO. */
static int read_file(struct sbx_keys *keys, int dirfd, const char *name,
		     const struct place *place, struct sbx_error *err)
{
	cleanup_free char *path = sbx_asprintf("%s/%s", place->path, name);
	cleanup_fd int fd = openat(dirfd, name,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
					   O_NOCTTY | O_CLOEXEC);
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return cannot_open(path, errno, err);
	if (check_file(path, &about, place->forbidden, err) < 0)
		return -1;
	return parse_fd(keys, fd, path, (int64_t)about.st_mtime * 1000, err);
}

/* --- a directory ---------------------------------------------------------- */

static int check_directory(const char *path, int fd, struct sbx_error *err)
{
	struct stat about;

	if (fstat(fd, &about) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot read %s", path);
	if (must_be_ours(path, &about, err) < 0)
		return -1;
	if (about.st_mode & (S_IWGRP | S_IWOTH))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "others can put keys into %s (its mode "
				     "is %04o): chmod 700 %s",
				     path, about.st_mode & 07777, path);
	return 0;
}

static bool is_key_file(const char *name, const struct place *place)
{
	return name[0] != '.' && sbx_text_has_prefix(name, place->prefix) &&
	       sbx_text_has_suffix(name, place->suffix);
}

static int read_entries(struct sbx_keys *keys, DIR *directory,
			const struct place *place, struct sbx_error *err)
{
	const struct dirent *entry;

	errno = 0;
	while ((entry = readdir(directory))) {
		if (is_key_file(entry->d_name, place) &&
		    read_file(keys, dirfd(directory), entry->d_name, place,
			      err) < 0)
			return -1;
		errno = 0;
	}
	if (errno)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot read %s", place->path);
	return 0;
}

static int no_directory(const struct place *place, int errnum,
			struct sbx_error *err)
{
	if (errnum == ENOENT && !place->must_exist)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errnum,
			       "cannot read the keys in %s", place->path);
}

static int read_directory(struct sbx_keys *keys, const struct place *place,
			  struct sbx_error *err)
{
	DIR *directory = opendir(place->path);
	int result;

	if (!directory)
		return no_directory(place, errno, err);
	result = check_directory(place->path, dirfd(directory), err);
	if (result == 0)
		result = read_entries(keys, directory, place, err);
	closedir(directory);
	return result;
}

/* --- all of them ---------------------------------------------------------- */

/* Closed when it was read: nobody else is to have it. */
static int read_descriptor(struct sbx_keys *keys, const char *place,
			   struct sbx_error *err)
{
	const char *digits = place + strlen(FD_PREFIX);
	cleanup_fd int fd = -1;

	if (*digits == '\0' || strlen(digits) > 6 ||
	    digits[strspn(digits, "0123456789")] != '\0')
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "keys from %s: expected fd:NUMBER", place);
	fd = (int)strtol(digits, NULL, 10);
	return parse_fd(keys, fd, place, 0, err);
}

static int read_named(struct sbx_keyring *ring, struct sbx_error *err)
{
	const char *named = named_place(ring);
	cleanup_free char *directory = sbx_keyring_directory(ring);
	const struct place place = {
		.path = directory,
		.prefix = "",
		.suffix = ".key",
		.forbidden = S_IRWXG | S_IRWXO,
		.must_exist = named != NULL,
	};

	if (named && !directory)
		return read_descriptor(&ring->keys, named, err);
	return directory ? read_directory(&ring->keys, &place, err) : 0;
}

static int read_credentials(struct sbx_keyring *ring, struct sbx_error *err)
{
	const struct place place = {
		.path = credentials(ring),
		.prefix = "skillbox-key",
		.suffix = "",
		.forbidden = S_IWGRP | S_IXGRP | S_IRWXO,
	};

	return place.path ? read_directory(&ring->keys, &place, err) : 0;
}

int sbx_keyring_load(struct sbx_keyring *ring, struct sbx_error *err)
{
	if (ring->is_loaded)
		return 0;
	if (read_named(ring, err) < 0 || read_credentials(ring, err) < 0) {
		sbx_keys_clear(&ring->keys);
		return -1;
	}
	ring->is_loaded = true;
	return 0;
}

/* --- a new one ------------------------------------------------------------ */

static int write_key(const struct sbx_key *key, int directory, const char *name,
		     struct sbx_error *err)
{
	static const struct sbx_durable how = { .mode = 0600,
						.temporary = ".new.key.tmp",
						.keep = true };
	cleanup_secret unsigned char *text = NULL;

	if (sbx_key_format(key, &text, err) < 0)
		return -1;
	return sbx_durable_write(directory, name, text,
				 strlen((const char *)text), &how, err);
}

/* Newer than the newest, even if the clock was set back. */
static int64_t next_time(const struct sbx_keys *keys)
{
	int64_t now = sbx_clock_wall_ms();

	if (keys->n > 0 && keys->v[0].created_ms >= now)
		return keys->v[0].created_ms + 1;
	return now;
}

static int generate_in(struct sbx_keyring *ring, const char *path,
		       struct sbx_error *err)
{
	cleanup_fd int directory = -1;
	cleanup_free char *name = NULL;
	struct sbx_keys *keys = &ring->keys;

	if (sbx_key_make(keys, path, next_time(keys), err) < 0)
		return -1;
	name = sbx_asprintf("%s.key", keys->v[0].id);
	free(keys->v[0].source);
	keys->v[0].source = sbx_asprintf("%s/%s", path, name);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot use %s", path);
	return write_key(&keys->v[0], directory, name, err);
}

int sbx_keyring_generate(struct sbx_keyring *ring, const struct sbx_key **key,
			 struct sbx_error *err)
{
	cleanup_free char *path = sbx_keyring_directory(ring);
	cleanup_durable_lock struct sbx_durable_lock lock =
		SBX_DURABLE_LOCK_INIT;

	if (!path)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "a new key needs a directory to be in: "
				     "name one with --keys DIR");
	if (sbx_durable_mkdir(path, err) < 0 ||
	    sbx_durable_lock_take(&lock, path, err) < 0 ||
	    sbx_keyring_load(ring, err) < 0)
		return -1;
	if (generate_in(ring, path, err) < 0) {
		sbx_keyring_clear(ring);
		return sbx_error_wrap(err, "%s", path);
	}
	*key = &ring->keys.v[0];
	return 0;
}
