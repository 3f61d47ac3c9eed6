/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/terminal.h"
#include "secret/sealed_file.h"
#include "skill/grant.h"
#include "skill/policy_file.h"
#include "skill/skill_image.h"

/*
 * skillbox check: what is wrong with a skill, without an engine.  Findings
 * go to stdout in the form editors know, FILE:LINE:COLUMN: MESSAGE.
 */

struct check {
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	size_t skills;
	size_t errors;
	size_t warnings;
};

static void put(const char *line)
{
	cleanup_free char *text = sbx_term_escape(line);

	printf("%s\n", text);
}

static void put_error(struct check *check, const char *line)
{
	check->errors++;
	put(line);
}

/*
 * @line: "FILE:LINE: text" of a file in @dir, or NULL for a warning about no
 * file in particular; "warning: " goes before the text.
 */
static void put_warning(struct check *check, const char *dir, const char *line)
{
	const char *at = dir ? strstr(line + strlen(dir), ": ") : NULL;
	cleanup_free char *text = at ? sbx_asprintf("%.*s: warning: %s",
						    (int)(at - line), line,
						    at + 2)
				     : sbx_asprintf("warning: %s", line);

	check->warnings++;
	put(text);
}

static void check_build(struct check *check, const char *dir,
			const struct sbx_skill *skill,
			const struct sbx_build *build)
{
	cleanup_strv struct sbx_strv warnings = SBX_STRV_INIT;
	cleanup_free char *path = NULL;
	cleanup_free char *line = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	path = sbx_asprintf("%s/%s", skill->dir, build->dockerfile);
	if (!build->template && access(path, R_OK)) {
		line = sbx_asprintf("%s/%s: %s", dir, build->dockerfile,
				    strerror(errno));
		put_error(check, line);
		return;
	}
	if (sbx_skill_image_warnings(skill, build, &check->policy, &warnings,
				     &err)) {
		line = sbx_asprintf("%s/%s", dir, err.message);
		put_error(check, line);
	}
	for (size_t i = 0; i < warnings.n; i++) {
		cleanup_free char *located =
			sbx_asprintf("%s/%s", dir, warnings.v[i]);

		put_warning(check, dir, located);
	}
}

static void check_builds(struct check *check, const char *dir,
			 const struct sbx_skill *skill)
{
	cleanup_free const struct sbx_action **images =
		sbx_manifest_images(skill->manifest);

	for (size_t i = 0; images[i]; i++) {
		const struct sbx_build *build =
			sbx_manifest_build(skill->manifest, images[i]);

		if (build)
			check_build(check, dir, skill, build);
	}
}

/*
 * What this host's policy would make of it.  Elsewhere another one may hold,
 * so these are warnings.
 */
static void check_policy(struct check *check, const char *dir,
			 const struct sbx_skill *skill)
{
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_wish wish = { .manifest = skill->manifest,
				 .overrides = &none,
				 .owner = "check" };

	for (size_t i = 0; i < skill->manifest->n_actions; i++) {
		cleanup_grant struct sbx_grant grant = { .owner = NULL };
		struct sbx_error err = SBX_ERROR_INIT;

		wish.action = &skill->manifest->actions[i];
		if (sbx_grant_decide(&check->policy, &wish, &grant, &err))
			sbx_strv_push(&grant.lowered, err.message);
		for (size_t j = 0; j < grant.lowered.n; j++) {
			cleanup_free char *line = sbx_asprintf(
				"%s/skill.yaml: actions.%s: %s", dir,
				wish.action->name, grant.lowered.v[j]);

			put_warning(check, dir, line);
		}
	}
}

static bool is_named(const struct sbx_manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		if (sbx_action_names_secret(&manifest->actions[i], name))
			return true;
	}
	return false;
}

/* Whether they can be opened is another host's affair. */
static void check_secrets(struct check *check, const char *dir,
			  const struct sbx_skill *skill)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	cleanup_sealed struct sbx_sealed sealed = { .secrets = NULL };
	struct sbx_error err = SBX_ERROR_INIT;

	sbx_sealed_place_of_skill(&place, dir);
	if (sbx_sealed_file_read(&place, &sealed, &err) < 0)
		put_error(check, err.message);
	for (size_t i = 0; i < sealed.n_secrets; i++) {
		const char *name = sealed.secrets[i].name;
		cleanup_free char *line =
			sbx_asprintf("%s/%s: no action names the secret %s",
				     dir, place.name, name);

		if (!is_named(skill->manifest, name))
			put_warning(check, dir, line);
	}
}

/* --- one directory --------------------------------------------------------- */

