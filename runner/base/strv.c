/* SPDX-License-Identifier: MIT */
#include "base/strv.h"

#include <string.h>

void sbx_strv_push_take(struct sbx_strv *list, char *text)
{
	list->v = sbx_realloc(list->v, (list->n + 2) * sizeof(*list->v));
	list->v[list->n++] = text;
	list->v[list->n] = NULL;
}

void sbx_strv_push(struct sbx_strv *list, const char *text)
{
	sbx_strv_push_take(list, sbx_strdup(text));
}

void sbx_strv_extend(struct sbx_strv *to, const struct sbx_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		sbx_strv_push(to, from->v[i]);
}

void sbx_strv_copy(struct sbx_strv *to, const struct sbx_strv *from)
{
	sbx_strv_free(to);
	sbx_strv_extend(to, from);
}

/* The slot of the entry called @name, or NULL. */
static char **find(const struct sbx_strv *list, const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < list->n; i++) {
		if (strncmp(list->v[i], name, size) == 0 &&
		    list->v[i][size] == '=')
			return &list->v[i];
	}
	return NULL;
}

void sbx_strv_setenv(struct sbx_strv *list, const char *name, const char *value)
{
	char *entry = sbx_asprintf("%s=%s", name, value);
	char **slot = find(list, name);

	if (!slot) {
		sbx_strv_push_take(list, entry);
		return;
	}
	free(*slot);
	*slot = entry;
}

void sbx_strv_extend_env(struct sbx_strv *to, const struct sbx_strv *from)
{
	for (size_t i = 0; i < from->n; i++) {
		size_t size = strcspn(from->v[i], "=");
		cleanup_free char *name = sbx_strndup(from->v[i], size);

		if (from->v[i][size] == '=')
			sbx_strv_setenv(to, name, from->v[i] + size + 1);
	}
}

const char *sbx_strv_getenv(const struct sbx_strv *list, const char *name)
{
	char **slot = find(list, name);

	return slot ? *slot + strlen(name) + 1 : NULL;
}

void sbx_strv_free(struct sbx_strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
	list->v = NULL;
	list->n = 0;
}
