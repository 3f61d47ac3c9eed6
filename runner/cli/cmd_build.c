/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

#include "cli/cancel.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "skill/build_source.h"
#include "skill/skill_image.h"

struct values {
	bool all;
	bool force;
	bool print;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "all", 'a', SBX_OPTION_FLAG, NULL, "build every skill there is",
	  offsetof(struct values, all) },
	{ "force", 'f', SBX_OPTION_FLAG, NULL,
	  "build even if the image is there already",
	  offsetof(struct values, force) },
	{ "print-dockerfile", 0, SBX_OPTION_FLAG, NULL,
	  "print what the images would be built from, and build nothing",
	  offsetof(struct values, print) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of the results, a line each (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

struct build {
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	struct sbx_engine *engine;
	struct sbx_strv names;
	bool force;
	bool as_json;
};

/* @image is NULL where there is @err. */
static void report(const struct build *build, const char *name,
		   const struct sbx_skill_image *image,
		   const struct sbx_error *err)
{
	const char *result = !image ? "failed"
				    : (image->built ? "built" : "unchanged");
	json_auto_t *json = NULL;

	if (err)
		sbx_term_error("%s: %s", name, err->message);
	if (build->as_json) {
		json = json_pack("{s:s, s:s, s:s?, s:s?, s:s?}", "skill", name,
				 "result", result, "tag",
				 image ? image->tag : NULL, "image",
				 image ? image->id : NULL, "error",
				 err ? err->message : NULL);
		sbx_term_json(json);
	} else if (image) {
		printf("%s %s %s\n", name, image->tag, result);
	}
	fflush(stdout);
}

/* The image that @action runs in. */
static int build_image(const struct build *build, const struct sbx_skill *skill,
		       const struct sbx_action *action)
{
	const struct sbx_skill_image_options image_options = {
		.force = build->force,
		.policy = &build->policy,
		.progress.line = sbx_term_progress,
	};
	cleanup_skill_image struct sbx_skill_image image = { .tag = NULL };
	const char *name = skill->manifest->name;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_skill_image_ensure(build->engine, &build->catalog, skill,
				   action, &image_options, &image, &err)) {
		report(build, name, NULL, &err);
		return sbx_outcome_status(err.outcome);
	}
	report(build, name, &image, NULL);
	return 0;
}

/* All images of the skill; the first failure's status. */
static int build_one(const struct build *build, const char *name)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_free const struct sbx_action **images = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	int status = 0;

	if (sbx_catalog_load(&build->catalog, name, &skill, &err)) {
		report(build, name, NULL, &err);
		return sbx_outcome_status(err.outcome);
	}
	images = sbx_manifest_images(skill.manifest);
	for (size_t i = 0; images[i] && !sbx_cancel_asked(); i++) {
		int one = build_image(build, &skill, images[i]);

		if (status == 0)
			status = one;
	}
	return status;
}

/* The first failure's status; one that fails does not stop the others. */
static int build_each(const struct build *build)
{
	int status = 0;

	for (size_t i = 0; i < build->names.n && !sbx_cancel_asked(); i++) {
		int one = build_one(build, build->names.v[i]);

		if (status == 0)
			status = one;
	}
	if (sbx_cancel_asked())
		return sbx_outcome_status(SBX_OUTCOME_CANCELLED);
	return status;
}

/* --- what would be built --------------------------------------------------- */

/* Of the image that @action runs in. */
static int print_dockerfile(const struct sbx_skill *skill,
			    const struct sbx_action *action,
			    struct sbx_error *err)
{
	const struct sbx_build *build =
		sbx_manifest_build(skill->manifest, action);
	struct sbx_context *context = NULL;
	const struct sbx_buf *text;

	if (!build)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s is not built from a Dockerfile, it is "
				     "%s",
				     skill->manifest->name,
				     skill->manifest->image);
	if (sbx_build_source_open(&context, skill, build, err) < 0)
		return -1;
	text = sbx_context_dockerfile(context);
	fwrite(text->data, 1, text->len, stdout);
	sbx_context_free(&context);
	return 0;
}

static int print_one(const struct sbx_catalog *catalog, const char *name,
		     struct sbx_error *err)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_free const struct sbx_action **images = NULL;

	if (sbx_catalog_load(catalog, name, &skill, err) < 0)
		return -1;
	images = sbx_manifest_images(skill.manifest);
	for (size_t i = 0; images[i]; i++) {
		/* Which is which: each begins with the action it is for. */
		if (images[1])
			printf("# %s %s\n", name, images[i]->name);
		if (print_dockerfile(&skill, images[i], err) < 0)
			return -1;
	}
	return 0;
}

static int print_each(const struct sbx_cli *cli, struct build *build)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_cli_catalog(cli, &build->catalog, &err);

	if (result == 0 && build->names.n == 0)
		result = sbx_cli_names(&build->catalog, &build->names, NULL,
				       &err);
	for (size_t i = 0; i < build->names.n && result == 0; i++)
		result = print_one(&build->catalog, build->names.v[i], &err);
	sbx_strv_free(&build->names);
	sbx_catalog_close(&build->catalog);
	return result < 0 ? sbx_cli_fail(&err) : 0;
}

/* --------------------------------------------------------------------------- */

static int prepare(const struct sbx_cli *cli, struct build *build,
		   struct sbx_error *err)
{
	if (sbx_cli_policy(cli, &build->policy, err) ||
	    sbx_cli_catalog(cli, &build->catalog, err) ||
	    sbx_cli_engine(cli, &build->engine, err))
		return -1;
	sbx_engine_set_cancel_fd(build->engine, sbx_cancel_setup());
	if (build->names.n)
		return 0;
	return sbx_cli_names(&build->catalog, &build->names, NULL, err);
}

static int run(const struct sbx_cli *cli, struct build *build)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int status;

	if (prepare(cli, build, &err))
		status = sbx_cli_fail(&err);
	else
		status = build_each(build);
	sbx_strv_free(&build->names);
	sbx_engine_free(&build->engine);
	sbx_policy_clear(&build->policy);
	sbx_catalog_close(&build->catalog);
	return status;
}

static int cmd_build(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .all = false };
	struct build build = { .engine = NULL };
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (values.all && first < argc)
		return sbx_cli_usage(cli, "either --all or '%s', not both",
				     argv[first]);
	if (!values.all && first == argc)
		return sbx_cli_usage(cli, "which skills? (--all for every "
					  "one)");
	for (int i = first; i < argc; i++)
		sbx_strv_push(&build.names, argv[i]);
	build.force = values.force;
	build.as_json = values.format == SBX_CLI_JSON;
	if (values.print)
		return print_each(cli, &build);
	return run(cli, &build);
}

const struct sbx_command sbx_cmd_build = {
	.name = "build",
	.summary = "build the images of skills",
	.arguments = "[SKILL... | --all]",
	.details = "Builds the images of each skill, and first the base "
		   "images they are made from: one for the skill, and one for "
		   "each action with a \"build\" of its own. An image is named "
		   "after a hash of "
		   "its sources, so what has not changed is not built again. "
		   "Prints a line per image: the skill, the image, and "
		   "\"built\" or \"unchanged\". A skill that fails does not "
		   "stop the others.",
	.examples = "  skillbox build text webpage\n"
		    "  skillbox build --all\n"
		    "  skillbox build --force text\n"
		    "  skillbox build --print-dockerfile text\n",
	.options = options,
	.run = cmd_build,
};
