/* SPDX-License-Identifier: MIT */
#include "skill/policy_file.h"

/* SBX_POLICY_PATH is manifests/policy.yaml. */
__asm__(".section .rodata\n"
	"policy_builtin_start:\n"
	".incbin \"" SBX_POLICY_PATH "\"\n"
	"policy_builtin_end:\n"
	".previous\n");

extern const char policy_builtin_start[];
extern const char policy_builtin_end[];

const char *sbx_policy_builtin(size_t *size)
{
	*size = (size_t)(policy_builtin_end - policy_builtin_start);
	return policy_builtin_start;
}
