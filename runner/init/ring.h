/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_RING_H
#define SBX_INIT_RING_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A ring buffer over static memory.
 *
 * @size	of @data, a power of two
 * @head	where the oldest byte is
 * @len		bytes in it
 */
struct sbx_ring {
	unsigned char *data;
	uint32_t size;
	uint32_t head;
	uint32_t len;
};

#define SBX_RING_INIT(space)                                                   \
	{                                                                      \
		.data = (space), .size = sizeof(space)                         \
	}

static inline uint32_t sbx_ring_room(const struct sbx_ring *ring)
{
	return ring->size - ring->len;
}

/* Appends @size bytes, at most sbx_ring_room(). */
void sbx_ring_put(struct sbx_ring *ring, const void *data, uint32_t size);

/*
 * One read(2) of at most @max bytes into the free space, @gap bytes behind
 * the newest byte: the gap is for a header the caller puts in front once the
 * size is known.  The ring does not count any of this before that, see
 * sbx_ring_put and sbx_ring_grow.  Result and errno of read(2).
 */
ssize_t sbx_ring_read(struct sbx_ring *ring, int fd, uint32_t gap,
		      uint32_t max);

/* Counts @size bytes that sbx_ring_read put there. */
void sbx_ring_grow(struct sbx_ring *ring, uint32_t size);

/* One write(2) of what there is; drops what was written. */
ssize_t sbx_ring_write(struct sbx_ring *ring, int fd);

#endif
