/* SPDX-License-Identifier: MIT */
#include "sandbox/pool_policy.h"

#include <pthread.h>

#include "base/mem.h"
#include "skill/policy_file.h"

struct sbx_policy_watch {
	pthread_mutex_t lock;
	char *named; /* or NULL: the system's, or the built-in one */
	struct sbx_pool_policy *now;
};

void sbx_policy_watch_new(struct sbx_policy_watch **out, const char *path)
{
	struct sbx_policy_watch *watch = sbx_calloc(1, sizeof(*watch));

	pthread_mutex_init(&watch->lock, NULL);
	sbx_strset(&watch->named, sbx_policy_named(path));
	*out = watch;
}

void sbx_policy_watch_free(struct sbx_policy_watch **slot)
{
	struct sbx_policy_watch *watch = *slot;

	if (!watch)
		return;
	*slot = NULL;
	sbx_pool_policy_unref(&watch->now);
	pthread_mutex_destroy(&watch->lock);
	free(watch->named);
	free(watch);
}

void sbx_pool_policy_unref(struct sbx_pool_policy **slot)
{
	struct sbx_pool_policy *policy = *slot;

	*slot = NULL;
	if (!policy ||
	    __atomic_sub_fetch(&policy->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sbx_policy_clear(&policy->policy);
	free(policy);
}

struct sbx_pool_policy *sbx_pool_policy_ref(struct sbx_pool_policy *policy)
{
	__atomic_add_fetch(&policy->refs, 1, __ATOMIC_RELAXED);
	return policy;
}

/*
 * The stamp is older than what is read, if they differ at all: then it will be
 * read again.
 */
static int read_again(struct sbx_policy_watch *watch,
		      const struct sbx_stamp *stamp, struct sbx_error *err)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_pool_policy *policy = sbx_calloc(1, sizeof(*policy));

	policy->refs = 1;
	policy->stamp = *stamp;
	if (sbx_policy_open(watch->named, &policy->policy, &problems, err) <
	    0) {
		free(policy);
		return -1;
	}
	sbx_pool_policy_unref(&watch->now);
	watch->now = policy;
	return 0;
}

int sbx_policy_watch_get(struct sbx_policy_watch *watch,
			 struct sbx_pool_policy **out, struct sbx_error *err)
{
	struct sbx_stamp stamp;
	int result = 0;

	sbx_stamp_file(watch->named ? watch->named : SBX_POLICY_SYSTEM, &stamp);
	pthread_mutex_lock(&watch->lock);
	if (!watch->now || !sbx_stamp_equal(&watch->now->stamp, &stamp))
		result = read_again(watch, &stamp, err);
	if (result == 0)
		*out = sbx_pool_policy_ref(watch->now);
	pthread_mutex_unlock(&watch->lock);
	return result;
}
