/* SPDX-License-Identifier: MIT */
#include "serve/mcp_stream.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "base/text.h"
#include "mcp_service.h"

/* Who relies on it: whoever has skillbox as an MCP server over stdio. */

#define MESSAGE_MAX 1000
#define STALL_MS    500

static struct sbx_mcp_stream options;
static pthread_t thread;

/* Our end, and what came of a line that is not there whole. */
static int client;
static struct sbx_buf heard = SBX_BUF_INIT(1 << 20);

static void *serve(void *ctx)
{
	sbx_mcp_stream_serve(&options);
	close(options.in_fd);
	return ctx;
}

static int enter(void **state)
{
	int fds[2];

	if (service_enter(state) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	client = fds[0];
	options = (struct sbx_mcp_stream){
		.service = service,
		.owner = "me",
		.in_fd = fds[1],
		.out_fd = fds[1],
		.end_fd = eventfd(0, EFD_CLOEXEC),
		.message_max = MESSAGE_MAX,
		.stall_ms = STALL_MS,
	};
	return pthread_create(&thread, NULL, serve, NULL);
}

/* By a hang-up, if it has not ended. */
static int leave(void **state)
{
	sbx_close(&client);
	pthread_join(thread, NULL);
	close(options.end_fd);
	sbx_buf_free(&heard);
	return service_leave(state);
}

static void say(const char *text)
{
	assert_int_equal(sbx_fd_write_all(client, text, strlen(text)), 0);
}

/* The next line, without its end; NULL at the end of all. */
static char *next_line(void)
{
	const char *end;
	char *line;

	while (!(end = strchr(sbx_buf_text(&heard), '\n'))) {
		struct pollfd fd = { .fd = client, .events = POLLIN };
		char data[4096];
		ssize_t got;

		if (poll(&fd, 1, 10000) != 1)
			fail_msg("no answer");
		got = read(client, data, sizeof(data));
		if (got <= 0)
			return NULL;
		sbx_buf_append(&heard, data, (size_t)got);
	}
	line = sbx_strndup(heard.data, (size_t)(end - heard.data));
	sbx_buf_consume(&heard, strlen(line) + 1);
	return line;
}

static void check_next(const char *expected)
{
	cleanup_free char *line = next_line();

	assert_non_null(line);
	assert_string_equal(line, expected);
}

static void check_next_begins(const char *prefix)
{
	cleanup_free char *line = next_line();

	assert_non_null(line);
	if (!sbx_text_has_prefix(line, prefix))
		assert_string_equal(line, prefix);
}

#define BEGIN	 "{\"jsonrpc\": \"2.0\", "
#define PING(id) BEGIN "\"id\": " id ", \"method\": \"ping\"}"
#define PONG(id) BEGIN "\"id\": " id ", \"result\": {}}"
#define CALL(id)                                                               \
	BEGIN "\"id\": " id ", \"method\": \"tools/call\", \"params\": "       \
	      "{\"name\": \"a_b\"}}\n"
#define CANCEL(id)                                                             \
	BEGIN "\"method\": \"notifications/cancelled\", \"params\": "          \
	      "{\"requestId\": " id "}}\n"

/* What a call comes to that was let in: there is no engine. */
#define CALLED(id)                                                             \
	BEGIN "\"id\": " id ", \"result\": {\"content\": [{\"type\": "         \
	      "\"text\", \"text\": \""

static void initialize(void)
{
	say(BEGIN "\"id\": 0, \"method\": \"initialize\", \"params\": "
		  "{\"protocolVersion\": \"2025-11-25\"}}\n");
	check_next_begins(BEGIN "\"id\": 0, \"result\": {\"protocolVersion\": "
				"\"2025-11-25\"");
}

/* A line is a message, however it arrives. */
static void test_lines(void **state)
{
	(void)state;
	say(PING("1") "\n" PING("2") "\r\n\n \t\r\n" PING("3"));
	check_next(PONG("1"));
	check_next(PONG("2"));
	usleep(10000);
	say("\n{\"jsonrpc\": ");
	check_next(PONG("3"));
	usleep(10000);
	say("\"2.0\", \"id\": 4, \"method\": \"ping\"}\n");
	check_next(PONG("4"));
}

/* What is said in the beginning holds from then on. */
static void test_begins(void **state)
{
	(void)state;
	say(BEGIN "\"id\": 1, \"method\": \"tools/list\"}\n");
	check_next_begins(BEGIN "\"id\": 1, \"error\": {\"code\": -32602");
	initialize();
	say(BEGIN "\"method\": \"notifications/initialized\"}\n");
	say(BEGIN "\"id\": 2, \"method\": \"tools/list\"}\n");
	check_next_begins(BEGIN "\"id\": 2, \"result\": {\"tools\": "
				"[{\"name\": \"a_b\"");
}

static void test_no_messages(void **state)
{
	(void)state;
	say("{\n" PING("1") "\n");
	check_next_begins(BEGIN "\"error\": {\"code\": -32700");
	check_next(PONG("1"));
	say("[]\n" PING("2") "\n");
	check_next_begins(BEGIN "\"error\": {\"code\": -32600");
	check_next(PONG("2"));
}

/* Of the largest size, and of one more. */
static void test_sizes(void **state)
{
	char blanks[MESSAGE_MAX + 1];

	(void)state;
	memset(blanks, ' ', MESSAGE_MAX);
	blanks[MESSAGE_MAX - strlen(PING("1"))] = '\0';
	say(blanks);
	say(PING("1") "\n");
	check_next(PONG("1"));
	say(blanks);
	say(" " PING("2") "\n" PING("3") "\n");
	check_next(BEGIN "\"error\": {\"code\": -32600, \"message\": \"the "
			 "message is too large\"}}");
	check_next(PONG("3"));
	/* It is not kept, and told of once. */
	for (int i = 0; i < 10; i++)
		say(blanks);
	say("\n" PING("4") "\n");
	check_next_begins(BEGIN "\"error\": {\"code\": -32600");
	check_next(PONG("4"));
}

/* A call takes its time, and others do not wait for it. */
static void test_calls(void **state)
{
	(void)state;
	initialize();
	take_place();
	say(CALL("1"));
	await_runs("me", 1);
	say(PING("2") "\n");
	check_next(PONG("2"));
	sbx_gate_leave(&place);
	check_next_begins(CALLED("1"));
	await_runs("me", 0);
}

/* There is no place to run in, and none to wait in. */
static void test_busy(void **state)
{
	struct sbx_ticket tickets[] = { SBX_TICKET_INIT, SBX_TICKET_INIT };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	initialize();
	take_place();
	for (size_t i = 0; i < SBX_ARRAY_SIZE(tickets); i++)
		assert_int_equal(
			sbx_gate_enter(service->gate, &tickets[i], &err), 0);
	say(CALL("1"));
	check_next_begins(CALLED("1") "busy: ");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(tickets); i++)
		sbx_gate_leave(&tickets[i]);
	sbx_gate_leave(&place);
	say(CALL("1"));
	check_next_begins(CALLED("1"));
}

