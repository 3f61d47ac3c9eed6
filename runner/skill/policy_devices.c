/* SPDX-License-Identifier: MIT */
/* "devices:" of a policy: which there may be, and for what. */
#include "skill/policy_parts.h"

#include <string.h>

#include "base/mem.h"
#include "skill/never.h"

#define DEVICE_EXPECTED                                                        \
	"a path in /dev, with \"*\" for any text in a name and \":r\", "       \
	"\":w\" "                                                              \
	"or \":rw\" behind it, such as \"/dev/kvm:rw\""

static void add_device(const struct sbx_at *at, struct sbx_skill_rules *rules,
		       const char *text, unsigned int access)
{
	cleanup_free char *pattern = NULL;
	const char *why = sbx_device_path_parse(text, true, &pattern);
	const char *what;

	if (why)
		sbx_reader_refused(at, why);
	else if (sbx_never_device(pattern, &what))
		sbx_reader_error(at,
				 "found \"%s\", which is never granted: it "
				 "would hand over %s",
				 pattern, what);
	else
		sbx_skill_rules_add_device(rules, pattern, access);
}

static void read_device(const struct sbx_at *at, const char *text,
			struct sbx_skill_rules *rules)
{
	const char *colon = strrchr(text, ':');
	cleanup_free char *path = NULL;
	unsigned int access;

	if (!colon || !sbx_device_access_parse(colon + 1, &access)) {
		sbx_reader_expected(at, DEVICE_EXPECTED);
		return;
	}
	if (access & SBX_DEVICE_MKNOD) {
		sbx_reader_refused(at, "\"m\", to make devices, is never "
				       "granted");
		return;
	}
	path = sbx_strndup(text, (size_t)(colon - text));
	add_device(at, rules, path, access);
}

void sbx_policy_read_devices(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	if (!sbx_reader_is_list(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	sbx_skill_rules_clear_devices(object);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		const char *text = sbx_reader_text(&inner, DEVICE_EXPECTED);

		if (text)
			read_device(&inner, text, object);
	}
}
