/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MCP_STREAM_H
#define SBX_SERVE_MCP_STREAM_H

#include <stddef.h>

#include "serve/service.h"

/*
 * A client of the Model Context Protocol at the other end of two streams of
 * bytes, a message a line: the protocol's stdio transport, and the same over a
 * socket.
 *
 * @owner	whose calls they are
 * @in_fd, @out_fd	may be the same; not closed here
 * @end_fd	readable when no more is to be taken; or -1
 * @message_max	bytes of one message
 * @stall_ms	how long the client may take nothing of what is said to it
 */
struct sbx_mcp_stream {
	struct sbx_service *service;
	const char *owner;
	int in_fd;
	int out_fd;
	int end_fd;
	size_t message_max;
	int stall_ms;
};

#define SBX_MCP_STALL_MS 30000

/*
 * A header by which who asks for such a socket says whether there have to be
 * tools of sessions, "yes" or "no": refused where it is the other.
 */
#define SBX_MCP_SESSIONS_HEADER "Skillbox-Session-Tools"

/*
 * What the daemon says last on such a socket, so that the other end can tell
 * that from a daemon that was lost: no message has it.
 */
#define SBX_MCP_FAREWELL '\0'

/*
 * Serves it until its end.  When the client has said all that it has to say,
 * or @end_fd is readable, what is under way is still answered; when it hears
 * nothing any more, or takes nothing for so long, that is cancelled.
 */
void sbx_mcp_stream_serve(const struct sbx_mcp_stream *stream);

#endif
