/* SPDX-License-Identifier: MIT */
/* Keywords that look at a value without subschemas. */
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/schema_node.h"

#define SHOWN_MAX 300

static const struct {
	const char *name;
	unsigned int bit;
	const char *words;
} types[] = {
	{ "object", SBX_SCHEMA_OBJECT, "an object" },
	{ "array", SBX_SCHEMA_ARRAY, "a list" },
	{ "string", SBX_SCHEMA_STRING, "a text" },
	{ "integer", SBX_SCHEMA_INTEGER, "a whole number" },
	{ "number", SBX_SCHEMA_NUMBER, "a number" },
	{ "boolean", SBX_SCHEMA_BOOL, "true or false" },
	{ "null", SBX_SCHEMA_NULL, "null" },
};

unsigned int sbx_schema_type_bit(const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, name) == 0)
			return types[i].bit;
	}
	return 0;
}

/* "found VALUE, expected EXPECTED", for which there is room. */
static bool say_found(struct sbx_schema_run *run,
		      const struct sbx_schema_rule *rule,
		      const struct sbx_schema_at *at, const char *expected)
{
	struct sbx_buf shown = SBX_BUF_INIT(1024);

	sbx_schema_put_value(&shown, at->value);
	sbx_schema_say(run, rule, at, "found %s, expected %s",
		       sbx_buf_text(&shown), expected);
	sbx_buf_free(&shown);
	return false;
}

static unsigned int wanted_types(const json_t *value)
{
	unsigned int wanted = 0;
	size_t index;
	json_t *type;

	if (json_is_string(value))
		return sbx_schema_type_bit(json_string_value(value));
	json_array_foreach (value, index, type)
		wanted |= sbx_schema_type_bit(json_string_value(type));
	return wanted;
}

bool sbx_schema_eval_type(struct sbx_schema_run *run,
			  const struct sbx_schema_rule *rule,
			  const struct sbx_schema_at *at,
			  struct sbx_schema_marks *marks)
{
	unsigned int wanted = wanted_types(rule->value);
	struct sbx_buf words = SBX_BUF_INIT(SHOWN_MAX);

	(void)marks;
	if (wanted & sbx_schema_types_of(at->value))
		return true;
	if (!sbx_schema_wants(run))
		return false;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(types); i++) {
		if (wanted & types[i].bit)
			sbx_buf_printf(&words, "%s%s", words.len ? " or " : "",
				       types[i].words);
	}
	say_found(run, rule, at, sbx_buf_text(&words));
	sbx_buf_free(&words);
	return false;
}

/* Also tells when the steps are used up. */
static bool is_equal(struct sbx_schema_run *run, const json_t *a,
		     const json_t *b)
{
	bool equal = sbx_schema_equal(a, b, &run->steps);

	return sbx_schema_spend(run, 0) && equal;
}

bool sbx_schema_eval_const(struct sbx_schema_run *run,
			   const struct sbx_schema_rule *rule,
			   const struct sbx_schema_at *at,
			   struct sbx_schema_marks *marks)
{
	cleanup_free char *line = NULL;
	struct sbx_buf words = SBX_BUF_INIT(SHOWN_MAX);

	(void)marks;
	if (is_equal(run, rule->value, at->value))
		return true;
	if (!sbx_schema_wants(run))
		return false;
	line = sbx_json_line(rule->value);
	sbx_buf_puts(&words, line);
	say_found(run, rule, at, sbx_buf_text(&words));
	sbx_buf_free(&words);
	return false;
}

bool sbx_schema_eval_enum(struct sbx_schema_run *run,
			  const struct sbx_schema_rule *rule,
			  const struct sbx_schema_at *at,
			  struct sbx_schema_marks *marks)
{
	struct sbx_buf words = SBX_BUF_INIT(SHOWN_MAX);
	size_t index;
	json_t *value;

