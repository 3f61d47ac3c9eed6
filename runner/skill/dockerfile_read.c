/* SPDX-License-Identifier: MIT */
/*
 * The little of a Dockerfile that decides what its image is made from, read
 * by the rules of Docker's "Dockerfile reference":
 *
 *	bytes -> physical lines -> parser directives at the top
 *	      -> instructions: lines joined at the escape character, comments
 *		 and empty lines between them dropped, bodies of here-documents
 *		 skipped
 *	      -> words of FROM, ARG (in front of the first FROM), COPY, ADD and
 *		 RUN
 *
 * An instruction remembers where each of its bytes stands in the file, so
 * that a reference can be replaced there whatever it is broken by.
 */
#include "skill/dockerfile_parts.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

#define WORD_MAX 4096

/* Stages and images each; what takes longer than their product is not done. */
#define COUNT_MAX 1000

int sbx_dockerfile_fail(struct sbx_dockerfile_parser *p, size_t offset,
			const char *what)
{
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID, "%s:%u: %s", p->file,
			     sbx_lex_line(&p->lex, offset), what);
}

/* Nothing but ASCII in it, no quotes, no escapes. */
static bool is_plain(const struct sbx_lex *lex)
{
	for (size_t i = 0; i < lex->now.len; i++) {
		if ((unsigned char)lex->now.data[i] >= 0x80 ||
		    strchr("\\`\"'", lex->now.data[i]))
			return false;
	}
	return true;
}

/* What no builder takes: who reads the file so gets no image of it. */
static int refused(struct sbx_dockerfile_parser *p, size_t offset,
		   const char *what)
{
	p->refused = true;
	return sbx_dockerfile_fail(p, offset, what);
}

/* --- references -----------------------------------------------------------*/

/* NAME of skillbox/NAME or skillbox/NAME:latest, else NULL. */
static char *base_name(const char *image)
{
	size_t size;
	const char *rest;

	if (!sbx_text_has_prefix(image, SBX_DOCKERFILE_BASES))
		return NULL;
	image += strlen(SBX_DOCKERFILE_BASES);
	size = strspn(image, "abcdefghijklmnopqrstuvwxyz0123456789-");
	rest = image + size;
	if (size == 0 || (*rest && strcmp(rest, ":latest") != 0))
		return NULL;
	return sbx_strndup(image, size);
}

/*
 * NAME[:TAG][@DIGEST], not empty: with anything else in it, it is something
 * else to somebody.  "dir:/etc" and its like are buildah's, and no image.
 */
static bool is_reference(const char *image)
{
	return image[strspn(image, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._-/:@")] == '\0' &&
	       !strchr("._-/:@", *image) && !strstr(image, ":/");
}

/*
 * Fails for what is no image, and for one of ours that is not written out: we
 * could not replace it.
 */
static int check_ref(struct sbx_dockerfile_parser *p,
		     const struct sbx_dockerfile_ref *ref)
{
	const char *text = p->lex.text + ref->offset;

	if (p->out->n == COUNT_MAX)
		return sbx_dockerfile_fail(p, ref->offset,
					   "more images than anybody needs");
	if (ref->kind == SBX_DOCKERFILE_ADD)
		return 0;
	if (!is_reference(ref->image))
		return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
				     "%s:%u: \"%.100s\" is not the name of an "
				     "image, as each builder would read it",
				     p->file, ref->line, ref->image);
	if (!ref->base && sbx_text_has_prefix(ref->image, SBX_DOCKERFILE_BASES))
		return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
				     "%s:%u: %s is none of the base images, "
				     "which are named as " SBX_DOCKERFILE_BASES
				     "python, without tag or digest",
				     p->file, ref->line, ref->image);
	if (!ref->base || !memchr(text, '$', ref->size))
		return 0;
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
			     "%s:%u: %s comes out of a variable, but bases of "
			     "skillbox must be written out: FROM %s",
			     p->file, ref->line, ref->image, ref->image);
}

int sbx_dockerfile_add(struct sbx_dockerfile_parser *p,
		       enum sbx_dockerfile_kind kind, const char *image,
		       struct sbx_span where)
{
	struct sbx_dockerfile *out = p->out;
	struct sbx_dockerfile_ref ref = {
		.kind = kind,
		.image = sbx_strdup(image),
		.line = sbx_lex_line(&p->lex, where.start),
		.offset = where.start,
		.size = where.end - where.start,
	};

	if (kind != SBX_DOCKERFILE_SYNTAX && kind != SBX_DOCKERFILE_ADD)
		ref.base = base_name(image);
	if (check_ref(p, &ref) < 0) {
		free(ref.image);
		free(ref.base);
		return -1;
	}
	out->refs = sbx_realloc(out->refs, (out->n + 1) * sizeof(ref));
	out->refs[out->n++] = ref;
	return 0;
}

