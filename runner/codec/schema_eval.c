/* SPDX-License-Identifier: MIT */
/*
 * A value is looked at rule by rule, and everything that does not fit is noted
 * with its place.  Where only the answer counts (under "not", or while
 * alternatives are tried), the first misfit is enough and nothing is noted:
 * the reasons are found in a second look, so that nesting costs no more than
 * one more look per level.
 *
 * Whatever is done takes steps from a budget; a circle of alternatives, which
 * would take exponential time, ends there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/schema_node.h"

#define POINTER_MAX 4096

/* How often the clock is looked at, in steps. */
#define CLOCK_EVERY 65536

/* --- limits ---------------------------------------------------------------- */

static bool give_up(struct sbx_schema_run *run, const char *why)
{
	if (!run->is_over)
		sbx_error_set(run->err, SBX_OUTCOME_INVALID,
			      "it cannot be held against the schema: %s", why);
	run->is_over = true;
	return false;
}

bool sbx_schema_spend(struct sbx_schema_run *run, size_t n)
{
	int64_t before = run->steps;

	if (run->is_over)
		return false;
	run->steps -= n < INT64_MAX / 2 ? (int64_t)n : INT64_MAX / 2;
	if (run->steps <= 0)
		return give_up(run, "that takes too many steps");
	if (before / CLOCK_EVERY != run->steps / CLOCK_EVERY &&
	    sbx_clock_ms() > run->deadline_ms)
		return give_up(run, "that takes too long");
	return true;
}

bool sbx_schema_matches(struct sbx_schema_run *run,
			const struct sbx_schema_pattern *pattern,
			const char *text, size_t size)
{
	int result;

	if (!sbx_schema_spend(run, 1))
		return false;
	result = sbx_schema_pattern_match(run->matcher, pattern, text, size);
	if (result < 0)
		return give_up(run, "a pattern takes too many steps");
	return result > 0;
}

/* --- problems -------------------------------------------------------------- */

static void put_place(struct sbx_buf *out, const struct sbx_schema_at *at)
{
	if (!at->up)
		return;
	put_place(out, at->up);
	if (at->key)
		sbx_schema_put_token(out, at->key);
	else
		sbx_buf_printf(out, "/%zu", at->index);
}

/* The keyword of @rule. */
static void put_rule(struct sbx_buf *out, const struct sbx_schema_rule *rule)
{
	sbx_schema_put_node(out, rule->node);
	sbx_schema_put_token(out, rule->keyword->name);
}

static void add_problem(struct sbx_schema_run *run,
			const struct sbx_schema_at *at, struct sbx_buf *rule,
			char *text)
{
	struct sbx_buf place = SBX_BUF_INIT(POINTER_MAX);

	put_place(&place, at);
	sbx_schema_problems_add(run->problems, sbx_strdup(sbx_buf_text(&place)),
				sbx_strdup(sbx_buf_text(rule)), text);
	sbx_buf_free(&place);
}

bool sbx_schema_wants(struct sbx_schema_run *run)
{
	if (run->quiet > 0 || run->is_over)
		return false;
	if (run->problems->n < SBX_SCHEMA_PROBLEMS_MAX)
		return true;
	run->problems->dropped++;
	return false;
}

bool sbx_schema_say(struct sbx_schema_run *run,
		    const struct sbx_schema_rule *rule,
		    const struct sbx_schema_at *at, const char *format, ...)
{
	struct sbx_buf pointer = SBX_BUF_INIT(POINTER_MAX);
	char *text = NULL;
	va_list args;

	if (!sbx_schema_wants(run))
		return false;
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	put_rule(&pointer, rule);
	add_problem(run, at, &pointer, text);
	sbx_buf_free(&pointer);
	return false;
}

/* The schema "false": whose rule it is depends on where it stands. */
static bool say_never(struct sbx_schema_run *run,
		      const struct sbx_schema_node *node,
		      const struct sbx_schema_at *at)
{
	struct sbx_buf pointer = SBX_BUF_INIT(POINTER_MAX);

	if (!sbx_schema_wants(run))
		return false;
	sbx_schema_put_node(&pointer, node);
	add_problem(run, at, &pointer, sbx_strdup("nothing may be here"));
	sbx_buf_free(&pointer);
	return false;
}

void sbx_schema_put_reason(struct sbx_schema_run *run,
			   const struct sbx_schema_node *node,
			   const struct sbx_schema_at *at, struct sbx_buf *out)
{
	cleanup_schema_problems struct sbx_schema_problems found =
		SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_schema_problems *before = run->problems;
	struct sbx_buf place = SBX_BUF_INIT(POINTER_MAX);

	run->problems = &found;
	sbx_schema_eval(run, node, at, NULL);
	run->problems = before;
	if (found.n == 0)
		return;
	put_place(&place, at);
	/* Where it is, seen from here. */
	if (strlen(found.v[0].place) > place.len)
		sbx_buf_printf(out, "%s: ", found.v[0].place + place.len);
	sbx_buf_puts(out, found.v[0].text);
	sbx_buf_free(&place);
}

/* --- what was looked at ---------------------------------------------------- */

void sbx_schema_mark(struct sbx_schema_marks *marks, size_t index)
{
	if (marks)
		marks->bits[index / 8] |= (unsigned char)(1U << index % 8);
}

void sbx_schema_mark_all(struct sbx_schema_marks *marks)
{
	if (marks)
		memset(marks->bits, 0xff, marks->n / 8 + 1);
}

bool sbx_schema_is_marked(const struct sbx_schema_marks *marks, size_t index)
{
	return marks->bits[index / 8] >> index % 8 & 1;
}

