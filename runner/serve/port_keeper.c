/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * What is kept of a session is a socket to its init and a forwarder for each
 * of its ports, whose thread asks over that socket for each who comes.  A lock
 * is held by who changes what is kept, also while he waits for the engine and
 * for init; a forwarder never takes it.
 */
#include "serve/port_keeper.h"

#include <pthread.h>
#include <string.h>

#include "base/mem.h"
#include "sandbox/forward.h"
#include "sandbox/forward_socket.h"

/*
 * @session	only what it is called, and its channel
 * @socket	NULL where nothing is forwarded
 * @complaint	why not, as it was told last; or NULL
 * @is_there	the engine has it
 */
struct kept {
	struct kept *next;
	struct sbx_session session;
	struct sbx_forward_socket *socket;
	struct sbx_forward *forwards[SBX_PUBLISH_MAX];
	size_t n;
	char *complaint;
	bool is_there;
};

struct sbx_port_keeper {
	pthread_mutex_t lock;
	void (*say)(const char *line);
	struct kept *first;
};

void sbx_port_keeper_new(struct sbx_port_keeper **out,
			 void (*say)(const char *line))
{
	struct sbx_port_keeper *keeper = sbx_calloc(1, sizeof(*keeper));

	pthread_mutex_init(&keeper->lock, NULL);
	keeper->say = say;
	*out = keeper;
}

/* --- one session ------------------------------------------------------------ */

static struct kept *find(const struct sbx_port_keeper *keeper, const char *id)
{
	struct kept *kept = keeper->first;

	while (kept && strcmp(kept->session.id, id) != 0)
		kept = kept->next;
	return kept;
}

static struct kept *add(struct sbx_port_keeper *keeper,
			const struct sbx_session *session)
{
	struct kept *kept = sbx_calloc(1, sizeof(*kept));

	kept->session.id = sbx_strdup(session->id);
	kept->session.name = sbx_strdup(session->name);
	kept->session.channel = sbx_strdup(session->channel);
	kept->is_there = true;
	kept->next = keeper->first;
	keeper->first = kept;
	return kept;
}

static void stop(struct kept *kept)
{
	while (kept->n > 0)
		sbx_forward_free(&kept->forwards[--kept->n]);
	sbx_forward_socket_free(&kept->socket);
}

static void free_kept(struct kept *kept)
{
	stop(kept);
	sbx_session_clear(&kept->session);
	free(kept->complaint);
	free(kept);
}

static int connect_to(void *ctx, uint16_t target)
{
	const struct kept *kept = ctx;

	return sbx_forward_socket_connect(kept->socket, target);
}

static int listen_at_all(struct kept *kept, const struct sbx_publish_list *all,
			 struct sbx_error *err)
{
	struct sbx_publish_list real = *all;

	for (size_t i = 0; i < all->n; i++) {
		const struct sbx_forward_options options = {
			.port = &all->v[i],
			.connect = connect_to,
			.ctx = kept,
		};
		struct sbx_forward **slot = &kept->forwards[i];

		if (sbx_forward_new(slot, &options, err) < 0)
			return -1;
		kept->n++;
		real.v[i].published = sbx_forward_port(*slot);
	}
	return sbx_session_note_ports(&kept->session, &real, err);
}

/* Where init hung up another socket is as good. */
static int start(struct kept *kept, struct sbx_engine *engine,
		 const struct sbx_session *session, struct sbx_error *err)
{
	int fd = -1;

	if (kept->socket && !sbx_forward_socket_is_broken(kept->socket))
		return 0;
	if (sbx_session_forward(engine, session, &fd, err) < 0)
		return -1;
	if (kept->socket) {
		sbx_forward_socket_renew(kept->socket, &fd);
		return 0;
	}
	sbx_forward_socket_new(&kept->socket, &fd);
	if (listen_at_all(kept, &session->publish, err) == 0)
		return 0;
	stop(kept);
	return -1;
}

/* Another process may be doing it. */
static bool is_ours_to_do(const struct kept *kept,
			  const struct sbx_session *session)
{
	return session->publish.n > 0 &&
	       ((kept && kept->socket) || session->forwarded.n == 0);
}

