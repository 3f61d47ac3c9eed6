/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_TRACE_CONTEXT_H
#define SBX_CODEC_TRACE_CONTEXT_H

#include <stdbool.h>

/*
 * Whether @text is a traceparent of W3C Trace Context, section 3.2: version 00,
 * lower-case digits, and neither id all zero.  What is none is passed over, as
 * that wants it.
 */
bool sbx_trace_is_parent(const char *text);

#endif
