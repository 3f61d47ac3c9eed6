/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MICROHTTPD_H
#define SBX_SERVE_MICROHTTPD_H

#include <microhttpd.h>

#include "base/error.h"

/*
 * libmicrohttpd, loaded by the daemon only: it brings GnuTLS and what that
 * needs, which would cost every other command a few milliseconds.
 */

#define SBX_MICROHTTPD_FUNCTIONS(F)                                            \
	F(MHD_start_daemon)                                                    \
	F(MHD_stop_daemon)                                                     \
	F(MHD_get_connection_info)                                             \
	F(MHD_set_connection_option)                                           \
	F(MHD_lookup_connection_value)                                         \
	F(MHD_get_connection_values)                                           \
	F(MHD_create_response_from_buffer_with_free_callback_cls)              \
	F(MHD_create_response_from_callback)                                   \
	F(MHD_create_response_for_upgrade)                                     \
	F(MHD_upgrade_action)                                                  \
	F(MHD_add_response_header)                                             \
	F(MHD_queue_response)                                                  \
	F(MHD_destroy_response)

/* The functions by their own names, of their own types. */
struct sbx_microhttpd {
#define SBX_MICROHTTPD_MEMBER(name) __typeof__(name) *name;
	SBX_MICROHTTPD_FUNCTIONS(SBX_MICROHTTPD_MEMBER)
#undef SBX_MICROHTTPD_MEMBER
};

/* The library, static; NULL with INTERNAL when it cannot be loaded. */
const struct sbx_microhttpd *sbx_microhttpd_load(struct sbx_error *err);

/*
 * The name of the first member of the request's query that is not @known (or
 * NULL): as long as the request is there.
 */
const char *sbx_microhttpd_other_query(const struct sbx_microhttpd *mhd,
				       struct MHD_Connection *http,
				       const char *known);

#endif