/* NULL where there is nothing to mark, or no more time. */
static struct sbx_schema_marks *new_marks(struct sbx_schema_run *run,
					  const json_t *value,
					  struct sbx_schema_marks *marks)
{
	size_t n = json_is_object(value) ? json_object_size(value)
					 : json_array_size(value);

	if (!json_is_object(value) && !json_is_array(value))
		return NULL;
	if (!sbx_schema_spend(run, n / 8 + 1))
		return NULL;
	*marks = (struct sbx_schema_marks){
		.bits = sbx_calloc(1, n / 8 + 1),
		.n = n,
	};
	return marks;
}

/* --- nodes ----------------------------------------------------------------- */

unsigned int sbx_schema_types_of(const json_t *value)
{
	double real = json_real_value(value);

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return SBX_SCHEMA_OBJECT;
	case JSON_ARRAY:
		return SBX_SCHEMA_ARRAY;
	case JSON_STRING:
		return SBX_SCHEMA_STRING;
	case JSON_INTEGER:
		return SBX_SCHEMA_NUMBER | SBX_SCHEMA_INTEGER;
	case JSON_REAL:
		/* From 2^52 on all of them are whole. */
		if (real > 4503599627370496.0 || real < -4503599627370496.0 ||
		    real == (double)(json_int_t)real)
			return SBX_SCHEMA_NUMBER | SBX_SCHEMA_INTEGER;
		return SBX_SCHEMA_NUMBER;
	case JSON_NULL:
		return SBX_SCHEMA_NULL;
	default:
		return SBX_SCHEMA_BOOL;
	}
}

static bool eval_rules(struct sbx_schema_run *run,
		       const struct sbx_schema_node *node,
		       const struct sbx_schema_at *at,
		       struct sbx_schema_marks *marks)
{
	unsigned int types = sbx_schema_types_of(at->value);
	bool fits = true;

	for (size_t i = 0; i < node->n_rules; i++) {
		const struct sbx_schema_rule *rule = &node->rules[i];

		if (!(rule->keyword->types & types) || !rule->keyword->eval)
			continue;
		if (!sbx_schema_spend(run, 1))
			return false;
		if (!rule->keyword->eval(run, rule, at, marks))
			fits = false;
		if (!fits && (run->quiet > 0 || run->is_over))
			return false;
	}
	return fits;
}

static bool eval_deeper(struct sbx_schema_run *run,
			const struct sbx_schema_node *node,
			const struct sbx_schema_at *at,
			struct sbx_schema_marks *marks)
{
	struct sbx_schema_marks own = { 0 };
	bool fits;

	if (!node->has_unevaluated || marks)
		return eval_rules(run, node, at, marks);
	fits = eval_rules(run, node, at, new_marks(run, at->value, &own));
	free(own.bits);
	return fits;
}

bool sbx_schema_eval(struct sbx_schema_run *run,
		     const struct sbx_schema_node *node,
		     const struct sbx_schema_at *at,
		     struct sbx_schema_marks *marks)
{
	bool fits;

	if (!sbx_schema_spend(run, 1))
		return false;
	if (json_is_false(node->json))
		return say_never(run, node, at);
	if (node->n_rules == 0)
		return true;
	if (run->depth == SBX_SCHEMA_DEPTH_MAX)
		return give_up(run, "it is nested too deeply");
	run->depth++;
	fits = eval_deeper(run, node, at, marks);
	run->depth--;
	return fits && !run->is_over;
}

/*
 * What a subschema that does not fit has looked at does not count, but while
 * reasons are looked for, calling it unknown would be one problem too many.
 */
bool sbx_schema_eval_here(struct sbx_schema_run *run,
			  const struct sbx_schema_node *node,
			  const struct sbx_schema_at *at,
			  struct sbx_schema_marks *marks)
{
	struct sbx_schema_marks own = { 0 };
	bool fits;

	if (!marks)
		return sbx_schema_eval(run, node, at, NULL);
	if (!new_marks(run, at->value, &own))
		return false;
	fits = sbx_schema_eval(run, node, at, &own);
	for (size_t i = 0; (fits || run->quiet == 0) && i <= own.n / 8; i++)
		marks->bits[i] |= own.bits[i];
	free(own.bits);
	return fits;
}

bool sbx_schema_eval_quietly(struct sbx_schema_run *run,
			     const struct sbx_schema_node *node,
			     const struct sbx_schema_at *at,
			     struct sbx_schema_marks *marks)
{
	bool fits;

	run->quiet++;
	fits = sbx_schema_eval_here(run, node, at, marks);
	run->quiet--;
	return fits;
}

/* --- the whole ------------------------------------------------------------- */

int sbx_schema_check(const struct sbx_schema *schema, const json_t *value,
		     struct sbx_schema_problems *problems,
		     struct sbx_error *err)
{
	return sbx_schema_check_within(schema, value, SBX_SCHEMA_STEPS_MAX,
				       problems, err);
}

int sbx_schema_check_within(const struct sbx_schema *schema,
			    const json_t *value, int64_t steps,
			    struct sbx_schema_problems *problems,
			    struct sbx_error *err)
{
	struct sbx_schema_at root = { .value = value };
	struct sbx_schema_run run = {
		.problems = problems,
		.err = err,
		.steps = steps,
		.deadline_ms = sbx_clock_ms() + SBX_SCHEMA_TIME_MAX_MS,
	};
	bool fits;

	sbx_schema_matcher_new(&run.steps, run.deadline_ms, &run.matcher);
	fits = sbx_schema_eval(&run, schema->nodes[0], &root, NULL);
	sbx_schema_matcher_free(&run.matcher);
	if (run.is_over) {
		sbx_schema_problems_free(problems);
		return -1;
	}
	return fits ? 0 : SBX_SCHEMA_MISFIT;
}
