/* SPDX-License-Identifier: MIT */
#include "sandbox/session_known.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* How long a plan is not made anew. */
#define PLAN_MS 1000

/* Of one session, and sessions at all: the oldest go. */
#define PLANS_MAX    8
#define SESSIONS_MAX 256

struct known_plan {
	char *action;
	bool is_command;
	double made_at;
	struct sbx_plan *plan;
};

struct sbx_known_plans {
	pthread_mutex_t lock;
	struct known_plan v[PLANS_MAX];
	size_t next;
};

struct sbx_sessions {
	pthread_mutex_t lock;
	struct sbx_known_session *v[SESSIONS_MAX];
	size_t next;
};

/* --- one ------------------------------------------------------------------- */

struct sbx_known_session *sbx_known_session_new(void)
{
	struct sbx_known_session *known = sbx_calloc(1, sizeof(*known));

	known->refs = 1;
	known->plans = sbx_calloc(1, sizeof(*known->plans));
	pthread_mutex_init(&known->plans->lock, NULL);
	return known;
}

static void clear_plan(struct known_plan *plan)
{
	free(plan->action);
	sbx_plan_unref(&plan->plan);
	*plan = (struct known_plan){ .action = NULL };
}

void sbx_known_session_unref(struct sbx_known_session **slot)
{
	struct sbx_known_session *known = *slot;

	*slot = NULL;
	if (!known || __atomic_sub_fetch(&known->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < PLANS_MAX; i++)
		clear_plan(&known->plans->v[i]);
	pthread_mutex_destroy(&known->plans->lock);
	free(known->plans);
	sbx_session_clear(&known->session);
	sbx_strv_free(&known->environment);
	sbx_secrets_clear(&known->secrets);
	free(known);
}

static struct known_plan *find_plan(struct sbx_known_plans *plans,
				    const char *action, bool is_command)
{
	for (size_t i = 0; i < PLANS_MAX; i++) {
		struct known_plan *plan = &plans->v[i];

		if (plan->plan && plan->is_command == is_command &&
		    strcmp(plan->action, action) == 0)
			return plan;
	}
	return NULL;
}

struct sbx_plan *sbx_known_plan_get(struct sbx_known_session *known,
				    const char *action, bool is_command)
{
	struct sbx_known_plans *plans = known->plans;
	struct sbx_plan *found = NULL;
	struct known_plan *plan;

	pthread_mutex_lock(&plans->lock);
	plan = find_plan(plans, action, is_command);
	if (plan && sbx_clock_ms() - plan->made_at < PLAN_MS)
		found = sbx_plan_ref(plan->plan);
	pthread_mutex_unlock(&plans->lock);
	return found;
}

void sbx_known_plan_put(struct sbx_known_session *known, const char *action,
			bool is_command, struct sbx_plan *plan)
{
	struct sbx_known_plans *plans = known->plans;
	struct known_plan *slot;

	pthread_mutex_lock(&plans->lock);
	slot = find_plan(plans, action, is_command);
	if (!slot)
		slot = &plans->v[plans->next++ % PLANS_MAX];
	clear_plan(slot);
	*slot = (struct known_plan){ .action = sbx_strdup(action),
				     .is_command = is_command,
				     .made_at = sbx_clock_ms(),
				     .plan = sbx_plan_ref(plan) };
	pthread_mutex_unlock(&plans->lock);
}

/* --- all ------------------------------------------------------------------- */

void sbx_sessions_new(struct sbx_sessions **out)
{
	*out = sbx_calloc(1, sizeof(**out));
	pthread_mutex_init(&(*out)->lock, NULL);
}

void sbx_sessions_free(struct sbx_sessions **slot)
{
	struct sbx_sessions *sessions = *slot;

	*slot = NULL;
	if (!sessions)
		return;
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		sbx_known_session_unref(&sessions->v[i]);
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

/* With the lock. */
static struct sbx_known_session **find(struct sbx_sessions *sessions,
				       const char *owner, const char *name)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		struct sbx_known_session *known = sessions->v[i];

		if (known && strcmp(known->session.name, name) == 0 &&
		    strcmp(known->session.owner, owner) == 0)
			return &sessions->v[i];
	}
	return NULL;
}

struct sbx_known_session *sbx_sessions_get(struct sbx_sessions *sessions,
					   const char *owner, const char *name)
{
	struct sbx_known_session **found;
	struct sbx_known_session *known = NULL;

	if (!sessions)
		return NULL;
	pthread_mutex_lock(&sessions->lock);
	found = find(sessions, owner, name);
	if (found) {
		known = *found;
		__atomic_add_fetch(&known->refs, 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&sessions->lock);
	return known;
}

void sbx_sessions_put(struct sbx_sessions *sessions,
		      struct sbx_known_session *known)
{
	struct sbx_known_session **slot;
	struct sbx_known_session *old;

	if (!sessions)
		return;
	__atomic_add_fetch(&known->refs, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&sessions->lock);
	slot = find(sessions, known->session.owner, known->session.name);
	if (!slot)
		slot = &sessions->v[sessions->next++ % SESSIONS_MAX];
	old = *slot;
	*slot = known;
	pthread_mutex_unlock(&sessions->lock);
	sbx_known_session_unref(&old);
}

void sbx_sessions_forget(struct sbx_sessions *sessions,
			 const struct sbx_known_session *known)
{
	struct sbx_known_session **slot;
	struct sbx_known_session *old = NULL;

	if (!sessions)
		return;
	pthread_mutex_lock(&sessions->lock);
	slot = find(sessions, known->session.owner, known->session.name);
	if (slot && *slot == known) {
		old = *slot;
		*slot = NULL;
	}
	pthread_mutex_unlock(&sessions->lock);
	sbx_known_session_unref(&old);
}
