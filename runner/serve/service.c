/* SPDX-License-Identifier: MIT */
#include "serve/service.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "skill/names.h"

static const struct sbx_runs_limits kept = {
	.records = 10000,
	.bytes = 64 * 1024 * 1024,
	.keep_ms = 10 * 60 * 1000,
};

/* --- beginning ------------------------------------------------------------- */

static void warn(void *ctx, const char *line)
{
	const struct sbx_service *service = ctx;

	service->say(line);
}

static bool is_ready(void *ctx, const char *skill, const char *action)
{
	const struct sbx_service *service = ctx;

	return sbx_image_builder_is_ready(service->builder, skill, action);
}

static int open_pool(struct sbx_service *service,
		     const struct sbx_service_options *options,
		     struct sbx_error *err)
{
	const struct sbx_pool_config config = {
		.engine_url = options->engine,
		.catalog = &service->catalog,
		.policy = options->policy,
		.keys = &service->keys,
		.waiting_max = options->waiting_max,
		.owner = service->uid,
		.warn = warn,
		.ctx = service,
	};

	snprintf(service->uid, sizeof(service->uid), "%u", geteuid());
	return sbx_pool_new(&service->pool, &config, err);
}

static int start_sweeper(struct sbx_service *service, struct sbx_error *err)
{
	const struct sbx_sweeper_options options = {
		.engines = service->engines,
		.pool = service->pool,
		.ports = service->ports,
		.say = service->say,
	};

	return sbx_sweeper_start(&service->sweeper, &options, err);
}

static int open_catalog(struct sbx_service *service,
			const struct sbx_service_options *options,
			struct sbx_error *err)
{
	cleanup_strv struct sbx_strv missing = SBX_STRV_INIT;

	if (!options->is_lasting)
		return sbx_catalog_open(&service->catalog, options->skills,
					err);
	if (sbx_catalog_open_lasting(&service->catalog, options->skills,
				     &missing, err) < 0)
		return -1;
	for (size_t i = 0; i < missing.n; i++) {
		cleanup_free char *line = sbx_asprintf(
			"there is no skills directory %s yet", missing.v[i]);

		service->say(line);
	}
	return 0;
}

static int open_record_dir(struct sbx_service *service, const char *path,
			   struct sbx_error *err)
{
	const struct sbx_record_dir_options options = {
		.path = path,
		.records = SBX_RECORD_DIR_RECORDS,
		.bytes = SBX_RECORD_DIR_BYTES,
		.say = service->say,
	};

	if (!path)
		return 0;
	return sbx_record_dir_open(&service->record_dir, &options, err);
}

static int open_tools(struct sbx_service *service,
		      const struct sbx_service_options *options,
		      struct sbx_error *err)
{
	const struct sbx_image_builder_options images = {
		.catalog = &service->catalog,
		.policies = service->policies,
		.engines = service->engines,
		.wait_ms = (double)options->image_wait_ms,
	};
	const struct sbx_mcp_tools_options tools = {
		.catalog = &service->catalog,
		.is_ready = is_ready,
		.warn = warn,
		.ctx = service,
		.has_sessions = options->has_sessions,
	};

	if (sbx_image_builder_start(&service->builder, &images, err) < 0)
		return -1;
	sbx_mcp_sessions_new(&service->sessions);
	return sbx_mcp_tools_new(&service->tools, &tools, err);
}

static int open_all(struct sbx_service *service,
		    const struct sbx_service_options *options,
		    struct sbx_error *err)
{
	if (sodium_init() < 0)
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "libsodium cannot be initialised");
	json_object_seed(0); /* before threads race to do so */
	randombytes_buf(service->digest_key, sizeof(service->digest_key));
	service->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	service->drain_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (service->wake_fd < 0 || service->drain_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "eventfd");
	if (open_catalog(service, options, err) < 0)
		return -1;
	sbx_policy_watch_new(&service->policies, options->policy);
	sbx_engines_new(&service->engines, options->engine);
	sbx_gate_new(&service->gate, options->runs, options->queue);
	sbx_runs_new(&service->runs, &kept);
	sbx_metrics_new(&service->metrics);
	sbx_sessions_new(&service->known);
	sbx_port_keeper_new(&service->ports, options->say);
	if (open_record_dir(service, options->record_dir, err) < 0 ||
	    open_tools(service, options, err) < 0 ||
	    open_pool(service, options, err) < 0)
		return -1;
	return start_sweeper(service, err);
}

