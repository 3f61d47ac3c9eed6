/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/dockerfile.h"

static int parse(const char *text, json_t *args, struct sbx_dockerfile *out,
		 struct sbx_error *err)
{
	int result = sbx_dockerfile_parse(out, "D", text, strlen(text), args,
					  "linux/arm64/v8", err);

	json_decref(args);
	return result;
}

/* All references as "KIND IMAGE LINE\n". */
static void check(const char *text, json_t *args, const char *expected)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_buf all = SBX_BUF_INIT(4096);
	struct sbx_error err = SBX_ERROR_INIT;

	if (parse(text, args, &dockerfile, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < dockerfile.n; i++)
		sbx_buf_printf(
			&all, "%s %s %u\n",
			sbx_dockerfile_kind_text(dockerfile.refs[i].kind),
			dockerfile.refs[i].image, dockerfile.refs[i].line);
	assert_string_equal(sbx_buf_text(&all), expected);
	sbx_buf_free(&all);
	sbx_dockerfile_clear(&dockerfile);
}

static void check_error(const char *text, json_t *args, const char *start)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(parse(text, args, &dockerfile, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (strncmp(err.message, start, strlen(start)) != 0)
		fail_msg("\"%s\" does not start with \"%s\"", err.message,
			 start);
}

static void test_from(void **state)
{
	(void)state;
	check("FROM a", NULL, "FROM a 1\n");
	check("\n# c\n  from\ta:1  as  x \nFROM b", NULL,
	      "FROM a:1 3\nFROM b 4\n");
	check("FROM --platform=$BUILDPLATFORM a AS b", NULL, "FROM a 1\n");
	check("FROM scratch", NULL, "");
	check("FROM \"a\"\r\nRUN x\r\n", NULL, "FROM a 1\n");
	check("\xef\xbb\xbf"
	      "FROM a",
	      NULL, "FROM a 1\n");
	check("LABEL x=1\nFROM a\nUSER FROM b", NULL, "FROM a 2\n");
}

/* Stages are no images: by name in any case, by number. */
static void test_stages(void **state)
{
	(void)state;
	check("FROM a AS One\nFROM one\nFROM two AS two\nFROM TWO", NULL,
	      "FROM a 1\nFROM two 3\n");
	check("FROM a AS s\nFROM b\nCOPY --from=s x y\nCOPY --from=0 x y\n"
	      "COPY --from=S x y\nCOPY --chown=1:1 --from=img:2 x y\n",
	      NULL, "FROM a 1\nFROM b 2\nCOPY --from img:2 6\n");
	check("FROM a\nRUN --mount=type=bind,from=late,target=/x y\n"
	      "FROM b AS late",
	      NULL, "FROM a 1\nFROM b 3\n");
	check("FROM a\nFROM later\nFROM b AS later", NULL,
	      "FROM a 1\nFROM later 2\nFROM b 3\n");
}

static void test_mount(void **state)
{
	(void)state;
	check("FROM a\nRUN --mount=type=cache,target=/c "
	      "--mount=target=/x,from=b@sha256:1,type=bind --network=none x",
	      NULL, "FROM a 1\nRUN --mount from b@sha256:1 2\n");
	check("FROM a\nRUN --mount=\"type=bind,from=b,target=/x y\" z", NULL,
	      "FROM a 1\nRUN --mount from b 2\n");
	/* behind the flags is the command, whatever it looks like */
	check("FROM a\nRUN x --mount=from=b --from=c\nCOPY x --from=c y", NULL,
	      "FROM a 1\n");
}

static void refused_step(const char *text)
{
	cleanup_dockerfile struct sbx_dockerfile out = SBX_DOCKERFILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_dockerfile_parse(&out, "f", text, strlen(text),
					      NULL, "linux/amd64", &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, "f:2: "))
		fail_msg("%s: %s", text, err.message);
}

/* A step gets no network that its build has not. */
static void test_network_of_a_step(void **state)
{
	(void)state;
	check("FROM a\nRUN --network=none x\nRUN --network=default y", NULL,
	      "FROM a 1\n");
	refused_step("FROM a\nRUN --network=host x");
	refused_step("FROM a\nRUN --NETWORK=host x");
	refused_step("FROM a\nRUN --network=\"host\" x");
	refused_step("FROM a\nRUN --network=$X x");
	refused_step("FROM a\nRUN --net\"work\"=host x");
	refused_step(
		"FROM a\nRUN --mount=type=cache,target=/c --network=host x");
}

