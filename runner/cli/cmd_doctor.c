/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cancel.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "sandbox/doctor.h"
#include "sandbox/run.h"

struct values {
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* All that was found out; @facts is NULL when the engine did not answer. */
struct diagnosis {
	char *url;
	json_t *facts;
	struct sbx_doctor_findings findings;
};

static const char *socket_path(const char *url)
{
	return sbx_text_has_prefix(url, "unix://") ? url + strlen("unix://")
						   : NULL;
}

/* What to do about an engine that does not answer. */
static const char *connect_fix(const char *url)
{
	const char *path = socket_path(url);

	if (!path)
		return "check the URL, and that the engine listens there";
	if (access(path, R_OK | W_OK) == 0)
		return "the socket is there but nobody answers: start the "
		       "engine ('systemctl start docker') and see its log "
		       "('journalctl -u docker')";
	if (errno == EACCES)
		return "run skillbox as root, or as a member of the socket's "
		       "group (usually 'docker'; that is as much as root)";
	return "start the engine ('systemctl start docker'), or name another "
	       "one with --engine or DOCKER_HOST";
}

/* Free space where a local engine keeps its data, or -1. */
static int64_t free_bytes(const char *url, const json_t *info)
{
	const char *root = sbx_json_text_at(info, "DockerRootDir", NULL);
	struct statvfs fs;

	if (!socket_path(url) || !root || statvfs(root, &fs))
		return -1;
	return (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
}

/* The proof of it all: a sandbox, looked at from the inside. */
static void probe(struct diagnosis *diagnosis, struct sbx_engine *engine,
		  const struct sbx_policy *policy)
{
	struct sbx_error err = SBX_ERROR_INIT;
	double start = sbx_clock_ms();

	if (sbx_run_probe(engine, policy, &err) == 0)
		sbx_doctor_add(&diagnosis->findings, SBX_DOCTOR_OK, "sandbox",
			       NULL,
			       "a sandbox starts, and init finds every "
			       "restriction in force (%.0f ms)",
			       sbx_clock_ms() - start);
	else
		sbx_doctor_add(&diagnosis->findings, SBX_DOCTOR_FAIL, "sandbox",
			       "mend what is marked FAIL or warn above "
			       "first; the engine's log may say more",
			       "no sandbox can be had: %s", err.message);
}

/* Nothing runs under a policy that has an error. */
static void examine_policy(struct diagnosis *diagnosis,
			   const struct sbx_cli *cli, struct sbx_policy *out)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_cli_policy(cli, out, &err) == 0) {
		sbx_doctor_add(&diagnosis->findings, SBX_DOCTOR_OK, "policy",
			       NULL, "%s",
			       out->file ? out->file : "the built-in one");
		return;
	}
	sbx_policy_init(out);
	sbx_doctor_add(&diagnosis->findings, SBX_DOCTOR_FAIL, "policy",
		       "mend the file, or name another one with --policy", "%s",
		       err.message);
}

static void examine(struct diagnosis *diagnosis, struct sbx_engine *engine,
		    const struct sbx_policy *policy)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *version = NULL;
	json_auto_t *info = NULL;

	if (sbx_engine_version(engine, &version, &err) ||
	    sbx_engine_info(engine, &info, &err)) {
		sbx_doctor_add(&diagnosis->findings, SBX_DOCTOR_FAIL, "engine",
			       connect_fix(diagnosis->url), "%s", err.message);
		return;
	}
	diagnosis->facts = sbx_doctor_facts(info, version);
	sbx_doctor_examine(&diagnosis->findings, info, version,
			   free_bytes(diagnosis->url, info));
	probe(diagnosis, engine, policy);
}

/* --- what is printed ------------------------------------------------------- */

static size_t count(const struct sbx_doctor_findings *findings,
		    enum sbx_doctor_level level)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n; i++)
		n += findings->v[i].level == level;
	return n;
}

static void print_json(const struct diagnosis *diagnosis)
{
	const struct sbx_doctor_findings *findings = &diagnosis->findings;
	json_t *list = json_array();
	json_auto_t *all = NULL;

	for (size_t i = 0; i < findings->n; i++) {
		const struct sbx_doctor_finding *finding = &findings->v[i];
		cleanup_free char *what = sbx_term_escape(finding->what);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s?}", "level",
					sbx_doctor_level_name(finding->level),
					"id", finding->id, "what", what, "fix",
					finding->fix));
	}
	all = json_pack("{s:b, s:s, s:O?, s:o}", "ok",
			count(findings, SBX_DOCTOR_FAIL) == 0, "url",
			diagnosis->url, "facts", diagnosis->facts, "findings",
			list);
	sbx_term_json(all);
}

