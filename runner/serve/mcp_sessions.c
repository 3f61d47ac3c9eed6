/* SPDX-License-Identifier: MIT */
#include "serve/mcp_sessions.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

/* Each in the list is held by it. */
struct sbx_mcp_sessions {
	pthread_mutex_t lock;
	struct sbx_mcp_session *first;
	size_t n;
};

void sbx_mcp_sessions_new(struct sbx_mcp_sessions **out)
{
	struct sbx_mcp_sessions *sessions = sbx_calloc(1, sizeof(*sessions));

	pthread_mutex_init(&sessions->lock, NULL);
	*out = sessions;
}

/* With the lock. */
static void drop(struct sbx_mcp_session *session)
{
	if (--session->refs > 0)
		return;
	sbx_mcp_calls_clear(&session->calls);
	free(session->owner);
	free(session);
}

static void unlink_at(struct sbx_mcp_sessions *sessions,
		      struct sbx_mcp_session **at)
{
	struct sbx_mcp_session *session = *at;

	*at = session->next;
	sessions->n--;
	sbx_mcp_calls_cancel_all(&session->calls);
	drop(session);
}

void sbx_mcp_sessions_free(struct sbx_mcp_sessions **sessions)
{
	if (!*sessions)
		return;
	while ((*sessions)->first)
		unlink_at(*sessions, &(*sessions)->first);
	pthread_mutex_destroy(&(*sessions)->lock);
	free(sbx_take(*sessions));
}

/* What nobody has used for long, and one more where there are too many. */
static void make_room(struct sbx_mcp_sessions *sessions, double now)
{
	struct sbx_mcp_session **at = &sessions->first;
	struct sbx_mcp_session **oldest = at;

	while (*at) {
		if (now - (*at)->used_at > SBX_MCP_SESSIONS_IDLE_MS &&
		    !sbx_mcp_calls_any(&(*at)->calls)) {
			unlink_at(sessions, at);
			continue;
		}
		if ((*at)->used_at < (*oldest)->used_at)
			oldest = at;
		at = &(*at)->next;
	}
	if (*oldest && sessions->n >= SBX_MCP_SESSIONS_MAX)
		unlink_at(sessions, oldest);
}

struct sbx_mcp_session *
sbx_mcp_sessions_begin(struct sbx_mcp_sessions *sessions, const char *owner,
		       const struct sbx_mcp_client *client)
{
	struct sbx_mcp_session *session = sbx_calloc(1, sizeof(*session));

	sbx_random_hex(session->id, sizeof(session->id));
	session->refs = 2;
	session->owner = sbx_strdup(owner);
	session->client = *client;
	session->used_at = sbx_clock_ms();
	sbx_mcp_calls_init(&session->calls);
	pthread_mutex_lock(&sessions->lock);
	make_room(sessions, session->used_at);
	session->next = sessions->first;
	sessions->first = session;
	sessions->n++;
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

static bool is_it(const struct sbx_mcp_session *session, const char *owner,
		  const char *id)
{
	return strcmp(session->id, id) == 0 &&
	       strcmp(session->owner, owner) == 0;
}

struct sbx_mcp_session *sbx_mcp_sessions_find(struct sbx_mcp_sessions *sessions,
					      const char *owner, const char *id)
{
	struct sbx_mcp_session *session;

	pthread_mutex_lock(&sessions->lock);
	session = sessions->first;
	while (session && !is_it(session, owner, id))
		session = session->next;
	if (session) {
		session->refs++;
		session->used_at = sbx_clock_ms();
	}
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

void sbx_mcp_sessions_end(struct sbx_mcp_sessions *sessions,
			  struct sbx_mcp_session *session)
{
	struct sbx_mcp_session **at;

	pthread_mutex_lock(&sessions->lock);
	at = &sessions->first;
	while (*at && *at != session)
		at = &(*at)->next;
	if (*at)
		unlink_at(sessions, at);
	pthread_mutex_unlock(&sessions->lock);
}

void sbx_mcp_sessions_release(struct sbx_mcp_sessions *sessions,
			      struct sbx_mcp_session **session)
{
	if (!*session)
		return;
	pthread_mutex_lock(&sessions->lock);
	drop(*session);
	pthread_mutex_unlock(&sessions->lock);
	*session = NULL;
}
