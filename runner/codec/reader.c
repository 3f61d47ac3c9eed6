/* SPDX-License-Identifier: MIT */
#include "codec/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

#define SHOWN_MAX   60
#define FIELDS_MAX  64
#define POINTER_MAX (1024 * 1024)

/* --- where ---------------------------------------------------------------- */

struct sbx_at sbx_at_member(const struct sbx_at *up, const char *key)
{
	return (struct sbx_at){ .reader = up->reader,
				.up = up,
				.key = key,
				.value = json_object_get(up->value, key) };
}

struct sbx_at sbx_at_element(const struct sbx_at *up, size_t index)
{
	return (struct sbx_at){ .reader = up->reader,
				.up = up,
				.index = index,
				.value = json_array_get(up->value, index) };
}

/* JSON Pointer (RFC 6901) to @at. */
static void put_pointer(struct sbx_buf *out, const struct sbx_at *at)
{
	if (!at->up)
		return;
	put_pointer(out, at->up);
	sbx_buf_puts(out, "/");
	if (!at->key)
		sbx_buf_printf(out, "%zu", at->index);
	for (const char *c = at->key; c && *c; c++) {
		if (*c == '~')
			sbx_buf_puts(out, "~0");
		else if (*c == '/')
			sbx_buf_puts(out, "~1");
		else
			sbx_buf_append(out, c, 1);
	}
}

struct sbx_yaml_place sbx_reader_place(const struct sbx_at *at)
{
	struct sbx_buf pointer = SBX_BUF_INIT(POINTER_MAX);
	struct sbx_yaml_place place;

	put_pointer(&pointer, at);
	place = sbx_yaml_value_place(at->reader->yaml, sbx_buf_text(&pointer));
	sbx_buf_free(&pointer);
	return place;
}

static struct sbx_yaml_place key_place(const struct sbx_at *at)
{
	struct sbx_buf pointer = SBX_BUF_INIT(POINTER_MAX);
	struct sbx_yaml_place place;

	put_pointer(&pointer, at);
	place = sbx_yaml_key_place(at->reader->yaml, sbx_buf_text(&pointer));
	sbx_buf_free(&pointer);
	return place;
}

/* @text, harmless and not too long. */
static void put_shown(struct sbx_buf *out, const char *text)
{
	size_t size = strlen(text);

	if (size <= SHOWN_MAX) {
		sbx_text_escape(out, text, size, false);
		return;
	}
	for (size = SHOWN_MAX; (text[size] & 0xc0) == 0x80; size--)
		;
	sbx_text_escape(out, text, size, false);
	sbx_buf_puts(out, "...");
}

/* "actions.fetch.volumes[0]" */
static void put_path(struct sbx_buf *out, const struct sbx_at *at)
{
	if (!at->up)
		return;
	put_path(out, at->up);
	if (!at->key) {
		sbx_buf_printf(out, "[%zu]", at->index);
		return;
	}
	if (at->up->up)
		sbx_buf_puts(out, ".");
	put_shown(out, at->key);
}

/* --- what ----------------------------------------------------------------- */

/*
 * A scalar that has a fault counts as null: what else there is to say about
 * that null is no news.
 */
static bool is_echo(const struct sbx_reader *reader,
		    struct sbx_yaml_place place)
{
	for (size_t i = 0; i < reader->n_faults; i++) {
		const struct sbx_yaml_place *fault = &reader->findings[i].place;

		if (fault->line == place.line && fault->column == place.column)
			return true;
	}
	return false;
}

static void add_finding(struct sbx_reader *reader, struct sbx_yaml_place place,
			const char *text, bool warning)
{
	size_t size = (reader->n_findings + 1) * sizeof(*reader->findings);

	reader->findings = sbx_realloc(reader->findings, size);
	reader->findings[reader->n_findings++] = (struct sbx_reader_finding){
		.place = place,
		.text = sbx_strdup(text),
		.warning = warning,
	};
}

__attribute__((format(printf, 4, 0))) static void
note(const struct sbx_at *at, struct sbx_yaml_place place, bool warning,
     const char *format, va_list args)
{
	struct sbx_buf text = SBX_BUF_INIT(4096);
	cleanup_free char *message = NULL;

	if (vasprintf(&message, format, args) < 0)
		abort();
	put_path(&text, at);
	sbx_buf_puts(&text, at->up ? ": " : "");
	sbx_text_escape(&text, message, strlen(message), false);
	if (!is_echo(at->reader, place))
		add_finding(at->reader, place, sbx_buf_text(&text), warning);
	sbx_buf_free(&text);
}

