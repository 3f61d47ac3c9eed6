/* SPDX-License-Identifier: MIT */
/*
 * "build:" and "image:": what the images of a skill are made from.  An action
 * that has a "build" of its own runs in an image of its own.
 */
#include "skill/manifest.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/path.h"
#include "codec/json.h"
#include "skill/build_template.h"
#include "skill/dockerfile_vars.h"
#include "skill/manifest_parts.h"
#include "skill/names.h"

#define DOCKERFILE "Dockerfile"

/* --- life ----------------------------------------------------------------- */

static struct sbx_build *build_new(void)
{
	struct sbx_build *build = sbx_calloc(1, sizeof(*build));

	build->dockerfile = sbx_strdup(DOCKERFILE);
	return build;
}

struct sbx_build *sbx_build_copy(const struct sbx_build *from)
{
	struct sbx_build *to;

	if (!from)
		return NULL;
	to = sbx_calloc(1, sizeof(*to));
	to->template = from->template ? sbx_strdup(from->template) : NULL;
	to->dockerfile = sbx_strdup(from->dockerfile);
	to->target = from->target ? sbx_strdup(from->target) : NULL;
	to->args = json_incref(from->args);
	return to;
}

void sbx_build_free(struct sbx_build **slot)
{
	struct sbx_build *build = *slot;

	if (!build)
		return;
	free(build->template);
	free(build->dockerfile);
	free(build->target);
	json_decref(build->args);
	free(build);
	*slot = NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same(const struct sbx_build *a, const struct sbx_build *b)
{
	if (!a || !b)
		return a == b;
	return same_text(a->template, b->template) &&
	       same_text(a->dockerfile, b->dockerfile) &&
	       same_text(a->target, b->target) &&
	       (a->args == b->args || json_equal(a->args, b->args));
}

/* --- whose it is ---------------------------------------------------------- */

const struct sbx_build *sbx_manifest_build(const struct sbx_manifest *manifest,
					   const struct sbx_action *action)
{
	return action->build ? action->build : manifest->build;
}

static bool is_first(const struct sbx_manifest *manifest,
		     const struct sbx_action *action)
{
	const struct sbx_build *build = sbx_manifest_build(manifest, action);

	for (const struct sbx_action *other = manifest->actions; other < action;
	     other++) {
		if (is_same(sbx_manifest_build(manifest, other), build))
			return false;
	}
	return true;
}

const struct sbx_action **
sbx_manifest_images(const struct sbx_manifest *manifest)
{
	const struct sbx_action **images = sbx_calloc(
		manifest->n_actions + 1, sizeof(struct sbx_action *));
	size_t n = 0;

	for (size_t i = 0; i < manifest->n_actions; i++) {
		if (is_first(manifest, &manifest->actions[i]))
			images[n++] = &manifest->actions[i];
	}
	return images;
}

const struct sbx_action *
sbx_manifest_shares_image(const struct sbx_manifest *manifest)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		if (!manifest->actions[i].build)
			return &manifest->actions[i];
	}
	return NULL;
}

/* --- reading -------------------------------------------------------------- */

static void read_dockerfile(const struct sbx_at *at,
			    const struct sbx_field *field, void *object)
{
	struct sbx_build *build = object;
	const char *text = sbx_reader_text(at, field->expected);
	cleanup_free char *rooted = text ? sbx_asprintf("/%s", text) : NULL;
	cleanup_free char *path = rooted ? sbx_path_normalize(rooted) : NULL;

	/* Normalized as if the skill's directory were the root. */
	if (path && text[0] != '/' && path[1] != '\0' && strlen(path) < 4096)
		sbx_strset(&build->dockerfile, path + 1);
	else if (text)
		sbx_reader_expected(at, field->expected);
}

/*
 * BuildKit takes some for options of its own, of which one names the image
 * that reads the Dockerfile; and a platform's override what is known of it.
 */
static const char *refuse_reserved(const char *name)
{
	if (strncasecmp(name, "BUILDKIT_", strlen("BUILDKIT_")) == 0)
		return "names that begin with BUILDKIT_ are options of the "
		       "builder: choose another";
	if (sbx_dockerfile_vars_is_platform(name))
		return "the builder sets that from the platform: choose "
		       "another";
	return NULL;
}

static void read_args(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	cleanup_strv struct sbx_strv args = SBX_STRV_INIT;
	struct sbx_build *build = object;

	(void)field;
	sbx_manifest_read_variables(at, refuse_reserved, &args);
	if (args.n > 0)
		build->args = sbx_json_variables(args.v);
}

const struct sbx_field sbx_build_fields[] = {
	{ .name = "dockerfile",
	  .read = read_dockerfile,
	  .expected = "a path inside the skill's directory" },
	{ .name = "target",
	  .read = sbx_read_text,
	  .offset = offsetof(struct sbx_build, target),
	  .fits = sbx_name_is_identifier,
	  .expected = "the name of a stage" },
	{ .name = "args", .read = read_args },
	{ .name = "template",
	  .read = sbx_read_text,
	  .offset = offsetof(struct sbx_build, template),
	  .fits = sbx_template_is,
	  .expected = "one of busybox, go, node, python" },
	{ .name = NULL },
};

static void read_build(const struct sbx_at *at, struct sbx_build **out)
{
	static const char *const others[] = { "dockerfile", "target" };
	struct sbx_at template = sbx_at_member(at, "template");

	*out = build_new();
	if (!sbx_read_mapping(at, sbx_build_fields, 0, *out) || !template.value)
		return;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++) {
		struct sbx_at other = sbx_at_member(at, others[i]);

		if (other.value)
			sbx_reader_key_error(&other,
					     "there is a template too, which "
					     "is in place of a Dockerfile: "
					     "remove one");
	}
}

void sbx_manifest_read_build(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;

	(void)field;
	read_build(at, &action->build);
}

/* One of the two; with neither given, a build with its defaults. */
void sbx_manifest_read_origin(const struct sbx_at *root,
			      struct sbx_manifest *manifest)
{
	static const struct sbx_field pinned = {
		.offset = offsetof(struct sbx_manifest, image),
		.fits = sbx_name_is_pinned_image,
		.expected = "an image pinned as NAME@sha256:<64 hexadecimal "
			    "digits>",
	};
	struct sbx_at build = sbx_at_member(root, "build");
	struct sbx_at image = sbx_at_member(root, "image");

	if (image.value && build.value)
		sbx_reader_key_error(&image,
				     "there is \"build\" too: a skill has one "
				     "of the two, remove one");
	if (image.value)
		sbx_read_text(&image, &pinned, manifest);
	if (build.value)
		read_build(&build, &manifest->build);
	else if (!image.value)
		manifest->build = build_new();
}

void sbx_manifest_check_origin(const struct sbx_at *root,
			       const struct sbx_manifest *manifest)
{
	struct sbx_at build = sbx_at_member(root, "build");
	struct sbx_at image = sbx_at_member(root, "image");
	const struct sbx_at *at = image.value ? &image : &build;

	if (at->value && manifest->n_actions > 0 &&
	    !sbx_manifest_shares_image(manifest))
		sbx_reader_warn(at, "nothing runs in this image: each action "
				    "has a build of its own");
}

/* --- as JSON -------------------------------------------------------------- */

json_t *sbx_build_json(const struct sbx_build *build)
{
	json_t *object = json_pack(
		"{s:s}", build->template ? "template" : "dockerfile",
		build->template ? build->template : build->dockerfile);

	if (build->target)
		json_object_set_new(object, "target",
				    json_string(build->target));
	if (build->args)
		json_object_set(object, "args", build->args);
	return object;
}
