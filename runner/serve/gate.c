/* SPDX-License-Identifier: MIT */
#include "serve/gate.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "base/mem.h"

struct sbx_gate {
	pthread_mutex_t lock;
	unsigned int runs_max;
	unsigned int queue_max;
	unsigned int n_runs;
	unsigned int n_queued;
	struct sbx_ticket *first;
	struct sbx_ticket **end;
};

void sbx_gate_new(struct sbx_gate **out, unsigned int runs, unsigned int queue)
{
	struct sbx_gate *gate = sbx_calloc(1, sizeof(*gate));

	pthread_mutex_init(&gate->lock, NULL);
	gate->runs_max = runs;
	gate->queue_max = queue;
	gate->end = &gate->first;
	*out = gate;
}

void sbx_gate_free(struct sbx_gate **gate)
{
	if (!*gate)
		return;
	pthread_mutex_destroy(&(*gate)->lock);
	free(sbx_take(*gate));
}

static int queue_up(struct sbx_gate *gate, struct sbx_ticket *ticket,
		    struct sbx_error *err)
{
	if (gate->n_queued == gate->queue_max)
		return sbx_error_set(err, SBX_OUTCOME_BUSY,
				     "%u runs go on already and %u wait for "
				     "their turn",
				     gate->n_runs, gate->n_queued);
	ticket->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ticket->event_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_BUSY, errno,
				       "no place to wait in");
	*gate->end = ticket;
	gate->end = &ticket->next;
	gate->n_queued++;
	return 0;
}

int sbx_gate_enter(struct sbx_gate *gate, struct sbx_ticket *ticket,
		   struct sbx_error *err)
{
	int result = 0;

	pthread_mutex_lock(&gate->lock);
	if (gate->n_runs < gate->runs_max) {
		gate->n_runs++;
		ticket->is_admitted = true;
	} else {
		result = queue_up(gate, ticket, err);
	}
	if (result == 0)
		ticket->gate = gate;
	pthread_mutex_unlock(&gate->lock);
	return result;
}

int sbx_gate_wait(struct sbx_ticket *ticket, int cancel_fd,
		  struct sbx_error *err)
{
	struct pollfd fds[] = {
		{ .fd = ticket->event_fd, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	/* Without one it was admitted at once. */
	if (ticket->event_fd < 0)
		return 0;
	while (poll(fds, SBX_ARRAY_SIZE(fds), -1) < 0 && errno == EINTR)
		;
	if (fds[1].revents & POLLIN)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled while it waited for its turn");
	return 0;
}

static void unlink_ticket(struct sbx_gate *gate, struct sbx_ticket *ticket)
{
	struct sbx_ticket **at = &gate->first;

	while (*at != ticket)
		at = &(*at)->next;
	*at = ticket->next;
	if (gate->end == &ticket->next)
		gate->end = at;
	gate->n_queued--;
}

/* The place goes to who has waited longest. */
static void pass_on(struct sbx_gate *gate)
{
	struct sbx_ticket *next = gate->first;

	if (!next) {
		gate->n_runs--;
		return;
	}
	unlink_ticket(gate, next);
	next->is_admitted = true;
	eventfd_write(next->event_fd, 1);
}

void sbx_gate_leave(struct sbx_ticket *ticket)
{
	struct sbx_gate *gate = ticket->gate;

	if (!gate)
		return;
	pthread_mutex_lock(&gate->lock);
	if (ticket->is_admitted)
		pass_on(gate);
	else
		unlink_ticket(gate, ticket);
	pthread_mutex_unlock(&gate->lock);
	sbx_close(&ticket->event_fd);
	*ticket = (struct sbx_ticket)SBX_TICKET_INIT;
}
