/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_CPIO_H
#define SBX_INIT_CPIO_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "init/wire.h"

/*
 * Files on their way into and out of a sandbox: an archive in the "newc" format
 * of cpio(5).  Of each entry a header, its name with a NUL, then a file's bytes
 * or a link's target; name and data are padded so that a multiple of 4 bytes
 * has gone by.  An entry of the name SBX_CPIO_TRAILER is the end.
 *
 * All entries of a tree have names below that of the first, their root's, which
 * may be ".".  A directory comes before what is in it.
 */

#define SBX_CPIO_HEADER_SIZE 110
#define SBX_CPIO_MAGIC	     "070701"
#define SBX_CPIO_TRAILER     "TRAILER!!!"
/* "./" may come before what sbx_wire_is_name() allows. */
#define SBX_CPIO_NAME_MAX (SBX_WIRE_NAME_MAX + 2)
/* What a header has room for. */
#define SBX_CPIO_FILE_MAX UINT32_MAX

/*
 * Directories in one another.  Each is held by a descriptor, so that nobody can
 * exchange it for a link meanwhile, and a sandbox may have as few as 64 of
 * them: three streams, a status, the target and a file are the others.
 */
#define SBX_CPIO_DEPTH_MAX 56

/*
 * What is of interest in a header.
 *
 * @mode	type and permissions, as in stat(2)
 * @mtime	seconds since 1970
 * @size	of the data
 * @name_size	with the NUL
 */
struct sbx_cpio {
	uint32_t mode;
	uint32_t mtime;
	uint32_t size;
	uint32_t name_size;
};

/* Of the 13 numbers of 8 digits behind the magic. */
enum sbx_cpio_field {
	SBX_CPIO_MODE = 1,
	SBX_CPIO_LINKS = 4,
	SBX_CPIO_MTIME = 5,
	SBX_CPIO_SIZE = 6,
	SBX_CPIO_NAME_SIZE = 11,
	SBX_CPIO_FIELDS = 13,
};

/* How many bytes go behind @size so that they are a multiple of 4. */
static inline uint32_t sbx_cpio_padding(uint32_t size)
{
	return -size & 3;
}

/* 8 hexadecimal digits of either case; false when they are none. */
static inline bool sbx_cpio_number(uint32_t *out, const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 8; i++) {
		char c = at[i];
		char letter = (char)(c | 0x20);

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (letter >= 'a' && letter <= 'f')
			value = value << 4 | (uint32_t)(letter - 'a' + 10);
		else
			return false;
	}
	*out = value;
	return true;
}

/* Reads a header of SBX_CPIO_HEADER_SIZE bytes; false when it is none. */
static inline bool sbx_cpio_get(struct sbx_cpio *out, const char *at)
{
	uint32_t fields[SBX_CPIO_FIELDS];

	if (memcmp(at, SBX_CPIO_MAGIC, 6) != 0)
		return false;
	for (int i = 0; i < SBX_CPIO_FIELDS; i++) {
		if (!sbx_cpio_number(&fields[i], at + 6 + 8 * i))
			return false;
	}
	out->mode = fields[SBX_CPIO_MODE];
	out->mtime = fields[SBX_CPIO_MTIME];
	out->size = fields[SBX_CPIO_SIZE];
	out->name_size = fields[SBX_CPIO_NAME_SIZE];
	return true;
}

/* Writes a header of SBX_CPIO_HEADER_SIZE bytes to @at. */
static inline void sbx_cpio_put(char *at, const struct sbx_cpio *from)
{
	const uint32_t fields[SBX_CPIO_FIELDS] = {
		[SBX_CPIO_MODE] = from->mode,
		[SBX_CPIO_LINKS] = 1,
		[SBX_CPIO_MTIME] = from->mtime,
		[SBX_CPIO_SIZE] = from->size,
		[SBX_CPIO_NAME_SIZE] = from->name_size,
	};

	for (int i = 0; i < 6; i++)
		at[i] = SBX_CPIO_MAGIC[i];
	for (int i = 0; i < SBX_CPIO_FIELDS * 8; i++)
		at[6 + i] =
			"0123456789abcdef"[fields[i / 8] >> (28 - 4 * (i % 8)) &
					   0xf];
}

/* What fits a header of the time @seconds: the format ends in 2106. */
static inline uint32_t sbx_cpio_time(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

/* What an entry may be called: ".", or a name with "./" before it or not. */
static inline bool sbx_cpio_is_name(const char *name, uint32_t size)
{
	if (size == 1 && name[0] == '.')
		return true;
	if (size > 2 && memcmp(name, "./", 2) == 0)
		return sbx_wire_is_name(name + 2, size - 2);
	return sbx_wire_is_name(name, size) &&
	       strcmp(name, SBX_CPIO_TRAILER) != 0;
}

/* How many directories @name is in, the root of its tree the first of them. */
static inline uint32_t sbx_cpio_depth(const char *name)
{
	uint32_t depth = 0;

	for (; *name; name++)
		depth += *name == '/';
	return depth;
}

/*
 * Whether a link called @name stays in its tree: it is relative and climbs no
 * higher than the root.  It climbs only to begin with: behind a name that is a
 * link itself, ".." would be a parent of what that leads to.
 */
static inline bool sbx_cpio_link_stays(const char *name, const char *target)
{
	uint32_t depth = sbx_cpio_depth(name);
	uint32_t size;

	while (depth > 0 && target[0] == '.') {
		uint32_t dots = target[1] == '.' ? 2 : 1;

		if (target[dots] != '/' && target[dots] != '\0')
			break;
		depth -= dots - 1;
		target += dots;
		while (*target == '/')
			target++;
		if (*target == '\0')
			return depth > 0;
	}
	size = (uint32_t)strnlen(target, SBX_WIRE_NAME_MAX + 2);
	while (size > 1 && target[size - 1] == '/')
		size--;
	return depth > 0 && sbx_wire_is_name(target, size);
}

#endif
