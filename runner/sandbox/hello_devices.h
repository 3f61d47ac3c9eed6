/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_HELLO_DEVICES_H
#define SBX_SANDBOX_HELLO_DEVICES_H

#include "sandbox/hello.h"
#include "sandbox/slice.h"

/*
 * The part of sandbox/hello.h that is about devices.  @devices is HELLO's
 * section of that name; results are those of sbx_hello_check.
 */
int sbx_hello_devices_check(struct sbx_slice devices,
			    const struct sbx_hello_expected *expected,
			    struct sbx_error *err);

/* Whether a device is meant to be at @path, besides the standard ones. */
bool sbx_hello_is_device(const struct sbx_hello_expected *expected,
			 const char *path);

#endif
