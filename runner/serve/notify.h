/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_NOTIFY_H
#define SBX_SERVE_NOTIFY_H

/*
 * Tells the service manager @state, such as "READY=1" (sd_notify(3)); silent
 * where there is none, or none that can be told.
 */
void sbx_notify(const char *state);

#endif
