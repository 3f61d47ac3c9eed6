/* SPDX-License-Identifier: MIT */
/*
 * What comes out when something with a secret in it goes in.  Every text is
 * fed whole, cut in two at each place, byte by byte, and in random pieces, and
 * each time the same has to come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/buf.h"
#include "secret/memory.h"
#include "secret/redact.h"
#include "secret/redact_match.h"

/* --- feeding --------------------------------------------------------------- */

static struct sbx_secrets secrets;
static struct sbx_redactor *redactor;
static uint32_t seed = 1;

/* Of a range, the same each time the tests run. */
static size_t some(size_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (size_t)(((uint64_t)seed * n) >> 32);
}

static void add_secret(const void *value, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;
	unsigned char *memory = NULL;
	char name[32];

	assert_int_equal(sbx_secret_alloc(&memory, size, &err), 0);
	memcpy(memory, value, size);
	snprintf(name, sizeof(name), "S%zu", secrets.n);
	sbx_secrets_set(&secrets, name, &memory, size);
}

static void look_for_bytes(const void *value, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;

	sbx_redactor_free(&redactor);
	sbx_secrets_clear(&secrets);
	add_secret(value, size);
	assert_int_equal(sbx_redactor_new(&redactor, &secrets, &err), 0);
}

/* The values, NULL at the end. */
static void look_for(const char *value, ...)
{
	struct sbx_error err = SBX_ERROR_INIT;
	va_list args;

	sbx_redactor_free(&redactor);
	sbx_secrets_clear(&secrets);
	va_start(args, value);
	for (; value; value = va_arg(args, const char *))
		add_secret(value, strlen(value));
	va_end(args);
	assert_int_equal(sbx_redactor_new(&redactor, &secrets, &err), 0);
}

static int teardown(void **state)
{
	(void)state;
	sbx_redactor_free(&redactor);
	sbx_secrets_clear(&secrets);
	return 0;
}

static void to_buf(void *ctx, const void *data, size_t size)
{
	assert_true(size > 0);
	assert_int_equal(sbx_buf_append(ctx, data, size), size);
}

/* Pieces of @first bytes once, then of @rest; 0: random ones. */
static void feed(struct sbx_buf *out, const void *text, size_t size,
		 size_t first, size_t rest, bool is_cut)
{
	cleanup_redaction struct sbx_redaction *redaction = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const char *at = text;

	out->max = 4 * size + 16;
	assert_int_equal(sbx_redaction_new(&redaction, redactor, &err), 0);
	while (size > 0) {
		size_t piece = first ? first : 1 + some(rest ? rest : 20);
		cleanup_free char *exact = NULL;

		if (piece > size)
			piece = size;
		exact = sbx_malloc(piece);
		memcpy(exact, at, piece);
		assert_int_equal(sbx_redaction_feed(redaction, exact, piece,
						    to_buf, out, &err),
				 0);
		at += piece;
		size -= piece;
		if (rest)
			first = rest;
	}
	sbx_redaction_end(redaction, is_cut, to_buf, out);
}

static void assert_fed(const void *text, size_t size, size_t first, size_t rest,
		       bool is_cut, const void *expected, size_t expected_size)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(0);

	feed(&out, text, size, first, rest, is_cut);
	if (out.len != expected_size ||
	    memcmp(sbx_buf_text(&out), expected, expected_size) != 0)
		fail_msg("\"%.*s\" in pieces of %zu and %zu is \"%s\", "
			 "not \"%.*s\"",
			 (int)size, (const char *)text, first, rest,
			 sbx_buf_text(&out), (int)expected_size,
			 (const char *)expected);
}

static void assert_bytes(const void *text, size_t size, bool is_cut,
			 const void *expected, size_t expected_size)
{
	if (size == 0)
		return;
	for (size_t first = 1; first <= size; first++)
		assert_fed(text, size, first, size, is_cut, expected,
			   expected_size);
	assert_fed(text, size, 1, 1, is_cut, expected, expected_size);
	for (int i = 0; i < 4; i++)
		assert_fed(text, size, 0, 0, is_cut, expected, expected_size);
}

static void becomes(const char *text, const char *expected)
{
	assert_bytes(text, strlen(text), false, expected, strlen(expected));
}

static void cut_becomes(const char *text, const char *expected)
{
	assert_bytes(text, strlen(text), true, expected, strlen(expected));
}

static void stays(const char *text)
{
	becomes(text, text);
}

/* --- as it is -------------------------------------------------------------- */

static void test_raw(void **state)
{
	(void)state;
	look_for("hunter22", NULL);
	becomes("hunter22", "***");
	becomes("a hunter22 b", "a *** b");
	becomes("hunthunter22er22", "hunt***er22");
	becomes("hhunter222", "h***2");
	becomes("hunter22, hunter22\n", "***, ***\n");
	stays("hunter2");
	stays("hunter23, Hunter22, hunter 22, hunter\n22");
	stays("");
}

/* All byte values, zeros too. */
static void test_binary(void **state)
{
	unsigned char value[256];
	unsigned char text[300];

	(void)state;
	for (int i = 0; i < 256; i++)
		value[i] = (unsigned char)(255 - i);
	look_for_bytes(value, sizeof(value));
	memset(text, 'x', sizeof(text));
	memcpy(text + 20, value, sizeof(value));
	assert_bytes(text, sizeof(text), false,
		     "xxxxxxxxxxxxxxxxxxxx***xxxxxxxxxxxxxxxxxxxxxxxx", 47);
	text[20 + 255] = 1;
	assert_bytes(text, sizeof(text), false, text, sizeof(text));
}

