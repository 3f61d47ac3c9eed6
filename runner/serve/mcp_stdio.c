/* SPDX-License-Identifier: MIT */
#include "serve/mcp_stdio.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/mem.h"
#include "serve/daemon.h"
#include "serve/mcp_stream.h"

/* @signal_fd	what wants it to end; @end_fd	the stream has ended */
struct stdio {
	struct sbx_service *service;
	int signal_fd;
	int end_fd;
	pthread_t listener;
};

/* Before there is a second thread, so that all have them blocked. */
static int take_signals(struct stdio *stdio, struct sbx_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	stdio->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	stdio->end_fd = eventfd(0, EFD_CLOEXEC);
	if (stdio->signal_fd < 0 || stdio->end_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "no descriptors for signals");
	return 0;
}

/* A signal ends what is read and what runs; what has ended needs none. */
static void *listen_for_signals(void *ctx)
{
	struct stdio *stdio = ctx;
	struct pollfd fds[] = {
		{ .fd = stdio->signal_fd, .events = POLLIN },
		{ .fd = stdio->end_fd, .events = POLLIN },
	};

	while (poll(fds, SBX_ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	sbx_service_drain(stdio->service);
	sbx_runs_cancel_all(stdio->service->runs);
	return NULL;
}

static int begin(struct stdio *stdio, const struct sbx_service_options *options,
		 struct sbx_error *err)
{
	int error;

	if (take_signals(stdio, err) < 0 ||
	    sbx_service_open(&stdio->service, options, err) < 0)
		return -1;
	error = pthread_create(&stdio->listener, NULL, listen_for_signals,
			       stdio);
	if (error)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, error,
				       "there is no thread for signals");
	return 0;
}

static void serve(struct stdio *stdio)
{
	const struct sbx_mcp_stream stream = {
		.service = stdio->service,
		.owner = stdio->service->uid,
		.in_fd = STDIN_FILENO,
		.out_fd = STDOUT_FILENO,
		.end_fd = stdio->service->drain_fd,
		.message_max = SBX_DAEMON_BODY_MAX,
		.stall_ms = SBX_MCP_STALL_MS,
	};

	sbx_mcp_stream_serve(&stream);
	eventfd_write(stdio->end_fd, 1);
	pthread_join(stdio->listener, NULL);
}

int sbx_mcp_stdio_serve(const struct sbx_service_options *options,
			struct sbx_error *err)
{
	struct stdio stdio = { .signal_fd = -1, .end_fd = -1 };
	int result = begin(&stdio, options, err);

	if (result == 0)
		serve(&stdio);
	sbx_service_close(&stdio.service);
	sbx_close(&stdio.signal_fd);
	sbx_close(&stdio.end_fd);
	return result;
}
