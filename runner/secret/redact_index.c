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

static enum sbx_redact_result begin(struct sbx_redact_attempt *attempt,
				    const struct sbx_redact_matcher *matcher,
				    unsigned int byte)
{
	*attempt = (struct sbx_redact_attempt){ .matcher = matcher };
	return go_on(attempt, byte);
}

/*
 * What is found after two bytes does not mind the third; nor does what has a
 * break or the beginning of an escape there, to keep this short.
 */
static void map_nexts(struct sbx_redact_index *index,
		      const struct sbx_redact_attempt *two, bool is_found,
		      unsigned int second)
{
	bool is_any = is_found || two->done < 2;

	for (unsigned int third = 0; third < BYTES; third++) {
		struct sbx_redact_attempt three = *two;

		if (is_any || go_on(&three, third) != SBX_REDACT_FAILED)
			set(index->nexts, pair(second, third));
	}
}

static void map_pairs(struct sbx_redact_index *index,
		      const struct sbx_redact_attempt *one, bool is_found,
		      unsigned int first)
{
	for (unsigned int second = 0; second < BYTES; second++) {
		struct sbx_redact_attempt two = *one;
		enum sbx_redact_result result = is_found ? SBX_REDACT_FOUND
							 : go_on(&two, second);

		if (result == SBX_REDACT_FAILED)
			continue;
		set(index->pairs, pair(first, second));
		map_nexts(index, &two, result == SBX_REDACT_FOUND, second);
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

	return !matcher->has_raw_percent &&
	       sbx_redact_match(&attempt, escape, sizeof(escape), &used) !=
		       SBX_REDACT_FAILED;
}

static void map_matcher(struct sbx_redact_index *index,
			const struct sbx_redact_matcher *matcher)
{
	for (unsigned int first = 0; first < BYTES; first++) {
		struct sbx_redact_attempt one;
		enum sbx_redact_result result = begin(&one, matcher, first);

		if (begins_escaped(matcher, first))
			index->escaped[first] = true;
		/* Still open without a character: it began an escape. */
		if (result == SBX_REDACT_FAILED || one.done == 0)
			continue;
		index->raw[first] = true;
		map_pairs(index, &one, result == SBX_REDACT_FOUND, first);
	}
}

/* Whether an escape is of interest the pair does not tell. */
static void map_leads(struct sbx_redact_index *index)
{
	for (unsigned int first = 0; first < BYTES; first++) {
		if (!sbx_redact_unit_is_lead((unsigned char)first))
			continue;
		for (unsigned int second = 0; second < BYTES; second++)
			set(index->pairs, pair(first, second));
	}
}

/* Counts when @index is NULL: how many starters there are. */
static size_t list_starters(struct sbx_redact_index *index,
			    const struct sbx_redact_matcher *matchers, size_t n)
{
	struct sbx_redact_attempt attempt;
	size_t total = 0;

	for (unsigned int byte = 0; byte < BYTES; byte++) {
		if (index)
			index->first[byte] = (uint32_t)total;
		for (size_t i = 0; i < n; i++) {
			if (begin(&attempt, &matchers[i], byte) ==
			    SBX_REDACT_FAILED)
				continue;
			if (index)
				index->starters[total] = (uint32_t)i;
			total++;
		}
	}
	if (index)
		index->first[BYTES] = (uint32_t)total;
	return total;
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
	size_t size =
		sizeof(*index) + n * sizeof(*matchers) +
		list_starters(NULL, matchers, n) * sizeof(*index->starters);
	unsigned char *memory;

	if (sbx_secret_alloc(&memory, SBX_SECRET_ALIGN(size), err) < 0)
		return -1;
	index = (struct sbx_redact_index *)memory;
	memset(index, 0, sizeof(*index));
	index->n_matchers = n;
	index->matchers = (struct sbx_redact_matcher *)(index + 1);
	index->starters = (uint32_t *)(index->matchers + n);
	memcpy(index->matchers, matchers, n * sizeof(*matchers));
	list_starters(index, index->matchers, n);
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

/* The first byte of UTF-8. */
static unsigned int utf8_lead(uint32_t code)
{
	if (code < 0x80)
		return code;
	if (code < 0x800)
		return 0xc0 | code >> 6;
	return code < 0x10000 ? 0xe0 | code >> 12 : 0xf0 | code >> 18;
}

/* Whether something can begin with the escape that may begin here. */
static bool is_escape(const struct sbx_redact_index *index,
		      const unsigned char *data, size_t size)
{
	enum sbx_redact_unit_result result = SBX_REDACT_UNIT_MORE;
	struct sbx_redact_unit unit = { .state = 0 };
	uint32_t code;

	for (size_t i = 0; i < size && result == SBX_REDACT_UNIT_MORE; i++)
		result = sbx_redact_unit_step(&unit, data[i], &code);
	switch (result) {
	case SBX_REDACT_UNIT_BAD:
		return false;
	case SBX_REDACT_UNIT_BYTE:
		return index->escaped[code];
	case SBX_REDACT_UNIT_CODE:
		return index->escaped[utf8_lead(code)] ||
		       (code < BYTES && index->escaped[code]);
	default:
		return true;
	}
}

/* After a look at the first two bytes, if there are two. */
static bool is_beginning(const struct sbx_redact_index *index,
			 const unsigned char *data, size_t size)
{
	if (sbx_redact_unit_is_lead(data[0]))
		return index->raw[data[0]] || is_escape(index, data, size);
	if (size < 2)
		return index->raw[data[0]];
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
