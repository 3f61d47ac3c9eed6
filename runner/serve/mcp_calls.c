/* SPDX-License-Identifier: MIT */
#include "serve/mcp_calls.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"

/* @id	its text: 1 and "1" are two */
struct sbx_mcp_under_way {
	struct sbx_mcp_under_way *next;
	char *id;
	struct sbx_live *live;
	bool is_cancelled;
};

void sbx_mcp_calls_init(struct sbx_mcp_calls *calls)
{
	pthread_mutex_init(&calls->lock, NULL);
	calls->first = NULL;
	calls->is_over = false;
}

void sbx_mcp_calls_clear(struct sbx_mcp_calls *calls)
{
	pthread_mutex_destroy(&calls->lock);
}

/* Where it is in the list, or the end of that; with the lock. */
static struct sbx_mcp_under_way **find(struct sbx_mcp_calls *calls,
				       const char *id)
{
	struct sbx_mcp_under_way **at = &calls->first;

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

static void cancel(struct sbx_mcp_under_way *call)
{
	call->is_cancelled = true;
	sbx_live_cancel(call->live);
}

bool sbx_mcp_calls_begin(struct sbx_mcp_calls *calls, const json_t *id,
			 struct sbx_live *live)
{
	cleanup_free char *text = sbx_json_line(id);
	struct sbx_mcp_under_way **at;
	bool is_new;

	pthread_mutex_lock(&calls->lock);
	at = find(calls, text);
	is_new = !*at;
	if (is_new) {
		*at = sbx_calloc(1, sizeof(**at));
		(*at)->id = sbx_take(text);
		(*at)->live = sbx_live_hold(live);
		if (calls->is_over)
			cancel(*at);
	}
	pthread_mutex_unlock(&calls->lock);
	return is_new;
}

bool sbx_mcp_calls_end(struct sbx_mcp_calls *calls, const json_t *id)
{
	cleanup_free char *text = sbx_json_line(id);
	struct sbx_mcp_under_way **at;
	struct sbx_mcp_under_way *call;
	bool is_wanted;

	pthread_mutex_lock(&calls->lock);
	at = find(calls, text);
	call = *at;
	*at = call->next;
	is_wanted = !call->is_cancelled;
	pthread_mutex_unlock(&calls->lock);
	sbx_live_release(&call->live);
	free(call->id);
	free(call);
	return is_wanted;
}

bool sbx_mcp_calls_cancel(struct sbx_mcp_calls *calls, const json_t *id)
{
	cleanup_free char *text = sbx_json_line(id);
	struct sbx_mcp_under_way *call;

	pthread_mutex_lock(&calls->lock);
	call = *find(calls, text);
	if (call)
		cancel(call);
	pthread_mutex_unlock(&calls->lock);
	return call != NULL;
}

void sbx_mcp_calls_cancel_all(struct sbx_mcp_calls *calls)
{
	pthread_mutex_lock(&calls->lock);
	calls->is_over = true;
	for (struct sbx_mcp_under_way *at = calls->first; at; at = at->next)
		cancel(at);
	pthread_mutex_unlock(&calls->lock);
}

bool sbx_mcp_calls_any(struct sbx_mcp_calls *calls)
{
	bool any;

	pthread_mutex_lock(&calls->lock);
	any = calls->first != NULL;
	pthread_mutex_unlock(&calls->lock);
	return any;
}