/* True, and counted, when no more is noted: finding a place takes time. */
static bool is_full(struct sbx_reader *reader)
{
	if (reader->n_findings - reader->n_warnings < SBX_READER_ERRORS_MAX)
		return false;
	reader->dropped++;
	return true;
}

void sbx_reader_error(const struct sbx_at *at, const char *format, ...)
{
	va_list args;

	if (is_full(at->reader))
		return;
	va_start(args, format);
	note(at, sbx_reader_place(at), false, format, args);
	va_end(args);
}

void sbx_reader_key_error(const struct sbx_at *at, const char *format, ...)
{
	va_list args;

	if (is_full(at->reader))
		return;
	va_start(args, format);
	note(at, key_place(at), false, format, args);
	va_end(args);
}

void sbx_reader_warn(const struct sbx_at *at, const char *format, ...)
{
	va_list args;

	if (at->reader->n_warnings == SBX_READER_WARNINGS_MAX)
		return;
	at->reader->n_warnings++;
	va_start(args, format);
	note(at, sbx_reader_place(at), true, format, args);
	va_end(args);
}

static void put_value(struct sbx_buf *out, const struct sbx_at *at)
{
	const json_t *value = at->value;
	cleanup_free char *line = NULL;

	if (json_is_null(value)) {
		sbx_buf_puts(out, "nothing");
	} else if (json_is_array(value)) {
		sbx_buf_puts(out, "a list");
	} else if (json_is_object(value)) {
		sbx_buf_puts(out, "a mapping");
	} else if (at->reader->hides_values) {
		sbx_buf_puts(out, "something else");
	} else if (json_is_string(value)) {
		sbx_buf_puts(out, "\"");
		put_shown(out, json_string_value(value));
		sbx_buf_puts(out, "\"");
	} else {
		line = sbx_json_line(value);
		sbx_buf_puts(out, line);
	}
}

void sbx_reader_expected(const struct sbx_at *at, const char *what)
{
	struct sbx_buf found = SBX_BUF_INIT(1024);

	put_value(&found, at);
	sbx_reader_error(at, "found %s, expected %s", sbx_buf_text(&found),
			 what);
	sbx_buf_free(&found);
}

void sbx_reader_refused(const struct sbx_at *at, const char *why)
{
	struct sbx_buf found = SBX_BUF_INIT(1024);

	put_value(&found, at);
	sbx_reader_error(at, "found %s: %s", sbx_buf_text(&found), why);
	sbx_buf_free(&found);
}

/* --- all that was found --------------------------------------------------- */

/* Starts with the faults of @yaml.  The document itself. */
static struct sbx_at begin(struct sbx_reader *reader,
			   const struct sbx_yaml *yaml)
{
	const struct sbx_strv *faults = sbx_yaml_faults(yaml);

	*reader = (struct sbx_reader){ .yaml = yaml };
	for (size_t i = 0; i < faults->n; i++) {
		struct sbx_yaml_place place = { 1, 1 };
		int start = 0;

		sscanf(faults->v[i], "%u:%u: %n", &place.line, &place.column,
		       &start);
		add_finding(reader, place, faults->v[i] + start, false);
	}
	reader->n_faults = reader->n_findings;
	return (struct sbx_at){ .reader = reader,
				.value = sbx_yaml_root(yaml) };
}

static bool is_before(const struct sbx_reader_finding *a,
		      const struct sbx_reader_finding *b)
{
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line;
	return a->place.column < b->place.column;
}

/* Insertion sort: stable, and there are not many. */
static void sort(struct sbx_reader_finding *all, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct sbx_reader_finding moving = all[i];
		size_t to = i;

		for (; to > 0 && is_before(&moving, &all[to - 1]); to--)
			all[to] = all[to - 1];
		all[to] = moving;
	}
}

/* Moves what was found to @problems, in the order of the file. */
static void finish(struct sbx_reader *reader, struct sbx_problems *problems)
{
	sort(reader->findings, reader->n_findings);
	for (size_t i = 0; i < reader->n_findings; i++) {
		struct sbx_reader_finding *found = &reader->findings[i];

		sbx_strv_push_take(found->warning ? &problems->warnings
						  : &problems->errors,
				   sbx_asprintf("%u:%u: %s", found->place.line,
						found->place.column,
						found->text));
		free(found->text);
	}
	if (reader->dropped > 0)
		sbx_strv_push_take(&problems->errors,
				   sbx_asprintf("1:1: and %zu more problems",
						reader->dropped));
	free(reader->findings);
	*reader = (struct sbx_reader){ .yaml = NULL };
}

