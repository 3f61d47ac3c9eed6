/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_GIVEN_H
#define SBX_INIT_GIVEN_H

#include "init/state.h"

/*
 * Files that the action is given (init/wire.h), as its own user and before it
 * is started, or before it gets its input.  0, or as sbx_init's functions.
 * What cannot be made is no end of init: FILES_DONE says so.
 */

/* FILES: @payload of @size bytes, at least SBX_WIRE_INTO_FIXED. */
int sbx_given_begin(struct sbx_init *init, unsigned char *payload,
		    uint32_t size);

/* NEW: @name of @size bytes, and room for a NUL behind it. */
int sbx_given_new(struct sbx_init *init, char *name, uint32_t size);

/* DATA: some bytes. */
int sbx_given_data(struct sbx_init *init, const unsigned char *data,
		   uint32_t size);

/* FILES_END. */
int sbx_given_end(struct sbx_init *init);

/* What will not come to its end. */
void sbx_given_forget(void);

#endif
