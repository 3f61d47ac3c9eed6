/* SPDX-License-Identifier: MIT */
#include "secret/reseal.h"

#include <string.h>

#include "secret/memory.h"
#include "secret/seal.h"

static bool is_due(const struct sbx_recipient *recipient,
		   const struct sbx_keys *keys, const struct sbx_key *current)
{
	return strcmp(recipient->id, current->id) != 0 &&
	       sbx_keys_find(keys, recipient->id);
}

bool sbx_reseal_is_due(const struct sbx_sealed *sealed,
		       const struct sbx_keys *keys,
		       const struct sbx_key *current)
{
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		if (is_due(&sealed->recipients[i], keys, current))
			return true;
	}
	return false;
}

static bool can_open(const struct sbx_sealed_secret *secret,
		     const struct sbx_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (sbx_sealed_box(secret, keys->v[i].id))
			return true;
	}
	return false;
}

/* Adds a box of @secret for each recipient of @to. */
static int seal_again(struct sbx_sealed_secret *secret, const char *skill,
		      const struct sbx_keys *keys,
		      const struct sbx_recipient *to, size_t n,
		      struct sbx_error *err)
{
	cleanup_secret unsigned char *value = NULL;
	size_t size;

	if (sbx_seal_open(secret, skill, keys, &value, &size, err) < 0)
		return sbx_error_wrap(err, "secret %s", secret->name);
	for (size_t i = 0; i < n; i++) {
		if (sbx_seal_for(secret, &to[i], skill, value, size, err) < 0)
			return sbx_error_wrap(err, "secret %s", secret->name);
	}
	return 0;
}

int sbx_reseal_rotate(struct sbx_sealed *sealed, const char *skill,
		      const struct sbx_keys *keys,
		      const struct sbx_key *current, struct sbx_strv *left,
		      struct sbx_error *err)
{
	const struct sbx_recipient *to;

	if (sbx_sealed_add_recipient(sealed, current->public_key, err) < 0)
		return -1;
	to = sbx_sealed_recipient(sealed, current->id);
	for (size_t i = 0; i < sealed->n_secrets; i++) {
		struct sbx_sealed_secret *secret = &sealed->secrets[i];

		if (!can_open(secret, keys))
			sbx_strv_push(left, secret->name);
		else if (seal_again(secret, skill, keys, to, 1, err) < 0)
			return -1;
	}
	for (size_t i = sealed->n_recipients; i > 0; i--) {
		if (is_due(&sealed->recipients[i - 1], keys, current))
			sbx_sealed_drop_recipient(sealed,
						  sealed->recipients[i - 1].id);
	}
	return 0;
}

int sbx_reseal_for(struct sbx_sealed *sealed, const char *skill,
		   const struct sbx_keys *keys, const struct sbx_sealed *to,
		   struct sbx_error *err)
{
	for (size_t i = 0; i < sealed->n_secrets; i++) {
		if (seal_again(&sealed->secrets[i], skill, keys, to->recipients,
			       to->n_recipients, err) < 0)
			return -1;
	}
	for (size_t i = sealed->n_recipients; i > 0; i--) {
		const struct sbx_recipient *old = &sealed->recipients[i - 1];

		if (!sbx_sealed_recipient(to, old->id))
			sbx_sealed_drop_recipient(sealed, old->id);
	}
	for (size_t i = 0; i < to->n_recipients; i++) {
		if (sbx_sealed_add_recipient(
			    sealed, to->recipients[i].public_key, err) < 0)
			return -1;
	}
	return 0;
}
