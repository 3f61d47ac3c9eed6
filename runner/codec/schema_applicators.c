/* SPDX-License-Identifier: MIT */
/* Keywords whose subschemas look at the same value. */
#include <string.h>

#include "codec/schema_node.h"

#define REASONS_MAX   600
#define REASONS_SHOWN 3

bool sbx_schema_eval_ref(struct sbx_schema_run *run,
			 const struct sbx_schema_rule *rule,
			 const struct sbx_schema_at *at,
			 struct sbx_schema_marks *marks)
{
	return sbx_schema_eval_here(run, rule->nodes[0], at, marks);
}

bool sbx_schema_eval_all_of(struct sbx_schema_run *run,
			    const struct sbx_schema_rule *rule,
			    const struct sbx_schema_at *at,
			    struct sbx_schema_marks *marks)
{
	bool fits = true;

	for (size_t i = 0; i < rule->n_nodes; i++) {
		if (!sbx_schema_eval_here(run, rule->nodes[i], at, marks))
			fits = false;
		if (!fits && (run->quiet > 0 || run->is_over))
			return false;
	}
	return fits;
}

/* "fits none of the 2 alternatives: (1) ...; (2) ..." */
static bool say_none(struct sbx_schema_run *run,
		     const struct sbx_schema_rule *rule,
		     const struct sbx_schema_at *at)
{
	struct sbx_buf reasons = SBX_BUF_INIT(REASONS_MAX);
	size_t n = rule->n_nodes;

	if (!sbx_schema_wants(run))
		return false;
	for (size_t i = 0; i < n && i < REASONS_SHOWN; i++) {
		sbx_buf_printf(&reasons, "%s(%zu) ", i ? "; " : "", i + 1);
		sbx_schema_put_reason(run, rule->nodes[i], at, &reasons);
	}
	sbx_schema_say(run, rule, at, "fits none of the %zu alternatives: %s%s",
		       n, sbx_buf_text(&reasons),
		       n > REASONS_SHOWN ? "; ..." : "");
	sbx_buf_free(&reasons);
	return false;
}

bool sbx_schema_eval_any_of(struct sbx_schema_run *run,
			    const struct sbx_schema_rule *rule,
			    const struct sbx_schema_at *at,
			    struct sbx_schema_marks *marks)
{
	bool fits = false;

	for (size_t i = 0; i < rule->n_nodes && !run->is_over; i++) {
		if (sbx_schema_eval_quietly(run, rule->nodes[i], at, marks))
			fits = true;
		if (fits && !marks)
			return true;
	}
	return fits || say_none(run, rule, at);
}

bool sbx_schema_eval_one_of(struct sbx_schema_run *run,
			    const struct sbx_schema_rule *rule,
			    const struct sbx_schema_at *at,
			    struct sbx_schema_marks *marks)
{
	size_t first = 0;
	size_t n = 0;

	for (size_t i = 0; i < rule->n_nodes && !run->is_over; i++) {
		if (!sbx_schema_eval_quietly(run, rule->nodes[i], at, marks))
			continue;
		if (n++ == 0)
			first = i;
		else
			return sbx_schema_say(run, rule, at,
					      "fits alternatives %zu and %zu, "
					      "expected only one to fit",
					      first + 1, i + 1);
	}
	return n == 1 || say_none(run, rule, at);
}

bool sbx_schema_eval_not(struct sbx_schema_run *run,
			 const struct sbx_schema_rule *rule,
			 const struct sbx_schema_at *at,
			 struct sbx_schema_marks *marks)
{
	struct sbx_buf shown = SBX_BUF_INIT(1024);

	(void)marks;
	if (!sbx_schema_eval_quietly(run, rule->nodes[0], at, NULL))
		return !run->is_over;
	if (!sbx_schema_wants(run))
		return false;
	sbx_schema_put_value(&shown, at->value);
	sbx_schema_say(run, rule, at,
		       "found %s, which is just what it must "
		       "not be",
		       sbx_buf_text(&shown));
	sbx_buf_free(&shown);
	return false;
}

bool sbx_schema_eval_if(struct sbx_schema_run *run,
			const struct sbx_schema_rule *rule,
			const struct sbx_schema_at *at,
			struct sbx_schema_marks *marks)
{
	bool holds = sbx_schema_eval_quietly(run, rule->nodes[0], at, marks);
	const struct sbx_schema_rule *next =
		sbx_schema_rule_of(rule->node, holds ? "then" : "else");

	return !next || sbx_schema_eval_here(run, next->nodes[0], at, marks);
}

bool sbx_schema_eval_dependent_schemas(struct sbx_schema_run *run,
				       const struct sbx_schema_rule *rule,
				       const struct sbx_schema_at *at,
				       struct sbx_schema_marks *marks)
{
	bool fits = true;

	for (size_t i = 0; i < rule->n_nodes; i++) {
		const struct sbx_schema_node *node = rule->nodes[i];

		if (!sbx_schema_spend(run, 1))
			return false;
		if (json_object_get(at->value, node->name) &&
		    !sbx_schema_eval_here(run, node, at, marks))
			fits = false;
	}
	return fits;
}