static void test_directives(void **state)
{
	(void)state;
	check("# syntax=docker/dockerfile:1\nFROM a", NULL,
	      "syntax docker/dockerfile:1 1\nFROM a 2\n");
	check("#SYNTAX = x \n# check=skip=all\n# escape=`\nFROM a`\nb", NULL,
	      "syntax x 1\nFROM ab 4\n");
	/* only at the very top */
	check("\n# syntax=x\nFROM a", NULL, "FROM a 3\n");
	check("# a comment\n# escape=`\nFROM a\\\nb", NULL, "FROM ab 3\n");
	check("# unknown=1\n# syntax=x\nFROM a", NULL, "FROM a 3\n");
	check_error("# escape=x\nFROM a", NULL, "D:1: ");
}

static void test_continuation(void **state)
{
	(void)state;
	check("FROM \\\n  a \\  \n\n  # comment \\\nAS b\nFROM b\nFROM c", NULL,
	      "FROM a 2\nFROM c 7\n");
	check("RUN x \\\nFROM a\nFROM b", NULL, "FROM b 3\n");
	check("FROM a\nRUN x \\", NULL, "FROM a 1\n");
	check("\\\nFROM a", NULL, "FROM a 2\n");
}

static void test_heredoc(void **state)
{
	(void)state;
	check("FROM a\nRUN <<EOF\nFROM b\nEOF\nFROM c", NULL,
	      "FROM a 1\nFROM c 5\n");
	check("FROM a\nCOPY <<-\"E F\" <<'2' /x\n\tFROM b\n\tE F\nFROM c\n2\n"
	      "FROM d",
	      NULL, "FROM a 1\nFROM d 7\n");
	check("FROM a\nRUN cat 3<<EOF >x \\\n y\n\tEOF\nEOF \nFROM b\nEOF\n"
	      "FROM c",
	      NULL, "FROM a 1\nFROM c 8\n");
	/* these begin none */
	check("FROM a\nRUN cat <<<x; echo \"<<E\" '<<F' << G $((1<<3))\n"
	      "RUN [\"sh\", \"-c\", \"cat <<EOF\"]\nENV x=<<E\nFROM c",
	      NULL, "FROM a 1\nFROM c 5\n");
	check_error("FROM a\nRUN <<EOF\nx\n", NULL, "D:2: the here-document");
}

static void test_variables(void **state)
{
	(void)state;
	check("ARG V=1\nFROM a:$V\nFROM a:${V}x", NULL,
	      "FROM a:1 2\nFROM a:1x 3\n");
	check("ARG V=1\nFROM a:$V", json_pack("{ss}", "V", "2"),
	      "FROM a:2 2\n");
	check("ARG V\nFROM a:$V", json_pack("{ss}", "V", "2"), "FROM a:2 2\n");
	/* what is not declared is not set */
	check("FROM a${V:-:7}", json_pack("{ss}", "V", "2"), "FROM a:7 1\n");
	check("ARG A=x B=\"y $A\" C='$A'\nFROM ${A}/$B/$C", NULL,
	      "FROM x/y x/$A 2\n");
	check("ARG E=\nARG S=s\n"
	      "FROM a${E:-1}${E-2}${N-3}${S:-4}${E:+5}${E+6}${S:+7}${N:+8}",
	      NULL, "FROM a13s67 3\n");
	check("FROM ${A:-${B:-x}y}", NULL, "FROM xy 1\n");
	check("FROM \\$A\\b", NULL, "FROM $Ab 1\n");
	check("FROM a-$TARGETARCH-${TARGETOS}-$TARGETVARIANT", NULL,
	      "FROM a-arm64-linux-v8 1\n");
	/* those of a stage are another matter */
	check("ARG V=1\nFROM a\nARG V=2\nFROM b:$V", NULL,
	      "FROM a 2\nFROM b:1 4\n");
	/* what is not understood hurts only where it is used */
	check("ARG V=${W%x}\nFROM a", NULL, "FROM a 2\n");
	check_error("ARG V=${W%x}\nFROM $V", NULL, "D:2: ");
	check_error("ARG V\nFROM $V", NULL, "D:2: FROM names no image");
	check_error("FROM a${V", NULL, "D:1: ");
	check_error("FROM \"a", NULL, "D:1: ");
}

