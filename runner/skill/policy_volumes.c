/* SPDX-License-Identifier: MIT */
/* "volumes:" of a policy: which paths and volumes there may be, and how. */
#include "skill/policy_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "skill/names.h"
#include "skill/never.h"

#define VOLUME_EXPECTED                                                        \
	"a path of the host, a volume's name or \"*\", with \":ro\" or "       \
	"\":rw\" behind it, such as \"/srv/data:ro\"; a path may have "        \
	"\":rw,rslave\""

static void add_volume(const struct sbx_at *at, struct sbx_rights *rights,
		       const char *source, bool writable)
{
	cleanup_free char *path = NULL;
	const char *what;

	if (source[0] != '/') {
		if (strcmp(source, "*") != 0 && !sbx_name_is_volume(source))
			sbx_reader_expected(at, VOLUME_EXPECTED);
		else if (sbx_never_volume(source))
			sbx_reader_refused(at, "volumes that begin with "
					       "skillbox- are never granted");
		else
			sbx_rights_add_volume(rights, source, writable);
		return;
	}
	path = sbx_path_normalize(source);
	if (!path)
		sbx_reader_refused(at, "the path must not have \"..\" in it");
	else if (sbx_never_below(path, &what))
		sbx_reader_error(at,
				 "found \"%s\", which is never granted: it "
				 "would hand over %s",
				 path, what);
	else
		sbx_rights_add_volume(rights, path, writable);
}

/*
 * What is mounted later is as writable as it was mounted, whatever the mount
 * that it is below: there is no ":ro,rslave".
 */
static void read_volume(const struct sbx_at *at, const char *text,
			struct sbx_rights *rights)
{
	static const char rslave[] = ":rw,rslave";
	bool follows = text[0] == '/' && sbx_text_has_suffix(text, rslave);
	cleanup_free char *source = NULL;
	size_t before = rights->n_volumes;

	if (!follows && !sbx_text_has_suffix(text, ":ro") &&
	    !sbx_text_has_suffix(text, ":rw")) {
		sbx_reader_expected(at, VOLUME_EXPECTED);
		return;
	}
	source = sbx_strndup(text, strlen(text) - (follows ? strlen(rslave)
							   : strlen(":ro")));
	add_volume(at, rights, source,
		   follows || sbx_text_has_suffix(text, ":rw"));
	if (rights->n_volumes > before)
		rights->volumes[before].rslave = follows;
}

void sbx_policy_read_volumes(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct sbx_rights *rights = (void *)((char *)object + field->offset);

	if (!sbx_reader_is_list(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	sbx_rights_clear_volumes(rights);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		const char *text = sbx_reader_text(&inner, VOLUME_EXPECTED);
		if (text)
			read_volume(&inner, text, rights);
	}
}
