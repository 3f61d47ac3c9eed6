/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_METRICS_H
#define SBX_SERVE_METRICS_H

#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "sandbox/record.h"

/*
 * What the daemon counts, as text that Prometheus reads (its exposition format
 * 0.0.4).  No owner is ever in it.  For any number of threads.
 */
struct sbx_metrics;

void sbx_metrics_new(struct sbx_metrics **out);
void sbx_metrics_free(struct sbx_metrics **metrics);

/* A run has ended. */
void sbx_metrics_run(struct sbx_metrics *metrics,
		     const struct sbx_record *record);

/*
 * What others count, at this moment.
 *
 * @pool	as sbx_pool_status() has it, borrowed
 */
struct sbx_metrics_now {
	const json_t *pool;
	uint64_t engine_calls;
	double engine_seconds;
	uint64_t builds_ok;
	uint64_t builds_failed;
	unsigned int active;
};

void sbx_metrics_write(struct sbx_metrics *metrics,
		       const struct sbx_metrics_now *now, struct sbx_buf *out);

/* process_...: of the process we are, from /proc. */
void sbx_metrics_write_process(struct sbx_buf *out);

/* The largest text there can be. */
#define SBX_METRICS_SIZE_MAX ((size_t)8 * 1024 * 1024)
#define SBX_METRICS_TYPE     "text/plain; version=0.0.4; charset=utf-8"

#endif
