/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"
#include "cli/cancel.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "sandbox/reap.h"
#include "sandbox/run.h"
#include "secret/memory.h"
#include "sandbox/spec.h"
#include "skill/skill_test.h"

/*
 * skillbox test: runs the "tests:" of manifests and reports in TAP version
 * 14.  The runs belong to an owner that exists only for this command, so that
 * their volumes are empty at first, nobody else's, and removed at the end.
 */

#define EXIT_NOT_OK	1
#define DIFFERENCES_MAX (64 * 1024)
#define STDERR_SHOWN	4096

/* A skill that takes part; when it cannot be read, @err says why. */
struct subject {
	const char *name;
	struct sbx_skill skill;
	struct sbx_error err;
};

struct session {
	struct sbx_catalog catalog;
	struct sbx_policy policy;
	struct sbx_engine *engine;
	struct sbx_strv names;
	struct subject *subjects;
	struct sbx_keyring *keys;
	int cancel_fd;
	char owner[32];
	size_t number; /* of the test that runs, from 1 */
	size_t failed;
};

static size_t count_tests(const struct session *session)
{
	size_t count = 0;

	for (size_t i = 0; i < session->names.n; i++) {
		const struct subject *subject = &session->subjects[i];

		count += subject->skill.manifest
				 ? subject->skill.manifest->n_tests
				 : 1;
	}
	return count;
}

/* --- TAP ------------------------------------------------------------------- */

static void put_result(struct session *session, bool good, const char *skill,
		       const char *test)
{
	cleanup_free char *name = sbx_term_escape(test);

	session->failed += !good;
	printf("%sok %zu - %s: ", good ? "" : "not ", session->number, skill);
	/* TAP 14: a bare '#' could begin a directive. */
	for (const char *at = name; *at; at++)
		printf("%s%c", *at == '#' || *at == '\\' ? "\\" : "", *at);
	printf("\n");
}

/* A text of several lines as a YAML block of the diagnosis. */
static void put_block(const char *key, const char *text, size_t max)
{
	cleanup_buf struct sbx_buf escaped = SBX_BUF_INIT(DIFFERENCES_MAX);
	size_t size = strlen(text);
	const char *line;

	if (size == 0)
		return;
	if (size > max)
		text += size - max;
	sbx_text_escape(&escaped, text, strlen(text), true);
	printf("  %s: |\n", key);
	for (line = sbx_buf_text(&escaped); *line;) {
		size_t length = strcspn(line, "\n");

		printf("    %.*s\n", (int)length, line);
		line += length;
		line += *line == '\n';
	}
}

static void put_scalar(const char *key, const json_t *value)
{
	cleanup_free char *text = value ? sbx_json_line(value) : NULL;

	printf("  %s: %s\n", key, text ? text : "null");
}

static void put_diagnosis(const struct subject *subject,
			  const struct sbx_skill_test *test,
			  const json_t *record, const char *differences)
{
	const char *text = sbx_json_text_at(record, "stderr", NULL);

	printf("  ---\n");
	printf("  at: %s/skill.yaml:%u\n", subject->skill.dir, test->line);
	put_block("differences", differences, DIFFERENCES_MAX);
	put_scalar("outcome", json_object_get(record, "outcome"));
	put_scalar("status", json_object_get(record, "status"));
	put_scalar("error", json_object_get(record, "error"));
	put_scalar("duration_ms", json_object_get(record, "duration_ms"));
	put_block("stderr", text ? text : "", STDERR_SHOWN);
	printf("  ...\n");
}

/* --- running --------------------------------------------------------------- */

/* They are no secrets, but are handed over as such. */
static int take_secrets(const struct sbx_skill_test *test,
			struct sbx_secrets *out, struct sbx_error *err)
{
	const char *name;
	json_t *text;

	json_object_foreach (test->secrets, name, text) {
		size_t size = json_string_length(text);
		unsigned char *value = NULL;

		if (sbx_secret_alloc(&value, size, err) < 0)
			return -1;
		memcpy(value, json_string_value(text), size);
		sbx_secrets_set(out, name, &value, size);
	}
	return 0;
}

static json_t *run_test(struct session *session, const char *skill,
			const struct sbx_skill_test *test)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	cleanup_free char *input = sbx_json_line(test->input);
	cleanup_secrets struct sbx_secrets secrets = { .v = NULL };
	struct sbx_run run = {
		.engine = session->engine,
		.catalog = &session->catalog,
		.policy = &session->policy,
		.requester = SBX_REQUESTER_OPERATOR,
		.skill = skill,
		.action = test->action,
		.input = input,
		.input_size = strlen(input),
		.overrides = &overrides,
		.owner = session->owner,
		.secrets = &secrets,
		.keys = session->keys,
		.cancel_fd = session->cancel_fd,
		.events.line = sbx_term_progress,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_record record;
	json_t *json;

	sbx_record_init(&record);
	if (take_secrets(test, &secrets, &err) == 0)
		sbx_run_action(&run, &record);
	else
		sbx_record_fail(&record, &err);
	json = sbx_record_json(&record);
	sbx_record_clear(&record);
	return json;
}

static void do_test(struct session *session, const struct subject *subject,
		    const struct sbx_skill_test *test)
{
	cleanup_buf struct sbx_buf why = SBX_BUF_INIT(DIFFERENCES_MAX);
	json_auto_t *record = run_test(session, subject->name, test);
	bool good = sbx_skill_test_check(test, record, &why);

	put_result(session, good, subject->name, test->name);
	if (!good)
		put_diagnosis(subject, test, record, sbx_buf_text(&why));
}

