/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * An entry is an action whose image a request wants, or a skill, of which all
 * images are wanted.  The workers take one after the other of those that are
 * queued, first those that a request waits for, and make sure of its images,
 * which costs one call of the engine each where they are there.
 * Requests wait for the number of rounds of their entry to change.  One lock
 * guards all.
 */
#include "serve/image_builder.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "skill/skill_image.h"

/* One may take long, without holding up all others. */
#define WORKERS 2

/* How often to look for a cancel, and for what a build says. */
#define LOOK_MS 200

enum state { IDLE, QUEUED, URGENT, AT_WORK };

/*
 * @action	NULL: all of the skill's
 * @again	somebody wants it since the worker took it
 * @rounds	how often it has been done
 * @error	what came of the last round, if it is not ready
 * @line	the last that the build said; @n_lines so far
 */
struct entry {
	char *skill;
	char *action;
	enum state state;
	bool again;
	unsigned int rounds;
	bool is_ready;
	struct sbx_error error;
	char *line;
	unsigned int n_lines;
};

/* @entries	by skill; each stays where it is */
struct sbx_image_builder {
	struct sbx_image_builder_options options;
	struct sbx_plan_images images;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t changed;
	pthread_t workers[WORKERS];
	unsigned int n_workers;
	struct entry **entries;
	size_t n_entries;
	int stop_fd;
	bool has_begun;
	bool is_ending;
};

/* --- entries --------------------------------------------------------------- */

/* All of a skill's come before each of its actions'. */
static int compare_entry(const struct entry *entry, const char *skill,
			 const char *action)
{
	int order = strcmp(entry->skill, skill);

	if (order)
		return order;
	return strcmp(entry->action ? entry->action : "", action ? action : "");
}

/* Where it is, or would be. */
static size_t place_of(const struct sbx_image_builder *builder,
		       const char *skill, const char *action)
{
	size_t low = 0;
	size_t high = builder->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_entry(builder->entries[middle], skill, action) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *add(struct sbx_image_builder *builder, size_t at,
			 const char *skill, const char *action)
{
	struct entry *entry = sbx_calloc(1, sizeof(*entry));

	entry->skill = sbx_strdup(skill);
	entry->action = action ? sbx_strdup(action) : NULL;
	entry->error = (struct sbx_error)SBX_ERROR_INIT;
	builder->entries = sbx_realloc(builder->entries,
				       (builder->n_entries + 1) *
					       sizeof(*builder->entries));
	memmove(&builder->entries[at + 1], &builder->entries[at],
		(builder->n_entries - at) * sizeof(*builder->entries));
	builder->entries[at] = entry;
	builder->n_entries++;
	return entry;
}

static struct entry *find(struct sbx_image_builder *builder, const char *skill,
			  const char *action)
{
	size_t at = place_of(builder, skill, action);

	if (at < builder->n_entries &&
	    compare_entry(builder->entries[at], skill, action) == 0)
		return builder->entries[at];
	return add(builder, at, skill, action);
}

static void want(struct sbx_image_builder *builder, struct entry *entry,
		 enum state how)
{
	if (entry->state == AT_WORK)
		entry->again = true;
	else if (entry->state < how)
		entry->state = how;
	pthread_cond_signal(&builder->work);
}

static struct entry *next_in_queue(struct sbx_image_builder *builder)
{
	struct entry *best = NULL;

	for (size_t i = 0; i < builder->n_entries; i++) {
		struct entry *at = builder->entries[i];

		if (at->state != QUEUED && at->state != URGENT)
			continue;
		if (!best || at->state > best->state)
			best = at;
	}
	return best;
}

/* --- workers --------------------------------------------------------------- */

/* What a build says, for those who wait. */
struct listener {
	struct sbx_image_builder *builder;
	struct entry *entry;
};

static void hear(void *ctx, const char *line)
{
	const struct listener *listener = ctx;

	pthread_mutex_lock(&listener->builder->lock);
	sbx_strset(&listener->entry->line, line);
	listener->entry->n_lines++;
	pthread_mutex_unlock(&listener->builder->lock);
}

static int make_one(struct sbx_image_builder *builder,
		    struct sbx_engine *engine, const struct sbx_skill *skill,
		    const struct sbx_action *action,
		    const struct sbx_skill_image_options *options,
		    struct sbx_error *err)
{
	cleanup_skill_image struct sbx_skill_image image = { .tag = NULL };

	return sbx_skill_image_ensure(engine, builder->options.catalog, skill,
				      action, options, &image, err);
}

/* Of an entry that is a skill; one that fails does not stop the others. */
static int make_all(struct sbx_image_builder *builder,
		    struct sbx_engine *engine, const struct sbx_skill *skill,
		    const struct sbx_skill_image_options *options,
		    struct sbx_error *err)
{
	cleanup_free const struct sbx_action **images =
		sbx_manifest_images(skill->manifest);
	int result = 0;

	for (size_t i = 0; images[i]; i++) {
		if (make_one(builder, engine, skill, images[i], options, err) <
		    0)
			result = -1;
	}
	return result;
}

static int make_wanted(struct sbx_image_builder *builder,
		       const struct entry *entry, struct sbx_engine *engine,
		       const struct sbx_skill *skill,
		       const struct sbx_skill_image_options *options,
		       struct sbx_error *err)
{
	const struct sbx_action *action;

	if (!entry->action)
		return make_all(builder, engine, skill, options, err);
	action = sbx_manifest_action(skill->manifest, entry->action);
	if (!action)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "skill %s has no action \"%s\" any more",
				     entry->skill, entry->action);
	return make_one(builder, engine, skill, action, options, err);
}

