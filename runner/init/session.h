/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SESSION_H
#define SBX_INIT_SESSION_H

#include "init/state.h"

/*
 * A sandbox that outlives its runners (init/wire.h): it lives for so long
 * behind the last thing that ran in it, whether or not anybody is there.
 */

/*
 * Makes it one that lives for @ms, a decimal number of milliseconds; @socket is
 * where runners listen, and is needed for as long, or "": they come over the
 * attached streams.  0 or SBX_ABORT.
 */
int sbx_session_open(struct sbx_init *init, const char *ms, const char *socket);

/* Whether runners may come over the attached streams: LEARN has come. */
bool sbx_session_is_attached(void);

/*
 * Over those: what of @size bytes at @from are commands goes to @to, which has
 * room for SBX_WIRE_SYNC_SIZE more; how many those are.  *@is_new: they are of
 * another runner than what came before.
 */
uint32_t sbx_session_filter(struct sbx_init *init, const unsigned char *from,
			    uint32_t size, unsigned char *to, bool *is_new);

/* Milliseconds until it is over; only what runs keeps it from that. */
int64_t sbx_session_left(const struct sbx_init *init);

/*
 * The runner is gone: what RUN has started ends, and all that was under way.
 * 0, or SBX_GONE where it is no session.
 */
int sbx_session_lost(struct sbx_init *init);

/* Readable when a runner may be listening; -1 while one is there. */
int sbx_session_fd(const struct sbx_init *init);

/*
 * Connects to whoever listens, if there is nobody and nothing left to end, and
 * says STATE.  0 or SBX_ABORT.
 */
int sbx_session_knock(struct sbx_init *init);

/* Milliseconds until it is time for that where nobody says so. */
int64_t sbx_session_patience(void);

/* Behind EXIT: as it was before RUN, but for what is meant to stay. */
void sbx_session_again(struct sbx_init *init);

/* The commands LEARN, and KEEP, with their payload, and ASK.  0 or SBX_ABORT.
 */
int sbx_session_learn(struct sbx_init *init,
		      const unsigned char random[SBX_WIRE_SYNC_RANDOM]);
int sbx_session_keep(struct sbx_init *init, const unsigned char *data,
		     uint32_t size);
int sbx_session_ask(struct sbx_init *init, uint32_t question);

/* Says what was asked for, as far as there is room. */
void sbx_session_tell(void);

#endif
