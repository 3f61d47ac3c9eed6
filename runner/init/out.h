/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_OUT_H
#define SBX_INIT_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Frames on their way to the runner: a bounded queue in front of standard
 * output, which never blocks.
 */

/* True when a frame of data may be added: its payload at most DATA_MAX. */
bool sbx_out_has_room(void);
bool sbx_out_is_empty(void);

/*
 * Adds a frame; false when it does not fit now.  Small frames fit even when
 * sbx_out_has_room() says no, a few of them.
 */
bool sbx_out_frame(uint8_t type, const void *payload, uint32_t size);

/* Adds bytes as they are; false when they do not fit now. */
bool sbx_out_raw(const void *data, uint32_t size);

/*
 * Adds a frame of what one read of @fd gives, at most @max bytes (and at most
 * SBX_WIRE_DATA_MAX).  There must be room.  Result and errno of read(2); no
 * frame when that is not positive.
 */
ssize_t sbx_out_copy(uint8_t type, int fd, uint32_t max);

/* Where it goes from now on; the queue is forgotten. */
void sbx_out_to(int fd);

/* What the reader will not get is forgotten. */
void sbx_out_forget(void);

/* Writes what the reader takes now; -1 when nobody will ever read. */
int sbx_out_flush(void);

/* The same until all is written, or nothing moved for @ms. */
void sbx_out_finish(int ms);

#endif
