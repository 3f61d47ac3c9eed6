/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_DEVICES_H
#define SBX_INIT_DEVICES_H

#include "init/text.h"

/*
 * Appends what is in /dev, in the format of wire.h.  What cannot be looked at
 * is said there as well.
 */
void sbx_devices_add(struct sbx_text *text);

#endif
