/* SPDX-License-Identifier: MIT */
/*
 * The little of a Dockerfile that decides what its image is made from, read
 * by the rules of Docker's "Dockerfile reference":
 *
 *	bytes -> physical lines -> parser directives at the top
 *	      -> instructions: lines joined at the escape character, comments
 *		 and empty lines between them dropped, bodies of here-documents
 *		 skipped
 *	      -> words of FROM, ARG (in front of the first FROM), COPY and RUN
 *
 * An instruction remembers where each of its bytes stands in the file, so
 * that a reference can be replaced there whatever it is broken by.
 *
 * Names of stages are known only at the end: COPY and RUN may name a later
 * one, FROM only an earlier one.
 */
#include "skill/dockerfile.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/strv.h"
#include "base/text.h"
#include "skill/dockerfile_lex.h"
#include "skill/dockerfile_vars.h"

#define BASE_PREFIX "skillbox/"
#define WORD_MAX    4096

/* Stages and images each; what takes longer than their product is not done. */
#define COUNT_MAX 1000

/*
 * @stages	names as written; "" for a stage without one
 */
struct parser {
	const char *file;
	struct sbx_lex lex;
	const json_t *args;
	struct sbx_dockerfile_vars vars;
	struct sbx_strv stages;
	struct sbx_dockerfile *out;
	struct sbx_error *err;
};

static int fail(struct parser *p, size_t offset, const char *what)
{
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID, "%s:%u: %s", p->file,
			     sbx_lex_line(&p->lex, offset), what);
}

/* --- references -----------------------------------------------------------*/

/* NAME of skillbox/NAME or skillbox/NAME:latest, else NULL. */
static char *base_name(const char *image)
{
	size_t size;
	const char *rest;

	if (!sbx_text_has_prefix(image, BASE_PREFIX))
		return NULL;
	image += strlen(BASE_PREFIX);
	size = strspn(image, "abcdefghijklmnopqrstuvwxyz0123456789-");
	rest = image + size;
	if (size == 0 || (*rest && strcmp(rest, ":latest") != 0))
		return NULL;
	return sbx_strndup(image, size);
}

/* Fails for one of ours that is not written out: we could not replace it. */
static int check_ref(struct parser *p, const struct sbx_dockerfile_ref *ref)
{
	const char *text = p->lex.text + ref->offset;

	if (p->out->n == COUNT_MAX)
		return fail(p, ref->offset, "more images than anybody needs");
	if (!ref->base || !memchr(text, '$', ref->size))
		return 0;
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
			     "%s:%u: %s comes out of a variable, but bases of "
			     "skillbox must be written out: FROM %s",
			     p->file, ref->line, ref->image, ref->image);
}

static void clear_ref(struct sbx_dockerfile_ref *ref)
{
	free(ref->image);
	free(ref->base);
}

/* @where: in the file. */
static int add_ref(struct parser *p, enum sbx_dockerfile_kind kind,
		   const char *image, struct sbx_span where)
{
	struct sbx_dockerfile *out = p->out;
	struct sbx_dockerfile_ref ref = {
		.kind = kind,
		.image = sbx_strdup(image),
		.line = sbx_lex_line(&p->lex, where.start),
		.offset = where.start,
		.size = where.end - where.start,
	};

	if (kind != SBX_DOCKERFILE_SYNTAX)
		ref.base = base_name(image);
	if (check_ref(p, &ref) < 0) {
		clear_ref(&ref);
		return -1;
	}
	out->refs = sbx_realloc(out->refs, (out->n + 1) * sizeof(ref));
	out->refs[out->n++] = ref;
	return 0;
}

/* Whether @image is one of the stages seen so far. */
static bool is_stage(const struct parser *p, const char *image)
{
	for (size_t i = 0; i < p->stages.n; i++) {
		if (strcasecmp(p->stages.v[i], image) == 0)
			return true;
	}
	return false;
}

/* Whether COPY or RUN mean something else by it: a stage, by number too. */
static bool is_internal(const struct parser *p,
			const struct sbx_dockerfile_ref *ref)
{
	if (ref->kind != SBX_DOCKERFILE_COPY &&
	    ref->kind != SBX_DOCKERFILE_MOUNT)
		return false;
	return ref->image[strspn(ref->image, "0123456789")] == '\0' ||
	       strcmp(ref->image, "scratch") == 0 || is_stage(p, ref->image);
}

static void drop_stages(struct parser *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->out->n; i++) {
		if (is_internal(p, &p->out->refs[i]))
			clear_ref(&p->out->refs[i]);
		else
			p->out->refs[kept++] = p->out->refs[i];
	}
	p->out->n = kept;
}

/* --- parser directives ----------------------------------------------------*/

static char *text_copy(const struct parser *p, struct sbx_span span)
{
	return sbx_strndup(p->lex.text + span.start, span.end - span.start);
}

