/* SPDX-License-Identifier: MIT */
#include "skill/policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "codec/reader.h"

/*
 * Who can write the policy decides what everybody may do, so it is read only
 * where that is root or ourselves.
 */
static int check_owner(const char *path, int fd, struct sbx_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "policy %s", path);
	if (!S_ISREG(st.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "policy %s: not a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "policy %s: it belongs to user %u, "
				     "expected root or yourself",
				     path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "policy %s: others can write it; chmod "
				     "go-w",
				     path);
	return 0;
}

static int read_policy(const char *path, struct sbx_buf *text,
		       struct sbx_error *err)
{
	/* Not to be held up by a FIFO. */
	cleanup_fd int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "policy %s", path);
	if (check_owner(path, fd, err) < 0)
		return -1;
	if (sbx_fd_read_all(fd, text, err) < 0) {
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
		return sbx_error_wrap(err, "policy %s", path);
	}
	return 0;
}

const char *sbx_policy_named(const char *path)
{
	if (!path)
		path = getenv("SKILLBOX_POLICY");
	return path && *path ? path : NULL;
}

/* The file to read, or NULL for the one that is built in. */
static const char *locate(const char *path)
{
	path = sbx_policy_named(path);
	if (path)
		return path;
	/* Only one that is not there is passed over. */
	if (access(SBX_POLICY_SYSTEM, F_OK) == 0 || errno != ENOENT)
		return SBX_POLICY_SYSTEM;
	return NULL;
}

static int read_text(const char *path, struct sbx_buf *out,
		     struct sbx_error *err)
{
	const char *text;
	size_t size;

	if (path)
		return read_policy(path, out, err);
	text = sbx_policy_builtin(&size);
	sbx_buf_append(out, text, size);
	return 0;
}

int sbx_policy_open(const char *path, struct sbx_policy *out,
		    struct sbx_problems *problems, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);
	struct sbx_problems found = SBX_PROBLEMS_INIT;
	int result;

	path = locate(path);
	if (read_text(path, &text, err) < 0)
		return -1;
	result = sbx_policy_parse(sbx_buf_text(&text), text.len, path, out,
				  &found, err);
	sbx_problems_move(problems, &found, path ? path : "built-in policy");
	return result;
}

int sbx_policy_hash(const char *path, char out[static SBX_HASH_HEX_SIZE],
		    struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(SBX_DOCUMENT_SIZE_MAX);

	if (read_text(locate(path), &text, err) < 0)
		return -1;
	sbx_hash_of(sbx_buf_text(&text), text.len, out);
	return 0;
}