/* Doubling fifty times over ends, and not in a petabyte. */
static void test_variable_bomb(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(65536);
	char name = 'A';

	(void)state;
	sbx_buf_puts(&text, "ARG A=0123456789\n");
	for (; name < 'Z'; name++)
		sbx_buf_printf(&text, "ARG %c=$%c$%c\n", name + 1, name, name);
	sbx_buf_puts(&text, "FROM a");
	check(text.data, NULL, "FROM a 27\n");
	sbx_buf_puts(&text, "$Z");
	check_error(text.data, NULL, "D:27: ");
	sbx_buf_free(&text);
}

static void test_errors(void **state)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	check_error("", NULL, "D: there is no FROM");
	check_error("# FROM a\nRUN x", NULL, "D: there is no FROM");
	check_error("RUN x\nFROM\nFROM a", NULL, "D:2: FROM without");
	assert_int_equal(sbx_dockerfile_parse(&dockerfile, "D", "FROM a\0b", 8,
					      NULL, "linux/amd64", &err),
			 -1);
	assert_string_equal(err.message, "D: not a text file");
}

static void check_base(const char *text, const char *base)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(parse(text, NULL, &dockerfile, &err), 0);
	assert_int_equal(dockerfile.n, 1);
	if (base)
		assert_string_equal(dockerfile.refs[0].base, base);
	else
		assert_null(dockerfile.refs[0].base);
	sbx_dockerfile_clear(&dockerfile);
}

static void test_bases(void **state)
{
	(void)state;
	check_base("FROM skillbox/python", "python");
	check_base("FROM skillbox/my-base2:latest", "my-base2");
	check_base("FROM skillbox/python:1", NULL);
	check_base("FROM skillbox/python@sha256:12", NULL);
	check_base("FROM skillbox/../x", NULL);
	check_base("FROM skillbox/", NULL);
	check_base("FROM other/skillbox/x", NULL);
	check_error("ARG B=python\nFROM skillbox/$B", NULL, "D:2: skillbox/py");
	check_error("FROM a\nCOPY --from=skillbox/$B x y", NULL, "D:2: ");
}

static void check_rewrite(const char *text, const char *expected)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_buf out = SBX_BUF_INIT(4096);
	json_t *keys = json_pack("{ssss}", "a", "KA", "b", "KB");

	assert_int_equal(parse(text, NULL, &dockerfile, &err), 0);
	sbx_dockerfile_rewrite(&out, text, strlen(text), &dockerfile, keys);
	assert_string_equal(sbx_buf_text(&out), expected);
	sbx_buf_free(&out);
	json_decref(keys);
	sbx_dockerfile_clear(&dockerfile);
}

/* Every byte that is not a reference of ours stays what it was. */
static void test_rewrite(void **state)
{
	(void)state;
	check_rewrite("FROM  x \r\n", "FROM  x \r\n");
	check_rewrite("FROM skillbox/a # x\n", "FROM skillbox/a:KA # x\n");
	check_rewrite("# skillbox/a\nFROM skillbox/a:latest AS skillbox\n"
		      "COPY --from=skillbox/b --chown=1 /skillbox/a /\n"
		      "RUN --mount=from=skillbox/a,target=/x cp \\\n y\n"
		      "RUN <<E\nFROM skillbox/a\nE\n",
		      "# skillbox/a\nFROM skillbox/a:KA AS skillbox\n"
		      "COPY --from=skillbox/b:KB --chown=1 /skillbox/a /\n"
		      "RUN --mount=from=skillbox/a:KA,target=/x cp \\\n y\n"
		      "RUN <<E\nFROM skillbox/a\nE\n");
	check_rewrite("FROM \"skill\\\nbox/a\" AS x",
		      "FROM skillbox/a:KA AS x");
}

static void test_pinned(void **state)
{
#define HEX16 "0123456789abcdef"
	(void)state;
	assert_true(
		sbx_dockerfile_is_pinned("a@sha256:" HEX16 HEX16 HEX16 HEX16));
	assert_true(sbx_dockerfile_is_pinned(
		"h:5/a:1@sha256:" HEX16 HEX16 HEX16 HEX16));
	assert_false(sbx_dockerfile_is_pinned("a@sha256:" HEX16));
	assert_false(sbx_dockerfile_is_pinned(
		"a@sha256:" HEX16 HEX16 HEX16 HEX16 "0"));
	assert_false(sbx_dockerfile_is_pinned("a:12"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_network_of_a_step),
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_heredoc),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_variable_bomb),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
