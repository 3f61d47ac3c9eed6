/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SLICE_H
#define SBX_SANDBOX_SLICE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A piece of a text that somebody else owns; no NUL behind it.  For the texts
 * that the kernel writes under /proc.
 */
struct sbx_slice {
	const char *at;
	size_t size;
};

bool sbx_slice_is(struct sbx_slice slice, const char *text);

/*
 * Cuts off what stands before the next @delimiter, which goes too.  False at
 * the end; what has no delimiter behind it is the last part.
 */
bool sbx_slice_part(struct sbx_slice *rest, char delimiter,
		    struct sbx_slice *part);

/* The whole slice as a number of @base 8 or 10; false when it is none. */
bool sbx_slice_to_number(struct sbx_slice slice, unsigned int base,
			 uint64_t *number);

/* The next part as a number. */
bool sbx_slice_number(struct sbx_slice *rest, char delimiter, unsigned int base,
		      uint64_t *number);

/* Is @word one of the comma-separated @list? */
bool sbx_slice_has_word(struct sbx_slice list, const char *word);

/*
 * Undoes mountinfo's \ooo.  False when it is no absolute path shorter than
 * PATH_MAX.
 */
bool sbx_slice_to_path(struct sbx_slice slice, char out[static PATH_MAX]);

#endif
