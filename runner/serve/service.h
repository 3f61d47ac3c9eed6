/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SERVICE_H
#define SBX_SERVE_SERVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "mcp/tools.h"
#include "sandbox/pool.h"
#include "sandbox/pool_policy.h"
#include "sandbox/session_known.h"
#include "serve/engines.h"
#include "serve/gate.h"
#include "serve/image_builder.h"
#include "serve/mcp_sessions.h"
#include "serve/metrics.h"
#include "serve/port_keeper.h"
#include "serve/record_dir.h"
#include "serve/route.h"
#include "serve/runs.h"
#include "serve/sweeper.h"
#include "skill/catalog.h"

/*
 * What all requests share.
 *
 * @catalog	where skills are
 * @keys	what secrets are opened with
 * @uid		our own user, for whom sandboxes wait unasked
 * @policies	the policy, as it is now
 * @pool	of waiting sandboxes, and who opens secrets
 * @sweeper	of what dead runners left
 * @builder	of images that a request must not build itself
 * @tools	what the skills are to clients of the Model Context Protocol
 * @has_sessions	tools of sessions are among them
 * @sessions	of such clients, over HTTP
 * @known	of sessions, sandboxes that stay
 * @ports	of those without a network
 * @record_dir	where records are kept; or NULL
 * @log_fd	gets a line for each run; or -1
 * @is_draining	no run begins any more
 * @drain_fd	readable from then on
 * @lock	held while @n_active changes
 * @n_active	requests and runs that are under way
 * @wake_fd	written to when @n_active becomes 0 while draining
 * @digest_key	random, for digests of requests
 */
struct sbx_service {
	struct sbx_catalog catalog;
	struct sbx_keyring keys;
	char uid[16];
	struct sbx_policy_watch *policies;
	struct sbx_pool *pool;
	struct sbx_engines *engines;
	struct sbx_sweeper *sweeper;
	struct sbx_image_builder *builder;
	struct sbx_mcp_tools *tools;
	bool has_sessions;
	struct sbx_mcp_sessions *sessions;
	struct sbx_sessions *known;
	struct sbx_port_keeper *ports;
	struct sbx_gate *gate;
	struct sbx_runs *runs;
	struct sbx_metrics *metrics;
	struct sbx_record_dir *record_dir;
	void (*say)(const char *line);
	int log_fd;
	atomic_bool is_draining;
	int drain_fd;
	pthread_mutex_t lock;
	atomic_uint n_active;
	int wake_fd;
	unsigned char digest_key[32];
};

/*
 * @skills, @policy, @keys	as on the command line; or NULL
 * @engine	its URL
 * @record_dir	where records are kept; or NULL
 * @runs, @queue	runs at once, and how many wait for that
 * @is_lasting	skills directories may come later
 * @waiting_max	sandboxes that wait, if the policy lets as many; 0: as it lets
 * @image_wait_ms	how long a call of a tool waits for its image
 * @has_sessions	clients of the Model Context Protocol get tools of
 * sessions
 * @log_fd	gets a line for each run; or -1
 * @say		gets lines for people
 */
struct sbx_service_options {
	const char *skills;
	const char *policy;
	const char *keys;
	const char *engine;
	const char *record_dir;
	unsigned int runs;
	unsigned int queue;
	bool is_lasting;
	int64_t waiting_max;
	int64_t image_wait_ms;
	bool has_sessions;
	int log_fd;
	void (*say)(const char *line);
};

/*
 * To be called while there is one thread, all signals that are to be heard
 * blocked.  MISCONFIGURED, INVALID (two tools of one name), NOT_FOUND (skills),
 * INTERNAL.
 */
int sbx_service_open(struct sbx_service **out,
		     const struct sbx_service_options *options,
		     struct sbx_error *err);

/* Nobody may be inside any more. */
void sbx_service_close(struct sbx_service **service);

/* No run begins any more; those that are under way go on. */
void sbx_service_drain(struct sbx_service *service);

/* Draining, and nothing is under way: whoever was inside has left. */
bool sbx_service_is_drained(struct sbx_service *service);

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
 * @other_query	the name of a member that is not @known (or NULL), the same
 * @ctx		of them
 */
struct sbx_exchange {
	struct sbx_route route;
	const char *owner;
	struct sbx_buf *body;
	int connection;
	bool is_local;
	const char *(*header)(void *ctx, const char *name);
	const char *(*query)(void *ctx, const char *name);
	const char *(*other_query)(void *ctx, const char *known);
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

/*
 * Whether a caller may give @n secrets in place of sealed ones, which is no
 * tightening.  DENIED ("callers.secrets: ..."); MISCONFIGURED (the policy).
 */
int sbx_service_secrets(struct sbx_service *service, size_t n,
			struct sbx_error *err);

#endif
