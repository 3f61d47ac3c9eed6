/* SPDX-License-Identifier: MIT */
#include "init/copy.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/cpio.h"
#include "init/text.h"

#define LINES_MAX 100

static uint64_t lines;

/* A name must not end the line that it is in. */
static void put_path(struct sbx_text *text, const char *path)
{
	uint32_t begin = text->len;

	sbx_text_puts(text, path);
	for (uint32_t i = begin; i < text->len; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if (c < 0x20 || c == 0x7f)
			text->data[i] = '?';
	}
}

static void write_line(struct sbx_text *text)
{
	text->data[text->len++] = '\n';
	(void)!write(STDERR_FILENO, text->data, text->len);
}

void sbx_copy_say(const char *path, const char *what, int errnum)
{
	char data[2 * SBX_CPIO_NAME_MAX];
	struct sbx_text text = { .data = data, .size = SBX_CPIO_NAME_MAX };

	if (lines++ >= LINES_MAX)
		return;
	put_path(&text, path);
	text.size = sizeof(data) - 1;
	sbx_text_puts(&text, ": ");
	sbx_text_puts(&text, what);
	if (errnum) {
		sbx_text_puts(&text, ": ");
		sbx_text_puts(&text, strerror(errnum));
	}
	write_line(&text);
}

void sbx_copy_say_rest(void)
{
	char data[64];
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };

	if (lines <= LINES_MAX)
		return;
	sbx_text_puts(&text, "and ");
	sbx_text_number(&text, lines - LINES_MAX, 10);
	sbx_text_puts(&text, " lines more of this kind");
	write_line(&text);
}

const char *sbx_copy_type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFSOCK:
		return "a socket";
	case S_IFIFO:
		return "a FIFO";
	case S_IFBLK:
	case S_IFCHR:
		return "a device";
	default:
		return "of no known type";
	}
}