static void print_finding(struct sbx_buf *out,
			  const struct sbx_doctor_finding *finding)
{
	cleanup_free char *what = sbx_term_escape(finding->what);
	char left[32];

	snprintf(left, sizeof(left), "%-4s  %s",
		 sbx_doctor_level_name(finding->level), finding->id);
	sbx_options_row(out, 19, left, what);
	if (finding->fix && finding->level != SBX_DOCTOR_OK) {
		cleanup_free char *fix = sbx_asprintf("fix: %s", finding->fix);

		sbx_options_row(out, 19, "", fix);
	}
}

static void print_text(const struct diagnosis *diagnosis)
{
	const struct sbx_doctor_findings *findings = &diagnosis->findings;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(256 * 1024);
	const json_t *value;
	const char *name;

	sbx_options_row(&out, 19, "url", diagnosis->url);
	json_object_foreach (diagnosis->facts, name, value) {
		cleanup_free char *text =
			sbx_term_escape(json_string_value(value));

		sbx_options_row(&out, 19, name, text);
	}
	sbx_buf_puts(&out, "\n");
	for (size_t i = 0; i < findings->n; i++)
		print_finding(&out, &findings->v[i]);
	sbx_buf_printf(&out, "\n%s: %zu ok, %zu to consider, %zu to mend\n",
		       count(findings, SBX_DOCTOR_FAIL)
			       ? "skills cannot run here"
			       : "skills can run here",
		       count(findings, SBX_DOCTOR_OK),
		       count(findings, SBX_DOCTOR_WARN),
		       count(findings, SBX_DOCTOR_FAIL));
	fputs(sbx_buf_text(&out), stdout);
}

/* The status to exit with. */
static int print(const struct diagnosis *diagnosis, bool as_json)
{
	if (as_json)
		print_json(diagnosis);
	else
		print_text(diagnosis);
	return count(&diagnosis->findings, SBX_DOCTOR_FAIL) ? EX_UNAVAILABLE
							    : 0;
}

static int diagnose(const struct sbx_cli *cli, bool as_json,
		    struct sbx_error *err)
{
	struct diagnosis diagnosis = { .url = NULL };
	cleanup_policy struct sbx_policy policy = { .file = NULL };
	struct sbx_engine *engine = NULL;
	int status;

	if (sbx_cli_engine(cli, &engine, err))
		return sbx_cli_fail(err);
	sbx_engine_set_cancel_fd(engine, sbx_cancel_setup());
	diagnosis.url = sbx_strdup(sbx_engine_url(engine));
	examine_policy(&diagnosis, cli, &policy);
	examine(&diagnosis, engine, &policy);
	/* What was broken off says nothing about the engine. */
	status = sbx_cancel_asked() ? sbx_outcome_status(SBX_OUTCOME_CANCELLED)
				    : print(&diagnosis, as_json);
	sbx_doctor_findings_free(&diagnosis.findings);
	json_decref(diagnosis.facts);
	free(diagnosis.url);
	sbx_engine_free(&engine);
	return status;
}

static int cmd_doctor(const struct sbx_cli *cli, int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct values values = { .format = SBX_CLI_TEXT };
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	return diagnose(cli, values.format == SBX_CLI_JSON, &err);
}

const struct sbx_command sbx_cmd_doctor = {
	.name = "doctor",
	.summary = "show what the engine can enforce, and what to mend",
	.arguments = "",
	.details = "Asks the engine what it is and what it can enforce, then "
		   "starts an empty sandbox and has it checked from the "
		   "inside. Each finding is ok, warn (works, could be "
		   "better) or FAIL (skills cannot run), with what to do "
		   "about it. Exits with 0, or with 69 when something is "
		   "marked FAIL.",
	.examples = "  skillbox doctor\n"
		    "  skillbox --engine unix:///run/docker.sock doctor\n"
		    "  skillbox doctor --format json\n",
	.options = options,
	.run = cmd_doctor,
};