/* Without secrets, bytes are not even copied. */
static void same_place(void *ctx, const void *data, size_t size)
{
	const char **expected = ctx;

	assert_ptr_equal(data, *expected);
	assert_int_equal(size, 5);
	*expected = NULL;
}

static void test_nothing(void **state)
{
	cleanup_redaction struct sbx_redaction *redaction = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const char *text = "bytes";
	const char *expected = text;

	(void)state;
	assert_int_equal(sbx_redactor_new(&redactor, NULL, &err), 0);
	assert_null(redactor);
	look_for(NULL);
	assert_null(redactor);
	look_for("", NULL);
	assert_null(redactor);
	assert_int_equal(sbx_redaction_new(&redaction, redactor, &err), 0);
	assert_null(redaction);
	assert_int_equal(sbx_redaction_feed(redaction, text, 5, same_place,
					    &expected, &err),
			 0);
	assert_null(expected);
	sbx_redaction_end(redaction, true, same_place, &expected);
	stays("anything");
}

/* --- encoded --------------------------------------------------------------- */

static void test_percent(void **state)
{
	(void)state;
	look_for("p@ss w/rd", NULL);
	becomes("u=p%40ss%20w%2Frd&x", "u=***&x");
	becomes("u=p%40ss+w%2frd&x", "u=***&x");
	becomes("u=%70%40%73%73%20%77%2f%72%64", "u=***");
	becomes("u=p@ss+w/rd", "u=***");
	stays("p%40ss%20w%2Fr%6");
	stays("p@ss_w/rd");
	stays("p%4ss%20w%2Frd");
	stays("p%41ss+w%2Frd");
	look_for("a+b+c+d+e", NULL);
	becomes("x=a+b%2Bc+d%2be", "x=***");
	stays("a b c d e");
	look_for("100%25safe", NULL);
	becomes("100%25safe 100%2525safe 100%25%32%35safe", "*** *** ***");
	stays("100%safe");
	stays("100%25 safe");
	look_for("%%%%%%%%%", NULL);
	becomes("%%%%%%%%%", "***");
	becomes("=%25%25%25%25%25%25%25%25%25=", "=***=");
}

static void test_json(void **state)
{
	(void)state;
	look_for("a\"b\\c/d\ne\tf", NULL);
	becomes("{\"k\":\"a\\\"b\\\\c/d\\ne\\tf\"}", "{\"k\":\"***\"}");
	becomes("a\\\"b\\\\c\\/d\\ne\\tf", "***");
	becomes("a\\u0022b\\u005Cc\\u002fd\\u000ae\\u0009f", "***");
	becomes("\\u0061\"b\\c/d\ne\tf", "***");
	stays("a\\\"b\\\\c/d\\ne\\t");
	stays("a\\\"b\\\\c/d\\re\\tf");
	look_for("-----\nkey\\n\\\\-\\", NULL);
	becomes("\"-----\\nkey\\\\n\\\\\\\\-\\\\\"", "\"***\"");
	becomes("-----\nkey\\n\\\\-\\", "***");
	look_for("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80!", NULL);
	becomes("caf\\u00e9 \\u20AC \\ud83d\\ude00!", "***");
	becomes("caf\xc3\xa9+%E2%82%AC+\\uD83D\\uDE00!", "***");
	becomes("caf\\u00c3\\u00a9 \\u20AC \xf0\x9f\x98\x80!", "***");
	becomes("caf\\xe9 \\u20ac \\ud83d\\ude00!", "***");
	becomes("caf%E9 %E2%82%AC %F0%9F%98%80!", "***");
	stays("caf\\xe8 \\u20ac \\ud83d\\ude00!");
	stays("caf\\u00e9 \\u20AC \\ud83d\\ude01!");
	stays("caf\\u00e9 \\u20AC \\ud83d!");
	stays("caf\\u00e9 \\u20AC \\ude00\\ud83d!");
	/* At the beginning, where it is looked for in another way. */
	look_for("\xc3\xa9-secret", NULL);
	becomes("\\u00e9-secret \\xe9-secret %E9-secret", "*** *** ***");
	look_for("\xe9-secret", NULL);
	becomes("\\u00e9-secret", "***");
	look_for("\xe2\x82\xac-secret", NULL);
	becomes("\\u20ac-secret", "***");
	look_for("/-secret", NULL);
	becomes("\\u002f-secret \\/-secret %2f-secret", "*** *** ***");
	look_for("\xc3\x83-secret", NULL);
	becomes("\\u00c3-secret", "***");
	/* Its last byte may be the first of UTF-8, of which there is no more. */
	look_for("abcdefg\xc3", NULL);
	becomes("abcdefg\\u00c3", "***");
	look_for("a'b c\x01\xff", NULL);
	becomes("b'a\\'b c\\x01\\xff'", "b'***'");
	becomes("a\\'b\\ c\x01\xff", "***");
}

