/* SPDX-License-Identifier: MIT */
#include "init/ring.h"

#include <string.h>
#include <sys/uio.h>

/* The up to two pieces of memory behind @size bytes at @offset from head. */
static int pieces(const struct sbx_ring *ring, uint32_t offset, uint32_t size,
		  struct iovec vec[2])
{
	uint32_t at = (ring->head + offset) & (ring->size - 1);
	uint32_t first = ring->size - at;

	if (first > size)
		first = size;
	vec[0].iov_base = ring->data + at;
	vec[0].iov_len = first;
	vec[1].iov_base = ring->data;
	vec[1].iov_len = size - first;
	return size > first ? 2 : 1;
}

void sbx_ring_put(struct sbx_ring *ring, const void *data, uint32_t size)
{
	const unsigned char *from = data;
	struct iovec vec[2];

	pieces(ring, ring->len, size, vec);
	memcpy(vec[0].iov_base, from, vec[0].iov_len);
	memcpy(vec[1].iov_base, from + vec[0].iov_len, vec[1].iov_len);
	ring->len += size;
}

ssize_t sbx_ring_read(struct sbx_ring *ring, int fd, uint32_t gap, uint32_t max)
{
	struct iovec vec[2];
	int count = pieces(ring, ring->len + gap, max, vec);

	return readv(fd, vec, count);
}

void sbx_ring_grow(struct sbx_ring *ring, uint32_t size)
{
	ring->len += size;
}

ssize_t sbx_ring_write(struct sbx_ring *ring, int fd)
{
	struct iovec vec[2];
	int count = pieces(ring, 0, ring->len, vec);
	ssize_t written = writev(fd, vec, count);

	if (written > 0) {
		ring->head = (ring->head + (uint32_t)written) &
			     (ring->size - 1);
		ring->len -= (uint32_t)written;
	}
	return written;
}
