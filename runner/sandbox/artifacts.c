/* SPDX-License-Identifier: MIT */
#include "sandbox/artifacts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A mark may be longer than what it stands for. */
#define NAME_MAX_SIZE (4 * 1024)

void sbx_artifacts_begin(struct sbx_artifacts *artifacts,
			 const struct sbx_redactor *redactor, size_t max)
{
	artifacts->redactor = redactor;
	artifacts->max = max;
}

static void keep(void *ctx, const void *data, size_t size)
{
	struct sbx_artifacts *artifacts = ctx;
	struct sbx_artifact *last = &artifacts->v[artifacts->n - 1];

	if (sbx_buf_append(&last->data, data, size) < size)
		artifacts->is_cut = true;
}

static void keep_name(void *ctx, const void *data, size_t size)
{
	sbx_buf_append(ctx, data, size);
}

static char *clean_name(const struct sbx_artifacts *artifacts, const void *name,
			size_t size, struct sbx_error *err)
{
	cleanup_redaction struct sbx_redaction *redaction = NULL;
	cleanup_buf struct sbx_buf clean = SBX_BUF_INIT(NAME_MAX_SIZE);

	if (sbx_redaction_new(&redaction, artifacts->redactor, err) < 0 ||
	    sbx_redaction_feed(redaction, name, size, keep_name, &clean, err) <
		    0)
		return NULL;
	sbx_redaction_end(redaction, false, keep_name, &clean);
	return sbx_buf_take(&clean);
}

/* One that became shorter may end in the middle of a secret. */
static void end_last(struct sbx_artifacts *artifacts)
{
	if (artifacts->n > 0)
		sbx_redaction_end(artifacts->redaction, artifacts->left > 0,
				  keep, artifacts);
	sbx_redaction_free(&artifacts->redaction);
	artifacts->left = 0;
}

int sbx_artifacts_next(struct sbx_artifacts *artifacts, const void *name,
		       size_t name_size, uint64_t size, struct sbx_error *err)
{
	char *clean = clean_name(artifacts, name, name_size, err);

	if (!clean)
		return -1;
	end_last(artifacts);
	artifacts->v = sbx_realloc(artifacts->v,
				   (artifacts->n + 1) * sizeof(*artifacts->v));
	artifacts->v[artifacts->n++] = (struct sbx_artifact){
		.name = clean,
		.data = SBX_BUF_INIT(artifacts->max),
	};
	artifacts->left = size;
	return sbx_redaction_new(&artifacts->redaction, artifacts->redactor,
				 err);
}

int sbx_artifacts_take(struct sbx_artifacts *artifacts, const void *data,
		       size_t size, struct sbx_error *err)
{
	artifacts->left -= size < artifacts->left ? size : artifacts->left;
	return sbx_redaction_feed(artifacts->redaction, data, size, keep,
				  artifacts, err);
}

static int by_name(const void *a, const void *b)
{
	const struct sbx_artifact *x = a;
	const struct sbx_artifact *y = b;

	return strcmp(x->name, y->name);
}

void sbx_artifacts_end(struct sbx_artifacts *artifacts)
{
	end_last(artifacts);
	if (artifacts->n > 0)
		qsort(artifacts->v, artifacts->n, sizeof(*artifacts->v),
		      by_name);
}

void sbx_artifacts_clear(struct sbx_artifacts *artifacts)
{
	sbx_redaction_free(&artifacts->redaction);
	for (size_t i = 0; i < artifacts->n; i++) {
		free(artifacts->v[i].name);
		sbx_buf_free(&artifacts->v[i].data);
	}
	free(artifacts->v);
	*artifacts = (struct sbx_artifacts){ .v = NULL };
}
