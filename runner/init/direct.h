/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_DIRECT_H
#define SBX_INIT_DIRECT_H

#include "init/state.h"

/*
 * The direct connection (init/wire.h): opened at the start, and from the
 * moment that the runner is heard on it in the place of standard input and
 * output.
 */

/* Connects to the socket at @path; where that fails there is none, and errno
 * says why. */
void sbx_direct_open(struct sbx_init *init, const char *path);

/*
 * The runner has said something on the connection, or closed it.  0, or
 * SBX_ABORT.
 */
int sbx_direct_heard(struct sbx_init *init);

/*
 * Standard input or output has ended: the connection is the channel from now
 * on.  0, SBX_ABORT, or SBX_GONE where there is none.
 */
int sbx_direct_instead(struct sbx_init *init);

/*
 * One read of the direct channel; descriptors that come along become
 * init->given.  Result and errno of read(2), or SBX_ABORT with init->why.
 */
ssize_t sbx_direct_read(struct sbx_init *init, void *data, size_t size);

#endif
