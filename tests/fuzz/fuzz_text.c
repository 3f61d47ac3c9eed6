/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as text: what is made of them is valid and harmless, what was so
 * already stays as it is, and lines come out the same however they came in.
 */
#include "fuzz.h"

#include "base/path.h"
#include "base/words.h"
#include "codec/lines.h"
#include "codec/units.h"

static void clean(const char *data, size_t size)
{
	struct sbx_buf valid = SBX_BUF_INIT(3 * size + 1);
	struct sbx_buf escaped = SBX_BUF_INIT(16 * size + 1);
	struct sbx_buf cut = SBX_BUF_INIT(size / 2);
	bool is_valid = sbx_text_is_utf8(data, size);

	sbx_text_to_utf8(&valid, data, size);
	must(sbx_text_is_utf8(sbx_buf_text(&valid), valid.len));
	must(!valid.len || !memchr(valid.data, '\0', valid.len));
	if (is_valid && (!size || !memchr(data, '\0', size)))
		must(valid.len == size &&
		     (!size || memcmp(valid.data, data, size) == 0));
	sbx_text_escape(&escaped, data, size, true);
	must(fuzz_is_utf8(sbx_buf_text(&escaped)));
	must(fuzz_is_harmless(sbx_buf_text(&escaped)));
	must(escaped.len == strlen(sbx_buf_text(&escaped)));
	/* Where there is too little room, no character is cut in two. */
	sbx_text_to_utf8(&cut, data, size);
	must(sbx_text_is_utf8(sbx_buf_text(&cut), cut.len));
	sbx_buf_consume(&cut, cut.len);
	sbx_text_escape(&cut, data, size, false);
	must(fuzz_is_utf8(sbx_buf_text(&cut)));
	must(!strchr(sbx_buf_text(&cut), '\n'));
	sbx_buf_free(&valid);
	sbx_buf_free(&escaped);
	sbx_buf_free(&cut);
}

static void on_line(void *ctx, const char *line)
{
	must(fuzz_is_utf8(line));
	must(!strchr(line, '\n') && !strchr(line, '\r'));
	/* Each byte of a line becomes three at most: U+FFFD. */
	must(strlen(line) <= 3 * SBX_LINES_MAX);
	sbx_buf_printf(ctx, "%s\n", line);
}

static void read_lines(struct sbx_buf *out, const char *data, size_t size,
		       unsigned int kind)
{
	struct sbx_lines lines = SBX_LINES_INIT;
	struct fuzz_pieces pieces = fuzz_pieces(kind);

	while (size > 0) {
		size_t piece = fuzz_piece(&pieces, size);
		char *exact = fuzz_exact(data, piece);

		sbx_lines_feed(&lines, exact, piece, on_line, out);
		free(exact);
		data += piece;
		size -= piece;
	}
	sbx_lines_flush(&lines, on_line, out);
	sbx_lines_free(&lines);
}

static void units(const char *text)
{
	int64_t value;
	int64_t again;
	char *written;

	if (sbx_units_duration(text, &value)) {
		must(value >= 0);
		written = sbx_units_format_duration(value);
		must(sbx_units_duration(written, &again) && again == value);
		free(written);
	}
	if (sbx_units_size(text, &value)) {
		must(value >= 0);
		written = sbx_units_format_size(value);
		must(sbx_units_size(written, &again) && again == value);
		free(written);
	}
	if (sbx_units_cpus(text, &value))
		must(value >= 0);
}

static void paths(const char *text)
{
	char *path = sbx_path_normalize(text);
	char *again;

	if (!path)
		return;
	must(path[0] == '/' && !strstr(path, "//") && !strstr(path, "/./"));
	must(!strstr(path, "/../") && !sbx_text_has_suffix(path, "/.."));
	must(sbx_path_is_within(path, "/") && sbx_path_overlaps(path, path));
	again = sbx_path_normalize(path);
	must(again && strcmp(again, path) == 0);
	free(again);
	free(path);
}

static void words(const char *text)
{
	struct sbx_strv list = SBX_STRV_INIT;
	size_t total = 0;

	if (sbx_words_split(text, &list)) {
		for (size_t i = 0; i < list.n; i++)
			total += strlen(list.v[i]);
		must(total <= strlen(text));
	}
	sbx_strv_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *exact = fuzz_exact(data, size);
	char *text = sbx_strndup(exact, size);
	struct sbx_buf whole = SBX_BUF_INIT(4 * size + 4096);

	clean(exact, size);
	read_lines(&whole, exact, size, 0);
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		struct sbx_buf parts = SBX_BUF_INIT(4 * size + 4096);

		read_lines(&parts, exact, size, kind);
		must(parts.len == whole.len);
		must(!parts.len ||
		     memcmp(parts.data, whole.data, parts.len) == 0);
		sbx_buf_free(&parts);
	}
	units(text);
	paths(text);
	words(text);
	sbx_buf_free(&whole);
	free(text);
	free(exact);
	return 0;
}