	(void)marks;
	json_array_foreach (rule->value, index, value) {
		if (is_equal(run, value, at->value))
			return true;
	}
	if (!sbx_schema_wants(run))
		return false;
	json_array_foreach (rule->value, index, value) {
		cleanup_free char *line = sbx_json_line(value);

		if (!sbx_buf_printf(&words, "%s%s", index ? ", " : "one of ",
				    line))
			break;
	}
	say_found(run, rule, at,
		  words.len ? sbx_buf_text(&words) : "none of all values");
	sbx_buf_free(&words);
	return false;
}

/* --- numbers --------------------------------------------------------------- */

bool sbx_schema_eval_bound(struct sbx_schema_run *run,
			   const struct sbx_schema_rule *rule,
			   const struct sbx_schema_at *at,
			   struct sbx_schema_marks *marks)
{
	int order = sbx_schema_compare(at->value, rule->value);
	bool is_exclusive = rule->keyword->name[0] == 'e';
	bool is_minimum = strstr(rule->keyword->name, "inimum");
	cleanup_free char *bound = NULL;
	cleanup_free char *words = NULL;

	(void)marks;
	if (is_minimum)
		order = -order;
	if (order < 0 || (order == 0 && !is_exclusive))
		return true;
	if (!sbx_schema_wants(run))
		return false;
	bound = sbx_json_line(rule->value);
	if (is_exclusive)
		words = sbx_asprintf("%s than %s", is_minimum ? "more" : "less",
				     bound);
	else
		words = sbx_asprintf("at %s %s", is_minimum ? "least" : "most",
				     bound);
	return say_found(run, rule, at, words);
}

bool sbx_schema_eval_multiple_of(struct sbx_schema_run *run,
				 const struct sbx_schema_rule *rule,
				 const struct sbx_schema_at *at,
				 struct sbx_schema_marks *marks)
{
	bool are_integers = json_is_integer(at->value) &&
			    json_is_integer(rule->value);
	cleanup_free char *unit = NULL;
	cleanup_free char *words = NULL;

	(void)marks;
	/* Reals have up to some hundred digits. */
	if (!sbx_schema_spend(run, are_integers ? 4 : 200) ||
	    sbx_schema_is_multiple(at->value, rule->value))
		return !run->is_over;
	unit = sbx_json_line(rule->value);
	words = sbx_asprintf("a multiple of %s", unit);
	return say_found(run, rule, at, words);
}

/* --- lengths --------------------------------------------------------------- */

