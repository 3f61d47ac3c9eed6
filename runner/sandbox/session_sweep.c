/* SPDX-License-Identifier: MIT */
#include "sandbox/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/turn.h"
#include "sandbox/direct.h"
#include "sandbox/runner.h"
#include "sandbox/session_parts.h"
#include "sandbox/spec.h"

/* A directory without a note that is younger may be about to have one. */
#define YOUNG_SECONDS 60

static const struct sbx_progress nobody;

/* init knows, but is frozen: what it last said was noted. */
static bool is_over_paused(const struct sbx_session *session)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(64);

	if (session->state != SBX_SESSION_PAUSED ||
	    sbx_direct_get_note(session->channel, SBX_DIRECT_EXPIRY, &note) < 0)
		return false;
	return strtoll(sbx_buf_text(&note), NULL, 10) < sbx_clock_wall_ms();
}

/* Its maker died before it was started: nobody else will. */
static bool is_orphan(const struct sbx_session *session,
		      const json_t *container)
{
	const char *runner =
		sbx_json_text_at(container, "Labels", SBX_LABEL_RUNNER, NULL);

	return session->state == SBX_SESSION_CREATING &&
	       sbx_runner_state(runner ? runner : "") == SBX_RUNNER_DEAD;
}

/* Of one container; its channel is still needed unless it went. */
static int look_at(struct sbx_engine *engine, const json_t *container,
		   struct sbx_strv *needed, struct sbx_error *err)
{
	cleanup_session struct sbx_session session;

	sbx_session_read(container, &session);
	if (!is_over_paused(&session) && !is_orphan(&session, container)) {
		sbx_strv_push(needed, session.channel);
		return 0;
	}
	if (sbx_container_remove(engine, session.id, SBX_TURN_NORMAL, err) < 0)
		return -1;
	sbx_session_bury(session.channel, &nobody);
	return 0;
}

static bool has(const struct sbx_strv *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], text) == 0)
			return true;
	}
	return false;
}

/*
 * Whether it may be over: the engine is noted when the container is there, so
 * that one which is not listed from now on has ended.  Where nobody noted it
 * the maker has it locked, or died.
 */
static bool may_be_over(const char *channel, const struct sbx_strv *old,
			const struct sbx_engine *engine)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(64);
	char identity[17];

	if (sbx_direct_get_note(channel, SBX_DIRECT_ENGINE, &note) < 0)
		return has(old, channel);
	snprintf(identity, sizeof(identity), "%016" PRIx64,
		 sbx_engine_identity(engine));
	return strcmp(sbx_buf_text(&note), identity) == 0;
}

/* Looked for before the containers. */
static void find_channels(const struct sbx_engine *engine,
			  struct sbx_strv *channels)
{
	cleanup_strv struct sbx_strv all = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv old = SBX_STRV_INIT;

	sbx_direct_list_sessions(0, &all);
	sbx_direct_list_sessions(YOUNG_SECONDS, &old);
	for (size_t i = 0; i < all.n; i++) {
		if (may_be_over(all.v[i], &old, engine))
			sbx_strv_push(channels, all.v[i]);
	}
}

int sbx_session_sweep(struct sbx_engine *engine, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv channels = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv needed = SBX_STRV_INIT;
	json_auto_t *list = NULL;
	const json_t *container;
	size_t i;

	find_channels(engine, &channels);
	if (channels.n == 0)
		return 0;
	if (sbx_container_list(engine, SBX_LABEL_SESSION, &list, err) < 0)
		return -1;
	json_array_foreach (list, i, container) {
		if (look_at(engine, container, &needed, err) < 0)
			return -1;
	}
	for (i = 0; i < channels.n; i++) {
		if (!has(&needed, channels.v[i]))
			sbx_session_bury(channels.v[i], &nobody);
	}
	return 0;
}
