/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "skill/names.h"

static void set_variable(struct sbx_reader *reader, const struct sbx_at *at,
			 const char *name, const char *value,
			 const char *(*refuse)(const char *name),
			 struct sbx_strv *out)
{
	const char *why = refuse ? refuse(name) : NULL;

	if (!sbx_name_is_variable(name))
		why = "a variable's name has letters, digits and \"_\", and "
		      "does not begin with a digit";
	if (!why && strlen(name) + strlen(value) >= SBX_STRING_SIZE_MAX)
		why = "name and value are longer than the 131071 bytes Linux "
		      "allows";
	if (why)
		sbx_reader_key_error(reader, at, "%s", why);
	else
		sbx_strv_setenv(out, name, value);
}

static void read_variable(struct sbx_reader *reader, const struct sbx_at *at,
			  const json_t *value,
			  const char *(*refuse)(const char *name),
			  struct sbx_strv *out)
{
	static const char expected[] =
		"a text, number or boolean (nothing is taken from the host)";
	cleanup_free char *line = NULL;
	const char *text;

	if (json_is_number(value) || json_is_boolean(value)) {
		line = sbx_json_line(value);
		text = line;
	} else {
		text = sbx_reader_text(reader, at, value, expected);
	}
	if (text)
		set_variable(reader, at, at->key, text, refuse, out);
}

/* "NAME=value" in a list, where a name may be there only once. */
static void read_assignment(struct sbx_reader *reader, const struct sbx_at *at,
			    const json_t *value,
			    const char *(*refuse)(const char *name),
			    struct sbx_strv *seen, struct sbx_strv *out)
{
	cleanup_free char *name = NULL;
	const char *text = sbx_reader_text(reader, at, value,
					   "an assignment such as LANG=C");
	const char *equals = text ? strchr(text, '=') : NULL;

	if (text && !equals)
		sbx_reader_expected(reader, at, value,
				    "NAME=value (nothing is taken from the "
				    "host)");
	if (!equals)
		return;
	name = sbx_strndup(text, (size_t)(equals - text));
	if (sbx_strv_getenv(seen, name)) {
		sbx_reader_error(reader, at, "%s is set twice: remove one",
				 name);
		return;
	}
	sbx_strv_setenv(seen, name, "");
	set_variable(reader, at, name, equals + 1, refuse, out);
}

void sbx_read_variables(struct sbx_reader *reader, const struct sbx_at *at,
			const json_t *value,
			const char *(*refuse)(const char *name),
			struct sbx_strv *out)
{
	cleanup_strv struct sbx_strv seen = SBX_STRV_INIT;
	const char *key;
	json_t *item;
	size_t index;

	if (json_is_array(value)) {
		if (!sbx_reader_is_list(reader, at, value, SBX_STRINGS_MAX, ""))
			return;
		json_array_foreach (value, index, item) {
			struct sbx_at inner = { .up = at, .index = index };

			read_assignment(reader, &inner, item, refuse, &seen,
					out);
		}
		return;
	}
	if (!sbx_reader_is_mapping(reader, at, value, SBX_STRINGS_MAX,
				   "a mapping such as {LANG: C}"))
		return;
	json_object_foreach ((json_t *)value, key, item) {
		struct sbx_at inner = { .up = at, .key = key };

		read_variable(reader, &inner, item, refuse, out);
	}
}
