/* SPDX-License-Identifier: MIT */
#include "engine/image.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/handle.h"
#include "engine/messages.h"
#include "engine/podman.h"

/* It unpacks the context as that comes, and then says so. */
#define BUILD_ANSWER_MS 60000
/* A step may compile for long without a word. */
#define BUILD_IDLE_MS	 (30 * 60 * 1000)
#define PULL_IDLE_MS	 (5 * 60 * 1000)
#define QUERY_MAX	 ((size_t)1 << 20)

#define cleanup_messages SBX_CLEANUP(sbx_messages_free)

/*
 * "/images/REF" and @rest.  The engines' routers want the slashes of a
 * reference as they are.
 */
static char *image_path(const char *ref, const char *rest)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(QUERY_MAX);
	cleanup_free char *copy = sbx_strdup(ref);
	char *at = copy;
	char *part;

	sbx_buf_puts(&path, "/images");
	while ((part = strsep(&at, "/"))) {
		cleanup_free char *escaped = sbx_http_escape(part);

		sbx_buf_printf(&path, "/%s", escaped);
	}
	sbx_buf_puts(&path, rest);
	return sbx_buf_take(&path);
}

static int simple(struct sbx_engine *engine, const char *method,
		  const char *ref, const char *rest,
		  struct sbx_http_response *response, struct sbx_error *err)
{
	cleanup_free char *path = image_path(ref, rest);
	struct sbx_http_request request = { .method = method, .path = path };

	return sbx_http_perform(engine, &request, response, err);
}

int sbx_image_inspect(struct sbx_engine *engine, const char *ref, json_t **out,
		      struct sbx_error *err)
{
	cleanup_free char *path = image_path(ref, "/json");
	int ret = sbx_http_get(engine, path, JSON_OBJECT, out, err);

	if (ret == SBX_HTTP_NOT_THERE)
		return SBX_IMAGE_GONE;
	if (ret == 0 && engine->podman)
		sbx_podman_translate_image(*out);
	return ret == 0 ? 0 : sbx_error_wrap(err, "inspect image %s", ref);
}

int sbx_image_list(struct sbx_engine *engine, const char *label, json_t **out,
		   struct sbx_error *err)
{
	cleanup_free char *filters = sbx_http_label_filter(label);
	cleanup_free char *path =
		sbx_asprintf("/images/json?filters=%s", filters);
	json_t *image;
	size_t i;

	if (sbx_http_get(engine, path, JSON_ARRAY, out, err))
		return sbx_error_wrap(err, "list images");
	if (engine->podman) {
		json_array_foreach (*out, i, image)
			sbx_podman_translate_image(image);
	}
	return 0;
}

int sbx_image_tag(struct sbx_engine *engine, const char *ref, const char *repo,
		  const char *tag, struct sbx_error *err)
{
	cleanup_free char *to = sbx_http_escape(repo);
	cleanup_free char *version = sbx_http_escape(tag);
	cleanup_free char *rest =
		sbx_asprintf("/tag?repo=%s&tag=%s", to, version);
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	int ret = simple(engine, "POST", ref, rest, &response, err);

	if (ret == 0 && response.status != 201 && response.status != 200)
		ret = sbx_http_refused(&response, err);
	return ret == 0 ? 0 : sbx_error_wrap(err, "tag image %s", ref);
}

int sbx_image_remove(struct sbx_engine *engine, const char *ref,
		     struct sbx_error *err)
{
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (simple(engine, "DELETE", ref, "", &response, err) < 0)
		return sbx_error_wrap(err, "remove image %s", ref);
	switch (response.status) {
	case 200:
		return 0;
	case 404:
		return SBX_IMAGE_GONE;
	case 409:
		return SBX_IMAGE_IN_USE;
	default:
		sbx_http_refused(&response, err);
		return sbx_error_wrap(err, "remove image %s", ref);
	}
}

/* --- import and pull -------------------------------------------------- */

/* Performs a POST to /images/create, which answers with messages. */
static int create(struct sbx_engine *engine, struct sbx_http_request *request,
		  struct sbx_messages *messages, struct sbx_error *err)
{
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	const char *failure;

	request->method = "POST";
	request->sink = sbx_messages_feed;
	request->sink_ctx = messages;
	if (sbx_http_perform(engine, request, &response, err) < 0)
		return -1;
	if (response.status != 200) {
		sbx_http_refused(&response, err);
		if (response.status == 404)
			err->outcome = SBX_OUTCOME_NOT_FOUND;
		return -1;
	}
	if (sbx_messages_finish(messages, err) < 0)
		return -1;
	failure = sbx_messages_failure(messages);
	if (!failure)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "engine: %s",
			     failure);
}

