/* SPDX-License-Identifier: MIT */
#include "serve/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "serve/auth.h"
#include "serve/listener.h"
#include "serve/notify.h"
#include "serve/server.h"
#include "serve/service.h"

#define LISTENERS_MAX	8
#define CONNECTIONS_MAX 1024
#define TEND_MS		1000

/* Enough for a thousand connections with a run behind each. */
#define DESCRIPTORS 65536

#define LARGE_BLOCK (256 * 1024)

/* @n_signals	of those that want it to end */
struct daemon {
	const struct sbx_daemon_options *options;
	struct sbx_service *service;
	struct sbx_listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	struct sbx_token token;
	struct sbx_server_options server_options;
	struct sbx_server *server;
	int signal_fd;
	unsigned int n_signals;
};

static void say(const struct daemon *daemon, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct daemon *daemon, const char *format, ...)
{
	cleanup_free char *line = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		abort();
	va_end(args);
	daemon->options->say(line);
}

/* --- sockets --------------------------------------------------------------- */

static struct sbx_listener *next_listener(struct daemon *daemon,
					  struct sbx_error *err)
{
	struct sbx_listener *listener = &daemon->listeners[daemon->n_listeners];

	if (daemon->n_listeners < LISTENERS_MAX)
		return listener;
	sbx_error_set(err, SBX_OUTCOME_INVALID,
		      "at most %d sockets can be listened at", LISTENERS_MAX);
	return NULL;
}

static int open_unix(struct daemon *daemon, const char *path,
		     struct sbx_error *err)
{
	struct sbx_listener *listener = next_listener(daemon, err);

	if (!listener || sbx_listener_open_unix(listener, path, err) < 0)
		return -1;
	daemon->n_listeners++;
	say(daemon, "listening at %s", path);
	return 0;
}

static int open_tcp(struct daemon *daemon, const char *where,
		    struct sbx_error *err)
{
	struct sbx_listener *listener = next_listener(daemon, err);

	if (!daemon->options->token_file)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "--listen takes --token-file: whoever "
				     "reaches it over TCP has to know a token");
	if (!listener || sbx_listener_open_tcp(listener, where, err) < 0)
		return -1;
	daemon->n_listeners++;
	if (listener->hosts.n)
		say(daemon, "listening at http://%s", listener->hosts.v[0]);
	sbx_strv_extend(&daemon->server_options.hosts, &listener->hosts);
	return 0;
}

