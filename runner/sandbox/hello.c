/* SPDX-License-Identifier: MIT */
/*
 * HELLO comes in sections of text, each as the kernel wrote it.  The texts are
 * cut into slices in place; nothing is copied but paths, to undo mountinfo's
 * escapes.  All of it is outside data: what cannot be read the way the kernel
 * writes it is no sandbox of ours (SANDBOX_FAILED); what can be read and is
 * not as it must be is refused by its name (DENIED).
 */
#include "sandbox/hello.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "init/wire.h"
#include "sandbox/hello_devices.h"
#include "sandbox/hello_mounts.h"
#include "sandbox/slice.h"

#define SECTIONS_MAX (SBX_WIRE_HELLO_DEVICES + 1)

/* --- sections -------------------------------------------------------------- */

/* All of them, in their order. */
static int cut_sections(const void *payload, size_t size,
			struct sbx_slice sections[static SECTIONS_MAX],
			struct sbx_error *err)
{
	const unsigned char *at = payload;

	for (int i = SBX_WIRE_HELLO_BUILD; i < SECTIONS_MAX; i++) {
		uint32_t length;

		if (size < SBX_WIRE_HEADER_SIZE)
			return sbx_hello_senseless("it is cut short", err);
		if (at[0] != i || at[1] || at[2] || at[3])
			return sbx_hello_senseless("an unknown section", err);
		length = sbx_wire_get32(at + 4);
		at += SBX_WIRE_HEADER_SIZE;
		size -= SBX_WIRE_HEADER_SIZE;
		if (length > size)
			return sbx_hello_senseless("it is cut short", err);
		sections[i].at = (const char *)at;
		sections[i].size = length;
		at += length;
		size -= length;
	}
	if (size > 0)
		return sbx_hello_senseless("bytes behind its end", err);
	return 0;
}

/*
 * Before anything else is looked at: another build may say everything else
 * in another way.
 */
static bool is_other_build(const void *payload, size_t size,
			   const char *build_id)
{
	const unsigned char *at = payload;
	char expected[128];
	struct sbx_slice build;

	if (size < SBX_WIRE_HEADER_SIZE || at[0] != SBX_WIRE_HELLO_BUILD)
		return false;
	build.at = (const char *)at + SBX_WIRE_HEADER_SIZE;
	build.size = sbx_wire_get32(at + 4);
	if (build.size > size - SBX_WIRE_HEADER_SIZE)
		return false;
	snprintf(expected, sizeof(expected), "%d %s", SBX_WIRE_VERSION,
		 build_id);
	return !sbx_slice_is(build, expected);
}

/* --- /proc/self/status and limits ------------------------------------------ */

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

static struct sbx_slice without_blanks(struct sbx_slice slice)
{
	while (slice.size && is_blank(slice.at[0])) {
		slice.at++;
		slice.size--;
	}
	while (slice.size && is_blank(slice.at[slice.size - 1]))
		slice.size--;
	return slice;
}

/* What follows "KEY" at the start of a line, without blanks around it. */
static int find_line(struct sbx_slice text, const char *key,
		     struct sbx_slice *value, struct sbx_error *err)
{
	size_t size = strlen(key);
	struct sbx_slice line;

	while (sbx_slice_part(&text, '\n', &line)) {
		if (line.size < size || memcmp(line.at, key, size) != 0)
			continue;
		line.at += size;
		line.size -= size;
		*value = without_blanks(line);
		return 0;
	}
	return sbx_hello_senseless(key, err);
}

/* "Uid:\tREAL\tEFFECTIVE\tSAVED\tFILESYSTEM" */
static int check_ids(struct sbx_slice status, const char *key, const char *rule,
		     uint32_t expected, struct sbx_error *err)
{
	struct sbx_slice value;

	if (find_line(status, key, &value, err) < 0)
		return -1;
	for (int i = 0; i < 4; i++) {
		uint64_t id;

		if (!sbx_slice_number(&value, '\t', 10, &id))
			return sbx_hello_senseless(key, err);
		if (id != expected)
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "sandbox.%s: %" PRIu64
					     ", expected %" PRIu32,
					     rule, id, expected);
	}
	return value.size ? sbx_hello_senseless(key, err) : 0;
}

static int check_groups(struct sbx_slice status, uint32_t gid,
			struct sbx_error *err)
{
	struct sbx_slice value;
	uint64_t group;

