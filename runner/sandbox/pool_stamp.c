/* SPDX-License-Identifier: MIT */
#include "sandbox/pool_stamp.h"

#include <string.h>

#include "base/buf.h"

/* Longer than any path the kernel takes. */
#define PATH_SIZE 4200

static bool stamp(const char *path, struct sbx_stamp *out)
{
	struct stat st;

	/* All of it: also what is between the members. */
	memset(out, 0, sizeof(*out));
	if (stat(path, &st) < 0)
		return false;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->size = st.st_size;
	out->mtime = st.st_mtim;
	out->ctime = st.st_ctim;
	return true;
}

void sbx_stamp_file(const char *path, struct sbx_stamp *out)
{
	bool is_there = stamp(path, out);

	out->place = is_there ? 0 : 1;
}

void sbx_stamp_manifest(const struct sbx_catalog *catalog, const char *name,
			struct sbx_stamp *out)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(PATH_SIZE);
	size_t place = 0;

	memset(out, 0, sizeof(*out));
	for (; place < catalog->directories.n; place++) {
		sbx_buf_consume(&path, path.len);
		sbx_buf_printf(&path, "%s/%s/skill.yaml",
			       catalog->directories.v[place], name);
		if (stamp(sbx_buf_text(&path), out))
			break;
	}
	out->place = place;
}

bool sbx_stamp_equal(const struct sbx_stamp *a, const struct sbx_stamp *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}
