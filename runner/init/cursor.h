/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_CURSOR_H
#define SBX_INIT_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A payload that is taken apart.
 *
 * @at	where its next part starts
 * @end	where it all ends
 */
struct sbx_cursor {
	unsigned char *at;
	unsigned char *end;
};

/* The next string, in the payload; NULL when there is none with a NUL. */
char *sbx_cursor_string(struct sbx_cursor *cursor);

/*
 * The next @count, with NULL behind them: @list has room for one more.  False
 * when there are not so many.
 */
bool sbx_cursor_strings(struct sbx_cursor *cursor, char **list, uint32_t count);

#endif
