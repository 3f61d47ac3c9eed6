/* SPDX-License-Identifier: MIT */
#include "serve/settings.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "skill/fingerprint.h"
#include "skill/policy_file.h"

/* What a file was when it was read; all zero for one that is not there. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

struct shared {
	struct sbx_ground ground; /* first, so that it is found from there */
	atomic_uint references;
};

/* @error	why there is no @current */
struct sbx_settings {
	pthread_mutex_t lock;
	struct sbx_settings_places places;
	struct sbx_keyring descriptor;
	struct shared *current;
	struct stamp stamp;
	struct sbx_error error;
};

static struct stamp stamp_of(const char *policy)
{
	const char *path = sbx_policy_named(policy);
	struct stat st;

	if (stat(path ? path : SBX_POLICY_SYSTEM, &st) < 0)
		return (struct stamp){ .dev = 0 };
	return (struct stamp){ st.st_dev, st.st_ino, st.st_size, st.st_mtim,
			       st.st_ctim };
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct stamp *a, const struct stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       is_same_time(a->mtime, b->mtime) &&
	       is_same_time(a->ctime, b->ctime);
}

static void find_fingerprint(const struct sbx_settings_places *places,
			     struct sbx_ground *ground)
{
	const struct sbx_keyring keys = SBX_KEYRING_INIT(places->keys);

	sbx_fingerprint(
		&(struct sbx_fingerprint){
			.catalog = &ground->catalog,
			.policy_hash = ground->policy.hash,
			.engine_url = places->engine,
			.keys = &keys,
		},
		ground->fingerprint);
}

static int load(const struct sbx_settings_places *places, struct shared **out,
		struct sbx_error *err)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct shared *shared = sbx_calloc(1, sizeof(*shared));

	atomic_init(&shared->references, 1);
	if (sbx_catalog_open(&shared->ground.catalog, places->skills, err) <
	    0) {
		free(shared);
		return -1;
	}
	if (sbx_policy_open(places->policy, &shared->ground.policy, &problems,
			    err) < 0) {
		sbx_catalog_close(&shared->ground.catalog);
		free(shared);
		return -1;
	}
	find_fingerprint(places, &shared->ground);
	*out = shared;
	return 0;
}

static void release(struct shared *shared)
{
	if (!shared || atomic_fetch_sub(&shared->references, 1) != 1)
		return;
	sbx_catalog_close(&shared->ground.catalog);
	sbx_policy_clear(&shared->ground.policy);
	free(shared);
}

/* Looked at before it is read: a change in between is found the next time. */
static int load_again(struct sbx_settings *settings, struct sbx_error *err)
{
	release(sbx_take(settings->current));
	settings->stamp = stamp_of(settings->places.policy);
	settings->error = (struct sbx_error)SBX_ERROR_INIT;
	if (load(&settings->places, &settings->current, &settings->error) == 0)
		return 0;
	*err = settings->error;
	return -1;
}

int sbx_settings_new(struct sbx_settings **out,
		     const struct sbx_settings_places *places,
		     struct sbx_error *err)
{
	struct sbx_settings *settings = sbx_calloc(1, sizeof(*settings));

	pthread_mutex_init(&settings->lock, NULL);
	settings->places = *places;
	settings->descriptor =
		(struct sbx_keyring)SBX_KEYRING_INIT(places->keys);
	if (load_again(settings, err) < 0 ||
	    (places->keys && sbx_text_has_prefix(places->keys, "fd:") &&
	     sbx_keyring_load(&settings->descriptor, err) < 0)) {
		sbx_settings_free(&settings);
		return -1;
	}
	*out = settings;
	return 0;
}

void sbx_settings_free(struct sbx_settings **settings)
{
	if (!*settings)
		return;
	release((*settings)->current);
	sbx_keyring_clear(&(*settings)->descriptor);
	pthread_mutex_destroy(&(*settings)->lock);
	free(sbx_take(*settings));
}

int sbx_settings_take(struct sbx_settings *settings,
		      const struct sbx_ground **out, struct sbx_error *err)
{
	struct stamp now = stamp_of(settings->places.policy);
	int result = 0;

	pthread_mutex_lock(&settings->lock);
	if (!is_same(&now, &settings->stamp))
		load_again(settings, err);
	if (settings->current) {
		atomic_fetch_add(&settings->current->references, 1);
		*out = &settings->current->ground;
	} else {
		*err = settings->error;
		result = -1;
	}
	pthread_mutex_unlock(&settings->lock);
	return result;
}

void sbx_ground_release(const struct sbx_ground **ground)
{
	release((struct shared *)sbx_take(*ground));
}

int sbx_settings_reload(struct sbx_settings *settings, struct sbx_error *err)
{
	int result;

	pthread_mutex_lock(&settings->lock);
	result = load_again(settings, err);
	pthread_mutex_unlock(&settings->lock);
	return result;
}

struct sbx_keyring *sbx_settings_keys(struct sbx_settings *settings,
				      struct sbx_keyring *own)
{
	if (settings->descriptor.is_loaded)
		return &settings->descriptor;
	*own = (struct sbx_keyring)SBX_KEYRING_INIT(settings->places.keys);
	return own;
}
