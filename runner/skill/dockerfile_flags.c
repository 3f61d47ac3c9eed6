/* SPDX-License-Identifier: MIT */
/*
 * What COPY, ADD and RUN take from elsewhere: images by --from and --mount,
 * and what ADD fetches.  Builders take quotes, escapes and variables out of
 * flags in different ways, and Go's some bytes beyond ASCII for white space;
 * what they could differ in is refused.
 */
#include "skill/dockerfile_parts.h"

#include <string.h>

#include "base/mem.h"

/* What has one of these in it may be anything to a builder. */
#define UNREADABLE "\\`\"'$"

static bool has_any(const char *text, struct sbx_span word, const char *bytes)
{
	for (size_t i = word.start; i < word.end; i++) {
		if (strchr(bytes, text[i]))
			return true;
	}
	return false;
}

int sbx_dockerfile_check_flag(struct sbx_dockerfile_parser *p,
			      struct sbx_span word)
{
	const char *text = p->lex.now.data;
	const char *equals =
		memchr(text + word.start, '=', word.end - word.start);
	struct sbx_span name = word;
	size_t at = sbx_lex_place(&p->lex, word).start;

	if (equals)
		name.end = (size_t)(equals - text);
	if (has_any(text, name, UNREADABLE) || has_any(text, word, "\\`\"'"))
		return sbx_dockerfile_fail(p, at,
					   "a flag may have no quote or escape "
					   "in it, and its name no variable");
	for (size_t i = word.start; i < word.end; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return sbx_dockerfile_fail(
				p, at,
				"a flag may have nothing but ASCII in it");
	}
	return 0;
}

/* The image of a flag or of a field of one. */
static int flag_image(struct sbx_dockerfile_parser *p,
		      enum sbx_dockerfile_kind kind, struct sbx_span word)
{
	cleanup_free char *image = NULL;

	if (word.start == word.end)
		return 0;
	image = sbx_lex_copy(&p->lex, word);
	if (sbx_dockerfile_is_stage(p, image))
		return 0;
	return sbx_dockerfile_add(p, kind, image, sbx_lex_place(&p->lex, word));
}

/* COPY may name a stage by its number; what else has one is an image. */
static int copy_from(struct sbx_dockerfile_parser *p, struct sbx_span word)
{
	cleanup_free char *text = sbx_lex_copy(&p->lex, word);
	unsigned long number;

	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return flag_image(p, SBX_DOCKERFILE_COPY, word);
	number = strtoul(text, NULL, 10);
	if (p->stages.n > 0 && number < p->stages.n - 1 &&
	    (*text != '0' || text[1] == '\0'))
		return 0;
	return sbx_dockerfile_fail(p, sbx_lex_place(&p->lex, word).start,
				   "there is no stage of that number in front "
				   "of this one");
}

/* The fields of --mount=..., of which "from" is the one that matters. */
static int mount(struct sbx_dockerfile_parser *p, struct sbx_span flag)
{
	const char *text = p->lex.now.data;

	if (has_any(text, flag, UNREADABLE))
		return sbx_dockerfile_fail(
			p, sbx_lex_place(&p->lex, flag).start,
			"--mount may have no variable in it");
	while (flag.start < flag.end) {
		struct sbx_span field = flag;
		const char *comma =
			memchr(text + flag.start, ',', flag.end - flag.start);

		if (comma)
			field.end = (size_t)(comma - text);
		flag.start = field.end + (comma ? 1 : 0);
		if (sbx_lex_skip(&p->lex, &field, "from=") &&
		    flag_image(p, SBX_DOCKERFILE_MOUNT, field) < 0)
			return -1;
	}
	return 0;
}

/*
 * Podman 5.4 gives a step the host's network for the asking, whatever the
 * build may have; BuildKit asks for an entitlement.
 */
static int step_network(struct sbx_dockerfile_parser *p, struct sbx_span word,
			struct sbx_span flag)
{
	cleanup_free char *network = sbx_lex_copy(&p->lex, word);

	if (strcmp(network, "none") == 0 || strcmp(network, "default") == 0)
		return 0;
	return sbx_dockerfile_fail(p, sbx_lex_place(&p->lex, flag).start,
				   "a step has the network of its build: "
				   "--network may be none or default");
}

int sbx_dockerfile_flags(struct sbx_dockerfile_parser *p, size_t *pos)
{
	struct sbx_lex *lex = &p->lex;
	struct sbx_span word;
	int result = 0;

	for (size_t at = *pos; result == 0 && sbx_lex_word(lex, &at, &word);
	     *pos = at) {
		struct sbx_span flag = word;

		if (!sbx_lex_skip(lex, &flag, "--"))
			break;
		if (sbx_dockerfile_check_flag(p, word) < 0)
			return -1;
		if (sbx_lex_skip(lex, &word, "--network="))
			result = step_network(p, word, flag);
		else if (sbx_lex_skip(lex, &word, "--from="))
			result = copy_from(p, word);
		else if (sbx_lex_skip(lex, &word, "--mount="))
			result = mount(p, word);
	}
	return result;
}

/* --- ADD -------------------------------------------------------------------*/

/* Whether it is fetched: a URL, or git's user@host:path. */
static bool is_remote(const char *text)
{
	const char *at = strchr(text, '@');

	return strstr(text, "://") || (at && strchr(at, ':'));
}

static int source(struct sbx_dockerfile_parser *p, struct sbx_span word,
		  const char *unreadable)
{
	cleanup_free char *text = sbx_lex_copy(&p->lex, word);
	cleanup_free char *bare = sbx_strdup(text);
	char *to = bare;

	/* Those of JSON are none of the text. */
	for (const char *from = text; *from; from++) {
		if (*from != '"')
			*to++ = *from;
	}
	*to = '\0';
	if (!strpbrk(text, unreadable) && !is_remote(bare))
		return 0;
	return sbx_dockerfile_add(p, SBX_DOCKERFILE_ADD, text,
				  sbx_lex_place(&p->lex, word));
}

int sbx_dockerfile_sources(struct sbx_dockerfile_parser *p, size_t pos)
{
	struct sbx_span word, next;

	if (!sbx_lex_bare_word(&p->lex, &pos, &word))
		return 0;
	/* JSON, or not quite: it is one or the other as a whole. */
	if (p->lex.now.data[word.start] == '[') {
		word.end = p->lex.now.len;
		return source(p, word, "\\`'$");
	}
	/* The last word is where it goes to. */
	for (; sbx_lex_bare_word(&p->lex, &pos, &next); word = next) {
		if (source(p, word, UNREADABLE) < 0)
			return -1;
	}
	return 0;
}
