/* SPDX-License-Identifier: MIT */
#include "skill/limits_from.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_pointer.h"
#include "codec/units.h"

/*
 * @granted, @out	where struct sbx_action and sbx_input_limits have it
 * @parse		a text, as in a manifest
 * @number		what a number without a unit is, in units of the limit
 * @is_whole		such a number has to be whole
 * @min			the least there may be
 */
static const struct limit {
	size_t granted;
	size_t out;
	bool (*parse)(const char *text, int64_t *value);
	double number;
	bool is_whole;
	int64_t min;
	const char *expected;
	const char *least;
} limits[SBX_LIMIT_FROM_COUNT] = {
#define IN(member, given)                                                      \
	.granted = offsetof(struct sbx_action, member),                        \
	.out = offsetof(struct sbx_input_limits, given)
	[SBX_TIMEOUT_FROM] = { IN(timeout_ms, timeout_ms),
			       .parse = sbx_units_duration, .number = 1e3,
			       .min = 1,
			       .expected = "a number of seconds or a duration "
					   "such as \"30s\"",
			       .least = "1ms" },
	[SBX_CPUS_FROM] = { IN(nano_cpus, nano_cpus), .parse = sbx_units_cpus,
			    .number = 1e9, .min = SBX_NANO_CPUS_MIN,
			    .expected = "a number of CPUs such as 0.5",
			    .least = "0.01 of a CPU" },
	[SBX_MEM_LIMIT_FROM] = { IN(mem_limit, mem_limit),
				 .parse = sbx_units_size, .number = 1,
				 .is_whole = true, .min = SBX_MEM_LIMIT_MIN,
				 .expected = "a number of bytes or a size such "
					     "as \"256m\"",
				 .least = "6m" },
};

static const struct sbx_limit_unit units[] = {
	{ SBX_TIMEOUT_FROM, "s", 1e3 },
	{ SBX_TIMEOUT_FROM, "ms", 1 },
	{ SBX_CPUS_FROM, "cpus", 1e9 },
	{ SBX_CPUS_FROM, "millicores", 1e6 },
	{ SBX_MEM_LIMIT_FROM, "B", 1 },
	{ SBX_MEM_LIMIT_FROM, "KB", 1 << 10 },
	{ SBX_MEM_LIMIT_FROM, "MB", 1 << 20 },
	{ SBX_MEM_LIMIT_FROM, "GB", 1 << 30 },
};

const struct sbx_limit_unit *sbx_limit_unit_find(enum sbx_limit_from_name limit,
						 const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(units); i++) {
		if (units[i].limit == limit && strcmp(units[i].name, name) == 0)
			return &units[i];
	}
	return NULL;
}

/* In units of the limit; false when @value is nothing of the kind. */
static bool convert(const struct limit *limit,
		    const struct sbx_limit_unit *unit, const json_t *value,
		    double *out)
{
	const char *text = sbx_json_plain_text(value);
	int64_t whole = 0;

	if (json_is_number(value)) {
		*out = json_number_value(value) *
		       (unit ? unit->factor : limit->number);
		return unit || !limit->is_whole || json_is_integer(value);
	}
	if (unit || !text || !limit->parse(text, &whole))
		return false;
	*out = (double)whole;
	return true;
}

static int64_t *slot(const void *object, size_t offset)
{
	return (int64_t *)((const char *)object + offset);
}

static int tighten(const struct limit *limit, const struct sbx_limit_from *from,
		   const json_t *value, const struct sbx_action *action,
		   struct sbx_input_limits *out, struct sbx_error *err)
{
	double asked = 0;

	if (!convert(limit, from->unit, value, &asked))
		return sbx_error_set(
			err, SBX_OUTCOME_INVALID,
			"the input's \"%s\" sets a limit: expected %s%s",
			from->from,
			from->unit ? "a number, which is in " : limit->expected,
			from->unit ? from->unit->name : "");
	if (asked < (double)limit->min)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the input's \"%s\" sets a limit that is "
				     "too low: expected at least %s",
				     from->from, limit->least);
	if (asked < (double)*slot(action, limit->granted))
		*slot(out, limit->out) = llrint(floor(asked));
	return 0;
}

int sbx_limits_from_input(const struct sbx_action *action, const json_t *input,
			  struct sbx_input_limits *out, struct sbx_error *err)
{
	*out = (struct sbx_input_limits)SBX_INPUT_LIMITS_INIT;
	for (size_t i = 0; i < SBX_LIMIT_FROM_COUNT; i++) {
		const struct sbx_limit_from *from = &action->limits_from[i];
		const json_t *value =
			from->from ? sbx_json_pointer_get(input, from->from)
				   : NULL;

		if (value &&
		    tighten(&limits[i], from, value, action, out, err) < 0)
			return -1;
	}
	return 0;
}
