/* SPDX-License-Identifier: MIT */
#include "serve/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/lock.h"
#include "codec/hash.h"

#define BACKLOG	       512
#define FIRST_FD       3 /* SD_LISTEN_FDS_START */

#define LOCK_NAME_SIZE (sizeof("serve-") + SBX_HASH_HEX_SIZE)

static int fail(struct sbx_error *err, int errnum, const char *where)
{
	return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errnum,
			       "cannot listen at %s", where);
}

void sbx_listener_close(struct sbx_listener *listener)
{
	struct stat st;

	if (listener->path && lstat(listener->path, &st) == 0 &&
	    st.st_dev == listener->dev && st.st_ino == listener->ino)
		unlink(listener->path);
	sbx_close(&listener->fd);
	free(sbx_take(listener->path));
	sbx_strv_free(&listener->hosts);
}

/* --- Unix sockets ---------------------------------------------------------- */

static int fill_address(const char *path, struct sockaddr_un *out,
			struct sbx_error *err)
{
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path[0] == '\0' || strlen(path) >= sizeof(out->sun_path))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "cannot listen at '%s': the path of a "
				     "socket has 1 to %zu bytes",
				     path, sizeof(out->sun_path) - 1);
	memcpy(out->sun_path, path, strlen(path));
	return 0;
}

/* Removes what is at @path if it is a socket that nobody listens at. */
static int remove_stale(const struct sockaddr_un *address,
			struct sbx_error *err)
{
	const char *path = address->sun_path;
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || lstat(path, &st) < 0)
		return fail(err, errno, path);
	if (!S_ISSOCK(st.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "cannot listen at %s: there is something "
				     "that is no socket",
				     path);
	/* EAGAIN: its queue is full, so somebody has one. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		    0 ||
	    errno != ECONNREFUSED)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "cannot listen at %s: another daemon does",
				     path);
	if (unlink(path) < 0)
		return fail(err, errno, path);
	return 0;
}

/* bind(2) of a Unix socket gives the file the mode that fchmod(2) set. */
static int bind_unix(int fd, const struct sockaddr_un *address,
		     struct sbx_error *err)
{
	const struct sockaddr *any = (const struct sockaddr *)address;

	if (fchmod(fd, 0600) < 0)
		return fail(err, errno, address->sun_path);
	if (bind(fd, any, sizeof(*address)) < 0) {
		if (errno != EADDRINUSE)
			return fail(err, errno, address->sun_path);
		if (remove_stale(address, err) < 0)
			return -1;
		if (bind(fd, any, sizeof(*address)) < 0)
			return fail(err, errno, address->sun_path);
	}
	if (listen(fd, BACKLOG) < 0)
		return fail(err, errno, address->sun_path);
	return 0;
}

/* One daemon at a time looks whether another listens at @path. */
static void lock_name(const char *path, char out[static LOCK_NAME_SIZE])
{
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_field(hash, path);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	snprintf(out, LOCK_NAME_SIZE, "serve-%.32s", hex);
}

int sbx_listener_open_unix(struct sbx_listener *out, const char *path,
			   struct sbx_error *err)
{
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	char name[LOCK_NAME_SIZE];
	struct stat st;
	int result;
	int lock;

	if (fd < 0)
		return fail(err, errno, path);
	if (fill_address(path, &address, err) < 0)
		return -1;
	lock_name(path, name);
	lock = sbx_lock_take(name, -1, err);
	if (lock < 0)
		return -1;
	result = bind_unix(fd, &address, err);
	sbx_lock_drop(name, &lock);
	if (result < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return fail(err, errno, path);
	*out = (struct sbx_listener){
		.fd = sbx_take_fd(&fd),
		.is_local = true,
		.path = sbx_strdup(path),
		.dev = st.st_dev,
		.ino = st.st_ino,
	};
	return 0;
}

/* --- TCP ------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool parse_port(const char *text, in_port_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > 65535)
		return false;
	*out = htons((in_port_t)value);
	return true;
}

/* "127.0.0.1:80", "[::1]:80"; the size of the address, or 0. */
static socklen_t parse_where(const char *where, union address *out)
{
	const char *colon = strrchr(where, ':');
	cleanup_free char *host =
		sbx_strndup(where, colon ? (size_t)(colon - where) : 0);
	size_t size = strlen(host);

	*out = (union address){ .any.sa_family = AF_UNSPEC };
	if (!colon || size == 0)
		return 0;
	if (host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = '\0';
		out->v6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host + 1, &out->v6.sin6_addr) != 1 ||
		    !parse_port(colon + 1, &out->v6.sin6_port))
			return 0;
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	if (inet_pton(AF_INET, host, &out->v4.sin_addr) != 1 ||
	    !parse_port(colon + 1, &out->v4.sin_port))
		return 0;
	return sizeof(out->v4);
}

/* As a client writes it: the port is the one we got. */
static void add_hosts(struct sbx_strv *hosts, const char *where, int fd)
{
	union address address = { .any.sa_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	int host_size = (int)(strrchr(where, ':') - where);
	unsigned int port;
	bool is_loopback;

	if (getsockname(fd, &address.any, &size) < 0)
		return;
	if (address.any.sa_family == AF_INET) {
		port = ntohs(address.v4.sin_port);
		is_loopback = ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
	} else {
		port = ntohs(address.v6.sin6_port);
		is_loopback = IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
	}
	sbx_strv_push_take(hosts,
			   sbx_asprintf("%.*s:%u", host_size, where, port));
	if (is_loopback)
		sbx_strv_push_take(hosts, sbx_asprintf("localhost:%u", port));
}

int sbx_listener_open_tcp(struct sbx_listener *out, const char *where,
			  struct sbx_error *err)
{
	union address address;
	socklen_t size = parse_where(where, &address);
	const int on = 1;
	cleanup_fd int fd = -1;

	if (size == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "'%s' is not ADDRESS:PORT with a numeric "
				     "address, such as 127.0.0.1:8080 or "
				     "[::1]:8080",
				     where);
	fd = socket(address.any.sa_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0)
		return fail(err, errno, where);
	*out = (struct sbx_listener)SBX_LISTENER_INIT;
	add_hosts(&out->hosts, where, fd);
	out->fd = sbx_take_fd(&fd);
	return 0;
}

/* --- of systemd ------------------------------------------------------------ */

/* The number in a variable, or -1. */
static long number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long value;

	if (!text || *text < '0' || *text > '9')
		return -1;
	value = strtol(text, &end, 10);
	return *end ? -1 : value;
}

static int take_over(struct sbx_listener *out, int fd, struct sbx_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(address);
	socklen_t flag_size = sizeof(int);
	int listens = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &flag_size) <
		    0 ||
	    !listens ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    address.sun_family != AF_UNIX)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "descriptor %d is no listening Unix "
				     "socket (ListenStream= with a path is "
				     "what can be used)",
				     fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return fail(err, errno, "what systemd gave us");
	*out = (struct sbx_listener){ .fd = fd, .is_local = true };
	return 0;
}

int sbx_listener_inherit(struct sbx_listener *out, size_t max, size_t *n,
			 struct sbx_error *err)
{
	long count = number_of("LISTEN_FDS");
	bool is_ours = number_of("LISTEN_PID") == (long)getpid();

	*n = 0;
	/* Not for those whom we start. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!is_ours || count <= 0)
		return 0;
	if ((size_t)count > max)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%ld sockets were given, at most %zu can "
				     "be used",
				     count, max);
	for (; *n < (size_t)count; ++*n) {
		if (take_over(&out[*n], FIRST_FD + (int)*n, err) < 0)
			return -1;
	}
	return 0;
}
