/* SPDX-License-Identifier: MIT */
/*
 * The line that opens the front matter is what begins a document in YAML, so
 * the YAML reader gets it too: then its lines are the file's.  To YAML the
 * line that closes it would begin another document; it is where we stop.
 */
#include "skill/skill_md.h"

#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/reader.h"
#include "skill/names.h"

void sbx_skill_md_clear(struct sbx_skill_md *skill_md)
{
	free(skill_md->description);
	free(skill_md->license);
	*skill_md = (struct sbx_skill_md)SBX_SKILL_MD_INIT;
}

/* --- where the front matter is -------------------------------------------- */

/* The size of the line at @text, its end included. */
static size_t line_size(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);

	return end ? (size_t)(end - text) + 1 : size;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r' ||
	       character == '\n';
}

static bool is_fence(const char *line, size_t size)
{
	while (size > 3 && is_blank(line[size - 1]))
		size--;
	return size == 3 && memcmp(line, "---", 3) == 0;
}

static size_t byte_order_mark(const char *data, size_t size)
{
	return size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* How much comes before the line that closes it; 0, and *@why, for none. */
static size_t front_matter_size(const char *data, size_t size, const char **why)
{
	size_t at = byte_order_mark(data, size);
	size_t line = line_size(data + at, size - at);

	*why = "expected a line \"---\", and name and description after it";
	if (!is_fence(data + at, line))
		return 0;
	*why = "what begins here has no end: expected another line \"---\"";
	while (line > 0) {
		at += line;
		line = line_size(data + at, size - at);
		if (is_fence(data + at, line))
			return at;
	}
	return 0;
}

/* --- what it says --------------------------------------------------------- */

struct reading {
	const struct sbx_manifest *manifest;
	struct sbx_skill_md skill_md;
};

/* A copy without the blanks around it. */
static char *trim(const char *text)
{
	size_t size;

	while (is_blank(*text))
		text++;
	size = strlen(text);
	while (size > 0 && is_blank(text[size - 1]))
		size--;
	return sbx_strndup(text, size);
}

static void read_name(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	const struct reading *reading = object;
	const char *name = reading->manifest->name;
	const char *text = sbx_json_plain_text(at->value);
	cleanup_free char *expected = NULL;

	(void)field;
	if (text && strcmp(text, name) == 0)
		return;
	expected = sbx_asprintf("\"%s\", the name of the skill", name);
	sbx_reader_expected(at, expected);
}

/* @said by the manifest, or NULL, is what counts. */
static void compare(const struct sbx_at *at, const char *text, const char *said)
{
	cleanup_free char *trimmed = said ? trim(said) : NULL;

	if (trimmed && strcmp(text, trimmed) != 0)
		sbx_reader_warn(at, "skill.yaml has another, which counts: "
				    "make them the same, or remove it there");
}

static void read_description(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct reading *reading = object;
	const char *text = sbx_reader_text(at, field->expected);
	cleanup_free char *trimmed = text ? trim(text) : NULL;

	if (!trimmed)
		return;
	if (*trimmed == '\0') {
		sbx_reader_expected(at, field->expected);
		return;
	}
	compare(at, trimmed, reading->manifest->description);
	reading->skill_md.description = sbx_take(trimmed);
}

static void read_license(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	struct reading *reading = object;
	const char *text = sbx_reader_text(at, field->expected);
	cleanup_free char *trimmed = text ? trim(text) : NULL;

	if (!trimmed)
		return;
	if (!sbx_name_is_license(trimmed)) {
		sbx_reader_expected(at, field->expected);
		return;
	}
	compare(at, trimmed, reading->manifest->license);
	reading->skill_md.license = sbx_take(trimmed);
}

static const struct sbx_field fields[] = {
	{ .name = "name",
	  .read = read_name,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "the name of the skill" },
	{ .name = "description",
	  .read = read_description,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = "what the skill is for, and when to use it" },
	{ .name = "license",
	  .read = read_license,
	  .expected = SBX_LICENSE_EXPECTED },
	{ .name = NULL },
};

/* Unlike sbx_read_mapping(), for others may have keys of their own here. */
static void read_front_matter(const struct sbx_at *root, void *object)
{
	if (!json_is_object(root->value)) {
		sbx_reader_expected(root, "a mapping such as \"name: ...\"");
		return;
	}
	for (const struct sbx_field *field = fields; field->name; field++) {
		struct sbx_at at = sbx_at_member(root, field->name);

		if (at.value)
			field->read(&at, field, object);
		else if (field->flags & SBX_FIELD_REQUIRED)
			sbx_reader_error(root, "\"%s\" is missing: add %s",
					 field->name, field->expected);
	}
}

/* --- the file ------------------------------------------------------------- */

int sbx_skill_md_parse(const char *data, size_t size,
		       const struct sbx_manifest *manifest,
		       struct sbx_skill_md *out, struct sbx_problems *problems)
{
	struct reading reading = { .manifest = manifest };
	const char *why;
	size_t front = front_matter_size(data, size, &why);

	if (front == 0) {
		sbx_strv_push_take(&problems->errors,
				   sbx_asprintf("1:1: %s", why));
		return -1;
	}
	if (sbx_read_document(data, front, "front matter", read_front_matter,
			      &reading, problems) < 0) {
		sbx_skill_md_clear(&reading.skill_md);
		return -1;
	}
	*out = reading.skill_md;
	return 0;
}

static void fill(char **slot, char **from)
{
	if (!*slot)
		*slot = sbx_take(*from);
}

void sbx_skill_md_complete(int dirfd, struct sbx_manifest *manifest,
			   struct sbx_problems *problems)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	cleanup_skill_md struct sbx_skill_md skill_md = SBX_SKILL_MD_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_file_read_nofollow(dirfd, SBX_SKILL_MD_NAME, &text, &err) < 0) {
		if (err.outcome != SBX_OUTCOME_NOT_FOUND)
			sbx_strv_push_take(
				&problems->errors,
				sbx_asprintf("1:1: %s", err.message));
		return;
	}
	if (sbx_skill_md_parse(sbx_buf_text(&text), text.len, manifest,
			       &skill_md, problems) < 0)
		return;
	fill(&manifest->description, &skill_md.description);
	fill(&manifest->license, &skill_md.license);
}
