/* SPDX-License-Identifier: MIT */
/*
 * Names come from outside: they are held against the rule for names before
 * the file system is asked, so that they can only mean a directory right
 * inside a skills directory.  That directory itself is the operator's, and may
 * be a symlink; what is in it is the skill author's, and neither skill.yaml
 * nor SKILL.md may.
 */
#include "skill/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "codec/reader.h"
#include "skill/names.h"
#include "skill/skill_md.h"

#define MANIFEST	  "skill.yaml"
#define DEFAULT_DIRECTORY "./skills"

/* --- skills directories --------------------------------------------------- */

#define NOT_THERE 1

/* 0, NOT_THERE with @err set, or -1. */
static int check_directory(const char *path, struct sbx_error *err)
{
	struct stat about;

	if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
		return 0;
	if (stat(path, &about) == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the skills directory %s is no directory",
				     path);
	if (errno != ENOENT && errno != ENOTDIR)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot use the skills directory %s",
				       path);
	sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
		      "there is no skills directory %s", path);
	return NOT_THERE;
}

/* Whether or not it is there; NULL: nobody knows where we are. */
static char *make_absolute(const char *path)
{
	cleanup_free char *here = *path == '/' ? sbx_strdup("")
					       : getcwd(NULL, 0);
	cleanup_free char *whole = here ? sbx_asprintf("%s/%s", here, path)
					: NULL;
	char *normal = whole ? sbx_path_normalize(whole) : NULL;

	return normal ? normal : sbx_take(whole);
}

/* @missing: NULL where it has to be there. */
static int add_directory(struct sbx_catalog *catalog, const char *path,
			 struct sbx_strv *missing, struct sbx_error *err)
{
	int result = check_directory(path, err);
	char *absolute;

	if (result < 0 || (result == NOT_THERE && !missing))
		return -1;
	absolute = missing ? make_absolute(path) : realpath(path, NULL);
	if (!absolute)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot use the skills directory %s",
				       path);
	sbx_strv_push_take(&catalog->directories, absolute);
	if (result == NOT_THERE)
		sbx_strv_push(missing, path);
	return 0;
}

static int add_directories(struct sbx_catalog *catalog, const char *path,
			   struct sbx_strv *missing, struct sbx_error *err)
{
	cleanup_free char *list = sbx_strdup(path);
	char *rest = list;
	char *directory;

	while ((directory = strsep(&rest, ":"))) {
		if (*directory != '\0' &&
		    add_directory(catalog, directory, missing, err) < 0)
			return -1;
	}
	return 0;
}

int sbx_catalog_open_lasting(struct sbx_catalog *catalog, const char *path,
			     struct sbx_strv *missing, struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result = 0;

	*catalog = (struct sbx_catalog){ .directories = SBX_STRV_INIT };
	if (!path)
		path = getenv("SKILLBOX_SKILLS");
	if (path && *path != '\0')
		result = add_directories(catalog, path, missing, err);
	else
		add_directory(catalog, DEFAULT_DIRECTORY, missing, &ignored);
	if (result < 0)
		sbx_catalog_close(catalog);
	return result;
}

int sbx_catalog_open(struct sbx_catalog *catalog, const char *path,
		     struct sbx_error *err)
{
	return sbx_catalog_open_lasting(catalog, path, NULL, err);
}

void sbx_catalog_close(struct sbx_catalog *catalog)
{
	sbx_strv_free(&catalog->directories);
}

/* --- one skill ------------------------------------------------------------ */

void sbx_skill_clear(struct sbx_skill *skill)
{
	free(skill->dir);
	sbx_manifest_free(&skill->manifest);
	*skill = (struct sbx_skill)SBX_SKILL_INIT;
}

/* A descriptor of it, or -1. */
static int open_directory(const char *dir, struct sbx_error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no directory %s", dir);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot open %s", dir);
	return fd;
}

/*
 * What the skill in @dir is called: the directory's name as it was given, of
 * a symlink its own, else (".", "..", a slash at the end) the real one.
 */
