/* SPDX-License-Identifier: MIT */
#include "secret/redact_index.h"

#include <string.h>

#include "base/mem.h"
#include "secret/memory.h"

#define BYTES 256

static unsigned int pair(unsigned int first, unsigned int second)
{
	return first << 8 | second;
}

static void set(uint8_t *map, unsigned int bit)
{
	map[bit / 8] |= (uint8_t)(1 << bit % 8);
}

static bool has(const uint8_t *map, unsigned int bit)
{
	return map[bit / 8] >> bit % 8 & 1;
}

static enum sbx_redact_result go_on(struct sbx_redact_attempt *attempt,
				    unsigned int byte)
{
	unsigned char data = (unsigned char)byte;
	size_t used;

	return sbx_redact_match(attempt, &data, 1, &used);
}

static bool begins(struct sbx_redact_attempt *attempt,
		   const struct sbx_redact_matcher *matcher, unsigned int byte)
{
	*attempt = (struct sbx_redact_attempt){ .matcher = matcher };
	return go_on(attempt, byte) != SBX_REDACT_FAILED;
}

static void set_row(uint8_t *map, unsigned int first)
{
	memset(map + pair(first, 0) / 8, 0xff, BYTES / 8);
}

/*
 * What is found after two bytes does not mind the third; nor does what has a
 * break or the beginning of an escape there, to keep this short.
 */
static void map_nexts(struct sbx_redact_index *index,
		      const struct sbx_redact_attempt *two, unsigned int second)
{
	unsigned char thirds[SBX_REDACT_NEXT_MAX];
	size_t n;

	if (two->done < 2 || sbx_redact_is_whole(two)) {
		set_row(index->nexts, second);
		return;
	}
	n = sbx_redact_next(two, thirds);
	for (size_t i = 0; i < n; i++) {
		struct sbx_redact_attempt three = *two;

		if (go_on(&three, thirds[i]) != SBX_REDACT_FAILED)
			set(index->nexts, pair(second, thirds[i]));
	}
}

static void map_pairs(struct sbx_redact_index *index,
		      const struct sbx_redact_attempt *one, unsigned int first)
{
	unsigned char seconds[SBX_REDACT_NEXT_MAX];
	size_t n;

	if (sbx_redact_is_whole(one)) {
		set_row(index->pairs, first);
		memset(index->nexts, 0xff, sizeof(index->nexts));
		return;
	}
	n = sbx_redact_next(one, seconds);
	for (size_t i = 0; i < n; i++) {
		struct sbx_redact_attempt two = *one;

		if (go_on(&two, seconds[i]) == SBX_REDACT_FAILED)
			continue;
		set(index->pairs, pair(first, seconds[i]));
		map_nexts(index, &two, seconds[i]);
	}
}

/* What an escape means is the same for all, so one of them will do. */
static bool begins_escaped(const struct sbx_redact_matcher *matcher,
			   unsigned int byte)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char escape[] = { '%', (unsigned char)digits[byte >> 4],
					 (unsigned char)digits[byte & 15] };
	struct sbx_redact_attempt attempt = { .matcher = matcher };
	size_t used;

	return sbx_redact_match(&attempt, escape, sizeof(escape), &used) !=
	       SBX_REDACT_FAILED;
}

static void map_matcher(struct sbx_redact_index *index,
			const struct sbx_redact_matcher *matcher)
{
	struct sbx_redact_attempt attempt = { .matcher = matcher };
	unsigned char firsts[SBX_REDACT_NEXT_MAX];
	size_t n = sbx_redact_next(&attempt, firsts);

	for (size_t i = 0; i < n; i++) {
		unsigned char first = firsts[i];

		if (begins_escaped(matcher, first))
			index->escaped[first] = true;
		/* Still open without a character: it began an escape. */
		if (!begins(&attempt, matcher, first) || attempt.done == 0)
			continue;
		index->raw[first] = true;
		map_pairs(index, &attempt, first);
	}
}

/* Whether an escape is of interest the pair does not tell. */
static void map_leads(struct sbx_redact_index *index)
{
	for (unsigned int byte = 0; byte < BYTES; byte++) {
		if (sbx_redact_unit_is_lead((unsigned char)byte))
			set_row(index->pairs, byte);
	}
}

/* Adds up in @index->first, or fills @index->starters from there on. */
static void go_through(struct sbx_redact_index *index, size_t place,
		       bool is_counting)
{
	struct sbx_redact_attempt attempt = {
		.matcher = &index->matchers[place],
	};
	unsigned char bytes[SBX_REDACT_NEXT_MAX];
	size_t n = sbx_redact_next(&attempt, bytes);

	for (size_t i = 0; i < n; i++) {
		uint32_t *first = &index->first[bytes[i]];

		if (!begins(&attempt, &index->matchers[place], bytes[i]))
			continue;
		if (!is_counting)
			index->starters[*first] = (uint32_t)place;
		++*first;
	}
}

