/* SPDX-License-Identifier: MIT */
#include "cli/terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

/* Longest line that is shown; what is behind is cut. */
#define LINE_MAX_SIZE (16 * 1024)
#define STREAM_CHUNK  4096
/* An escaped byte takes at most as many as "\u{10FFFF}" has. */
#define ESCAPED_MAX 10

/* @text of several lines, those after the first indented; free() it. */
static char *escape_lines(const char *text)
{
	struct sbx_buf out = SBX_BUF_INIT(LINE_MAX_SIZE);

	for (;;) {
		size_t size = strcspn(text, "\n");

		sbx_text_escape(&out, text, size, true);
		text += size;
		text += strspn(text, "\n");
		if (!*text)
			return sbx_buf_take(&out);
		sbx_buf_puts(&out, "\n  ");
	}
}

char *sbx_term_escape(const char *text)
{
	struct sbx_buf out = SBX_BUF_INIT(LINE_MAX_SIZE);

	sbx_text_escape(&out, text, strlen(text), false);
	return sbx_buf_take(&out);
}

/* --- the line that goes away ------------------------------------------------ */

static bool status_is_shown;

/* Before anything else is written that may go to the same terminal. */
static void clear_status(void)
{
	if (!status_is_shown)
		return;
	fputs("\r\033[K", stderr);
	status_is_shown = false;
}

/* Without automatic wrapping: what is too long for the line is not shown. */
void sbx_term_status(const char *line)
{
	cleanup_free char *text = line ? sbx_term_escape(line) : NULL;

	clear_status();
	if (!text)
		return;
	status_is_shown = isatty(STDERR_FILENO) == 1;
	if (status_is_shown)
		fprintf(stderr, "\033[?7l%s\033[?7h", text);
	else
		fprintf(stderr, "%s\n", text);
}

/* --- messages --------------------------------------------------------------- */

void sbx_term_progress(void *ctx, const char *line)
{
	cleanup_free char *text = escape_lines(line);

	(void)ctx;
	clear_status();
	fprintf(stderr, "%s\n", text);
}

void sbx_term_error(const char *format, ...)
{
	cleanup_free char *message = NULL;
	cleanup_free char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0)
		abort();
	va_end(args);
	text = escape_lines(message);
	fflush(stdout);
	clear_status();
	fprintf(stderr, "skillbox: %s\n", text);
}

void sbx_term_json(const json_t *value)
{
	cleanup_free char *text = isatty(STDOUT_FILENO) ? sbx_json_pretty(value)
							: sbx_json_line(value);

	clear_status();
	fputs(text, stdout);
	if (!sbx_text_has_suffix(text, "\n"))
		fputc('\n', stdout);
}

/* --- streams --------------------------------------------------------------- */

void sbx_term_stream_init(struct sbx_term_stream *stream, int fd)
{
	*stream = (struct sbx_term_stream){
		.fd = fd,
		.escape = isatty(fd) == 1,
	};
}

/* Bytes of the character that @lead begins; 1 for what can begin none. */
static size_t character_size(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 2;
	if ((lead & 0xf0) == 0xe0)
		return 3;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 4;
	return 1;
}

size_t sbx_term_incomplete(const char *data, size_t size)
{
	for (size_t back = 1; back <= 3 && back <= size; back++) {
		unsigned char byte = (unsigned char)data[size - back];

		if ((byte & 0xc0) != 0x80)
			return character_size(byte) > back ? back : 0;
	}
	return 0;
}

/* Why a stream to standard output failed. */
static int lost;

int sbx_term_lost(void)
{
	return lost;
}

static void put(struct sbx_term_stream *stream, const char *data, size_t size)
{
	if (size == 0)
		return;
	clear_status();
	stream->in_line = data[size - 1] != '\n';
	if (stream->failed || sbx_fd_write_all(stream->fd, data, size) == 0)
		return;
	stream->failed = true;
	if (stream->fd == STDOUT_FILENO)
		lost = errno;
}

/* At most STREAM_CHUNK bytes. */
static void put_escaped(struct sbx_term_stream *stream, const char *data,
			size_t size, bool more)
{
	cleanup_buf struct sbx_buf in = SBX_BUF_INIT(2 * STREAM_CHUNK);
	cleanup_buf struct sbx_buf out =
		SBX_BUF_INIT(2 * STREAM_CHUNK * ESCAPED_MAX);
	size_t keep;

	sbx_buf_append(&in, stream->held, stream->n_held);
	sbx_buf_append(&in, data, size);
	keep = more ? sbx_term_incomplete(sbx_buf_text(&in), in.len) : 0;
	sbx_text_escape(&out, sbx_buf_text(&in), in.len - keep, true);
	memcpy(stream->held, sbx_buf_text(&in) + in.len - keep, keep);
	stream->n_held = keep;
	put(stream, sbx_buf_text(&out), out.len);
}

void sbx_term_stream_write(struct sbx_term_stream *stream, const void *data,
			   size_t size)
{
	const char *from = data;

	if (!stream->escape) {
		put(stream, from, size);
		return;
	}
	while (size > 0) {
		size_t part = size < STREAM_CHUNK ? size : STREAM_CHUNK;

		put_escaped(stream, from, part, true);
		from += part;
		size -= part;
	}
}

void sbx_term_stream_end(struct sbx_term_stream *stream)
{
	if (!stream->escape)
		return;
	put_escaped(stream, "", 0, false);
	if (stream->in_line)
		put(stream, "\n", 1);
	stream->in_line = false;
}
