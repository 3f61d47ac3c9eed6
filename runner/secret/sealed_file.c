/* SPDX-License-Identifier: MIT */
#include "secret/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"

/* --- places --------------------------------------------------------------- */

void sbx_sealed_place_clear(struct sbx_sealed_place *place)
{
	free(place->directory);
	free(place->name);
	*place = (struct sbx_sealed_place){ .directory = NULL };
}

void sbx_sealed_place_of_skill(struct sbx_sealed_place *out,
			       const char *skill_dir)
{
	*out = (struct sbx_sealed_place){
		.directory = sbx_strdup(skill_dir),
		.name = sbx_strdup(SBX_SEALED_FILE_NAME),
		.mode = 0644,
	};
}

char *sbx_sealed_store_path(void)
{
	return sbx_durable_config_path("secrets");
}

/* An owner may be called ".."; that is no directory of its own. */
static bool is_file_name(const char *name)
{
	return *name != '\0' && strlen(name) < 128 && !strchr(name, '/') &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int sbx_sealed_place_of_owner(struct sbx_sealed_place *out, const char *owner,
			      const char *skill, struct sbx_error *err)
{
	cleanup_free char *store = sbx_sealed_store_path();

	if (!is_file_name(owner) || !is_file_name(skill))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "owner \"%s\": nothing can be stored "
				     "under this name",
				     owner);
	if (!store)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "the store of secrets has no place: "
				     "neither $XDG_CONFIG_HOME nor $HOME is "
				     "set");
	*out = (struct sbx_sealed_place){
		.directory = sbx_asprintf("%s/%s", store, owner),
		.name = sbx_asprintf("%s.yaml", skill),
		.mode = 0600,
	};
	return 0;
}

char *sbx_sealed_place_path(const struct sbx_sealed_place *place)
{
	return sbx_asprintf("%s/%s", place->directory, place->name);
}

/* --- reading -------------------------------------------------------------- */

static int read_text(const char *path, struct sbx_buf *text,
		     struct sbx_error *err)
{
	struct sbx_error why = SBX_ERROR_INIT;

	if (sbx_file_read_nofollow(AT_FDCWD, path, text, &why) == 0)
		return 1;
	if (why.outcome == SBX_OUTCOME_NOT_FOUND)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED, "%s", why.message);
}

static int parse(const struct sbx_buf *text, const char *path,
		 struct sbx_sealed *out, struct sbx_error *err)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	int result = sbx_sealed_parse(sbx_buf_text(text), text->len, path, out,
				      &problems, err);

	sbx_problems_free(&problems);
	return result;
}

int sbx_sealed_file_read(const struct sbx_sealed_place *place,
			 struct sbx_sealed *out, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	cleanup_free char *path = sbx_sealed_place_path(place);
	int there = read_text(path, &text, err);

	if (there > 0 && parse(&text, path, out, err) < 0)
		return -1;
	return there;
}

/* --- changing ------------------------------------------------------------- */

void sbx_sealed_file_close(struct sbx_sealed_file *file)
{
	sbx_sealed_clear(&file->sealed);
	sbx_close(&file->directory);
	sbx_durable_lock_drop(&file->lock);
}

/* Whether it is word for word what would be written. */
static bool is_own_text(const struct sbx_sealed *sealed,
			const struct sbx_buf *text)
{
	cleanup_buf struct sbx_buf own = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	struct sbx_error ignored = SBX_ERROR_INIT;

	return sbx_sealed_format(sealed, &own, &ignored) == 0 &&
	       own.len == text->len &&
	       memcmp(own.data, text->data, own.len) == 0;
}

static int read_for_edit(struct sbx_sealed_file *file, const char *path,
			 struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	int there = read_text(path, &text, err);

	if (there <= 0)
		return there;
	if (fstatat(file->directory, file->place->name, &file->old,
		    AT_SYMLINK_NOFOLLOW) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot read %s", path);
	if (parse(&text, path, &file->sealed, err) < 0)
		return -1;
	file->is_there = true;
	file->is_foreign = !is_own_text(&file->sealed, &text);
	return 0;
}

int sbx_sealed_file_edit(struct sbx_sealed_file *file,
			 const struct sbx_sealed_place *place,
			 struct sbx_error *err)
{
	cleanup_free char *path = sbx_sealed_place_path(place);

	file->place = place;
	if (sbx_durable_mkdir(place->directory, err) < 0 ||
	    sbx_durable_lock_take(&file->lock, place->directory, err) < 0)
		return -1;
	file->directory =
		open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->directory < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot use %s", place->directory);
	return read_for_edit(file, path, err);
}

int sbx_sealed_file_save(struct sbx_sealed_file *file, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	cleanup_free char *temporary =
		sbx_asprintf(".%s.tmp", file->place->name);
	const struct sbx_durable how = {
		.mode = file->place->mode,
		.old = file->is_there ? &file->old : NULL,
		.temporary = temporary,
	};

	if (sbx_sealed_format(&file->sealed, &text, err) < 0 ||
	    sbx_durable_write(file->directory, file->place->name, text.data,
			      text.len, &how, err) < 0)
		return sbx_error_wrap(err, "%s", file->place->directory);
	return 0;
}
