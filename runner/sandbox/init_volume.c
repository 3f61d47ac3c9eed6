/* SPDX-License-Identifier: MIT */
#include "sandbox/init_volume.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "codec/hash.h"
#include "sandbox/init_blob.h"
#include "sandbox/spec.h"
#include "sandbox/volume_upload.h"

#define HASH_DIGITS 16
#define UNIQUE_SIZE (16 + 1)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char init_hash[HASH_DIGITS + 1];
static char volume_name[64];

static void find_names(void)
{
	char hex[SBX_HASH_HEX_SIZE];
	struct sbx_hash *hash = NULL;
	size_t size;
	const void *blob = sbx_init_blob(&size);

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, blob, size);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	memcpy(init_hash, hex, HASH_DIGITS);
	snprintf(volume_name, sizeof(volume_name), "skillbox-init-%s",
		 init_hash);
}

const char *sbx_init_hash(void)
{
	pthread_once(&once, find_names);
	return init_hash;
}

const char *sbx_init_volume_name(void)
{
	pthread_once(&once, find_names);
	return volume_name;
}

/*
 * The engine writes a file in place, executable from its first byte.  So the
 * bytes go to a name of this runner's own, and "init" becomes a second link
 * to them: it is whole whenever it is there, whoever else is filling the
 * volume at the same time.
 */
int sbx_init_volume_fill(struct sbx_engine *engine, struct sbx_error *err)
{
	json_auto_t *labels =
		json_pack("{s:s}", SBX_LABEL_INIT, sbx_init_hash());
	char unique[sizeof("init.") + UNIQUE_SIZE - 1] = "init.";
	struct sbx_tar_entry entries[] = {
		{ .type = SBX_TAR_DIRECTORY, .path = "/", .mode = 0711 },
		{ .type = SBX_TAR_FILE, .path = unique, .mode = 0111 },
		{ .type = SBX_TAR_HARDLINK,
		  .path = "init",
		  .mode = 0111,
		  .link = unique },
	};

	sbx_random_hex(unique + strlen(unique), UNIQUE_SIZE);
	entries[1].data = sbx_init_blob(&entries[1].size);
	if (sbx_volume_upload(engine, sbx_init_volume_name(), labels, entries,
			      SBX_ARRAY_SIZE(entries), err) < 0)
		return sbx_error_wrap(err, "install init on the engine");
	return 0;
}
