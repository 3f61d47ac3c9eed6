/* SPDX-License-Identifier: MIT */
/*
 * A SKILL.md by somebody we do not trust: it is refused with the place of each
 * mistake, or the manifest that takes its description and license from it can
 * be written in full and read as the same again.  It says the same to a
 * manifest that has them already.
 */
#include "fuzz.h"

#include "skill/names.h"
#include "skill/skill_md.h"

#define NAME "fuzz"
#define HEAD "schema_version: 1\nname: " NAME "\nversion: 0.1.0\n"

static struct sbx_manifest *parse_manifest(const char *text)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	struct sbx_manifest *manifest = NULL;

	if (sbx_manifest_parse(text, strlen(text), NAME, "skill.yaml",
			       &manifest, &problems, &err) < 0)
		fprintf(stderr, "%s\n", err.message);
	must(manifest);
	return manifest;
}

static void must_be_problems(const struct sbx_strv *lines)
{
	unsigned int row;
	unsigned int column;

	for (size_t i = 0; i < lines->n; i++) {
		must(sscanf(lines->v[i], "%u:%u: ", &row, &column) == 2);
		must(fuzz_is_harmless(lines->v[i]));
	}
}

static void must_be_trimmed(const char *text)
{
	static const char blanks[] = " \t\r\n";

	must(fuzz_is_utf8(text));
	must(text[0] != '\0' && !strchr(blanks, text[0]));
	must(!strchr(blanks, text[strlen(text) - 1]));
}

/* What was read, or nothing; 0 or -1 as the parser. */
static int parse(const char *text, size_t size, const char *manifest_text,
		 struct sbx_skill_md *out)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_manifest *manifest = parse_manifest(manifest_text);
	int result = sbx_skill_md_parse(text, size, manifest, out, &problems);

	must((result == 0) == (problems.errors.n == 0));
	must((result == 0) == (out->description != NULL));
	must(result == 0 || !out->license);
	must_be_problems(&problems.errors);
	must_be_problems(&problems.warnings);
	sbx_manifest_free(&manifest);
	return result;
}

/* As a manifest's own, through JSON and back. */
static void must_fit_manifest(struct sbx_skill_md *skill_md)
{
	struct sbx_manifest *manifest =
		parse_manifest(HEAD "actions: {run: {}}\n");
	json_t *json;

	manifest->description = sbx_take(skill_md->description);
	manifest->license = sbx_take(skill_md->license);
	json = sbx_manifest_json(manifest);
	must_be_json(json);
	json_decref(json);
	sbx_manifest_free(&manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_skill_md struct sbx_skill_md one = SBX_SKILL_MD_INIT;
	cleanup_skill_md struct sbx_skill_md two = SBX_SKILL_MD_INIT;
	char *text = fuzz_exact(data, size);
	int result = parse(text, size, HEAD "actions: {run: {}}\n", &one);

	must(result == parse(text, size,
			     HEAD "description: a\nlicense: MIT\n"
				  "actions: {run: {}}\n",
			     &two));
	if (result == 0) {
		must(strcmp(one.description, two.description) == 0);
		must(!one.license == !two.license);
		must_be_trimmed(one.description);
		if (one.license) {
			must_be_trimmed(one.license);
			must(sbx_name_is_license(one.license));
		}
		must_fit_manifest(&one);
	}
	free(text);
	return 0;
}
