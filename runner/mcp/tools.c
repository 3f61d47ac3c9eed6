/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * A shelf is what was read of one skill: its tools, and the stamps of the
 * files they were read from.  Whoever asks has all stamps compared first, and
 * what has changed read again; that is a stat(2) or two for each skill.  The
 * index is a list of all tools by name, made anew when a shelf was.
 */
#include "mcp/tools.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/each.h"
#include "base/mem.h"
#include "codec/json.h"
#include "mcp/definition.h"
#include "mcp/headers.h"
#include "sandbox/pool_stamp.h"
#include "skill/skill_md.h"

/* Fewer manifests than that are read before a thread has begun. */
#define BATCH 32

/* @texts	its definition up to 2025-11-25, and since 2026-07-28 */
struct entry {
	struct sbx_mcp_tool tool;
	char *texts[2];
};

/*
 * One that is new has stamps that no file has.
 *
 * @is_new	read since its tools were put into the index
 * @complaint	what is wrong with it, to be told yet, the last of it; or NULL
 * @is_of_name	that is a name that cannot be a tool's
 */
struct shelf {
	char *skill;
	struct sbx_stamp manifest;
	struct sbx_stamp markdown;
	struct entry *entries;
	size_t n;
	bool is_new;
	char *complaint;
	bool is_of_name;
};

/*
 * @lock	guards all
 * @wrong	what is wrong with names, the last of it
 * @sessions	the tools of sessions, or none
 * @is_open	whoever wants to know of that is told, rather than refused
 * @shelves	by skill
 * @index	by tool
 */
struct sbx_mcp_tools {
	pthread_mutex_t lock;
	struct sbx_mcp_tools_options options;
	struct sbx_error wrong;
	bool is_open;
	struct shelf sessions;
	struct shelf *shelves;
	size_t n_shelves;
	const struct entry **index;
	size_t n;
};

void sbx_mcp_tool_clear(struct sbx_mcp_tool *tool)
{
	free(tool->skill);
	free(tool->action);
	free(tool->media_type);
	json_decref(tool->input_schema);
	*tool = (struct sbx_mcp_tool)SBX_MCP_TOOL_INIT;
}

static void warn(struct sbx_mcp_tools *tools, const char *line)
{
	if (tools->options.warn)
		tools->options.warn(tools->options.ctx, line);
}

/* A name that is no tool's, or not that one's. */
static void complain(struct sbx_mcp_tools *tools)
{
	if (tools->is_open)
		warn(tools, tools->wrong.message);
}

/* --- sessions --------------------------------------------------------------- */

static void fill_sessions(struct shelf *shelf)
{
	json_auto_t *all = sbx_mcp_session_tools();
	json_t *definition;
	size_t i;

	shelf->entries =
		sbx_calloc(json_array_size(all), sizeof(*shelf->entries));
	json_array_foreach (all, i, definition) {
		struct entry *entry = &shelf->entries[shelf->n++];
		struct sbx_mcp_tool *tool = &entry->tool;

		tool->session = (enum sbx_mcp_session_tool)(i + 1);
		tool->skill = sbx_strdup("");
		tool->action = sbx_strdup("");
		snprintf(tool->name, sizeof(tool->name), "%s",
			 sbx_json_text_at(definition, "name", NULL));
		entry->texts[0] = sbx_json_line(definition);
		entry->texts[1] = sbx_strdup(entry->texts[0]);
	}
}

/* --- one skill ------------------------------------------------------------- */

static void empty(struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->n; i++) {
		sbx_mcp_tool_clear(&shelf->entries[i].tool);
		free(shelf->entries[i].texts[0]);
		free(shelf->entries[i].texts[1]);
	}
	free(sbx_take(shelf->entries));
	shelf->n = 0;
	free(sbx_take(shelf->complaint));
	shelf->is_of_name = false;
}

/* Only what is looked at before the run, which looks at all of it itself. */
static void keep_schema(struct sbx_mcp_tool *tool, const json_t *schema)
{
	if (sbx_mcp_headers_any_parameter(schema))
		tool->input_schema = json_deep_copy(schema);
}

