/* SPDX-License-Identifier: MIT */
/*
 * jansson parses; writing is our own, for two reasons.  jansson 2.14 prints
 * reals with 17 digits, so that a skill's 0.1 comes back 0.10000000000000001;
 * and it leaves DEL, C1 and bidi characters alone, which JSON can escape
 * without loss and a terminal should never see.
 */
#include "codec/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int sbx_json_parse(const char *data, size_t size, json_t **out,
		   struct sbx_error *err)
{
	struct sbx_buf reason = SBX_BUF_INIT(2 * JSON_ERROR_TEXT_LENGTH);
	json_error_t error;
	json_t *value;

	value = json_loadb(data, size,
			   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES |
				   JSON_ALLOW_NUL,
			   &error);
	if (value) {
		*out = value;
		return 0;
	}
	sbx_text_escape(&reason, error.text, strlen(error.text), false);
	sbx_error_set(err, SBX_OUTCOME_INVALID, "line %d, column %d: %s",
		      error.line > 0 ? error.line : 1,
		      error.column > 0 ? error.column : 1,
		      sbx_buf_text(&reason));
	sbx_buf_free(&reason);
	return -1;
}

static json_t *walk(const json_t *value, va_list names)
{
	json_t *at = (json_t *)value;
	const char *name;

	while (at && (name = va_arg(names, const char *)))
		at = json_object_get(at, name);
	return at;
}

json_t *sbx_json_at(const json_t *value, ...)
{
	va_list names;
	json_t *at;

	va_start(names, value);
	at = walk(value, names);
	va_end(names);
	return at;
}

const char *sbx_json_text_at(const json_t *value, ...)
{
	va_list names;
	json_t *at;

	va_start(names, value);
	at = walk(value, names);
	va_end(names);
	return json_string_value(at);
}

const char *sbx_json_plain_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text && strlen(text) == json_string_length(value) ? text : NULL;
}

json_int_t sbx_json_int_at(json_int_t missing, const json_t *value, ...)
{
	va_list names;
	json_t *at;

	va_start(names, value);
	at = walk(value, names);
	va_end(names);
	return json_is_integer(at) ? json_integer_value(at) : missing;
}

bool sbx_json_true_at(const json_t *value, ...)
{
	va_list names;
	json_t *at;

	va_start(names, value);
	at = walk(value, names);
	va_end(names);
	return json_is_true(at);
}

bool sbx_json_says_nothing(const json_t *value)
{
	return json_is_null(value) ||
	       (json_is_object(value) && json_object_size(value) == 0);
}

json_t *sbx_json_strings(char *const *list)
{
	json_t *array = json_array();

	for (; list && *list; list++)
		json_array_append_new(array, json_string(*list));
	return array;
}

json_t *sbx_json_variables(char *const *list)
{
	json_t *object = json_object();

	for (; list && *list; list++) {
		size_t size = strcspn(*list, "=");
		cleanup_free char *name = sbx_strndup(*list, size);

		json_object_set_new(object, name,
				    json_string(*list + size + 1));
	}
	return object;
}

static void put_escape(struct sbx_buf *out, uint32_t code)
{
	static const char *const short_forms[0x20] = {
		['\b'] = "\\b", ['\f'] = "\\f", ['\n'] = "\\n",
		['\r'] = "\\r", ['\t'] = "\\t",
	};

	if (code < 0x20 && short_forms[code])
		sbx_buf_puts(out, short_forms[code]);
	else if (code == '"' || code == '\\')
		sbx_buf_printf(out, "\\%c", (char)code);
	else
		sbx_buf_printf(out, "\\u%04x", code);
}

static void put_string(struct sbx_buf *out, const char *text, size_t size)
{
	size_t done = 0;
	size_t step;

	sbx_buf_puts(out, "\"");
	for (size_t i = 0; i < size; i += step) {
		uint32_t code;

		step = sbx_text_next(text + i, size - i, &code);
		if (code != '"' && code != '\\' && !sbx_text_is_unsafe(code))
			continue;
		sbx_buf_append(out, text + done, i - done);
		put_escape(out, code);
		done = i + step;
	}
	sbx_buf_append(out, text + done, size - done);
	sbx_buf_puts(out, "\"");
}

/* The shortest form that reads back as the same number. */
static void put_real(struct sbx_buf *out, double value)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	sbx_buf_puts(out, text);
	if (!strpbrk(text, ".e"))
		sbx_buf_puts(out, ".0");
}

/* Line breaks when @indent is not negative. */
static void put_break(struct sbx_buf *out, int indent)
{
	if (indent < 0)
		return;
	sbx_buf_puts(out, "\n");
	for (int i = 0; i < indent; i++)
		sbx_buf_puts(out, "  ");
}

static void put_value(struct sbx_buf *out, const json_t *value, int indent);

static void put_array(struct sbx_buf *out, const json_t *array, int indent)
{
	int inner = indent < 0 ? indent : indent + 1;
	size_t index;
	json_t *value;

	sbx_buf_puts(out, "[");
	json_array_foreach (array, index, value) {
		if (index > 0)
			sbx_buf_puts(out, indent < 0 ? ", " : ",");
		put_break(out, inner);
		put_value(out, value, inner);
	}
	if (json_array_size(array) > 0)
		put_break(out, indent);
	sbx_buf_puts(out, "]");
}

