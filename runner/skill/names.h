/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_NAMES_H
#define SBX_SKILL_NAMES_H

#include <stdbool.h>

/* What may be called what.  manifests/skill.schema.json has the same rules. */

#define SBX_NAME_SIZE_MAX 63

/* [a-z0-9][a-z0-9-]{0,62} */
bool sbx_name_is_skill(const char *name);

/* [a-z][a-z0-9_]{0,62} */
bool sbx_name_is_action(const char *name);

/* [a-z0-9][a-z0-9_.-]{0,63} */
bool sbx_name_is_volume(const char *name);

/* [a-z0-9][a-z0-9_.-]{0,63} */
bool sbx_name_is_session(const char *name);

/* [a-z0-9._-]{1,64} */
bool sbx_name_is_owner(const char *name);

/* [A-Za-z_][A-Za-z0-9_]{0,254} */
bool sbx_name_is_variable(const char *name);

/* [A-Za-z0-9][A-Za-z0-9_.-]{0,127} */
bool sbx_name_is_identifier(const char *name);

/* Semantic Versioning 2.0.0, at most 128 characters. */
bool sbx_name_is_version(const char *text);

/* NAME@sha256:<64 lower-case hexadecimal digits> */
bool sbx_name_is_pinned_image(const char *text);

/* One line for people, of 1 to 200 bytes and not only blanks. */
#define SBX_TITLE_SIZE_MAX 200
bool sbx_name_is_title(const char *text);

/* The same, of 1 to 1000 bytes: an SPDX expression, or a sentence. */
#define SBX_LICENSE_SIZE_MAX 1000
#define SBX_LICENSE_EXPECTED "one line such as MIT, at most 1000 bytes"
bool sbx_name_is_license(const char *text);

/* "TYPE/SUBTYPE", each a restricted name of RFC 6838, section 4.2. */
bool sbx_name_is_media_type(const char *text);

/* Room for the name of an MCP tool, [a-zA-Z0-9_-]{1,64}, and its NUL. */
#define SBX_TOOL_NAME_SIZE 65
bool sbx_name_is_tool(const char *name);

/*
 * The name that an action has as a tool: @own, and SKILL_ACTION where that is
 * NULL.  False, and @out "", when that is too long for one.
 */
bool sbx_name_of_tool(const char *own, const char *skill, const char *action,
		      char out[static SBX_TOOL_NAME_SIZE]);

#endif