/* --- stages ---------------------------------------------------------------*/

/* The last one is under way. */
bool sbx_dockerfile_is_stage(const struct sbx_dockerfile_parser *p,
			     const char *name)
{
	for (size_t i = 0; i + 1 < p->stages.n; i++) {
		if (strcmp(p->stages.v[i], name) == 0)
			return true;
	}
	return false;
}

static int ambiguous(struct sbx_dockerfile_parser *p,
		     const struct sbx_dockerfile_ref *ref, const char *stage)
{
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
			     "%s:%u: there is a stage \"%.100s\" too: name a "
			     "stage as it is written in its FROM, in front of "
			     "what takes from it, and no image like one",
			     p->file, ref->line, stage);
}

/*
 * An image that is named as a stage is one to some builders and not to others:
 * they differ in upper and lower case, and COPY and RUN in stages that come
 * later.  FROM knows only the @before in front of it.
 */
static int check_name(struct sbx_dockerfile_parser *p,
		      const struct sbx_dockerfile_ref *ref, size_t before)
{
	for (size_t i = 0; i < before; i++) {
		if (strcasecmp(p->stages.v[i], ref->image) == 0)
			return ambiguous(p, ref, p->stages.v[i]);
	}
	return 0;
}

static int check_names(struct sbx_dockerfile_parser *p)
{
	for (size_t i = 0; i < p->out->n; i++) {
		const struct sbx_dockerfile_ref *ref = &p->out->refs[i];

		if ((ref->kind == SBX_DOCKERFILE_COPY ||
		     ref->kind == SBX_DOCKERFILE_MOUNT) &&
		    check_name(p, ref, p->stages.n) < 0)
			return -1;
	}
	return 0;
}

/* --- parser directives ----------------------------------------------------*/

static char *text_copy(const struct sbx_dockerfile_parser *p,
		       struct sbx_span span)
{
	return sbx_strndup(p->lex.text + span.start, span.end - span.start);
}

/*
 * Buildah looks for it in the first line only, and so do some of BuildKit when
 * there is a directive in front that they do not know.
 */
static int escape(struct sbx_dockerfile_parser *p, const char *value,
		  struct sbx_span where)
{
	if (sbx_lex_line(&p->lex, where.start) != 1)
		return sbx_dockerfile_fail(p, where.start,
					   "escape must be in the first line");
	if (strcmp(value, "\\") != 0 && strcmp(value, "`") != 0)
		return sbx_dockerfile_fail(p, where.start,
					   "escape is neither \\ nor `");
	p->lex.escape = *value;
	return 1;
}

/*
 * 1: a directive; 0: not, and so there are no more; -1: a wrong one.  Behind
 * one that it does not know a builder may look on, or not.
 */
static int directive(struct sbx_dockerfile_parser *p)
{
	struct sbx_span where;
	struct sbx_span name;
	cleanup_free char *key = NULL;
	cleanup_free char *value = NULL;

	if (!sbx_lex_directive(&p->lex, &name, &where))
		return 0;
	key = text_copy(p, name);
	value = text_copy(p, where);
	if (strcasecmp(key, "syntax") == 0)
		return sbx_dockerfile_add(p, SBX_DOCKERFILE_SYNTAX, value,
					  where) < 0
			       ? -1
			       : 1;
	return strcasecmp(key, "escape") == 0 ? escape(p, value, where) : 1;
}

static int directives(struct sbx_dockerfile_parser *p)
{
	size_t before = p->lex.pos;
	int result;

	if (p->lex.size > before + 2 &&
	    memcmp(p->lex.text + before, "#!", 2) == 0)
		return sbx_dockerfile_fail(p, before,
					   "#! stands here for nothing, and "
					   "hides what follows from some "
					   "builders");
	do {
		before = p->lex.pos;
		result = directive(p);
	} while (result > 0);
	p->lex.pos = before;
	return result;
}

/* --- instructions ---------------------------------------------------------*/

/* The stage that it begins is the last one by now. */
static int from_elsewhere(struct sbx_dockerfile_parser *p, const char *image,
			  struct sbx_span place)
{
	if (sbx_dockerfile_add(p, SBX_DOCKERFILE_FROM, image, place) < 0)
		return -1;
	return check_name(p, &p->out->refs[p->out->n - 1], p->stages.n - 1);
}

