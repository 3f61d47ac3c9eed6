/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_CHANNEL_H
#define SBX_SANDBOX_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "engine/stream.h"
#include "init/wire.h"
#include "sandbox/files.h"

/*
 * The runner's end of the conversation with init (init/wire.h), over an
 * attached stream or a connection of their own.  Nothing here blocks: the owner
 * polls sbx_channel_fd() for sbx_channel_events() and calls sbx_channel_pump()
 * when there is something, or when a heartbeat is due.
 */
struct sbx_channel;

enum sbx_channel_event {
	SBX_CHANNEL_HELLO,	/* payload of HELLO */
	SBX_CHANNEL_STDOUT,	/* bytes */
	SBX_CHANNEL_STDERR,	/* bytes */
	SBX_CHANNEL_FILE,	/* bytes of the output file */
	SBX_CHANNEL_ARTIFACT,	/* payload of ARTIFACT: a u64 and a name */
	SBX_CHANNEL_CONTENT,	/* bytes of the last of those */
	SBX_CHANNEL_FILES_DONE, /* payload of FILES_DONE */
	SBX_CHANNEL_EXIT,	/* payload of EXIT, SBX_WIRE_EXIT_SIZE bytes */
	SBX_CHANNEL_ABORT,	/* text: init gave up */
	SBX_CHANNEL_RESET,	/* payload of RESET */
	SBX_CHANNEL_STATE,	/* payload of STATE */
	SBX_CHANNEL_KEPT,	/* bytes that were kept; none: those were all */
	SBX_CHANNEL_LOG,	/* the same of what was written */
	SBX_CHANNEL_NOTE,	/* what came on the stream's stderr: from init's
				   last word or from the engine's runtime */
};

/*
 * Called by the pump for each frame.  @data is valid during the call.  A
 * return of -1 with @err set ends the pump with that error.
 */
struct sbx_channel_handler {
	int (*event)(void *ctx, enum sbx_channel_event event, const void *data,
		     size_t size, struct sbx_error *err);
	void *ctx;
};

/*
 * A secret on its way: in the variable @env, instead of what that is
 * otherwise, or in the new file @file of SBX_SECRETS_DIR.  All borrowed.
 */
struct sbx_channel_secret {
	const char *env;
	const char *file;
	const unsigned char *value;
	size_t size;
};

/* The payloads of EXIT and of STATE. */
void sbx_channel_read_exit(const void *payload, struct sbx_wire_exit *out);
void sbx_channel_read_state(const void *payload, struct sbx_wire_state *out);

/* What RUN carries. */
struct sbx_channel_run {
	const struct sbx_strv *argv;
	const struct sbx_strv *env;
	const struct sbx_channel_secret *secrets;
	size_t n_secrets;
	const char *working_dir; /* NULL is the root */
	const char *output_file; /* or NULL */
	uint32_t output_file_limit;
	const char *out; /* directory of artifacts, or NULL */
	uint32_t out_limit;
	/* What is to be emptied for the next; NULL: there is none. */
	const struct sbx_strv *tmpfs;
	uint32_t flags; /* enum sbx_wire_run_flags */
};

/* Borrows @stream; never fails. */
void sbx_channel_new(struct sbx_channel **out, struct sbx_stream *stream,
		     const struct sbx_channel_handler *handler);
/* Takes *@fd, a stream socket that does not block. */
void sbx_channel_new_direct(struct sbx_channel **out, int *fd,
			    const struct sbx_channel_handler *handler);
void sbx_channel_free(struct sbx_channel **channel);

/*
 * For one of several, of which only one will be the channel: it says nothing,
 * for the first byte would be the choice (init/wire.h), until it was chosen.
 * Then init, which may have waited for long, gets a heartbeat at once.
 */
void sbx_channel_listen(struct sbx_channel *channel);
void sbx_channel_choose(struct sbx_channel *channel);

/*
 * It is that of a session (init/wire.h): EXIT is no end, and an init that had
 * another runner before begins with STATE.
 */
void sbx_channel_set_session(struct sbx_channel *channel);

