/* SPDX-License-Identifier: MIT */
#include "cli/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* Not repeated here: what stands behind the "=" may be a value after all. */
static int bad_form(const char *name, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "--secret %s: expected %s=@FILE or %s=fd:N; a "
			     "value itself is not taken from the command line, "
			     "which others can read",
			     name, name, name);
}

static bool parse_fd(const char *text, int *fd)
{
	char *end;
	long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || *end || value > 1 << 20)
		return false;
	*fd = (int)value;
	return true;
}

static int open_file(const char *path, struct sbx_error *err)
{
	/* May be a pipe, as of @<(command). */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == EINTR)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled while opening %s", path);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot open %s", path);
	return fd;
}

/* The descriptor is ours, and closed, either way. */
static int open_source(const char *name, const char *source,
		       struct sbx_error *err)
{
	int fd = -1;

	if (source[0] == '@' && source[1] != '\0')
		return open_file(source + 1, err);
	if (!sbx_text_has_prefix(source, "fd:") || !parse_fd(source + 3, &fd))
		return bad_form(name, err);
	/* It would be closed, and the next file that is opened take its place. */
	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--secret %s: what the run prints goes to "
				     "fd:%d, expected another descriptor",
				     name, fd);
	return fd;
}

static int take(const char *option, struct sbx_secrets *out,
		struct sbx_error *err)
{
	size_t length = strcspn(option, "=");
	cleanup_free char *name =
		sbx_strndup(option, length < 100 ? length : 100);
	cleanup_free char *what = sbx_asprintf("secret %s", name);
	cleanup_fd int fd = -1;
	unsigned char *value = NULL;
	size_t size;

	if (!sbx_secret_is_name(name))
		return sbx_error_set(
			err, SBX_OUTCOME_INVALID,
			"--secret: what stands before the \"=\" "
			"is no name, expected " SBX_SECRET_NAME_EXPECTED);
	if (sbx_secrets_find(out, name))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--secret: %s is given twice", name);
	if (option[length] == '\0')
		return bad_form(name, err);
	fd = open_source(name, option + length + 1, err);
	if (fd < 0 || sbx_secret_read(fd, what, &value, &size, err) < 0)
		return -1;
	sbx_secrets_set(out, name, &value, size);
	return 0;
}

int sbx_request_secrets(const struct sbx_strv *options, struct sbx_secrets *out,
			struct sbx_error *err)
{
	for (size_t i = 0; i < options->n; i++) {
		if (take(options->v[i], out, err) < 0)
			return -1;
	}
	return 0;
}