static void put_object(struct sbx_buf *out, const json_t *object, int indent)
{
	int inner = indent < 0 ? indent : indent + 1;
	bool first = true;
	const char *key;
	json_t *value;

	sbx_buf_puts(out, "{");
	json_object_foreach ((json_t *)object, key, value) {
		if (!first)
			sbx_buf_puts(out, indent < 0 ? ", " : ",");
		first = false;
		put_break(out, inner);
		put_string(out, key, strlen(key));
		sbx_buf_puts(out, ": ");
		put_value(out, value, inner);
	}
	if (!first)
		put_break(out, indent);
	sbx_buf_puts(out, "}");
}

static void put_value(struct sbx_buf *out, const json_t *value, int indent)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		put_object(out, value, indent);
		break;
	case JSON_ARRAY:
		put_array(out, value, indent);
		break;
	case JSON_STRING:
		put_string(out, json_string_value(value),
			   json_string_length(value));
		break;
	case JSON_INTEGER:
		sbx_buf_printf(out, "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
		break;
	case JSON_REAL:
		put_real(out, json_real_value(value));
		break;
	case JSON_TRUE:
		sbx_buf_puts(out, "true");
		break;
	case JSON_FALSE:
		sbx_buf_puts(out, "false");
		break;
	case JSON_NULL:
		sbx_buf_puts(out, "null");
		break;
	}
}

char *sbx_json_line(const json_t *value)
{
	struct sbx_buf out = SBX_BUF_INIT(SIZE_MAX / 4);

	put_value(&out, value, -1);
	return sbx_buf_take(&out);
}

char *sbx_json_pretty(const json_t *value)
{
	struct sbx_buf out = SBX_BUF_INIT(SIZE_MAX / 4);

	put_value(&out, value, 0);
	return sbx_buf_take(&out);
}

/* --- differences ---------------------------------------------------------- */

/*
 * @out		where the lines go
 * @pointer	JSON Pointer of where we are
 * @subset	members that are only in the actual value are fine
 * @equal	nothing was found so far
 */
struct diff {
	struct sbx_buf *out;
	struct sbx_buf pointer;
	bool subset;
	bool equal;
};

static void report(struct diff *diff, const json_t *expected,
		   const json_t *actual)
{
	cleanup_free char *want = expected ? sbx_json_line(expected) : NULL;
	cleanup_free char *have = actual ? sbx_json_line(actual) : NULL;
	const char *where = sbx_buf_text(&diff->pointer);

	diff->equal = false;
	if (*where == '\0')
		where = "(whole)";
	if (!want)
		sbx_buf_printf(diff->out, "%s: not expected, got %s\n", where,
			       have);
	else if (!have)
		sbx_buf_printf(diff->out, "%s: expected %s, got nothing\n",
			       where, want);
	else
		sbx_buf_printf(diff->out, "%s: expected %s, got %s\n", where,
			       want, have);
}

/* An integer against a real: above 2^53 a conversion would lose digits. */
static bool integer_is_real(json_int_t integer, double real)
{
	return real >= -9223372036854775808.0 && real < 9223372036854775808.0 &&
	       trunc(real) == real && (json_int_t)real == integer;
}

static bool scalar_equal(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_real(b))
		return integer_is_real(json_integer_value(a),
				       json_real_value(b));
	if (json_is_real(a) && json_is_integer(b))
		return scalar_equal(b, a);
	return json_equal(a, b);
}

static void compare(struct diff *diff, const json_t *expected,
		    const json_t *actual);

/* Compares what is under @key (or @index without one). */
static void descend(struct diff *diff, const char *key, size_t index,
		    const json_t *expected, const json_t *actual)
{
	size_t parent = diff->pointer.len;

	sbx_buf_puts(&diff->pointer, "/");
	if (!key)
		sbx_buf_printf(&diff->pointer, "%zu", index);
	for (; key && *key; key++) {
		if (*key == '~')
			sbx_buf_puts(&diff->pointer, "~0");
		else if (*key == '/')
			sbx_buf_puts(&diff->pointer, "~1");
		else
			sbx_buf_append(&diff->pointer, key, 1);
	}
	if (expected && actual)
		compare(diff, expected, actual);
	else
		report(diff, expected, actual);
	diff->pointer.len = parent;
	diff->pointer.data[parent] = '\0';
}

static void compare_arrays(struct diff *diff, const json_t *expected,
			   const json_t *actual)
{
	size_t size = json_array_size(expected);

	if (json_array_size(actual) > size)
		size = json_array_size(actual);
	for (size_t i = 0; i < size; i++)
		descend(diff, NULL, i, json_array_get(expected, i),
			json_array_get(actual, i));
}

static void compare_objects(struct diff *diff, const json_t *expected,
			    const json_t *actual)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)expected, key, value)
		descend(diff, key, 0, value, json_object_get(actual, key));
	if (diff->subset)
		return;
	json_object_foreach ((json_t *)actual, key, value) {
		if (!json_object_get(expected, key))
			descend(diff, key, 0, NULL, value);
	}
}

static void compare(struct diff *diff, const json_t *expected,
		    const json_t *actual)
{
	if (json_is_object(expected) && json_is_object(actual))
		compare_objects(diff, expected, actual);
	else if (json_is_array(expected) && json_is_array(actual))
		compare_arrays(diff, expected, actual);
	else if (!scalar_equal(expected, actual))
		report(diff, expected, actual);
}

bool sbx_json_diff(struct sbx_buf *out, const json_t *expected,
		   const json_t *actual, bool subset)
{
	struct diff diff = { .out = out,
			     .pointer = SBX_BUF_INIT(SIZE_MAX / 4),
			     .subset = subset,
			     .equal = true };

	compare(&diff, expected, actual);
	sbx_buf_free(&diff.pointer);
	return diff.equal;
}