/* Has init learn what later runners come with: SBX_WIRE_SYNC_RANDOM bytes. */
void sbx_channel_learn(struct sbx_channel *channel, const char *random);

/*
 * Over attached streams, whose last frame may have been anybody's: says SYNC,
 * and hears nothing before init does.  @random has SBX_WIRE_SYNC_RANDOM
 * characters.
 */
void sbx_channel_sync(struct sbx_channel *channel, const char *random);

int sbx_channel_fd(const struct sbx_channel *channel);
/* POLLIN, and POLLOUT while something waits to be sent. */
short sbx_channel_events(const struct sbx_channel *channel);

/*
 * Queues RUN.  INVALID when the arguments, environment and secrets are more
 * than RUN can carry (SBX_WIRE_RUN_MAX bytes, SBX_WIRE_STRINGS_MAX strings
 * each, or one string over the kernel's 128 KiB), or when a secret for a
 * variable has a NUL in it.  MISCONFIGURED: no memory for secrets.
 */
int sbx_channel_send_run(struct sbx_channel *channel,
			 const struct sbx_channel_run *run,
			 struct sbx_error *err);

/*
 * Over a direct connection: takes the action's stdin, stdout and stderr, which
 * go with RUN.  To be called right after sbx_channel_send_run().
 */
void sbx_channel_give(struct sbx_channel *channel, int fds[3]);

/*
 * Queues @files, for the directory @dir, once for each request; @tmpfs is as in
 * struct sbx_channel_run.  @files are borrowed until FILES_DONE was heard, or
 * the channel is freed.  INVALID: paths that are too long.
 */
int sbx_channel_send_files(struct sbx_channel *channel,
			   const struct sbx_files *files, const char *dir,
			   const struct sbx_strv *tmpfs, struct sbx_error *err);

/*
 * Queues the action's whole input, then its end.  @data is borrowed until
 * the channel is freed.  Goes out as init's credit allows.
 */
void sbx_channel_send_input(struct sbx_channel *channel, const void *data,
			    size_t size);

/*
 * To a session in which nothing runs: has init forget what it kept and keep
 * @data, which is copied, instead.  INVALID: more than SBX_WIRE_KEPT_MAX;
 * MISCONFIGURED: no memory for secrets.
 */
int sbx_channel_keep(struct sbx_channel *channel, const void *data, size_t size,
		     struct sbx_error *err);

/* The same: one at a time, and the answer is an event. */
void sbx_channel_ask(struct sbx_channel *channel,
		     enum sbx_wire_question question);

/* The same, of detached programs: a signal for all of them. */
void sbx_channel_signal_detached(struct sbx_channel *channel, int signal);

/* One of those, or of the next, has not left yet: no other may be queued. */
bool sbx_channel_has_order(const struct sbx_channel *channel);

/*
 * Hands init the stream socket *@fd, which is taken, to ask for connections
 * by.  Over a direct connection only.
 */
void sbx_channel_forward(struct sbx_channel *channel, int *fd);

/* Queues a signal; overtakes input that has not been sent yet. */
void sbx_channel_send_signal(struct sbx_channel *channel, int signal);

/* True once a byte of RUN has left: from then on a retry could run twice. */
bool sbx_channel_has_sent(const struct sbx_channel *channel);

/* True once a byte of the input, or of its end, has left. */
bool sbx_channel_has_sent_input(const struct sbx_channel *channel);

/*
 * For a channel on which nothing but heartbeats is going to happen for long:
 * it gives its buffers back and beats every SBX_WIRE_BEAT_WAITING_MS, until
 * RUN or input is queued.  So begins every channel.
 */
void sbx_channel_rest(struct sbx_channel *channel);

/*
 * Sends a heartbeat if one is due, sends what is queued, receives what is
 * there and hands it to the handler.  0; SBX_CHANNEL_CLOSED when the other
 * end has closed (all it sent has been handled); -1 with UNAVAILABLE
 * (connection lost), SANDBOX_FAILED (not what init may say) or the handler's
 * own error.
 */
#define SBX_CHANNEL_CLOSED 1
int sbx_channel_pump(struct sbx_channel *channel, struct sbx_error *err);

#endif
