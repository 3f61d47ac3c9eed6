/* SPDX-License-Identifier: MIT */
#include "codec/schema_node.h"

#define ALL    SBX_SCHEMA_ALL
#define NUMBER SBX_SCHEMA_NUMBER
#define STRING SBX_SCHEMA_STRING
#define ARRAY  SBX_SCHEMA_ARRAY
#define OBJECT SBX_SCHEMA_OBJECT

#define PLAIN(word, shape, types, eval)                                        \
	{                                                                      \
		word, SBX_SHAPE_##shape, types, false, eval                    \
	}
#define HERE(word, shape, types, eval)                                         \
	{                                                                      \
		word, SBX_SHAPE_##shape, types, true, eval                     \
	}
/* Says nothing by itself. */
#define SILENT(word, shape) PLAIN(word, shape, 0, NULL)

const struct sbx_schema_keyword sbx_schema_keywords[] = {
	/* Core. */
	SILENT("$schema", DRAFT),
	SILENT("$id", ID),
	SILENT("$anchor", ANCHOR),
	SILENT("$dynamicAnchor", ANCHOR),
	SILENT("$dynamicRef", NEVER),
	SILENT("$recursiveRef", NEVER),
	SILENT("$recursiveAnchor", NEVER),
	SILENT("$vocabulary", MAPPING),
	SILENT("$comment", TEXT),
	SILENT("$defs", NAMED),
	/* What "$defs" was called; the draft's own schema still knows it. */
	SILENT("definitions", NAMED),
	HERE("$ref", REF, ALL, sbx_schema_eval_ref),

	/* Validation. */
	PLAIN("type", TYPES, ALL, sbx_schema_eval_type),
	PLAIN("enum", LIST, ALL, sbx_schema_eval_enum),
	PLAIN("const", ANYTHING, ALL, sbx_schema_eval_const),
	PLAIN("minimum", NUMBER, NUMBER, sbx_schema_eval_bound),
	PLAIN("exclusiveMinimum", NUMBER, NUMBER, sbx_schema_eval_bound),
	PLAIN("maximum", NUMBER, NUMBER, sbx_schema_eval_bound),
	PLAIN("exclusiveMaximum", NUMBER, NUMBER, sbx_schema_eval_bound),
	PLAIN("multipleOf", POSITIVE, NUMBER, sbx_schema_eval_multiple_of),
	PLAIN("minLength", COUNT, STRING, sbx_schema_eval_length),
	PLAIN("maxLength", COUNT, STRING, sbx_schema_eval_length),
	PLAIN("pattern", PATTERN, STRING, sbx_schema_eval_pattern),
	PLAIN("minItems", COUNT, ARRAY, sbx_schema_eval_length),
	PLAIN("maxItems", COUNT, ARRAY, sbx_schema_eval_length),
	PLAIN("uniqueItems", BOOL, ARRAY, sbx_schema_eval_unique_items),
	PLAIN("minProperties", COUNT, OBJECT, sbx_schema_eval_length),
	PLAIN("maxProperties", COUNT, OBJECT, sbx_schema_eval_length),
	PLAIN("required", NAMES, OBJECT, sbx_schema_eval_required),
	PLAIN("dependentRequired", NAME_LISTS, OBJECT,
	      sbx_schema_eval_dependent_required),

	/* Applicators; "additionalProperties" and "items" look back. */
	PLAIN("properties", NAMED, OBJECT, sbx_schema_eval_properties),
	PLAIN("patternProperties", PATTERNED, OBJECT,
	      sbx_schema_eval_pattern_properties),
	PLAIN("additionalProperties", SCHEMA, OBJECT,
	      sbx_schema_eval_additional_properties),
	PLAIN("propertyNames", SCHEMA, OBJECT, sbx_schema_eval_property_names),
	PLAIN("prefixItems", SCHEMAS, ARRAY, sbx_schema_eval_prefix_items),
	PLAIN("items", SCHEMA, ARRAY, sbx_schema_eval_items),
	SILENT("minContains", COUNT),
	SILENT("maxContains", COUNT),
	PLAIN("contains", SCHEMA, ARRAY, sbx_schema_eval_contains),
	HERE("dependentSchemas", NAMED, OBJECT,
	     sbx_schema_eval_dependent_schemas),
	HERE("allOf", SCHEMAS, ALL, sbx_schema_eval_all_of),
	HERE("anyOf", SCHEMAS, ALL, sbx_schema_eval_any_of),
	HERE("oneOf", SCHEMAS, ALL, sbx_schema_eval_one_of),
	HERE("not", SCHEMA, ALL, sbx_schema_eval_not),
	{ "then", SBX_SHAPE_SCHEMA, 0, true, NULL },
	{ "else", SBX_SHAPE_SCHEMA, 0, true, NULL },
	HERE("if", SCHEMA, ALL, sbx_schema_eval_if),

	/* They look at what all of the above have not. */
	PLAIN("unevaluatedItems", SCHEMA, ARRAY,
	      sbx_schema_eval_unevaluated_items),
	PLAIN("unevaluatedProperties", SCHEMA, OBJECT,
	      sbx_schema_eval_unevaluated_properties),

	/* Annotations, of which at least the shape can be wrong. */
	SILENT("title", TEXT),
	SILENT("description", TEXT),
	SILENT("deprecated", BOOL),
	SILENT("readOnly", BOOL),
	SILENT("writeOnly", BOOL),
	SILENT("examples", LIST),
	SILENT("format", TEXT),
	SILENT("contentEncoding", TEXT),
	SILENT("contentMediaType", TEXT),
	SILENT("contentSchema", SCHEMA),
	{ NULL, SBX_SHAPE_ANYTHING, 0, false, NULL },
};
