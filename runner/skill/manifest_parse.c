/* SPDX-License-Identifier: MIT */
/*
 * A manifest is read in one pass that does not stop at what is wrong: YAML to
 * JSON with places, then mapping by mapping through tables of keys (reader.h).
 * The document's own table only picks out "defaults", "actions" and "tests",
 * since they depend on one another whatever their order in the file: each
 * action begins as a copy of the defaults, and a test names an action.
 */
#include "skill/manifest.h"

#include <string.h>

#include "base/mem.h"
#include "skill/manifest_keys.h"
#include "skill/manifest_parts.h"
#include "skill/names.h"

/* --- the document's own keys ---------------------------------------------- */

/* The manifest has the directory's name already. */
static void read_name(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	const struct sbx_manifest *manifest = object;
	const char *text = sbx_reader_text(at, field->expected);

	if (text && !sbx_name_is_skill(text))
		sbx_reader_expected(at, field->expected);
	else if (text && strcmp(text, manifest->name) != 0)
		sbx_reader_error(at,
				 "found \"%s\", expected \"%s\": it must be "
				 "the name of the directory",
				 text, manifest->name);
}

#define AT(member) .offset = offsetof(struct sbx_manifest, member)
#define ELSEWHERE  .read = sbx_read_nothing
#define REQUIRED   .flags = SBX_FIELD_REQUIRED
#define LATER(key)                                                             \
	{                                                                      \
		.name = key, .flags = SBX_FIELD_LATER,                         \
	}

static const struct sbx_field document_fields[] = {
	{ .name = "schema_version",
	  .read = sbx_read_schema_version,
	  REQUIRED,
	  .expected = SBX_SCHEMA_VERSION_EXPECTED },
	{ .name = "name",
	  .read = read_name,
	  REQUIRED,
	  .expected = "a name of 1 to 63 of a-z, 0-9 and \"-\", the first a "
		      "letter or digit" },
	{ .name = "version",
	  .read = sbx_read_text,
	  REQUIRED,
	  AT(version),
	  .fits = sbx_name_is_version,
	  .expected = "a semantic version such as 0.1.0" },
	{ .name = "description",
	  .read = sbx_read_text,
	  AT(description),
	  .expected = "a text" },
	{ .name = "license",
	  .read = sbx_read_text,
	  AT(license),
	  .fits = sbx_name_is_license,
	  .expected = SBX_LICENSE_EXPECTED },
	{ .name = "build", ELSEWHERE },
	{ .name = "image", ELSEWHERE },
	{ .name = "volumes", ELSEWHERE },
	{ .name = "defaults", ELSEWHERE },
	{ .name = "actions",
	  ELSEWHERE,
	  REQUIRED,
	  .expected = "a mapping of at least one action" },
	{ .name = "tests", ELSEWHERE },
	LATER("secrets"),
	{ .name = NULL },
};

/* --- the document --------------------------------------------------------- */

json_t *sbx_manifest_keys(void)
{
	json_t *keys = json_object();
	static const struct {
		const char *where;
		const struct sbx_field *fields;
		unsigned int only;
	} tables[] = {
		{ "", document_fields, 0 },
		{ "build", sbx_build_fields, 0 },
		{ "defaults", sbx_action_fields, SBX_FIELD_DEFAULT },
		{ "actions.*", sbx_action_fields, 0 },
		{ "secrets[]", sbx_secret_fields, 0 },
		{ "volumes[]", sbx_mount_fields, 0 },
		{ "volumes[].bind", sbx_bind_fields, 0 },
		{ "volumes.*", sbx_named_volume_fields, 0 },
		{ "driver_opts", sbx_driver_opts_fields, 0 },
		{ "limits_from", sbx_limits_from_fields, 0 },
		{ "limits_from.*", sbx_limit_from_fields, 0 },
		{ "ulimits.*", sbx_ulimit_fields, 0 },
		{ "warm_pool", sbx_warm_pool_fields, 0 },
		{ "annotations", sbx_annotation_fields, 0 },
		{ "tests[]", sbx_test_fields, 0 },
		{ "tests[].expect", sbx_expect_fields, 0 },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(tables); i++)
		json_object_set_new(keys, tables[i].where,
				    sbx_reader_field_names(tables[i].fields,
							   tables[i].only));
	return keys;
}

static void read_document(const struct sbx_at *root, void *object)
{
	struct sbx_manifest *manifest = object;

	if (json_is_null(root->value)) {
		sbx_reader_error(root,
				 "there is nothing in this manifest, expected "
				 "schema_version, name, version and actions");
		return;
	}
	if (!sbx_read_mapping(root, document_fields, 0, manifest))
		return;
	sbx_manifest_read_origin(root, manifest);
	sbx_manifest_read_actions(root, manifest);
	sbx_manifest_read_named_volumes(root, manifest);
	sbx_manifest_check_origin(root, manifest);
	sbx_manifest_read_tests(root, manifest);
}

int sbx_manifest_parse(const char *data, size_t size, const char *name,
		       const char *file, struct sbx_manifest **out,
		       struct sbx_problems *problems, struct sbx_error *err)
{
	struct sbx_manifest *manifest = sbx_calloc(1, sizeof(*manifest));

	manifest->name = sbx_strdup(name);
	if (sbx_read_document(data, size, "manifest", read_document, manifest,
			      problems) < 0) {
		sbx_manifest_free(&manifest);
		return sbx_problems_error(problems, SBX_OUTCOME_INVALID, file,
					  err);
	}
	*out = manifest;
	return 0;
}
