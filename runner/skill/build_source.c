/* SPDX-License-Identifier: MIT */
#include "skill/build_source.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "skill/build_template.h"
#include "skill/context_walk.h"

static bool has(const void *ctx, const char *file)
{
	const struct sbx_context *context = ctx;
	cleanup_fd int fd = sbx_walk_open(sbx_context_directory(context), file,
					  O_RDONLY | O_NONBLOCK | O_NOCTTY);

	return fd >= 0;
}

static bool is_used(const struct sbx_manifest *manifest, const char *dockerfile)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_build *build =
			sbx_manifest_build(manifest, &manifest->actions[i]);

		if (build && !build->template &&
		    strcmp(build->dockerfile, dockerfile) == 0)
			return true;
	}
	return false;
}

int sbx_build_source_open(struct sbx_context **out,
			  const struct sbx_skill *skill,
			  const struct sbx_build *build, struct sbx_error *err)
{
	cleanup_free char *text = NULL;

	if (!build->template)
		return sbx_context_open(out, skill->dir, build->dockerfile,
					err);
	if (sbx_context_open(out, skill->dir, NULL, err) < 0)
		return -1;
	if (has(*out, build->dockerfile) &&
	    !is_used(skill->manifest, build->dockerfile)) {
		sbx_context_free(out);
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: it stands beside `template: %s`, "
				     "which is in place of it: remove one of "
				     "the two",
				     build->dockerfile, build->template);
	}
	text = sbx_template_dockerfile(build->template, has, *out);
	sbx_context_generate(*out, build->dockerfile, text);
	return 0;
}
