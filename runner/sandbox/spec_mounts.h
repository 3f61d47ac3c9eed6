/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SPEC_MOUNTS_H
#define SBX_SANDBOX_SPEC_MOUNTS_H

#include <jansson.h>

#include "sandbox/spec.h"

/* Two members of the create body's HostConfig; new references. */
json_t *sbx_spec_tmpfs_json(const struct sbx_spec *spec);
json_t *sbx_spec_mounts_json(const struct sbx_spec *spec);

#endif
