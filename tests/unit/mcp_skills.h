/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_MCP_SKILLS_H
#define SBX_TESTS_MCP_SKILLS_H

#include "base/buf.h"
#include "mcp/tools.h"
#include "scratch.h"

/*
 * A directory of skills in the scratch directory of each test, a store of the
 * tools that they are, and what that has to say: a warning a line.
 */
static struct sbx_catalog skills;
static struct sbx_buf skills_said = SBX_BUF_INIT(65536);

/* @actions are lines of YAML; what was there is another file now. */
static inline void skill_put(const char *name, const char *actions)
{
	cleanup_free char *dir = sbx_asprintf("skills/%s", name);
	cleanup_free char *path = sbx_asprintf("%s/skill.yaml", dir);
	cleanup_free char *text =
		sbx_asprintf("schema_version: 1\nname: %s\nversion: 0.1.0\n"
			     "actions:\n%s",
			     name, actions);

	mkdir(dir, 0700);
	unlink(path);
	put(path, text);
}

static inline void skill_remove(const char *name)
{
	cleanup_free char *path = sbx_asprintf("skills/%s/skill.yaml", name);

	assert_int_equal(unlink(path), 0);
}

static inline int skills_enter(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (scratch_enter(state) < 0 || mkdir("skills", 0700) < 0)
		return -1;
	return sbx_catalog_open(&skills, "skills", &err);
}

static inline int skills_leave(void **state)
{
	sbx_catalog_close(&skills);
	sbx_buf_free(&skills_said);
	return scratch_leave(state);
}

static inline void skills_warn(void *ctx, const char *line)
{
	(void)ctx;
	assert_true(sbx_buf_puts(&skills_said, line));
	assert_true(sbx_buf_puts(&skills_said, "\n"));
}

static inline struct sbx_mcp_tools *skills_tools(void)
{
	const struct sbx_mcp_tools_options options = {
		.catalog = &skills,
		.warn = skills_warn,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	if (sbx_mcp_tools_new(&tools, &options, &err) < 0)
		fail_msg("%s", err.message);
	return tools;
}

#endif
