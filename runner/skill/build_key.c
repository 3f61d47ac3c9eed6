/* SPDX-License-Identifier: MIT */
#include "skill/build_key.h"

#include <stdio.h>
#include <string.h>

#include "codec/hash.h"

/* Changes whenever the same sources have to become another image. */
#define FORMAT "skillbox image 1"

/* So that a list's length is hashed before its members. */
static void hash_count(struct sbx_hash *hash, size_t count)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", count);
	sbx_hash_field(hash, text);
}

/* NULL is not the same as "". */
static void hash_optional(struct sbx_hash *hash, const char *text)
{
	hash_count(hash, text ? 1 : 0);
	if (text)
		sbx_hash_field(hash, text);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An object of strings, by name. */
static void hash_object(struct sbx_hash *hash, const json_t *object)
{
	size_t n = json_object_size(object);
	cleanup_free const char **names = sbx_calloc(n + 1, sizeof(*names));
	size_t i = 0;
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value)
		names[i++] = name;
	qsort(names, n, sizeof(*names), by_name);
	hash_count(hash, n);
	for (i = 0; i < n; i++) {
		value = json_object_get(object, names[i]);
		sbx_hash_field(hash, names[i]);
		sbx_hash_field(hash, json_string_value(value));
	}
}

void sbx_build_key(const struct sbx_build_sources *sources,
		   char key[static SBX_BUILD_KEY_SIZE])
{
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_field(hash, FORMAT);
	sbx_hash_field(hash, sources->kind);
	sbx_hash_field(hash, sources->name);
	sbx_hash_field(hash, sources->context);
	hash_optional(hash, sources->rootfs);
	sbx_hash_field(hash, sources->dockerfile);
	hash_optional(hash, sources->target);
	hash_object(hash, sources->args);
	sbx_hash_field(hash, sources->platform);
	hash_count(hash, sources->images.n);
	for (size_t i = 0; i < sources->images.n; i++)
		sbx_hash_field(hash, sources->images.v[i]);
	hash_object(hash, sources->bases);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	memcpy(key, hex, SBX_BUILD_KEY_SIZE - 1);
	key[SBX_BUILD_KEY_SIZE - 1] = '\0';
}
