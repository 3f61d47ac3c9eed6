/* SPDX-License-Identifier: MIT */
#include "codec/yaml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/yaml_node.h"

struct sbx_yaml_node *sbx_yaml_member(const struct sbx_yaml_node *node,
				      const char *name)
{
	struct sbx_yaml_node *member = node->first;

	while (member && strcmp(member->name, name) != 0)
		member = member->next;
	return member;
}

void sbx_yaml_free(struct sbx_yaml **yaml)
{
	struct sbx_yaml_node *node;

	if (!*yaml)
		return;
	while ((node = (*yaml)->newest)) {
		(*yaml)->newest = node->older;
		json_decref(node->json);
		free(node);
	}
	sbx_strv_free(&(*yaml)->faults);
	free(*yaml);
	*yaml = NULL;
}

const struct sbx_strv *sbx_yaml_faults(const struct sbx_yaml *yaml)
{
	return &yaml->faults;
}

json_t *sbx_yaml_root(const struct sbx_yaml *yaml)
{
	return yaml->root->json;
}

/* --- places --------------------------------------------------------------- */

/* Takes the next part off a JSON Pointer, which is at a '/', unescaped. */
static char *take_part(const char **pointer)
{
	size_t size = strcspn(*pointer + 1, "/");
	char *part = sbx_strndup(*pointer + 1, size);
	char *to = part;

	*pointer += size + 1;
	for (const char *from = part; *from; from++) {
		bool escaped = from[0] == '~' &&
			       (from[1] == '0' || from[1] == '1');

		if (escaped)
			from++;
		*to = *from;
		if (escaped)
			*to = *from == '0' ? '~' : '/';
		to++;
	}
	*to = '\0';
	return part;
}

static const struct sbx_yaml_node *child(const struct sbx_yaml_node *node,
					 const char *part)
{
	const struct sbx_yaml_node *element;
	unsigned long index;

	if (node->target)
		node = node->target;
	if (json_is_object(node->json))
		return sbx_yaml_member(node, part);
	index = strtoul(part, NULL, 10);
	for (element = node->first; element && index > 0; index--)
		element = element->next;
	return element;
}

static const struct sbx_yaml_node *find(const struct sbx_yaml *yaml,
					const char *pointer)
{
	const struct sbx_yaml_node *node = yaml->root;

	while (*pointer == '/') {
		cleanup_free char *part = take_part(&pointer);
		const struct sbx_yaml_node *inner = child(node, part);

		if (!inner)
			break;
		node = inner;
	}
	return node;
}

struct sbx_yaml_place sbx_yaml_value_place(const struct sbx_yaml *yaml,
					   const char *pointer)
{
	return find(yaml, pointer)->value;
}

struct sbx_yaml_place sbx_yaml_key_place(const struct sbx_yaml *yaml,
					 const char *pointer)
{
	return find(yaml, pointer)->key;
}
