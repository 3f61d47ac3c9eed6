/* SPDX-License-Identifier: MIT */
#include "engine/volume.h"

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/handle.h"
#include "engine/http.h"
#include "engine/podman.h"

int sbx_volume_list(struct sbx_engine *engine, const char *label, json_t **out,
		    struct sbx_error *err)
{
	cleanup_free char *filters = sbx_http_label_filter(label);
	cleanup_free char *path = sbx_asprintf("/volumes?filters=%s", filters);
	json_auto_t *answer = NULL;
	json_t *volumes;

	if (sbx_http_get(engine, path, JSON_OBJECT, &answer, err))
		return sbx_error_wrap(err, "list volumes");
	/* Docker writes null for none. */
	volumes = sbx_json_at(answer, "Volumes", NULL);
	*out = json_is_array(volumes) ? json_incref(volumes) : json_array();
	return 0;
}

int sbx_volume_inspect(struct sbx_engine *engine, const char *name,
		       json_t **out, struct sbx_error *err)
{
	cleanup_free char *escaped = sbx_http_escape(name);
	cleanup_free char *path = sbx_asprintf("/volumes/%s", escaped);
	cleanup_free char *own = sbx_asprintf("/libpod%s/json", path);
	int ret = sbx_handle_negotiate(engine, err);

	if (ret == 0)
		ret = sbx_http_get(engine, engine->podman ? own : path,
				   JSON_OBJECT, out, err);
	if (ret == SBX_HTTP_NOT_THERE)
		return SBX_VOLUME_GONE;
	if (ret < 0)
		return sbx_error_wrap(err, "inspect volume %s", name);
	if (engine->podman)
		sbx_podman_translate_volume(*out);
	return 0;
}

/* Somebody else's word for it, who removed it just then: a 500 of Podman's. */
static bool is_gone(const char *message)
{
	return sbx_text_has_suffix(message, "no such volume") ||
	       sbx_text_has_suffix(message, "volume has already been removed");
}

int sbx_volume_remove(struct sbx_engine *engine, const char *name,
		      struct sbx_error *err)
{
	cleanup_free char *escaped = sbx_http_escape(name);
	cleanup_free char *path = sbx_asprintf("/volumes/%s", escaped);
	struct sbx_http_request request = { .method = "DELETE", .path = path };
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (sbx_http_perform(engine, &request, &response, err) < 0)
		return sbx_error_wrap(err, "remove volume %s", name);
	if (engine->podman && is_gone(response.message))
		return SBX_VOLUME_GONE;
	switch (response.status) {
	case 204:
	case 200:
		return 0;
	case 404:
		return SBX_VOLUME_GONE;
	case 409:
		return SBX_VOLUME_IN_USE;
	default:
		sbx_http_refused(&response, err);
		return sbx_error_wrap(err, "remove volume %s", name);
	}
}
