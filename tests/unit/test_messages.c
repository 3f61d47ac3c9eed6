/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "engine/messages.h"

struct fixture {
	struct sbx_messages *messages;
	struct sbx_buf lines;
	struct sbx_error err;
};

static void collect(void *ctx, const char *line)
{
	struct fixture *f = ctx;

	sbx_buf_printf(&f->lines, "%s|", line);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sbx_messages_new(&f->messages, &(struct sbx_progress){ collect, f });
	f->lines.max = 65536;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_messages_free(&f->messages);
	sbx_buf_free(&f->lines);
	free(f);
	return 0;
}

static void feed(struct fixture *f, const char *text)
{
	if (sbx_messages_feed(f->messages, text, strlen(text), &f->err) < 0)
		fail_msg("%s", f->err.message);
}

static void finish(struct fixture *f)
{
	assert_int_equal(sbx_messages_finish(f->messages, &f->err), 0);
}

/* Docker 20.10, classic builder. */
static void test_classic(void **state)
{
	struct fixture *f = *state;

	feed(f, "{\"stream\":\"Step 1/2 : FROM scratch\"}\r\n"
		"{\"stream\":\"\\n\"}\r\n"
		"{\"stream\":\" ---\\u003e \\n\"}\r\n"
		"{\"stream\":\"\\u001b[91mtwo\\n\\u001b[0m\"}\r\n");
	assert_false(sbx_messages_has_image(f->messages));
	feed(f, "{\"aux\":{\"ID\":\"sha256:abc\"}}\r\n"
		"{\"stream\":\"Successfully built abc\\n\"}");
	finish(f);
	assert_true(sbx_messages_has_image(f->messages));
	assert_null(sbx_messages_failure(f->messages));
	assert_string_equal(sbx_buf_text(&f->lines),
			    "Step 1/2 : FROM scratch|two|"
			    "Successfully built abc|");
}

/* Podman 4.3 tells the image in words only. */
static void test_image_in_words(void **state)
{
	struct fixture *f = *state;

	feed(f, "{\"stream\":\"Successfully built abc\\n\"}\n");
	assert_true(sbx_messages_has_image(f->messages));
}

static void test_buildkit_image(void **state)
{
	struct fixture *f = *state;

	feed(f, "{\"id\":\"moby.buildkit.trace\",\"aux\":\"\"}\n");
	assert_false(sbx_messages_has_image(f->messages));
	feed(f, "{\"id\":\"moby.image.id\",\"aux\":{\"ID\":\"sha256:a\"}}\n");
	assert_true(sbx_messages_has_image(f->messages));
	assert_string_equal(sbx_buf_text(&f->lines), "");
}

/* The many "Downloading" of a layer are not worth lines. */
static void test_pull(void **state)
{
	struct fixture *f = *state;

	feed(f, "{\"status\":\"Pulling from library/x\",\"id\":\"latest\"}\n"
		"{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"a\"}\n"
		"{\"status\":\"Downloading\",\"progressDetail\":"
		"{\"current\":1,\"total\":9},\"progress\":\"[> ]\","
		"\"id\":\"a\"}\n"
		"{\"status\":\"Digest: sha256:b\"}\n");
	finish(f);
	assert_string_equal(sbx_buf_text(&f->lines),
			    "latest: Pulling from library/x|a: Waiting|"
			    "Digest: sha256:b|");
}

static void test_failure(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;

	feed(f, "{\"stream\":\"one\\n\"}\n{\"stream\":\"two\"}\n"
		"{\"errorDetail\":{\"code\":3,\"message\":\"code 3\\n\"},"
		"\"error\":\"code 3\"}\n"
		"{\"error\":\"a second one\"}\n");
	finish(f);
	assert_string_equal(sbx_messages_failure(f->messages), "code 3");
	assert_int_equal(sbx_messages_build_failed(f->messages, "code 3", &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUILD_FAILED);
	assert_string_equal(err.message, "code 3\none\ntwo");
}

/* Of a long output the newest lines stay, whole, as many as fit. */
static void test_tail(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;

	for (int i = 0; i < 1000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{\"stream\":\"line %d\\n\"}\n",
			 i);
		feed(f, text);
	}
	sbx_messages_build_failed(f->messages, "failed", &err);
	assert_true(sbx_text_has_prefix(err.message, "failed\nline 980\n"));
	assert_true(sbx_text_has_suffix(err.message, "\nline 999"));
	for (int i = 0; i < 1000; i++) {
		char text[256];

		snprintf(text, sizeof(text), "{\"stream\":\"%0100d\\n\"}\n", i);
		feed(f, text);
	}
	sbx_messages_build_failed(f->messages, "failed", &err);
	assert_true(sbx_text_has_prefix(err.message, "failed\n0000"));
	assert_true(sbx_text_has_suffix(err.message, "0999"));
	assert_true(strlen(err.message) > sizeof(err.message) - 160 - 120);
	/* what is put in front does not push out the last line */
	sbx_error_wrap(&err, "run a-skill: build skillbox/a-skill");
	assert_true(sbx_text_has_suffix(err.message, "0999"));
}

/* One endless line, and an endless reason: both are cut at a character. */
static void test_long(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	char text[4096];
	char what[2048];

	memset(what, 'w', sizeof(what));
	what[sizeof(what) - 1] = '\0';
	feed(f, "{\"stream\":\"a");
	for (int i = 0; i < 1000; i++)
		feed(f, "\xc3\xa9");
	feed(f, "\\n\"}\n");
	sbx_messages_build_failed(f->messages, what, &err);
	snprintf(text, sizeof(text), "%.400s\na\xc3\xa9", what);
	assert_true(sbx_text_has_prefix(err.message, text));
	assert_true(strlen(err.message) > sizeof(err.message) - 160 - 4);
	assert_true(sbx_text_is_utf8(err.message, strlen(err.message)));
}

static void test_not_messages(void **state)
{
	static const char *const texts[] = {
		"hello\n",
		"[]\n",
		"{\"id\":\"moby.buildkit.trace\",\"aux\":\"!\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sbx_messages *messages;
		struct sbx_error err = SBX_ERROR_INIT;

		sbx_messages_new(&messages,
				 &(struct sbx_progress){ .line = NULL });
		assert_int_equal(sbx_messages_feed(messages, texts[i],
						   strlen(texts[i]), &err),
				 -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
		sbx_messages_free(&messages);
	}
}

/* Members of an unexpected type are not there. */
static void test_odd_types(void **state)
{
	struct fixture *f = *state;

	feed(f, "{\"stream\":1}\n{\"aux\":{\"ID\":1}}\n{\"error\":null}\n"
		"{\"errorDetail\":\"x\"}\n{\"status\":{}}\n{\"id\":[]}\n"
		"{\"status\":\"s\",\"progressDetail\":7}\n{}\n");
	finish(f);
	assert_false(sbx_messages_has_image(f->messages));
	assert_null(sbx_messages_failure(f->messages));
	assert_string_equal(sbx_buf_text(&f->lines), "s|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_classic),	   TEST(test_image_in_words),
		TEST(test_buildkit_image), TEST(test_pull),
		TEST(test_failure),	   TEST(test_tail),
		TEST(test_long),	   TEST(test_not_messages),
		TEST(test_odd_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