static int begin(struct sbx_port_keeper *keeper, struct sbx_engine *engine,
		 const struct sbx_session *session, struct sbx_error *err)
{
	struct kept *kept = find(keeper, session->id);

	if (!is_ours_to_do(kept, session))
		return 0;
	if (!kept)
		kept = add(keeper, session);
	return start(kept, engine, session, err);
}

int sbx_port_keeper_begin(struct sbx_port_keeper *keeper,
			  struct sbx_engine *engine,
			  const struct sbx_session *session,
			  struct sbx_error *err)
{
	int result;

	pthread_mutex_lock(&keeper->lock);
	result = begin(keeper, engine, session, err);
	pthread_mutex_unlock(&keeper->lock);
	return result;
}

/* --- all of them ------------------------------------------------------------ */

struct round {
	struct sbx_port_keeper *keeper;
	struct sbx_engine *engine;
};

/* Of a session of another user nothing is known here; others are tried again. */
static bool is_worth_telling(const struct sbx_error *err)
{
	return err->outcome != SBX_OUTCOME_NOT_FOUND &&
	       err->outcome != SBX_OUTCOME_BUSY &&
	       err->outcome != SBX_OUTCOME_CANCELLED;
}

/* Once, and not each minute. */
static void complain(struct sbx_port_keeper *keeper, struct kept *kept,
		     const struct sbx_error *err)
{
	cleanup_free char *line =
		sbx_asprintf("no port of the session %s is published: %s",
			     kept->session.name, err->message);

	if (!is_worth_telling(err) ||
	    (kept->complaint && strcmp(kept->complaint, line) == 0))
		return;
	keeper->say(line);
	free(kept->complaint);
	kept->complaint = sbx_take(line);
}

static void look_at(void *ctx, const struct sbx_session *session)
{
	const struct round *round = ctx;
	struct sbx_port_keeper *keeper = round->keeper;
	struct sbx_error err = SBX_ERROR_INIT;

	if (session->state == SBX_SESSION_ACTIVE &&
	    begin(keeper, round->engine, session, &err) < 0)
		complain(keeper, find(keeper, session->id), &err);
}

static void drop_ended(struct sbx_port_keeper *keeper)
{
	struct kept **at = &keeper->first;

	while (*at) {
		struct kept *kept = *at;

		if (kept->is_there) {
			at = &kept->next;
			continue;
		}
		*at = kept->next;
		free_kept(kept);
	}
}

/* What has ended goes first: its ports may be another's by now. */
static void mark(void *ctx, const struct sbx_session *session)
{
	const struct round *round = ctx;
	struct kept *kept = find(round->keeper, session->id);

	if (kept)
		kept->is_there = true;
}

void sbx_port_keeper_look(struct sbx_port_keeper *keeper,
			  struct sbx_engine *engine)
{
	struct round round = { keeper, engine };
	struct sbx_error ignored = SBX_ERROR_INIT;

	pthread_mutex_lock(&keeper->lock);
	for (struct kept *kept = keeper->first; kept; kept = kept->next)
		kept->is_there = false;
	if (sbx_session_each(engine, mark, &round, &ignored) == 0) {
		drop_ended(keeper);
		sbx_session_each(engine, look_at, &round, &ignored);
	}
	pthread_mutex_unlock(&keeper->lock);
}

bool sbx_port_keeper_has_any(struct sbx_port_keeper *keeper)
{
	bool has_any;

	pthread_mutex_lock(&keeper->lock);
	has_any = keeper->first != NULL;
	pthread_mutex_unlock(&keeper->lock);
	return has_any;
}

/* --- the end ---------------------------------------------------------------- */

void sbx_port_keeper_free(struct sbx_port_keeper **slot)
{
	struct sbx_port_keeper *keeper = *slot;
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (!keeper)
		return;
	for (struct kept *kept = keeper->first; kept; kept = kept->next) {
		if (kept->n > 0)
			sbx_session_note_ports(&kept->session, NULL, &ignored);
		kept->is_there = false;
	}
	drop_ended(keeper);
	pthread_mutex_destroy(&keeper->lock);
	free(sbx_take(*slot));
}
