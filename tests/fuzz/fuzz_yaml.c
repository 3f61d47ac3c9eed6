/* SPDX-License-Identifier: MIT */
/*
 * YAML that may be anything: what is read keeps the limits, each place is in
 * the text, and written as JSON (which is YAML) it is read as the same again.
 */
#include "fuzz.h"

#include "codec/json.h"
#include "codec/yaml.h"

/* What YAML 1.2, section 5.1, lets stand for itself in a quoted text. */
static bool is_printable(uint32_t code)
{
	return code >= ' ' && code != 0x7f && code != 0xfeff &&
	       (code < 0x80 || code > 0x9f) && code != 0xfffe && code != 0xffff;
}

/* JSON that no YAML parser has to read: section 7.4.2, keys of 1024. */
static bool is_yaml(const char *text)
{
	size_t left = strlen(text);

	if (left >= 1024)
		return false;
	while (left > 0) {
		uint32_t code;
		size_t size = sbx_text_next(text, left, &code);

		if (!is_printable(code))
			return false;
		text += size;
		left -= size;
	}
	return true;
}

static void read_again(const json_t *root)
{
	char *text = json_dumps(root, JSON_ENCODE_ANY);
	struct sbx_error err = fuzz_error();
	struct sbx_yaml *again = NULL;

	must(text);
	if (is_yaml(text)) {
		must(sbx_yaml_parse(text, strlen(text), &again, &err) == 0);
		must(json_equal(sbx_yaml_root(again), root));
		sbx_yaml_free(&again);
	}
	free(text);
}

/* What all of it is when aliases are followed. */
struct totals {
	size_t nodes;
	size_t text;
	unsigned int lines;
	size_t size;
};

static void must_be_in(struct sbx_yaml_place place, const struct totals *totals)
{
	must(place.line >= 1 && place.line <= totals->lines);
	must(place.column >= 1 && place.column <= totals->size + 1);
}

static void visit(const struct sbx_yaml *yaml, const json_t *value,
		  const char *pointer, int depth, struct totals *totals)
{
	const char *key;
	json_t *member;
	size_t i;

	must(depth <= SBX_YAML_DEPTH_MAX);
	totals->nodes++;
	totals->text += json_string_length(value);
	/* The lists of findings look up few places; so do we. */
	if (totals->nodes < 100) {
		must_be_in(sbx_yaml_value_place(yaml, pointer), totals);
		must_be_in(sbx_yaml_key_place(yaml, pointer), totals);
	}
	json_array_foreach (value, i, member) {
		char *next = sbx_asprintf("%s/%zu", pointer, i);

		visit(yaml, member, next, depth + 1, totals);
		free(next);
	}
	json_object_foreach ((json_t *)value, key, member) {
		char *next = sbx_asprintf("%s/%s", pointer, key);

		totals->text += strlen(key);
		visit(yaml, member, next, depth + 1, totals);
		free(next);
	}
}

static unsigned int count_lines(const char *text, size_t size)
{
	unsigned int lines = 2;

	/* U+0085, U+2028 and U+2029 end lines as well: YAML 1.1. */
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || text[i] == '\r' ||
			 (unsigned char)text[i] >= 0x80;
	return lines;
}

static void must_have_place(const char *message)
{
	unsigned int line;
	unsigned int column;
	char space;

	must(sscanf(message, "%u:%u:%c", &line, &column, &space) == 3);
	must(line >= 1 && column >= 1 && space == ' ');
	must(fuzz_is_harmless(message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_exact(data, size);
	struct sbx_error err = fuzz_error();
	struct sbx_yaml *yaml = NULL;
	int result = sbx_yaml_parse(text, size, &yaml, &err);

	if (result == SBX_YAML_FAULTY) {
		must(err.outcome == SBX_OUTCOME_INVALID);
		must(sbx_yaml_faults(yaml)->n > 0);
		must(sbx_yaml_faults(yaml)->n <= SBX_YAML_FAULTS_MAX);
	} else {
		must_fit(result, &err);
	}
	if (result != 0)
		must_have_place(err.message);
	if (result >= 0) {
		struct totals totals = { .lines = count_lines(text, size),
					 .size = size };
		json_t *root = sbx_yaml_root(yaml);

		must_be_json(root);
		visit(yaml, root, "", 1, &totals);
		must(totals.nodes <= SBX_YAML_NODES_MAX);
		must(totals.text <= SBX_YAML_TEXT_MAX);
		if (result == 0)
			read_again(root);
	} else {
		must(!yaml);
	}
	sbx_yaml_free(&yaml);
	free(text);
	return 0;
}
