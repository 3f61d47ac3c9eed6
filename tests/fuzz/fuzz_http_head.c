/* SPDX-License-Identifier: MIT */
/*
 * The head of an answer: what is not whole yet is never taken for whole, nor
 * refused when more of it makes it right, and every field is in its line.
 */
#include "fuzz.h"

#include "codec/http_head.h"

static ssize_t parse(const char *data, size_t size, struct sbx_http_head *head,
		     struct sbx_error *err)
{
	char *exact = fuzz_exact(data, size);
	ssize_t used = sbx_http_head_parse(exact, size, head, err);

	free(exact);
	return used;
}

static void must_be_field(const char *line, size_t size, const char *name)
{
	size_t value_size = SIZE_MAX;
	const char *value = sbx_http_head_field(line, size, name, &value_size);

	if (!value)
		return;
	must(value >= line && value_size <= size);
	must(value + value_size <= line + size);
	must(value_size == 0 || (*value != ' ' && *value != '\t'));
	must(strncasecmp(line, name, strlen(name)) == 0);
	must(line[strlen(name)] == ':');
}

/* Of the head's lines, the one that is taken must agree with each. */
static void must_be_length(const char *line, size_t size,
			   const struct sbx_http_head *head)
{
	size_t value_size;
	const char *value =
		sbx_http_head_field(line, size, "Content-Length", &value_size);

	if (!value)
		return;
	if (value_size > 0 && value[value_size - 1] == '\r')
		value_size--;
	must(value_size > 0 && value_size < 20);
	must(strtoll(value, NULL, 10) == head->content_length);
}

/* In every line, whether or not the head, @used bytes of it, is right. */
static void look_up(const char *data, size_t size, size_t used,
		    const struct sbx_http_head *head)
{
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(data + at, '\n', size - at);
		size_t length = end ? (size_t)(end - data) - at : size - at;
		char *line = fuzz_exact(data + at, length);

		must_be_field(line, length, "Content-Length");
		must_be_field(line, length, "Api-Version");
		if (at < used)
			must_be_length(data + at, length, head);
		free(line);
		at += length + (end ? 1 : 0);
	}
}

static void must_grow(const char *data, size_t size, size_t whole)
{
	size_t step = size / 64 + 1;

	for (size_t part = 0; part < size; part += step) {
		struct sbx_http_head head = { .status = 0 };
		struct sbx_error err = fuzz_error();
		ssize_t used = parse(data, part, &head, &err);

		must(part >= whole || used == 0);
		must(part < whole || used == (ssize_t)whole);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_http_head head = { .status = 0 };
	struct sbx_error err = fuzz_error();
	ssize_t used = parse((const char *)data, size, &head, &err);

	must_fit(used < 0 ? -1 : 0, &err);
	if (used < 0) {
		must(err.outcome == SBX_OUTCOME_UNAVAILABLE);
		must(fuzz_is_harmless(err.message));
	}
	if (used > 0) {
		must((size_t)used <= size && used <= SBX_HTTP_HEAD_MAX);
		must(data[used - 1] == '\n');
		must(head.status >= 100 && head.status <= 599);
		must(head.content_length >= -1);
		must_grow((const char *)data, size, (size_t)used);
	}
	must(used != 0 || size < SBX_HTTP_HEAD_MAX);
	look_up((const char *)data, size, used > 0 ? (size_t)used : 0, &head);
	return 0;
}
