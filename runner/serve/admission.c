/* SPDX-License-Identifier: MIT */
#include "serve/admission.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "skill/fingerprint.h"

/* No user's number: what callers over TCP own is theirs alone. */
#define TCP_OWNER "tcp"

void sbx_caller_identify(struct sbx_caller *caller, int fd, bool is_local)
{
	uid_t uid = (uid_t)-1;

	caller->fd = fd;
	caller->is_local = is_local;
	if (!is_local) {
		snprintf(caller->owner, sizeof(caller->owner), TCP_OWNER);
		return;
	}
	caller->is_stranger = !sbx_peer_uid(fd, &uid) || !sbx_peer_may_ask(uid);
	snprintf(caller->owner, sizeof(caller->owner), "%u", uid);
}

/* The other end of TCP has to prove itself; of a Unix socket it is known. */
static bool is_trusted(const struct sbx_admission *admission,
		       const struct sbx_caller *caller,
		       const struct sbx_exchange *exchange,
		       struct sbx_answer *answer)
{
	void *ctx = exchange->ctx;

	if (caller->is_local) {
		if (caller->is_stranger)
			sbx_answer_refuse(answer, 403, SBX_OUTCOME_DENIED,
					  "this daemon is another user's");
		return !caller->is_stranger;
	}
	if (!sbx_host_is_ours(admission->hosts, exchange->header(ctx, "Host"),
			      exchange->header(ctx, "Origin"))) {
		sbx_answer_refuse(answer, 403, SBX_OUTCOME_DENIED,
				  "this daemon is not called so, or a web page "
				  "of somebody else asks (--allow-host NAME "
				  "lets it be called NAME)");
		return false;
	}
	if (!admission->token ||
	    !sbx_token_fits(admission->token,
			    exchange->header(ctx, "Authorization"))) {
		sbx_answer_header(answer, "WWW-Authenticate", "Bearer");
		sbx_answer_refuse(answer, 401, SBX_OUTCOME_DENIED,
				  "a bearer token is needed, and it has to be "
				  "the right one");
		return false;
	}
	return true;
}

void sbx_admission_too_large(struct sbx_answer *answer, size_t max)
{
	sbx_answer_refuse(answer, 413, SBX_OUTCOME_INVALID,
			  "a request's body has at most %zu bytes here", max);
}

/* What is announced; a body in chunks is counted as it comes. */
static bool is_small_enough(const char *length, size_t max)
{
	char *end;
	unsigned long long size;

	if (!length)
		return true;
	errno = 0;
	size = strtoull(length, &end, 10);
	return errno == 0 && *end == '\0' && size <= max;
}

static int find_fingerprint(struct sbx_service *service,
			    char out[static SBX_HASH_HEX_SIZE],
			    struct sbx_error *err)
{
	struct sbx_pool_policy *policy = NULL;

	if (sbx_policy_watch_get(service->policies, &policy, err) < 0)
		return -1;
	sbx_fingerprint(
		&(struct sbx_fingerprint){
			.catalog = &service->catalog,
			.policy_hash = policy->policy.hash,
			.engine_url = sbx_engines_url(service->engines),
			.keys = &service->keys,
		},
		out);
	sbx_pool_policy_unref(&policy);
	return 0;
}

/* Would the client come to the same record by itself? */
static bool is_as_expected(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer)
{
	const char *expected =
		exchange->header(exchange->ctx, SBX_EXPECT_HEADER);
	struct sbx_error err = SBX_ERROR_INIT;
	char own[SBX_HASH_HEX_SIZE];

	if (!expected)
		return true;
	if (find_fingerprint(service, own, &err) < 0) {
		sbx_answer_error(answer, &err);
		return false;
	}
	if (strcmp(expected, own) == 0)
		return true;
	sbx_answer_refuse(answer, 412, SBX_OUTCOME_MISCONFIGURED,
			  "this daemon serves other skills, or with another "
			  "engine, policy, keys or version");
	return false;
}

static bool begins_runs(enum sbx_route_id route)
{
	return route == SBX_ROUTE_RUN || route == SBX_ROUTE_RUN_ACTION ||
	       route == SBX_ROUTE_SESSION_CREATE ||
	       route == SBX_ROUTE_SESSION_RUN || route == SBX_ROUTE_BUILD ||
	       route == SBX_ROUTE_MCP || route == SBX_ROUTE_MCP_GET;
}

bool sbx_admission_decide(const struct sbx_admission *admission,
			  const struct sbx_caller *caller,
			  struct sbx_exchange *exchange, const char *method,
			  const char *path, struct sbx_answer *answer)
{
	cleanup_buf struct sbx_buf allow = SBX_BUF_INIT(256);
	int found;

	if (!is_trusted(admission, caller, exchange, answer))
		return false;
	found = sbx_route_find(method, path, &exchange->route, &allow);
	if (found == SBX_ROUTE_METHOD) {
		sbx_answer_header(answer, "Allow", sbx_buf_text(&allow));
		sbx_answer_refuse(answer, 405, SBX_OUTCOME_INVALID,
				  "this path has other methods: %s",
				  sbx_buf_text(&allow));
		return false;
	}
	if (found != 0) {
		sbx_answer_refuse(answer, 404, SBX_OUTCOME_NOT_FOUND,
				  "there is no such path, or no such name in "
				  "it can be");
		return false;
	}
	if (!is_small_enough(exchange->header(exchange->ctx, "Content-Length"),
			     admission->body_max)) {
		sbx_admission_too_large(answer, admission->body_max);
		return false;
	}
	if (begins_runs(exchange->route.id) &&
	    admission->service->is_draining) {
		sbx_answer_refuse(answer, 503, SBX_OUTCOME_UNAVAILABLE,
				  "this daemon is about to end");
		return false;
	}
	return is_as_expected(admission->service, exchange, answer);
}
