/* SPDX-License-Identifier: MIT */
#include "cli/request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/units.h"

/* --- overrides ------------------------------------------------------------- */

static int bad(struct sbx_error *err, const char *option, const char *value,
	       const char *expected)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s: '%s' is not %s",
			     option, value, expected);
}

static bool parse_count(const char *text, int64_t *out)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || *text < '0' || *text > '9')
		return false;
	*out = value;
	return true;
}

static int parse_volumes(const struct sbx_strv *list, struct sbx_overrides *out,
			 struct sbx_error *err)
{
	if (list->n)
		out->volumes = sbx_calloc(list->n, sizeof(*out->volumes));
	for (size_t i = 0; i < list->n; i++) {
		const char *why = "not a volume";

		if (!sbx_mount_parse(list->v[i], &out->volumes[i], &why))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "--volume: '%s': %s", list->v[i],
					     why);
		out->n_volumes++;
	}
	return 0;
}

static int parse_publish(const struct sbx_strv *list,
			 struct sbx_publish_list *out, struct sbx_error *err)
{
	struct sbx_publish port;

	for (size_t i = 0; i < list->n; i++) {
		if (sbx_publish_parse(list->v[i], &port, err) < 0 ||
		    sbx_publish_add(out, &port, err) < 0)
			return sbx_error_wrap(err, "--publish");
	}
	return 0;
}

bool sbx_request_is_plain(const struct sbx_request_options *options)
{
	return options->env.n == 0 && options->env_files.n == 0 &&
	       options->volumes.n == 0 && options->secrets.n == 0 &&
	       options->files.n == 0 && options->publish.n == 0 &&
	       !options->network && !options->timeout && !options->memory &&
	       !options->cpus && !options->pids_limit;
}

int sbx_request_overrides(const struct sbx_request_options *options,
			  struct sbx_overrides *out, struct sbx_error *err)
{
	const struct sbx_request_options *o = options;

	out->has_network = o->network != NULL;
	if (o->network && !sbx_network_parse(o->network, &out->network))
		return bad(err, "--network", o->network,
			   "one of none, bridge, host");
	if (o->timeout && !sbx_units_duration(o->timeout, &out->timeout_ms))
		return bad(err, "--timeout", o->timeout,
			   "a duration such as 30s, 1m30s or 500ms");
	if (o->memory && !sbx_units_size(o->memory, &out->mem_limit))
		return bad(err, "--memory", o->memory,
			   "a size such as 256m or 1g");
	if (o->cpus && !sbx_units_cpus(o->cpus, &out->nano_cpus))
		return bad(err, "--cpus", o->cpus,
			   "a number of CPUs such as 0.5 or 2");
	if (o->pids_limit && !parse_count(o->pids_limit, &out->pids_limit))
		return bad(err, "--pids-limit", o->pids_limit,
			   "a number of processes");
	if (parse_publish(&o->publish, &out->publish, err) < 0)
		return -1;
	return parse_volumes(&o->volumes, out, err);
}

/* --- reading -----------------------------------------------------------------
 */

static int too_large(struct sbx_error *err, const char *name, size_t max)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s is larger than %zu MiB", name, max >> 20);
}

/* Waits until @fd has something; false when someone wants out. */
static bool wait_for(int fd, int cancel_fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	while (poll(fds, 2, -1) < 0) {
		if (errno != EINTR)
			return true;
	}
	return !(fds[1].revents & POLLIN);
}

static int read_all(int fd, const char *name, int cancel_fd,
		    struct sbx_buf *out, struct sbx_error *err)
{
	char chunk[64 * 1024];

	for (;;) {
		ssize_t got;

		if (!wait_for(fd, cancel_fd))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled while reading %s",
					     name);
		got = read(fd, chunk, sizeof(chunk));
		if (got == 0)
			return 0;
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
					       "cannot read %s", name);
		if (sbx_buf_append(out, chunk, (size_t)got) < (size_t)got)
			return too_large(err, name, out->max);
	}
}

