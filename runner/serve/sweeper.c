/* SPDX-License-Identifier: MIT */
#include "serve/sweeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "base/mem.h"
#include "sandbox/reap.h"

#define PERIOD_MS 60000
#define CALL_MS	  2000
#define PORTS_MS  10000

/* How often an engine that is away is looked for. */
#define AWAY_MS 2000

/*
 * @stop_fd	readable when the thread is to end
 * @is_away	the engine did not answer
 */
struct sbx_sweeper {
	struct sbx_sweeper_options options;
	pthread_t thread;
	int stop_fd;
	bool is_away;
};

static void note_away(struct sbx_sweeper *sweeper, const struct sbx_error *err)
{
	cleanup_free char *line =
		sbx_asprintf("until the engine is there runs end as "
			     "\"unavailable\": %s",
			     err->message);

	if (!sweeper->is_away && err->outcome != SBX_OUTCOME_CANCELLED)
		sweeper->options.say(line);
	sweeper->is_away = true;
}

static void note_there(struct sbx_sweeper *sweeper)
{
	if (!sweeper->is_away)
		return;
	sweeper->is_away = false;
	sweeper->options.say("the engine is there");
	sbx_pool_reload(sweeper->options.pool);
}

static void look(struct sbx_sweeper *sweeper, struct sbx_engine *engine)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *version = NULL;

	sbx_engine_set_patience(engine, CALL_MS);
	if (sbx_engine_version(engine, &version, &err) < 0)
		note_away(sweeper, &err);
	else
		note_there(sweeper);
}

static void sweep(struct sbx_sweeper *sweeper)
{
	struct sbx_engines *engines = sweeper->options.engines;
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;

	if (sbx_engines_borrow(engines, &engine, &ignored) < 0)
		return;
	sbx_engine_set_cancel_fd(engine, sweeper->stop_fd);
	look(sweeper, engine);
	if (!sweeper->is_away) {
		sbx_reap_sweep(engine, CALL_MS);
		sbx_engine_set_patience(engine, PORTS_MS);
		sbx_port_keeper_look(sweeper->options.ports, engine);
	}
	sbx_engines_give(engines, &engine);
}

static void *sweep_again_and_again(void *ctx)
{
	struct sbx_sweeper *sweeper = ctx;
	struct pollfd stop = { .fd = sweeper->stop_fd, .events = POLLIN };

	do
		sweep(sweeper);
	while (poll(&stop, 1, sweeper->is_away ? AWAY_MS : PERIOD_MS) <= 0);
	return NULL;
}

int sbx_sweeper_start(struct sbx_sweeper **out,
		      const struct sbx_sweeper_options *options,
		      struct sbx_error *err)
{
	struct sbx_sweeper *sweeper = sbx_calloc(1, sizeof(*sweeper));
	int errnum;

	sweeper->options = *options;
	sweeper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errnum = sweeper->stop_fd < 0
			 ? errno
			 : pthread_create(&sweeper->thread, NULL,
					  sweep_again_and_again, sweeper);
	if (errnum == 0) {
		*out = sweeper;
		return 0;
	}
	sbx_close(&sweeper->stop_fd);
	free(sweeper);
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errnum,
			       "there is no thread to sweep with");
}

void sbx_sweeper_stop(struct sbx_sweeper **sweeper)
{
	if (!*sweeper)
		return;
	eventfd_write((*sweeper)->stop_fd, 1);
	pthread_join((*sweeper)->thread, NULL);
	sbx_close(&(*sweeper)->stop_fd);
	free(sbx_take(*sweeper));
}
