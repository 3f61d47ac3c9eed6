/* SPDX-License-Identifier: MIT */
/*
 * PCRE2 counts backtracking, and per starting point only: a scan of "a*" over
 * a long text is one step to it.  So a callout stands before every item of a
 * pattern, and takes from the budget how far the match has moved since.
 */
#include "codec/schema_pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/library.h"
#include "codec/schema.h"

#define SONAME	 "libpcre2-8.so.0"
#define HEAP_KIB 32768

/* Bytes that are scanned in the time of one step. */
#define SCAN 8

/* Callouts between looks at the clock. */
#define CLOCK_EVERY 4096

#define FUNCTIONS(F)                                                           \
	F(pcre2_compile_8)                                                     \
	F(pcre2_code_free_8)                                                   \
	F(pcre2_get_error_message_8)                                           \
	F(pcre2_match_8)                                                       \
	F(pcre2_match_data_create_8)                                           \
	F(pcre2_match_data_free_8)                                             \
	F(pcre2_match_context_create_8)                                        \
	F(pcre2_match_context_free_8)                                          \
	F(pcre2_set_callout_8)                                                 \
	F(pcre2_set_heap_limit_8)                                              \
	F(pcre2_compile_context_create_8)                                      \
	F(pcre2_compile_context_free_8)                                        \
	F(pcre2_set_newline_8)                                                 \
	F(pcre2_set_compile_extra_options_8)

