/* SPDX-License-Identifier: MIT */
#include "skill/dockerfile_lex.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

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

/* Go's bufio.Scanner ends at 64 KiB, and an old buildah takes what it has. */
#define LINE_SIZE_MAX 65000

/* --- what is not read ------------------------------------------------------*/

const char *sbx_lex_impure(const char *text, size_t size, size_t *at)
{
	size_t line = 0;

	for (*at = 0; *at < size; ++*at) {
		char c = text[*at];
		bool ends = *at + 1 < size && text[*at + 1] == '\n';

		line = c == '\n' ? 0 : line + 1;
		if (line > LINE_SIZE_MAX)
			return "the line is too long";
		if ((c >= 0 && c < ' ' && c != '\t' && c != '\n' &&
		     !(c == '\r' && ends)) ||
		    c == 0x7f)
			return "a control character";
	}
	*at = 0;
	return sbx_text_is_utf8(text, size) ? NULL : "this is not UTF-8";
}

/* Unicode's White_Space beyond ASCII, which Go takes for space at times. */
static bool is_wide_space(const char *text, size_t size)
{
	static const char *const spaces[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\xa8",
		"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(spaces); i++) {
		size_t length = strlen(spaces[i]);

		if (size >= length && memcmp(text, spaces[i], length) == 0)
			return true;
	}
	return size >= 3 && memcmp(text, "\xe2\x80", 2) == 0 &&
	       (unsigned char)text[2] <= 0x8a;
}

static void set_unclear(struct sbx_lex *lex, size_t at, const char *what)
{
	if (lex->unclear)
		return;
	lex->unclear = what;
	lex->unclear_at = at;
}

static void look_for_wide_space(struct sbx_lex *lex, struct sbx_span part)
{
	for (size_t i = part.start; i < part.end; i++) {
		if (is_wide_space(lex->text + i, part.end - i)) {
			set_unclear(lex, i,
				    "white space that is not ASCII, such as a "
				    "no-break space");
			return;
		}
	}
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

/* Whether @line, not a blank one, goes on in the next; if, the escape goes. */
static bool continues(struct sbx_lex *lex, struct sbx_span *line)
{
	struct sbx_span text = *line;

	trim_end(lex->text, &text);
	if (lex->text[text.end - 1] != lex->escape)
		return false;
	line->end = text.end - 1;
	if (line->end > line->start && lex->text[line->end - 1] == lex->escape)
		set_unclear(lex, line->end,
			    "an escape character behind another at the end of "
			    "a line");
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
	look_for_wide_space(lex, part);
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
	return true;
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

bool sbx_lex_bare_word(const struct sbx_lex *lex, size_t *pos,
		       struct sbx_span *word)
{
	const char *text = sbx_buf_text(&lex->now);

	*word = (struct sbx_span){ *pos, lex->now.len };
	trim_start(text, word);
	for (*pos = word->start; *pos < word->end; ++*pos) {
		if (is_space(text[*pos]))
			word->end = *pos;
	}
	*pos = word->end;
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
 * "[0-9]*<<-?NAME", no other '<': *@name is that, maybe in quotes.  It is empty
 * where the next word may be it: to newer builders it is.
 */
static bool begins_heredoc(const struct sbx_lex *lex, struct sbx_span word,
			   struct sbx_span *name, bool *tabs)
{
	const char *text = lex->now.data;

	while (word.start < word.end &&
	       isdigit((unsigned char)text[word.start]))
		word.start++;
	if (!sbx_lex_skip(lex, &word, "<<"))
		return false;
	*tabs = sbx_lex_skip(lex, &word, "-");
	*name = word;
	return !memchr(text + word.start, '<', word.end - word.start);
}

/* A name that needs no shell to be read; NULL when it does. */
static char *heredoc_name(const struct sbx_lex *lex, struct sbx_span word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *text = lex->now.data;
	size_t size = word.end - word.start;

	if (size > 2 && is_quote(text[word.start]) &&
	    text[word.end - 1] == text[word.start]) {
		word.start++;
		word.end--;
		size -= 2;
	}
	for (size_t i = word.start; i < word.end; i++) {
		if (!memchr(plain, text[i], sizeof(plain) - 1))
			return NULL;
	}
	return size > 0 ? sbx_lex_copy(lex, word) : NULL;
}

/*
 * What a shell's lexer needs to be told apart from words: here "\\" escapes,
 * whatever the file's own escape is, and braces hide white space.
 */
static bool needs_a_shell(const struct sbx_lex *lex, size_t pos)
{
	const char *text = lex->now.data;
	char quote = '\0';

	if (lex->escape != '\\' ||
	    memmem(text + pos, lex->now.len - pos, "${", 2))
		return true;
	for (size_t i = pos; i < lex->now.len; i++) {
		if (text[i] == '\\' && quote != '\'')
			i++;
		else if (text[i] == quote)
			quote = '\0';
		else if (!quote && is_quote(text[i]))
			quote = text[i];
	}
	return quote != '\0';
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
	struct sbx_span word, end;
	bool tabs;

	if (lex->no_heredocs ||
	    !memmem(lex->now.data + pos, lex->now.len - pos, "<<", 2))
		return NULL;
	if (needs_a_shell(lex, pos))
		set_unclear(lex, lex->at[0],
			    "<< together with ${, a quote that does not end or "
			    "another escape character than \\");
	while (!lex->unclear && sbx_lex_word(lex, &pos, &word)) {
		cleanup_free char *name = NULL;

		if (!begins_heredoc(lex, word, &end, &tabs))
			continue;
		name = heredoc_name(lex, end);
		if (!name)
			set_unclear(lex, lex->at[word.start],
				    "a here-document whose name is not of "
				    "letters, digits, \"_\", \".\" and \"-\"");
		else if (!skip_heredoc(lex, name, tabs))
			return sbx_take(name);
	}
	return NULL;
}
