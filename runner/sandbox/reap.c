/* SPDX-License-Identifier: MIT */
#include "sandbox/reap.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "base/slots.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/volume.h"
#include "sandbox/init_volume.h"
#include "sandbox/runner.h"
#include "sandbox/session.h"
#include "sandbox/spec.h"

#define TEXT_MAX    4096
#define DAY_SECONDS (24 * 60 * 60)
#define ID_SHOWN    12

/* How long a volume may stay in use by a container that is on its way out. */
#define RELEASE_TRIES	60
#define RELEASE_WAIT_MS 50

/* --- containers ------------------------------------------------------------ */

long long sbx_reap_parse_time(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	long long seconds;
	long offset;

	if (!at)
		return -1;
	if (*at == '.')
		at += 1 + strspn(at + 1, "0123456789");
	seconds = timegm(&tm);
	tm.tm_gmtoff = 0;
	at = strptime(at, "%z", &tm);
	offset = tm.tm_gmtoff;
	return at && *at == '\0' ? seconds - offset : -1;
}

static bool is_old(long long created)
{
	return created > 0 && time(NULL) - created > DAY_SECONDS;
}

/* Starting, running or on its way out: init and the engine see to it. */
static bool is_active(const json_t *container)
{
	static const char *const active[] = { "running", "restarting",
					      "removing" };
	const char *state = sbx_json_text_at(container, "State", NULL);

	for (size_t i = 0; state && i < SBX_ARRAY_SIZE(active); i++) {
		if (strcmp(state, active[i]) == 0)
			return true;
	}
	return false;
}

/* Why @container may go; NULL when it may not. */
static const char *why_remove(const json_t *container, enum sbx_reap_mode mode)
{
	const char *runner =
		sbx_json_text_at(container, "Labels", SBX_LABEL_RUNNER, NULL);
	bool is_sweep = mode == SBX_REAP_SWEEP;
	bool active = is_active(container);

	/* Those outlive their runners (session_sweep.c). */
	if (sbx_json_at(container, "Labels", SBX_LABEL_SESSION, NULL))
		return NULL;
	switch (sbx_runner_state(runner ? runner : "")) {
	case SBX_RUNNER_ALIVE:
		return NULL;
	case SBX_RUNNER_DEAD:
		return is_sweep && active ? NULL : "its runner is gone";
	case SBX_RUNNER_ELSEWHERE:
		break;
	}
	if (!is_sweep && !active &&
	    is_old(sbx_json_int_at(0, container, "Created", NULL)))
		return "not running, older than a day";
	return NULL;
}

static char *container_name(const json_t *container, const char *id)
{
	const json_t *names = sbx_json_at(container, "Names", NULL);
	const char *name = json_string_value(json_array_get(names, 0));

	if (!name || !*name)
		return sbx_strndup(id, ID_SHOWN);
	return sbx_strdup(*name == '/' ? name + 1 : name);
}

static int reap_container(struct sbx_engine *engine, const json_t *container,
			  enum sbx_reap_mode mode, struct sbx_strv *removed,
			  struct sbx_error *err)
{
	const char *id = sbx_json_text_at(container, "Id", NULL);
	const char *why = why_remove(container, mode);
	cleanup_free char *name = NULL;

	if (!id || !why)
		return 0;
	name = container_name(container, id);
	if (mode != SBX_REAP_DRY_RUN &&
	    sbx_container_remove(engine, id, SBX_TURN_NORMAL, err) < 0)
		return sbx_error_wrap(err, "%s", name);
	sbx_strv_push_take(removed,
			   sbx_asprintf("container %s (%s)", name, why));
	return 0;
}

int sbx_reap_containers(struct sbx_engine *engine, enum sbx_reap_mode mode,
			struct sbx_strv *removed, struct sbx_error *err)
{
	double patience = sbx_engine_patience(engine);
	json_auto_t *list = NULL;
	const json_t *container;
	size_t i;

