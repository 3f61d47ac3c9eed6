/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "secret/sealed.h"

#define HEAD	     "# Sealed secrets; safe to commit.  See: skillbox secret --help\n"
#define ALICE	     "7a91869e4c114964"
#define ALICE_PUBLIC "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
#define BOB	     "e95918fc55316af0"
#define BOB_PUBLIC   "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08="

/* 51 and 52 bytes that are no box of anybody. */
#define BOX                                                                    \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define OTHER                                                                  \
	"////////////////////////////////////////////////////////////////////" \
	"/w=="
#define TIME "2026-11-20T15:00:00Z"

static int parse(struct sbx_sealed *out, const char *text, const char *expected)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_sealed_parse(text, strlen(text), "FILE", out,
				      &problems, &err);

	assert_int_equal(result<0, problems.errors.n> 0);
	sbx_problems_free(&problems);
	if (result == 0)
		return 0;
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	if (!expected || !strstr(err.message, expected))
		fail_msg("'%s' is not in '%s'", expected, err.message);
	return -1;
}

static void check_text(const struct sbx_sealed *sealed, const char *expected)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_sealed_format(sealed, &text, &err), 0);
	assert_string_equal(sbx_buf_text(&text), expected);
}

static const char whole[] = HEAD "schema_version: 1\n"
				 "recipients:\n"
				 "  \"" ALICE "\": " ALICE_PUBLIC "\n"
				 "  \"" BOB "\": " BOB_PUBLIC "\n"
				 "secrets:\n"
				 "  API_TOKEN:\n"
				 "    sealed_at: \"" TIME "\"\n"
				 "    boxes:\n"
				 "      \"" ALICE "\": " BOX "\n"
				 "      \"" BOB "\": " OTHER "\n"
				 "  \"No\":\n"
				 "    sealed_at: \"" TIME "\"\n"
				 "    boxes:\n"
				 "      \"" ALICE "\": " BOX "\n"
				 "  null_:\n"
				 "    sealed_at: \"" TIME "\"\n"
				 "    boxes:\n"
				 "      \"" BOB "\": " BOX "\n";

/* What is written is read, and written again, as it was. */
static void test_whole(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	const struct sbx_sealed_secret *token;
	const struct sbx_sealed_box *box;

	(void)state;
	assert_int_equal(parse(&sealed, whole, NULL), 0);
	assert_int_equal(sealed.n_recipients, 2);
	assert_int_equal(sealed.n_secrets, 3);
	token = sbx_sealed_find(&sealed, "API_TOKEN");
	assert_non_null(token);
	assert_int_equal(token->sealed_ms, 1795186800000);
	box = sbx_sealed_box(token, BOB);
	assert_non_null(box);
	assert_int_equal(box->size, 52);
	assert_int_equal(box->data[51], 0xff);
	assert_null(sbx_sealed_box(sbx_sealed_find(&sealed, "null_"), ALICE));
	assert_null(sbx_sealed_find(&sealed, "API_TOKE"));
	check_text(&sealed, whole);
}

/* In another order, and with what others write into it, it is the same. */
static void test_other_form(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };

	(void)state;
	assert_int_equal(parse(&sealed,
			       HEAD
			       "x-note: [mine]\n"
			       "secrets:\n"
			       "  null_: {boxes: {" BOB ": " BOX
			       "}, sealed_at: " TIME "} # mine\n"
			       "  'No': {boxes: {" ALICE ": " BOX
			       "}, sealed_at: " TIME ", x-by: me}\n"
			       "  API_TOKEN: {boxes: {" BOB ": '" OTHER
			       "', " ALICE ": " BOX "}, sealed_at: " TIME "}\n"
			       "recipients: {" BOB ": " BOB_PUBLIC ", " ALICE
			       ": " ALICE_PUBLIC "}\n"
			       "schema_version: 1\n",
			       NULL),
			 0);
	check_text(&sealed, whole);
}