static int make(struct sbx_image_builder *builder, struct entry *entry,
		struct sbx_error *err)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct listener listener = { builder, entry };
	struct sbx_skill_image_options options = {
		.progress = { .line = hear, .ctx = &listener },
	};
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	int result = -1;

	if (sbx_catalog_load(builder->options.catalog, entry->skill, &skill,
			     err) == 0 &&
	    sbx_policy_watch_get(builder->options.policies, &policy, err) ==
		    0 &&
	    sbx_engines_borrow(builder->options.engines, &engine, err) == 0) {
		options.policy = &policy->policy;
		sbx_engine_set_cancel_fd(engine, builder->stop_fd);
		result = make_wanted(builder, entry, engine, &skill, &options,
				     err);
	}
	sbx_engines_give(builder->options.engines, &engine);
	sbx_pool_policy_unref(&policy);
	return result;
}

static void work_on(struct sbx_image_builder *builder, struct entry *entry)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result;

	entry->state = AT_WORK;
	entry->again = false;
	pthread_mutex_unlock(&builder->lock);
	result = make(builder, entry, &err);
	pthread_mutex_lock(&builder->lock);
	entry->is_ready = result == 0;
	entry->error = err;
	entry->rounds++;
	entry->state = entry->again ? URGENT : IDLE;
	pthread_cond_broadcast(&builder->changed);
}

static void *work(void *ctx)
{
	struct sbx_image_builder *builder = ctx;

	pthread_mutex_lock(&builder->lock);
	while (!builder->is_ending) {
		struct entry *entry = next_in_queue(builder);

		if (entry)
			work_on(builder, entry);
		else
			pthread_cond_wait(&builder->work, &builder->lock);
	}
	pthread_mutex_unlock(&builder->lock);
	return NULL;
}

/* --- requests -------------------------------------------------------------- */

static void wait_a_little(struct sbx_image_builder *builder)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&builder->changed, &builder->lock, &until);
}

/* The lock is let go of while that is said. */
static void tell(struct sbx_image_builder *builder, const struct entry *entry,
		 const struct sbx_progress *lines, unsigned int *told)
{
	cleanup_free char *line = NULL;

	if (entry->n_lines == *told || !entry->line)
		return;
	*told = entry->n_lines;
	line = sbx_strdup(entry->line);
	pthread_mutex_unlock(&builder->lock);
	sbx_progress_say(lines, line);
	pthread_mutex_lock(&builder->lock);
}

/*
 * With the lock.  What is waited for may be made by whoever makes all of the
 * skill's images, @all: then that is who says how it goes.
 */
static int wait_for(struct sbx_image_builder *builder, struct entry *entry,
		    const struct entry *all, const struct sbx_progress *lines,
		    double until, int cancel_fd, struct sbx_error *err)
{
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
	unsigned int rounds = entry->rounds;
	unsigned int told = entry->n_lines;
	unsigned int told_of_all = all->n_lines;

	while (entry->rounds == rounds) {
		if (poll(&cancel, 1, 0) > 0)
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled before it started");
		if (builder->is_ending || sbx_clock_ms() > until)
			return sbx_error_set(err, SBX_OUTCOME_BUSY,
					     "the image of %s is still being "
					     "built; try again in a while",
					     entry->skill);
		wait_a_little(builder);
		tell(builder, entry, lines, &told);
		tell(builder, all, lines, &told_of_all);
	}
	if (entry->is_ready)
		return 0;
	*err = entry->error;
	return -1;
}