	if (find_line(status, "Groups:", &value, err) < 0)
		return -1;
	while (value.size > 0) {
		if (!sbx_slice_number(&value, ' ', 10, &group))
			return sbx_hello_senseless("Groups:", err);
		if (group != gid)
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "sandbox.groups: supplementary "
					     "group %" PRIu64 ", expected none",
					     group);
	}
	return 0;
}

static int check_line(struct sbx_slice status, const char *key,
		      const char *rule, const char *expected,
		      struct sbx_error *err)
{
	struct sbx_slice value;

	if (find_line(status, key, &value, err) < 0)
		return -1;
	if (sbx_slice_is(value, expected))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.%s: %s %.*s, expected %s", rule, key,
			     value.size < 64 ? (int)value.size : 64, value.at,
			     expected);
}

static int check_status(struct sbx_slice status,
			const struct sbx_hello_expected *expected,
			struct sbx_error *err)
{
	static const char none[] = "0000000000000000";
	static const struct {
		const char *key;
		const char *rule;
		const char *value;
	} lines[] = {
		{ "Pid:", "pid_namespace", "1" },
		{ "CapInh:", "capabilities", none },
		{ "CapPrm:", "capabilities", none },
		{ "CapEff:", "capabilities", none },
		{ "CapBnd:", "capabilities", none },
		{ "CapAmb:", "capabilities", none },
		{ "NoNewPrivs:", "no_new_privileges", "1" },
		{ "Seccomp:", "seccomp", "2" },
	};

	if (check_ids(status, "Uid:", "uid", expected->uid, err) < 0 ||
	    check_ids(status, "Gid:", "gid", expected->gid, err) < 0 ||
	    check_groups(status, expected->gid, err) < 0)
		return -1;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(lines); i++) {
		if (check_line(status, lines[i].key, lines[i].rule,
			       lines[i].value, err) < 0)
			return -1;
	}
	return 0;
}

/* "Max open files   SOFT   HARD   files" */
static int check_nofile(struct sbx_slice limits, uint64_t most,
			struct sbx_error *err)
{
	struct sbx_slice value, part, hard = { .size = 0 };
	uint64_t number = UINT64_MAX;
	int words = 0;

	if (most == 0)
		return 0;
	if (find_line(limits, "Max open files", &value, err) < 0)
		return -1;
	while (sbx_slice_part(&value, ' ', &part)) {
		if (part.size > 0 && ++words == 2)
			hard = part;
	}
	if (!sbx_slice_is(hard, "unlimited") &&
	    !sbx_slice_to_number(hard, 10, &number))
		return sbx_hello_senseless("Max open files", err);
	if (number > most)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "sandbox.nofile: hard limit %.*s, "
				     "expected at most %" PRIu64,
				     (int)hard.size, hard.at, most);
	return 0;
}

/* --- the verdict ----------------------------------------------------------- */

int sbx_hello_check(const void *payload, size_t size,
		    const struct sbx_hello_expected *expected,
		    struct sbx_error *err)
{
	struct sbx_slice sections[SECTIONS_MAX];

	if (is_other_build(payload, size, expected->build_id))
		return SBX_HELLO_OTHER_BUILD;
	if (cut_sections(payload, size, sections, err) < 0 ||
	    check_status(sections[SBX_WIRE_HELLO_STATUS], expected, err) < 0 ||
	    sbx_hello_mounts_check(sections[SBX_WIRE_HELLO_MOUNTS],
				   sections[SBX_WIRE_HELLO_TARGETS], expected,
				   err) < 0 ||
	    sbx_hello_devices_check(sections[SBX_WIRE_HELLO_DEVICES], expected,
				    err) < 0)
		return -1;
	return check_nofile(sections[SBX_WIRE_HELLO_LIMITS], expected->nofile,
			    err);
}

int sbx_hello_owner(const void *payload, size_t size, const char *target,
		    uint32_t *uid, uint32_t *gid, struct sbx_error *err)
{
	struct sbx_slice sections[SECTIONS_MAX];

	if (cut_sections(payload, size, sections, err) < 0)
		return -1;
	return sbx_hello_mounts_owner(sections[SBX_WIRE_HELLO_MOUNTS],
				      sections[SBX_WIRE_HELLO_TARGETS], target,
				      uid, gid, err);
}