static int from_image(struct sbx_dockerfile_parser *p, struct sbx_span word)
{
	struct sbx_lex *lex = &p->lex;
	struct sbx_buf image = SBX_BUF_INIT(WORD_MAX);
	struct sbx_span place = sbx_lex_place(lex, word);
	int result = 0;

	if (word.end - word.start > WORD_MAX ||
	    !sbx_dockerfile_expand(&p->vars, lex->now.data + word.start,
				   word.end - word.start, lex->escape, &image))
		result = sbx_dockerfile_fail(
			p, place.start,
			"FROM uses a variable in a way that skillbox cannot "
			"follow; write the image out");
	else if (image.len == 0)
		result = sbx_dockerfile_fail(
			p, place.start,
			"FROM names no image: its variable has no value");
	else if (strcmp(image.data, "scratch") != 0 &&
		 !sbx_dockerfile_is_stage(p, image.data))
		result = from_elsewhere(p, image.data, place);
	sbx_buf_free(&image);
	return result;
}

/* FROM [--platform=...] IMAGE [AS NAME] */
static int from(struct sbx_dockerfile_parser *p, size_t pos)
{
	static const char usage[] = "FROM takes an image, or IMAGE AS NAME";
	struct sbx_lex *lex = &p->lex;
	struct sbx_span words[4];
	struct sbx_span flag;
	size_t n = 0;

	if (!is_plain(lex))
		return sbx_dockerfile_fail(p, lex->at[0],
					   "FROM may have no quote or escape "
					   "in it, and nothing but ASCII");
	while (n < SBX_ARRAY_SIZE(words) &&
	       sbx_lex_bare_word(lex, &pos, &words[n])) {
		flag = words[n];
		if (n > 0 || !sbx_lex_skip(lex, &flag, "--"))
			n++;
		else if (sbx_dockerfile_check_flag(p, words[n]) < 0)
			return -1;
	}
	if (n != 1 && n != 3)
		return refused(p, lex->at[0], usage);
	if (n == 3 && (!sbx_lex_skip(lex, &words[1], "as") ||
		       words[1].start < words[1].end))
		return refused(p, lex->at[0], usage);
	if (p->stages.n == COUNT_MAX)
		return sbx_dockerfile_fail(p, lex->at[0],
					   "more stages than anybody needs");
	sbx_strv_push_take(&p->stages, n == 3 ? sbx_lex_copy(lex, words[2])
					      : sbx_strdup(""));
	return from_image(p, words[0]);
}

/* NULL when it cannot be told: of what has an escape in it builders differ. */
static const char *default_of(const struct sbx_dockerfile_parser *p,
			      const char *text, struct sbx_buf *value)
{
	if (strchr(text, p->lex.escape) ||
	    !sbx_dockerfile_expand(&p->vars, text, strlen(text), p->lex.escape,
				   value))
		return NULL;
	return sbx_buf_text(value);
}

static bool is_name(const char *text)
{
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return *text != '\0' && text[strspn(text, others)] == '\0' &&
	       !isdigit((unsigned char)*text);
}

/*
 * One NAME or NAME=value of an ARG.  Builders differ in those of a platform,
 * and in one that had a value and is named without.
 */
static int arg(struct sbx_dockerfile_parser *p, struct sbx_span word)
{
	cleanup_buf struct sbx_buf value = SBX_BUF_INIT(WORD_MAX);
	cleanup_free char *text = sbx_lex_copy(&p->lex, word);
	char *equals = strchr(text, '=');
	const char *given;
	const char *to = NULL;
	bool is_platform;

	if (equals)
		*equals++ = '\0';
	is_platform = sbx_dockerfile_vars_is_platform(text);
	if (!is_name(text) || word.end - word.start > WORD_MAX ||
	    ++p->n_args > COUNT_MAX)
		return sbx_dockerfile_fail(p,
					   sbx_lex_place(&p->lex, word).start,
					   "ARG takes NAME or NAME=VALUE, in "
					   "front of FROM of letters, digits "
					   "and \"_\", and not without end");
	given = json_string_value(json_object_get(p->args, text));
	if (given && !is_platform)
		to = given;
	else if (equals && !is_platform)
		to = default_of(p, equals, &value);
	else if (!sbx_dockerfile_vars_has(&p->vars, text))
		return 0;
	sbx_dockerfile_vars_set(&p->vars, text, to);
	return 0;
}

static int args(struct sbx_dockerfile_parser *p, size_t pos)
{
	struct sbx_span word;

	/* Those of a stage mean nothing to FROM. */
	if (p->stages.n > 0)
		return 0;
	while (sbx_lex_word(&p->lex, &pos, &word)) {
		if (arg(p, word) < 0)
			return -1;
	}
	return 0;
}

static int heredocs(struct sbx_dockerfile_parser *p, size_t pos)
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