	if (sbx_container_list(engine, SBX_LABEL_RUNNER, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, container) {
		/* However many they are, while the engine answers. */
		sbx_engine_set_patience(engine, patience);
		if (reap_container(engine, container, mode, removed, err))
			return -1;
	}
	return 0;
}

/*
 * One at a time: what one finds the others would find as well, and to list
 * everything is what an engine with much to do takes longest for.
 */
void sbx_reap_sweep(struct sbx_engine *engine, double ms)
{
	cleanup_strv struct sbx_strv removed = SBX_STRV_INIT;
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_slots sweepers;
	int slot;

	/* Apart from what else is counted in the same file: its calls. */
	sbx_slots_init(&sweepers, ~sbx_engine_identity(engine), 1);
	if (sbx_slots_take(&sweepers, 1, ms, sbx_engine_cancel_fd(engine),
			   &slot, &ignored) == 0) {
		sbx_engine_set_patience(engine, ms);
		sbx_reap_containers(engine, SBX_REAP_SWEEP, &removed, &ignored);
		sbx_session_sweep(engine, &ignored);
	}
	sbx_slots_close(&sweepers);
}

/* --- volumes --------------------------------------------------------------- */

/* True when one of @containers has the volume @name. */
static bool is_mounted(const json_t *containers, const char *name)
{
	const json_t *container, *mount;
	size_t i, j;

	json_array_foreach (containers, i, container) {
		json_array_foreach (sbx_json_at(container, "Mounts", NULL), j,
				    mount) {
			const char *volume =
				sbx_json_text_at(mount, "Name", NULL);

			if (volume && strcmp(volume, name) == 0)
				return true;
		}
	}
	return false;
}

static const char *why_remove_init(const json_t *volume)
{
	const char *name = sbx_json_text_at(volume, "Name", NULL);

	if (!name || strcmp(name, sbx_init_volume_name()) == 0)
		return NULL;
	return "init of another build";
}

static const char *why_remove_test(const json_t *volume)
{
	const char *runner =
		sbx_json_text_at(volume, "Labels", SBX_LABEL_RUNNER, NULL);
	const char *owner =
		sbx_json_text_at(volume, "Labels", SBX_LABEL_OWNER, NULL);
	const char *created = sbx_json_text_at(volume, "CreatedAt", NULL);

	if (!owner || !sbx_text_has_prefix(owner, SBX_SPEC_TEST_OWNER))
		return NULL;
	switch (sbx_runner_state(runner ? runner : "")) {
	case SBX_RUNNER_ALIVE:
		return NULL;
	case SBX_RUNNER_DEAD:
		return "of a test run that is over";
	case SBX_RUNNER_ELSEWHERE:
		break;
	}
	if (created && is_old(sbx_reap_parse_time(created)))
		return "of a test run, older than a day";
	return NULL;
}

/* The volumes that carry @label and for which @why has a reason. */
static int reap_labelled(struct sbx_engine *engine, const char *label,
			 const char *(*why)(const json_t *volume),
			 const json_t *containers, bool dry_run,
			 struct sbx_strv *removed, struct sbx_error *err)
{
	json_auto_t *list = NULL;
	const json_t *volume;
	size_t i;

	if (sbx_volume_list(engine, label, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, volume) {
		const char *name = sbx_json_text_at(volume, "Name", NULL);
		const char *reason = name ? why(volume) : NULL;
		int result = 0;

		if (!reason || is_mounted(containers, name))
			continue;
		if (!dry_run)
			result = sbx_volume_remove(engine, name, err);
		if (result < 0)
			return -1;
		if (result == 0)
			sbx_strv_push_take(
				removed,
				sbx_asprintf("volume %s (%s)", name, reason));
	}
	return 0;
}

int sbx_reap_volumes(struct sbx_engine *engine, bool dry_run,
		     struct sbx_strv *removed, struct sbx_error *err)
{
	json_auto_t *containers = NULL;

	/* The engine refuses to remove what is in use; a dry run must ask. */
	if (sbx_container_list(engine, SBX_LABEL_RUNNER, &containers, err) < 0)
		return -1;
	if (reap_labelled(engine, SBX_LABEL_INIT, why_remove_init, containers,
			  dry_run, removed, err))
		return -1;
	return reap_labelled(engine, SBX_LABEL_RUNNER, why_remove_test,
			     containers, dry_run, removed, err);
}

/* Waits for containers that use the volume and are on their way out. */
static int remove_when_free(struct sbx_engine *engine, const char *name,
			    struct sbx_error *err)
{
	for (int i = 0; i < RELEASE_TRIES; i++) {
		int result = sbx_volume_remove(engine, name, err);

		if (result != SBX_VOLUME_IN_USE)
			return result < 0 ? -1 : 0;
		poll(NULL, 0, RELEASE_WAIT_MS);
	}
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "remove volume %s: it is still in use", name);
}

int sbx_reap_owner_volumes(struct sbx_engine *engine, const char *owner,
			   struct sbx_error *err)
{
	cleanup_free char *label =
		sbx_asprintf("%s=%s", SBX_LABEL_OWNER, owner);
	json_auto_t *list = NULL;
	const json_t *volume;
	size_t i;

	if (sbx_volume_list(engine, label, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, volume) {
		const char *name = sbx_json_text_at(volume, "Name", NULL);

		if (name && remove_when_free(engine, name, err))
			return -1;
	}
	return 0;
}
