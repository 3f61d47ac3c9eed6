/* SPDX-License-Identifier: MIT */
#include "init/log.h"

#include <unistd.h>

#include "init/wire.h"

/* Byte number n of all is at n modulo its size. */
static unsigned char ring[SBX_WIRE_LOG_MAX];
static uint64_t total;

ssize_t sbx_log_take(int fd)
{
	uint32_t at = (uint32_t)(total % sizeof(ring));
	ssize_t got = read(fd, ring + at, sizeof(ring) - at);

	if (got > 0)
		total += (uint64_t)got;
	return got;
}

uint32_t sbx_log_read(uint64_t *at, const unsigned char **data, uint32_t max)
{
	uint32_t offset, size;

	if (total > sizeof(ring) && *at < total - sizeof(ring))
		*at = total - sizeof(ring);
	offset = (uint32_t)(*at % sizeof(ring));
	size = (uint32_t)(sizeof(ring) - offset);
	if (size > total - *at)
		size = (uint32_t)(total - *at);
	if (size > max)
		size = max;
	*data = ring + offset;
	*at += size;
	return size;
}
