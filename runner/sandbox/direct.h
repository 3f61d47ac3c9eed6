/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_DIRECT_H
#define SBX_SANDBOX_DIRECT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/strv.h"
#include "sandbox/host_path.h"

/*
 * Where one init is met without an engine in between: a Unix socket in a
 * directory of its own, which is mounted into the sandbox.
 */
struct sbx_direct;

/* The socket's name in its directory. */
#define SBX_DIRECT_SOCKET "s"

/* What is noted of a session beside its directory, which is mounted: when one
 * that is paused ends, and what is to be done on this host at its end. */
#define SBX_DIRECT_EXPIRY "expiry"
#define SBX_DIRECT_HOOK	  "on-stop"
#define SBX_DIRECT_ENGINE "engine" /* which it is on */
#define SBX_DIRECT_PORTS  "ports"  /* who forwards them, and where */
#define SBX_DIRECT_SYNC	  "sync"   /* what its init takes for a runner */

/*
 * Makes directory and socket, and removes what dead runners left of theirs.
 * INTERNAL.
 */
int sbx_direct_new(struct sbx_direct **out, struct sbx_error *err);

/* Also closes the socket and removes both. */
void sbx_direct_free(struct sbx_direct **direct);
#define cleanup_direct SBX_CLEANUP(sbx_direct_free)

/*
 * The same for a session, whose directory stays where it is for the runners to
 * come, each of which has it for itself; none is removed but by
 * sbx_direct_free() and sbx_direct_remove().
 */
int sbx_direct_new_session(struct sbx_direct **out, struct sbx_error *err);

/*
 * Opens the directory of a session by its name, and waits at most @ms for
 * others who have it.  NOT_FOUND; BUSY; CANCELLED, when @cancel_fd becomes
 * readable; INTERNAL.
 */
int sbx_direct_open(struct sbx_direct **out, const char *name, double ms,
		    int cancel_fd, struct sbx_error *err);

/* Listens in it once more: whoever watches the directory sees the socket come.
 * INTERNAL. */
int sbx_direct_listen(struct sbx_direct *direct, struct sbx_error *err);

/* Nobody needs to connect any more. */
void sbx_direct_settle(struct sbx_direct *direct);

/* Leaves the directory to who comes next. */
void sbx_direct_leave(struct sbx_direct **direct);

/* What sbx_direct_open() finds it by. */
const char *sbx_direct_name(const struct sbx_direct *direct);

/*
 * Notes of the session whose directory has that name: writes one (INTERNAL), or
 * with NULL has it gone; reads one, appending it: -1 when there is none; and
 * the same for the one who then has it gone.
 */
int sbx_direct_set_note(const char *name, const char *note, const char *text,
			struct sbx_error *err);
int sbx_direct_get_note(const char *name, const char *note,
			struct sbx_buf *out);
int sbx_direct_take_note(const char *name, const char *note,
			 struct sbx_buf *out);

/*
 * The names of all sessions' directories that nobody has, and that are older
 * than @seconds.
 */
void sbx_direct_list_sessions(long seconds, struct sbx_strv *names);

/* Removes that directory of a session, and its notes, unless somebody has it. */
void sbx_direct_remove(const char *name);

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