/* What takes files from elsewhere: ADD, COPY and RUN. */
static int step(struct sbx_dockerfile_parser *p, const char *name, size_t pos)
{
	if (sbx_dockerfile_flags(p, &pos) < 0)
		return -1;
	if (strcasecmp(name, "ADD") == 0 && sbx_dockerfile_sources(p, pos) < 0)
		return -1;
	return heredocs(p, pos);
}

static bool is_step(const char *name)
{
	return strcasecmp(name, "ADD") == 0 || strcasecmp(name, "COPY") == 0 ||
	       strcasecmp(name, "RUN") == 0;
}

/* ONBUILD INSTRUCTION: of a build to come, by whatever builder that is. */
static int onbuild(struct sbx_dockerfile_parser *p, size_t pos)
{
	const char *text = p->lex.now.data;
	cleanup_free char *name = NULL;
	struct sbx_span word;

	if (memmem(text + pos, p->lex.now.len - pos, "<<", 2))
		return sbx_dockerfile_fail(
			p, p->lex.at[0],
			"ONBUILD may have no << in it, which not each builder "
			"takes for a here-document");
	if (!sbx_lex_bare_word(&p->lex, &pos, &word))
		return 0;
	name = sbx_lex_copy(&p->lex, word);
	return is_step(name) ? step(p, name, pos) : 0;
}

/* Those that say nothing of what the image is made from. */
static bool is_other(const char *name)
{
	static const char *const others[] = {
		"CMD",	       "ENTRYPOINT", "ENV",	   "EXPOSE",
		"HEALTHCHECK", "LABEL",	     "MAINTAINER", "SHELL",
		"USER",	       "STOPSIGNAL", "VOLUME",	   "WORKDIR",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++) {
		if (strcasecmp(name, others[i]) == 0)
			return true;
	}
	return false;
}

/* Neither is one to any builder, unless Unicode has it be a letter of ours. */
static int unknown(struct sbx_dockerfile_parser *p, const char *name)
{
	static const char what[] = "there is no such instruction";

	for (; *name; name++) {
		if ((unsigned char)*name >= 0x80)
			return sbx_dockerfile_fail(p, p->lex.at[0], what);
	}
	return refused(p, p->lex.at[0], what);
}

static int instruction(struct sbx_dockerfile_parser *p)
{
	struct sbx_span word;
	size_t pos = 0;
	cleanup_free char *name = NULL;

	if (!sbx_lex_bare_word(&p->lex, &pos, &word))
		return 0;
	name = sbx_lex_copy(&p->lex, word);
	if (strcasecmp(name, "FROM") == 0)
		return from(p, pos);
	if (strcasecmp(name, "ARG") == 0)
		return args(p, pos);
	if (is_step(name))
		return step(p, name, pos);
	if (strcasecmp(name, "ONBUILD") == 0)
		return onbuild(p, pos);
	return is_other(name) ? 0 : unknown(p, name);
}

/* Fails when something has been read that can be read otherwise. */
static int check_clear(struct sbx_dockerfile_parser *p)
{
	if (!p->lex.unclear)
		return 0;
	return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
			     "%s:%u: %s: builders read that in different ways",
			     p->file, sbx_lex_line(&p->lex, p->lex.unclear_at),
			     p->lex.unclear);
}

/*
 * What is refused ends it, but not where here-documents are text: an old
 * buildah gives up only when it comes to what it does not know, and may not.
 */
static int instructions(struct sbx_dockerfile_parser *p)
{
	while (sbx_lex_next(&p->lex)) {
		p->refused = false;
		if (check_clear(p) < 0 ||
		    (instruction(p) < 0 &&
		     !(p->refused && p->lex.no_heredocs)) ||
		    check_clear(p) < 0)
			return -1;
	}
	if (p->stages.n == 0)
		return sbx_error_set(p->err, SBX_OUTCOME_INVALID,
				     "%s: there is no FROM in it", p->file);
	return check_names(p);
}

int sbx_dockerfile_read(const struct sbx_dockerfile_text *text,
			bool no_heredocs, struct sbx_dockerfile *out,
			struct sbx_error *err)
{
	struct sbx_dockerfile_parser p = {
		.file = text->file, .args = text->args, .out = out, .err = err
	};
	int result;

	sbx_lex_init(&p.lex, text->text, text->size);
	p.lex.no_heredocs = no_heredocs;
	sbx_dockerfile_vars_platform(&p.vars, text->platform);
	result = directives(&p);
	if (result == 0)
		result = instructions(&p);
	sbx_dockerfile_vars_clear(&p.vars);
	sbx_strv_free(&p.stages);
	sbx_lex_clear(&p.lex);
	return result;
}
