/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_SESSION_TARGET_H
#define SBX_CLI_SESSION_TARGET_H

#include "cli/cli.h"
#include "engine/engine.h"

/* What the commands of `skillbox session` share. */

extern const struct sbx_command sbx_cmd_session_create;
extern const struct sbx_command sbx_cmd_session_run;
extern const struct sbx_command sbx_cmd_session_cp;
extern const struct sbx_command sbx_cmd_session_logs;
extern const struct sbx_command sbx_cmd_session_list;
extern const struct sbx_command sbx_cmd_session_status;
extern const struct sbx_command sbx_cmd_session_pause;
extern const struct sbx_command sbx_cmd_session_resume;
extern const struct sbx_command sbx_cmd_session_stop;

/*
 * @engine	where the sessions are; what is asked of it ends with CANCELLED
 *		when somebody interrupts us
 * @owner	whose they are: our user's
 * @cancel_fd	readable from then on
 */
struct sbx_session_target {
	struct sbx_engine *engine;
	char owner[32];
	int cancel_fd;
};

/* As sbx_cli_engine(). */
int sbx_session_target_open(const struct sbx_cli *cli,
			    struct sbx_session_target *out,
			    struct sbx_error *err);

/* Ends what time has ended, too. */
void sbx_session_target_close(struct sbx_session_target *target);

#endif