/*
 * The starters of each byte, one byte after the other.  While they are filled
 * in, @first is where those of a byte go on, in the end where they end.
 */
static void list_starters(struct sbx_redact_index *index)
{
	uint32_t total = 0;

	for (size_t i = 0; i < index->n_matchers; i++)
		go_through(index, i, true);
	for (unsigned int byte = 0; byte < BYTES; byte++) {
		uint32_t n = index->first[byte];

		index->first[byte] = total;
		total += n;
	}
	for (size_t i = 0; i < index->n_matchers; i++)
		go_through(index, i, false);
	memmove(index->first + 1, index->first, BYTES * sizeof(*index->first));
	index->first[0] = 0;
}

static size_t all_matchers(const struct sbx_secrets *secrets,
			   struct sbx_redact_matcher *out)
{
	size_t n = 0;

	for (size_t i = 0; i < secrets->n; i++) {
		if (secrets->v[i].size > 0)
			n += sbx_redact_matchers(secrets->v[i].value,
						 secrets->v[i].size, out + n);
	}
	return n;
}

int sbx_redact_index_new(struct sbx_redact_index **out,
			 const struct sbx_secrets *secrets,
			 struct sbx_error *err)
{
	cleanup_free struct sbx_redact_matcher *matchers = sbx_calloc(
		secrets->n * SBX_REDACT_MATCHERS_MAX, sizeof(*matchers));
	struct sbx_redact_index *index;
	size_t n = all_matchers(secrets, matchers);
	size_t size = sizeof(*index) +
		      n * (sizeof(*matchers) +
			   SBX_REDACT_NEXT_MAX * sizeof(*index->starters));
	unsigned char *memory;

	if (sbx_secret_alloc(&memory, SBX_SECRET_ALIGN(size), err) < 0)
		return -1;
	index = (struct sbx_redact_index *)memory;
	memset(index, 0, sizeof(*index));
	index->n_matchers = n;
	index->matchers = (struct sbx_redact_matcher *)(index + 1);
	index->starters = (uint32_t *)(index->matchers + n);
	memcpy(index->matchers, matchers, n * sizeof(*matchers));
	list_starters(index);
	for (size_t i = 0; i < n; i++)
		map_matcher(index, &index->matchers[i]);
	map_leads(index);
	*out = index;
	return 0;
}

void sbx_redact_index_free(struct sbx_redact_index **index)
{
	unsigned char *memory = (unsigned char *)*index;

	sbx_secret_free(&memory);
	*index = NULL;
}

/* The first byte of UTF-8, outside of ASCII. */
static unsigned int utf8_lead(uint32_t code)
{
	if (code < 0x800)
		return 0xc0 | code >> 6;
	return code < 0x10000 ? 0xe0 | code >> 12 : 0xf0 | code >> 18;
}

/* Whether something begins with an escape that means this, in any reading. */
static bool is_meant(const struct sbx_redact_index *index, uint32_t code)
{
	if (code < BYTES && index->escaped[code])
		return true;
	return code >= 0x80 && index->escaped[utf8_lead(code)];
}

/* Whether something can begin with the escape that may begin here. */
static bool is_escape(const struct sbx_redact_index *index,
		      const unsigned char *data, size_t size)
{
	struct sbx_redact_unit unit = { .state = 0 };
	int nested = 0;
	uint32_t code;

	for (size_t i = 0; i < size; i++) {
		switch (sbx_redact_unit_step(&unit, data[i], &code)) {
		case SBX_REDACT_UNIT_MORE:
			break;
		case SBX_REDACT_UNIT_BAD:
			return false;
		default:
			if (is_meant(index, code))
				return true;
			if (code >= 0x80 ||
			    !sbx_redact_unit_is_lead((unsigned char)code) ||
			    nested++ >= SBX_REDACT_NESTED_MAX)
				return false;
			sbx_redact_unit_step(&unit, (unsigned char)code, &code);
		}
	}
	return true;
}

/* After a look at the first two bytes, if there are two. */
static bool is_beginning(const struct sbx_redact_index *index,
			 const unsigned char *data, size_t size)
{
	if (sbx_redact_unit_is_lead(data[0]))
		return index->raw[data[0]] || is_escape(index, data, size);
	return size < 3 || has(index->nexts, pair(data[1], data[2]));
}

size_t sbx_redact_index_next(const struct sbx_redact_index *index,
			     const unsigned char *data, size_t size, size_t at)
{
	for (; at < size; at++) {
		while (at + 1 < size &&
		       !has(index->pairs, pair(data[at], data[at + 1])))
			at++;
		if (is_beginning(index, data + at, size - at))
			break;
	}
	return at;
}