static void describe(struct entry *entry, const struct sbx_manifest *manifest,
		     const struct sbx_action *action)
{
	struct sbx_mcp_tool *tool = &entry->tool;

	sbx_strset(&tool->skill, manifest->name);
	sbx_strset(&tool->action, action->name);
	sbx_strset(&tool->media_type, action->media_type);
	tool->wraps_input = sbx_mcp_wraps_input(action);
	tool->wraps_output = sbx_mcp_wraps_output(action);
	tool->has_output_schema = action->output_schema != NULL;
	tool->is_binary = action->output == SBX_OUTPUT_BINARY ||
			  action->media_type;
	for (int i = 0; i < 2; i++) {
		json_t *definition = sbx_mcp_tool_definition(
			manifest, action, tool->name, i == 1);

		entry->texts[i] = sbx_json_line(definition);
		if (i == 0)
			keep_schema(tool,
				    json_object_get(definition, "inputSchema"));
		json_decref(definition);
	}
}

static void fill(struct shelf *shelf, const struct sbx_manifest *manifest)
{
	shelf->entries =
		sbx_calloc(manifest->n_actions, sizeof(*shelf->entries));
	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_action *action = &manifest->actions[i];
		struct entry *entry = &shelf->entries[shelf->n];

		if (sbx_action_tool_name(manifest, action, entry->tool.name)) {
			describe(entry, manifest, action);
			shelf->n++;
		} else {
			free(shelf->complaint);
			shelf->complaint = sbx_asprintf(
				"%s_%s is too long for the name of a tool: "
				"give the action a tool_name",
				manifest->name, action->name);
			shelf->is_of_name = true;
		}
	}
}

/* What belongs to a manifest beside it, see skill/skill_md.h. */
static void stamp_markdown(const struct sbx_catalog *catalog,
			   const struct shelf *shelf, struct sbx_stamp *out)
{
	cleanup_free char *path = NULL;

	memset(out, 0, sizeof(*out));
	if (shelf->manifest.place >= catalog->directories.n)
		return;
	path = sbx_asprintf("%s/%s/%s",
			    catalog->directories.v[shelf->manifest.place],
			    shelf->skill, SBX_SKILL_MD_NAME);
	sbx_stamp_file(path, out);
}

/* Of one of many threads: touches nothing but that shelf. */
static void look_at(void *ctx, size_t i)
{
	struct sbx_mcp_tools *tools = ctx;
	struct shelf *shelf = &tools->shelves[i];
	const struct sbx_catalog *catalog = tools->options.catalog;
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_stamp manifest = shelf->manifest;
	struct sbx_stamp markdown = shelf->markdown;

	sbx_stamp_manifest(catalog, shelf->skill, &shelf->manifest);
	stamp_markdown(catalog, shelf, &shelf->markdown);
	if (sbx_stamp_equal(&manifest, &shelf->manifest) &&
	    sbx_stamp_equal(&markdown, &shelf->markdown))
		return;
	empty(shelf);
	shelf->is_new = true;
	if (sbx_catalog_load(catalog, shelf->skill, &skill, &err) == 0) {
		fill(shelf, skill.manifest);
	} else {
		shelf->complaint = sbx_asprintf("skill %s is no tool: %s",
						shelf->skill, err.message);
	}
}

/* What came of that; true when it is no more as it was. */
static bool take_in(struct sbx_mcp_tools *tools, struct shelf *shelf)
{
	bool is_new = shelf->is_new;

	shelf->is_new = false;
	if (shelf->is_of_name) {
		sbx_error_set(&tools->wrong, SBX_OUTCOME_INVALID, "%s",
			      shelf->complaint);
		complain(tools);
	} else if (shelf->complaint) {
		warn(tools, shelf->complaint);
	}
	free(sbx_take(shelf->complaint));
	shelf->is_of_name = false;
	return is_new;
}

