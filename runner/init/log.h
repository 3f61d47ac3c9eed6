/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_LOG_H
#define SBX_INIT_LOG_H

#include <stdint.h>
#include <sys/types.h>

/* The last SBX_WIRE_LOG_MAX bytes of what a session's processes wrote. */

/* One read of @fd; result and errno of read(2). */
ssize_t sbx_log_take(int fd);

/* What is in the pipe @fd by now, and no more, however fast somebody writes. */
void sbx_log_take_all(int fd);

/* How many bytes were ever written. */
uint64_t sbx_log_end(void);

/*
 * At most @max bytes from byte *@at on of all that was ever written, or from
 * the oldest that is there, up to byte @end; *@at is behind them then.  0:
 * there is no more.
 */
uint32_t sbx_log_read(uint64_t *at, uint64_t end, const unsigned char **data,
		      uint32_t max);

#endif
