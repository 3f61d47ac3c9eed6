/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_DOCKERFILE_PARTS_H
#define SBX_SKILL_DOCKERFILE_PARTS_H

#include "base/strv.h"
#include "skill/dockerfile.h"
#include "skill/dockerfile_lex.h"
#include "skill/dockerfile_vars.h"

#define SBX_DOCKERFILE_BASES "skillbox/"

/* As the arguments of sbx_dockerfile_parse(). */
struct sbx_dockerfile_text {
	const char *file;
	const char *text;
	size_t size;
	const json_t *args;
	const char *platform;
};

/*
 * Reads it as a builder that knows here-documents would, or as one that does
 * not: to that one, what no builder takes is no mistake of ours.
 */
int sbx_dockerfile_read(const struct sbx_dockerfile_text *text,
			bool no_heredocs, struct sbx_dockerfile *out,
			struct sbx_error *err);

/* --- for those who read it ------------------------------------------------ */

/*
 * @stages	names as written; "" for a stage without one
 * @n_args	names that ARG had
 * @refused	no builder takes the instruction
 */
struct sbx_dockerfile_parser {
	const char *file;
	struct sbx_lex lex;
	const json_t *args;
	struct sbx_dockerfile_vars vars;
	struct sbx_strv stages;
	size_t n_args;
	struct sbx_dockerfile *out;
	struct sbx_error *err;
	bool refused;
};

/* -1, INVALID: "FILE:LINE: @what". */
int sbx_dockerfile_fail(struct sbx_dockerfile_parser *p, size_t offset,
			const char *what);

/*
 * Notes that @image is taken from elsewhere.  -1 when that is none that can
 * be told for certain.
 */
int sbx_dockerfile_add(struct sbx_dockerfile_parser *p,
		       enum sbx_dockerfile_kind kind, const char *image,
		       struct sbx_span where);

/* Whether @name is a stage that is complete already. */
bool sbx_dockerfile_is_stage(const struct sbx_dockerfile_parser *p,
			     const char *name);

/* A word "--..." as each builder reads it; else -1. */
int sbx_dockerfile_check_flag(struct sbx_dockerfile_parser *p,
			      struct sbx_span word);

/*
 * The flags of COPY, ADD and RUN, from @*pos on, which moves to the first word
 * behind them.
 */
int sbx_dockerfile_flags(struct sbx_dockerfile_parser *p, size_t *pos);

/* The sources of ADD, from @pos on. */
int sbx_dockerfile_sources(struct sbx_dockerfile_parser *p, size_t pos);

#endif