/* --- all of them ----------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct sbx_mcp_tool *left =
		&(*(const struct entry *const *)a)->tool;
	const struct sbx_mcp_tool *right =
		&(*(const struct entry *const *)b)->tool;
	int order = strcmp(left->name, right->name);

	if (order == 0)
		order = strcmp(left->skill, right->skill);
	return order ? order : strcmp(left->action, right->action);
}

static void say_both(struct sbx_mcp_tools *tools,
		     const struct sbx_mcp_tool *before,
		     const struct sbx_mcp_tool *tool)
{
	if (before->session)
		sbx_error_set(&tools->wrong, SBX_OUTCOME_INVALID,
			      "%s %s is the tool %s, which is one of sessions: "
			      "give it another tool_name",
			      tool->skill, tool->action, tool->name);
	else
		sbx_error_set(&tools->wrong, SBX_OUTCOME_INVALID,
			      "%s %s and %s %s are both the tool %s: give one "
			      "of them another tool_name",
			      before->skill, before->action, tool->skill,
			      tool->action, tool->name);
	complain(tools);
}

/* Those with a name that another has; the first of them stays. */
static void drop_second(struct sbx_mcp_tools *tools)
{
	size_t kept = 0;

	for (size_t i = 0; i < tools->n; i++) {
		const struct sbx_mcp_tool *tool = &tools->index[i]->tool;
		const struct sbx_mcp_tool *before =
			kept ? &tools->index[kept - 1]->tool : NULL;

		if (!before || strcmp(before->name, tool->name) != 0) {
			tools->index[kept++] = tools->index[i];
			continue;
		}
		say_both(tools, before, tool);
	}
	tools->n = kept;
}

static void add_to_index(struct sbx_mcp_tools *tools, const struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->n; i++)
		tools->index[tools->n++] = &shelf->entries[i];
}

static void make_index(struct sbx_mcp_tools *tools)
{
	size_t n = tools->sessions.n;

	for (size_t i = 0; i < tools->n_shelves; i++)
		n += tools->shelves[i].n;
	free(sbx_take(tools->index));
	tools->index = sbx_calloc(n + 1, sizeof(struct entry *));
	tools->n = 0;
	add_to_index(tools, &tools->sessions);
	for (size_t i = 0; i < tools->n_shelves; i++)
		add_to_index(tools, &tools->shelves[i]);
	qsort(tools->index, tools->n, sizeof(struct entry *), compare);
	drop_second(tools);
}

static void drop_shelves(struct sbx_mcp_tools *tools)
{
	for (size_t i = 0; i < tools->n_shelves; i++) {
		empty(&tools->shelves[i]);
		free(tools->shelves[i].skill);
	}
	free(sbx_take(tools->shelves));
	tools->n_shelves = 0;
}

/* Shelves for these skills: those that there are, and new ones.  Both sorted. */
static bool arrange(struct sbx_mcp_tools *tools, const struct sbx_strv *names)
{
	struct shelf *shelves = sbx_calloc(names->n + 1, sizeof(*shelves));
	size_t old = 0;
	bool has_changed = false;

	for (size_t i = 0; i < names->n; i++) {
		int order = -1;

		while (old < tools->n_shelves &&
		       (order = strcmp(tools->shelves[old].skill,
				       names->v[i])) < 0) {
			old++;
			has_changed = true;
		}
		if (order == 0) {
			shelves[i] = tools->shelves[old];
			memset(&tools->shelves[old++], 0, sizeof(*shelves));
		} else {
			sbx_strset(&shelves[i].skill, names->v[i]);
		}
	}
	has_changed |= old < tools->n_shelves;
	drop_shelves(tools);
	tools->shelves = shelves;
	tools->n_shelves = names->n;
	return has_changed;
}

/* With the lock. */
static int refresh(struct sbx_mcp_tools *tools, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	bool has_changed;

	if (sbx_catalog_names(tools->options.catalog, &names, NULL, err) < 0)
		return -1;
	has_changed = arrange(tools, &names);
	sbx_each(tools->n_shelves, BATCH, look_at, tools);
	for (size_t i = 0; i < tools->n_shelves; i++)
		has_changed |= take_in(tools, &tools->shelves[i]);
	if (has_changed)
		make_index(tools);
	return 0;
}

int sbx_mcp_tools_new(struct sbx_mcp_tools **out,
		      const struct sbx_mcp_tools_options *options,
		      struct sbx_error *err)
{
	struct sbx_mcp_tools *tools = sbx_calloc(1, sizeof(*tools));

	tools->options = *options;
	tools->wrong = (struct sbx_error)SBX_ERROR_INIT;
	pthread_mutex_init(&tools->lock, NULL);
	if (options->has_sessions)
		fill_sessions(&tools->sessions);
	make_index(tools);
	if (refresh(tools, err) < 0 || tools->wrong.outcome != SBX_OUTCOME_OK) {
		if (tools->wrong.outcome != SBX_OUTCOME_OK)
			*err = tools->wrong;
		sbx_mcp_tools_free(&tools);
		return -1;
	}
	tools->is_open = true;
	*out = tools;
	return 0;
}

