/* SPDX-License-Identifier: MIT */
#include "secret/secrets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "secret/memory.h"

bool sbx_secret_is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t size = strlen(name);

	return size > 0 && size <= SBX_SECRET_NAME_MAX &&
	       strchr(letters, name[0]) && strspn(name, others) == size;
}

const struct sbx_secret *sbx_secrets_find(const struct sbx_secrets *secrets,
					  const char *name)
{
	for (size_t i = 0; i < secrets->n; i++) {
		if (strcmp(secrets->v[i].name, name) == 0)
			return &secrets->v[i];
	}
	return NULL;
}

void sbx_secrets_set(struct sbx_secrets *secrets, const char *name,
		     unsigned char **value, size_t size)
{
	struct sbx_secret *secret = NULL;

	for (size_t i = 0; i < secrets->n; i++) {
		if (strcmp(secrets->v[i].name, name) == 0)
			secret = &secrets->v[i];
	}
	if (!secret) {
		secrets->v = sbx_realloc(secrets->v,
					 (secrets->n + 1) * sizeof(*secret));
		secret = &secrets->v[secrets->n++];
		*secret = (struct sbx_secret){ .name = sbx_strdup(name) };
	}
	sbx_secret_free(&secret->value);
	secret->value = *value;
	secret->size = size;
	*value = NULL;
}

void sbx_secrets_clear(struct sbx_secrets *secrets)
{
	for (size_t i = 0; i < secrets->n; i++) {
		free(secrets->v[i].name);
		sbx_secret_free(&secrets->v[i].value);
	}
	free(secrets->v);
	*secrets = (struct sbx_secrets){ .v = NULL };
}

/*
 * Locked memory is scarce: where it is 64 KiB, which is what many containers
 * have, a token can still be read.  One byte more than a value may have tells
 * one that is too large.
 */
#define ROOM_FIRST 1024
#define ROOM_MAX   (SBX_SECRET_SIZE_MAX + 1)

static int grow(unsigned char **memory, size_t *room, struct sbx_error *err)
{
	size_t size = 4 * *room < ROOM_MAX ? 4 * *room : ROOM_MAX;
	unsigned char *more = NULL;

	if (*room == ROOM_MAX)
		return 0;
	if (sbx_secret_alloc(&more, size, err) < 0)
		return -1;
	memcpy(more, *memory, *room);
	sbx_secret_free(memory);
	*memory = more;
	*room = size;
	return 0;
}

/* All that @fd has, up to ROOM_MAX; how much in *@have. */
static int read_to_end(int fd, const char *what, unsigned char **memory,
		       size_t *have, struct sbx_error *err)
{
	size_t room = ROOM_FIRST;
	ssize_t got;

	*have = 0;
	if (sbx_secret_alloc(memory, room, err) < 0)
		return -1;
	do {
		if (*have == room && grow(memory, &room, err) < 0)
			return -1;
		got = read(fd, *memory + *have, room - *have);
		if (got > 0)
			*have += (size_t)got;
	} while (got > 0);
	if (got < 0 && errno == EINTR)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled while reading %s", what);
	if (got < 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s cannot be read: %s", what,
				     strerror(errno));
	return 0;
}

int sbx_secret_read(int fd, const char *what, unsigned char **value,
		    size_t *size, struct sbx_error *err)
{
	cleanup_secret unsigned char *memory = NULL;
	size_t have;

	if (read_to_end(fd, what, &memory, &have, err) < 0)
		return -1;
	if (have > SBX_SECRET_SIZE_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s has more than %d bytes", what,
				     SBX_SECRET_SIZE_MAX);
	if (memchr(memory, '\n', have) == memory + have - 1)
		have--;
	if (have == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s is empty",
				     what);
	/* Locked memory is scarce: not the whole page after page of it. */
	if (sbx_secret_alloc(value, have, err) < 0)
		return -1;
	memcpy(*value, memory, have);
	*size = have;
	return 0;
}
