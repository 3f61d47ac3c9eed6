/* SPDX-License-Identifier: MIT */
#include "serve/service.h"

#include <string.h>
#include <sys/eventfd.h>

#include "skill/names.h"

void sbx_service_begin(struct sbx_service *service)
{
	atomic_fetch_add(&service->n_active, 1);
}

void sbx_service_end(struct sbx_service *service)
{
	if (atomic_fetch_sub(&service->n_active, 1) == 1 &&
	    service->is_draining)
		eventfd_write(service->wake_fd, 1);
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
