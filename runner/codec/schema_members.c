/* SPDX-License-Identifier: MIT */
/* Keywords whose subschemas look at the members of an object. */
#include <string.h>

#include "base/text.h"
#include "codec/schema_node.h"

#define REASON_MAX 600
#define NAMES_MAX  100

static struct sbx_schema_at member_of(const struct sbx_schema_at *up,
				      const char *key, const json_t *value)
{
	return (struct sbx_schema_at){ .up = up, .key = key, .value = value };
}

/* The subschema under @rule (or NULL) that has this name, or NULL. */
static const struct sbx_schema_node *named(const struct sbx_schema_rule *rule,
					   const char *name)
{
	const json_t *number = rule ? json_object_get(rule->names, name) : NULL;

	return number ? rule->nodes[json_integer_value(number)] : NULL;
}

bool sbx_schema_eval_properties(struct sbx_schema_run *run,
				const struct sbx_schema_rule *rule,
				const struct sbx_schema_at *at,
				struct sbx_schema_marks *marks)
{
	bool fits = true;
	size_t index = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)at->value, key, value) {
		const struct sbx_schema_node *node = named(rule, key);
		struct sbx_schema_at member = member_of(at, key, value);

		if (!sbx_schema_spend(run, 1))
			return false;
		if (node) {
			sbx_schema_mark(marks, index);
			fits = sbx_schema_eval(run, node, &member, NULL) &&
			       fits;
		}
		if (!fits && run->quiet > 0)
			return false;
		index++;
	}
	return fits;
}

/* One member against all patterns; *@matched where there is one that does. */
static bool eval_patterns(struct sbx_schema_run *run,
			  const struct sbx_schema_rule *rule,
			  const struct sbx_schema_at *member, bool *matched)
{
	bool fits = true;

	for (size_t i = 0; i < rule->n_nodes && !run->is_over; i++) {
		if (!sbx_schema_matches(run, rule->patterns[i], member->key,
					strlen(member->key)))
			continue;
		*matched = true;
		fits = sbx_schema_eval(run, rule->nodes[i], member, NULL) &&
		       fits;
	}
	return fits;
}

bool sbx_schema_eval_pattern_properties(struct sbx_schema_run *run,
					const struct sbx_schema_rule *rule,
					const struct sbx_schema_at *at,
					struct sbx_schema_marks *marks)
{
	bool fits = true;
	size_t index = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)at->value, key, value) {
		struct sbx_schema_at member = member_of(at, key, value);
		bool matched = false;

		if (!sbx_schema_spend(run, 1))
			return false;
		fits = eval_patterns(run, rule, &member, &matched) && fits;
		if (matched)
			sbx_schema_mark(marks, index);
		if (!fits && run->quiet > 0)
			return false;
		index++;
	}
	return fits;
}

/* --- the others ------------------------------------------------------------ */

/* What "properties" and "patternProperties" beside it do not look at. */
struct others {
	const struct sbx_schema_rule *properties;
	const struct sbx_schema_rule *patterns;
};

static bool is_other(struct sbx_schema_run *run, const struct others *others,
		     const char *key)
{
	if (named(others->properties, key))
		return false;
	for (size_t i = 0; others->patterns && i < others->patterns->n_nodes;
	     i++) {
		if (sbx_schema_matches(run, others->patterns->patterns[i], key,
				       strlen(key)))
			return false;
	}
	return !run->is_over;
}

/* A member that may not be there: perhaps it is only spelt wrong. */
static bool say_unknown(struct sbx_schema_run *run,
			const struct sbx_schema_rule *rule,
			const struct sbx_schema_rule *properties,
			const struct sbx_schema_at *member)
{
	const char *known[NAMES_MAX + 1] = { NULL };
	const char *nearest = NULL;

	if (!sbx_schema_wants(run))
		return false;
	for (size_t i = 0;
	     properties && i < properties->n_nodes && i < NAMES_MAX; i++)
		known[i] = properties->nodes[i]->name;
	if (strlen(member->key) < NAMES_MAX)
		nearest = sbx_text_nearest(member->key, known);
	if (nearest)
		return sbx_schema_say(run, rule, member,
				      "no such member is known, did you mean "
				      "\"%s\"?",
				      nearest);
	return sbx_schema_say(run, rule, member, "no such member is known");
}

bool sbx_schema_eval_additional_properties(struct sbx_schema_run *run,
					   const struct sbx_schema_rule *rule,
					   const struct sbx_schema_at *at,
					   struct sbx_schema_marks *marks)
{
	const struct others others = {
		.properties = sbx_schema_rule_of(rule->node, "properties"),
		.patterns = sbx_schema_rule_of(rule->node, "patternProperties"),
	};
	bool never = json_is_false(rule->value);
	bool fits = true;
	size_t index = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)at->value, key, value) {
		struct sbx_schema_at member = member_of(at, key, value);

		if (!sbx_schema_spend(run, 1))
			return false;
		if (is_other(run, &others, key)) {
			sbx_schema_mark(marks, index);
			if (never)
				fits = say_unknown(run, rule, others.properties,
						   &member);
			else
				fits = sbx_schema_eval(run, rule->nodes[0],
						       &member, NULL) &&
				       fits;
		}
		if (!fits && run->quiet > 0)
			return false;
		index++;
	}
	return fits;
}

bool sbx_schema_eval_unevaluated_properties(struct sbx_schema_run *run,
					    const struct sbx_schema_rule *rule,
					    const struct sbx_schema_at *at,
					    struct sbx_schema_marks *marks)
{
	const struct sbx_schema_rule *properties =
		sbx_schema_rule_of(rule->node, "properties");
	bool never = json_is_false(rule->value);
	bool fits = true;
	size_t index = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)at->value, key, value) {
		struct sbx_schema_at member = member_of(at, key, value);
		size_t number = index++;

		if (!marks || !sbx_schema_spend(run, 1))
			return false;
		if (sbx_schema_is_marked(marks, number))
			continue;
		sbx_schema_mark(marks, number);
		if (never)
			fits = say_unknown(run, rule, properties, &member);
		else
			fits = sbx_schema_eval(run, rule->nodes[0], &member,
					       NULL) &&
			       fits;
		if (!fits && run->quiet > 0)
			return false;
	}
	return fits;
}

bool sbx_schema_eval_property_names(struct sbx_schema_run *run,
				    const struct sbx_schema_rule *rule,
				    const struct sbx_schema_at *at,
				    struct sbx_schema_marks *marks)
{
	bool fits = true;
	const char *key;
	json_t *value;

	(void)marks;
	json_object_foreach ((json_t *)at->value, key, value) {
		json_auto_t *name = json_string(key);
		struct sbx_schema_at member = member_of(at, key, name);
		struct sbx_buf reason = SBX_BUF_INIT(REASON_MAX);

		if (sbx_schema_eval_quietly(run, rule->nodes[0], &member, NULL))
			continue;
		fits = false;
		if (run->quiet > 0 || run->is_over)
			return false;
		if (!sbx_schema_wants(run))
			continue;
		sbx_schema_put_reason(run, rule->nodes[0], &member, &reason);
		sbx_schema_say(run, rule, &member, "its name: %s",
			       sbx_buf_text(&reason));
		sbx_buf_free(&reason);
	}
	return fits;
}