/* Halves that do not make a whole are no character, whatever they add up to. */
static void test_surrogates(void **state)
{
	(void)state;
	look_for("\xf0\x9f\x98\x80-abc", NULL);
	becomes("\\ud83d\\ude00-abc", "***");
	becomes("\\ud83d\\ud83d\\ude00-abc", "\\ud83d***");
	look_for("Abcdefgh", NULL);
	becomes("\\ud83d\\u0041bcdefgh", "\\ud83d***");
	look_for("\xed\xb8\x80-abc", NULL);
	stays("\\ude00-abc");
	look_for("\xf8\x90\x88\x80-abc", NULL);
	stays("\\ude00-abc");
	look_for("\xf4\x90\x80\x80-abc", NULL);
	stays("\\udc00\\udc00-abc");
	look_for("\xef\xbf\xbf-abc", NULL);
	becomes("\\uffff-abc", "***");
	stays("\\u000g-abc");
	look_for("\xf0\x9f\xa0\x80-abc", NULL);
	becomes("\\ud83e\\udc00-abc", "***");
	stays("\\ud83d\\ue000-abc");
}

static void test_hex(void **state)
{
	(void)state;
	look_for("\x01\xab\xcd\xefklm", NULL);
	becomes("<01abcdef6b6c6d>", "<***>");
	becomes("01ABCDEF6B6C6D", "***");
	becomes("01:ab:cd:ef:6b:6c:6d", "***");
	becomes("01 ab cd\n ef 6b-6c 6d", "***");
	becomes("01abcdef\r\n6b6c6d\n", "***\n");
	becomes("\"01abcdef\\n6b6c6d\"", "\"***\"");
	becomes("\"01abcdef6b6c\\\\n6d\"", "\"***\"");
	becomes("0001abcdef6b6c6d00", "00***00");
	becomes("\\x01\\xab\\xcd\\xef\\x6b\\x6C\\x6D", "***");
	stays("01abcdef6b6c6");
	stays("0 1abcdef6b6c6d");
	stays("01abcdef6b6c6e");
	stays("01abcdef                 6b6c6d");
	stays("01abcdef;6b6c6d");
	stays("01abcdef%006b6c6d");
	stays("01abcdef\\u010a6b6c6d");
}

/* What base64 makes of @size bytes, of which those from @from to @to are to be
 * redacted: characters with one of their bits in them. */
static void encode64(const unsigned char *bytes, size_t size, size_t from,
		     size_t to, int variant, struct sbx_buf *out,
		     struct sbx_buf *expected)
{
	size_t n = sodium_base64_encoded_len(size, variant);
	cleanup_free char *text = sbx_malloc(n);
	size_t first = 8 * from / 6;
	size_t last = (8 * to - 1) / 6;

	sodium_bin2base64(text, n, bytes, size, variant);
	sbx_buf_puts(out, text);
	sbx_buf_append(expected, text, first);
	sbx_buf_puts(expected, "***");
	sbx_buf_puts(expected, text + last + 1);
}

/* At all alignments, before anything and after anything. */
static void test_base64(void **state)
{
	static const int variants[] = {
		sodium_base64_VARIANT_ORIGINAL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
		sodium_base64_VARIANT_URLSAFE,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING,
	};
	unsigned char bytes[64];

	(void)state;
	for (int i = 0; i < 120; i++) {
		size_t before = (size_t)i % 7;
		size_t size = 4 + (size_t)i % 13;
		size_t after = some(6);
		cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1000);
		cleanup_buf struct sbx_buf expected = SBX_BUF_INIT(1000);

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)(some(2) ? some(256)
							   : 0xfb + some(5));
		look_for_bytes(bytes + before, size);
		encode64(bytes, before + size + after, before, before + size,
			 variants[i % 4], &text, &expected);
		assert_bytes(text.data, text.len, false, expected.data,
			     expected.len);
	}
}

/* What is next to letters and digits in ASCII is no base64. */
static void test_no_base64(void **state)
{
	static const char others[] = "{[:@`!,.;=*\x80\xff";

	(void)state;
	look_for("\xd3M4\xd3M4", NULL);
	becomes("00000000", "***");
	for (size_t i = 0; i < strlen(others); i++) {
		char text[] = "00000000";

		text[4] = others[i];
		stays(text);
		memset(text, others[i], 8);
		stays(text);
	}
}

/* Lines, with whatever ends them; in URLs and in JSON. */
static void test_base64_lines(void **state)
{
	(void)state;
	look_for("\xff\xef\xbe"
		 "token-\xfb\xff",
		 NULL);
	/* /+++dG9rZW4t+/8= */
	becomes("/+++dG9rZW4t+/8=", "***=");
	becomes("_---dG9rZW4t-_8", "***");
	becomes("/+++dG9\nrZW4t+/8=", "***=");
	becomes("/+++dG9\r\nrZW4t+/8=", "***=");
	becomes("/\r\n+++dG9rZW4t+/\r\n8=", "***=");
	becomes("  /+++dG9\n  rZW4t+/8=", "  ***=");
	becomes("\\/+++dG9\\nrZW4t+\\/8=", "***=");
	becomes("\\/+++dG9\\r\\nrZW4t+\\/8=", "***=");
	becomes("\\u002f\\u002b\\u002B\\u002BdG9rZW4t\\u002b\\u002f8=", "***=");
	becomes("v=%2F%2B%2B%2BdG9rZW4t%2B%2F8%3D", "v=***%3D");
	becomes("/+++dG9\n\trZW4t+/8=", "***=");
	stays("/+++dG9 rZW4t+/8=");
	stays("/+++dG9\n.rZW4t+/8=");
	stays("/+++dG9rZW4t+/");
	stays("/+++dG9rZW5t+/8=");
}

