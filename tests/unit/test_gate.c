/* SPDX-License-Identifier: MIT */
#include "serve/gate.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

/* Who relies on it: serve/job.c, for how much goes on at once. */

static int enter(struct sbx_gate *gate, struct sbx_ticket *ticket)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result;

	*ticket = (struct sbx_ticket)SBX_TICKET_INIT;
	result = sbx_gate_enter(gate, ticket, &err);
	assert_int_equal(err.outcome,
			 result < 0 ? SBX_OUTCOME_BUSY : SBX_OUTCOME_OK);
	return result;
}

static bool is_in(const struct sbx_ticket *ticket)
{
	struct pollfd fd = { .fd = ticket->event_fd, .events = POLLIN };

	return ticket->event_fd < 0 || poll(&fd, 1, 0) == 1;
}

/* So many at once, so many wait, no more; and in their order. */
static void test_order(void **state)
{
	struct sbx_gate *gate = NULL;
	struct sbx_ticket tickets[4];
	struct sbx_ticket refused;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	sbx_gate_new(&gate, 2, 2);
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(gate, &tickets[i]), 0);
	assert_int_equal(enter(gate, &refused), -1);
	sbx_gate_leave(&refused);
	assert_true(is_in(&tickets[0]) && is_in(&tickets[1]));
	assert_false(is_in(&tickets[2]) || is_in(&tickets[3]));
	sbx_gate_leave(&tickets[1]);
	assert_true(is_in(&tickets[2]));
	assert_false(is_in(&tickets[3]));
	assert_int_equal(sbx_gate_wait(&tickets[2], -1, &err), 0);
	assert_int_equal(enter(gate, &tickets[1]), 0);
	assert_false(is_in(&tickets[1]));
	sbx_gate_leave(&tickets[0]);
	sbx_gate_leave(&tickets[2]);
	assert_true(is_in(&tickets[3]) && is_in(&tickets[1]));
	sbx_gate_leave(&tickets[3]);
	sbx_gate_leave(&tickets[1]);
	/* And it is as empty as it was. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(enter(gate, &tickets[i]), 0);
	assert_int_equal(enter(gate, &refused), -1);
	for (int i = 0; i < 4; i++)
		sbx_gate_leave(&tickets[i]);
	sbx_gate_free(&gate);
}

/* Whoever gives up is passed over, first, last or in the middle. */
static void test_given_up(void **state)
{
	(void)state;
	for (int who = 1; who < 4; who++) {
		struct sbx_gate *gate = NULL;
		struct sbx_ticket tickets[4];
		struct sbx_error err = SBX_ERROR_INIT;
		int cancel = eventfd(1, 0);

		sbx_gate_new(&gate, 1, 3);
		for (int i = 0; i < 4; i++)
			assert_int_equal(enter(gate, &tickets[i]), 0);
		assert_int_equal(sbx_gate_wait(&tickets[who], cancel, &err),
				 -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
		sbx_gate_leave(&tickets[who]);
		for (int i = 0; i < 4; i++) {
			if (i == who)
				continue;
			assert_true(is_in(&tickets[i]));
			sbx_gate_leave(&tickets[i]);
		}
		assert_int_equal(enter(gate, &tickets[0]), 0);
		assert_true(is_in(&tickets[0]));
		sbx_gate_leave(&tickets[0]);
		sbx_gate_free(&gate);
		close(cancel);
	}
}

/* No queue: refused at once. */
static void test_no_queue(void **state)
{
	struct sbx_gate *gate = NULL;
	struct sbx_ticket first, second;

	(void)state;
	sbx_gate_new(&gate, 1, 0);
	assert_int_equal(enter(gate, &first), 0);
	assert_int_equal(enter(gate, &second), -1);
	sbx_gate_leave(&second);
	sbx_gate_leave(&first);
	assert_int_equal(enter(gate, &second), 0);
	sbx_gate_leave(&second);
	sbx_gate_free(&gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_no_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
