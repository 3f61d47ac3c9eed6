/* SPDX-License-Identifier: MIT */
#include "init/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void sbx_text_add(struct sbx_text *text, const char *data, uint32_t size)
{
	if (size > text->size - text->len) {
		size = text->size - text->len;
		text->full = true;
	}
	memcpy(text->data + text->len, data, size);
	text->len += size;
}

void sbx_text_puts(struct sbx_text *text, const char *data)
{
	sbx_text_add(text, data, (uint32_t)strlen(data));
}

void sbx_text_number(struct sbx_text *text, uint64_t number, unsigned int base)
{
	char digits[24];
	unsigned int at = sizeof(digits);

	do {
		digits[--at] = "0123456789"[number % base];
		number /= base;
	} while (number > 0);
	sbx_text_add(text, digits + at, sizeof(digits) - at);
}

/* Kernel files have no size beforehand: read until nothing comes. */
static int read_all(struct sbx_text *text, int fd)
{
	char end;
	ssize_t got;

	for (;;) {
		uint32_t room = text->size - text->len;

		got = read(fd, room ? text->data + text->len : &end,
			   room ? room : 1);
		if (got == 0)
			return 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (room == 0)
			break;
		text->len += (uint32_t)got;
	}
	text->full = true;
	errno = EFBIG;
	return -1;
}

int sbx_text_file(struct sbx_text *text, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int result, saved;

	if (fd < 0)
		return -1;
	result = read_all(text, fd);
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}
