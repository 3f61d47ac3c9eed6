/* SPDX-License-Identifier: MIT */
/* Files of sessions, for callers: see session_visit.h. */
#include "serve/session_visit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "codec/tar.h"
#include "sandbox/copy_reader.h"
#include "sandbox/copy_tar.h"
#include "sandbox/session_copy.h"
#include "serve/file_json.h"

/*
 * For the engine, for what is copied, and for the session while something else
 * runs in it.
 */
#define CALL_MS 10000
#define COPY_MS 60000
#define WAIT_MS 2000

static void keep_line(void *ctx, const char *line)
{
	cleanup_buf struct sbx_buf valid = SBX_BUF_INIT(4096);

	sbx_text_to_utf8(&valid, line, strlen(line));
	json_array_append_new(ctx, json_string(sbx_buf_text(&valid)));
}

/* Where some of it could not be copied it is not what was asked for. */
static int copy(const struct sbx_session_visit *visit,
		int (*act)(struct sbx_engine *engine,
			   const struct sbx_session_copy *copy,
			   struct sbx_error *err),
		struct sbx_session_copy *copy, struct sbx_error *err)
{
	struct sbx_engines *engines = visit->service->engines;
	struct sbx_engine *engine = NULL;
	int result = sbx_engines_borrow(engines, &engine, err);

	copy->owner = visit->owner;
	copy->timeout_ms = COPY_MS;
	copy->wait_ms = WAIT_MS;
	if (result == 0) {
		sbx_engine_set_cancel_fd(engine, visit->cancel_fd);
		sbx_engine_set_patience(engine, CALL_MS);
		result = act(engine, copy, err);
	}
	sbx_engines_give(engines, &engine);
	if (result > 0)
		err->outcome = SBX_OUTCOME_INVALID;
	return result == 0 ? 0 : -1;
}

int sbx_session_visit_get(const struct sbx_session_visit *visit,
			  const char *name, const char *path, int *out,
			  struct sbx_error *err)
{
	json_auto_t *left_out = json_array();
	const struct sbx_progress lines = { .line = keep_line,
					    .ctx = left_out };
	cleanup_fd int archive = sbx_file_unnamed(err);
	cleanup_fd int tar = archive < 0 ? -1 : sbx_file_unnamed(err);
	struct sbx_session_copy wanted = {
		.name = name, .path = path, .fd = archive, .lines = &lines
	};

	if (tar < 0 || copy(visit, sbx_session_copy_out, &wanted, err) < 0 ||
	    lseek(archive, 0, SEEK_SET) < 0 ||
	    sbx_copy_to_tar(archive, tar, &sbx_session_copy_max, &lines, err) <
		    0)
		return -1;
	*out = sbx_take_fd(&tar);
	return 0;
}

int sbx_session_visit_put(const struct sbx_session_visit *visit,
			  const char *name, const char *path, const void *tar,
			  size_t size, json_t **out, struct sbx_error *err)
{
	json_t *left_out = json_array();
	json_auto_t *said = json_pack("{s:o}", "left_out", left_out);
	const struct sbx_progress lines = { .line = keep_line,
					    .ctx = left_out };
	cleanup_fd int given = sbx_file_unnamed(err);
	cleanup_fd int archive = given < 0 ? -1 : sbx_file_unnamed(err);
	struct sbx_session_copy wanted = {
		.name = name, .path = path, .fd = archive, .lines = &lines
	};
	struct sbx_copy_size copied;

	if (archive < 0)
		return -1;
	if (sbx_fd_write_all(given, tar, size) < 0 ||
	    lseek(given, 0, SEEK_SET) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "the tar cannot be kept");
	if (sbx_copy_from_tar(given, archive, &sbx_session_copy_max, &lines,
			      err) < 0 ||
	    sbx_copy_measure(archive, &sbx_session_copy_max, &copied, err) <
		    0 ||
	    copy(visit, sbx_session_copy_in, &wanted, err) < 0)
		return -1;
	json_object_set_new(said, "files",
			    json_integer((json_int_t)copied.files));
	json_object_set_new(said, "bytes",
			    json_integer((json_int_t)copied.bytes));
	*out = json_incref(said);
	return 0;
}

