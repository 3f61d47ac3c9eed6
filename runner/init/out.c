/* SPDX-License-Identifier: MIT */
#include "init/out.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "init/ring.h"
#include "init/wire.h"

/* What data leaves free, so that CREDIT, EXIT and ABORT always fit. */
#define SPARE 4096

static unsigned char space[4 * SBX_WIRE_DATA_MAX];
static struct sbx_ring ring = SBX_RING_INIT(space);
static int reader = STDOUT_FILENO;

_Static_assert(sizeof(space) >= SBX_WIRE_HEADER_SIZE + SBX_WIRE_HELLO_MAX,
	       "HELLO is sent whole");

bool sbx_out_has_room(void)
{
	return sbx_ring_room(&ring) >=
	       SBX_WIRE_HEADER_SIZE + SBX_WIRE_DATA_MAX + SPARE;
}

bool sbx_out_is_empty(void)
{
	return ring.len == 0;
}

bool sbx_out_frame(uint8_t type, const void *payload, uint32_t size)
{
	unsigned char header[SBX_WIRE_HEADER_SIZE];

	if (sbx_ring_room(&ring) < sizeof(header) + size)
		return false;
	sbx_wire_put_header(header, type, size);
	sbx_ring_put(&ring, header, sizeof(header));
	sbx_ring_put(&ring, payload, size);
	return true;
}

bool sbx_out_raw(const void *data, uint32_t size)
{
	if (sbx_ring_room(&ring) < size)
		return false;
	sbx_ring_put(&ring, data, size);
	return true;
}

ssize_t sbx_out_copy(uint8_t type, int fd, uint32_t max)
{
	unsigned char header[SBX_WIRE_HEADER_SIZE];
	ssize_t got;

	if (max > SBX_WIRE_DATA_MAX)
		max = SBX_WIRE_DATA_MAX;
	got = sbx_ring_read(&ring, fd, sizeof(header), max);
	if (got <= 0)
		return got;
	sbx_wire_put_header(header, type, (uint32_t)got);
	sbx_ring_put(&ring, header, sizeof(header));
	sbx_ring_grow(&ring, (uint32_t)got);
	return got;
}

void sbx_out_forget(void)
{
	ring.len = 0;
}

void sbx_out_to(int fd)
{
	reader = fd;
	sbx_out_forget();
}

int sbx_out_flush(void)
{
	while (ring.len > 0) {
		if (sbx_ring_write(&ring, reader) >= 0)
			continue;
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return -1;
	}
	return 0;
}

void sbx_out_finish(int ms)
{
	struct pollfd out = { .fd = reader, .events = POLLOUT };

	while (sbx_out_flush() == 0 && ring.len > 0) {
		if (poll(&out, 1, ms) <= 0)
			return;
	}
}
