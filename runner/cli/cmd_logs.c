/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/cancel.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "serve/record_dir.h"

/*
 * skillbox logs: what a daemon has kept in its directory of records, oldest
 * first, and with --follow what comes to that.  The daemon is not asked.
 */

#define RECORD_MAX ((size_t)1 << 30)

struct values {
	const char *directory;
	const char *run;
	bool failed;
	bool follow;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "record-dir", 0, SBX_OPTION_TEXT, "DIR",
	  "where the daemon keeps records (default: $SKILLBOX_RECORD_DIR, then "
	  "/var/lib/skillbox/records)",
	  offsetof(struct values, directory) },
	{ "run", 0, SBX_OPTION_TEXT, "ID", "the whole record of this run",
	  offsetof(struct values, run) },
	{ "failed", 0, SBX_OPTION_FLAG, NULL,
	  "only runs whose outcome is not ok",
	  offsetof(struct values, failed) },
	{ "follow", 'f', SBX_OPTION_FLAG, NULL,
	  "go on with runs as they end, until interrupted",
	  offsetof(struct values, follow) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "a line for each (default), or their records",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/*
 * @skill	the one that is asked for, or NULL
 * @fd		of the directory
 * @seen	records that were there at the beginning
 * @n_shown	how many fitted
 */
struct logs {
	const struct values *values;
	const char *skill;
	const char *directory;
	int fd;
	struct sbx_strv seen;
	size_t n_shown;
};

/* --- one record ------------------------------------------------------------ */

static const char *text_at(const json_t *record, const char *name)
{
	const char *text = sbx_json_text_at(record, name, NULL);

	return text ? text : "-";
}

/* "20260131T120000123Z-..." as RFC 3339 has it. */
static void print_time(const char *name)
{
	printf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.3sZ", name, name + 4, name + 6,
	       name + 9, name + 11, name + 13, name + 15);
}

static void print_line(const char *name, const json_t *record)
{
	cleanup_free char *what = sbx_asprintf(
		"%s %s", text_at(record, "skill"), text_at(record, "action"));
	cleanup_free char *safe = sbx_term_escape(what);
	cleanup_free char *id = sbx_term_escape(text_at(record, "run_id"));
	cleanup_free char *error = sbx_term_escape(text_at(record, "error"));
	json_t *duration = json_object_get(record, "duration_ms");

	print_time(name);
	printf("  %-32s  %-14s %3d  %9.1f ms  %-6s  %s", safe,
	       text_at(record, "outcome"),
	       (int)sbx_json_int_at(0, record, "status", NULL),
	       json_number_value(duration), text_at(record, "start"), id);
	if (json_is_string(json_object_get(record, "error")))
		printf("  %s", error);
	putchar('\n');
}

static bool fits(const struct logs *logs, const json_t *record)
{
	if (logs->skill && strcmp(text_at(record, "skill"), logs->skill) != 0)
		return false;
	return !logs->values->failed ||
	       strcmp(text_at(record, "outcome"), "ok") != 0;
}

static bool is_run(const struct logs *logs, const char *name)
{
	const char *wanted = logs->values->run;
	const char *id;
	size_t size;

	return sbx_record_dir_is_name(name, &id, &size) &&
	       (!wanted ||
		(strlen(wanted) == size && memcmp(wanted, id, size) == 0));
}

/* One that is gone again has made room for others. */
static void show(struct logs *logs, const char *name)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(RECORD_MAX);
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *record = NULL;

	if (!is_run(logs, name))
		return;
	if (sbx_file_read_nofollow(logs->fd, name, &text, &err) < 0 ||
	    sbx_json_parse(sbx_buf_text(&text), text.len, &record, &err) < 0) {
		if (err.outcome != SBX_OUTCOME_NOT_FOUND)
			sbx_term_error("%s: %s", name, err.message);
		return;
	}
	if (!fits(logs, record))
		return;
	logs->n_shown++;
	if (logs->values->run || logs->values->format == SBX_CLI_JSON)
		sbx_term_json(record);
	else
		print_line(name, record);
}

/* --- all of them ----------------------------------------------------------- */