static const char *directory_name(const char *dir, const char *absolute)
{
	const char *slash = strrchr(dir, '/');
	const char *name = slash ? slash + 1 : dir;

	if (sbx_name_is_skill(name))
		return name;
	return strrchr(absolute, '/') + 1;
}

/* The path of a file in @dir, as messages show it; free() it. */
static char *path_of(const char *dir, const char *name)
{
	bool slash = sbx_text_has_suffix(dir, "/");

	return sbx_asprintf("%s%s%s", dir, slash ? "" : "/", name);
}

/* @name is the skill's; @fd is @dir. */
static int read_manifest(int fd, const char *dir, const char *name,
			 struct sbx_manifest **out,
			 struct sbx_problems *problems, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	cleanup_free char *file = path_of(dir, MANIFEST);
	struct sbx_problems found = SBX_PROBLEMS_INIT;
	int result;

	if (sbx_file_read_nofollow(fd, MANIFEST, &text, err) < 0)
		return sbx_error_wrap(err, "%s", dir);
	result = sbx_manifest_parse(sbx_buf_text(&text), text.len, name, file,
				    out, &found, err);
	sbx_problems_move(problems, &found, file);
	return result;
}

static void read_skill_md(int fd, const char *dir,
			  struct sbx_manifest *manifest,
			  struct sbx_problems *problems)
{
	cleanup_free char *file = path_of(dir, SBX_SKILL_MD_NAME);
	struct sbx_problems found = SBX_PROBLEMS_INIT;

	sbx_skill_md_complete(fd, manifest, &found);
	sbx_problems_move(problems, &found, file);
}

int sbx_skill_load(const char *dir, struct sbx_skill *out,
		   struct sbx_problems *problems, struct sbx_error *err)
{
	cleanup_free char *absolute = realpath(dir, NULL);
	int errnum = errno;
	cleanup_fd int fd = open_directory(dir, err);
	struct sbx_manifest *manifest = NULL;

	if (fd < 0)
		return -1;
	if (!absolute)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errnum,
				       "cannot find %s", dir);
	if (read_manifest(fd, dir, directory_name(dir, absolute), &manifest,
			  problems, err) < 0)
		return -1;
	read_skill_md(fd, dir, manifest, problems);
	*out = (struct sbx_skill){ .dir = sbx_take(absolute),
				   .manifest = manifest };
	return 0;
}

/*
 * "DIR/NAME/FILE" is there, whatever it is.  One that nobody lets us see is:
 * a skill must not be passed over in silence.
 */
static bool has_file(const char *directory, const char *name, const char *file)
{
	cleanup_free char *path =
		sbx_asprintf("%s/%s/%s", directory, name, file);
	struct stat about;

	return lstat(path, &about) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR);
}

/* The message for a skill that is nowhere. */
static int no_skill(const struct sbx_catalog *catalog, const char *name,
		    struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	cleanup_buf struct sbx_buf where = SBX_BUF_INIT(512);
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *nearest = NULL;

	for (size_t i = 0; i < catalog->directories.n; i++) {
		const char *directory = catalog->directories.v[i];

		if (has_file(directory, name, ""))
			return sbx_error_set(
				err, SBX_OUTCOME_NOT_FOUND,
				"no skill \"%s\": there is no " MANIFEST
				" in %s/%s",
				name, directory, name);
		sbx_buf_printf(&where, "%s%s", i > 0 ? " or " : "", directory);
	}
	if (catalog->directories.n == 0)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "no skill \"%s\": there is no "
				     "directory " DEFAULT_DIRECTORY
				     " here, name one with "
				     "--skills DIR",
				     name);
	if (sbx_catalog_names(catalog, &names, NULL, &ignored) == 0 &&
	    names.n > 0)
		nearest = sbx_text_nearest(name, (const char *const *)names.v);
	if (nearest)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "no skill \"%s\" in %s, did you mean "
				     "\"%s\"?",
				     name, sbx_buf_text(&where), nearest);
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "no skill \"%s\" in %s", name,
			     sbx_buf_text(&where));
}

