/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * Places of a stream are counted from its beginning.  Of each place where
 * something can begin (secret/redact_index.h) every form of every value is
 * tried, through the bytes at hand.  What fails is forgotten, what is found is
 * an interval of the stream, and what is open at the end of the bytes goes on
 * with the next ones:
 *
 *	0 ... emitted ... safe ... at
 *		|	   |	    `- behind the last byte that came
 *		|	   `- where the oldest open attempt began
 *		`- behind the last byte that was passed on, or was redacted
 *
 * Nothing that is still to be found begins before safe, so all before it is
 * decided and leaves; the bytes from emitted to at are held.
 *
 * A value that repeats itself, in a stream that does so as well, would take
 * its whole length for each byte.  So there are bounds, which values that are
 * any good as secrets do not come near; where one is passed, half a value is
 * as good as a whole one: too much is redacted, never too little.
 */
#include "secret/redact.h"

#include <stdint.h>
#include <string.h>

#include "secret/memory.h"
#include "secret/redact_index.h"

/* Open attempts: some, and some for each matcher. */
#define OPEN_MAX	 64
#define OPEN_PER_MATCHER 16
/* Bytes that are held: a value of SBX_SECRET_SIZE_MAX bytes, all \uXXXX. */
#define HELD_MAX ((size_t)512 * 1024)
/* Steps of attempts after their first LONG, in all and for each byte. */
#define LONG	      64
#define LONG_FREE     ((uint64_t)32 << 20)
#define LONG_PER_BYTE 64

/* The shortest escape is a backslash and a byte, the longest \uXXXX. */
enum escape { NO_ESCAPE, BACKSLASH, FIRST_DIGIT, LAST_DIGIT = FIRST_DIGIT + 3 };

struct interval {
	uint64_t start;
	uint64_t end;
};

struct sbx_redactor {
	struct sbx_redact_index *index; /* secret memory */
};

/*
 * @found	in order, apart from each other, none before @emitted
 * @redacted_to	where the last SBX_REDACTED that was passed on ends; 0: none
 * @open	in the order of their start
 * @escape	of JSON, whatever this stream is, up to @escape_at; it began at
 *		@escape_start
 */
struct sbx_redaction {
	const struct sbx_redact_index *index;
	uint64_t at;
	uint64_t emitted;
	uint64_t redacted_to;
	uint64_t long_steps;
	bool has_failed;

	struct interval *found;
	size_t n_found;
	size_t found_cap;

	enum escape escape;
	uint64_t escape_start;
	size_t escape_at; /* in the bytes at hand */

	unsigned char *held; /* secret memory */
	size_t held_cap;

	size_t n_open;
	size_t open_max;
	struct sbx_redact_attempt open[];
};

/* The bytes at hand, and where what is passed on goes. */
struct piece {
	const unsigned char *data;
	size_t size;
	sbx_redact_sink *sink;
	void *ctx;
};

/* --- the redactor ---------------------------------------------------------- */

static size_t longest(const struct sbx_secrets *secrets)
{
	size_t size = 0;

	for (size_t i = 0; secrets && i < secrets->n; i++) {
		if (secrets->v[i].size > size)
			size = secrets->v[i].size;
	}
	return size;
}

int sbx_redactor_new(struct sbx_redactor **out,
		     const struct sbx_secrets *secrets, struct sbx_error *err)
{
	struct sbx_redact_index *index = NULL;

	if (longest(secrets) > 0 &&
	    sbx_redact_index_new(&index, secrets, err) < 0)
		return -1;
	*out = NULL;
	if (index) {
		*out = sbx_calloc(1, sizeof(**out));
		(*out)->index = index;
	}
	return 0;
}

void sbx_redactor_free(struct sbx_redactor **redactor)
{
	if (!*redactor)
		return;
	sbx_redact_index_free(&(*redactor)->index);
	free(*redactor);
	*redactor = NULL;
}

/* --- what was found -------------------------------------------------------- */

/*
 * No interval begins after the end of a new one: those before it came to their
 * end earlier, or began earlier.
 */
static void add_found(struct sbx_redaction *redaction, uint64_t start,
		      uint64_t end)
{
	struct interval *found = redaction->found;
	size_t n = redaction->n_found;

	for (; n > 0 && found[n - 1].end >= start; n--) {
		if (found[n - 1].start < start)
			start = found[n - 1].start;
		if (found[n - 1].end > end)
			end = found[n - 1].end;
	}
	if (n == redaction->found_cap) {
		redaction->found_cap = n ? 2 * n : 16;
		redaction->found = sbx_realloc(found, redaction->found_cap *
							      sizeof(*found));
	}
	redaction->found[n] = (struct interval){ .start = start, .end = end };
	redaction->n_found = n + 1;
}

/* The oldest attempt is taken for what it was looking for. */
static void find_oldest(struct sbx_redaction *redaction, uint64_t end)
{
	add_found(redaction, redaction->open[0].start, end);
	memmove(redaction->open, redaction->open + 1,
		--redaction->n_open * sizeof(*redaction->open));
}

static void add_open(struct sbx_redaction *redaction,
		     const struct sbx_redact_attempt *attempt, uint64_t end)
{
	if (redaction->n_open == redaction->open_max)
		find_oldest(redaction, end);
	redaction->open[redaction->n_open++] = *attempt;
}

/* --- escapes of JSON ------------------------------------------------------- */

/* False when @byte is no part of it. */
static bool step_escape(struct sbx_redaction *redaction, unsigned char byte)
{
	if (redaction->escape == BACKSLASH) {
		redaction->escape = byte == 'u' ? FIRST_DIGIT : NO_ESCAPE;
		return true;
	}
	if (sbx_redact_digit(byte) < 0) {
		redaction->escape = NO_ESCAPE;
		return false;
	}
	redaction->escape = redaction->escape == LAST_DIGIT
				    ? NO_ESCAPE
				    : redaction->escape + 1;
	return true;
}

/* Follows the escapes up to @to, a place in @piece. */
static void follow_escapes(struct sbx_redaction *redaction,
			   const struct piece *piece, size_t to)
{
	size_t at = redaction->escape_at;

	while (at < to) {
		const unsigned char *found;

		if (redaction->escape != NO_ESCAPE) {
			at += step_escape(redaction, piece->data[at]);
			continue;
		}
		found = memchr(piece->data + at, '\\', to - at);
		if (!found)
			break;
		at = (size_t)(found - piece->data);
		redaction->escape = BACKSLASH;
		redaction->escape_start = redaction->at + at++;
	}
	redaction->escape_at = to;
}

/*
 * Where what begins at @at is to begin in the output: with the escape that
 * this byte belongs to, if it does.
 */
static uint64_t start_of(struct sbx_redaction *redaction,
			 const struct piece *piece, size_t at)
{
	unsigned char byte = piece->data[at];
	bool is_inside;

	if (at > redaction->escape_at)
		follow_escapes(redaction, piece, at);
	if (redaction->escape == BACKSLASH)
		is_inside = byte && strchr("\"\\/bfnrtu", byte);
	else
		is_inside = redaction->escape != NO_ESCAPE &&
			    sbx_redact_digit(byte) >= 0;
	return is_inside ? redaction->escape_start : redaction->at + at;
}

/* --- looking --------------------------------------------------------------- */

static bool is_tired(const struct sbx_redaction *redaction)
{
	return redaction->long_steps >
	       LONG_FREE + LONG_PER_BYTE * redaction->at;
}

/*
 * Goes on with @attempt at @at; returns the place that is no use to look at
 * any more, behind it.
 */
static size_t look(struct sbx_redaction *redaction, const struct piece *piece,
		   struct sbx_redact_attempt *attempt, size_t at)
{
	enum sbx_redact_result result;
	size_t used;

	result = sbx_redact_match(attempt, piece->data + at, piece->size - at,
				  &used);
	if (used > LONG)
		redaction->long_steps += used - LONG;
	if (used > LONG && is_tired(redaction)) {
		add_found(redaction, attempt->start, redaction->at + at + used);
		return at + used;
	}
	if (result == SBX_REDACT_FOUND)
		add_found(redaction, attempt->start, redaction->at + at + used);
	if (result == SBX_REDACT_OPEN)
		add_open(redaction, attempt, redaction->at + at + used);
	return at;
}

static void look_on(struct sbx_redaction *redaction, const struct piece *piece)
{
	size_t n = redaction->n_open;

	redaction->n_open = 0;
	for (size_t i = 0; i < n; i++) {
		struct sbx_redact_attempt attempt = redaction->open[i];

		look(redaction, piece, &attempt, 0);
	}
}

static void look_from(struct sbx_redaction *redaction,
		      const struct piece *piece)
{
	const struct sbx_redact_index *index = redaction->index;
	const unsigned char *data = piece->data;
	size_t at = 0;

	while ((at = sbx_redact_index_next(index, data, piece->size, at)) <
	       piece->size) {
		uint64_t start = start_of(redaction, piece, at);
		size_t next = at + 1;

		for (size_t i = index->first[data[at]];
		     i < index->first[data[at] + 1]; i++) {
			struct sbx_redact_attempt attempt = {
				.matcher = &index->matchers[index->starters[i]],
				.start = start,
			};
			size_t behind = look(redaction, piece, &attempt, at);

			if (behind > next)
				next = behind;
		}
		at = next;
	}
}

/* --- passing on ------------------------------------------------------------ */

static void pass(const struct piece *piece, const void *data, size_t size)
{
	if (size > 0)
		piece->sink(piece->ctx, data, size);
}

/* Up to @to: what was held, which began at @base, then the bytes at hand. */
static void pass_to(struct sbx_redaction *redaction, const struct piece *piece,
		    uint64_t base, uint64_t to)
{
	uint64_t from = redaction->emitted;
	uint64_t middle = to < redaction->at ? to : redaction->at;

	if (from < middle) {
		pass(piece, redaction->held + (from - base),
		     (size_t)(middle - from));
		from = middle;
	}
	if (from < to)
		pass(piece, piece->data + (from - redaction->at),
		     (size_t)(to - from));
	redaction->emitted = to;
}

static void redact(struct sbx_redaction *redaction, const struct piece *piece,
		   const struct interval *found)
{
	if (redaction->redacted_to == 0 ||
	    redaction->redacted_to < found->start)
		pass(piece, SBX_REDACTED, strlen(SBX_REDACTED));
	redaction->redacted_to = found->end;
}

/* All before @safe, which is decided. */
static void emit(struct sbx_redaction *redaction, const struct piece *piece,
		 uint64_t safe)
{
	uint64_t base = redaction->emitted;
	size_t n = 0;

	while (n < redaction->n_found && redaction->found[n].start < safe) {
		struct interval *found = &redaction->found[n];

		pass_to(redaction, piece, base, found->start);
		redact(redaction, piece, found);
		redaction->emitted = safe;
		if (found->end > safe) {
			found->start = safe;
			break;
		}
		redaction->emitted = found->end;
		n++;
	}
	redaction->n_found -= n;
	if (n > 0)
		memmove(redaction->found, redaction->found + n,
			redaction->n_found * sizeof(*redaction->found));
	pass_to(redaction, piece, base, safe);
}

/* --- holding --------------------------------------------------------------- */

static int make_room(struct sbx_redaction *redaction, size_t size,
		     struct sbx_error *err)
{
	size_t cap = redaction->held_cap ? redaction->held_cap : 256;
	unsigned char *memory;

	if (size <= redaction->held_cap)
		return 0;
	while (cap < size)
		cap *= 2;
	if (sbx_secret_alloc(&memory, cap, err) < 0)
		return -1;
	if (redaction->held)
		memcpy(memory, redaction->held, redaction->held_cap);
	sbx_secret_free(&redaction->held);
	redaction->held = memory;
	redaction->held_cap = cap;
	return 0;
}

/* What was not passed on; what was held before began at @base. */
static int hold(struct sbx_redaction *redaction, const struct piece *piece,
		uint64_t base, struct sbx_error *err)
{
	uint64_t from = redaction->emitted;
	size_t size = (size_t)(redaction->at + piece->size - from);
	size_t kept = 0;

	if (make_room(redaction, size, err) < 0)
		return -1;
	if (from < redaction->at) {
		kept = (size_t)(redaction->at - from);
		memmove(redaction->held, redaction->held + (from - base), kept);
	}
	if (size > kept)
		memcpy(redaction->held + kept,
		       piece->data + (from + kept - redaction->at),
		       size - kept);
	return 0;
}

/* Before it all is decided, once the bytes at hand were looked at. */
static uint64_t safe_place(struct sbx_redaction *redaction, uint64_t end)
{
	uint64_t safe = end;

	while (redaction->n_open > 0 &&
	       end - redaction->open[0].start > HELD_MAX)
		find_oldest(redaction, end);
	if (redaction->n_open > 0)
		safe = redaction->open[0].start;
	if (redaction->escape != NO_ESCAPE && redaction->escape_start < safe)
		safe = redaction->escape_start;
	return safe;
}

/* --- a stream -------------------------------------------------------------- */

int sbx_redaction_new(struct sbx_redaction **out,
		      const struct sbx_redactor *redactor,
		      struct sbx_error *err)
{
	struct sbx_redaction *redaction;
	unsigned char *memory;
	size_t open_max;
	size_t size;

	*out = NULL;
	if (!redactor)
		return 0;
	open_max = OPEN_MAX + OPEN_PER_MATCHER * redactor->index->n_matchers;
	size = sizeof(*redaction) + open_max * sizeof(*redaction->open);
	if (sbx_secret_alloc(&memory, SBX_SECRET_ALIGN(size), err) < 0)
		return -1;
	redaction = (struct sbx_redaction *)memory;
	memset(redaction, 0, sizeof(*redaction));
	redaction->index = redactor->index;
	redaction->open_max = open_max;
	*out = redaction;
	return 0;
}

void sbx_redaction_free(struct sbx_redaction **redaction)
{
	unsigned char *memory = (unsigned char *)*redaction;

	if (!memory)
		return;
	sbx_secret_free(&(*redaction)->held);
	free((*redaction)->found);
	sbx_secret_free(&memory);
	*redaction = NULL;
}

int sbx_redaction_feed(struct sbx_redaction *redaction, const void *data,
		       size_t size, sbx_redact_sink *sink, void *ctx,
		       struct sbx_error *err)
{
	struct piece piece = {
		.data = data, .size = size, .sink = sink, .ctx = ctx
	};
	uint64_t base;

	if (!redaction) {
		pass(&piece, data, size);
		return 0;
	}
	if (redaction->has_failed)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "what is printed cannot be searched for "
				     "secrets any more");
	redaction->escape_at = 0;
	look_on(redaction, &piece);
	look_from(redaction, &piece);
	follow_escapes(redaction, &piece, size);
	base = redaction->emitted;
	emit(redaction, &piece, safe_place(redaction, redaction->at + size));
	redaction->has_failed = hold(redaction, &piece, base, err) < 0;
	redaction->at += size;
	return redaction->has_failed ? -1 : 0;
}

void sbx_redaction_end(struct sbx_redaction *redaction, bool is_cut,
		       sbx_redact_sink *sink, void *ctx)
{
	struct piece piece = { .sink = sink, .ctx = ctx };

	if (!redaction || redaction->has_failed)
		return;
	for (size_t i = 0; i < redaction->n_open; i++) {
		const struct sbx_redact_attempt *attempt = &redaction->open[i];

		if (sbx_redact_is_whole(attempt) ||
		    (is_cut && sbx_redact_progress(attempt) >= SBX_REDACT_PART))
			add_found(redaction, attempt->start, redaction->at);
	}
	redaction->n_open = 0;
	emit(redaction, &piece, redaction->at);
}
