/* SPDX-License-Identifier: MIT */
#include "skill/grant_devices.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "skill/never.h"

/* --- GPUs ----------------------------------------------------------------- */

#define COUNT_SIZE 24

static const char *count_text(int64_t gpus, char out[static COUNT_SIZE])
{
	if (gpus == SBX_GPUS_ALL)
		return "all";
	snprintf(out, COUNT_SIZE, "%lld", (long long)gpus);
	return out;
}

static int grant_gpus(const struct sbx_skill_rules *rules, const char *skill,
		      int64_t asked, struct sbx_error *err)
{
	int64_t most = rules->gpus;
	char granted_text[COUNT_SIZE];
	char asked_text[COUNT_SIZE];

	if (most == SBX_GPUS_ALL || (asked != SBX_GPUS_ALL && asked <= most))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.gpus: the policy grants %s GPUs to %s, "
			     "which asks for %s",
			     most == 0 ? "no" : count_text(most, granted_text),
			     skill, count_text(asked, asked_text));
}

/* --- devices -------------------------------------------------------------- */

static int check_never(const struct sbx_device *device, struct sbx_error *err)
{
	const char *what;

	if (device->access & SBX_DEVICE_MKNOD)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "devices.never: %s is asked for with "
				     "\"m\", to make devices; ask for \"rw\"",
				     device->source);
	if (!sbx_never_device(device->source, &what))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "devices.never: %s would hand over %s",
			     device->source, what);
}

/* The rule that says most about it: the longest one that covers it. */
static const struct sbx_device_rule *
find_rule(const struct sbx_skill_rules *rules, const char *source)
{
	const struct sbx_device_rule *best = NULL;

	for (size_t i = 0; i < rules->n_devices; i++) {
		const struct sbx_device_rule *rule = &rules->devices[i];

		if (fnmatch(rule->pattern, source,
			    FNM_PATHNAME | FNM_NOESCAPE) == 0 &&
		    (!best || strlen(rule->pattern) >= strlen(best->pattern)))
			best = rule;
	}
	return best;
}

static int check_rule(const struct sbx_skill_rules *rules, const char *skill,
		      const struct sbx_device *device, struct sbx_error *err)
{
	const struct sbx_device_rule *rule = find_rule(rules, device->source);
	char granted[SBX_DEVICE_ACCESS_SIZE];
	char asked[SBX_DEVICE_ACCESS_SIZE];

	sbx_device_access_text(device->access, asked);
	if (!rule)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "skills.devices: no rule of the policy "
				     "grants %s to %s (\"%s:%s\" there would)",
				     device->source, skill, device->source,
				     asked);
	if ((device->access & ~rule->access) == 0)
		return 0;
	sbx_device_access_text(rule->access, granted);
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.devices: the policy grants %s with "
			     "\"%s\", and %s asks for \"%s\"",
			     device->source, granted, skill, asked);
}

int sbx_grant_devices(const struct sbx_skill_rules *rules, const char *skill,
		      const struct sbx_action *action, struct sbx_error *err)
{
	for (size_t i = 0; i < action->n_devices; i++) {
		if (check_never(&action->devices[i], err) < 0 ||
		    check_rule(rules, skill, &action->devices[i], err) < 0)
			return -1;
	}
	return grant_gpus(rules, skill, action->gpus, err);
}