static int check_name(const char *name, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf shown = SBX_BUF_INIT(128);

	if (sbx_name_is_skill(name))
		return 0;
	sbx_text_escape(&shown, name, strlen(name), false);
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "\"%s\" cannot be a skill's name: that has 1 to "
			     "63 of a-z, 0-9 and \"-\", the first a letter or "
			     "digit",
			     sbx_buf_text(&shown));
}

int sbx_catalog_load(const struct sbx_catalog *catalog, const char *name,
		     struct sbx_skill *out, struct sbx_error *err)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;

	if (check_name(name, err) < 0)
		return -1;
	for (size_t i = 0; i < catalog->directories.n; i++) {
		const char *directory = catalog->directories.v[i];
		cleanup_free char *dir = NULL;

		if (!has_file(directory, name, MANIFEST))
			continue;
		dir = sbx_asprintf("%s/%s", directory, name);
		return sbx_skill_load(dir, out, &problems, err);
	}
	return no_skill(catalog, name, err);
}

/* --- all skills ----------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the skills in one directory, sorted. */
static int list_directory(const char *directory, struct sbx_strv *names,
			  struct sbx_error *err)
{
	DIR *stream = opendir(directory);
	struct dirent *entry;

	/* It may come, or come back. */
	if (!stream && errno == ENOENT)
		return 0;
	if (!stream)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot list %s", directory);
	while ((entry = readdir(stream))) {
		if (sbx_name_is_skill(entry->d_name) &&
		    has_file(directory, entry->d_name, MANIFEST))
			sbx_strv_push(names, entry->d_name);
	}
	closedir(stream);
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), compare_names);
	return 0;
}

/* The first of the directories before the @n-th that has skill @name. */
static const char *hidden_by(const struct sbx_catalog *catalog, size_t n,
			     const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (has_file(catalog->directories.v[i], name, MANIFEST))
			return catalog->directories.v[i];
	}
	return NULL;
}

static int list_nth(const struct sbx_catalog *catalog, size_t n,
		    struct sbx_strv *names, struct sbx_strv *shadowed,
		    struct sbx_error *err)
{
	cleanup_strv struct sbx_strv here = SBX_STRV_INIT;
	const char *directory = catalog->directories.v[n];

	if (list_directory(directory, &here, err) < 0)
		return -1;
	for (size_t i = 0; i < here.n; i++) {
		const char *other = hidden_by(catalog, n, here.v[i]);

		if (!other)
			sbx_strv_push(names, here.v[i]);
		else if (shadowed)
			sbx_strv_push_take(shadowed,
					   sbx_asprintf("%s: %s hides %s",
							here.v[i], other,
							directory));
	}
	return 0;
}

int sbx_catalog_names(const struct sbx_catalog *catalog, struct sbx_strv *names,
		      struct sbx_strv *shadowed, struct sbx_error *err)
{
	for (size_t i = 0; i < catalog->directories.n; i++) {
		if (list_nth(catalog, i, names, shadowed, err) < 0)
			return -1;
	}
	if (names->n > 0)
		qsort(names->v, names->n, sizeof(*names->v), compare_names);
	return 0;
}

/* --- base images ---------------------------------------------------------- */

int sbx_catalog_base_dir(const struct sbx_catalog *catalog, const char *name,
			 char **out, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf where = SBX_BUF_INIT(512);

	if (check_name(name, err) < 0)
		return sbx_error_wrap(err, "base image");
	for (size_t i = 0; i < catalog->directories.n; i++) {
		cleanup_free char *images =
			sbx_asprintf("%s/../images", catalog->directories.v[i]);
		cleanup_free char *absolute = realpath(images, NULL);

		if (absolute && has_file(absolute, name, "Dockerfile")) {
			*out = sbx_asprintf("%s/%s", absolute, name);
			return 0;
		}
		sbx_buf_printf(&where, "%s%s", i > 0 ? " or " : "",
			       absolute ? absolute : images);
	}
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "no base image \"%s\" in %s: base images are "
			     "folders of \"images\", beside the folder of "
			     "skills; name that of the shipped skills as well "
			     "(--skills A:B)",
			     name, sbx_buf_text(&where));
}
