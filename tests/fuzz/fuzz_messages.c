/* SPDX-License-Identifier: MIT */
/*
 * What an engine says while it builds or pulls: in pieces of whatever size it
 * comes to the same, and people get lines of text.
 */
#include "fuzz.h"

#include "engine/messages.h"

/* @text: what was shown and what came of it. */
struct told {
	struct sbx_buf text;
	int result;
};

static void on_line(void *ctx, const char *line)
{
	struct told *told = ctx;

	must(fuzz_is_utf8(line));
	sbx_buf_printf(&told->text, "%s\n", line);
}

static void look_at_end(struct told *told, const struct sbx_messages *messages)
{
	const char *failure = sbx_messages_failure(messages);
	struct sbx_error err = fuzz_error();

	must(!failure || fuzz_is_utf8(failure));
	must_fit(sbx_messages_build_failed(messages, "it", &err), &err);
	must(err.outcome == SBX_OUTCOME_BUILD_FAILED);
	must(fuzz_is_utf8(err.message));
	sbx_buf_printf(&told->text, "%s|%d|%s", failure ? failure : "",
		       sbx_messages_has_image(messages), err.message);
}

static void feed(struct told *told, const char *data, size_t size,
		 unsigned int kind)
{
	struct sbx_progress progress = { .line = on_line, .ctx = told };
	struct fuzz_pieces pieces = fuzz_pieces(kind);
	struct sbx_messages *messages = NULL;
	struct sbx_error err = fuzz_error();

	*told = (struct told){ .text = SBX_BUF_INIT((size_t)32 << 20) };
	sbx_messages_new(&messages, &progress);
	while (size > 0 && told->result == 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);

		told->result = sbx_messages_feed(messages, exact, piece, &err);
		free(exact);
		data += piece;
		size -= piece;
	}
	if (told->result == 0)
		told->result = sbx_messages_finish(messages, &err);
	must_fit(told->result, &err);
	must(told->result == 0 || err.outcome == SBX_OUTCOME_UNAVAILABLE);
	look_at_end(told, messages);
	sbx_messages_free(&messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole;

	feed(&whole, (const char *)data, size, 0);
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct told told;

		feed(&told, (const char *)data, size, kind);
		must(told.result == whole.result);
		must(strcmp(sbx_buf_text(&told.text),
			    sbx_buf_text(&whole.text)) == 0);
		sbx_buf_free(&told.text);
	}
	sbx_buf_free(&whole.text);
	return 0;
}
