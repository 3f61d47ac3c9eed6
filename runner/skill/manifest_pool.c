/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include "base/mem.h"

const char *const sbx_warm_start_words[] = { "sandbox", "program", NULL };

#define AT(member) .offset = offsetof(struct sbx_warm_pool, member)

const struct sbx_field sbx_warm_pool_fields[] = {
	{ .name = "min",
	  .read = sbx_read_integer,
	  AT(min),
	  .max = SBX_WAITING_MAX,
	  .expected = "how many sandboxes are always kept waiting, from 0 to "
		      "4096" },
	{ .name = "max",
	  .read = sbx_read_integer,
	  AT(max),
	  .max = SBX_WAITING_MAX,
	  .expected = "how many sandboxes may be kept waiting, from 0 to "
		      "4096" },
	{ .name = "start",
	  .read = sbx_read_word,
	  AT(start),
	  .words = sbx_warm_start_words },
	{ .name = NULL },
};

void sbx_manifest_read_warm_pool(const struct sbx_at *at,
				 const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;

	(void)field;
	sbx_read_mapping(at, sbx_warm_pool_fields, 0, &action->warm_pool);
}

/* Where it is said, or else at the action, which has it from the defaults. */
static struct sbx_at place_of(const struct sbx_at *action)
{
	struct sbx_at at = sbx_at_member(action, "warm_pool");

	return at.value ? at : *action;
}

void sbx_manifest_check_warm_pool(const struct sbx_at *at,
				  const struct sbx_action *action)
{
	const struct sbx_warm_pool *warm = &action->warm_pool;
	const struct sbx_at place = place_of(at);

	if (warm->min > warm->max)
		sbx_reader_error(&place,
				 "warm_pool.min is %lld, more than its max, "
				 "which is %lld: raise max",
				 (long long)warm->min, (long long)warm->max);
	/* An environment cannot be given to what runs already. */
	if (warm->start == SBX_WARM_PROGRAM && action->input == SBX_INPUT_ENV)
		sbx_reader_error(&place,
				 "\"start: program\" needs \"input: stdin\": "
				 "a program that was started early cannot get "
				 "its input in the environment");
}