static enum sbx_redact_result match(const struct sbx_redact_matcher *matcher,
				    const char *text, size_t *used)
{
	struct sbx_redact_attempt attempt = { .matcher = matcher };

	return sbx_redact_match(&attempt, (const unsigned char *)text,
				strlen(text), used);
}

/* An attempt begins with a character, not with what may be between two. */
static void test_leading_breaks(void **state)
{
	struct sbx_redact_matcher matcher = {
		.value = (const unsigned char *)"A",
		.size = 1,
	};
	size_t used;

	(void)state;
	matcher.form = SBX_REDACT_HEX;
	assert_int_equal(match(&matcher, "41", &used), SBX_REDACT_FOUND);
	assert_int_equal(match(&matcher, "\n41", &used), SBX_REDACT_FAILED);
	matcher.form = SBX_REDACT_BASE64;
	assert_int_equal(match(&matcher, "QQ", &used), SBX_REDACT_FOUND);
	assert_int_equal(match(&matcher, "\nQQ", &used), SBX_REDACT_FAILED);
}

/* Backslashes count that are the value's, not what is before it in memory. */
static void test_only_backslashes(void **state)
{
	const struct sbx_redact_matcher matcher = {
		.form = SBX_REDACT_TEXT,
		.value = (const unsigned char *)"\\\\\\\\" + 1,
		.size = 3,
		.has_raw_backslash = true,
	};
	size_t used;

	(void)state;
	assert_int_equal(match(&matcher, "\\\\\\\"\"", &used),
			 SBX_REDACT_FOUND);
	assert_int_equal(used, 4);
}

#define PEM "-----BEGIN KEY-----\nMIIEvQ\"\n-----END KEY-----"

/* A file of lines, as shells and programs print it. */
static void test_lines(void **state)
{
	(void)state;
	look_for(PEM "\n", NULL);
	becomes(PEM "\n", "***");
	becomes("[" PEM "]", "[***]");
	becomes("-----BEGIN KEY----- MIIEvQ\" -----END KEY-----\n", "***");
	becomes("{\"k\": \"-----BEGIN KEY-----\\nMIIEvQ\\\"\\n-----END "
		"KEY-----\"}",
		"{\"k\": \"***\"}");
	becomes("-----BEGIN+KEY-----%0AMIIEvQ%22%0A-----END+KEY-----&", "***&");
	becomes("LS0tLS1CRUdJTiBLRVktLS0tLQpNSUlFdlEiCi0tLS0tRU5EIEtFWS0tLS0t",
		"***");
	stays("-----BEGIN KEY-----\nMIIEvQ\"\n-----END KEY----");
	look_for("one line\r\nand another\r\n", NULL);
	becomes("<one line\nand another\n>", "<***>");
	becomes("<one line\nand another>", "<***>");
	becomes("<one line\\nand another>", "<***>");
	becomes("<one line\r\nand another>", "<***>");
	stays("one line\rand another");
	look_for("a\nb-secret", NULL);
	becomes("a b-secret a%0Ab-secret", "*** ***");
	stays("a\\u005cnb-secret");
	look_for("a\r\nb-secret", NULL);
	becomes("a\nb-secret a\\nb-secret", "*** ***");
	look_for("one line\nand another", NULL);
	stays("one lin\nand another");
	look_for("one\rXtwo-lines", NULL);
	stays("one\ntwo-lines");
	look_for("hunter22-\r", NULL);
	becomes("hunter22-\n", "***\n");
	look_for("\t hunter22 \r", NULL);
	becomes("hunter22\n", "***\n");
	/* What is left has to be long enough. */
	look_for("hunter2\n", NULL);
	becomes("hunter2\n", "***");
	stays("hunter2");
}

static size_t forms_of(const char *value)
{
	struct sbx_redact_matcher matchers[SBX_REDACT_MATCHERS_MAX];
	size_t size = strlen(value);
	cleanup_free unsigned char *exact = sbx_malloc(size);

	memcpy(exact, value, size);
	return sbx_redact_matchers(exact, size, matchers);
}

/* Text, hexadecimal, base64 three times; as often again without blanks. */
static void test_forms(void **state)
{
	(void)state;
	assert_int_equal(forms_of("hunter22"), 5);
	assert_int_equal(forms_of("hunter22\n"), 10);
	assert_int_equal(forms_of(" hunter2"), 5);
	assert_int_equal(forms_of("        "), 5);
	assert_int_equal(forms_of("100%-sure"), 6);
	assert_int_equal(forms_of("\n100%\\-sure"), SBX_REDACT_MATCHERS_MAX);
}

