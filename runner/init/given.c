/* SPDX-License-Identifier: MIT */
/*
 * A program that was started early is there already, and what it finds in its
 * directory it can change: so each component is opened by itself and no link
 * is followed.  All that it can gain is what it could do as well, for init is
 * the same user, in the same sandbox.  When the action is over, files that are
 * still on their way are for nobody.
 */
#include "init/given.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/cursor.h"
#include "init/out.h"
#include "init/reset.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/*
 * @is_open	FILES was there, FILES_END was not
 * @dir		that they go to
 * @file	the one that DATA is of
 * @error	of the first that went wrong; all behind it is dropped
 */
static struct {
	bool is_open;
	int dir;
	int file;
	int error;
} given = { .dir = -1, .file = -1 };

static char *tmpfs[SBX_WIRE_TMPFS_MAX + 1];

static void fail(int errnum)
{
	if (!given.error)
		given.error = errnum ? errnum : EIO;
	sbx_close(&given.file);
}

/* Of which directory FILES is, and @tmpfs; NULL when it makes no sense. */
static char *parse(unsigned char *payload, uint32_t size, uint32_t *n)
{
	struct sbx_cursor cursor = { .at = payload + SBX_WIRE_INTO_FIXED,
				     .end = payload + size };
	char *dir = sbx_cursor_string(&cursor);

	*n = sbx_wire_get32(payload);
	if (*n > SBX_WIRE_TMPFS_MAX || !sbx_cursor_strings(&cursor, tmpfs, *n))
		return NULL;
	return cursor.at == cursor.end ? dir : NULL;
}

int sbx_given_begin(struct sbx_init *init, unsigned char *payload,
		    uint32_t size)
{
	uint32_t n;
	const char *dir = parse(payload, size, &n);

	if (!dir)
		return sbx_abort(init, "FILES makes no sense", 0);
	if (init->has_files)
		return sbx_abort(init, "second FILES", 0);
	init->has_files = true;
	if (init->phase > SBX_RUNNING)
		return 0;
	if (n > 0 && sbx_reset_note(init, tmpfs, n) < 0)
		return SBX_ABORT;
	given.is_open = true;
	given.error = 0;
	given.dir = open(dir, DIRECTORY);
	if (given.dir < 0)
		fail(errno);
	return 0;
}

void sbx_given_forget(void)
{
	sbx_close(&given.file);
	sbx_close(&given.dir);
	given.is_open = false;
}

/* Whether what comes is of any use now; -1 where it must not come. */
static int is_wanted(struct sbx_init *init)
{
	if (init->phase > SBX_RUNNING) {
		sbx_given_forget();
		return 0;
	}
	if (!given.is_open)
		return sbx_abort(init, "files out of turn", 0);
	return given.error ? 0 : 1;
}

/* The folder @name of @dir, made where there is none; @dir is closed. */
static int enter(int dir, const char *name)
{
	int next = -1;

	if (mkdirat(dir, name, 0755) == 0 || errno == EEXIST)
		next = openat(dir, name, DIRECTORY);
	if (dir != given.dir)
		sbx_close(&dir);
	return next;
}

/* In a session a file may be there from before: the new one replaces it. */
static int make_file(int dir, const char *name, bool may_replace)
{
	if (may_replace)
		(void)unlinkat(dir, name, 0);
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

static int make(char *name, bool may_replace)
{
	int dir = given.dir;
	int file = -1;
	char *slash;

	while (dir >= 0 && (slash = strchr(name, '/'))) {
		*slash = '\0';
		dir = enter(dir, name);
		name = slash + 1;
	}
	if (dir >= 0)
		file = make_file(dir, name, may_replace);
	if (dir != given.dir)
		sbx_close(&dir);
	return file;
}

int sbx_given_new(struct sbx_init *init, char *name, uint32_t size)
{
	int wanted = is_wanted(init);

	if (wanted <= 0)
		return wanted;
	if (!sbx_wire_is_name(name, size))
		return sbx_abort(init, "name of a file makes no sense", 0);
	name[size] = '\0';
	sbx_close(&given.file);
	given.file = make(name, init->session != 0);
	if (given.file < 0)
		fail(errno);
	return 0;
}

int sbx_given_data(struct sbx_init *init, const unsigned char *data,
		   uint32_t size)
{
	int wanted = is_wanted(init);

	if (wanted <= 0)
		return wanted;
	if (given.file < 0)
		return sbx_abort(init, "files out of turn", 0);
	while (size > 0) {
		ssize_t done = write(given.file, data, size);

		if (done <= 0) {
			fail(done < 0 ? errno : ENOSPC);
			return 0;
		}
		data += done;
		size -= (uint32_t)done;
	}
	return 0;
}

int sbx_given_end(struct sbx_init *init)
{
	unsigned char answer[4];
	int wanted = is_wanted(init);

	if (wanted < 0 || init->phase > SBX_RUNNING)
		return wanted;
	sbx_given_forget();
	sbx_wire_put32(answer, (uint32_t)given.error);
	if (!sbx_out_frame(SBX_WIRE_FILES_DONE, answer, sizeof(answer)))
		return sbx_abort(init, "no room for an answer", 0);
	return 0;
}
