/* SPDX-License-Identifier: MIT */
/* Keywords whose subschemas look at the elements of a list. */
#include "codec/schema_node.h"

static bool eval_element(struct sbx_schema_run *run,
			 const struct sbx_schema_node *node,
			 const struct sbx_schema_at *at, size_t index)
{
	struct sbx_schema_at element = {
		.up = at,
		.index = index,
		.value = json_array_get(at->value, index),
	};

	return sbx_schema_eval(run, node, &element, NULL);
}

bool sbx_schema_eval_prefix_items(struct sbx_schema_run *run,
				  const struct sbx_schema_rule *rule,
				  const struct sbx_schema_at *at,
				  struct sbx_schema_marks *marks)
{
	size_t n = json_array_size(at->value);
	bool fits = true;

	for (size_t i = 0; i < n && i < rule->n_nodes; i++) {
		sbx_schema_mark(marks, i);
		if (!eval_element(run, rule->nodes[i], at, i))
			fits = false;
		if (!fits && (run->quiet > 0 || run->is_over))
			return false;
	}
	return fits;
}

/* "false" says it once, not for each. */
static bool eval_rest(struct sbx_schema_run *run,
		      const struct sbx_schema_rule *rule,
		      const struct sbx_schema_at *at, size_t first)
{
	size_t n = json_array_size(at->value);
	bool fits = true;

	if (json_is_false(rule->value) && n > first)
		return sbx_schema_say(run, rule, at,
				      "%zu in all, expected at most %zu", n,
				      first);
	for (size_t i = first; i < n; i++) {
		if (!eval_element(run, rule->nodes[0], at, i))
			fits = false;
		if (!fits && (run->quiet > 0 || run->is_over))
			return false;
	}
	return fits;
}

bool sbx_schema_eval_items(struct sbx_schema_run *run,
			   const struct sbx_schema_rule *rule,
			   const struct sbx_schema_at *at,
			   struct sbx_schema_marks *marks)
{
	const struct sbx_schema_rule *prefix =
		sbx_schema_rule_of(rule->node, "prefixItems");

	sbx_schema_mark_all(marks);
	return eval_rest(run, rule, at, prefix ? prefix->n_nodes : 0);
}

bool sbx_schema_eval_contains(struct sbx_schema_run *run,
			      const struct sbx_schema_rule *rule,
			      const struct sbx_schema_at *at,
			      struct sbx_schema_marks *marks)
{
	const struct sbx_schema_rule *min =
		sbx_schema_rule_of(rule->node, "minContains");
	const struct sbx_schema_rule *max =
		sbx_schema_rule_of(rule->node, "maxContains");
	double least = min ? json_number_value(min->value) : 1;
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(at->value); i++) {
		bool fits;

		run->quiet++;
		fits = eval_element(run, rule->nodes[0], at, i);
		run->quiet--;
		if (run->is_over)
			return false;
		if (fits) {
			n++;
			sbx_schema_mark(marks, i);
		}
	}
	if ((double)n < least)
		return sbx_schema_say(run, min ? min : rule, at,
				      "%zu that fit \"contains\", expected "
				      "at least %.0f",
				      n, least);
	if (max && (double)n > json_number_value(max->value))
		return sbx_schema_say(run, max, at,
				      "%zu that fit \"contains\", expected "
				      "at most %.0f",
				      n, json_number_value(max->value));
	return true;
}

bool sbx_schema_eval_unevaluated_items(struct sbx_schema_run *run,
				       const struct sbx_schema_rule *rule,
				       const struct sbx_schema_at *at,
				       struct sbx_schema_marks *marks)
{
	bool fits = true;

	for (size_t i = 0; i < json_array_size(at->value); i++) {
		if (!marks || !sbx_schema_spend(run, 1))
			return false;
		if (sbx_schema_is_marked(marks, i))
			continue;
		if (json_is_false(rule->value))
			return sbx_schema_say(run, rule, at,
					      "nothing is known of element %zu",
					      i);
		if (!eval_element(run, rule->nodes[0], at, i))
			fits = false;
		if (!fits && run->quiet > 0)
			return false;
	}
	sbx_schema_mark_all(marks);
	return fits;
}
