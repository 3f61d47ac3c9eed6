/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SECCOMP_H
#define SBX_INIT_SECCOMP_H

#include <stdbool.h>

/*
 * Puts the calling process, and whatever it executes, under init's filter of
 * system calls, and @without_ipc under one that leaves it no objects of System
 * V and POSIX IPC.  0, or -1 with errno (EACCES without no-new-privileges).
 */
int sbx_seccomp_install(bool without_ipc);

#endif
