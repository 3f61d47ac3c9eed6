/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_DOCTOR_H
#define SBX_SANDBOX_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * What an engine can enforce, judged by what it says of itself.  Pure; the
 * proof of most of it is sbx_run_probe(), which looks from the inside.
 */

/* WARN: works, but not as well as it could.  FAIL: runs will be refused. */
enum sbx_doctor_level {
	SBX_DOCTOR_OK,
	SBX_DOCTOR_WARN,
	SBX_DOCTOR_FAIL,
};

/*
 * @id		short and stable: "memory"
 * @what	the finding, a sentence without a full stop
 * @fix		what the operator can do, or NULL
 */
struct sbx_doctor_finding {
	enum sbx_doctor_level level;
	const char *id;
	char *what;
	const char *fix;
};

struct sbx_doctor_findings {
	struct sbx_doctor_finding *v;
	size_t n;
};

void sbx_doctor_findings_free(struct sbx_doctor_findings *findings);

/* Appends a finding; the @what made by @format. */
void sbx_doctor_add(struct sbx_doctor_findings *findings,
		    enum sbx_doctor_level level, const char *id,
		    const char *fix, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * Appends a finding for each thing a sandbox depends on.
 *
 * @info, @version	the engine's /info and /version
 * @free_bytes		left where the engine keeps its data; -1: not known
 */
void sbx_doctor_examine(struct sbx_doctor_findings *findings,
			const json_t *info, const json_t *version,
			int64_t free_bytes);

/* What the engine is, in the order to show: {"engine": "Docker 20.10", ...} */
json_t *sbx_doctor_facts(const json_t *info, const json_t *version);

/* "ok", "warn", "FAIL" */
const char *sbx_doctor_level_name(enum sbx_doctor_level level);

#endif