/* JSON in a string of JSON, and that in another; URLs in URLs. */
static void test_nested(void **state)
{
	(void)state;
	look_for("say \"caf\xc3\xa9\"\nto all", NULL);
	becomes("\"say \\\"caf\\u00e9\\\"\\nto all\"", "\"***\"");
	becomes("\"say \\\\\\\"caf\\\\u00e9\\\\\\\"\\\\nto all\"", "\"***\"");
	becomes("say \\\\\\\\\\\\\\\"caf\xc3\xa9\\\\\\\\\\\\\\\"\\\\\\\\n"
		"to all",
		"***");
	stays("say \\\\\\\"caf\\\\u00e9\\\\\\\"\\\\rto all");
	look_for("half \xf0\x9f\x98\x80 and half", NULL);
	becomes("half \\\\ud83d\\\\ude00 and half", "***");
	stays("half \\\\ud83d\\\\ude01 and half");
	look_for("a/b+c=d\ne", NULL);
	becomes("?u=x%3Ft%3Da%252Fb%252Bc%253Dd%250Ae&", "?u=x%3Ft%3D***&");
	becomes("a%25252fb%25252bc%25253dd%25250ae", "***");
	becomes("a/b+c=d%5Cne", "***");
	stays("a%252Fb%252Bc%253Dd%250De");
	/* At the beginning, where it is looked for in another way. */
	look_for("/path/to-secret", NULL);
	becomes("%252Fpath%252Fto-secret %25252fpath/to-secret", "*** ***");
	look_for("\"quoted-secret", NULL);
	becomes("\"\\\\\\\"quoted-secret\"", "\"***\"");
	look_for("\xf0\x9f\x98\x80-secret", NULL);
	becomes("\\\\ud83d\\\\ude00-secret", "***");
	look_for("a backslash \\ it has", NULL);
	becomes("a backslash \\\\\\\\ it has", "***");
	look_for("\xff\xef\xbe"
		 "token-\xfb\xff",
		 NULL);
	becomes("\"/+++dG9\\\\nrZW4t+/8=\"", "\"***=\"");
}

/* However many backslashes there are, they are not what is looked for. */
static void test_many_backslashes(void **state)
{
	cleanup_redaction struct sbx_redaction *redaction = NULL;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(2000);
	struct sbx_error err = SBX_ERROR_INIT;
	char text[2000];

	(void)state;
	memset(text, '\\', sizeof(text));
	look_for("\"quoted-secret", "\xf0\x9f\x98\x80-secret", NULL);
	assert_fed(text, sizeof(text), 700, 600, false, text, sizeof(text));
	assert_fed(text, sizeof(text), 1, 1, false, text, sizeof(text));
	memcpy(text, "\\ud83d", 6);
	assert_fed(text, sizeof(text), 700, 600, false, text, sizeof(text));
	/* Nor are they held back. */
	assert_int_equal(sbx_redaction_new(&redaction, redactor, &err), 0);
	sbx_redaction_feed(redaction, text, sizeof(text), to_buf, &out, &err);
	assert_true(out.len > sizeof(text) - 50);
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, i ? "%25" : "%%%", 3);
	assert_fed(text, sizeof(text), 700, 600, false, text, sizeof(text));
}

/* --- several --------------------------------------------------------------- */

static void test_overlaps(void **state)
{
	(void)state;
	look_for("abcdefgh", "efghijkl", NULL);
	becomes("<abcdefghijkl>", "<***>");
	becomes("<abcdefghabcdefgh>", "<***>");
	becomes("<abcdefgh-efghijkl>", "<***-***>");
	look_for("prefix-1", "prefix-123456", NULL);
	becomes("prefix-1", "***");
	becomes("prefix-12345", "***2345");
	becomes("prefix-123456", "***");
	becomes("prefix-1234567", "***7");
	look_for("outer-inner-outer", "inner", NULL);
	becomes("outer-inner-outer", "***");
	becomes("outer-inner-oute", "outer-***-oute");
	becomes("inner-outer", "***-outer");
	look_for("ababab", NULL);
	becomes("abababab", "***");
	becomes("xabababababx", "x***x");
	becomes("abababa", "***a");
	becomes("ababab ababab", "*** ***");
	/* In one form and in another. */
	look_for("12345678", NULL);
	becomes("12345678%31%32%33%34%35%36%37%38", "***");
	becomes("3132333435363738", "***");
	becomes("31323334353637383132333435363738", "***");
}

/* Those that touch leave one mark, wherever they are cut. */
static void test_touching(void **state)
{
	(void)state;
	look_for("secret-1", "secret-2", NULL);
	becomes("secret-1secret-2", "***");
	becomes("secret-1secret-1secret-2x", "***x");
	becomes("secret-1 secret-2", "*** ***");
}

/* Whoever allows values of one byte gets what was asked for. */
static void test_short(void **state)
{
	(void)state;
	look_for("~", NULL);
	becomes("a~b~~c", "a***b***c");
	becomes("~", "***");
	look_for("#?", NULL);
	becomes("#?", "***");
	stays("#!");
	becomes("#%3f", "***");
}

/* --- the end --------------------------------------------------------------- */

/* Half a token at the cut is half a token leaked. */
static void test_cut(void **state)
{
	(void)state;
	look_for("TOKEN-abcdefgh", NULL);
	cut_becomes("x TOKEN-abcdefgh", "x ***");
	cut_becomes("x TOKEN-abcdefg", "x ***");
	cut_becomes("x TOKE", "x ***");
	cut_becomes("x TOK", "x TOK");
	cut_becomes("x TOKEN-abc y", "x TOKEN-abc y");
	cut_becomes("x TOK%45N%2", "x ***");
	cut_becomes("544f4B454", "***");
	cut_becomes("544f4B4", "544f4B4");
	/* VE9LRU4tYWJjZGVmZ2g= */
	cut_becomes("VE9LRU4tYWJj", "***");
	cut_becomes("VE9LRU", "***");
	cut_becomes("VE9LR", "VE9LR");
	stays("x TOKEN-abcdefg");
	/* A value that is shorter than that is printed in whole or not. */
	look_for("abc", NULL);
	cut_becomes("ab", "ab");
}

