/* SPDX-License-Identifier: MIT */
#include "sandbox/pace.h"

#include <math.h>

#include "base/mem.h"

void sbx_pace_put(struct sbx_pace *pace,
		  const struct sbx_run_progress *progress)
{
	free(pace->message);
	pace->message = progress->message ? sbx_strdup(progress->message)
					  : NULL;
	pace->latest = *progress;
	pace->latest.message = pace->message;
	pace->waits = true;
}

double sbx_pace_wait(struct sbx_pace *pace, double now)
{
	if (!pace->waits)
		return INFINITY;
	pace->spent -= (now - pace->at) / SBX_PACE_INTERVAL_MS;
	pace->spent = fmax(pace->spent, 0);
	pace->at = now;
	return fmax(pace->spent - (SBX_PACE_BURST - 1), 0) *
	       SBX_PACE_INTERVAL_MS;
}

const struct sbx_run_progress *sbx_pace_take(struct sbx_pace *pace, double now)
{
	if (sbx_pace_wait(pace, now) > 0)
		return NULL;
	pace->waits = false;
	pace->spent++;
	return &pace->latest;
}

void sbx_pace_free(struct sbx_pace *pace)
{
	free(pace->message);
	*pace = (struct sbx_pace){ .spent = 0 };
}