static int await(void *ctx, const char *skill, const char *action,
		 const struct sbx_progress *lines, double until, int cancel_fd,
		 struct sbx_error *err)
{
	struct sbx_image_builder *builder = ctx;
	struct entry *entry;
	int result;

	pthread_mutex_lock(&builder->lock);
	entry = find(builder, skill, action);
	want(builder, entry, URGENT);
	result = wait_for(builder, entry, find(builder, skill, NULL), lines,
			  until, cancel_fd, err);
	pthread_mutex_unlock(&builder->lock);
	return result;
}

const struct sbx_plan_images *
sbx_image_builder_images(struct sbx_image_builder *builder)
{
	return &builder->images;
}

bool sbx_image_builder_is_ready(struct sbx_image_builder *builder,
				const char *skill, const char *action)
{
	bool is_ready;

	pthread_mutex_lock(&builder->lock);
	is_ready = find(builder, skill, NULL)->is_ready ||
		   find(builder, skill, action)->is_ready;
	pthread_mutex_unlock(&builder->lock);
	return is_ready;
}

void sbx_image_builder_begin(struct sbx_image_builder *builder)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error ignored = SBX_ERROR_INIT;
	bool is_first;

	pthread_mutex_lock(&builder->lock);
	is_first = !builder->has_begun;
	builder->has_begun = true;
	pthread_mutex_unlock(&builder->lock);
	if (!is_first || sbx_catalog_names(builder->options.catalog, &names,
					   NULL, &ignored) < 0)
		return;
	pthread_mutex_lock(&builder->lock);
	for (size_t i = 0; i < names.n; i++)
		want(builder, find(builder, names.v[i], NULL), QUEUED);
	pthread_cond_broadcast(&builder->work);
	pthread_mutex_unlock(&builder->lock);
}

/* --- all of it ------------------------------------------------------------- */

static void init_locks(struct sbx_image_builder *builder)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&builder->lock, NULL);
	pthread_cond_init(&builder->work, &attributes);
	pthread_cond_init(&builder->changed, &attributes);
	pthread_condattr_destroy(&attributes);
}

static int start_workers(struct sbx_image_builder *builder,
			 struct sbx_error *err)
{
	int error;

	builder->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (builder->stop_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "eventfd");
	while (builder->n_workers < WORKERS) {
		error = pthread_create(&builder->workers[builder->n_workers],
				       NULL, work, builder);
		if (error)
			return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, error,
					       "there is no thread to build "
					       "images with");
		builder->n_workers++;
	}
	return 0;
}

int sbx_image_builder_start(struct sbx_image_builder **out,
			    const struct sbx_image_builder_options *options,
			    struct sbx_error *err)
{
	struct sbx_image_builder *builder = sbx_calloc(1, sizeof(*builder));

	builder->options = *options;
	builder->images = (struct sbx_plan_images){
		.await = await,
		.wait_ms = options->wait_ms,
		.ctx = builder,
	};
	init_locks(builder);
	if (start_workers(builder, err) < 0) {
		sbx_image_builder_stop(&builder);
		return -1;
	}
	*out = builder;
	return 0;
}

static void free_entries(struct sbx_image_builder *builder)
{
	for (size_t i = 0; i < builder->n_entries; i++) {
		free(builder->entries[i]->skill);
		free(builder->entries[i]->action);
		free(builder->entries[i]->line);
		free(builder->entries[i]);
	}
	free(sbx_take(builder->entries));
}

void sbx_image_builder_stop(struct sbx_image_builder **slot)
{
	struct sbx_image_builder *builder = *slot;

	if (!builder)
		return;
	pthread_mutex_lock(&builder->lock);
	builder->is_ending = true;
	pthread_cond_broadcast(&builder->work);
	pthread_cond_broadcast(&builder->changed);
	pthread_mutex_unlock(&builder->lock);
	if (builder->stop_fd >= 0)
		eventfd_write(builder->stop_fd, 1);
	for (unsigned int i = 0; i < builder->n_workers; i++)
		pthread_join(builder->workers[i], NULL);
	free_entries(builder);
	sbx_close(&builder->stop_fd);
	pthread_cond_destroy(&builder->work);
	pthread_cond_destroy(&builder->changed);
	pthread_mutex_destroy(&builder->lock);
	free(sbx_take(*slot));
}