static void test_cancel(void **state)
{
	(void)state;
	initialize();
	take_place();
	say(CALL("1") CALL("\"1\""));
	await_runs("me", 2);
	say(CANCEL("2") CANCEL("1"));
	await_runs("me", 1);
	/* Nobody wants to hear of it, and its id is free. */
	say(PING("2") "\n");
	check_next(PONG("2"));
	sbx_gate_leave(&place);
	check_next_begins(CALLED("\"1\""));
	say(CALL("1"));
	check_next_begins(CALLED("1"));
}

/* It is refused, and never was; the first goes on. */
static void test_same_id(void **state)
{
	(void)state;
	initialize();
	take_place();
	say(CALL("1"));
	await_runs("me", 1);
	say(CALL("1"));
	check_next(BEGIN "\"error\": {\"code\": -32600, \"message\": \"id: a "
			 "request of that id is under way\"}}");
	assert_int_equal(count_runs("me"), 1);
	sbx_gate_leave(&place);
	check_next_begins(CALLED("1"));
	await_runs("me", 0);
}

/* Who has said all that he has to say still hears what he asked for. */
static void test_end_of_input(void **state)
{
	cleanup_free char *line = NULL;

	(void)state;
	initialize();
	take_place();
	say(CALL("1"));
	await_runs("me", 1);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	usleep(20000);
	assert_int_equal(count_runs("me"), 1);
	sbx_gate_leave(&place);
	check_next_begins(CALLED("1"));
	line = next_line();
	assert_null(line);
}

/* A shell's `printf` writes no newline. */
static void test_last_line(void **state)
{
	cleanup_free char *line = NULL;

	(void)state;
	say(PING("1") "\n" PING("2"));
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	check_next(PONG("1"));
	check_next(PONG("2"));
	line = next_line();
	assert_null(line);
}

/* And so does he from whom no more is taken. */
static void test_end_fd(void **state)
{
	cleanup_free char *line = NULL;

	(void)state;
	initialize();
	take_place();
	say(CALL("1"));
	await_runs("me", 1);
	eventfd_write(options.end_fd, 1);
	usleep(20000);
	say(PING("2") "\n");
	sbx_gate_leave(&place);
	check_next_begins(CALLED("1"));
	line = next_line();
	assert_null(line);
}

/* Whoever is gone wants nothing any more. */
static void test_hang_up(void **state)
{
	(void)state;
	initialize();
	take_place();
	say(CALL("1") CALL("2"));
	await_runs("me", 2);
	sbx_close(&client);
	await_runs("me", 0);
	sbx_gate_leave(&place);
}

/* And so is whoever takes nothing, though he holds the line. */
static void test_stalls(void **state)
{
	static const char ping[] = PING("1") "\n";

	(void)state;
	initialize();
	take_place();
	say(CALL("1"));
	await_runs("me", 1);
	for (int i = 0; count_runs("me") > 0; i++) {
		assert_true(i < 10000);
		while (send(client, ping, strlen(ping),
			    MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			;
		usleep(1000);
	}
	sbx_gate_leave(&place);
	for (;;) {
		cleanup_free char *line = next_line();

		if (!line)
			break;
		assert_string_equal(line, PONG("1"));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),	 TEST(test_begins),
		TEST(test_no_messages),	 TEST(test_sizes),
		TEST(test_calls),	 TEST(test_busy),
		TEST(test_cancel),	 TEST(test_same_id),
		TEST(test_end_of_input), TEST(test_last_line),
		TEST(test_end_fd),	 TEST(test_hang_up),
		TEST(test_stalls),
	};

	signal(SIGPIPE, SIG_IGN); /* as the program has it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
