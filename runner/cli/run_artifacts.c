/* SPDX-License-Identifier: MIT */
/*
 * What an action's files are called is the action's word.  So a name is looked
 * at once more, each folder of it is opened by itself, and no link is followed
 * but in the path of the directory itself, which the operator gave.
 */
#include "cli/run_artifacts.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "init/wire.h"

#define DIRECTORY   (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

#define RANDOM_SIZE (16 + 1)

/* The folder @name of @dir, made where there is none. */
static int enter(int dir, const char *name)
{
	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(dir, name, DIRECTORY | O_NOFOLLOW);
}

/* Under a name that nobody has, then under its own. */
static int replace(int dir, const char *name, const void *data, size_t size)
{
	char random[RANDOM_SIZE];
	char temporary[sizeof(".skillbox-") + RANDOM_SIZE];
	cleanup_fd int fd = -1;

	sbx_random_hex(random, sizeof(random));
	snprintf(temporary, sizeof(temporary), ".skillbox-%s", random);
	fd = openat(dir, temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (sbx_fd_write_all(fd, data, size) == 0 && fchmod(fd, 0644) == 0 &&
	    renameat(dir, temporary, dir, name) == 0)
		return 0;
	size = (size_t)errno;
	unlinkat(dir, temporary, 0);
	errno = (int)size;
	return -1;
}

/* @path is written to. */
static int write_below(int root, char *path, const void *data, size_t size)
{
	cleanup_fd int dir = fcntl(root, F_DUPFD_CLOEXEC, 0);
	char *slash;

	while (dir >= 0 && (slash = strchr(path, '/'))) {
		int next;

		*slash = '\0';
		next = enter(dir, path);
		sbx_close(&dir);
		dir = next;
		path = slash + 1;
	}
	return dir < 0 ? -1 : replace(dir, path, data, size);
}

static int bad_artifact(struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
			     "an artifact of the record makes no sense");
}

static int write_one(int root, const json_t *artifact, struct sbx_error *err)
{
	const char *name = sbx_json_text_at(artifact, "name", NULL);
	const json_t *text = json_object_get(artifact, "data");
	size_t size = json_string_length(text);
	size_t room = size / 4 * 3 + 3;
	cleanup_buf struct sbx_buf shown = SBX_BUF_INIT(512);
	cleanup_free unsigned char *data = NULL;
	cleanup_free char *path = NULL;
	size_t got;

	if (!name || !json_is_string(text) ||
	    strlen(name) > SBX_WIRE_NAME_MAX ||
	    !sbx_wire_is_name(name, (uint32_t)strlen(name)))
		return bad_artifact(err);
	data = sbx_malloc(room);
	if (sodium_base642bin(data, room, json_string_value(text), size, NULL,
			      &got, NULL, sodium_base64_VARIANT_ORIGINAL))
		return bad_artifact(err);
	path = sbx_strdup(name);
	if (write_below(root, path, data, got) == 0)
		return 0;
	sbx_text_escape(&shown, name, strlen(name), false);
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			       "cannot write %s", sbx_buf_text(&shown));
}

static int write_all(json_t *record, int root, struct sbx_error *err)
{
	json_t *artifact;
	size_t i;

	json_array_foreach (json_object_get(record, "artifacts"), i, artifact) {
		if (write_one(root, artifact, err) < 0)
			return -1;
		json_object_del(artifact, "data");
	}
	return 0;
}

int sbx_run_artifacts_open(const char *dir, int *fd, struct sbx_error *err)
{
	*fd = -1;
	if (!dir)
		return 0;
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		*fd = open(dir, DIRECTORY);
	if (*fd >= 0 && faccessat(*fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno, "--out %s",
			       dir);
}

int sbx_run_artifacts_write(json_t *record, int fd, const char *dir)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int status = (int)sbx_json_int_at(0, record, "status", NULL);

	if (fd < 0 || write_all(record, fd, &err) == 0)
		return status;
	sbx_term_error("--out %s: %s", dir, err.message);
	return status ? status : sbx_outcome_status(SBX_OUTCOME_INTERNAL);
}