void sbx_mcp_tools_free(struct sbx_mcp_tools **tools)
{
	if (!*tools)
		return;
	drop_shelves(*tools);
	empty(&(*tools)->sessions);
	free((*tools)->index);
	pthread_mutex_destroy(&(*tools)->lock);
	free(sbx_take(*tools));
}

/* --- asking ---------------------------------------------------------------- */

static void copy_tool(struct sbx_mcp_tool *to, const struct sbx_mcp_tool *from)
{
	*to = *from;
	to->skill = sbx_strdup(from->skill);
	to->action = sbx_strdup(from->action);
	to->media_type = from->media_type ? sbx_strdup(from->media_type) : NULL;
	to->input_schema = json_deep_copy(from->input_schema);
}

/* The first one that is not before @name. */
static size_t lower_bound(const struct sbx_mcp_tools *tools, const char *name)
{
	size_t low = 0;
	size_t high = tools->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(tools->index[middle]->tool.name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct entry *entry_of(const struct sbx_mcp_tools *tools,
				    const char *name)
{
	size_t at = lower_bound(tools, name);

	if (at < tools->n && strcmp(tools->index[at]->tool.name, name) == 0)
		return tools->index[at];
	return NULL;
}

/* A tool that is known is looked at alone: its manifest, by a stat(2). */
static bool is_as_it_was(struct sbx_mcp_tools *tools, const struct entry *entry)
{
	struct sbx_stamp now;

	if (entry->tool.session)
		return true;
	for (size_t i = 0; i < tools->n_shelves; i++) {
		const struct shelf *shelf = &tools->shelves[i];

		if (strcmp(shelf->skill, entry->tool.skill) != 0)
			continue;
		sbx_stamp_manifest(tools->options.catalog, shelf->skill, &now);
		return sbx_stamp_equal(&now, &shelf->manifest);
	}
	return false;
}

bool sbx_mcp_tools_find(struct sbx_mcp_tools *tools, const char *name,
			struct sbx_mcp_tool *out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	const struct entry *entry;

	pthread_mutex_lock(&tools->lock);
	entry = entry_of(tools, name);
	if (!entry || !is_as_it_was(tools, entry)) {
		refresh(tools, &ignored);
		entry = entry_of(tools, name);
	}
	if (entry)
		copy_tool(out, &entry->tool);
	pthread_mutex_unlock(&tools->lock);
	return entry != NULL;
}

/*
 * Whether a tool is ready changes more often than what it is: it goes into its
 * "_meta", which is the last member.
 */
static void put_definition(struct sbx_mcp_tools *tools,
			   const struct entry *entry, bool is_stateless,
			   struct sbx_buf *out)
{
	const struct sbx_mcp_tools_options *options = &tools->options;
	const char *text = entry->texts[is_stateless];

	if (!options->is_ready || entry->tool.session) {
		sbx_buf_puts(out, text);
		return;
	}
	sbx_buf_append(out, text, strlen(text) - strlen("}}"));
	sbx_buf_printf(out, ", \"io.skillbox/ready\": %s}}",
		       options->is_ready(options->ctx, entry->tool.skill,
					 entry->tool.action)
			       ? "true"
			       : "false");
}

bool sbx_mcp_tools_list(struct sbx_mcp_tools *tools, bool is_stateless,
			const char *after, size_t max, struct sbx_buf *out,
			char last[static SBX_TOOL_NAME_SIZE])
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	size_t at = 0;
	size_t n = 0;
	bool is_more;

	pthread_mutex_lock(&tools->lock);
	refresh(tools, &ignored);
	if (after) {
		at = lower_bound(tools, after);
		if (at < tools->n &&
		    strcmp(tools->index[at]->tool.name, after) == 0)
			at++;
	}
	for (; at < tools->n && n < max; at++, n++) {
		if (n)
			sbx_buf_puts(out, ", ");
		put_definition(tools, tools->index[at], is_stateless, out);
		memcpy(last, tools->index[at]->tool.name, SBX_TOOL_NAME_SIZE);
	}
	is_more = at < tools->n;
	pthread_mutex_unlock(&tools->lock);
	return is_more;
}
