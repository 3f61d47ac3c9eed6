/* SPDX-License-Identifier: MIT */
/*
 * .dockerignore, by Docker's documentation ("Build context", ".dockerignore
 * files") and, where that is silent, as moby/patternmatcher 0.6 behaves:
 *
 * - A line is a rule unless it starts with '#'.  White space around it goes,
 *   so does a slash at either end, and "." and ".." are resolved.
 * - '*' is any run of characters but '/', '?' one such character, [a-z] and
 *   [^a-z] one character of a set, '\' takes the next one literally.  "**" at
 *   the end is anything; elsewhere it is nothing, or anything that ends in a
 *   slash (a slash after it belongs to it).  A pattern of "**" and plain text
 *   is any path that ends so.
 * - A rule matches a path when it matches the path or a directory above it.
 * - '!' takes in again.  The last rule that matches a path decides, also below
 *   a directory that is left out.
 *
 * A pattern is compiled to a list of items, an automaton in which item i is
 * the state "items before i have matched".  All states are tracked at once,
 * so that no pattern takes more than length times items steps.
 */
#include "skill/dockerignore.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define RULES_MAX 10000

enum item_kind {
	ITEM_CHAR,  /* one given character */
	ITEM_ONE,   /* any but '/' */
	ITEM_CLASS, /* one of a set */
	ITEM_STAR,  /* any run without '/' */
	ITEM_ALL,   /* any run */
	ITEM_DIRS,  /* nothing, or what ITEM_INTO takes */
	ITEM_INTO,  /* any run that ends in '/'; follows an ITEM_DIRS */
	ITEM_END,
};

struct range {
	uint32_t low;
	uint32_t high;
};

struct item {
	enum item_kind kind;
	uint32_t c;	      /* ITEM_CHAR */
	bool negated;	      /* ITEM_CLASS */
	unsigned short n;     /* ITEM_CLASS: so many of rule.ranges ... */
	unsigned short first; /* ... from this one */
};

/*
 * @text	the cleaned pattern
 * @literal	it has no wildcard, so that comparing is enough
 * @items	ends with an ITEM_END
 */
struct rule {
	char *text;
	bool negated;
	bool literal;
	struct item *items;
	size_t n_items;
	struct range *ranges;
	size_t n_ranges;
};

struct sbx_dockerignore {
	struct rule *rules;
	size_t n;
	size_t n_negated;
	/* State sets while matching, each as long as the longest rule */
	bool *now;
	bool *next;
};

/* --- reading --------------------------------------------------------------*/

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *size)
{
	while (*size && is_blank((*text)[*size - 1]))
		(*size)--;
	while (*size && is_blank(**text)) {
		(*text)++;
		(*size)--;
	}
}

/* Drops the last name of @path, which is @len long and ends in no slash. */
static size_t drop_name(const char *path, size_t len)
{
	while (len && path[len - 1] != '/')
		len--;
	return len > 0 ? len - 1 : 0;
}

/* Whether the last name of @path is "..", or there is none. */
static bool ends_above(const char *path, size_t len)
{
	if (len == 0)
		return true;
	if (len < 2 || path[len - 1] != '.' || path[len - 2] != '.')
		return false;
	return len == 2 || path[len - 3] == '/';
}

/*
 * The shortest path that means the same as the pattern: no empty names, no
 * ".", ".." only in front.  Slashes at the ends go, since a pattern is always
 * relative to the context.
 */
static char *clean(const char *text, size_t size)
{
	char *path = sbx_malloc(size + 1);
	bool rooted = size && *text == '/';
	size_t len = 0;

	while (size) {
		const char *slash = memchr(text, '/', size);
		size_t name = slash ? (size_t)(slash - text) : size;
		bool up = name == 2 && memcmp(text, "..", 2) == 0;
		bool skip = name == 0 || (name == 1 && *text == '.') ||
			    (up && rooted && len == 0);

		if (up && !ends_above(path, len)) {
			len = drop_name(path, len);
		} else if (!skip) {
			if (len)
				path[len++] = '/';
			memmove(path + len, text, name);
			len += name;
		}
		text += slash ? name + 1 : name;
		size -= slash ? name + 1 : name;
	}
	path[len] = '\0';
	return path;
}

/* The character at *@text, which moves behind it; 0 at the end. */
static uint32_t next_char(const char **text)
{
	const unsigned char *p = (const unsigned char *)*text;
	unsigned int more = *p < 0xc0 ? 0 : *p < 0xe0 ? 1 : *p < 0xf0 ? 2 : 3;
	uint32_t c = more ? *p & (0x3f >> more) : *p;

	if (*p == '\0')
		return 0;
	for (p++; more && (*p & 0xc0) == 0x80; more--, p++)
		c = c << 6 | (*p & 0x3f);
	*text = (const char *)p;
	return c;
}

