/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SERVICE_H
#define SBX_SERVE_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "sandbox/pool.h"
#include "sandbox/pool_policy.h"
#include "serve/engines.h"
#include "serve/gate.h"
#include "serve/metrics.h"
#include "serve/record_dir.h"
#include "serve/route.h"
#include "serve/runs.h"
#include "skill/catalog.h"

/*
 * What all requests share.
 *
 * @catalog	where skills are
 * @policies	the policy, as it is now
 * @keys	of the place that holds keys; only its name is looked at here
 * @pool	of waiting sandboxes, and who opens secrets
 * @record_dir	where records are kept; or NULL
 * @log_fd	gets a line for each run; or -1
 * @is_draining	no run begins any more
 * @n_active	requests and runs that are under way
 * @wake_fd	written to when @n_active becomes 0 while draining
 * @digest_key	random, for digests of requests
 */
struct sbx_service {
	const struct sbx_catalog *catalog;
	struct sbx_policy_watch *policies;
	const struct sbx_keyring *keys;
	struct sbx_pool *pool;
	struct sbx_engines *engines;
	struct sbx_gate *gate;
	struct sbx_runs *runs;
	struct sbx_metrics *metrics;
	struct sbx_record_dir *record_dir;
	int log_fd;
	atomic_bool is_draining;
	atomic_uint n_active;
	int wake_fd;
	unsigned char digest_key[32];
};

/* Something is under way until sbx_service_end(). */
void sbx_service_begin(struct sbx_service *service);
void sbx_service_end(struct sbx_service *service);

/*
 * A request, whoever brought it.
 *
 * @owner	whose it is if it does not say
 * @body	all of it; may be taken
 * @connection	its socket
 * @header	the value of a header, NULL when there is none
 * @query	the value of a member of the query, the same
 * @ctx		of both
 */
struct sbx_exchange {
	struct sbx_route route;
	const char *owner;
	struct sbx_buf *body;
	int connection;
	bool is_local;
	const char *(*header)(void *ctx, const char *name);
	const char *(*query)(void *ctx, const char *name);
	void *ctx;
};

/*
 * Whose request it is, when it says that it is @wanted's (or NULL): borrowed.
 * DENIED ("callers.owner: ...") where the policy does not trust who asks;
 * INVALID; MISCONFIGURED (the policy).
 */
int sbx_service_owner(struct sbx_service *service,
		      const struct sbx_exchange *exchange, const char *wanted,
		      const char **out, struct sbx_error *err);

#endif