/* The comments it begins with are its author's, and stay. */
static void test_head(void **state)
{
	static const char text[] = "# Of the team.\n"
				   "#   Ask Ann.\n"
				   "schema_version: 1\n"
				   "recipients:\n"
				   "  \"" ALICE "\": " ALICE_PUBLIC "\n"
				   "secrets: {}\n";
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_buf struct sbx_buf own = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&sealed, text, NULL), 0);
	check_text(&sealed, text);
	sbx_sealed_clear(&sealed);
	assert_int_equal(parse(&sealed, strstr(text, "schema"), NULL), 0);
	sbx_strv_push(&sealed.head, "# Of the team.");
	sbx_strv_push(&sealed.head, "#   Ask Ann.");
	check_text(&sealed, text);
	sbx_strv_free(&sealed.head);
	assert_int_equal(sbx_sealed_format(&sealed, &own, &err), 0);
	assert_memory_equal(own.data, HEAD, strlen(HEAD));
	assert_string_equal(own.data + strlen(HEAD), strstr(text, "schema"));
}

/* --- changes -------------------------------------------------------------- */

static void put(struct sbx_sealed *sealed, const char *name, const char *id)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_sealed_secret *secret = sbx_sealed_renew(sealed, name, &err);
	unsigned char *data = sbx_calloc(1, 51);

	assert_non_null(secret);
	secret->sealed_ms = 1795186800000;
	sbx_sealed_set_box(secret, id, &data, 51);
	assert_null(data);
}

/* A change of one secret leaves the lines of all others alone. */
static void test_change(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 20);
	struct sbx_error err = SBX_ERROR_INIT;
	const char *no;

	(void)state;
	assert_int_equal(parse(&sealed, whole, NULL), 0);
	put(&sealed, "B", ALICE);
	assert_int_equal(sbx_sealed_format(&sealed, &text, &err), 0);
	no = strstr(whole, "  \"No\"");
	assert_memory_equal(text.data, whole, (size_t)(no - whole));
	assert_string_equal(text.data + text.len - strlen(no), no);
	put(&sealed, "B", BOB);
	assert_int_equal(sbx_sealed_find(&sealed, "B")->n_boxes, 1);
	assert_true(sbx_sealed_remove(&sealed, "B"));
	assert_false(sbx_sealed_remove(&sealed, "B"));
	check_text(&sealed, whole);
}

/* Boxes go with their recipient. */
static void test_recipients(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	unsigned char key[SBX_KEY_SIZE];
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(parse(&sealed, whole, NULL), 0);
	assert_true(sbx_key_decode(BOB_PUBLIC, strlen(BOB_PUBLIC), key));
	assert_int_equal(sbx_sealed_add_recipient(&sealed, key, &err), 0);
	assert_int_equal(sealed.n_recipients, 2);
	sbx_sealed_drop_recipient(&sealed, "0000000000000000");
	sbx_sealed_drop_recipient(&sealed, ALICE);
	assert_int_equal(sealed.n_recipients, 1);
	assert_string_equal(sealed.recipients[0].id, BOB);
	assert_null(sbx_sealed_recipient(&sealed, ALICE));
	assert_int_equal(sbx_sealed_find(&sealed, "API_TOKEN")->n_boxes, 1);
	assert_int_equal(sbx_sealed_find(&sealed, "No")->n_boxes, 0);
}

/* No more than can be read again. */
static void test_bounds(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 20);
	cleanup_sealed struct sbx_sealed again = { .n_secrets = 0 };
	unsigned char key[SBX_KEY_SIZE] = { 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_sealed_secret *secret;

	(void)state;
	for (int i = 0; i < SBX_SEALED_RECIPIENTS_MAX; i++) {
		key[0] = (unsigned char)i;
		assert_int_equal(sbx_sealed_add_recipient(&sealed, key, &err),
				 0);
	}
	key[1] = 1;
	assert_int_equal(sbx_sealed_add_recipient(&sealed, key, &err), -1);
	for (int i = 0; i < SBX_SEALED_SECRETS_MAX; i++) {
		cleanup_free char *name = sbx_asprintf("S%d", i);

		put(&sealed, name, sealed.recipients[0].id);
	}
	assert_null(sbx_sealed_renew(&sealed, "MORE", &err));
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_int_equal(sbx_sealed_format(&sealed, &text, &err), 0);
	assert_int_equal(parse(&again, sbx_buf_text(&text), NULL), 0);
	assert_int_equal(again.n_secrets, SBX_SEALED_SECRETS_MAX);
	secret = sbx_sealed_find(&sealed, "S7");
	for (size_t i = 0; i < 16; i++) {
		unsigned char *data = sbx_calloc(1, SBX_SEALED_BOX_MAX);

		sbx_sealed_set_box(secret, sealed.recipients[i].id, &data,
				   SBX_SEALED_BOX_MAX);
	}
	text.max = 4 << 20;
	sbx_buf_consume(&text, text.len);
	assert_int_equal(sbx_sealed_format(&sealed, &text, &err), -1);
	assert_non_null(strstr(err.message, "1 MiB"));
	text.max = 1024;
	assert_int_equal(sbx_sealed_format(&again, &text, &err), -1);
}

