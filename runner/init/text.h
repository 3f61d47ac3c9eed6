/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_TEXT_H
#define SBX_INIT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Text into memory of a fixed size.
 *
 * @full	something did not fit; what is there is cut
 */
struct sbx_text {
	char *data;
	uint32_t size;
	uint32_t len;
	bool full;
};

void sbx_text_add(struct sbx_text *text, const char *data, uint32_t size);
void sbx_text_puts(struct sbx_text *text, const char *data);
void sbx_text_number(struct sbx_text *text, uint64_t number, unsigned int base);

/* Appends the file at @path.  0, or -1 with errno (EFBIG when it is cut). */
int sbx_text_file(struct sbx_text *text, const char *path);

#endif
