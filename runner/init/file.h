/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_FILE_H
#define SBX_INIT_FILE_H

#include <stdbool.h>

#include "init/state.h"

/* Keeps a copy of the output file's path; "" is none.  False: too long. */
bool sbx_file_remember(const char *path);

/* Opens it when the action has ended; sets MISSING when it is no file. */
void sbx_file_open(struct sbx_init *init);

/* Queues as much of it as there is room for; true when that was all. */
bool sbx_file_send(struct sbx_init *init);

#endif
