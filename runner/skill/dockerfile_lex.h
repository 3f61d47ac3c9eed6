/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_DOCKERFILE_LEX_H
#define SBX_SKILL_DOCKERFILE_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * A Dockerfile as lines, instructions and words.  Pure.
 *
 * @no_heredocs	they are text: to BuildKit before 1.4 of its Dockerfile
 *		frontend (Docker 20.10), and to buildah before 1.33
 * @pos		of the next physical line
 * @escape	the escape character: '\\' unless the file says otherwise
 * @now		the instruction read last, its lines joined
 * @at		where each byte of @now is in @text
 * @unclear	NULL, or what stands at @unclear_at that builders take in
 *		different ways
 */
struct sbx_lex {
	const char *text;
	size_t size;
	bool no_heredocs;
	size_t pos;
	char escape;
	struct sbx_buf now;
	size_t *at;
	size_t at_cap;
	const char *unclear;
	size_t unclear_at;
};

/* A part of a text: [start, end). */
struct sbx_span {
	size_t start;
	size_t end;
};

void sbx_lex_init(struct sbx_lex *lex, const char *text, size_t size);
void sbx_lex_clear(struct sbx_lex *lex);

/* The number of the line @offset is in, from 1. */
unsigned int sbx_lex_line(const struct sbx_lex *lex, size_t offset);

/*
 * NULL, or what is at *@at of the text that no builder should see: what is not
 * UTF-8; control characters, of which some count as white space here and not
 * there; and lines that are too long for some to read on.
 */
const char *sbx_lex_impure(const char *text, size_t size, size_t *at);

/*
 * Takes the next line if it may be a parser directive, "# key=value": spans of
 * the text, of which @value may be empty.  The caller gives a line back that is
 * none after all, by @pos.
 */
bool sbx_lex_directive(struct sbx_lex *lex, struct sbx_span *key,
		       struct sbx_span *value);

/* Reads one instruction into @now; false at the end of the file. */
bool sbx_lex_next(struct sbx_lex *lex);

/*
 * The next word at *@pos of @now, which moves behind it: a span of @now.
 * White space in quotes or after the escape character is part of a word.
 */
bool sbx_lex_word(const struct sbx_lex *lex, size_t *pos,
		  struct sbx_span *word);

/* The same where nothing makes white space part of a word. */
bool sbx_lex_bare_word(const struct sbx_lex *lex, size_t *pos,
		       struct sbx_span *word);

/* If @word starts with @prefix, in any case: drops that from it. */
bool sbx_lex_skip(const struct sbx_lex *lex, struct sbx_span *word,
		  const char *prefix);

/* A copy of the word; where it is in the text. */
char *sbx_lex_copy(const struct sbx_lex *lex, struct sbx_span word);
struct sbx_span sbx_lex_place(const struct sbx_lex *lex, struct sbx_span word);

/*
 * Skips the bodies of the here-documents that the words from @pos on begin.
 * NULL, or the end that is missing (free it).  Unclear are those of which
 * shells, and builders, make different things.
 */
char *sbx_lex_heredocs(struct sbx_lex *lex, size_t pos);

#endif
