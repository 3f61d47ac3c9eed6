/* SPDX-License-Identifier: MIT */
#include "skill/dockerfile_vars.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* ${A:-${B:-...}} any deeper than this is nobody's honest Dockerfile. */
#define DEPTH_MAX 16

void sbx_dockerfile_vars_clear(struct sbx_dockerfile_vars *vars)
{
	sbx_strv_free(&vars->known);
	sbx_strv_free(&vars->unknown);
}

static char **find_unknown(const struct sbx_dockerfile_vars *vars,
			   const char *name)
{
	for (size_t i = 0; i < vars->unknown.n; i++) {
		if (strcmp(vars->unknown.v[i], name) == 0)
			return &vars->unknown.v[i];
	}
	return NULL;
}

void sbx_dockerfile_vars_set(struct sbx_dockerfile_vars *vars, const char *name,
			     const char *value)
{
	char **unknown = find_unknown(vars, name);

	if (!value) {
		if (!unknown)
			sbx_strv_push(&vars->unknown, name);
		return;
	}
	if (unknown)
		**unknown = '\0';
	sbx_strv_setenv(&vars->known, name, value);
}

/* All but the last, which say what only newer builders do. */
static const char *const platform_parts[] = {
	"PLATFORM", "OS", "ARCH", "VARIANT", "OSVERSION", "STAGE"
};
#define N_KNOWN_PARTS 4

static const char *const platform_sides[] = { "BUILD", "TARGET" };

bool sbx_dockerfile_vars_has(const struct sbx_dockerfile_vars *vars,
			     const char *name)
{
	return sbx_strv_getenv(&vars->known, name) != NULL;
}

static void set_both(struct sbx_dockerfile_vars *vars, const char *what,
		     const char *value)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(platform_sides); i++) {
		cleanup_free char *name =
			sbx_asprintf("%s%s", platform_sides[i], what);

		sbx_dockerfile_vars_set(vars, name, value);
	}
}

void sbx_dockerfile_vars_platform(struct sbx_dockerfile_vars *vars,
				  const char *platform)
{
	cleanup_free char *copy = sbx_strdup(platform);
	char *next = copy;

	set_both(vars, platform_parts[0], platform);
	for (size_t i = 1; i < N_KNOWN_PARTS; i++) {
		const char *part = next ? strsep(&next, "/") : NULL;

		set_both(vars, platform_parts[i], part ? part : "");
	}
	for (size_t i = N_KNOWN_PARTS; i < SBX_ARRAY_SIZE(platform_parts); i++)
		set_both(vars, platform_parts[i], NULL);
}

bool sbx_dockerfile_vars_is_platform(const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(platform_sides); i++) {
		if (!sbx_text_has_prefix(name, platform_sides[i]))
			continue;
		name += strlen(platform_sides[i]);
		for (size_t j = 0; j < SBX_ARRAY_SIZE(platform_parts); j++) {
			if (strcmp(name, platform_parts[j]) == 0)
				return true;
		}
	}
	return false;
}

/* --- expansion ------------------------------------------------------------*/

struct expansion {
	const struct sbx_dockerfile_vars *vars;
	char escape;
	struct sbx_buf *out;
	int depth;
};

static bool expand(struct expansion *x, const char *p, const char *end);

/* 0 for what is none: of "$1", "$-" and "$\u00e4" builders differ. */
static size_t name_size(const char *p, const char *end)
{
	size_t size = 0;

	if (p < end && isdigit((unsigned char)*p))
		return 0;
	while (p + size < end &&
	       (isalnum((unsigned char)p[size]) || p[size] == '_'))
		size++;
	return p + size < end && (unsigned char)p[size] >= 0x80 ? 0 : size;
}

/*
 * The '}' that ends the braces @p is in, or NULL: with a quote or an escape
 * between, or a brace of no variable, each builder finds another.
 */
static const char *closing_brace(const char *p, const char *end)
{
	int open = 1;

	for (; p < end; p++) {
		if (strchr("\\`\"'", *p) || (*p == '{' && p[-1] != '$'))
			return NULL;
		if (*p == '{')
			open++;
		else if (*p == '}' && --open == 0)
			return p;
	}
	return NULL;
}

/*
 * What stands after the name in braces: "", "-word", ":+word"...  Without the
 * colon it matters whether it is set, of which builders think differently.
 */
static bool expand_operator(struct expansion *x, const char *value,
			    const char *op, const char *end)
{
	bool empty_counts = op < end && *op == ':';
	bool set = value && *value;

	if (op == end)
		return sbx_buf_puts(x->out, value ? value : "");
	if (empty_counts)
		op++;
	if (!empty_counts && !set)
		return false;
	if (*op == '-')
		return set ? sbx_buf_puts(x->out, value)
			   : expand(x, op + 1, end);
	if (*op == '+')
		return set ? expand(x, op + 1, end) : true;
	return false;
}

/* A '$' at *@p, which moves to its last byte. */
static bool expand_variable(struct expansion *x, const char **p,
			    const char *end)
{
	bool braces = *p + 1 < end && (*p)[1] == '{';
	const char *start = *p + (braces ? 2 : 1);
	size_t size = name_size(start, end);
	cleanup_free char *name = sbx_strndup(start, size);
	const char *close = start + size;
	const char *value;

	if (braces)
		close = closing_brace(start, end);
	if (size == 0 || !close)
		return false;
	if (find_unknown(x->vars, name))
		return false;
	/* To buildah they are not set. */
	if (start + size < close && sbx_dockerfile_vars_is_platform(name))
		return false;
	value = sbx_strv_getenv(&x->vars->known, name);
	*p = braces ? close : close - 1;
	return expand_operator(x, value, start + size, close);
}

static bool expand(struct expansion *x, const char *p, const char *end)
{
	char quote = '\0';
	bool sound = ++x->depth <= DEPTH_MAX;

	for (; sound && p < end; p++) {
		if (*p == quote) {
			quote = '\0';
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else if (*p == x->escape && quote != '\'' && p + 1 < end) {
			sound = sbx_buf_append(x->out, ++p, 1) == 1;
		} else if (*p == '$' && quote != '\'') {
			sound = expand_variable(x, &p, end);
		} else {
			sound = sbx_buf_append(x->out, p, 1) == 1;
		}
	}
	x->depth--;
	return sound && !quote;
}

bool sbx_dockerfile_expand(const struct sbx_dockerfile_vars *vars,
			   const char *word, size_t size, char escape,
			   struct sbx_buf *out)
{
	struct expansion x = { .vars = vars, .escape = escape, .out = out };

	return expand(&x, word, word + size);
}
