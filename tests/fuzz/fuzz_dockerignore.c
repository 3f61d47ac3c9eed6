/* SPDX-License-Identifier: MIT */
/*
 * Rules of a .dockerignore up to a line "%%", then paths to ask about.  The
 * shortcuts that a walk through the context takes must change nothing: not to
 * ask for what is needed below, not to enter a directory that nothing of can
 * be taken in again.
 */
#include "fuzz.h"

#include "skill/dockerignore.h"

#define PATHS_MAX 50
#define DEPTH	  8

/* As the walk makes them: names, with one slash between them. */
static bool is_path(const char *path)
{
	size_t size = strlen(path);

	if (size == 0 || path[0] == '/' || path[size - 1] == '/')
		return false;
	for (const char *name = path; name; name = strchr(name, '/')) {
		if (*name == '/')
			name++;
		if (*name == '/' || strncmp(name, "./", 2) == 0 ||
		    strncmp(name, "../", 3) == 0 || strcmp(name, ".") == 0 ||
		    strcmp(name, "..") == 0)
			return false;
	}
	return true;
}

/* From the top of the context down to @path. */
static void ask(const struct sbx_dockerignore *ignore, char *path)
{
	size_t rules = sbx_dockerignore_rules(ignore);
	bool *hits[2] = { sbx_calloc(rules + 1, 1), sbx_calloc(rules + 1, 1) };
	bool *parent = NULL;
	bool closed = false;
	char *slash = path;

	for (int i = 0; slash && i < DEPTH; i++) {
		bool *own = hits[i % 2];
		bool out;

		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		out = sbx_dockerignore_step(ignore, path, parent, own);
		must(out == sbx_dockerignore_step(ignore, path, parent, NULL));
		must(!closed || out);
		if (out && !sbx_dockerignore_reaches(ignore, path))
			closed = true;
		if (slash)
			*slash++ = '/';
		parent = own;
	}
	free(hits[0]);
	free(hits[1]);
}

static void ask_all(const struct sbx_dockerignore *ignore,
		    struct fuzz_input *paths)
{
	char path[4096];

	for (int i = 0; paths->size > 0 && i < PATHS_MAX; i++) {
		fuzz_line(paths, path, sizeof(path));
		if (is_path(path))
			ask(ignore, path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input paths = { .at = (const char *)data, .size = size };
	struct sbx_dockerignore *ignore = NULL;
	struct sbx_error err = fuzz_error();
	char *rules;
	char line[4];
	size_t rules_size = 0;
	int result;

	do {
		rules_size = size - paths.size;
		fuzz_line(&paths, line, sizeof(line));
	} while (paths.size > 0 && strcmp(line, "%%") != 0);
	if (strcmp(line, "%%") != 0)
		rules_size = size;
	rules = fuzz_exact(data, rules_size);
	result = sbx_dockerignore_parse(&ignore, "ignore", rules, rules_size,
					&err);
	must_fit(result, &err);
	must((result == 0) == (ignore != NULL));
	if (ignore) {
		ask_all(ignore, &paths);
	} else {
		must(err.outcome == SBX_OUTCOME_INVALID);
		must(strncmp(err.message, "ignore", 6) == 0);
	}
	sbx_dockerignore_free(&ignore);
	free(rules);
	return 0;
}
