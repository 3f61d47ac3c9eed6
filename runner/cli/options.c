/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

/*
 * getopt_long(3) does the parsing, from tables made for it here; its own
 * messages are off because they neither suggest anything nor know the option
 * that is meant when the name was abbreviated.
 *
 * Every option's "val" is FIRST_VALUE plus its index in the flat list below,
 * which tells long options from short ones and from getopt's '?' and ':'.
 */

#define FIRST_VALUE  256
#define OPTIONS_MAX  64
#define PAGE_WIDTH   79
#define LETTERS_SIZE (2 + 2 * OPTIONS_MAX + 1)

/* All options of all groups, flat, and the same in getopt's own form. */
struct table {
	const struct sbx_option *options[OPTIONS_MAX];
	void *values[OPTIONS_MAX];
	size_t n;
	struct option longs[OPTIONS_MAX + 1];
	char letters[LETTERS_SIZE];
};

static void add_option(struct table *table, const struct sbx_option *option,
		       void *values, char **letter)
{
	size_t i = table->n++;

	table->options[i] = option;
	table->values[i] = values;
	table->longs[i] = (struct option){
		.name = option->name,
		.has_arg = option->argument ? required_argument : no_argument,
		.val = FIRST_VALUE + (int)i,
	};
	if (!option->letter)
		return;
	*(*letter)++ = option->letter;
	if (option->argument)
		*(*letter)++ = ':';
}

static void make_table(struct table *table,
		       const struct sbx_option_group *groups, size_t n_groups,
		       bool permute)
{
	char *letter = table->letters;

	if (!permute)
		*letter++ = '+';
	*letter++ = ':';
	for (size_t g = 0; g < n_groups; g++) {
		const struct sbx_option *option = groups[g].options;

		for (; option && option->name; option++) {
			if (table->n == OPTIONS_MAX)
				abort();
			add_option(table, option, groups[g].values, &letter);
		}
	}
}

/* What getopt means by @value: an index, or the number of options. */
static size_t find(const struct table *table, int value)
{
	if (value >= FIRST_VALUE)
		return (size_t)(value - FIRST_VALUE);
	for (size_t i = 0; i < table->n; i++) {
		if (value && table->options[i]->letter == value)
			return i;
	}
	return table->n;
}

static int unknown_letter(int letter, struct sbx_error *err)
{
	if (letter >= '0' && letter <= '9')
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "unknown option '-%c' (put '--' before "
				     "an argument that begins with '-')",
				     letter);
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "unknown option '-%c'",
			     letter);
}

/* getopt says that the long option @word is unknown, or ambiguous. */
static int unknown_word(const struct table *table, const char *word,
			struct sbx_error *err)
{
	const char *names[OPTIONS_MAX + 1] = { NULL };
	cleanup_free char *name = sbx_strndup(word + 2, strcspn(word + 2, "="));
	const char *matches[2] = { NULL, NULL };
	const char *near;
	size_t found = 0;

	for (size_t i = 0; i < table->n; i++) {
		names[i] = table->options[i]->name;
		if (sbx_text_has_prefix(names[i], name) && found < 2)
			matches[found++] = names[i];
	}
	if (found == 2)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "option '--%s' can be '--%s' or '--%s'",
				     name, matches[0], matches[1]);
	near = sbx_text_nearest(name, names);
	if (near)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "unknown option '--%s', did you mean "
				     "'--%s'?",
				     name, near);
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "unknown option '--%s'",
			     name);
}

/* getopt returned '?' or ':'. */
static int refuse(const struct table *table, int result, const char *word,
		  struct sbx_error *err)
{
	size_t i = find(table, optopt);
	const struct sbx_option *option;

	if (i == table->n)
		return optopt ? unknown_letter(optopt, err)
			      : unknown_word(table, word, err);
	option = table->options[i];
	if (result == ':')
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "option '--%s' needs an argument: %s",
				     option->name, option->argument);
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "option '--%s' takes no argument", option->name);
}

