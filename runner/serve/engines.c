/* SPDX-License-Identifier: MIT */
#include "serve/engines.h"

#include <math.h>
#include <pthread.h>

#include "base/mem.h"

/* As many calls as an engine gets from us at once, and no more, are of use. */
#define IDLE_MAX 16

struct sbx_engines {
	pthread_mutex_t lock;
	char *url;
	struct sbx_engine *idle[IDLE_MAX];
	size_t n_idle;
};

void sbx_engines_new(struct sbx_engines **out, const char *url)
{
	struct sbx_engines *engines = sbx_calloc(1, sizeof(*engines));

	pthread_mutex_init(&engines->lock, NULL);
	engines->url = sbx_strdup(url);
	*out = engines;
}

void sbx_engines_free(struct sbx_engines **engines)
{
	if (!*engines)
		return;
	for (size_t i = 0; i < (*engines)->n_idle; i++)
		sbx_engine_free(&(*engines)->idle[i]);
	pthread_mutex_destroy(&(*engines)->lock);
	free((*engines)->url);
	free(sbx_take(*engines));
}

const char *sbx_engines_url(const struct sbx_engines *engines)
{
	return engines->url;
}

/* The last that was given back: its connection is the likeliest to live. */
int sbx_engines_borrow(struct sbx_engines *engines, struct sbx_engine **out,
		       struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;

	pthread_mutex_lock(&engines->lock);
	if (engines->n_idle)
		engine = engines->idle[--engines->n_idle];
	pthread_mutex_unlock(&engines->lock);
	if (!engine)
		return sbx_engine_new(out, engines->url, err);
	*out = engine;
	return 0;
}

void sbx_engines_give(struct sbx_engines *engines, struct sbx_engine **engine)
{
	if (!*engine)
		return;
	sbx_engine_set_cancel_fd(*engine, -1);
	sbx_engine_set_patience(*engine, INFINITY);
	pthread_mutex_lock(&engines->lock);
	if (engines->n_idle < IDLE_MAX)
		engines->idle[engines->n_idle++] = sbx_take(*engine);
	pthread_mutex_unlock(&engines->lock);
	sbx_engine_free(engine);
}
