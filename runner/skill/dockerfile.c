/* SPDX-License-Identifier: MIT */
/*
 * The text is an attacker's, and what reads it next is a builder: one of
 * several versions of BuildKit's frontend, or of buildah, which differ.  An
 * image that one of them would find here and we do not is one that no policy
 * was asked about.  So it is read as those would that know here-documents, and
 * as those that do not; the second may find no other image, and what builders
 * take in different ways beyond that is refused, as is what none of them knows.
 */
#include "skill/dockerfile.h"

#include <string.h>

#include "base/mem.h"
#include "skill/dockerfile_parts.h"

static int check_bytes(const struct sbx_dockerfile_text *text,
		       struct sbx_error *err)
{
	struct sbx_lex lex;
	const char *what;
	size_t at;

	sbx_lex_init(&lex, text->text, text->size);
	what = sbx_lex_impure(text->text, text->size, &at);
	if (!what)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s:%u: %s", text->file,
			     sbx_lex_line(&lex, at), what);
}

/* Whether @ref is one of those in @known, there. */
static bool has_ref(const struct sbx_dockerfile *known,
		    const struct sbx_dockerfile_ref *ref)
{
	for (size_t i = 0; i < known->n; i++) {
		const struct sbx_dockerfile_ref *other = &known->refs[i];

		if (other->offset == ref->offset && other->kind == ref->kind &&
		    strcmp(other->image, ref->image) == 0)
			return true;
	}
	return false;
}

/* A builder that knows no here-documents must find nothing else either. */
static int check_without_heredocs(const struct sbx_dockerfile_text *text,
				  const struct sbx_dockerfile *known,
				  struct sbx_error *err)
{
	cleanup_dockerfile struct sbx_dockerfile found = SBX_DOCKERFILE_INIT;
	struct sbx_error why = SBX_ERROR_INIT;

	if (sbx_dockerfile_read(text, true, &found, &why) < 0) {
		*err = why;
		return -1;
	}
	for (size_t i = 0; i < found.n; i++) {
		if (has_ref(known, &found.refs[i]))
			continue;
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s:%u: builders that know no "
				     "here-documents would take %.100s from "
				     "here",
				     text->file, found.refs[i].line,
				     found.refs[i].image);
	}
	return 0;
}

int sbx_dockerfile_parse(struct sbx_dockerfile *out, const char *file,
			 const char *text, size_t size, const json_t *args,
			 const char *platform, struct sbx_error *err)
{
	cleanup_dockerfile struct sbx_dockerfile found = SBX_DOCKERFILE_INIT;
	struct sbx_dockerfile_text from = { .file = file,
					    .text = text,
					    .size = size,
					    .args = args,
					    .platform = platform };

	if (check_bytes(&from, err) < 0 ||
	    sbx_dockerfile_read(&from, false, &found, err) < 0 ||
	    check_without_heredocs(&from, &found, err) < 0)
		return -1;
	*out = found;
	found = (struct sbx_dockerfile)SBX_DOCKERFILE_INIT;
	return 0;
}

static void clear_ref(struct sbx_dockerfile_ref *ref)
{
	free(ref->image);
	free(ref->base);
}

void sbx_dockerfile_clear(struct sbx_dockerfile *dockerfile)
{
	for (size_t i = 0; i < dockerfile->n; i++)
		clear_ref(&dockerfile->refs[i]);
	free(dockerfile->refs);
	dockerfile->refs = NULL;
	dockerfile->n = 0;
}

bool sbx_dockerfile_is_pinned(const char *image)
{
	const char *digest = strstr(image, "@sha256:");

	return digest && strspn(digest + 8, "0123456789abcdef") == 64 &&
	       digest[8 + 64] == '\0';
}

const char *sbx_dockerfile_kind_text(enum sbx_dockerfile_kind kind)
{
	switch (kind) {
	case SBX_DOCKERFILE_SYNTAX:
		return "syntax";
	case SBX_DOCKERFILE_COPY:
		return "COPY --from";
	case SBX_DOCKERFILE_MOUNT:
		return "RUN --mount from";
	case SBX_DOCKERFILE_ADD:
		return "ADD";
	case SBX_DOCKERFILE_FROM:
		break;
	}
	return "FROM";
}

void sbx_dockerfile_rewrite(struct sbx_buf *out, const char *text, size_t size,
			    const struct sbx_dockerfile *dockerfile,
			    const json_t *keys)
{
	size_t done = 0;

	for (size_t i = 0; i < dockerfile->n; i++) {
		const struct sbx_dockerfile_ref *ref = &dockerfile->refs[i];

		if (!ref->base)
			continue;
		sbx_buf_append(out, text + done, ref->offset - done);
		sbx_buf_printf(
			out, SBX_DOCKERFILE_BASES "%s:%s", ref->base,
			json_string_value(json_object_get(keys, ref->base)));
		done = ref->offset + ref->size;
	}
	sbx_buf_append(out, text + done, size - done);
}