static int store_word(const struct sbx_option *option, unsigned int *field,
		      const char *argument, struct sbx_error *err)
{
	const char *word = option->argument;
	size_t size = strcspn(word, "|");

	for (unsigned int i = 0; size > 0; i++) {
		if (strlen(argument) == size &&
		    strncmp(argument, word, size) == 0) {
			*field = i;
			return 0;
		}
		word += size + (word[size] == '|');
		size = strcspn(word, "|");
	}
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "--%s: '%s' is not one of %s", option->name,
			     argument, option->argument);
}

static int store(const struct sbx_option *option, void *values,
		 const char *argument, struct sbx_error *err)
{
	/* getopt gives back values of the table only. */
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
	void *field = (char *)values + option->offset;

	switch (option->kind) {
	case SBX_OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case SBX_OPTION_TEXT:
		*(const char **)field = argument;
		return 0;
	case SBX_OPTION_WORD:
		return store_word(option, field, argument, err);
	case SBX_OPTION_LIST:
		sbx_strv_push(field, argument);
		return 0;
	case SBX_OPTION_LATER:
		break;
	}
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "option '--%s' is not supported yet",
			     option->name);
}

int sbx_options_parse(const struct sbx_option_group *groups, size_t n_groups,
		      bool permute, int argc, char **argv, int *first,
		      struct sbx_error *err)
{
	struct table table = { .n = 0 };

	make_table(&table, groups, n_groups, permute);
	opterr = 0;
	optind = 0; /* glibc: forget the last command line */
	for (;;) {
		int result = getopt_long(argc, argv, table.letters, table.longs,
					 NULL);
		size_t i;

		if (result == -1)
			break;
		if (result == '?' || result == ':')
			return refuse(&table, result, argv[optind - 1], err);
		i = find(&table, result);
		if (store(table.options[i], table.values[i], optarg, err))
			return -1;
	}
	*first = optind;
	return 0;
}

/* --- help ------------------------------------------------------------------ */

/* The length of the longest beginning of @text that fits @width whole words */
static size_t fit(const char *text, size_t width)
{
	size_t size = strlen(text);
	size_t end;

	if (size <= width)
		return size;
	for (end = width; end > 0 && text[end] != ' '; end--)
		;
	return end ? end : strcspn(text, " ");
}

static void pad(struct sbx_buf *out, size_t count)
{
	while (count--)
		sbx_buf_puts(out, " ");
}

void sbx_options_row(struct sbx_buf *out, size_t width, const char *left,
		     const char *text)
{
	size_t used = strlen(left) + 2;

	sbx_buf_printf(out, "  %s", left);
	if (used + 2 > width && *text) {
		sbx_buf_puts(out, "\n");
		used = 0;
	}
	while (*text) {
		size_t size = fit(text, PAGE_WIDTH - width);

		pad(out, width - used);
		sbx_buf_append(out, text, size);
		text += size;
		text += strspn(text, " ");
		if (*text)
			sbx_buf_puts(out, "\n");
		used = 0;
	}
	sbx_buf_puts(out, "\n");
}

void sbx_options_paragraph(struct sbx_buf *out, const char *text)
{
	while (*text) {
		size_t size = fit(text, PAGE_WIDTH);

		sbx_buf_append(out, text, size);
		sbx_buf_puts(out, "\n");
		text += size;
		text += strspn(text, " ");
	}
}

static char *option_title(const struct sbx_option *option)
{
	char letter[8] = "    ";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	return sbx_asprintf("%s--%s%s%s", letter, option->name,
			    option->argument ? " " : "",
			    option->argument ? option->argument : "");
}

void sbx_options_describe(const struct sbx_option *options, struct sbx_buf *out)
{
	for (; options && options->name; options++) {
		cleanup_free char *title = option_title(options);

		if (options->kind != SBX_OPTION_LATER)
			sbx_options_row(out, 28, title, options->help);
	}
}
