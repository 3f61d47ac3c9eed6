/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_CANCEL_H
#define SBX_CLI_CANCEL_H

/*
 * Wanting out.  After sbx_cancel_setup() the first SIGINT, SIGTERM or SIGHUP
 * makes a descriptor readable, and so ends what is under way in good order;
 * the second ends the process at once, and what it leaves behind is ended by
 * init's dead man's switch.  A signal that was ignored when the process
 * started (nohup) stays ignored.
 */

/* The descriptor, readable for good once someone wants out; -1 if none. */
int sbx_cancel_setup(void);

/* The same as a first signal, from within; harmless when repeated. */
void sbx_cancel_now(void);

/* Whether someone wants out. */
int sbx_cancel_asked(void);

#endif
