/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_PRESSURE_H
#define SBX_SANDBOX_POOL_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Whether the host is short of memory, so that nothing should wait that need
 * not: less than @free_bytes are available (MemAvailable of proc(5)), or tasks
 * stood still for want of memory a tenth of the last ten seconds ("some avg10"
 * of /proc/pressure/memory, where the kernel has it).  Writes the reason to
 * @why, or "".
 */
void sbx_pool_pressure(int64_t free_bytes, char *why, size_t size);

/* The same from the texts of these files; "" for one that is not there. */
void sbx_pool_pressure_of(const char *meminfo, const char *pressure,
			  int64_t free_bytes, char *why, size_t size);

#endif