static size_t characters(const json_t *string)
{
	const char *text = json_string_value(string);
	size_t n = 0;

	for (size_t i = 0; i < json_string_length(string); i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

/* minLength, maxItems and so on: @rule's name begins with "min" or "max". */
bool sbx_schema_eval_length(struct sbx_schema_run *run,
			    const struct sbx_schema_rule *rule,
			    const struct sbx_schema_at *at,
			    struct sbx_schema_marks *marks)
{
	bool is_minimum = strncmp(rule->keyword->name, "min", 3) == 0;
	double limit = json_number_value(rule->value);
	const char *what = "element";
	size_t length;

	(void)marks;
	if (json_is_string(at->value)) {
		what = "character";
		length = characters(at->value);
		sbx_schema_spend(run, length / 64);
	} else if (json_is_array(at->value)) {
		length = json_array_size(at->value);
	} else {
		what = "member";
		length = json_object_size(at->value);
	}
	if (is_minimum ? (double)length >= limit : (double)length <= limit)
		return true;
	return sbx_schema_say(run, rule, at, "%zu %s%s, expected at %s %.0f",
			      length, what, length == 1 ? "" : "s",
			      is_minimum ? "least" : "most", limit);
}

bool sbx_schema_eval_pattern(struct sbx_schema_run *run,
			     const struct sbx_schema_rule *rule,
			     const struct sbx_schema_at *at,
			     struct sbx_schema_marks *marks)
{
	cleanup_free char *words = NULL;

	(void)marks;
	if (sbx_schema_matches(run, rule->patterns[0],
			       json_string_value(at->value),
			       json_string_length(at->value)))
		return true;
	if (!sbx_schema_wants(run))
		return false;
	words = sbx_asprintf("a text that matches %.200s",
			     json_string_value(rule->value));
	return say_found(run, rule, at, words);
}

/* --- lists and objects ----------------------------------------------------- */

struct hashed {
	uint64_t hash;
	size_t index;
};

static int compare_hashed(const void *a, const void *b)
{
	const struct hashed *x = a;
	const struct hashed *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Compares those with equal hashes: few, unless somebody made them so. */
static bool are_unique(struct sbx_schema_run *run,
		       const struct sbx_schema_rule *rule,
		       const struct sbx_schema_at *at, const struct hashed *all,
		       size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n && all[j].hash == all[i].hash;
		     j++) {
			if (is_equal(run,
				     json_array_get(at->value, all[i].index),
				     json_array_get(at->value, all[j].index)))
				return sbx_schema_say(
					run, rule, at,
					"elements %zu and %zu are equal, "
					"expected all to differ",
					all[i].index, all[j].index);
			if (run->is_over)
				return false;
		}
	}
	return true;
}

bool sbx_schema_eval_unique_items(struct sbx_schema_run *run,
				  const struct sbx_schema_rule *rule,
				  const struct sbx_schema_at *at,
				  struct sbx_schema_marks *marks)
{
	size_t n = json_array_size(at->value);
	cleanup_free struct hashed *all = NULL;

	(void)marks;
	if (!json_is_true(rule->value) || n < 2)
		return true;
	/* Memory that is paid for. */
	if (!sbx_schema_spend(run, n))
		return false;
	all = sbx_calloc(n, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		all[i].index = i;
		all[i].hash = sbx_schema_hash(json_array_get(at->value, i),
					      &run->steps);
	}
	if (!sbx_schema_spend(run, 4 * n))
		return false;
	qsort(all, n, sizeof(*all), compare_hashed);
	return are_unique(run, rule, at, all, n);
}

bool sbx_schema_eval_required(struct sbx_schema_run *run,
			      const struct sbx_schema_rule *rule,
			      const struct sbx_schema_at *at,
			      struct sbx_schema_marks *marks)
{
	bool fits = true;
	size_t index;
	json_t *name;

	(void)marks;
	json_array_foreach (rule->value, index, name) {
		if (!sbx_schema_spend(run, 1))
			return false;
		if (!json_object_get(at->value, json_string_value(name)))
			fits = sbx_schema_say(run, rule, at,
					      "the member \"%.100s\" is "
					      "missing",
					      json_string_value(name));
	}
	return fits;
}

static bool has_all(struct sbx_schema_run *run,
		    const struct sbx_schema_rule *rule,
		    const struct sbx_schema_at *at, const char *key,
		    const json_t *names)
{
	bool fits = true;
	size_t index;
	json_t *name;

	json_array_foreach (names, index, name) {
		if (!sbx_schema_spend(run, 1))
			return false;
		if (!json_object_get(at->value, json_string_value(name)))
			fits = sbx_schema_say(run, rule, at,
					      "the member \"%.100s\" is "
					      "missing, which \"%.100s\" "
					      "needs",
					      json_string_value(name), key);
	}
	return fits;
}

bool sbx_schema_eval_dependent_required(struct sbx_schema_run *run,
					const struct sbx_schema_rule *rule,
					const struct sbx_schema_at *at,
					struct sbx_schema_marks *marks)
{
	bool fits = true;
	const char *key;
	json_t *names;

	(void)marks;
	json_object_foreach ((json_t *)rule->value, key, names) {
		if (!sbx_schema_spend(run, 1))
			return false;
		if (json_object_get(at->value, key) &&
		    !has_all(run, rule, at, key, names))
			fits = false;
	}
	return fits;
}