/* --- what is refused ------------------------------------------------------ */

#define TO     "recipients: {" ALICE ": " ALICE_PUBLIC "}\n"
#define VALID  "schema_version: 1\n" TO
#define SEALED "sealed_at: " TIME
#define ONE    "boxes: {" ALICE ": " BOX "}"

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "FILE:1:1: found nothing" },
		{ "schema_version: 1\nsecrets: {}\n",
		  "\"recipients\" is missing" },
		{ VALID, "\"secrets\" is missing" },
		{ TO "secrets: {}\n", "\"schema_version\" is missing" },
		{ "schema_version: 2\n" TO "secrets: {}\n", "found 2" },
		{ VALID "secrets: {}\nsecret: {}\n",
		  "FILE:4:1: secret: unknown key, did you mean \"secrets\"" },
		{ VALID "secrets: []\n", "FILE:3:10: secrets: found a list" },
		{ "schema_version: 1\nrecipients: {}\nsecrets: {}\n",
		  "FILE:2:13: recipients: found nobody" },
		/* The id has to be that of the key. */
		{ "schema_version: 1\nrecipients: {" BOB ": " ALICE_PUBLIC
		  "}\nsecrets: {}\n",
		  "FILE:2:14: recipients." BOB
		  ": this is not the id of the public key beside it, which is "
		  "\"" ALICE "\"" },
		{ "schema_version: 1\nrecipients: {" ALICE
		  ": hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo}\n"
		  "secrets: {}\n",
		  "standard base64" },
		{ "schema_version: 1\nrecipients: {" ALICE
		  ": hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmoA}\n"
		  "secrets: {}\n",
		  "32 bytes" },
		{ "schema_version: 1\nrecipients: {" ALICE
		  ": 5}\nsecrets: {}\n",
		  "found something else, expected a public key" },
		{ "schema_version: 1\nrecipients: {1234567890123456: "
		  "x}\nsecrets: {}\n",
		  "FILE:2:14: found a key that is not a text" },
		{ VALID "secrets: {A-B: {" SEALED ", " ONE "}}\n",
		  "FILE:3:11: secrets.A-B: this can be no secret's name" },
		{ VALID "secrets: {A: {" ONE "}}\n",
		  "\"sealed_at\" is missing" },
		{ VALID "secrets: {A: {" SEALED "}}\n",
		  "\"boxes\" is missing" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {}}}\n",
		  "found no box" },
		{ VALID "secrets: {A: {" SEALED
			", boxes: {1234567890123456: " BOX "}}}\n",
		  "found a key that is not a text" },
		{ VALID "secrets: {A: {" SEALED ", boxes: []}}\n",
		  "found a list, expected a mapping of recipients" },
		{ "schema_version: 1\nrecipients: []\nsecrets: {}\n",
		  "found a list, expected a mapping of ids" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" BOB ": " BOX
			"}}}\n",
		  "there is no such recipient" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {'': " BOX "}}}\n",
		  "there is no such recipient" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" ALICE
			": AAAA}}}\n",
		  "found a box of 3 bytes" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" ALICE
			": AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			"AAAAAAAAAAAA}}}\n",
		  "found a box of 48 bytes" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" ALICE ": " BOX
			"A}}}\n",
		  "variant ORIGINAL" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" ALICE ": '" BOX
			" '}}}\n",
		  "variant ORIGINAL" },
		{ VALID "secrets: {A: {" SEALED ", boxes: {" ALICE ": []}}}\n",
		  "found a list, expected a box" },
		{ VALID "secrets: {A: {sealed_at: 2026-11-20, " ONE "}}\n",
		  "expected a time in UTC" },
		{ VALID "secrets: {A: {sealed_at: 2026-02-30T15:00:00Z, " ONE
			"}}\n",
		  "expected a time in UTC" },
		{ VALID "secrets: {A: {sealed_at: 2026-11-20T15:00:00.5Z, " ONE
			"}}\n",
		  "expected a time in UTC" },
		{ VALID "secrets: {A: {" SEALED ", " ONE "}, A: {" SEALED
			", " ONE "}}\n",
		  "duplicate key" },
		/* Cut off anywhere, it is no document. */
		{ HEAD "schema_version: 1\nrecipients:\n  \"" ALICE
		       "\": hSDwCYkwp1R0i33ctD73Wg2/",
		  "\"secrets\" is missing" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct sbx_sealed sealed = { .n_secrets = 99 };

		if (parse(&sealed, cases[i].text, cases[i].expected) != -1)
			fail_msg("case %zu was taken", i);
		assert_int_equal(sealed.n_secrets, 99);
	}
}

