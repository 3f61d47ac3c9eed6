/* SPDX-License-Identifier: MIT */
#include "base/each.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define THREADS_MAX 8

struct each {
	size_t n;
	void (*work)(void *ctx, size_t i);
	void *ctx;
	atomic_size_t next;
};

static void *help(void *ctx)
{
	struct each *each = ctx;
	size_t i;

	while ((i = atomic_fetch_add(&each->next, 1)) < each->n)
		each->work(each->ctx, i);
	return NULL;
}

/* Besides the caller's. */
static size_t count_helpers(size_t n, size_t batch)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t wanted = n / batch;

	if (processors > 0 && wanted > (size_t)processors)
		wanted = (size_t)processors;
	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	return wanted > 1 ? wanted - 1 : 0;
}

void sbx_each(size_t n, size_t batch, void (*work)(void *ctx, size_t i),
	      void *ctx)
{
	struct each each = { .n = n, .work = work, .ctx = ctx };
	pthread_t helpers[THREADS_MAX];
	size_t wanted = count_helpers(n, batch);
	size_t n_helpers = 0;

	while (n_helpers < wanted &&
	       pthread_create(&helpers[n_helpers], NULL, help, &each) == 0)
		n_helpers++;
	help(&each);
	while (n_helpers > 0)
		pthread_join(helpers[--n_helpers], NULL);
}