/* What is held back is what can be the beginning of a value, no more. */
static void test_held_back(void **state)
{
	cleanup_redaction struct sbx_redaction *redaction = NULL;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(1000);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	look_for("needle-1", NULL);
	assert_int_equal(sbx_redaction_new(&redaction, redactor, &err), 0);
	sbx_redaction_feed(redaction, "hay\n", 4, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\n");
	sbx_redaction_feed(redaction, "hay need", 8, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay ");
	sbx_redaction_feed(redaction, "ful needle", 10, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay needful ");
	sbx_redaction_feed(redaction, "-", 1, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay needful ");
	sbx_redaction_feed(redaction, "1", 1, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay needful ***");
	sbx_redaction_feed(redaction, "nee", 3, to_buf, &out, &err);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay needful ***");
	sbx_redaction_end(redaction, false, to_buf, &out);
	assert_string_equal(sbx_buf_text(&out), "hay\nhay needful ***nee");
}

/* --- JSON stays JSON ------------------------------------------------------- */

static void test_json_edges(void **state)
{
	(void)state;
	/* The backslash before a value belongs to its first character. */
	look_for("\"quoted\"", NULL);
	becomes("{\"a\": \"\\\"quoted\\\"\"}", "{\"a\": \"***\"}");
	becomes("\"quoted\"", "***");
	look_for("newline-secret", NULL);
	becomes("\"one\\newline-secret\"", "\"one***\"");
	becomes("\"one\\\\newline-secret\"", "\"one\\\\***\"");
	becomes("\"one\\\\\\newline-secret\"", "\"one\\\\***\"");
	becomes("C:\\newline-secret", "C:***");
	look_for("e9-is-secret", NULL);
	becomes("\"caf\\u00e9-is-secret\"", "\"caf***\"");
	becomes("\"caf\\\\u00e9-is-secret\"", "\"caf\\\\u00***\"");
	becomes("\"\\u00e9e9-is-secret\"", "\"\\u00e9***\"");
	look_for("Secret-key", NULL);
	becomes("C:\\Secret-key", "C:\\***");
	look_for("\xff-secret", NULL);
	becomes("\\\xff-secret", "\\***");
	look_for("\x01-secret", NULL);
	becomes("\\\x01-secret", "\\***");
	/* What is no escape does not end where one would. */
	look_for("newline-secret", NULL);
	becomes("\\u0\\newline-secret", "\\u0***");
	becomes("\\u0newline-secret", "\\u0***");
	look_for_bytes("\0zero-secret", 12);
	assert_bytes("\\\0zero-secret", 13, false, "\\***", 4);
	/* A backslash at its end, and a quote that is no end of a string. */
	look_for("C:\\secret\\", NULL);
	becomes("\"C:\\\\secret\\\\\"", "\"***\"");
	becomes("C:\\secret\\", "***");
	becomes("\"C:\\secret\\\"\"", "\"***\"");
	becomes("C:\\secret\\ \"", "*** \"");
	look_for("C:\\secret\\\\", NULL);
	becomes("\"C:\\secret\\\\\"", "\"***\"");
}

/* --- at random ------------------------------------------------------------- */

static const char digits[] = "0123456789abcdef0123456789ABCDEF";

static void put_hex(struct sbx_buf *out, unsigned int byte)
{
	sbx_buf_append(out, &digits[16 * some(2) + (byte >> 4)], 1);
	sbx_buf_append(out, &digits[16 * some(2) + (byte & 15)], 1);
}

static void put_json(struct sbx_buf *out, unsigned char byte)
{
	static const char plain[] = "\"\\/";
	static const char meant[] = "\n\r\t\b\f";
	const char *at = byte ? strchr(meant, byte) : NULL;

	if (at)
		sbx_buf_printf(out, "\\%c", "nrtbf"[at - meant]);
	else if (byte && strchr(plain, byte))
		sbx_buf_printf(out, "\\%c", byte);
	else {
		sbx_buf_puts(out, "\\u00");
		put_hex(out, byte);
	}
}

/* Each byte in a spelling of its own; those that begin an escape as @spelled. */
static void put_text(struct sbx_buf *out, const unsigned char *value,
		     size_t size, bool is_spelled)
{
	for (size_t i = 0; i < size; i++) {
		bool is_lead = value[i] == '\\' || value[i] == '%';
		size_t how = some(is_lead && is_spelled ? 2 : 6);

		if (is_lead && !is_spelled)
			how = 5;
		if (how == 0) {
			sbx_buf_puts(out, "%");
			put_hex(out, value[i]);
		} else if (how == 1) {
			put_json(out, value[i]);
		} else if (value[i] == ' ' && how < 4) {
			sbx_buf_puts(out, "+");
		} else {
			sbx_buf_append(out, &value[i], 1);
		}
	}
}

static void put_hexadecimal(struct sbx_buf *out, const unsigned char *value,
			    size_t size)
{
	size_t width = 1 + some(40);

	for (size_t i = 0; i < size; i++) {
		if (i > 0 && i % width == 0)
			sbx_buf_puts(out, some(2) ? "\n" : "\r\n  ");
		put_hex(out, value[i]);
	}
}

/* @out gets it with neighbours, @expected what is to be left of these. */
static void put_base64(struct sbx_buf *out, struct sbx_buf *expected,
		       const unsigned char *value, size_t size)
{
	size_t before = some(4);
	size_t after = some(4);
	unsigned char bytes[3 + 200 + 3];
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1000);

	randombytes_buf_deterministic(
		bytes, sizeof(bytes),
		(unsigned char[32]){ (uint8_t)some(256) });
	memcpy(bytes + before, value, size);
	encode64(bytes, before + size + after, before, before + size,
		 some(2) ? sodium_base64_VARIANT_ORIGINAL
			 : sodium_base64_VARIANT_URLSAFE,
		 &text, expected);
	sbx_buf_append(out, text.data, text.len);
}

/* Nothing that begins or ends an escape of JSON, or is a mark. */
static void put_filler(struct sbx_buf *text, struct sbx_buf *expected)
{
	size_t n = some(30);

	for (size_t i = 0; i < n; i++) {
		char byte = (char)some(256);

		if (byte == '\\' || byte == '"' || byte == '*')
			byte = '.';
		sbx_buf_append(text, &byte, 1);
		sbx_buf_append(expected, &byte, 1);
	}
	sbx_buf_puts(text, "|");
	sbx_buf_puts(expected, "|");
}

static size_t put_value(unsigned char *value)
{
	static const char odd[] = "\\%+ \"/\n\t'aA0u";
	size_t size = 8 + some(40);
	bool is_odd = some(2);

	for (size_t i = 0; i < size; i++)
		value[i] = is_odd ? (unsigned char)odd[some(13)]
				  : (unsigned char)some(256);
	/* Not of one byte only, nor what is in the text between. */
	memcpy(value, "A7", 2);
	memcpy(value + size - 2, "z9", 2);
	return size;
}

static void test_random(void **state)
{
	unsigned char value[64];

	(void)state;
	for (int i = 0; i < 800; i++) {
		cleanup_buf struct sbx_buf text = SBX_BUF_INIT(100000);
		cleanup_buf struct sbx_buf expected = SBX_BUF_INIT(100000);
		size_t size = put_value(value);

		look_for_bytes(value, size);
		for (size_t n = some(5); n > 0; n--) {
			size_t how = some(4);

			put_filler(&text, &expected);
			if (how == 0)
				put_base64(&text, &expected, value, size);
			else if (how == 1)
				put_hexadecimal(&text, value, size);
			else
				put_text(&text, value, size, how == 2);
			if (how > 0)
				sbx_buf_puts(&expected, "***");
			put_filler(&text, &expected);
		}
		if (text.len == 0)
			continue;
		assert_fed(text.data, text.len, text.len, 1, false,
			   expected.data, expected.len);
		assert_fed(text.data, text.len, 1, 1, false, expected.data,
			   expected.len);
		for (int k = 0; k < 3; k++)
			assert_fed(text.data, text.len, 0, 0, false,
				   expected.data, expected.len);
	}
}

/* Of two letters, so that values overlap with others and with themselves;
 * compared with every place tried, by memcmp. */
static void test_random_overlaps(void **state)
{
	char values[3][8];
	size_t sizes[3];
	char text[200];
	bool is_gone[200];

	(void)state;
	for (int i = 0; i < 800; i++) {
		cleanup_buf struct sbx_buf expected = SBX_BUF_INIT(1000);
		size_t size = 1 + some(sizeof(text));
		struct sbx_error err = SBX_ERROR_INIT;

		sbx_redactor_free(&redactor);
		sbx_secrets_clear(&secrets);
		memset(is_gone, 0, sizeof(is_gone));
		for (size_t k = 0; k < size; k++)
			text[k] = "#~!"[some(some(9) ? 2 : 3)];
		for (int v = 0; v < 3; v++) {
			sizes[v] = 2 + some(7);
			for (size_t k = 0; k < sizes[v]; k++)
				values[v][k] = "#~"[some(2)];
			add_secret(values[v], sizes[v]);
			for (size_t k = 0; k + sizes[v] <= size; k++) {
				if (memcmp(text + k, values[v], sizes[v]) == 0)
					memset(is_gone + k, 1, sizes[v]);
			}
		}
		for (size_t k = 0; k < size; k++) {
			if (!is_gone[k])
				sbx_buf_append(&expected, text + k, 1);
			else if (k == 0 || !is_gone[k - 1])
				sbx_buf_puts(&expected, "***");
		}
		assert_int_equal(sbx_redactor_new(&redactor, &secrets, &err),
				 0);
		assert_fed(text, size, size, 1, false, expected.data,
			   expected.len);
		assert_fed(text, size, 1, 1, false, expected.data,
			   expected.len);
		for (int k = 0; k < 5; k++)
			assert_fed(text, size, 0, 0, false, expected.data,
				   expected.len);
	}
}

/* --- bounds ---------------------------------------------------------------- */

/* The largest value, in its longest forms, in small pieces. */
static void test_large(void **state)
{
	size_t size = SBX_SECRET_SIZE_MAX;
	cleanup_free unsigned char *value = sbx_malloc(size);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(16 * size);
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(0);

	(void)state;
	randombytes_buf_deterministic(value, size, (unsigned char[32]){ 1 });
	look_for_bytes(value, size);
	sbx_buf_puts(&text, "<");
	for (size_t i = 0; i < size; i++)
		sbx_buf_printf(&text, "\\u%04X", value[i]);
	sbx_buf_puts(&text, "><");
	put_hexadecimal(&text, value, size);
	sbx_buf_puts(&text, "><");
	sbx_buf_append(&text, value, size);
	sbx_buf_puts(&text, ">");
	feed(&out, text.data, text.len, 7, 7, false);
	assert_string_equal(sbx_buf_text(&out), "<***><***><***>");
}

static double seconds_of(const void *text, size_t size, size_t piece,
			 struct sbx_buf *out)
{
	clock_t began = clock();

	feed(out, text, size, piece, piece, false);
	return (double)(clock() - began) / CLOCKS_PER_SEC;
}

/* What nearly is a large value comes out again, however long it was held. */
static void test_large_and_wrong(void **state)
{
	size_t size = 5000;
	cleanup_free unsigned char *value = sbx_malloc(size);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(16 * size);

	(void)state;
	randombytes_buf_deterministic(value, size, (unsigned char[32]){ 2 });
	look_for_bytes(value, size);
	sbx_buf_puts(&text, "<");
	sbx_buf_append(&text, value, size - 1);
	sbx_buf_puts(&text, "><");
	put_hexadecimal(&text, value, size - 1);
	sbx_buf_puts(&text, "><");
	put_text(&text, value, size - 1, true);
	sbx_buf_puts(&text, ">");
	assert_fed(text.data, text.len, 1, 1, false, text.data, text.len);
	assert_fed(text.data, text.len, 100, 1000, false, text.data, text.len);
}

/*
 * A value that is all the same byte, and a stream that nearly is it at every
 * place: it takes its time, but not a minute, and nothing of the value is
 * left.  What is far from it stays.
 */
static void test_hostile(void **state)
{
	static const char end[] = "b aaa aaaaaaaa b";
	const size_t size = SBX_SECRET_SIZE_MAX;
	const size_t total = 8 * size;
	cleanup_free char *value = sbx_malloc(size);
	cleanup_free char *text = sbx_malloc(total);
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(0);
	double seconds;

	(void)state;
	memset(value, 'a', size);
	look_for_bytes(value, size);
	memset(text, 'a', total);
	for (size_t i = 1; i < 8; i++)
		text[i * size - 1] = i == 5 ? 'a' : 'b';
	memcpy(text + total - strlen(end), end, strlen(end));
	seconds = seconds_of(text, total, size, &out);
	assert_true(seconds < 20);
	for (size_t run = 0, i = 0; i < out.len; i++) {
		run = out.data[i] == 'a' ? run + 1 : 0;
		assert_true(run < size);
	}
	assert_true(out.len > strlen(end));
	assert_string_equal(out.data + out.len - strlen(end), end);
}

/*
 * Where there is no secret memory to hold it back, nothing is passed on.  The
 * child has no memory at all, so it asks for none itself.
 */
struct fixed {
	char data[64];
	size_t len;
};

static void to_fixed(void *ctx, const void *data, size_t size)
{
	struct fixed *fixed = ctx;

	if (size >= sizeof(fixed->data) - fixed->len)
		_exit(10);
	memcpy(fixed->data + fixed->len, data, size);
	fixed->len += size;
}

static void no_memory(void)
{
	const struct rlimit none = { 0, 0 };
	struct sbx_redaction *redaction = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	struct fixed out = { .len = 0 };

	if (sbx_redaction_new(&redaction, redactor, &err) < 0)
		_exit(1);
	if (setrlimit(RLIMIT_AS, &none) < 0)
		_exit(2);
	if (sbx_redaction_feed(redaction, "fine hun", 8, to_fixed, &out,
			       &err) != -1 ||
	    err.outcome != SBX_OUTCOME_MISCONFIGURED)
		_exit(3);
	if (strcmp(out.data, "fine ") != 0)
		_exit(4);
	if (sbx_redaction_feed(redaction, "ter22", 5, to_fixed, &out, &err) !=
		    -1 ||
	    sbx_redaction_feed(redaction, "more", 4, to_fixed, &out, &err) !=
		    -1)
		_exit(5);
	sbx_redaction_end(redaction, true, to_fixed, &out);
	_exit(strcmp(out.data, "fine ") == 0 ? 0 : 6);
}

static void test_no_memory(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	look_for("hunter22", NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		no_memory();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_raw, teardown),
		cmocka_unit_test_teardown(test_binary, teardown),
		cmocka_unit_test_teardown(test_nothing, teardown),
		cmocka_unit_test_teardown(test_percent, teardown),
		cmocka_unit_test_teardown(test_json, teardown),
		cmocka_unit_test_teardown(test_surrogates, teardown),
		cmocka_unit_test_teardown(test_hex, teardown),
		cmocka_unit_test_teardown(test_base64, teardown),
		cmocka_unit_test_teardown(test_no_base64, teardown),
		cmocka_unit_test_teardown(test_base64_lines, teardown),
		cmocka_unit_test_teardown(test_lines, teardown),
		cmocka_unit_test(test_forms),
		cmocka_unit_test_teardown(test_nested, teardown),
		cmocka_unit_test_teardown(test_many_backslashes, teardown),
		cmocka_unit_test(test_leading_breaks),
		cmocka_unit_test(test_only_backslashes),
		cmocka_unit_test_teardown(test_overlaps, teardown),
		cmocka_unit_test_teardown(test_touching, teardown),
		cmocka_unit_test_teardown(test_short, teardown),
		cmocka_unit_test_teardown(test_cut, teardown),
		cmocka_unit_test_teardown(test_held_back, teardown),
		cmocka_unit_test_teardown(test_json_edges, teardown),
		cmocka_unit_test_teardown(test_random, teardown),
		cmocka_unit_test_teardown(test_random_overlaps, teardown),
		cmocka_unit_test_teardown(test_large, teardown),
		cmocka_unit_test_teardown(test_large_and_wrong, teardown),
		cmocka_unit_test_teardown(test_hostile, teardown),
		cmocka_unit_test_teardown(test_no_memory, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
