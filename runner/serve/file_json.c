/* SPDX-License-Identifier: MIT */
#include "serve/file_json.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

unsigned char *sbx_file_json_decode(const json_t *value, size_t *size)
{
	const json_t *text = json_object_get(value, "text");
	const json_t *base64 = json_object_get(value, "base64");
	const json_t *given = text ? text : base64;
	cleanup_free unsigned char *data = NULL;
	size_t length = json_string_length(given);

	if (json_object_size(value) != 1 || !json_is_string(given))
		return NULL;
	data = sbx_malloc(length + 1);
	*size = length;
	if (text)
		memcpy(data, json_string_value(given), length);
	else if (sodium_base642bin(data, length, json_string_value(given),
				   length, NULL, size, NULL,
				   sodium_base64_VARIANT_ORIGINAL))
		return NULL;
	return sbx_take(data);
}

void sbx_file_json_set(json_t *object, const void *data, size_t size)
{
	cleanup_free char *base64 = NULL;
	size_t room =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);

	if (sbx_text_is_utf8(data, size)) {
		json_object_set_new(object, "text", json_stringn(data, size));
		return;
	}
	base64 = sbx_malloc(room);
	sodium_bin2base64(base64, room, data, size,
			  sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(object, "base64", json_string(base64));
}
