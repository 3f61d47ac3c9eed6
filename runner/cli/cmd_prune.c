/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

#include "cli/cancel.h"
#include "cli/terminal.h"
#include "sandbox/reap.h"
#include "skill/skill_image.h"

struct values {
	bool dry_run;
};

static const struct sbx_option options[] = {
	{ "dry-run", 'n', SBX_OPTION_FLAG, NULL,
	  "only show what would be removed", offsetof(struct values, dry_run) },
	{ .name = NULL },
};

/* Containers first: they hold on to the volumes and images. */
static int sweep(struct sbx_engine *engine, const struct sbx_catalog *catalog,
		 bool dry_run, struct sbx_strv *removed, struct sbx_error *err)
{
	enum sbx_reap_mode mode = dry_run ? SBX_REAP_DRY_RUN : SBX_REAP_PRUNE;

	if (sbx_reap_containers(engine, mode, removed, err) ||
	    sbx_reap_volumes(engine, dry_run, removed, err))
		return -1;
	return sbx_skill_image_prune(engine, catalog, dry_run, removed, err);
}

static void report(const struct sbx_strv *removed, bool dry_run)
{
	for (size_t i = 0; i < removed->n; i++) {
		cleanup_free char *what = sbx_term_escape(removed->v[i]);

		printf("%s%s\n", dry_run ? "would remove " : "removed ", what);
	}
	if (removed->n == 0)
		printf("nothing to remove\n");
	else if (dry_run)
		printf("%zu to remove; nothing was removed (--dry-run)\n",
		       removed->n);
	else
		printf("%zu removed\n", removed->n);
}

static int prune(const struct sbx_cli *cli, bool dry_run)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_strv removed = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	int status = 0;

	if (sbx_cli_catalog(cli, &catalog, &err) ||
	    sbx_cli_engine(cli, &engine, &err)) {
		status = sbx_cli_fail(&err);
		goto out;
	}
	sbx_engine_set_cancel_fd(engine, sbx_cancel_setup());
	if (sweep(engine, &catalog, dry_run, &removed, &err)) {
		if (removed.n)
			report(&removed, dry_run);
		status = sbx_cli_fail(&err);
		goto out;
	}
	report(&removed, dry_run);
out:
	sbx_engine_free(&engine);
	sbx_strv_free(&removed);
	sbx_catalog_close(&catalog);
	return status;
}

static int cmd_prune(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .dry_run = false };
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	return prune(cli, values.dry_run);
}

const struct sbx_command sbx_cmd_prune = {
	.name = "prune",
	.summary = "remove what is no longer needed",
	.arguments = "",
	.details = "Removes what skillbox made and nobody needs any more: "
		   "images whose sources have changed since, containers "
		   "whose runner is gone, volumes of finished tests and of "
		   "other builds of skillbox. Volumes with data of skills "
		   "stay, and so do images of skills that are not in the "
		   "catalog. What does not carry a label of skillbox is never "
		   "touched.",
	.examples = "  skillbox prune --dry-run\n"
		    "  skillbox prune\n",
	.options = options,
	.run = cmd_prune,
};