int sbx_service_open(struct sbx_service **out,
		     const struct sbx_service_options *options,
		     struct sbx_error *err)
{
	struct sbx_service *service = sbx_calloc(1, sizeof(*service));

	service->keys = (struct sbx_keyring)SBX_KEYRING_INIT(options->keys);
	service->say = options->say;
	service->log_fd = options->log_fd;
	service->has_sessions = options->has_sessions;
	service->wake_fd = -1;
	service->drain_fd = -1;
	pthread_mutex_init(&service->lock, NULL);
	if (open_all(service, options, err) < 0) {
		sbx_service_close(&service);
		return -1;
	}
	*out = service;
	return 0;
}

void sbx_service_close(struct sbx_service **slot)
{
	struct sbx_service *service = *slot;

	if (!service)
		return;
	sbx_sweeper_stop(&service->sweeper);
	sbx_pool_free(&service->pool);
	sbx_image_builder_stop(&service->builder);
	sbx_mcp_tools_free(&service->tools);
	sbx_mcp_sessions_free(&service->sessions);
	sbx_port_keeper_free(&service->ports);
	sbx_sessions_free(&service->known);
	sbx_record_dir_close(&service->record_dir);
	sbx_runs_free(&service->runs);
	sbx_metrics_free(&service->metrics);
	sbx_gate_free(&service->gate);
	sbx_engines_free(&service->engines);
	sbx_policy_watch_free(&service->policies);
	sbx_catalog_close(&service->catalog);
	sbx_keyring_clear(&service->keys);
	sbx_close(&service->wake_fd);
	sbx_close(&service->drain_fd);
	pthread_mutex_destroy(&service->lock);
	free(sbx_take(*slot));
}

void sbx_service_drain(struct sbx_service *service)
{
	service->is_draining = true;
	eventfd_write(service->drain_fd, 1);
}

bool sbx_service_is_drained(struct sbx_service *service)
{
	bool is_drained;

	pthread_mutex_lock(&service->lock);
	is_drained = service->is_draining && service->n_active == 0;
	pthread_mutex_unlock(&service->lock);
	return is_drained;
}

/* --- requests -------------------------------------------------------------- */

void sbx_service_begin(struct sbx_service *service)
{
	pthread_mutex_lock(&service->lock);
	service->n_active++;
	pthread_mutex_unlock(&service->lock);
}

/*
 * The lock, because the last one to leave still has to wake who waits for that,
 * and who finds that nobody is left frees all this.
 */
void sbx_service_end(struct sbx_service *service)
{
	pthread_mutex_lock(&service->lock);
	if (--service->n_active == 0 && service->is_draining)
		eventfd_write(service->wake_fd, 1);
	pthread_mutex_unlock(&service->lock);
}

static bool may_name_owner(struct sbx_service *service, struct sbx_error *err)
{
	struct sbx_pool_policy *policy = NULL;
	bool may;

	if (sbx_policy_watch_get(service->policies, &policy, err) < 0)
		return false;
	may = policy->policy.requests[SBX_REQUESTER_CALLER].owner;
	sbx_pool_policy_unref(&policy);
	if (!may)
		sbx_error_set(err, SBX_OUTCOME_DENIED,
			      "callers.owner: the policy does not let callers "
			      "say for whom they ask");
	return may;
}

int sbx_service_secrets(struct sbx_service *service, size_t n,
			struct sbx_error *err)
{
	struct sbx_pool_policy *policy = NULL;
	bool may;

	if (n == 0)
		return 0;
	if (sbx_policy_watch_get(service->policies, &policy, err) < 0)
		return -1;
	may = policy->policy.requests[SBX_REQUESTER_CALLER].secrets;
	sbx_pool_policy_unref(&policy);
	if (may)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "callers.secrets: the policy does not let callers "
			     "give secrets");
}

int sbx_service_owner(struct sbx_service *service,
		      const struct sbx_exchange *exchange, const char *wanted,
		      const char **out, struct sbx_error *err)
{
	if (wanted && strcmp(wanted, exchange->owner) != 0) {
		if (!sbx_name_is_owner(wanted))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "an owner has 1 to 64 characters "
					     "of [a-z0-9._-]");
		if (!may_name_owner(service, err))
			return -1;
	}
	*out = wanted ? wanted : exchange->owner;
	return 0;
}
