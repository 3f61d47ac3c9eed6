/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_OBJECT_SCHEMA_H
#define SBX_MCP_OBJECT_SCHEMA_H

#include <stdbool.h>

#include <jansson.h>

/*
 * What a tool is given is an object, and up to 2025-11-25 so is what it gives
 * back.  An action's may be anything: what is none goes as the one member of
 * an object.  Pure.
 */

#define SBX_MCP_INPUT_MEMBER  "input"
#define SBX_MCP_OUTPUT_MEMBER "result"

/* Whether all that fits @schema (or NULL, which all fits) is an object. */
bool sbx_mcp_is_object_schema(const json_t *schema);

/*
 * Whether an object may fit @schema without any member around it: it says
 * that it is one, or says nothing of a type.
 */
bool sbx_mcp_may_be_object_schema(const json_t *schema);

/* @schema as one of an object, "type" and all; new reference. */
json_t *sbx_mcp_object_schema(const json_t *schema);

/*
 * The schema of an object whose one member @name fits @schema; references in
 * there go on meaning what they meant.  New reference.
 */
json_t *sbx_mcp_member_schema(const json_t *schema, const char *name);

#endif
