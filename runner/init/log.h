/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_LOG_H
#define SBX_INIT_LOG_H

#include <stdint.h>
#include <sys/types.h>

/* The last SBX_WIRE_LOG_MAX bytes of what a session's processes wrote. */

/* One read of @fd; result and errno of read(2). */
ssize_t sbx_log_take(int fd);

/*
 * At most @max bytes from byte *@at on of all that was ever written, or from
 * the oldest that is there; *@at is behind them then.  0: there is no more.
 */
uint32_t sbx_log_read(uint64_t *at, const unsigned char **data, uint32_t max);

#endif
