/* SPDX-License-Identifier: MIT */
/*
 * Lines of progress in what an action writes: whatever the pieces, the same
 * bytes pass and the same is told, which is what reading line by line gives.
 */
#include "fuzz.h"

#include <math.h>

#include "sandbox/progress_lines.h"

struct heard {
	struct sbx_buf bytes;
	struct sbx_buf told;
};

static void on_bytes(void *ctx, const void *data, size_t size)
{
	struct heard *heard = ctx;

	must(size > 0);
	must(sbx_buf_append(&heard->bytes, data, size) == size);
}

/* In the order in which they come: by where in the bytes that pass. */
static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	struct heard *heard = ctx;
	size_t at = heard->bytes.len;

	must(isfinite(progress->done) && progress->done >= 0);
	must(isfinite(progress->total));
	must(!progress->message || fuzz_is_utf8(progress->message));
	must(sbx_buf_printf(&heard->told, "%zu %g %g %s\n", at, progress->done,
			    progress->total > 0 ? progress->total : -1,
			    progress->message ? progress->message : "\\"));
}

static void hear_nothing(struct heard *heard, size_t size)
{
	heard->bytes = (struct sbx_buf)SBX_BUF_INIT(size);
	heard->told = (struct sbx_buf)SBX_BUF_INIT(64 * size + 64);
}

static void clear(struct heard *heard)
{
	sbx_buf_free(&heard->bytes);
	sbx_buf_free(&heard->told);
}

static void feed(struct heard *heard, const char *data, size_t size,
		 unsigned int kind)
{
	const struct sbx_progress_sink sink = { on_bytes, on_progress, heard };
	struct sbx_progress_lines lines = SBX_PROGRESS_LINES_INIT;
	struct fuzz_pieces pieces = fuzz_pieces(kind);

	hear_nothing(heard, size);
	while (size > 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);

		sbx_progress_lines_feed(&lines, exact, piece, &sink);
		must(lines.held.len <= SBX_PROGRESS_LINE_MAX);
		free(exact);
		data += piece;
		size -= piece;
	}
	sbx_progress_lines_end(&lines, &sink);
	sbx_progress_lines_free(&lines);
}

/* The whole line is there: with its mark, without its newline. */
static bool is_progress(const char *line, size_t size,
			struct sbx_run_progress *out, json_t **object)
{
	size_t mark = strlen(SBX_PROGRESS_MARK);
	const char *key;
	json_t *value;

	*out = (struct sbx_run_progress){ .done = -1, .total = -1 };
	if (size >= SBX_PROGRESS_LINE_MAX || size < mark ||
	    memcmp(line, SBX_PROGRESS_MARK, mark) != 0)
		return false;
	*object = json_loadb(line + mark, size - mark, JSON_REJECT_DUPLICATES,
			     NULL);
	json_object_foreach (*object, key, value) {
		if (strcmp(key, "progress") == 0 && json_is_number(value))
			out->done = json_number_value(value);
		else if (strcmp(key, "total") == 0 && json_is_number(value) &&
			 json_number_value(value) > 0)
			out->total = json_number_value(value);
		else if (strcmp(key, "message") == 0 && json_is_string(value))
			out->message = json_string_value(value);
		else
			return false;
	}
	return out->done >= 0;
}

static void read_plainly(struct heard *heard, const char *data, size_t size)
{
	hear_nothing(heard, size);
	while (size > 0) {
		const char *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) + 1 : size;
		struct sbx_run_progress progress;
		json_t *object = NULL;

		if (end && is_progress(data, length - 1, &progress, &object))
			on_progress(heard, &progress);
		else
			on_bytes(heard, data, length);
		json_decref(object);
		data += length;
		size -= length;
	}
}

static void must_be_same(const struct sbx_buf *a, const struct sbx_buf *b)
{
	must(a->len == b->len);
	must(memcmp(sbx_buf_text(a), sbx_buf_text(b), a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heard plain;

	read_plainly(&plain, (const char *)data, size);
	for (unsigned int kind = 0; kind < FUZZ_PIECES; kind++) {
		struct heard heard;

		feed(&heard, (const char *)data, size, kind);
		must_be_same(&heard.bytes, &plain.bytes);
		must_be_same(&heard.told, &plain.told);
		clear(&heard);
	}
	clear(&plain);
	return 0;
}
