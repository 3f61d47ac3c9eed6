/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_DIRECT_H
#define SBX_SANDBOX_DIRECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/mem.h"
#include "sandbox/host_path.h"

/*
 * Where one init is met without an engine in between: a Unix socket in a
 * directory of its own, which is mounted into the sandbox.
 */
struct sbx_direct;

/* The socket's name in its directory. */
#define SBX_DIRECT_SOCKET "s"

/*
 * Makes directory and socket, and removes what dead runners left of theirs.
 * INTERNAL.
 */
int sbx_direct_new(struct sbx_direct **out, struct sbx_error *err);

/* Also closes the socket and removes both. */
void sbx_direct_free(struct sbx_direct **direct);
#define cleanup_direct SBX_CLEANUP(sbx_direct_free)

/* The directory, as the engine is told it, and as init must see it. */
const char *sbx_direct_path(const struct sbx_direct *direct);
struct sbx_host_path sbx_direct_host_path(const struct sbx_direct *direct);

/* Readable when somebody has connected. */
int sbx_direct_fd(const struct sbx_direct *direct);

/*
 * Who has connected, if that is process @pid: a descriptor that does not
 * block, closes on exec, and is the caller's.  -1: nobody yet.  Whoever comes
 * first is the only one: SBX_DIRECT_REFUSED when it was somebody else.
 */
#define SBX_DIRECT_REFUSED (-2)
int sbx_direct_accept(const struct sbx_direct *direct, pid_t pid);

/* Removes what dead runners left. */
void sbx_direct_sweep(void);

#endif
