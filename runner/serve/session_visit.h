/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SESSION_VISIT_H
#define SBX_SERVE_SESSION_VISIT_H

#include <jansson.h>

#include "base/buf.h"
#include "serve/call.h"
#include "serve/service.h"

/*
 * What callers ask of sessions, whatever they came by: sandbox/session.h with
 * an engine that is borrowed, and the policy as it is now.  What runs in one
 * is a job (serve/job.h).
 *
 * All fail as what they call does, and UNAVAILABLE when the engine does not
 * answer in time; MISCONFIGURED (the policy).
 */

/*
 * @owner	whose sessions; others have none
 * @cancel_fd	readable when the caller wants to wait no more; or -1
 */
struct sbx_session_visit {
	struct sbx_service *service;
	const char *owner;
	int cancel_fd;
};

/*
 * As @call has it; *@out is sbx_session_json().  @waits_for_image as in struct
 * sbx_job.  0, -1, or SBX_SESSION_EXISTS with @err filled.
 */
int sbx_session_visit_create(const struct sbx_session_visit *visit,
			     const struct sbx_call *call, bool waits_for_image,
			     json_t **out, struct sbx_error *err);

/* {"sessions": [sbx_session_json()]}. */
int sbx_session_visit_list(const struct sbx_session_visit *visit, json_t **out,
			   struct sbx_error *err);

/* As sbx_session_status(). */
int sbx_session_visit_status(const struct sbx_session_visit *visit,
			     const char *name, json_t **out,
			     struct sbx_error *err);

/* {"name", "state": what it is now}. */
int sbx_session_visit_stop(const struct sbx_session_visit *visit,
			   const char *name, json_t **out,
			   struct sbx_error *err);
int sbx_session_visit_pause(const struct sbx_session_visit *visit,
			    const char *name, json_t **out,
			    struct sbx_error *err);
int sbx_session_visit_resume(const struct sbx_session_visit *visit,
			     const char *name, json_t **out,
			     struct sbx_error *err);

/*
 * What is at @path, as a tar: *@out is a file, the caller's, at its beginning.
 * As sbx_session_copy_out(), and INVALID where not all could be copied.
 */
int sbx_session_visit_get(const struct sbx_session_visit *visit,
			  const char *name, const char *path, int *out,
			  struct sbx_error *err);

/*
 * The tar of @size bytes goes to @path, a directory.  {"files", "bytes",
 * "left_out": [lines]}.  As sbx_session_copy_in(), and INVALID where not all
 * could be copied.
 */
int sbx_session_visit_put(const struct sbx_session_visit *visit,
			  const char *name, const char *path, const void *tar,
			  size_t size, json_t **out, struct sbx_error *err);

/*
 * The same of one file, in JSON: {"path", "size"} and where it is read "text"
 * or "base64" (file_json.h).  INVALID also for what is no file, or larger than
 * SBX_SESSION_VISIT_FILE_MAX.
 */
#define SBX_SESSION_VISIT_FILE_MAX (1024 * 1024)
int sbx_session_visit_read_file(const struct sbx_session_visit *visit,
				const char *name, const char *path,
				json_t **out, struct sbx_error *err);
int sbx_session_visit_write_file(const struct sbx_session_visit *visit,
				 const char *name, const char *path,
				 const void *data, size_t size, json_t **out,
				 struct sbx_error *err);

/* Room for what sbx_session_visit_logs() appends, at most. */
#define SBX_SESSION_VISIT_LOG_MAX (4 * SBX_WIRE_LOG_MAX)
int sbx_session_visit_logs(const struct sbx_session_visit *visit,
			   const char *name, struct sbx_buf *out,
			   struct sbx_error *err);

#endif
