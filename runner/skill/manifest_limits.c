/* SPDX-License-Identifier: MIT */
/* "limits_from:", the members of the input that tighten a limit. */
#include "skill/manifest_parts.h"

#include "base/mem.h"
#include "codec/json_pointer.h"

#define FROM_EXPECTED "a JSON Pointer into the input, such as /timeout"

const char *const sbx_limit_from_words[] = {
	[SBX_TIMEOUT_FROM] = "timeout",
	[SBX_CPUS_FROM] = "cpus",
	[SBX_MEM_LIMIT_FROM] = "mem_limit",
	[SBX_LIMIT_FROM_COUNT] = NULL,
};

/* As it is written. */
struct written {
	char *from;
	char *unit;
};

const struct sbx_field sbx_limit_from_fields[] = {
	{ .name = "from",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct written, from),
	  .fits = sbx_json_pointer_is,
	  .expected = FROM_EXPECTED },
	{ .name = "unit",
	  .read = sbx_read_text,
	  .offset = offsetof(struct written, unit),
	  .expected = "a unit such as MB" },
	{ .name = NULL },
};

static const char *const units_expected[] = {
	[SBX_TIMEOUT_FROM] = "s or ms",
	[SBX_CPUS_FROM] = "cpus or millicores",
	[SBX_MEM_LIMIT_FROM] = "one of B, KB, MB, GB",
};

static void read_limit(const struct sbx_at *at, enum sbx_limit_from_name limit,
		       struct sbx_action *action)
{
	static const struct sbx_field plain = {
		.offset = offsetof(struct written, from),
		.fits = sbx_json_pointer_is,
		.expected = FROM_EXPECTED ", or from and unit",
	};
	struct sbx_limit_from *out = &action->limits_from[limit];
	struct written written = { .from = NULL };
	struct sbx_at unit = sbx_at_member(at, "unit");

	if (json_is_object(at->value))
		sbx_read_mapping(at, sbx_limit_from_fields, 0, &written);
	else
		sbx_read_text(at, &plain, &written);
	out->unit = written.unit ? sbx_limit_unit_find(limit, written.unit)
				 : NULL;
	if (written.unit && !out->unit)
		sbx_reader_expected(&unit, units_expected[limit]);
	free(out->from);
	out->from = written.from;
	free(written.unit);
}

static void read_timeout(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	(void)field;
	read_limit(at, SBX_TIMEOUT_FROM, object);
}

static void read_cpus(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	(void)field;
	read_limit(at, SBX_CPUS_FROM, object);
}

static void read_mem_limit(const struct sbx_at *at,
			   const struct sbx_field *field, void *object)
{
	(void)field;
	read_limit(at, SBX_MEM_LIMIT_FROM, object);
}

const struct sbx_field sbx_limits_from_fields[] = {
	{ .name = "timeout", .read = read_timeout },
	{ .name = "cpus", .read = read_cpus },
	{ .name = "mem_limit", .read = read_mem_limit },
	{ .name = NULL },
};

void sbx_manifest_read_limits_from(const struct sbx_at *at,
				   const struct sbx_field *field, void *object)
{
	(void)field;
	sbx_read_mapping(at, sbx_limits_from_fields, 0, object);
}

json_t *sbx_limits_from_json(const struct sbx_action *action)
{
	json_t *object = json_object();

	for (size_t i = 0; i < SBX_LIMIT_FROM_COUNT; i++) {
		const struct sbx_limit_from *from = &action->limits_from[i];

		if (from->from && from->unit)
			json_object_set_new(object, sbx_limit_from_words[i],
					    json_pack("{s:s, s:s}", "from",
						      from->from, "unit",
						      from->unit->name));
		else if (from->from)
			json_object_set_new(object, sbx_limit_from_words[i],
					    json_string(from->from));
	}
	return object;
}
