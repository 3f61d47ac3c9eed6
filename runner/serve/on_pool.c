/* SPDX-License-Identifier: MIT */
#include "serve/on_pool.h"

#include <string.h>

#include "codec/json.h"
#include "skill/names.h"

#define WAITING_MAX 1024

/* --- what there is --------------------------------------------------------- */

static json_t *pools_of(const json_t *pools, const char *owner)
{
	json_t *own = json_array();
	json_t *pool;
	size_t i;

	json_array_foreach (pools, i, pool) {
		const char *whose = sbx_json_text_at(pool, "owner", NULL);

		if (whose && strcmp(whose, owner) == 0)
			json_array_append(own, pool);
	}
	return own;
}

static void answer_status(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	json_t *status = sbx_pool_status(service->pool);

	/* Who has the Unix socket is root, or who the daemon is. */
	if (!exchange->is_local)
		json_object_set_new(status, "pools",
				    pools_of(json_object_get(status, "pools"),
					     exchange->owner));
	sbx_answer_json(answer, 200, status);
}

void sbx_on_pool(struct sbx_service *service,
		 const struct sbx_exchange *exchange, struct sbx_answer *answer)
{
	answer_status(service, exchange, answer);
}

/* --- changing it ----------------------------------------------------------- */

/* Borrowed from the body. */
struct change {
	const char *skill;
	const char *action;
	const char *owner;
	bool is_warm;
	json_int_t n;
};

static bool is_known(const char *key)
{
	static const char *const known[] = { "skill", "action", "owner", "warm",
					     "shrink" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i], key) == 0)
			return true;
	}
	return false;
}

static int read_change(json_t *body, struct change *out, struct sbx_error *err)
{
	const json_t *warm = json_object_get(body, "warm");
	const json_t *shrink = json_object_get(body, "shrink");
	const json_t *n = warm ? warm : shrink;
	const char *key;
	json_t *value;

	*out = (struct change){
		.skill = sbx_json_plain_text(json_object_get(body, "skill")),
		.action = sbx_json_plain_text(json_object_get(body, "action")),
		.owner = sbx_json_plain_text(json_object_get(body, "owner")),
		.is_warm = warm,
		.n = json_integer_value(n),
	};
	json_object_foreach (body, key, value) {
		if (!is_known(key))
			return sbx_error_set(
				err, SBX_OUTCOME_INVALID,
				"there is a member that is none of "
				"skill, action, owner, warm, "
				"shrink");
	}
	if (!out->skill || !sbx_name_is_skill(out->skill) || !out->action ||
	    !sbx_name_is_action(out->action))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "expected the names of a skill and of an "
				     "action");
	if ((warm && shrink) || !json_is_integer(n) || out->n < 0 ||
	    out->n > WAITING_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "expected one of warm and shrink, a "
				     "number from 0 to %d",
				     WAITING_MAX);
	return 0;
}

static int change(struct sbx_service *service,
		  const struct sbx_exchange *exchange, json_t *body,
		  struct sbx_error *err)
{
	struct change wanted;
	const char *owner;

	if (read_change(body, &wanted, err) < 0 ||
	    sbx_service_owner(service, exchange, wanted.owner, &owner, err) < 0)
		return -1;
	if (wanted.is_warm)
		return sbx_pool_warm(service->pool, wanted.skill, wanted.action,
				     owner, wanted.n, err);
	return sbx_pool_shrink(service->pool, wanted.skill, wanted.action,
			       owner, wanted.n, err);
}

void sbx_on_pool_change(struct sbx_service *service,
			const struct sbx_exchange *exchange,
			struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = NULL;

	if (sbx_json_parse(sbx_buf_text(exchange->body), exchange->body->len,
			   &body, &err) < 0 ||
	    change(service, exchange, body, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		answer_status(service, exchange, answer);
}
