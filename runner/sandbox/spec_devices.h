/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SPEC_DEVICES_H
#define SBX_SANDBOX_SPEC_DEVICES_H

#include <stdbool.h>

#include <jansson.h>

#include "sandbox/spec.h"

/* Two members of the create body's HostConfig; new references. */
json_t *sbx_spec_devices_json(const struct sbx_spec *spec);
json_t *sbx_spec_gpus_json(const struct sbx_spec *spec);

/* DENIED when the engine cannot be asked for the GPUs that were granted. */
int sbx_spec_gpus_check(const struct sbx_spec *spec, struct sbx_error *err);

/* Whether of these two members @made is what was @asked for. */
bool sbx_spec_same_devices(const json_t *asked, const json_t *made);
bool sbx_spec_same_gpus(const json_t *asked, const json_t *made);

#endif
