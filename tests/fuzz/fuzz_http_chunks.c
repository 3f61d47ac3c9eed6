/* SPDX-License-Identifier: MIT */
/*
 * A chunked body: in pieces of whatever size it has the same content and the
 * same end, and what was written by the rules is read as it was.
 */
#include "fuzz.h"

#include "codec/http_chunks.h"

static int on_data(void *ctx, const void *data, size_t size,
		   struct sbx_error *err)
{
	(void)err;
	must(size > 0);
	must(sbx_buf_append(ctx, data, size) == size);
	return 0;
}

struct outcome {
	int result;
	bool ended;
	size_t used;
	struct sbx_buf body;
};

static void feed(struct outcome *out, const char *data, size_t size,
		 unsigned int kind)
{
	struct sbx_http_chunks chunks = SBX_HTTP_CHUNKS_INIT;
	struct fuzz_pieces pieces = fuzz_pieces(kind);
	struct sbx_error err = fuzz_error();

	*out = (struct outcome){ .body = SBX_BUF_INIT(size + 1) };
	while (out->used < size && !chunks.ended && out->result == 0) {
		size_t piece = fuzz_piece(&pieces, size - out->used);
		char *exact = fuzz_exact(data + out->used, piece);
		size_t used = SIZE_MAX;

		out->result = sbx_http_chunks_feed(&chunks, exact, piece, &used,
						   on_data, &out->body, &err);
		free(exact);
		must_fit(out->result, &err);
		must(out->result < 0 || used <= piece);
		must(out->result < 0 || chunks.ended || used == piece);
		out->used += used;
	}
	must(out->result == 0 || err.outcome == SBX_OUTCOME_UNAVAILABLE);
	must(out->result == 0 || !chunks.ended);
	out->ended = chunks.ended;
}

/* Sizes that no body has are refused, and not taken modulo anything. */
static bool is_huge(const char *data, size_t size)
{
	size_t digits = 0;

	while (digits < size &&
	       strchr("0123456789abcdefABCDEF", data[digits]) &&
	       data[digits] != '\0')
		digits++;
	return digits > 15;
}

/* The input as the content, in chunks. */
static void write_and_read(const char *data, size_t size)
{
	struct sbx_buf text = SBX_BUF_INIT(16 * size + 64);
	struct fuzz_pieces pieces = fuzz_pieces(3);
	struct outcome out;
	size_t at = 0;

	while (at < size) {
		size_t piece = fuzz_piece(&pieces, size - at);

		sbx_buf_printf(&text, piece % 2 ? "%zX\r\n" : "%04zx;x=y\r\n",
			       piece);
		sbx_buf_append(&text, data + at, piece);
		sbx_buf_puts(&text, "\r\n");
		at += piece;
	}
	must(sbx_buf_puts(&text, "0\r\n\r\n"));
	feed(&out, text.data, text.len, 2);
	must(out.result == 0 && out.ended && out.used == text.len);
	must(out.body.len == size);
	must(size == 0 || memcmp(out.body.data, data, size) == 0);
	sbx_buf_free(&out.body);
	sbx_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole;

	feed(&whole, (const char *)data, size, 0);
	must(!is_huge((const char *)data, size) || whole.result < 0);
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct outcome out;

		feed(&out, (const char *)data, size, kind);
		must(out.result == whole.result && out.ended == whole.ended);
		must(out.result < 0 || out.used == whole.used);
		must(out.body.len == whole.body.len);
		must(out.body.len == 0 ||
		     memcmp(out.body.data, whole.body.data, out.body.len) == 0);
		sbx_buf_free(&out.body);
	}
	sbx_buf_free(&whole.body);
	write_and_read((const char *)data, size);
	return 0;
}
