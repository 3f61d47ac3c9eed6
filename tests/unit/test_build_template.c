/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "skill/build_template.h"
#include "skill/dockerfile.h"

/* @ctx: the names that there are, each between blanks. */
static bool has(const void *ctx, const char *file)
{
	cleanup_free char *word = sbx_asprintf(" %s ", file);

	return strstr(ctx, word) != NULL;
}

static void check(const char *name, const char *files, const char *expected)
{
	cleanup_free char *text = sbx_template_dockerfile(name, has, files);

	assert_string_equal(text, expected);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(sbx_template_is("busybox"));
	assert_true(sbx_template_is("go"));
	assert_true(sbx_template_is("node"));
	assert_true(sbx_template_is("python"));
	assert_false(sbx_template_is(""));
	assert_false(sbx_template_is("debian"));
	assert_false(sbx_template_is("python-build"));
}

/* Nothing to install: the files alone. */
static void test_plain(void **state)
{
	(void)state;
	check("busybox", " requirements.txt package.json go.mod ",
	      "# template: busybox\nFROM skillbox/busybox\nWORKDIR /app\n"
	      "COPY . /app/\n");
	check("python", " package.json go.mod wheels ",
	      "# template: python\nFROM skillbox/python\nWORKDIR /app\n"
	      "COPY . /app/\n");
	check("go", " main.go ",
	      "# template: go\nFROM skillbox/go\nWORKDIR /app\n"
	      "COPY . /app/\n");
}

static void test_packages(void **state)
{
	(void)state;
	check("python", " requirements.txt wheels ",
	      "# template: python, with its requirements.txt\n"
	      "FROM skillbox/python-build AS packages\n"
	      "WORKDIR /app\n"
	      "COPY requirements.txt /app/\n"
	      "COPY wheels /app/wheels\n"
	      "RUN python3 -m pip install --no-cache-dir "
	      "--root-user-action=ignore \\\n"
	      "\t--target /packages --requirement requirements.txt \\\n"
	      "\t&& mkdir -p /packages\n"
	      "FROM skillbox/python\n"
	      "WORKDIR /app\n"
	      "COPY --from=packages /packages/ /opt/packages/\n"
	      "ENV PYTHONPATH=/opt/packages\n"
	      "COPY . /app/\n");
	check("go", " go.mod ",
	      "# template: go, with its go.mod\n"
	      "FROM skillbox/go AS packages\n"
	      "WORKDIR /app\n"
	      "COPY . /app/\n"
	      "RUN mkdir /packages && go build -o /packages/ ./...\n"
	      "FROM skillbox/debian\n"
	      "WORKDIR /app\n"
	      "COPY --from=packages /packages/ /usr/local/bin/\n"
	      "COPY . /app/\n");
}

/* What is made is a Dockerfile of our own bases and nothing else. */
static void test_bases(void **state)
{
	static const char *const names[] = { "busybox", "go", "node",
					     "python" };
	static const char all[] = " requirements.txt package.json go.mod ";

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *text =
			sbx_template_dockerfile(names[i], has, all);
		cleanup_dockerfile struct sbx_dockerfile images =
			SBX_DOCKERFILE_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		if (sbx_dockerfile_parse(&images, "Dockerfile", text,
					 strlen(text), NULL, "linux/amd64",
					 &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(images.n, i == 0 ? 1 : 2);
		for (size_t k = 0; k < images.n; k++)
			assert_non_null(images.refs[k].base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_bases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