/* 1: a directive; 0: not, and so there are no more; -1: a wrong one. */
static int directive(struct parser *p)
{
	struct sbx_span where;
	struct sbx_span name;
	cleanup_free char *key = NULL;
	cleanup_free char *value = NULL;

	if (!sbx_lex_directive(&p->lex, &name, &where))
		return 0;
	key = text_copy(p, name);
	value = text_copy(p, where);
	if (strcasecmp(key, "check") == 0)
		return 1;
	if (strcasecmp(key, "syntax") == 0)
		return add_ref(p, SBX_DOCKERFILE_SYNTAX, value, where) < 0 ? -1
									   : 1;
	if (strcasecmp(key, "escape") != 0)
		return 0;
	if (strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
		return fail(p, where.start, "escape is neither \\ nor `");
	p->lex.escape = *value;
	return 1;
}

static int directives(struct parser *p)
{
	size_t before;
	int result;

	do {
		before = p->lex.pos;
		result = directive(p);
	} while (result > 0);
	p->lex.pos = before;
	return result;
}

/* --- instructions ---------------------------------------------------------*/

static int from_image(struct parser *p, struct sbx_span word)
{
	struct sbx_lex *lex = &p->lex;
	struct sbx_buf image = SBX_BUF_INIT(WORD_MAX);
	struct sbx_span place = sbx_lex_place(lex, word);
	int result = 0;

	if (!sbx_dockerfile_expand(&p->vars, lex->now.data + word.start,
				   word.end - word.start, lex->escape, &image))
		result = fail(p, place.start,
			      "FROM uses a variable in a way that skillbox "
			      "cannot follow; write the image out");
	else if (image.len == 0)
		result = fail(p, place.start,
			      "FROM names no image: its variable has no value");
	else if (strcmp(image.data, "scratch") != 0 && !is_stage(p, image.data))
		result = add_ref(p, SBX_DOCKERFILE_FROM, image.data, place);
	sbx_buf_free(&image);
	return result;
}

/* FROM [--platform=...] IMAGE [AS NAME] */
static int from(struct parser *p, size_t pos)
{
	struct sbx_lex *lex = &p->lex;
	struct sbx_span word;
	struct sbx_span as;

	do {
		if (!sbx_lex_word(lex, &pos, &word))
			return fail(p, lex->at[0], "FROM without an image");
	} while (sbx_lex_skip(lex, &word, "--"));
	if (from_image(p, word) < 0)
		return -1;
	if (p->stages.n == COUNT_MAX)
		return fail(p, lex->at[0], "more stages than anybody needs");
	if (sbx_lex_word(lex, &pos, &as) && sbx_lex_skip(lex, &as, "as") &&
	    as.start == as.end && sbx_lex_word(lex, &pos, &word))
		sbx_strv_push_take(&p->stages, sbx_lex_copy(lex, word));
	else
		sbx_strv_push(&p->stages, "");
	return 0;
}

/* One NAME or NAME=value of an ARG. */
static void arg(struct parser *p, struct sbx_span word)
{
	cleanup_free char *text = sbx_lex_copy(&p->lex, word);
	struct sbx_buf value = SBX_BUF_INIT(WORD_MAX);
	char *equals = strchr(text, '=');
	const char *given;

	if (equals)
		*equals++ = '\0';
	given = json_string_value(json_object_get(p->args, text));
	if (given)
		sbx_dockerfile_vars_set(&p->vars, text, given);
	else if (equals &&
		 sbx_dockerfile_expand(&p->vars, equals, strlen(equals),
				       p->lex.escape, &value))
		sbx_dockerfile_vars_set(&p->vars, text, sbx_buf_text(&value));
	else if (equals)
		sbx_dockerfile_vars_set(&p->vars, text, NULL);
	sbx_buf_free(&value);
}

static void args(struct parser *p, size_t pos)
{
	struct sbx_span word;

	/* Those of a stage mean nothing to FROM. */
	if (p->stages.n > 0)
		return;
	while (sbx_lex_word(&p->lex, &pos, &word))
		arg(p, word);
}

/* The image of a flag or of a field of one. */
static int flag_image(struct parser *p, enum sbx_dockerfile_kind kind,
		      struct sbx_span word)
{
	cleanup_free char *image = NULL;
	struct sbx_span place;

	sbx_lex_unquote(&p->lex, &word);
	if (word.start == word.end)
		return 0;
	image = sbx_lex_copy(&p->lex, word);
	place = sbx_lex_place(&p->lex, word);
	/* Only newer builders replace variables here, each in its own way. */
	if (strchr(image, '$') && sbx_text_has_prefix(image, BASE_PREFIX))
		return fail(p, place.start,
			    "bases of skillbox must be written out, without "
			    "variables");
	return add_ref(p, kind, image, place);
}

/* The fields of --mount=..., of which "from" is the one that matters. */
static int mount(struct parser *p, struct sbx_span flag)
{
	const char *text = p->lex.now.data;

	sbx_lex_unquote(&p->lex, &flag);
	while (flag.start < flag.end) {
		struct sbx_span field = flag;
		const char *comma =
			memchr(text + flag.start, ',', flag.end - flag.start);

		if (comma)
			field.end = (size_t)(comma - text);
		flag.start = field.end + (comma ? 1 : 0);
		sbx_lex_unquote(&p->lex, &field);
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
static int step_network(struct parser *p, struct sbx_span word)
{
	cleanup_free char *network = NULL;

	sbx_lex_unquote(&p->lex, &word);
	network = sbx_lex_copy(&p->lex, word);
	if (strcmp(network, "none") == 0 || strcmp(network, "default") == 0)
		return 0;
	return fail(p, sbx_lex_place(&p->lex, word).start,
		    "a step has the network of its build: --network may be "
		    "none or default");
}

/* Builders take quotes and escapes out of a flag's name as well. */
static bool is_plain_flag(const struct parser *p, struct sbx_span word)
{
	const char *text = p->lex.now.data;

	for (size_t at = word.start; at < word.end && text[at] != '='; at++) {
		if (strchr("\\`\"'$", text[at]))
			return false;
	}
	return true;
}

/* The flags of COPY and RUN. */
static int flags(struct parser *p, size_t pos)
{
	struct sbx_lex *lex = &p->lex;
	struct sbx_span word;
	int result = 0;

	while (result == 0 && sbx_lex_word(lex, &pos, &word)) {
		struct sbx_span flag = word;

		if (sbx_lex_skip(lex, &flag, "--") && !is_plain_flag(p, flag))
			return fail(p, sbx_lex_place(lex, word).start,
				    "the name of a flag may have no quote, "
				    "escape or variable in it");
		if (sbx_lex_skip(lex, &word, "--network="))
			result = step_network(p, word);
		else if (sbx_lex_skip(lex, &word, "--from="))
			result = flag_image(p, SBX_DOCKERFILE_COPY, word);
		else if (sbx_lex_skip(lex, &word, "--mount="))
			result = mount(p, word);
		else if (!sbx_lex_skip(lex, &word, "--"))
			break;
	}
	return result;
}

static int heredocs(struct parser *p, size_t pos)
{
	cleanup_free char *missing = sbx_lex_heredocs(&p->lex, pos);

	if (!missing)
		return 0;
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
			     "%s:%u: the here-document has no end: no line "
			     "\"%s\"",
			     p->file, sbx_lex_line(&p->lex, p->lex.at[0]),
			     missing);
}

static int instruction(struct parser *p)
{
	struct sbx_span word;
	size_t pos = 0;
	cleanup_free char *name = NULL;

	if (!sbx_lex_word(&p->lex, &pos, &word))
		return 0;
	name = sbx_lex_copy(&p->lex, word);
	if (strcasecmp(name, "FROM") == 0)
		return from(p, pos);
	if (strcasecmp(name, "ARG") == 0)
		args(p, pos);
	if (strcasecmp(name, "COPY") == 0 || strcasecmp(name, "RUN") == 0)
		return flags(p, pos) < 0 ? -1 : heredocs(p, pos);
	if (strcasecmp(name, "ADD") == 0 || strcasecmp(name, "ONBUILD") == 0)
		return heredocs(p, pos);
	return 0;
}

static int parse(struct parser *p)
{
	if (memchr(p->lex.text, '\0', p->lex.size))
		return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
				     "%s: not a text file", p->file);
	if (directives(p) < 0)
		return -1;
	while (sbx_lex_next(&p->lex)) {
		if (instruction(p) < 0)
			return -1;
	}
	if (p->stages.n == 0)
		return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
				     "%s: there is no FROM in it", p->file);
	drop_stages(p);
	return 0;
}

int sbx_dockerfile_parse(struct sbx_dockerfile *out, const char *file,
			 const char *text, size_t size, const json_t *args,
			 const char *platform, struct sbx_error *err)
{
	struct sbx_dockerfile found = SBX_DOCKERFILE_INIT;
	struct parser p = {
		.file = file, .args = args, .out = &found, .err = err
	};
	int result;

	sbx_lex_init(&p.lex, text, size);
	sbx_dockerfile_vars_platform(&p.vars, platform);
	result = parse(&p);
	if (result < 0)
		sbx_dockerfile_clear(&found);
	else
		*out = found;
	sbx_dockerfile_vars_clear(&p.vars);
	sbx_strv_free(&p.stages);
	sbx_lex_clear(&p.lex);
	return result;
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
			out, BASE_PREFIX "%s:%s", ref->base,
			json_string_value(json_object_get(keys, ref->base)));
		done = ref->offset + ref->size;
	}
	sbx_buf_append(out, text + done, size - done);
}