static void check_skill(struct check *check, const char *dir)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_skill_load(dir, &skill, &problems, &err);

	check->skills++;
	for (size_t i = 0; i < problems.errors.n; i++)
		put_error(check, problems.errors.v[i]);
	for (size_t i = 0; i < problems.warnings.n; i++)
		put_warning(check, dir, problems.warnings.v[i]);
	if (result && problems.errors.n == 0)
		put_error(check, err.message);
	if (result)
		return;
	check_policy(check, dir, &skill);
	check_builds(check, dir, &skill);
	check_secrets(check, dir, &skill);
}

/*
 * @path as seen from here when it is below, without slashes at its end.  Its
 * symlinks stay: a skill has the name of the link that leads to it.
 */
static char *shorten(const char *path)
{
	cleanup_free char *here = realpath(".", NULL);
	size_t below = here ? strlen(here) : 0;
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	if (below > 1 && size > below + 1 && path[below] == '/' &&
	    strncmp(path, here, below) == 0) {
		path += below + 1;
		size -= below + 1;
	}
	return sbx_strndup(path, size);
}

static void check_directory(struct check *check, const char *path)
{
	cleanup_free char *shown = shorten(path);

	check_skill(check, shown);
}

/* The directory of a skill in the catalog, or NULL; free() it. */
static char *find_named(const struct check *check, const char *name)
{
	const struct sbx_strv *dirs = &check->catalog.directories;

	for (size_t i = 0; !strchr(name, '/') && i < dirs->n; i++) {
		cleanup_free char *dir =
			sbx_asprintf("%s/%s", dirs->v[i], name);
		cleanup_free char *file = sbx_asprintf("%s/skill.yaml", dir);

		if (access(file, F_OK) == 0)
			return sbx_take(dir);
	}
	return NULL;
}

/* A skill's directory, its skill.yaml, or the name of one in the catalog. */
static void check_path(struct check *check, const char *path)
{
	cleanup_free char *copy = sbx_strdup(path);
	cleanup_free char *named = NULL;
	cleanup_free char *line = NULL;
	struct stat st;

	if (stat(path, &st)) {
		int errnum = errno;

		named = find_named(check, path);
		if (named) {
			check_directory(check, named);
			return;
		}
		line = sbx_asprintf("%s: %s", path, strerror(errnum));
		put_error(check, line);
	} else if (S_ISDIR(st.st_mode)) {
		check_directory(check, path);
	} else if (strcmp(basename(copy), "skill.yaml") == 0) {
		check_directory(check, dirname(copy));
	} else {
		line = sbx_asprintf("%s: neither a skill's directory nor a "
				    "skill.yaml",
				    path);
		put_error(check, line);
	}
}

static int check_all(struct check *check, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv shadowed = SBX_STRV_INIT;

	if (sbx_cli_names(&check->catalog, &names, &shadowed, err))
		return -1;
	for (size_t i = 0; i < shadowed.n; i++)
		put_warning(check, NULL, shadowed.v[i]);
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *dir = find_named(check, names.v[i]);

		if (dir)
			check_directory(check, dir);
	}
	return 0;
}

/* Every error of the policy itself, as for a manifest. */
static int check_own_policy(struct check *check, const struct sbx_cli *cli,
			    struct sbx_error *err)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	int result = sbx_policy_open(cli->globals->policy, &check->policy,
				     &problems, err);

	for (size_t i = 0; i < problems.errors.n; i++)
		put(problems.errors.v[i]);
	return result;
}

/* --- the command ----------------------------------------------------------- */

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int summary(const struct check *check)
{
	printf("%zu skill%s checked: %zu error%s, %zu warning%s\n",
	       check->skills, plural(check->skills), check->errors,
	       plural(check->errors), check->warnings, plural(check->warnings));
	return check->errors ? EX_DATAERR : 0;
}

static int cmd_check(const struct sbx_cli *cli, int argc, char **argv)
{
	struct check check = { .skills = 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;
	int result;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	/* Paths can be checked without a catalog. */
	result = sbx_cli_catalog(cli, &check.catalog, &err);
	if (first < argc)
		result = 0;
	if (result == 0)
		result = check_own_policy(&check, cli, &err);
	if (result == 0 && first == argc)
		result = check_all(&check, &err);
	for (int i = first; result == 0 && i < argc; i++)
		check_path(&check, argv[i]);
	status = result ? sbx_cli_fail(&err) : summary(&check);
	sbx_policy_clear(&check.policy);
	sbx_catalog_close(&check.catalog);
	return status;
}

const struct sbx_command sbx_cmd_check = {
	.name = "check",
	.summary = "find the errors of skills, without running them",
	.arguments = "[PATH...]",
	.details = "Reads skills (directories, skill.yaml files or names; all "
		   "skills when none is given), with the SKILL.md beside them "
		   "if there is one, and prints every error and warning as "
		   "FILE:LINE:COLUMN. Needs no engine. Exits with "
		   "65 when there is an error; warnings are no errors.",
	.examples = "  skillbox check\n"
		    "  skillbox check skills/text\n"
		    "  skillbox check ./skill.yaml\n",
	.run = cmd_check,
};