/*
 * Appends "&changes=LABEL k="v"" to @path.  The value is a word of a
 * Dockerfile: in double quotes, where backslash, quote and dollar are special.
 */
static int append_label(struct sbx_buf *path, const char *key,
			const char *value, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(QUERY_MAX);
	cleanup_free char *escaped = NULL;

	sbx_buf_printf(&line, "LABEL \"%s\"=\"", key);
	for (; *value; value++) {
		if (iscntrl((unsigned char)*value))
			return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
					     "label %s has a control "
					     "character",
					     key);
		if (strchr("\\\"$", *value))
			sbx_buf_puts(&line, "\\");
		sbx_buf_append(&line, value, 1);
	}
	sbx_buf_puts(&line, "\"");
	escaped = sbx_http_escape(sbx_buf_text(&line));
	sbx_buf_printf(path, "&changes=%s", escaped);
	return 0;
}

int sbx_image_import(struct sbx_engine *engine, const char *repo,
		     const char *tag, const void *tar, size_t size,
		     json_t *labels, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(QUERY_MAX);
	cleanup_free char *name = sbx_asprintf("%s:%s", repo, tag);
	cleanup_free char *to = sbx_http_escape(name);
	cleanup_messages struct sbx_messages *messages = NULL;
	struct sbx_http_bytes bytes = { .data = tar, .size = size };
	struct sbx_http_request request = {
		.source = sbx_http_bytes_source,
		.source_ctx = &bytes,
		.content_type = "application/x-tar",
	};
	static const struct sbx_progress silent;
	const char *key;
	json_t *value;

	sbx_messages_new(&messages, &silent);
	/* Podman 4.3 knows no "tag" here; Docker takes it of either. */
	sbx_buf_printf(&path, "/images/create?fromSrc=-&repo=%s", to);
	json_object_foreach (labels, key, value) {
		if (append_label(&path, key, json_string_value(value), err) < 0)
			return -1;
	}
	request.path = sbx_buf_text(&path);
	if (create(engine, &request, messages, err) < 0)
		return sbx_error_wrap(err, "import image %s:%s", repo, tag);
	return 0;
}

/* Registries and engines have no common code for "not there". */
static bool is_missing(const char *failure)
{
	return failure && (strcasestr(failure, "not found") ||
			   strcasestr(failure, "manifest unknown") ||
			   strcasestr(failure, "does not exist"));
}

int sbx_image_pull(struct sbx_engine *engine, const char *ref,
		   const struct sbx_image_limit *limit,
		   const struct sbx_progress *progress, struct sbx_error *err)
{
	const char *slash = strrchr(ref, '/');
	bool exact = strpbrk(slash ? slash : ref, ":@");
	cleanup_free char *from = sbx_http_escape(ref);
	/* Without a tag Docker would pull all there are. */
	cleanup_free char *path = sbx_asprintf("/images/create?fromImage=%s%s",
					       from,
					       exact ? "" : "&tag=latest");
	cleanup_messages struct sbx_messages *messages = NULL;
	struct sbx_http_request request = {
		.path = path,
		.kind = SBX_TURN_LONG,
		.idle_ms = PULL_IDLE_MS,
		.limit_ms = limit->ms,
	};

	sbx_messages_new(&messages, progress);
	if (create(engine, &request, messages, err) == 0)
		return 0;
	if (is_missing(sbx_messages_failure(messages)))
		err->outcome = SBX_OUTCOME_NOT_FOUND;
	if (err->outcome == SBX_OUTCOME_TIMEOUT)
		sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED, "%s", limit->over);
	return sbx_error_wrap(err, "pull %s", ref);
}

/* --- build ------------------------------------------------------------ */

static void append_query(struct sbx_buf *path, const char *name,
			 const char *value)
{
	cleanup_free char *escaped = value ? sbx_http_escape(value) : NULL;

	if (escaped)
		sbx_buf_printf(path, "&%s=%s", name, escaped);
}

static void append_object(struct sbx_buf *path, const char *name,
			  const json_t *object)
{
	cleanup_free char *text = NULL;

	if (json_object_size(object) == 0)
		return;
	text = sbx_json_line(object);
	append_query(path, name, text);
}

/*
 * The build arguments.  The namespace of cache mounts is one, in BuildKit's
 * Dockerfile frontend since 2019: docs.docker.com, "BuildKit built-in build
 * args".
 */
static void append_args(struct sbx_buf *path, const struct sbx_engine *engine,
			const struct sbx_image_build *build)
{
	json_auto_t *args = build->args ? json_copy(build->args)
					: json_object();

	if (engine->buildkit && build->cache)
		json_object_set_new(args, "BUILDKIT_CACHE_MOUNT_NS",
				    json_string(build->cache));
	append_object(path, "buildargs", args);
}

