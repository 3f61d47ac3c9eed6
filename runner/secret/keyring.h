/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_KEYRING_H
#define SBX_SECRET_KEYRING_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "secret/keys.h"

/*
 * Where private keys are: those files of a directory whose names end in
 * ".key", or a descriptor ("fd:N").  That is what --keys says, and nothing
 * else then; or $SKILLBOX_KEYS, or the directory skillbox/keys of this user's
 * configuration, each together with the files "skillbox-key*" of
 * $CREDENTIALS_DIRECTORY (systemd.exec(5), LoadCredential=).
 *
 * They are read once, when they are asked for; a descriptor can be read once
 * only.  Not for concurrent use: several threads take turns by @lock.
 *
 * @place	what --keys says, borrowed; or NULL
 * @is_loaded	that @keys has been read
 */
struct sbx_keyring {
	const char *place;
	bool is_loaded;
	struct sbx_keys keys;
	pthread_mutex_t lock;
};

#define SBX_KEYRING_INIT(what)                                                 \
	{                                                                      \
		.place = (what), .lock = PTHREAD_MUTEX_INITIALIZER             \
	}

/* Wipes and frees the keys. */
void sbx_keyring_clear(struct sbx_keyring *ring);
#define cleanup_keyring SBX_CLEANUP(sbx_keyring_clear)

/*
 * Reads the keys, if that has not been done; having none is no failure.
 * MISCONFIGURED, naming the file and what to do, when there is one that
 * cannot be used: none is left out silently.  A file must be a regular one
 * that nobody but its owner can read, and it and its directory belong to us or
 * root; nobody else may be able to write the directory.  Of systemd's
 * credentials the group may be allowed to read (that is how an access control
 * list shows).
 */
int sbx_keyring_load(struct sbx_keyring *ring, struct sbx_error *err);

/*
 * Wipes what can be read again: after a run, whose action may take its time.
 * A descriptor's keys stay.
 */
void sbx_keyring_release(struct sbx_keyring *ring);

/* The directory that new keys go to; free().  NULL for a descriptor. */
char *sbx_keyring_directory(const struct sbx_keyring *ring);

/*
 * Adds to @list every directory that is named as a place of private keys, or is
 * one by default: also those that --keys has us pass over.  @ring may be NULL.
 */
void sbx_keyring_places(const struct sbx_keyring *ring, struct sbx_strv *list);

/* How the places are called in a message; free(). */
char *sbx_keyring_describe(const struct sbx_keyring *ring);

/*
 * Makes a key that is newer than all in @ring (loaded first), writes it to a
 * file of its own, and when it is there for good, points *@key to it in @ring.
 * MISCONFIGURED when that cannot be done.
 */
int sbx_keyring_generate(struct sbx_keyring *ring, const struct sbx_key **key,
			 struct sbx_error *err);

#endif
