/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SESSION_TOOLS_H
#define SBX_SERVE_SESSION_TOOLS_H

#include <jansson.h>

#include "mcp/session_tools.h"
#include "serve/call.h"
#include "serve/session_visit.h"

/* Calls of the tools of sessions (mcp/session_tools.h): what they are in C. */

/*
 * What SESSION_RUN asks for, with @arguments, which are JSON.  @call points
 * into @body, which begins empty.  INVALID.
 */
int sbx_session_tools_decode_run(const char *arguments, size_t size,
				 struct sbx_buf *body, struct sbx_call *call,
				 struct sbx_error *err);

/*
 * Does what any other @tool is for.  *@out is what it gives back, as its
 * definition has it; new reference.
 */
int sbx_session_tools_perform(const struct sbx_session_visit *visit,
			      enum sbx_mcp_session_tool tool,
			      const char *arguments, size_t size, json_t **out,
			      struct sbx_error *err);

#endif