/*
 * Podman (5.4) knows other words here than Docker.  Without "nsoptions" its
 * RUN steps get the host's own network, whatever "networkmode" says.
 */
static void append_network(struct sbx_buf *path,
			   const struct sbx_engine *engine, bool none)
{
	if (engine->podman) {
		append_query(path, "nsoptions",
			     "[{\"Name\":\"network\",\"Host\":false}]");
		append_query(path, "networkmode",
			     none ? "NetworkDisabled" : "NetworkEnabled");
	} else if (none) {
		append_query(path, "networkmode", "none");
	}
}

static char *build_path(const struct sbx_engine *engine,
			const struct sbx_image_build *build)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(QUERY_MAX);

	sbx_buf_puts(&path, "/build?rm=1&forcerm=1");
	if (engine->buildkit)
		sbx_buf_puts(&path, "&version=2");
	append_query(&path, "t", build->tag);
	append_query(&path, "dockerfile", build->dockerfile);
	append_query(&path, "target", build->target);
	append_args(&path, engine, build);
	append_object(&path, "labels", build->labels);
	if (build->no_cache)
		append_query(&path, "nocache", "1");
	/* Podman 4.3 knows that one for the images of FROM alone. */
	if (build->no_cache && engine->podman)
		append_query(&path, "layers", "false");
	append_network(&path, engine, build->no_network);
	return sbx_buf_take(&path);
}

/* The error of a context source, which is not the engine's. */
struct guarded_source {
	const struct sbx_image_build *build;
	bool failed;
};

static int guarded_read(void *ctx, void *data, size_t size, size_t *got,
			struct sbx_error *err)
{
	struct guarded_source *source = ctx;
	const struct sbx_image_build *build = source->build;

	if (build->context(build->context_ctx, data, size, got, err) == 0)
		return 0;
	source->failed = true;
	return -1;
}

/*
 * What came of a build whose request ended with @ret.  A connection that
 * breaks after the builder's last word is a success: the classic builder may
 * close early (20.10).
 */
static int conclude(const struct sbx_engine *engine,
		    struct sbx_messages *messages, int ret,
		    const struct sbx_http_response *response,
		    struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *failure;

	if (ret == 0 && response->status != 200) {
		/* So Podman 4.3 says that it could not unpack the context. */
		if (engine->podman && response->status == 500 &&
		    !response->message[0])
			return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED,
					     "the engine does not take the "
					     "skill's files (500, without a "
					     "word); is there a link that "
					     "leads out of them?");
		/* What the builder finds before it begins has a status. */
		if (response->status <= 500 && response->message[0])
			return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED,
					     "%s", response->message);
		return sbx_http_refused(response, err);
	}
	if (sbx_messages_finish(messages, ret == 0 ? err : &ignored) < 0)
		ret = -1;
	failure = sbx_messages_failure(messages);
	if (failure)
		return sbx_messages_build_failed(messages, failure, err);
	if (ret < 0 && sbx_messages_has_image(messages) &&
	    err->outcome == SBX_OUTCOME_UNAVAILABLE)
		return 0;
	if (ret == 0 && !sbx_messages_has_image(messages))
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the builder stopped before it named an "
				     "image");
	return ret;
}

int sbx_image_build(struct sbx_engine *engine,
		    const struct sbx_image_build *build, struct sbx_error *err)
{
	cleanup_messages struct sbx_messages *messages = NULL;
	struct guarded_source source = { .build = build };
	struct sbx_http_request request = {
		.method = "POST",
		.source = guarded_read,
		.source_ctx = &source,
		.content_type = "application/x-tar",
		.sink = sbx_messages_feed,
		.kind = SBX_TURN_LONG,
		.idle_ms = BUILD_IDLE_MS,
		.answer_ms = BUILD_ANSWER_MS,
		.limit_ms = build->limit.ms,
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;
	cleanup_free char *path = NULL;
	struct sbx_error why = SBX_ERROR_INIT;
	int ret;

	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	sbx_messages_new(&messages, &build->progress);
	path = build_path(engine, build);
	request.path = path;
	request.sink_ctx = messages;
	ret = sbx_http_perform(engine, &request, &response, &why);
	if (!source.failed && why.outcome == SBX_OUTCOME_TIMEOUT)
		sbx_messages_build_failed(messages, build->limit.over, &why);
	else if (!source.failed && why.outcome != SBX_OUTCOME_CANCELLED)
		ret = conclude(engine, messages, ret, &response, &why);
	if (ret < 0)
		*err = why;
	return ret;
}
