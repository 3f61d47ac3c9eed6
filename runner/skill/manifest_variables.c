/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "skill/names.h"

static void set_variable(const struct sbx_at *at, const char *name,
			 const char *value,
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
		sbx_reader_key_error(at, "%s", why);
	else
		sbx_strv_setenv(out, name, value);
}

static void read_variable(const struct sbx_at *at,
			  const char *(*refuse)(const char *name),
			  struct sbx_strv *out)
{
	static const char expected[] =
		"a text, number or boolean (nothing is taken from the host)";
	cleanup_free char *line = NULL;
	const char *text;

	if (json_is_number(at->value) || json_is_boolean(at->value)) {
		line = sbx_json_line(at->value);
		text = line;
		/* A version such as 3.10 has become 3.1. */
		if (json_is_real(at->value))
			sbx_reader_warn(at,
					"the number is given as \"%s\": put it "
					"in quotes to have it as it is written",
					line);
	} else {
		text = sbx_reader_text(at, expected);
	}
	if (text)
		set_variable(at, at->key, text, refuse, out);
}

/* "NAME=value" in a list, where a name may be there only once. */
static void read_assignment(const struct sbx_at *at,
			    const char *(*refuse)(const char *name),
			    struct sbx_strv *seen, struct sbx_strv *out)
{
	cleanup_free char *name = NULL;
	const char *text = sbx_reader_text(at, "an assignment such as LANG=C");
	const char *equals = text ? strchr(text, '=') : NULL;

	if (text && !equals)
		sbx_reader_expected(at, "NAME=value (nothing is taken from the "
					"host)");
	if (!equals)
		return;
	name = sbx_strndup(text, (size_t)(equals - text));
	if (sbx_strv_getenv(seen, name)) {
		sbx_reader_error(at, "%s is set twice: remove one", name);
		return;
	}
	sbx_strv_setenv(seen, name, "");
	set_variable(at, name, equals + 1, refuse, out);
}

void sbx_manifest_read_variables(const struct sbx_at *at,
				 const char *(*refuse)(const char *name),
				 struct sbx_strv *out)
{
	cleanup_strv struct sbx_strv seen = SBX_STRV_INIT;
	const char *key;
	json_t *item;

	if (json_is_array(at->value)) {
		if (!sbx_reader_is_list(at, SBX_STRINGS_MAX, ""))
			return;
		for (size_t i = 0; i < json_array_size(at->value); i++) {
			struct sbx_at inner = sbx_at_element(at, i);

			read_assignment(&inner, refuse, &seen, out);
		}
		return;
	}
	if (!sbx_reader_is_mapping(at, SBX_STRINGS_MAX,
				   "a mapping such as {LANG: C}"))
		return;
	json_object_foreach ((json_t *)at->value, key, item) {
		struct sbx_at inner = sbx_at_member(at, key);

		read_variable(&inner, refuse, out);
	}
}
