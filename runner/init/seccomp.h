/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SECCOMP_H
#define SBX_INIT_SECCOMP_H

/*
 * Puts the calling process, and whatever it executes, under init's filter of
 * system calls.  0, or -1 with errno (EACCES without no-new-privileges).
 */
int sbx_seccomp_install(void);

#endif
