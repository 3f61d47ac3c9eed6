/* SPDX-License-Identifier: MIT */
/*
 * The images a Dockerfile names.  Each stands in the text where it is said to
 * stand, and with those of ours made exact it names the same others.
 */
#include "fuzz.h"

#include "skill/dockerfile.h"

/* The one tag of a base image that may be written out. */
#define KEY "latest"

static const char *const arg_names[] = { "BASE", "TAG", "A" };

static int parse(struct sbx_dockerfile *out, const char *text, size_t size,
		 struct sbx_error *err)
{
	json_t *args = json_object();
	int result;

	json_object_set_new(args, arg_names[0], json_string("skillbox/python"));
	json_object_set_new(args, arg_names[1], json_string(""));
	json_object_set_new(args, arg_names[2], json_string("a b\"'$A"));
	result = sbx_dockerfile_parse(out, "Dockerfile", text, size, args,
				      "linux/amd64", err);
	json_decref(args);
	return result;
}

static void must_be_refs(const struct sbx_dockerfile *dockerfile, size_t size)
{
	unsigned int line = 1;
	size_t at = 0;

	for (size_t i = 0; i < dockerfile->n; i++) {
		const struct sbx_dockerfile_ref *ref = &dockerfile->refs[i];

		must(ref->line >= line);
		must(ref->offset >= at && ref->size <= size &&
		     ref->offset <= size - ref->size);
		must(ref->image && *ref->image);
		must(!ref->base || strncmp(ref->image, "skillbox/", 9) == 0);
		must(!ref->base || !sbx_dockerfile_is_pinned(ref->image));
		must(sbx_dockerfile_kind_text(ref->kind));
		line = ref->line;
		at = ref->offset;
	}
}

static json_t *keys_of(const struct sbx_dockerfile *dockerfile)
{
	json_t *keys = json_object();

	for (size_t i = 0; i < dockerfile->n; i++) {
		if (dockerfile->refs[i].base)
			json_object_set_new(keys, dockerfile->refs[i].base,
					    json_string(KEY));
	}
	return keys;
}

/* What is ours has the key now; all else is as it was. */
static void must_be_exact(const struct sbx_dockerfile *before,
			  const struct sbx_dockerfile *after)
{
	must(before->n == after->n);
	for (size_t i = 0; i < before->n; i++) {
		const struct sbx_dockerfile_ref *old = &before->refs[i];
		const struct sbx_dockerfile_ref *new = &after->refs[i];

		must(old->kind == new->kind && old->line == new->line);
		must(!new->base == !old->base);
		if (old->base) {
			char *image =
				sbx_asprintf("skillbox/%s:" KEY, old->base);

			must(strcmp(new->image, image) == 0);
			free(image);
		} else {
			must(strcmp(new->image, old->image) == 0);
		}
	}
}

static void rewrite(const struct sbx_dockerfile *dockerfile, const char *text,
		    size_t size)
{
	struct sbx_dockerfile again = SBX_DOCKERFILE_INIT;
	struct sbx_buf exact = SBX_BUF_INIT(16 * SBX_DOCKERFILE_SIZE_MAX);
	struct sbx_error err = fuzz_error();
	json_t *keys = keys_of(dockerfile);

	sbx_dockerfile_rewrite(&exact, text, size, dockerfile, keys);
	if (json_object_size(keys) == 0) {
		must(exact.len == size);
		must(size == 0 || memcmp(exact.data, text, size) == 0);
	}
	if (parse(&again, sbx_buf_text(&exact), exact.len, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		must(!"what was rewritten can be read");
	}
	must_be_exact(dockerfile, &again);
	sbx_dockerfile_clear(&again);
	sbx_buf_free(&exact);
	json_decref(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_dockerfile dockerfile = SBX_DOCKERFILE_INIT;
	struct sbx_error err = fuzz_error();
	char *text = fuzz_exact(data, size);
	int result = parse(&dockerfile, text, size, &err);

	must_fit(result, &err);
	if (result == 0) {
		must_be_refs(&dockerfile, size);
		rewrite(&dockerfile, text, size);
	} else {
		must(err.outcome == SBX_OUTCOME_INVALID);
		must(strncmp(err.message, "Dockerfile:", 11) == 0);
	}
	sbx_dockerfile_clear(&dockerfile);
	free(text);
	return 0;
}