static int open_listeners(struct daemon *daemon, struct sbx_error *err)
{
	const struct sbx_daemon_options *options = daemon->options;
	const char *path;

	if (sbx_listener_inherit(daemon->listeners, LISTENERS_MAX,
				 &daemon->n_listeners, err) < 0)
		return -1;
	if (options->socket || daemon->n_listeners == 0) {
		path = options->socket ? options->socket
				       : options->default_socket;
		if (open_unix(daemon, path, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < options->listen.n; i++) {
		if (open_tcp(daemon, options->listen.v[i], err) < 0)
			return -1;
	}
	sbx_strv_extend(&daemon->server_options.hosts, &options->hosts);
	return 0;
}

/* --- beginning ------------------------------------------------------------- */

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
	    limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max
						      : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/*
 * Once a large block was given back glibc takes blocks of that size, up to 32
 * MiB, from its arenas (mallopt(3), M_MMAP_THRESHOLD), of which the threads of
 * connections get up to eight a core; and each keeps the room of the largest
 * answer that one of them ever had at hand.  After some rounds of 8 clients,
 * with outputs of 4 MB among others, that was 49 MB, almost all of it free.  A
 * threshold that was set does not move: such blocks go back to the kernel, and
 * it is 10 MB.  (Fewer arenas are no remedy, 28 MB, and cost time.)
 */
static void give_memory_back(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

/* Before there is a second thread, so that all have them blocked. */
static int take_signals(struct daemon *daemon, struct sbx_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signal_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "no descriptors for signals");
	return 0;
}

static int open_service(struct daemon *daemon, struct sbx_error *err)
{
	const struct sbx_daemon_options *options = daemon->options;
	const struct sbx_service_options service = {
		.skills = options->skills,
		.policy = options->policy,
		.keys = options->keys,
		.engine = options->engine,
		.record_dir = options->record_dir,
		.runs = options->runs,
		.queue = options->queue,
		.is_lasting = true,
		.image_wait_ms = options->image_wait_ms,
		.has_sessions = options->has_sessions,
		.log_fd = STDERR_FILENO,
		.say = options->say,
	};

	return sbx_service_open(&daemon->service, &service, err);
}

static int begin(struct daemon *daemon, struct sbx_error *err)
{
	const char *token_file = daemon->options->token_file;

	raise_descriptors();
	give_memory_back();
	if (take_signals(daemon, err) < 0 || open_service(daemon, err) < 0 ||
	    (token_file &&
	     sbx_token_read(token_file, &daemon->token, err) < 0) ||
	    open_listeners(daemon, err) < 0)
		return -1;
	daemon->server_options.listeners = daemon->listeners;
	daemon->server_options.n = daemon->n_listeners;
	daemon->server_options.token = token_file ? &daemon->token : NULL;
	daemon->server_options.body_max = daemon->options->body_max;
	daemon->server_options.request_ms = (double)daemon->options->request_ms;
	daemon->server_options.connections_max = CONNECTIONS_MAX;
	return sbx_server_start(&daemon->server, daemon->service,
				&daemon->server_options, err);
}

/* --- serving --------------------------------------------------------------- */

/* The policy is read again whenever it changes; this is for all the rest. */
static void reload(struct daemon *daemon)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_pool_policy *policy = NULL;

	sbx_notify("RELOADING=1");
	if (sbx_policy_watch_get(daemon->service->policies, &policy, &err) < 0)
		say(daemon, "nothing runs until this is mended: %s",
		    err.message);
	sbx_pool_policy_unref(&policy);
	sbx_pool_reload(daemon->service->pool);
	say(daemon, "skills and policy are looked at again");
	sbx_notify("READY=1");
}

static _Noreturn void die_of(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	signal(number, SIG_DFL);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	abort();
}

static void want_end(struct daemon *daemon, int number)
{
	switch (++daemon->n_signals) {
	case 1:
		sbx_service_drain(daemon->service);
		sbx_notify("STOPPING=1");
		say(daemon, "waiting for what runs; another signal cancels "
			    "it");
		break;
	case 2:
		sbx_runs_cancel_all(daemon->service->runs);
		say(daemon, "cancelling what runs");
		break;
	default:
		die_of(number);
	}
}

static void hear_signals(struct daemon *daemon)
{
	struct signalfd_siginfo info;

	while (read(daemon->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(daemon);
		else
			want_end(daemon, (int)info.ssi_signo);
	}
}

static void serve(struct daemon *daemon)
{
	struct sbx_service *service = daemon->service;
	struct pollfd fds[] = {
		{ .fd = daemon->signal_fd, .events = POLLIN },
		{ .fd = service->wake_fd, .events = POLLIN },
	};
	eventfd_t ignored;

	sbx_notify("READY=1");
	while (!sbx_service_is_drained(service)) {
		poll(fds, SBX_ARRAY_SIZE(fds), TEND_MS);
		eventfd_read(service->wake_fd, &ignored);
		hear_signals(daemon);
		sbx_server_tend(daemon->server);
	}
}

static void end(struct daemon *daemon)
{
	sbx_server_stop(&daemon->server);
	sbx_service_close(&daemon->service);
	for (size_t i = 0; i < daemon->n_listeners; i++)
		sbx_listener_close(&daemon->listeners[i]);
	sbx_strv_free(&daemon->server_options.hosts);
	sbx_close(&daemon->signal_fd);
}

int sbx_daemon_run(const struct sbx_daemon_options *options,
		   struct sbx_error *err)
{
	struct daemon daemon = {
		.options = options,
		.signal_fd = -1,
	};
	int result = begin(&daemon, err);

	if (result == 0)
		serve(&daemon);
	end(&daemon);
	return result;
}
