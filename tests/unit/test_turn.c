/* SPDX-License-Identifier: MIT */
/* Calls to one engine take turns, whoever makes them and since when. */
#include "engine/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"

/* As the engine's socket is one or another. */
static uint64_t identity;

static uint64_t say_identity(const struct sbx_transport *transport)
{
	(void)transport;
	return identity;
}

static const struct sbx_transport_ops ops = { .identity = say_identity };
static const struct sbx_transport transport = { .ops = &ops };

static off_t begin(struct sbx_turn *turn)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(
		sbx_turn_begin(turn, &transport, SBX_TURN_NORMAL, -1, &err), 0);
	assert_int_not_equal(turn->slot, SBX_SLOTS_NONE);
	return turn->slots.start;
}

/* A daemon may be there before its engine, and after it. */
static void test_engine_that_was_started_again(void **state)
{
	struct sbx_turn old, other;
	off_t first, second;

	(void)state;
	sbx_turn_init(&old);
	sbx_turn_init(&other);
	identity = 0;
	first = begin(&old);
	sbx_turn_end(&old);
	identity = 7;
	second = begin(&old);
	assert_int_not_equal(first, second);
	assert_int_equal(begin(&other), second);
	assert_int_not_equal(old.slot, other.slot);
	sbx_turn_end(&old);
	sbx_turn_end(&other);
	assert_int_equal(begin(&old), second);
	sbx_turn_end(&old);
	sbx_turn_free(&old);
	sbx_turn_free(&other);
}

static int enter(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	return setenv("XDG_RUNTIME_DIR", scratch_path, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_engine_that_was_started_again, enter,
			scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
