/* SPDX-License-Identifier: MIT */
#include "cli/session_target.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cancel.h"
#include "sandbox/session.h"

/* How long a call of the sweep may hold us up. */
#define SWEEP_MS 2000

int sbx_session_target_open(const struct sbx_cli *cli,
			    struct sbx_session_target *out,
			    struct sbx_error *err)
{
	out->cancel_fd = sbx_cancel_setup();
	out->engine = NULL;
	snprintf(out->owner, sizeof(out->owner), "%u", getuid());
	if (sbx_cli_engine(cli, &out->engine, err) < 0)
		return -1;
	sbx_engine_set_cancel_fd(out->engine, out->cancel_fd);
	return 0;
}

void sbx_session_target_close(struct sbx_session_target *target)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	fflush(stdout);
	if (target->engine && sbx_engine_silences(target->engine) == 0 &&
	    !sbx_cancel_asked()) {
		sbx_engine_set_patience(target->engine, SWEEP_MS);
		sbx_session_sweep(target->engine, &ignored);
	}
	sbx_engine_free(&target->engine);
}
