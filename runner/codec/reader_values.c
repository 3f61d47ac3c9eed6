/* SPDX-License-Identifier: MIT */
#include "codec/reader.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/units.h"

static void *member_of(void *object, const struct sbx_field *field)
{
	return (char *)object + field->offset;
}

const char *sbx_reader_text(const struct sbx_at *at, const char *expected)
{
	const char *text = sbx_json_plain_text(at->value);

	if (!text && json_is_string(at->value))
		sbx_reader_error(at, "found a NUL character, expected %s",
				 expected);
	else if (!text)
		sbx_reader_expected(at, expected);
	return text;
}

static bool is_at_most(const struct sbx_at *at, size_t size, size_t max)
{
	if (size <= max)
		return true;
	sbx_reader_error(at, "found %zu entries, expected at most %zu", size,
			 max);
	return false;
}

bool sbx_reader_is_list(const struct sbx_at *at, size_t max,
			const char *expected)
{
	if (json_is_array(at->value))
		return is_at_most(at, json_array_size(at->value), max);
	sbx_reader_expected(at, expected);
	return false;
}

bool sbx_reader_is_mapping(const struct sbx_at *at, size_t max,
			   const char *expected)
{
	if (json_is_object(at->value))
		return is_at_most(at, json_object_size(at->value), max);
	sbx_reader_expected(at, expected);
	return false;
}

void sbx_read_text(const struct sbx_at *at, const struct sbx_field *field,
		   void *object)
{
	const char *text = sbx_reader_text(at, field->expected);

	if (text && field->fits && !field->fits(text))
		sbx_reader_expected(at, field->expected);
	else if (text)
		sbx_strset(member_of(object, field), text);
}

/* Notes what is out of the field's range; else stores it. */
static void store(const struct sbx_at *at, const struct sbx_field *field,
		  int64_t number, void *object)
{
	if (number < field->min || number > field->max)
		sbx_reader_expected(at, field->expected);
	else
		*(int64_t *)member_of(object, field) = number;
}

void sbx_read_duration(const struct sbx_at *at, const struct sbx_field *field,
		       void *object)
{
	const char *text = sbx_json_plain_text(at->value);
	int64_t ms = 0;

	if (text && sbx_units_duration(text, &ms))
		store(at, field, ms, object);
	else
		sbx_reader_expected(at, field->expected);
}

void sbx_read_size(const struct sbx_at *at, const struct sbx_field *field,
		   void *object)
{
	const char *text = sbx_json_plain_text(at->value);
	int64_t bytes = 0;

	if (json_is_integer(at->value))
		store(at, field, json_integer_value(at->value), object);
	else if (text && sbx_units_size(text, &bytes))
		store(at, field, bytes, object);
	else
		sbx_reader_expected(at, field->expected);
}

void sbx_read_integer(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	if (json_is_integer(at->value))
		store(at, field, json_integer_value(at->value), object);
	else
		sbx_reader_expected(at, field->expected);
}

/* "none, bridge or host, did you mean ..." */
static void unknown_word(const struct sbx_at *at, const struct sbx_field *field)
{
	struct sbx_buf expected = SBX_BUF_INIT(1024);
	const char *text = json_string_value(at->value);
	const char *nearest = NULL;

	for (size_t i = 0; field->words[i]; i++) {
		if (i > 0)
			sbx_buf_puts(&expected,
				     field->words[i + 1] ? ", " : " or ");
		sbx_buf_puts(&expected, field->words[i]);
	}
	if (text)
		nearest = sbx_text_nearest(text, field->words);
	if (nearest)
		sbx_buf_printf(&expected, "; did you mean \"%s\"?", nearest);
	sbx_reader_expected(at, sbx_buf_text(&expected));
	sbx_buf_free(&expected);
}

void sbx_read_word(const struct sbx_at *at, const struct sbx_field *field,
		   void *object)
{
	const char *text = sbx_json_plain_text(at->value);

	for (size_t i = 0; text && field->words[i]; i++) {
		if (strcmp(text, field->words[i]) == 0) {
			*(unsigned int *)member_of(object, field) =
				(unsigned int)i;
			return;
		}
	}
	unknown_word(at, field);
}

void sbx_read_bool(const struct sbx_at *at, const struct sbx_field *field,
		   void *object)
{
	if (json_is_boolean(at->value))
		*(bool *)member_of(object, field) = json_is_true(at->value);
	else
		sbx_reader_expected(at, "true or false");
}

void sbx_read_nothing(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	(void)at;
	(void)field;
	(void)object;
}

void sbx_read_cpus(const struct sbx_at *at, const struct sbx_field *field,
		   void *object)
{
	const char *text = sbx_json_plain_text(at->value);
	double number = json_number_value(at->value);
	char decimal[400];
	int64_t nano = 0;

	if (json_is_number(at->value)) {
		snprintf(decimal, sizeof(decimal), "%.9f", number);
		if (strtod(decimal, NULL) == number)
			text = decimal;
	}
	if (text && sbx_units_cpus(text, &nano))
		store(at, field, nano, object);
	else
		sbx_reader_expected(at, field->expected);
}

void sbx_read_schema_version(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	(void)object;
	if (!json_is_integer(at->value) || json_integer_value(at->value) != 1)
		sbx_reader_expected(at, field->expected);
}
