/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/dockerfile.h"

/* Of as many bytes as it has: no NUL behind them. */
static int parse(const char *text, json_t *args, struct sbx_dockerfile *out,
		 struct sbx_error *err)
{
	size_t size = strlen(text);
	cleanup_free char *bytes = sbx_malloc(size);
	int result;

	memcpy(bytes, text, size);
	result = sbx_dockerfile_parse(out, "D", bytes, size, args,
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
	check("FROM a\r\nRUN x\r\n", NULL, "FROM a 1\n");
	check("\xef\xbb\xbf"
	      "FROM a",
	      NULL, "FROM a 1\n");
	check("LABEL x=1\nFROM a\nUSER FROM b", NULL, "FROM a 2\n");
}

/* Stages are no images: by name, for COPY by number. */
static void test_stages(void **state)
{
	(void)state;
	check("FROM a AS One\nFROM One\nFROM two AS two\nFROM two", NULL,
	      "FROM a 1\nFROM two 3\n");
	check("FROM a AS s\nFROM b\nCOPY --from=s x y\nCOPY --from=0 x y\n"
	      "COPY --chown=1:1 --from=img:2 x y\nRUN --mount=from=s x\n",
	      NULL, "FROM a 1\nFROM b 2\nCOPY --from img:2 5\n");
	check("FROM a\nFROM later\nFROM b AS later", NULL,
	      "FROM a 1\nFROM later 2\nFROM b 3\n");
	check("FROM a AS s\nCOPY --from=img x y\nFROM s", NULL,
	      "FROM a 1\nCOPY --from img 2\n");
}

/* Which of the two it is, builders do not agree on. */
static void test_stages_or_images(void **state)
{
	(void)state;
	check_error("FROM a AS One\nFROM one", NULL, "D:2: there is a stage");
	check_error("FROM a AS One\nFROM b\nCOPY --from=one x y", NULL,
		    "D:3: there is a stage");
	check_error("FROM a AS s\nCOPY --from=s x y", NULL,
		    "D:2: there is a stage");
	check_error("FROM a\nRUN --mount=type=bind,from=late,target=/x y\n"
		    "FROM b AS late",
		    NULL, "D:2: there is a stage");
	check_error("FROM a\nCOPY --from=0 x y", NULL, "D:2: there is no");
	check_error("FROM a\nFROM b\nCOPY --from=1 x y", NULL, "D:3: ");
	check_error("FROM a\nFROM b\nCOPY --from=00 x y", NULL, "D:3: ");
	check_error("FROM a\nFROM b\nCOPY --from=18446744073709551615 x y",
		    NULL, "D:3: there is no");
	check_error("COPY --from=0 x y\nFROM a", NULL, "D:1: there is no");
	/* To a mount a number is an image. */
	check("FROM a\nFROM b\nRUN --mount=from=0 x", NULL,
	      "FROM a 1\nFROM b 2\nRUN --mount from 0 3\n");
	check("FROM a\nCOPY --from=scratch x y", NULL,
	      "FROM a 1\nCOPY --from scratch 2\n");
}

/* A number of two digits, and more of both than is sensible. */
static void test_many(void **state)
{
	cleanup_buf struct sbx_buf stages = SBX_BUF_INIT(65536);
	cleanup_buf struct sbx_buf images = SBX_BUF_INIT(65536);

	(void)state;
	for (int i = 0; i < 12; i++)
		sbx_buf_puts(&stages, "FROM scratch\n");
	sbx_buf_puts(&stages, "COPY --from=10 x y\n");
	check(stages.data, NULL, "");
	while (stages.len < 1003 * strlen("FROM scratch\n"))
		sbx_buf_puts(&stages, "FROM scratch\n");
	check_error(stages.data, NULL, "D:1002: more stages");
	sbx_buf_puts(&images, "FROM scratch\n");
	for (int i = 0; i < 1001; i++)
		sbx_buf_puts(&images, "COPY --from=x y z\n");
	check_error(images.data, NULL, "D:1002: more images");
}

static void test_mount(void **state)
{
	(void)state;
	check("FROM a\nCOPY --from= x y\nRUN --mount=from=,target=/x y", NULL,
	      "FROM a 1\n");
	check("FROM a\nRUN --mount=type=cache,target=/c "
	      "--mount=target=/x,from=b@sha256:1,type=bind --network=none x",
	      NULL, "FROM a 1\nRUN --mount from b@sha256:1 2\n");
	check("FROM a\nRUN --MOUNT=FROM=b x", NULL,
	      "FROM a 1\nRUN --mount from b 2\n");
	/* behind the flags is the command, whatever it looks like */
	check("FROM a\nRUN x --mount=from=b --from=c\nCOPY x --from=c y", NULL,
	      "FROM a 1\n");
	check("FROM a\nONBUILD RUN --mount=from=b x\nONBUILD USER c", NULL,
	      "FROM a 1\nRUN --mount from b 2\n");
}

/* Builders take these out, each in its own way. */
static void test_flags(void **state)
{
	static const char *const flags[] = {
		"RUN --mount=\"from=b\" x",
		"RUN --mount=\"\"from=b x",
		"RUN --mount=fr\\om=b x",
		"RUN --mount=target=$X x",
		"RUN --mount=target=/x,from=b$X x",
		"RUN --mo\"unt\"=from=b x",
		"RUN --mo\\unt=from=b x",
		"RUN --$X=from=b x",
		"COPY --from='b' x y",
		"COPY --from=$X x y",
		"COPY --from=b\\:1 x y",
		"COPY --chown=\"1 --from=b\" x y",
		"COPY --chown=1\xc3\xa0--from=b x y",
		"ADD --chown=`1 x y",
		"ONBUILD COPY --from='b' x y",
		"FROM --platform='x' b",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(flags); i++) {
		cleanup_free char *text = sbx_asprintf("FROM a\n%s", flags[i]);

		check_error(text, NULL, "D:2: ");
	}
	check("FROM a\nCOPY --chown=$X:${Y} x \"y\\z\"", NULL, "FROM a 1\n");
}

/* What ADD fetches, or may. */
static void test_add(void **state)
{
	static const char *const remote[] = {
		"http://h/x",	  "https://h/x",
		"git@h:x/y.git",  "git://h/x",
		"me@h.example:x", "ht\"t\"p:/\"/\"h/x",
		"http:\\/\\/h/x", "$X",
		"x${Y}z",	  "http:'/'/h",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(remote); i++) {
		cleanup_free char *text = sbx_asprintf(
			"FROM a\nADD --chown=$U %s /d\nADD x %s y\n"
			"ONBUILD ADD %s z",
			remote[i], remote[i], remote[i]);
		cleanup_free char *expected =
			sbx_asprintf("FROM a 1\nADD %s 2\nADD %s 3\nADD %s 4\n",
				     remote[i], remote[i], remote[i]);

		check(text, NULL, expected);
	}
	/* No white space is of a word there. */
	check("FROM a\nADD https://h/x\\ /d", NULL,
	      "FROM a 1\nADD https://h/x\\ 2\n");
	check("FROM a\nADD \"https://h /d\"", NULL,
	      "FROM a 1\nADD \"https://h 2\n");
	check("FROM a\nADD [\"http://h/x\", \"/y\"]", NULL,
	      "FROM a 1\nADD [\"http://h/x\", \"/y\"] 2\n");
	check("FROM a\nADD [\"http:\\u002f/h/x\", \"/y\"]", NULL,
	      "FROM a 1\nADD [\"http:\\u002f/h/x\", \"/y\"] 2\n");
	check("FROM a\nADD [x http:\"/\"/h y", NULL,
	      "FROM a 1\nADD [x http:\"/\"/h y 2\n");
	/* Files of its own, to wherever. */
	check("FROM a\nADD rootfs.tar x@1 $HOME/\nADD [\"a b\",\"/c\"]\n"
	      "ADD --keep-git-dir=true . \"/d\"\nADD <<EOF /x\nhttp://h\nEOF",
	      NULL, "FROM a 1\n");
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
	refused_step("FROM a\nRUN --network=host --network=none x");
	refused_step("FROM ab\nRUN --network=");
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
	check("# escape=`\n#SYNTAX = x \n# check=skip=all\nFROM a`\nb", NULL,
	      "syntax x 2\nFROM ab 4\n");
	check("# escape=\\\nFROM a\\\nb", NULL, "FROM ab 2\n");
	check("# =x\n#=\nFROM a", NULL, "FROM a 3\n");
	/* only at the very top */
	check("\n# syntax=x\nFROM a", NULL, "FROM a 3\n");
	check("# a comment\n# escape=`\nFROM a\\\nb", NULL, "FROM ab 3\n");
	check_error("# escape=x\nFROM a", NULL, "D:1: ");
}

/* What stands in front of it hides it from some builders, not from all. */
static void test_directives_behind_others(void **state)
{
	(void)state;
	check("# unknown=1\n# syntax=x\nFROM a", NULL,
	      "syntax x 2\nFROM a 3\n");
	check("# unknown= \n# syntax=x\nFROM a", NULL,
	      "syntax x 2\nFROM a 3\n");
	check_error("# check=skip=all\n# escape=`\nFROM a", NULL,
		    "D:2: escape must be");
	check_error("#!/usr/bin/env x\n# syntax=x\nFROM a", NULL, "D:1: ");
	check_error("// syntax=x\nFROM a", NULL, "D:1: there is no such");
	check_error("{\"syntax\": \"x\"}", NULL, "D:1: there is no such");
	check_error("# syntax=x y@sha256:1\nFROM a", NULL, "D:1: ");
	check_error("# syntax=skillbox/python\nFROM a", NULL, "D:1: ");
	check_error("# syntax=\nFROM a", NULL, "D:1: \"\" is not");
}

static void test_continuation(void **state)
{
	(void)state;
	check("FROM \\\n  a \\  \n\n  # comment \\\nAS b\nFROM b\nFROM c", NULL,
	      "FROM a 2\nFROM c 7\n");
	check("FROM z\nRUN x \\\nFROM a\nFROM b", NULL, "FROM z 1\nFROM b 4\n");
	check("FROM a\nRUN x \\", NULL, "FROM a 1\n");
	check("\\\nFROM a", NULL, "FROM a 2\n");
	check_error("FROM a\nRUN x \\\\\nFROM b", NULL, "D:2: an escape");
	check_error("FROM a\nRUN x \\\v\nFROM b", NULL, "D:2: a control");
	check_error("FROM a\nRUN x \\\r\r\nFROM b", NULL, "D:2: a control");
}

static void test_comments(void **state)
{
	(void)state;
	check("FROM a\nRUN x \\\n  # c\n  && y \\\n# d\n  z\nFROM b", NULL,
	      "FROM a 1\nFROM b 7\n");
	check("FROM a\nRUN x \\\n  # c\nFROM b", NULL, "FROM a 1\n");
}

/* What one does not know makes the rest another builder's to read. */
static void test_instructions(void **state)
{
	static const char *const others[] = {
		"CMD x",
		"ENTRYPOINT x",
		"ENV x=1",
		"EXPOSE 1",
		"LABEL x=1",
		"MAINTAINER x",
		"HEALTHCHECK NONE",
		"SHELL [\"x\"]",
		"USER x",
		"STOPSIGNAL 9",
		"VOLUME /x",
		"workdir /x",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++) {
		cleanup_free char *text = sbx_asprintf("FROM a\n%s", others[i]);

		check(text, NULL, "FROM a 1\n");
	}
	check_error("FROM a\nFETCH b", NULL, "D:2: there is no such");
	check_error("FROM a\n\"FROM\" b", NULL, "D:2: there is no such");
	check_error("FROM a b", NULL, "D:1: FROM takes");
	check_error("FROM a IS b", NULL, "D:1: FROM takes");
	check_error("FROM a ASX b", NULL, "D:1: FROM takes");
	check_error("FROM a --x AS b", NULL, "D:1: FROM takes");
	check_error("FROM a AS b c", NULL, "D:1: FROM takes");
}

/* To whom quotes, escapes and more than ASCII are something else. */
static void test_words(void **state)
{
	static const char *const froms[] = {
		"a\\ b",    "'a b'",	 "\"a\"",
		"a AS `b`", "a\xc3\xa4", "a${U:+'}@sha256:1${U:+'}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(froms); i++) {
		cleanup_free char *text = sbx_asprintf("FROM %s\n", froms[i]);

		check_error(text, NULL, "D:1: FROM may");
	}
	check_error("ARG A=\"i's\"\nFROM $A", NULL, "D:2: \"i's\" is not");
	check("ARG A='x' B=\"x y\"\nFROM $A", NULL, "FROM x 2\n");
	check("FROM a\nRUN \"x", NULL, "FROM a 1\n");
	check_error("  ", NULL, "D: there is no FROM");
}

static void test_bytes(void **state)
{
	static const char *const spaces[] = {
		"\xc2\x85",	"\xc2\xa0",	"\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
		"\xe2\x81\x9f", "\xe3\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(spaces); i++) {
		cleanup_free char *text =
			sbx_asprintf("FROM a\n%sFROM b\nRUN x", spaces[i]);
		cleanup_free char *comment =
			sbx_asprintf("FROM a\n # %s", spaces[i]);

		check_error(text, NULL, "D:2: white space that is not ASCII");
		check(comment, NULL, "FROM a 1\n");
	}
	check("FROM a\r\nRUN \xc3\xa4\xe2\x80\x8b\t\r\n", NULL, "FROM a 1\n");
	check_error("FROM a\nRUN \xa0--mount=from=b x", NULL, "D:1: this is");
	check_error("FROM a\nRUN x\ry", NULL, "D:2: a control");
	check_error("FROM a\r", NULL, "D:1: a control");
	check_error("FROM a\n# \x7f", NULL, "D:2: a control");
}

static void test_heredoc(void **state)
{
	(void)state;
	check("FROM a\nRUN <<EOF\nset -e\nFROM b c\nEOF\nFROM c", NULL,
	      "FROM a 1\nFROM c 6\n");
	check("FROM a\nRUN python3 <<'E.1'\nfrom os import path\nE.1\nFROM c",
	      NULL, "FROM a 1\nFROM c 5\n");
	check("FROM a\nCOPY <<-\"E_F\" <<'2' /x\n\tx\n\tE_F\nFROM c d\n2\n"
	      "FROM d",
	      NULL, "FROM a 1\nFROM d 7\n");
	check("FROM a\nRUN cat 3<<EOF >x \\\n y\n\tEOF\nEOF \nFROM b c\nEOF\n"
	      "FROM c",
	      NULL, "FROM a 1\nFROM c 8\n");
	check("FROM a\r\nRUN <<E_E\r\nset\r\n_\r\nE_E\r\nFROM c\r\n", NULL,
	      "FROM a 1\nFROM c 6\n");
	check("FROM a\nRUN echo \\\" '\\' \"it's\" <<E\nset\nE\nFROM c", NULL,
	      "FROM a 1\nFROM c 5\n");
	/* these begin none */
	check("FROM a\nRUN cat <<<x; echo \"<<E\" '<<F' $((1<<3))\n"
	      "RUN [\"sh\", \"-c\", \"cat <<EOF\"]\nENV x=<<E\nFROM c",
	      NULL, "FROM a 1\nFROM c 5\n");
	check_error("FROM a\nRUN <<EOF\nx\n", NULL, "D:2: the here-document");
	check_error("FROM a\nRUN <<-E\nx\n\t\t", NULL,
		    "D:2: the here-document");
}

/* Not each builder knows them, or takes the same for one. */
static void test_heredoc_or_not(void **state)
{
	static const char *const unclear[] = {
		"RUN cat << E",		"RUN cat 3<<- E",   "RUN true << ",
		"RUN true ${x:- <<E }", "RUN cat <<E ${x}", "RUN cat <<E \"",
		"ONBUILD CMD echo <<E", "ONBUILD RUN <<E",
	};
	static const char *const names[] = { "\"E F\"", "E\\F", "$E",
					     "\\ E",	"''",	"E'F'" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(unclear); i++) {
		cleanup_free char *text =
			sbx_asprintf("FROM a\n%s\n", unclear[i]);

		check_error(text, NULL, "D:2: ");
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *text =
			sbx_asprintf("FROM a\nRUN cat <<%s", names[i]);

		check_error(text, NULL, "D:2: a here-document whose name");
	}
	check_error("# escape=`\nFROM a\nRUN <<E\nx\nE", NULL, "D:3: << ");
	check_error("FROM a\nRUN true # <<E\nFROM b\nE", NULL,
		    "D:3: builders that know no here-documents would take b");
	check_error("FROM a\nRUN <<E\nUSER x\nCOPY --from=b y z\nE", NULL,
		    "D:4: builders that know no here-documents would take b");
	check_error("FROM a\nRUN <<E\nRUN --network=host y\nE", NULL, "D:3: ");
	/* A stage that some do not see is an image to them. */
	check_error("FROM a\nRUN <<E\nFROM a AS s\nE\nFROM a AS s\nFROM c\n"
		    "COPY --from=s x y",
		    NULL, "D:3: ");
}

/* To a builder without here-documents their text is instructions. */
static void test_without_heredocs(void **state)
{
	(void)state;
	/* An old buildah may never come to what it does not know. */
	check_error("FROM a\nRUN <<E\nbogus\nFROM b AS x\nE", NULL,
		    "D:4: builders that know no here-documents would take b");
	/* At the same place. */
	check_error("ARG V=a\nRUN <<USER\nARG V=b\nUSER\nFROM $V", NULL,
		    "D:5: builders that know no here-documents would take b");
	/* Not so many words to each of them; "as" by Unicode's rules. */
	check_error("FROM a\nRUN <<E\nFROM b\\ as x\nE", NULL, "D:3: FROM may");
	check_error("FROM a\nRUN <<E\nFROM b a\xc5\xbf x\nE", NULL,
		    "D:3: FROM may");
	check_error("FROM a\nRUN <<E\n\xe2\x84\xaa x\nE", NULL,
		    "D:3: there is no such");
	check("FROM a\nRUN <<E\necho \"a\" 'b' \\\nc\n\"USER\" x\nE", NULL,
	      "FROM a 1\n");
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
	check("ARG A=x B=\"y-$A\"\nFROM ${A}/$B", NULL, "FROM x/y-x 2\n");
	check("ARG E=\nARG S=s\n"
	      "FROM a${E:-1}${S-2}${S:-4}${E:+5}${S+6}${S:+7}${N:+8}",
	      NULL, "FROM a1ss67 3\n");
	check("FROM ${A:-${B:-x}y}", NULL, "FROM xy 1\n");
	check_error("ARG C='$A'\nFROM x/$C", NULL, "D:2: \"x/$A\" is not");
	check_error("ARG A=x\\y\nFROM $A", NULL, "D:2: FROM uses");
	check("ARG A_B=1\nFROM a:$A_B", NULL, "FROM a:1 2\n");
	check("ARG V=${W%x}\nARG V=1\nFROM a:$V", NULL, "FROM a:1 3\n");
	check_error("FROM a$12", NULL, "D:1: FROM uses");
	check_error("FROM a$-b", NULL, "D:1: FROM uses");
	check_error("FROM a$", NULL, "D:1: FROM uses");
	check_error("ARG A=1 B=$A\xc3\xa9\nFROM a$B", NULL, "D:2: FROM uses");
	check_error("ARG B=${U:+'}x${U:+'}\nFROM a$B", NULL, "D:2: FROM uses");
	check_error("FROM a${U:-{}b}", NULL, "D:1: FROM uses");
	check_error("FROM a${:-x}", NULL, "D:1: FROM uses");
	check_error("FROM a${A:}", NULL, "D:1: FROM uses");
	/* Whether that is set builders do not agree on. */
	check_error("FROM a${N-3}", NULL, "D:1: FROM uses");
	check_error("ARG E=\nFROM a${E+3}", NULL, "D:2: FROM uses");
	check_error("FROM a${TARGETARCH:+b}", NULL, "D:1: FROM uses");
	check_error("FROM a${BUILDVARIANT:-b}", NULL, "D:1: FROM uses");
	check_error("ARG TARGETOS=b\nFROM $TARGETOS", NULL, "D:2: FROM uses");
	check_error("ARG TARGETOS\nFROM $TARGETOS", NULL, "D:2: FROM uses");
	check_error("ARG TARGETOS\nFROM $TARGETOS",
		    json_pack("{ss}", "TARGETOS", "b"), "D:2: FROM uses");
	check_error("ARG TARGETSTAGE\nFROM a${TARGETSTAGE:-b}", NULL,
		    "D:2: FROM uses");
	check_error("FROM ${TARGETSTAGE:-b}", NULL, "D:1: FROM uses");
	check_error("FROM b$BUILDOSVERSION", NULL, "D:1: FROM uses");
	/* Named again without a value, it has that, or none. */
	check_error("ARG A=x\nARG A\nFROM a$A", NULL, "D:3: FROM uses");
	check("ARG A\nARG A\nFROM a$A", json_pack("{ss}", "A", "2"),
	      "FROM a2 3\n");
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

static void test_bad_args(void **state)
{
	static const char *const names[] = { "\"A=b\"", "1A=b", "$N=b",
					     "A\\B=b",	"A-B",	"=b" };
	cleanup_buf struct sbx_buf many = SBX_BUF_INIT(65536);

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *text =
			sbx_asprintf("ARG A=a %s\nFROM $A", names[i]);

		check_error(text, NULL, "D:1: ARG takes");
	}
	sbx_buf_puts(&many, "ARG");
	for (int i = 0; i < 1001; i++)
		sbx_buf_printf(&many, " A%d", i);
	sbx_buf_puts(&many, "\nFROM a\n");
	check_error(many.data, NULL, "D:1: ARG takes");
	/* Those of a stage are the builder's. */
	check("FROM a\nARG \"A=b\"", NULL, "FROM a 1\n");
}

static void test_long(void **state)
{
	cleanup_free char *x = sbx_malloc(70001);
	cleanup_free char *line = NULL;
	cleanup_free char *more = NULL;
	cleanup_free char *arg = NULL;
	cleanup_free char *from = NULL;

	(void)state;
	memset(x, 'x', 70000);
	x[70000] = '\0';
	line = sbx_asprintf("FROM a\nRUN %.64996s\n", x);
	check(line, NULL, "FROM a 1\n");
	more = sbx_asprintf("FROM a\nRUN %.64997s\n", x);
	check_error(more, NULL, "D:2: the line is too long");
	arg = sbx_asprintf("ARG A=%.5000s\nFROM a", x);
	check_error(arg, NULL, "D:1: ARG takes");
	from = sbx_asprintf("FROM %.5000s", x);
	check_error(from, NULL, "D:1: FROM uses");
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
	check_error("RUN x\nFROM\nFROM a", NULL, "D:2: FROM takes");
	assert_int_equal(sbx_dockerfile_parse(&dockerfile, "D", "FROM a\0b", 8,
					      NULL, "linux/amd64", &err),
			 -1);
	assert_string_equal(err.message, "D:1: a control character");
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
	check_base("FROM other/skillbox/x", NULL);
	check_base("FROM skillbox.example/x", NULL);
	check_error("ARG B=python\nFROM skillbox/$B", NULL, "D:2: skillbox/py");
	check_error("FROM a\nCOPY --from=skillbox/$B x y", NULL, "D:2: ");
}

/* The policy's skillbox/\* means ours, and nobody else's of that name. */
static void test_no_bases(void **state)
{
	static const char *const images[] = {
		"skillbox/python:1", "skillbox/python@sha256:12",
		"skillbox/../x",     "skillbox/x/y",
		"skillbox/",	     "skillbox/Python",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(images); i++) {
		cleanup_free char *from = sbx_asprintf("FROM %s", images[i]);
		cleanup_free char *copy =
			sbx_asprintf("FROM a\nCOPY --from=%s x y", images[i]);

		check_error(from, NULL, "D:1: skillbox/");
		check_error(copy, NULL, "D:2: skillbox/");
	}
}

/* Buildah reads from other places by these, of the host too. */
static void test_no_images(void **state)
{
	static const char *const images[] = {
		"dir:/etc", "docker-archive:/x@sha256:1", "a,b", "-a", "/a",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(images); i++) {
		cleanup_free char *text = sbx_asprintf("FROM %s", images[i]);

		check_error(text, NULL, "D:1: \"");
	}
	check("FROM h.example:5000/a_b/c:1.2-3", NULL,
	      "FROM h.example:5000/a_b/c:1.2-3 1\n");
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
	check_rewrite("FROM skillbox/a \n# x\n", "FROM skillbox/a:KA \n# x\n");
	check_rewrite("# skillbox/a\nFROM skillbox/a:latest AS skillbox\n"
		      "COPY --from=skillbox/b --chown=1 /skillbox/a /\n"
		      "RUN --mount=from=skillbox/a,target=/x cp \\\n y\n"
		      "RUN <<E\nx\nUSER skillbox/a\nE\n",
		      "# skillbox/a\nFROM skillbox/a:KA AS skillbox\n"
		      "COPY --from=skillbox/b:KB --chown=1 /skillbox/a /\n"
		      "RUN --mount=from=skillbox/a:KA,target=/x cp \\\n y\n"
		      "RUN <<E\nx\nUSER skillbox/a\nE\n");
	check_rewrite("FROM skill\\\nbox/a AS x", "FROM skillbox/a:KA AS x");
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
	assert_false(sbx_dockerfile_is_pinned(
		"a@sha256:" HEX16 HEX16 HEX16 HEX16 "x"));
	assert_false(sbx_dockerfile_is_pinned("a:12"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from),
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_stages_or_images),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_mount),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_network_of_a_step),
		cmocka_unit_test(test_directives),
		cmocka_unit_test(test_directives_behind_others),
		cmocka_unit_test(test_continuation),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_heredoc),
		cmocka_unit_test(test_heredoc_or_not),
		cmocka_unit_test(test_without_heredocs),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_bad_args),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_variable_bomb),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_no_bases),
		cmocka_unit_test(test_no_images),
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
