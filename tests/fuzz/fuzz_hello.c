/* SPDX-License-Identifier: MIT */
/*
 * init's report of itself.  The input is the payload as it is; or, when it
 * starts with "== ", texts with a line "== " between them, which become the
 * sections.  Whatever is believed must be seen by another, simpler look at it.
 */
#include "fuzz.h"

#include "init/wire.h"
#include "sandbox/hello.h"

#define MARK	   "== "
#define N_SECTIONS 5

static const struct sbx_hello_mount mounts[] = {
	{ .target = "/tmp", .fstype = "tmpfs", .writable = true },
	{ .target = "/dev/shm", .fstype = "tmpfs", .writable = true },
	{ .target = "/app/my cache", .writable = true, .exec = true },
	{ .target = "/books", .exec = true, .dev = 65024, .ino = 78 },
};

static const struct sbx_hello_expected expected = {
	.build_id = "0123456789abcdef",
	.uid = 200001,
	.gid = 200002,
	.mounts = mounts,
	.n_mounts = SBX_ARRAY_SIZE(mounts),
	.nofile = 4096,
};

/* Sections of texts; those that are missing are empty. */
static void make_payload(struct sbx_buf *out, const char *text, size_t size)
{
	for (int i = 0; i < N_SECTIONS; i++) {
		unsigned char header[SBX_WIRE_HEADER_SIZE];
		const char *start = size ? memchr(text, '\n', size) : NULL;
		const char *end;

		if (start) {
			size -= (size_t)(++start - text);
			text = start;
		} else {
			text += size;
			size = 0;
		}
		end = size ? memmem(text, size, "\n" MARK, 4) : NULL;
		/* The build has no end of line, all others do. */
		if (end && i > 0)
			end++;
		if (!end)
			end = text + size;
		sbx_wire_put_header(header, (uint8_t)(i + 1),
				    (uint32_t)(end - text));
		sbx_buf_append(out, header, sizeof(header));
		sbx_buf_append(out, text, (size_t)(end - text));
		size -= (size_t)(end - text);
		text = end;
	}
}

static bool has_line(const char *payload, size_t size, const char *line)
{
	return memmem(payload, size, line, strlen(line));
}

/* Somewhere in it there has to be what was checked. */
static void must_be_seen(const char *payload, size_t size)
{
	static const char *const lines[] = {
		"1 0123456789abcdef",
		"NoNewPrivs:",
		"Seccomp:",
		"CapInh:",
		"CapPrm:",
		"CapEff:",
		"CapBnd:",
		"CapAmb:",
		"Uid:",
		"Gid:",
		"200001",
		"200002",
		" /tmp ",
		" /dev/shm ",
		"my\\040cache",
		" /books ",
		"65024 78 ",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(lines); i++)
		must(has_line(payload, size, lines[i]));
}

static void must_be_owner(const char *payload, size_t size, const char *target)
{
	struct sbx_error err = fuzz_error();
	uint32_t uid = 7;
	uint32_t gid = 7;
	int result = sbx_hello_owner(payload, size, target, &uid, &gid, &err);

	must_fit(result, &err);
	must(result == 0 || err.outcome == SBX_OUTCOME_SANDBOX_FAILED);
}

/* Twice: what is not checked of a neighbour must not decide. */
static void check(const char *payload, size_t size)
{
	struct sbx_error err = fuzz_error();
	int result = sbx_hello_check(payload, size, &expected, &err);

	must(result == SBX_HELLO_OTHER_BUILD || result <= 0);
	must_fit(result, &err);
	if (result < 0) {
		must(err.outcome == SBX_OUTCOME_DENIED ||
		     err.outcome == SBX_OUTCOME_SANDBOX_FAILED);
	}
	if (result == 0)
		must_be_seen(payload, size);
	must_be_owner(payload, size, "/tmp");
	must_be_owner(payload, size, "/app/my cache");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_buf payload = SBX_BUF_INIT(size + 64);
	char *exact;

	if (size >= strlen(MARK) && memcmp(data, MARK, strlen(MARK)) == 0)
		make_payload(&payload, (const char *)data, size);
	else
		sbx_buf_append(&payload, data, size);
	exact = fuzz_exact(payload.data, payload.len);
	check(exact, payload.len);
	free(exact);
	sbx_buf_free(&payload);
	return 0;
}
