/* SPDX-License-Identifier: MIT */
#include "skill/dockerfile_lex.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "skill/dockerfile_vars.h"

#define LINE_MAX_SIZE 4096

void sbx_lex_init(struct sbx_lex *lex, const char *text, size_t size)
{
	*lex = (struct sbx_lex){
		.text = text, .size = size, .escape = '\\', .now.max = size
	};
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		lex->pos = 3;
}

void sbx_lex_clear(struct sbx_lex *lex)
{
	sbx_buf_free(&lex->now);
	free(lex->at);
	lex->at = NULL;
}

unsigned int sbx_lex_line(const struct sbx_lex *lex, size_t offset)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset && i < lex->size; i++)
		line += lex->text[i] == '\n';
	return line;
}

/* --- lines ----------------------------------------------------------------*/

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next physical line without its end; false at the end of the file. */
static bool next_line(struct sbx_lex *lex, struct sbx_span *line)
{
	const char *start = lex->text + lex->pos;
	const char *end;

	if (lex->pos >= lex->size)
		return false;
	end = memchr(start, '\n', lex->size - lex->pos);
	line->start = lex->pos;
	line->end = end ? (size_t)(end - lex->text) : lex->size;
	lex->pos = line->end + 1;
	if (line->end > line->start && lex->text[line->end - 1] == '\r')
		line->end--;
	return true;
}

/* White space off the start, and off the end. */
static void trim_start(const char *text, struct sbx_span *span)
{
	while (span->start < span->end && is_space(text[span->start]))
		span->start++;
}

static void trim_end(const char *text, struct sbx_span *span)
{
	while (span->end > span->start && is_space(text[span->end - 1]))
		span->end--;
}

/* Whether @line goes on in the next; @line then ends before the escape. */
static bool continues(const struct sbx_lex *lex, struct sbx_span *line)
{
	struct sbx_span text = *line;

	trim_end(lex->text, &text);
	if (text.end == text.start || lex->text[text.end - 1] != lex->escape)
		return false;
	line->end = text.end - 1;
	return true;
}

static void add_text(struct sbx_lex *lex, struct sbx_span part)
{
	size_t len = lex->now.len;
	size_t size = part.end - part.start;

	if (len + size > lex->at_cap) {
		lex->at_cap = 2 * (len + size);
		lex->at = sbx_realloc(lex->at, lex->at_cap * sizeof(*lex->at));
	}
	for (size_t i = 0; i < size; i++)
		lex->at[len + i] = part.start + i;
	sbx_buf_append(&lex->now, lex->text + part.start, size);
}

bool sbx_lex_next(struct sbx_lex *lex)
{
	bool more = true;
	bool begun = false;
	struct sbx_span line;

	sbx_buf_consume(&lex->now, lex->now.len);
	while (more && next_line(lex, &line)) {
		struct sbx_span text = line;

		/* Comments and empty lines do not end an instruction. */
		trim_start(lex->text, &text);
		if (text.start == text.end || lex->text[text.start] == '#')
			continue;
		if (!begun)
			line = text;
		begun = true;
		more = continues(lex, &line);
		add_text(lex, line);
	}
	return begun;
}

bool sbx_lex_directive(struct sbx_lex *lex, struct sbx_span *key,
		       struct sbx_span *value)
{
	const char *equals;
	struct sbx_span line;

	if (!next_line(lex, &line))
		return false;
	trim_start(lex->text, &line);
	if (line.start == line.end || lex->text[line.start++] != '#')
		return false;
	equals = memchr(lex->text + line.start, '=', line.end - line.start);
	if (!equals)
		return false;
	*key = (struct sbx_span){ line.start, (size_t)(equals - lex->text) };
	*value = (struct sbx_span){ key->end + 1, line.end };
	trim_start(lex->text, key);
	trim_end(lex->text, key);
	trim_start(lex->text, value);
	trim_end(lex->text, value);
	return value->end > value->start;
}

/* --- words ----------------------------------------------------------------*/

bool sbx_lex_word(const struct sbx_lex *lex, size_t *pos, struct sbx_span *word)
{
	const char *text = sbx_buf_text(&lex->now);
	size_t len = lex->now.len;
	size_t i = *pos;
	char quote = '\0';

	while (i < len && is_space(text[i]))
		i++;
	word->start = i;
	for (; i < len && (quote || !is_space(text[i])); i++) {
		if (text[i] == lex->escape && quote != '\'' && i + 1 < len)
			i++;
		else if (text[i] == quote)
			quote = '\0';
		else if (!quote && (text[i] == '"' || text[i] == '\''))
			quote = text[i];
	}
	word->end = i;
	*pos = i;
	return word->end > word->start;
}

bool sbx_lex_skip(const struct sbx_lex *lex, struct sbx_span *word,
		  const char *prefix)
{
	size_t size = strlen(prefix);

	if (word->end - word->start < size ||
	    strncasecmp(lex->now.data + word->start, prefix, size) != 0)
		return false;
	word->start += size;
	return true;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

void sbx_lex_unquote(const struct sbx_lex *lex, struct sbx_span *word)
{
	const char *text = lex->now.data;

	while (word->start < word->end && is_quote(text[word->start]))
		word->start++;
	while (word->end > word->start && is_quote(text[word->end - 1]))
		word->end--;
}

char *sbx_lex_copy(const struct sbx_lex *lex, struct sbx_span word)
{
	return sbx_strndup(lex->now.data + word.start, word.end - word.start);
}

struct sbx_span sbx_lex_place(const struct sbx_lex *lex, struct sbx_span word)
{
	return (struct sbx_span){ .start = lex->at[word.start],
				  .end = lex->at[word.end - 1] + 1 };
}

/* --- here-documents -------------------------------------------------------*/

/*
 * The name that ends the here-document @word begins, NULL when it begins
 * none; *@tabs: leading tabs do not count.  "[0-9]*<<-?NAME", no other '<'.
 */
static char *heredoc_name(const struct sbx_lex *lex, struct sbx_span word,
			  bool *tabs)
{
	static const struct sbx_dockerfile_vars none;
	const char *text = lex->now.data;
	struct sbx_buf name = SBX_BUF_INIT(LINE_MAX_SIZE);

	while (word.start < word.end &&
	       isdigit((unsigned char)text[word.start]))
		word.start++;
	if (!sbx_lex_skip(lex, &word, "<<"))
		return NULL;
	*tabs = sbx_lex_skip(lex, &word, "-");
	if (word.start == word.end ||
	    memchr(text + word.start, '<', word.end - word.start))
		return NULL;
	if (!sbx_dockerfile_expand(&none, text + word.start,
				   word.end - word.start, '\\', &name)) {
		sbx_buf_free(&name);
		return NULL;
	}
	return sbx_buf_take(&name);
}

/* Skips up to the line @name; false when there is none. */
static bool skip_heredoc(struct sbx_lex *lex, const char *name, bool tabs)
{
	size_t size = strlen(name);
	struct sbx_span line;

	while (next_line(lex, &line)) {
		while (tabs && line.start < line.end &&
		       lex->text[line.start] == '\t')
			line.start++;
		if (line.end - line.start == size &&
		    memcmp(lex->text + line.start, name, size) == 0)
			return true;
	}
	return false;
}

char *sbx_lex_heredocs(struct sbx_lex *lex, size_t pos)
{
	struct sbx_span word;

	while (sbx_lex_word(lex, &pos, &word)) {
		bool tabs = false;
		char *name = heredoc_name(lex, word, &tabs);

		if (name && !skip_heredoc(lex, name, tabs))
			return name;
		free(name);
	}
	return NULL;
}
