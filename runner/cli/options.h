/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_OPTIONS_H
#define SBX_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

/*
 * Command lines by table: one list of options drives both the parsing and
 * the text of --help.
 */

enum sbx_option_kind {
	SBX_OPTION_FLAG,  /* bool: set to true */
	SBX_OPTION_TEXT,  /* const char *: the last one given, borrowed */
	SBX_OPTION_WORD,  /* unsigned int: index of the one that was given */
	SBX_OPTION_LIST,  /* struct sbx_strv: all that were given, in order */
	SBX_OPTION_LATER, /* known, but refused: "not supported yet" */
};

/*
 * @name	long name, without the dashes; NULL ends a list
 * @letter	short name, or 0
 * @argument	what --help calls the argument; NULL for a flag; the words of
 *		a WORD: "text|json"
 * @help	what it means; wrapped to the page by the printer
 * @offset	of the field in the values of its group
 */
struct sbx_option {
	const char *name;
	char letter;
	enum sbx_option_kind kind;
	const char *argument;
	const char *help;
	size_t offset;
};

/* A list of options, and the struct that their values go to. */
struct sbx_option_group {
	const struct sbx_option *options;
	void *values;
};

/*
 * Parses argv[1] and what follows; argv[0] is skipped.  With @permute the
 * options may stand anywhere ("--" ends them) and @argv is reordered;
 * without it parsing ends at the first argument.  *@first is the index of
 * the first argument then.  -1 (INVALID) with a sentence for the user when
 * there is an option that is unknown, ambiguous, lacks its argument, has one
 * it does not take, has another than its words, or is not supported yet.
 */
int sbx_options_parse(const struct sbx_option_group *groups, size_t n_groups,
		      bool permute, int argc, char **argv, int *first,
		      struct sbx_error *err);

/* Appends a line or more per option, as --help shows them. */
void sbx_options_describe(const struct sbx_option *options,
			  struct sbx_buf *out);

/*
 * Appends a row of two columns: @left indented by two, @text wrapped beside
 * it from column @width on (below it when @left is longer).
 */
void sbx_options_row(struct sbx_buf *out, size_t width, const char *left,
		     const char *text);

/* Appends @text as lines of at most the page's width. */
void sbx_options_paragraph(struct sbx_buf *out, const char *text);

#endif