int sbx_request_read_file(const char *path, int cancel_fd, struct sbx_buf *out,
			  struct sbx_error *err)
{
	/* May be a pipe: @<(command).  Opening a FIFO waits for its writer. */
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == EINTR)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled while opening %s", path);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot open %s", path);
	return read_all(fd, path, cancel_fd, out, err);
}

/* --- environment ----------------------------------------------------------- */

int sbx_request_env_entry(const char *entry, struct sbx_strv *out,
			  struct sbx_error *err)
{
	cleanup_free char *name = sbx_strndup(entry, strcspn(entry, "="));
	const char *value = entry + strlen(name);

	if (!*name)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--env: '%s' has no name", entry);
	if (*value) {
		sbx_strv_setenv(out, name, value + 1);
		return 0;
	}
	value = getenv(name);
	if (!value)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--env: %s is not set here (use %s=VALUE "
				     "to give it a value)",
				     name, name);
	sbx_strv_setenv(out, name, value);
	return 0;
}

/* One line without its end; leading white space is gone already. */
static int env_line(const char *line, const char *file, unsigned int number,
		    struct sbx_strv *out, struct sbx_error *err)
{
	cleanup_free char *name = sbx_strndup(line, strcspn(line, "="));
	const char *value = line + strlen(name);

	if (!*name)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s:%u: there is no name before the '='",
				     file, number);
	if (strpbrk(name, " \t"))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s:%u: '%s' has white space in it, "
				     "expected NAME=value",
				     file, number, name);
	value = *value ? value + 1 : getenv(name);
	if (value)
		sbx_strv_setenv(out, name, value);
	return 0;
}

int sbx_request_env_lines(const char *data, size_t size, const char *file,
			  struct sbx_strv *out, struct sbx_error *err)
{
	const char *end = data + size;
	unsigned int number = 1;

	if (!sbx_text_is_utf8(data, size) || memchr(data, '\0', size))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: not a text in UTF-8", file);
	if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		data += 3;
	for (; data < end; number++) {
		const char *stop = memchr(data, '\n', (size_t)(end - data));
		size_t length = (size_t)((stop ? stop : end) - data);
		cleanup_free char *line = sbx_strndup(data, length);
		const char *text = line + strspn(line, " \t\v\f\r");

		data = stop ? stop + 1 : end;
		if (length && line[length - 1] == '\r')
			line[length - 1] = '\0';
		if (*text && *text != '#' &&
		    env_line(text, file, number, out, err))
			return -1;
	}
	return 0;
}

int sbx_request_environment(const struct sbx_request_options *options,
			    struct sbx_strv *out, struct sbx_error *err)
{
	for (size_t i = 0; i < options->env_files.n; i++) {
		cleanup_buf struct sbx_buf text =
			SBX_BUF_INIT(SBX_REQUEST_ENV_FILE_MAX);
		const char *file = options->env_files.v[i];

		if (sbx_request_read_file(file, -1, &text, err) ||
		    sbx_request_env_lines(sbx_buf_text(&text), text.len, file,
					  out, err))
			return sbx_error_wrap(err, "--env-file");
	}
	for (size_t i = 0; i < options->env.n; i++) {
		if (sbx_request_env_entry(options->env.v[i], out, err))
			return -1;
	}
	return 0;
}

/* --- input ----------------------------------------------------------------- */

int sbx_request_input(const char *argument, int cancel_fd, struct sbx_buf *out,
		      struct sbx_error *err)
{
	int result = 0;

	if (!argument)
		argument = "{}";
	if (strcmp(argument, "@") == 0)
		result = sbx_error_set(err, SBX_OUTCOME_INVALID,
				       "a file's name must follow the '@'");
	else if (strcmp(argument, "-") == 0)
		result = read_all(STDIN_FILENO, "standard input", cancel_fd,
				  out, err);
	else if (*argument == '@')
		result = sbx_request_read_file(argument + 1, cancel_fd, out,
					       err);
	else if (!sbx_buf_puts(out, argument))
		result = too_large(err, "the argument", out->max);
	return result ? sbx_error_wrap(err, "input") : 0;
}