/* --- one file --------------------------------------------------------------- */

/* The first entry has to be it. */
static int read_one(int archive, const char *path, json_t **out,
		    struct sbx_error *err)
{
	static const struct sbx_progress nobody;
	cleanup_buf struct sbx_buf data =
		SBX_BUF_INIT(SBX_SESSION_VISIT_FILE_MAX);
	struct sbx_copy_reader *reader = NULL;
	struct sbx_copy_entry entry;
	char piece[16 * 1024];
	size_t got = 1;
	int result;

	if (sbx_copy_reader_new(&reader, archive, SBX_COPY_CPIO,
				&sbx_session_copy_max, &nobody, err) < 0)
		return -1;
	result = sbx_copy_reader_next(reader, &entry, err);
	if (result == 1 && !S_ISREG(entry.mode))
		result = sbx_error_set(err, SBX_OUTCOME_INVALID,
				       "%s is no file", path);
	if (result == 1 && entry.size > SBX_SESSION_VISIT_FILE_MAX)
		result = sbx_error_set(err, SBX_OUTCOME_INVALID,
				       "%s has more than 1 MiB", path);
	while (result == 1 && got > 0) {
		if (sbx_copy_reader_data(reader, piece, sizeof(piece), &got,
					 err) < 0)
			result = -1;
		else
			sbx_buf_append(&data, piece, got);
	}
	sbx_copy_reader_free(&reader);
	if (result != 1)
		return result < 0 ? -1
				  : sbx_error_set(err, SBX_OUTCOME_INVALID,
						  "there is no %s", path);
	*out = json_pack("{s:s, s:I}", "path", path, "size",
			 (json_int_t)data.len);
	sbx_file_json_set(*out, sbx_buf_text(&data), data.len);
	return 0;
}

int sbx_session_visit_read_file(const struct sbx_session_visit *visit,
				const char *name, const char *path,
				json_t **out, struct sbx_error *err)
{
	static const struct sbx_progress nobody;
	cleanup_fd int archive = sbx_file_unnamed(err);
	struct sbx_session_copy wanted = {
		.name = name, .path = path, .fd = archive, .lines = &nobody
	};

	if (archive < 0 || copy(visit, sbx_session_copy_out, &wanted, err) < 0)
		return -1;
	if (lseek(archive, 0, SEEK_SET) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "what was copied cannot be read");
	return read_one(archive, path, out, err);
}

/* The directories that lead to @path, and it. */
static int make_tar(const char *path, const void *data, size_t size,
		    struct sbx_buf *out, struct sbx_error *err)
{
	struct sbx_tar_entry entries[64];
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	size_t n = 0;

	for (const char *at = strchr(path, '/'); at && n < 63;
	     at = strchr(at + 1, '/')) {
		sbx_strv_push_take(&names,
				   sbx_strndup(path, (size_t)(at - path)));
		entries[n] = (struct sbx_tar_entry){ .type = SBX_TAR_DIRECTORY,
						     .path = names.v[n],
						     .mode = 0755 };
		n++;
	}
	entries[n++] = (struct sbx_tar_entry){ .type = SBX_TAR_FILE,
					       .path = path,
					       .mode = 0644,
					       .mtime = time(NULL),
					       .size = size,
					       .data = data };
	return sbx_tar_write(out, entries, n, err);
}

int sbx_session_visit_write_file(const struct sbx_session_visit *visit,
				 const char *name, const char *path,
				 const void *data, size_t size, json_t **out,
				 struct sbx_error *err)
{
	const char *root = *path == '/' ? "/" : ".";
	cleanup_buf struct sbx_buf tar =
		SBX_BUF_INIT(size + 512 * 1024 + 2 * strlen(path));
	json_auto_t *said = NULL;

	if (make_tar(path + strspn(path, "/"), data, size, &tar, err) < 0 ||
	    sbx_session_visit_put(visit, name, root, tar.data, tar.len, &said,
				  err) < 0)
		return -1;
	if (json_integer_value(json_object_get(said, "files")) != 1)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s cannot be the path of a file", path);
	*out = json_pack("{s:s, s:I}", "path", path, "size", (json_int_t)size);
	return 0;
}