static void do_skill(struct session *session, const struct subject *subject)
{
	const struct sbx_manifest *manifest = subject->skill.manifest;

	if (!manifest) {
		session->number++;
		put_result(session, false, subject->name, "manifest");
		printf("  ---\n");
		put_block("error", subject->err.message, DIFFERENCES_MAX);
		printf("  ...\n");
		return;
	}
	if (manifest->n_tests == 0)
		printf("# %s: has no tests\n", subject->name);
	for (size_t i = 0; i < manifest->n_tests; i++) {
		if (sbx_cancel_asked())
			return;
		session->number++;
		do_test(session, subject, &manifest->tests[i]);
		fflush(stdout);
	}
}

static int bail_out(const char *why, enum sbx_outcome outcome)
{
	cleanup_free char *text = sbx_term_escape(why);

	printf("Bail out! %s\n", text);
	return sbx_outcome_status(outcome);
}

static int do_all(struct session *session)
{
	size_t count = count_tests(session);
	struct sbx_error err = SBX_ERROR_INIT;
	const char *version;

	printf("TAP version 14\n1..%zu\n", count);
	fflush(stdout);
	if (count && sbx_engine_ping(session->engine, &version, &err))
		return bail_out(err.message, err.outcome);
	for (size_t i = 0; i < session->names.n; i++)
		do_skill(session, &session->subjects[i]);
	if (sbx_cancel_asked())
		return bail_out("cancelled", SBX_OUTCOME_CANCELLED);
	if (session->failed)
		printf("# %zu of %zu failed\n", session->failed, count);
	return session->failed ? EXIT_NOT_OK : 0;
}

/* --- around it ------------------------------------------------------------- */

/* One that is named must be there; its manifest may still be wrong. */
static int load(struct session *session, struct sbx_error *err)
{
	session->subjects =
		sbx_calloc(session->names.n, sizeof(*session->subjects));
	for (size_t i = 0; i < session->names.n; i++) {
		struct subject *subject = &session->subjects[i];

		subject->name = session->names.v[i];
		if (sbx_catalog_load(&session->catalog, subject->name,
				     &subject->skill, &subject->err) == 0)
			continue;
		if (subject->err.outcome == SBX_OUTCOME_NOT_FOUND) {
			*err = subject->err;
			return -1;
		}
	}
	return 0;
}

static int prepare(const struct sbx_cli *cli, struct session *session,
		   struct sbx_error *err)
{
	char random[8 + 1];

	sbx_random_hex(random, sizeof(random));
	snprintf(session->owner, sizeof(session->owner), "%s%s",
		 SBX_SPEC_TEST_OWNER, random);
	session->keys = &cli->globals->keyring;
	if (sbx_cli_policy(cli, &session->policy, err) ||
	    sbx_cli_catalog(cli, &session->catalog, err) ||
	    sbx_cli_engine(cli, &session->engine, err))
		return -1;
	session->cancel_fd = sbx_cancel_setup();
	sbx_engine_set_cancel_fd(session->engine, session->cancel_fd);
	if (session->names.n == 0 &&
	    sbx_cli_names(&session->catalog, &session->names, NULL, err))
		return -1;
	return load(session, err);
}

/* Also after a signal: from here on nothing is cancelled any more. */
static void clean_up(struct session *session)
{
	cleanup_strv struct sbx_strv removed = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (session->number == 0)
		return;
	sbx_engine_set_cancel_fd(session->engine, -1);
	/* Of runners that died before; as skillbox run does it. */
	sbx_reap_containers(session->engine, SBX_REAP_SWEEP, &removed,
			    &ignored);
	if (sbx_reap_owner_volumes(session->engine, session->owner, &err))
		sbx_term_error("volumes of the tests are left ('skillbox "
			       "prune' removes them): %s",
			       err.message);
}

static int test(const struct sbx_cli *cli, struct session *session)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int status;

	if (prepare(cli, session, &err)) {
		status = sbx_cli_fail(&err);
	} else {
		status = do_all(session);
		fflush(stdout);
		clean_up(session);
	}
	for (size_t i = 0; session->subjects && i < session->names.n; i++)
		sbx_skill_clear(&session->subjects[i].skill);
	free(session->subjects);
	sbx_strv_free(&session->names);
	sbx_engine_free(&session->engine);
	sbx_policy_clear(&session->policy);
	sbx_catalog_close(&session->catalog);
	return status;
}

static int cmd_test(const struct sbx_cli *cli, int argc, char **argv)
{
	struct session session = { .cancel_fd = -1 };
	int status;
	int first;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	for (int i = first; i < argc; i++)
		sbx_strv_push(&session.names, argv[i]);
	return test(cli, &session);
}

const struct sbx_command sbx_cmd_test = {
	.name = "test",
	.summary = "run the tests in the skills' manifests",
	.arguments = "[SKILL...]",
	.details = "Runs the entries of \"tests:\" of the named skills, or of "
		   "all, and compares their records with what is expected. "
		   "Prints TAP version 14; a test that fails shows each "
		   "difference. Volumes are fresh and removed at the end. "
		   "Exits with 0 when all is as expected, else with 1.",
	.examples = "  skillbox test\n"
		    "  skillbox test text webpage\n"
		    "  prove -e 'skillbox test' text\n",
	.run = cmd_test,
};
