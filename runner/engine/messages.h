/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_MESSAGES_H
#define SBX_ENGINE_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/progress.h"

/*
 * The stream of JSON messages with which the engine answers what takes long:
 * build, pull and import.  Pure: bytes in, lines of progress out, and at the
 * end what came of it.  Understands the classic builder ("stream"), pulls
 * ("status"), BuildKit (its trace in "aux") and failures ("errorDetail").
 */
struct sbx_messages;

/* @progress is copied. */
void sbx_messages_new(struct sbx_messages **out,
		      const struct sbx_progress *progress);
void sbx_messages_free(struct sbx_messages **messages);

/* An sbx_http_sink.  UNAVAILABLE when this is not such a stream. */
int sbx_messages_feed(void *messages, const void *data, size_t size,
		      struct sbx_error *err);

/* The stream is over: handles what was not ended by a newline. */
int sbx_messages_finish(struct sbx_messages *messages, struct sbx_error *err);

/* The engine's own words about what failed, or NULL. */
const char *sbx_messages_failure(const struct sbx_messages *messages);

/* True once the builder has named the image it made. */
bool sbx_messages_has_image(const struct sbx_messages *messages);

/*
 * BUILD_FAILED with @what, and below it as many of the last lines of output
 * as fit, the newest at the end.  Always -1.
 */
int sbx_messages_build_failed(const struct sbx_messages *messages,
			      const char *what, struct sbx_error *err);

#endif
