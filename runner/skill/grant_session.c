/* SPDX-License-Identifier: MIT */
#include "skill/grant_session.h"

#include "base/mem.h"
#include "codec/units.h"

int sbx_grant_session(const struct sbx_policy *policy, const char *owner,
		      int64_t n, struct sbx_error *err)
{
	if (n < policy->sessions.most)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sessions.most: %s has %lld sessions, and the "
			     "policy grants %lld; stop one of them first",
			     owner, (long long)n,
			     (long long)policy->sessions.most);
}

int64_t sbx_grant_session_ttl(const struct sbx_policy *policy, int64_t asked,
			      char **line)
{
	int64_t most = policy->sessions.ttl_ms;
	cleanup_free char *from = sbx_units_format_duration(asked);
	cleanup_free char *to = sbx_units_format_duration(most);

	if (asked <= most)
		return asked;
	*line = sbx_asprintf("sessions.ttl: %s was asked for, %s is granted",
			     from, to);
	return most;
}