static struct item *add_item(struct rule *rule, enum item_kind kind)
{
	struct item *item = &rule->items[rule->n_items++];

	*item = (struct item){ .kind = kind };
	return item;
}

/* One end of a range in a set; false where there cannot be one. */
static bool range_end(const char **p, uint32_t *c)
{
	if (**p == '\0' || **p == '-' || **p == ']')
		return false;
	if (**p == '\\')
		(*p)++;
	*c = next_char(p);
	return *c != 0;
}

/* "[...]", @p behind the bracket; what filepath.Match refuses is refused. */
static const char *compile_class(struct rule *rule, const char *p)
{
	struct item *item = add_item(rule, ITEM_CLASS);

	item->negated = *p == '^';
	if (item->negated)
		p++;
	item->first = (unsigned short)rule->n_ranges;
	do {
		struct range range;

		if (!range_end(&p, &range.low))
			return NULL;
		range.high = range.low;
		if (*p == '-') {
			p++;
			if (!range_end(&p, &range.high))
				return NULL;
		}
		if (range.high < range.low)
			return NULL;
		rule->ranges[rule->n_ranges++] = range;
		item->n++;
	} while (*p != ']');
	return p + 1;
}

/* "**", @p behind it. */
static const char *compile_dirs(struct rule *rule, const char *p)
{
	bool plain = rule->n_items == 0 && !strpbrk(p, "*?[]\\");

	if (*p == '\0' || (plain && *p != '/')) {
		add_item(rule, ITEM_ALL);
		return p;
	}
	add_item(rule, ITEM_DIRS);
	add_item(rule, ITEM_INTO);
	return *p == '/' ? p + 1 : p;
}

/* One more item of @rule; NULL when the pattern makes no sense there. */
static const char *compile_one(struct rule *rule, const char *p)
{
	switch (*p) {
	case '*':
		if (p[1] == '*')
			return compile_dirs(rule, p + 2);
		add_item(rule, ITEM_STAR);
		return p + 1;
	case '?':
		add_item(rule, ITEM_ONE);
		return p + 1;
	case '[':
		return compile_class(rule, p + 1);
	case '\\':
		if (*++p == '\0')
			return NULL;
		__attribute__((__fallthrough__));
	default:
		add_item(rule, ITEM_CHAR)->c = next_char(&p);
		return p;
	}
}

static bool compile(struct rule *rule)
{
	const char *p = rule->text;
	size_t size = strlen(p);

	/* No character makes more than one item or range; two stars make two */
	rule->items = sbx_calloc(size + 1, sizeof(*rule->items));
	rule->ranges = sbx_calloc(size + 1, sizeof(*rule->ranges));
	rule->literal = !strpbrk(p, "*?[\\");
	while (p && *p)
		p = compile_one(rule, p);
	add_item(rule, ITEM_END);
	return p != NULL;
}

static void clear_rule(struct rule *rule)
{
	free(rule->text);
	free(rule->items);
	free(rule->ranges);
}

/* One rule from a line that has been trimmed and is no comment. */
static int add_rule(struct sbx_dockerignore *ignore, const char *line,
		    size_t size, const char **why)
{
	struct rule rule = { .negated = *line == '!' };

	if (rule.negated) {
		line++;
		size--;
		trim(&line, &size);
		*why = "'!' without a pattern";
		if (size == 0)
			return -1;
	}
	*why = "more than 4096 characters or a NUL in a pattern";
	if (size > 4096 || memchr(line, '\0', size))
		return -1;
	rule.text = clean(line, size);
	*why = "not a pattern that Docker accepts (see Go's filepath.Match)";
	if (!compile(&rule)) {
		clear_rule(&rule);
		return -1;
	}
	ignore->rules =
		sbx_realloc(ignore->rules, (ignore->n + 1) * sizeof(rule));
	ignore->rules[ignore->n++] = rule;
	ignore->n_negated += rule.negated;
	return 0;
}

static int add_line(struct sbx_dockerignore *ignore, const char *line,
		    size_t size, const char **why)
{
	/* Only here: after white space, '#' is an ordinary character. */
	if (size && *line == '#')
		return 0;
	trim(&line, &size);
	if (size == 0)
		return 0;
	*why = "more rules than anybody needs";
	if (ignore->n == RULES_MAX)
		return -1;
	return add_rule(ignore, line, size, why);
}

static void make_scratch(struct sbx_dockerignore *ignore)
{
	size_t longest = 1;

	for (size_t i = 0; i < ignore->n; i++) {
		if (ignore->rules[i].n_items > longest)
			longest = ignore->rules[i].n_items;
	}
	ignore->now = sbx_calloc(longest, sizeof(*ignore->now));
	ignore->next = sbx_calloc(longest, sizeof(*ignore->next));
}