static int show_all(struct logs *logs, struct sbx_error *err)
{
	if (sbx_record_dir_names(logs->fd, &logs->seen, err) < 0)
		return -1;
	for (size_t i = 0; i < logs->seen.n && !sbx_cancel_asked(); i++)
		show(logs, logs->seen.v[i]);
	if (logs->values->run && logs->n_shown == 0 && !logs->values->follow)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no record of a run '%s' in %s",
				     logs->values->run, logs->directory);
	return 0;
}

static bool was_seen(const struct logs *logs, const char *name)
{
	for (size_t i = logs->seen.n; i > 0; i--) {
		int order = strcmp(logs->seen.v[i - 1], name);

		if (order <= 0)
			return order == 0;
	}
	return false;
}

/* False at the end: the directory is gone, or nobody reads any more. */
static bool show_new(struct logs *logs, int watch)
{
	_Alignas(struct inotify_event) char buffer[16 * 1024];
	ssize_t size = read(watch, buffer, sizeof(buffer));
	const char *end = buffer + (size > 0 ? size : 0);

	for (const char *at = buffer; at < end;) {
		const struct inotify_event *event = (const void *)at;

		if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
			return false;
		if (event->len && !was_seen(logs, event->name))
			show(logs, event->name);
		at += sizeof(*event) + event->len;
	}
	return fflush(stdout) == 0;
}

static void follow(struct logs *logs, int watch)
{
	struct pollfd fds[] = {
		{ .fd = watch, .events = POLLIN },
		{ .fd = sbx_cancel_setup(), .events = POLLIN },
	};

	fflush(stdout);
	while (!sbx_cancel_asked()) {
		if (poll(fds, 2, -1) > 0 && fds[0].revents &&
		    !show_new(logs, watch))
			return;
	}
}

static int open_directory(struct logs *logs, struct sbx_error *err)
{
	logs->fd = open(logs->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (logs->fd >= 0)
		return 0;
	if (errno != ENOENT)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "%s", logs->directory);
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "there are no records in %s; 'skillbox serve "
			     "--record-dir DIR' keeps them",
			     logs->directory);
}

/* Watched first, so that none is missed in between. */
static int watch_directory(const struct logs *logs, int *out,
			   struct sbx_error *err)
{
	*out = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (*out >= 0 &&
	    inotify_add_watch(*out, logs->directory,
			      IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF) >= 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			       "cannot watch %s", logs->directory);
}

static int print(struct logs *logs, struct sbx_error *err)
{
	cleanup_fd int watch = -1;

	if (open_directory(logs, err) < 0 ||
	    (logs->values->follow && watch_directory(logs, &watch, err) < 0) ||
	    show_all(logs, err) < 0)
		return -1;
	if (logs->values->follow)
		follow(logs, watch);
	return 0;
}

/* --- the command line ------------------------------------------------------ */

static const char *default_directory(void)
{
	const char *directory = getenv("SKILLBOX_RECORD_DIR");

	return directory && *directory ? directory
				       : "/var/lib/skillbox/records";
}

static int cmd_logs(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .directory = NULL };
	struct logs logs = { .values = &values, .fd = -1 };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first > 1)
		return sbx_cli_usage(cli, "unexpected argument '%s'",
				     argv[first + 1]);
	sbx_cancel_setup();
	logs.skill = argv[first];
	logs.directory = values.directory ? values.directory
					  : default_directory();
	status = print(&logs, &err) < 0 ? sbx_cli_fail(&err) : 0;
	sbx_strv_free(&logs.seen);
	sbx_close(&logs.fd);
	return status || !sbx_cancel_asked()
		       ? status
		       : sbx_outcome_status(SBX_OUTCOME_CANCELLED);
}

const struct sbx_command sbx_cmd_logs = {
	.name = "logs",
	.summary = "what a daemon's runs came to",
	.arguments = "[SKILL]",
	.details = "Shows what 'skillbox serve --record-dir DIR' has kept of "
		   "its runs, oldest first: when it ended, skill and action, "
		   "outcome and status, how long it took, how its sandbox came "
		   "to be, the run's id, and what went wrong. Secrets were "
		   "taken out before anything was kept; of an input there is "
		   "what an error quotes of it.",
	.examples = "  skillbox logs -f\n"
		    "  skillbox logs text --failed\n"
		    "  skillbox logs --run 3f2a9c | jq .stderr\n"
		    "  skillbox logs --format json | jq .duration_ms\n",
	.options = options,
	.run = cmd_logs,
};
