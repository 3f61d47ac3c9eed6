/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_MEM_H
#define SBX_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Allocation that cannot fail: out of memory aborts, in one place.  Only for
 * sizes we choose ourselves; what outside data sizes goes through
 * "base/buf.h", which has a cap.
 */
void *sbx_malloc(size_t size);
void *sbx_calloc(size_t count, size_t size);
void *sbx_realloc(void *old, size_t size);
char *sbx_strdup(const char *text);
char *sbx_strndup(const char *text, size_t size);
char *sbx_asprintf(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Replaces *slot by a copy of @text (or NULL), freeing what was there. */
void sbx_strset(char **slot, const char *text);

/* Closes *fd unless it is -1, keeps errno, and leaves -1 behind. */
void sbx_close(int *fd);

static inline void sbx_cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

#define SBX_CLEANUP(function) __attribute__((__cleanup__(function)))
#define cleanup_free	      SBX_CLEANUP(sbx_cleanup_free)
#define cleanup_fd	      SBX_CLEANUP(sbx_close)

/* Gives up ownership of a pointer held by a cleanup variable. */
#define sbx_take(pointer)                                                      \
	({                                                                     \
		__typeof__(pointer) _taken = (pointer);                        \
		(pointer) = NULL;                                              \
		_taken;                                                        \
	})

/* The same for a descriptor; the variable is -1 afterwards. */
static inline int sbx_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define SBX_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