static struct {
#define MEMBER(name) __typeof__(name) *name;
	FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static const struct sbx_library_function functions[] = {
#define ROW(name) { #name, offsetof(__typeof__(library), name) },
	FUNCTIONS(ROW)
#undef ROW
};

static struct sbx_library pcre2 = {
	.soname = SONAME,
	.name = "PCRE2",
	.functions = functions,
	.n_functions = SBX_ARRAY_SIZE(functions),
	.table = &library,
};

struct sbx_schema_pattern {
	pcre2_code_8 *code;
};

/* What is nearest to ECMA-262 with its "u" flag. */
#define OPTIONS                                                                \
	(PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |                \
	 PCRE2_MATCH_UNSET_BACKREF | PCRE2_DOLLAR_ENDONLY |                    \
	 PCRE2_NEVER_BACKSLASH_C | PCRE2_AUTO_CALLOUT)

/*
 * General categories as ECMA-262 takes them too; PCRE2 knows the short names
 * only (Unicode 15, PropertyValueAliases.txt).
 */
static const struct {
	const char *name;
	const char *brief;
} categories[] = {
	{ "Cased_Letter", "L&" },
	{ "Close_Punctuation", "Pe" },
	{ "Connector_Punctuation", "Pc" },
	{ "Control", "Cc" },
	{ "Currency_Symbol", "Sc" },
	{ "Dash_Punctuation", "Pd" },
	{ "Decimal_Number", "Nd" },
	{ "Enclosing_Mark", "Me" },
	{ "Final_Punctuation", "Pf" },
	{ "Format", "Cf" },
	{ "Initial_Punctuation", "Pi" },
	{ "LC", "L&" },
	{ "Letter", "L" },
	{ "Letter_Number", "Nl" },
	{ "Line_Separator", "Zl" },
	{ "Lowercase_Letter", "Ll" },
	{ "Mark", "M" },
	{ "Combining_Mark", "M" },
	{ "Math_Symbol", "Sm" },
	{ "Modifier_Letter", "Lm" },
	{ "Modifier_Symbol", "Sk" },
	{ "Nonspacing_Mark", "Mn" },
	{ "Number", "N" },
	{ "Open_Punctuation", "Ps" },
	{ "Other", "C" },
	{ "Other_Letter", "Lo" },
	{ "Other_Number", "No" },
	{ "Other_Punctuation", "Po" },
	{ "Other_Symbol", "So" },
	{ "Paragraph_Separator", "Zp" },
	{ "Private_Use", "Co" },
	{ "Punctuation", "P" },
	{ "Separator", "Z" },
	{ "Space_Separator", "Zs" },
	{ "Spacing_Mark", "Mc" },
	{ "Surrogate", "Cs" },
	{ "Symbol", "S" },
	{ "Titlecase_Letter", "Lt" },
	{ "Unassigned", "Cn" },
	{ "Uppercase_Letter", "Lu" },
	{ "cntrl", "Cc" },
	{ "digit", "Nd" },
	{ "punct", "P" },
};

/* Appends the name of a property, which has @size bytes, as PCRE2 knows it. */
static void put_property(struct sbx_buf *out, const char *name, size_t size)
{
	static const char *const prefixes[] = { "General_Category=", "gc=" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(prefixes); i++) {
		size_t prefix = strlen(prefixes[i]);

		if (size > prefix && memcmp(name, prefixes[i], prefix) == 0) {
			name += prefix;
			size -= prefix;
		}
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(categories); i++) {
		if (strlen(categories[i].name) == size &&
		    memcmp(categories[i].name, name, size) == 0) {
			sbx_buf_puts(out, categories[i].brief);
			return;
		}
	}
	sbx_buf_append(out, name, size);
}

/* Appends the pattern with its "\p{Letter}" as "\p{L}". */
static void put_pattern(struct sbx_buf *out, const char *text, size_t size)
{
	size_t i = 0;

	while (i < size) {
		const char *end = NULL;

		if (text[i] != '\\' || i + 2 >= size) {
			sbx_buf_append(out, text + i++, 1);
			continue;
		}
		sbx_buf_append(out, text + i, 2);
		i += 2;
		if ((text[i - 1] == 'p' || text[i - 1] == 'P') &&
		    text[i] == '{')
			end = memchr(text + i, '}', size - i);
		if (!end)
			continue;
		sbx_buf_append(out, text + i, 1);
		put_property(out, text + i + 1, (size_t)(end - text) - i - 1);
		i = (size_t)(end - text);
	}
}

static size_t characters(const char *text, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static pcre2_code_8 *compile(const char *text, size_t size, int *error,
			     size_t *offset)
{
	pcre2_compile_context_8 *context =
		library.pcre2_compile_context_create_8(NULL);
	pcre2_code_8 *code;

	if (!context)
		abort();
	library.pcre2_set_newline_8(context, PCRE2_NEWLINE_ANYCRLF);
	library.pcre2_set_compile_extra_options_8(context,
						  PCRE2_EXTRA_ALT_BSUX);
	code = library.pcre2_compile_8((PCRE2_SPTR8)text, size, OPTIONS, error,
				       offset, context);
	library.pcre2_compile_context_free_8(context);
	return code;
}

int sbx_schema_pattern_new(const char *text, size_t size,
			   struct sbx_schema_pattern **out,
			   struct sbx_error *err)
{
	unsigned char reason[128] = "";
	struct sbx_buf known = SBX_BUF_INIT(SBX_SCHEMA_PATTERN_MAX);
	pcre2_code_8 *code;
	size_t offset = 0;
	int error = 0;

	if (size > SBX_SCHEMA_PATTERN_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "it has %zu bytes, at most %d are allowed",
				     size, SBX_SCHEMA_PATTERN_MAX);
	/* How PCRE2 takes options; in ECMA-262 there is no such thing. */
	if (size >= 2 && memcmp(text, "(*", 2) == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there is nothing to repeat before the "
				     "\"*\"");
	if (sbx_library_load(&pcre2, err) < 0)
		return -1;
	put_pattern(&known, text, size);
	code = compile(sbx_buf_text(&known), known.len, &error, &offset);
	sbx_buf_free(&known);
	if (!code) {
		library.pcre2_get_error_message_8(error, reason,
						  sizeof(reason));
		return sbx_error_set(
			err, SBX_OUTCOME_INVALID, "%s (near character %zu)",
			(const char *)reason,
			characters(text, offset < size ? offset : size) + 1);
	}
	*out = sbx_malloc(sizeof(**out));
	(*out)->code = code;
	return 0;
}

void sbx_schema_pattern_free(struct sbx_schema_pattern **pattern)
{
	if (!*pattern)
		return;
	library.pcre2_code_free_8((*pattern)->code);
	free(*pattern);
	*pattern = NULL;
}

/* --- matching -------------------------------------------------------------- */

struct sbx_schema_matcher {
	pcre2_match_data_8 *data;
	pcre2_match_context_8 *context;
	int64_t *steps;
	double deadline_ms;
	size_t position;
	unsigned int calls;
};

/* Between two of these nothing happens that takes long. */
static int callout(pcre2_callout_block_8 *block, void *ctx)
{
	struct sbx_schema_matcher *matcher = ctx;
	size_t now = block->current_position;
	size_t moved = now > matcher->position ? now - matcher->position
					       : matcher->position - now;

	matcher->position = now;
	*matcher->steps -= 1 + (int64_t)(moved / SCAN);
	if (*matcher->steps <= 0)
		return PCRE2_ERROR_CALLOUT;
	if (++matcher->calls % CLOCK_EVERY == 0 &&
	    sbx_clock_ms() > matcher->deadline_ms)
		return PCRE2_ERROR_CALLOUT;
	return 0;
}

/* There is a pattern, so the library is there. */
static void prepare(struct sbx_schema_matcher *matcher)
{
	if (matcher->data)
		return;
	matcher->data = library.pcre2_match_data_create_8(1, NULL);
	matcher->context = library.pcre2_match_context_create_8(NULL);
	if (!matcher->data || !matcher->context)
		abort();
	library.pcre2_set_callout_8(matcher->context, callout, matcher);
	library.pcre2_set_heap_limit_8(matcher->context, HEAP_KIB);
}

void sbx_schema_matcher_new(int64_t *steps, double deadline_ms,
			    struct sbx_schema_matcher **out)
{
	struct sbx_schema_matcher *matcher = sbx_calloc(1, sizeof(*matcher));

	matcher->steps = steps;
	matcher->deadline_ms = deadline_ms;
	*out = matcher;
}

void sbx_schema_matcher_free(struct sbx_schema_matcher **matcher)
{
	if (!*matcher)
		return;
	if ((*matcher)->data) {
		library.pcre2_match_data_free_8((*matcher)->data);
		library.pcre2_match_context_free_8((*matcher)->context);
	}
	free(*matcher);
	*matcher = NULL;
}

int sbx_schema_pattern_match(struct sbx_schema_matcher *matcher,
			     const struct sbx_schema_pattern *pattern,
			     const char *text, size_t size)
{
	int result;

	prepare(matcher);
	matcher->position = 0;
	*matcher->steps -= 1 + (int64_t)(size / SCAN);
	result = library.pcre2_match_8(pattern->code, (PCRE2_SPTR8)text, size,
				       0, PCRE2_NO_UTF_CHECK, matcher->data,
				       matcher->context);
	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	return result < 0 ? -1 : 1;
}
