/* SPDX-License-Identifier: MIT */
#include "init/log.h"

#include <sys/ioctl.h>
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

void sbx_log_take_all(int fd)
{
	int left = 0;

	ioctl(fd, FIONREAD, &left);
	while (left > 0) {
		ssize_t got = sbx_log_take(fd);

		left -= got > 0 ? (int)got : left;
	}
}

uint64_t sbx_log_end(void)
{
	return total;
}

uint32_t sbx_log_read(uint64_t *at, uint64_t end, const unsigned char **data,
		      uint32_t max)
{
	uint32_t offset, size;

	if (total > sizeof(ring) && *at < total - sizeof(ring))
		*at = total - sizeof(ring);
	if (*at > end)
		*at = end;
	offset = (uint32_t)(*at % sizeof(ring));
	size = (uint32_t)(sizeof(ring) - offset);
	if (size > end - *at)
		size = (uint32_t)(end - *at);
	if (size > max)
		size = max;
	*data = ring + offset;
	*at += size;
	return size;
}