int sbx_dockerignore_parse(struct sbx_dockerignore **out, const char *file,
			   const char *text, size_t size, struct sbx_error *err)
{
	struct sbx_dockerignore *ignore = sbx_calloc(1, sizeof(*ignore));
	const char *why = NULL;
	unsigned int line = 0;

	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		size -= 3;
	}
	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;

		line++;
		if (add_line(ignore, text, len, &why) < 0) {
			sbx_dockerignore_free(&ignore);
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s:%u: %s", file, line, why);
		}
		len += end ? 1 : 0;
		text += len;
		size -= len;
	}
	make_scratch(ignore);
	*out = ignore;
	return 0;
}

void sbx_dockerignore_free(struct sbx_dockerignore **ignore)
{
	if (!*ignore)
		return;
	for (size_t i = 0; i < (*ignore)->n; i++)
		clear_rule(&(*ignore)->rules[i]);
	free((*ignore)->rules);
	free((*ignore)->now);
	free((*ignore)->next);
	free(*ignore);
	*ignore = NULL;
}

/* --- matching -------------------------------------------------------------*/

static bool in_class(const struct rule *rule, const struct item *item,
		     uint32_t c)
{
	const struct range *range = rule->ranges + item->first;

	for (size_t i = 0; i < item->n; i++) {
		if (range[i].low <= c && c <= range[i].high)
			return !item->negated;
	}
	return item->negated;
}

/* Activates state @i and those that are reached from it for nothing. */
static void activate(const struct rule *rule, bool *set, size_t i)
{
	while (!set[i]) {
		enum item_kind kind = rule->items[i].kind;

		set[i] = true;
		if (kind == ITEM_DIRS) {
			set[i + 1] = true;
			i += 2;
		} else if (kind == ITEM_STAR || kind == ITEM_ALL) {
			i++;
		}
	}
}

/* From state @i over the character @c into @next. */
static void advance(const struct rule *rule, size_t i, uint32_t c, bool *next)
{
	const struct item *item = &rule->items[i];

	switch (item->kind) {
	case ITEM_CHAR:
		if (item->c == c)
			activate(rule, next, i + 1);
		break;
	case ITEM_ONE:
		if (c != '/')
			activate(rule, next, i + 1);
		break;
	case ITEM_CLASS:
		if (in_class(rule, item, c))
			activate(rule, next, i + 1);
		break;
	case ITEM_STAR:
		if (c != '/')
			activate(rule, next, i);
		break;
	case ITEM_ALL:
		activate(rule, next, i);
		break;
	case ITEM_INTO:
		next[i] = true;
		if (c == '/')
			activate(rule, next, i + 1);
		break;
	case ITEM_DIRS:
	case ITEM_END:
		break;
	}
}

static bool run(const struct sbx_dockerignore *ignore, const struct rule *rule,
		const char *path)
{
	bool *now = ignore->now;
	bool *next = ignore->next;
	size_t n = rule->n_items;
	uint32_t c;

	memset(now, 0, n);
	activate(rule, now, 0);
	while ((c = next_char(&path)) != 0) {
		bool *swap = now;
		bool alive = false;

		memset(next, 0, n);
		for (size_t i = 0; i < n; i++) {
			if (!now[i])
				continue;
			alive = true;
			advance(rule, i, c, next);
		}
		if (!alive)
			return false;
		now = next;
		next = swap;
	}
	return now[n - 1];
}

static bool rule_matches(const struct sbx_dockerignore *ignore,
			 const struct rule *rule, const char *path)
{
	if (rule->literal)
		return strcmp(rule->text, path) == 0;
	return run(ignore, rule, path);
}

bool sbx_dockerignore_step(const struct sbx_dockerignore *ignore,
			   const char *path, const bool *parent, bool *own)
{
	bool left_out = false;

	for (size_t i = 0; i < ignore->n; i++) {
		const struct rule *rule = &ignore->rules[i];
		bool matches = parent && parent[i];

		/* A rule that would change nothing matters only below. */
		if (!matches && (own || rule->negated == left_out))
			matches = rule_matches(ignore, rule, path);
		if (own)
			own[i] = matches;
		if (matches)
			left_out = !rule->negated;
	}
	return left_out;
}

size_t sbx_dockerignore_rules(const struct sbx_dockerignore *ignore)
{
	return ignore->n;
}

bool sbx_dockerignore_reaches(const struct sbx_dockerignore *ignore,
			      const char *path)
{
	size_t size = strlen(path);

	if (ignore->n_negated == 0)
		return false;
	for (size_t i = 0; i < ignore->n; i++) {
		const struct rule *rule = &ignore->rules[i];

		if (!rule->negated)
			continue;
		if (!rule->literal)
			return true;
		if (strncmp(rule->text, path, size) == 0 &&
		    rule->text[size] == '/')
			return true;
	}
	return false;
}