/* What somebody has written there in the clear is not in the messages. */
static void test_in_the_clear(void **state)
{
	static const char *const texts[] = {
		"hunter-22",
		VALID "secrets: hunter-22\n",
		VALID "secrets: {A: hunter-22}\n",
		VALID "secrets: {A: {" SEALED ", boxes: hunter-22}}\n",
		VALID "secrets: {A: {sealed_at: hunter-22, " ONE "}}\n",
		VALID "secrets: {A: {" SEALED ", boxes: {" ALICE
		      ": hunter-22}}}\n",
		"schema_version: 1\nrecipients: hunter-22\nsecrets: {}\n",
		"schema_version: 1\nrecipients: {" ALICE
		": hunter-22}\nsecrets: {}\n",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_sealed sealed;

		assert_int_equal(sbx_sealed_parse(texts[i], strlen(texts[i]),
						  "FILE", &sealed, &problems,
						  &err),
				 -1);
		assert_null(strstr(err.message, "hunter"));
		for (size_t k = 0; k < problems.errors.n; k++)
			assert_null(strstr(problems.errors.v[k], "hunter"));
		sbx_problems_free(&problems);
	}
}

/* A box, and recipients, as many as there may be, and one more. */
static void test_too_much(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 20);
		cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
		size_t size = (SBX_SEALED_BOX_MAX + more) / 3 * 4;

		sbx_buf_puts(&text, VALID "secrets: {A: {" SEALED
					  ", boxes: {" ALICE ": ");
		for (size_t i = 0; i < size; i++)
			sbx_buf_puts(&text, "A");
		sbx_buf_puts(&text, more ? "}}}\n" : "AAA=}}}\n");
		assert_int_equal(parse(&sealed, sbx_buf_text(&text),
				       "found a box of 65841 bytes"),
				 more ? -1 : 0);
	}
	for (int more = 0; more < 2; more++) {
		cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1 << 20);
		cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
		int most = SBX_SEALED_RECIPIENTS_MAX + more;

		sbx_buf_puts(&text, "schema_version: 1\nsecrets: {}\n"
				    "recipients:\n");
		for (int i = 0; i < most; i++) {
			unsigned char key[SBX_KEY_SIZE] = {
				[0] = (unsigned char)i
			};
			char base64[SBX_KEY_TEXT_SIZE];
			char id[SBX_KEY_ID_SIZE];

			sbx_key_id(key, id);
			sbx_key_encode(key, base64);
			sbx_buf_printf(&text, "  \"%s\": %s\n", id, base64);
		}
		assert_int_equal(
			parse(&sealed, sbx_buf_text(&text), "recipients: "),
			more ? -1 : 0);
	}
}

/* Every line of it is needed, and every byte of a line but for comments. */
static void test_truncated(void **state)
{
	const size_t head = strlen(HEAD);

	(void)state;
	for (size_t size = 0; size + 1 < strlen(whole); size++) {
		cleanup_free char *part = sbx_strndup(whole, size);
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_sealed sealed = { .n_secrets = 0 };
		struct sbx_error err = SBX_ERROR_INIT;
		int result = sbx_sealed_parse(part, size, "FILE", &sealed,
					      &problems, &err);

		/* Between two secrets the rest is a document too. */
		if (result == 0 && sealed.n_secrets == 3)
			fail_msg("%zu bytes are enough", size);
		assert_true(result == -1 || size > head);
		sbx_sealed_clear(&sealed);
		sbx_problems_free(&problems);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_other_form),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_in_the_clear),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
