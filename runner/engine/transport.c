/* SPDX-License-Identifier: MIT */
#include "engine/transport.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "base/mem.h"

/* --- Unix sockets ----------------------------------------------------- */

static int unix_parse(struct sbx_transport *transport, const char *rest,
		      struct sbx_error *err)
{
	struct sockaddr_un address;

	if (*rest == '\0' || strcmp(rest, "/") == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "engine URL \"%s\" names no socket; "
				     "write unix:///path/to.sock",
				     transport->url);
	if (strlen(rest) >= sizeof(address.sun_path))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "engine URL \"%s\": the socket's path is "
				     "longer than the %zu bytes the kernel "
				     "takes",
				     transport->url,
				     sizeof(address.sun_path) - 1);
	transport->address = sbx_strdup(rest);
	return 0;
}

/* A leading '@' is the abstract namespace, as in Go's net package. */
static int unix_connect(const struct sbx_transport *transport)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(transport->address);
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t length =
		offsetof(struct sockaddr_un, sun_path) + (socklen_t)size;

	memcpy(address.sun_path, transport->address, size);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	else
		length++;
	/* unix(7): a full backlog is EAGAIN, never EINPROGRESS. */
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, length) < 0)
		return -1;
	return sbx_take_fd(&fd);
}

/*
 * A Unix socket's engine runs on this kernel.  The names are those of the OCI
 * image specification (Go's GOARCH, with the variant where ARM needs it).
 */
static const char *unix_platform(const struct sbx_transport *transport)
{
	static const struct {
		const char *machine;
		const char *platform;
	} known[] = {
		{ "x86_64", "linux/amd64" },
		{ "aarch64", "linux/arm64" },
		{ "armv7l", "linux/arm/v7" },
		{ "armv6l", "linux/arm/v6" },
		{ "i686", "linux/386" },
		{ "i586", "linux/386" },
		{ "i386", "linux/386" },
		{ "ppc64le", "linux/ppc64le" },
		{ "s390x", "linux/s390x" },
		{ "riscv64", "linux/riscv64" },
		{ "loongarch64", "linux/loong64" },
	};
	struct utsname name;

	(void)transport;
	if (uname(&name) < 0)
		return "linux/unknown";
	for (size_t i = 0; i < SBX_ARRAY_SIZE(known); i++) {
		if (strcmp(name.machine, known[i].machine) == 0)
			return known[i].platform;
	}
	return "linux/unknown";
}

/* The socket itself: /run is often reached by way of /var/run. */
static uint64_t unix_identity(const struct sbx_transport *transport)
{
	struct stat about;

	if (stat(transport->address, &about) < 0)
		return 0;
	return (uint64_t)about.st_dev << 32 ^ (uint64_t)about.st_ino;
}

static const char *unix_advice(const struct sbx_transport *transport,
			       int errnum)
{
	(void)transport;
	switch (errnum) {
	case ENOENT:
	case ECONNREFUSED:
		return "is the engine running?";
	case EACCES:
	case EPERM:
		return "join the group that owns the socket, usually "
		       "\"docker\", or use sudo";
	case ENOTSOCK:
	case EPROTOTYPE:
		return "this is no engine's socket";
	default:
		return NULL;
	}
}

/* --- the table -------------------------------------------------------- */

static const struct sbx_transport_ops transports[] = {
	{ "unix", unix_parse, unix_connect, unix_platform, unix_identity,
	  unix_advice },
};

static const char *const not_yet[] = { "tcp",  "ssh",	"npipe",
				       "http", "https", "fd" };

static bool has_scheme(const char *url, const char *scheme)
{
	size_t size = strlen(scheme);

	return strncmp(url, scheme, size) == 0 &&
	       strncmp(url + size, "://", 3) == 0;
}

static const struct sbx_transport_ops *find_ops(const char *url,
						struct sbx_error *err)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(transports); i++) {
		if (has_scheme(url, transports[i].scheme))
			return &transports[i];
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(not_yet); i++) {
		if (!has_scheme(url, not_yet[i]))
			continue;
		sbx_error_set(err, SBX_OUTCOME_INVALID,
			      "engine URL \"%s\": %s:// is not supported yet; "
			      "use a Unix socket, unix:///path/to.sock",
			      url, not_yet[i]);
		return NULL;
	}
	sbx_error_set(err, SBX_OUTCOME_INVALID,
		      "engine URL \"%s\" is of no kind that is known; write "
		      "unix:///path/to.sock",
		      url);
	return NULL;
}

int sbx_transport_new(struct sbx_transport **out, const char *url,
		      struct sbx_error *err)
{
	const struct sbx_transport_ops *ops = find_ops(url, err);
	struct sbx_transport *transport;

	if (!ops)
		return -1;
	transport = sbx_calloc(1, sizeof(*transport));
	transport->ops = ops;
	transport->peer = "engine";
	transport->url = sbx_strdup(url);
	if (ops->parse(transport, url + strlen(ops->scheme) + 3, err) < 0) {
		sbx_transport_free(&transport);
		return -1;
	}
	*out = transport;
	return 0;
}

void sbx_transport_free(struct sbx_transport **transport)
{
	if (!*transport)
		return;
	free((*transport)->url);
	free((*transport)->address);
	free(*transport);
	*transport = NULL;
}
