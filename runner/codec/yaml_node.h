/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_YAML_NODE_H
#define SBX_CODEC_YAML_NODE_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/yaml.h"

/* What yaml_parse.c makes and yaml.c looks things up in; for them only. */

/*
 * @json	owned reference
 * @name	its key, when it is a member; lives in the key's own node
 * @first	its elements or members, linked by @next
 * @target	what it is an alias of, never an alias itself
 * @older	the node made before it: all nodes of a document are in one list
 * @nodes, @text, @height	written out: nodes, bytes of scalars, levels
 */
struct sbx_yaml_node {
	json_t *json;
	const char *name;
	struct sbx_yaml_place key;
	struct sbx_yaml_place value;
	struct sbx_yaml_node *first;
	struct sbx_yaml_node *next;
	struct sbx_yaml_node *target;
	struct sbx_yaml_node *older;
	size_t nodes;
	size_t text;
	unsigned int height;
	bool open; /* its end was not seen yet */
};

struct sbx_yaml {
	struct sbx_yaml_node *root;
	struct sbx_yaml_node *newest;
	struct sbx_strv faults;
};

/* The member of mapping @node that is called @name, or NULL. */
struct sbx_yaml_node *sbx_yaml_member(const struct sbx_yaml_node *node,
				      const char *name);

#endif