int sbx_read_document(const char *data, size_t size, const char *what,
		      void (*read)(const struct sbx_at *root, void *object),
		      void *object, struct sbx_problems *problems)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;
	struct sbx_reader reader;
	struct sbx_at root;

	if (size > SBX_DOCUMENT_SIZE_MAX) {
		sbx_strv_push_take(&problems->errors,
				   sbx_asprintf("1:1: the %s is larger than 1 "
						"MiB, the most it may be",
						what));
		return -1;
	}
	if (sbx_yaml_parse(data, size, &yaml, &err) < 0) {
		sbx_strv_push(&problems->errors, err.message);
		return -1;
	}
	root = begin(&reader, yaml);
	read(&root, object);
	finish(&reader, problems);
	sbx_yaml_free(&yaml);
	return problems->errors.n == 0 ? 0 : -1;
}

/* --- mappings by tables --------------------------------------------------- */

static const struct sbx_field *find_field(const struct sbx_field *fields,
					  const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

static bool is_usable(const struct sbx_field *field, unsigned int only)
{
	return (field->flags & (SBX_FIELD_LATER | SBX_FIELD_NEVER)) == 0 &&
	       (field->flags & only) == only;
}

static void unknown_key(const struct sbx_at *at, const struct sbx_field *fields,
			unsigned int only)
{
	const char *names[FIELDS_MAX] = { NULL };
	struct sbx_buf list = SBX_BUF_INIT(2048);
	const char *nearest;
	size_t n = 0;

	for (; fields->name && n < FIELDS_MAX - 1; fields++) {
		if (!is_usable(fields, only))
			continue;
		names[n++] = fields->name;
		sbx_buf_printf(&list, "%s%s", n > 1 ? ", " : "", fields->name);
	}
	nearest = sbx_text_nearest(at->key, names);
	if (strcmp(at->key, "<<") == 0)
		sbx_reader_key_error(at, "merge keys are not part of YAML 1.2: "
					 "what all actions share goes under "
					 "\"defaults\"");
	else if (nearest)
		sbx_reader_key_error(at, "unknown key, did you mean \"%s\"?",
				     nearest);
	else
		sbx_reader_key_error(at,
				     "unknown key, expected one of %s "
				     "(or x-... for notes of your own)",
				     sbx_buf_text(&list));
	sbx_buf_free(&list);
}

static void read_member(const struct sbx_at *at, const struct sbx_field *fields,
			unsigned int only, void *object)
{
	const struct sbx_field *field = find_field(fields, at->key);

	if (sbx_text_has_prefix(at->key, "x-"))
		return;
	if (!field)
		unknown_key(at, fields, only);
	else if (field->flags & SBX_FIELD_LATER)
		sbx_reader_key_error(at, "not supported yet, remove it");
	else if (field->flags & SBX_FIELD_NEVER)
		sbx_reader_key_error(at, "no policy can grant this, remove it");
	else if (!is_usable(field, only))
		sbx_reader_key_error(at,
				     "this cannot stand here, give it in each "
				     "action");
	else
		field->read(at, field, object);
}

bool sbx_read_mapping(const struct sbx_at *at, const struct sbx_field *fields,
		      unsigned int only, void *object)
{
	const char *key;
	json_t *member;

	if (!json_is_object(at->value)) {
		sbx_reader_expected(at, "a mapping");
		return false;
	}
	json_object_foreach ((json_t *)at->value, key, member) {
		struct sbx_at inner = sbx_at_member(at, key);

		read_member(&inner, fields, only, object);
	}
	for (; fields->name; fields++) {
		if ((fields->flags & SBX_FIELD_REQUIRED) &&
		    !json_object_get(at->value, fields->name))
			sbx_reader_key_error(at, "\"%s\" is missing: add %s",
					     fields->name, fields->expected);
	}
	return true;
}

json_t *sbx_reader_field_names(const struct sbx_field *fields,
			       unsigned int only)
{
	json_t *names = json_array();

	for (; fields->name; fields++) {
		if (is_usable(fields, only))
			json_array_append_new(names, json_string(fields->name));
	}
	return names;
}
