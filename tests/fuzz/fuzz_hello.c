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
#define N_SECTIONS 6

static const struct sbx_hello_mount mounts[] = {
	{ .target = "/tmp", .fstype = "tmpfs", .writable = true },
	{ .target = "/dev/shm", .fstype = "tmpfs", .writable = true },
	{ .target = "/app/my cache", .writable = true, .exec = true },
	{ .target = "/books", .exec = true, .dev = 65024, .ino = 78 },
};

static const struct sbx_hello_device devices[] = {
	{ .path = "/dev/fuse", .major = 10, .minor = 229 },
};

static const struct sbx_hello_expected expected = {
	.build_id = "0123456789abcdef",
	.uid = 200001,
	.gid = 200002,
	.mounts = mounts,
	.n_mounts = SBX_ARRAY_SIZE(mounts),
	.nofile = 4096,
	.devices = devices,
	.n_devices = SBX_ARRAY_SIZE(devices),
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

/* What is behind the first KEY that begins a line of @text, without blanks. */
static bool says(const char *text, size_t size, const char *key,
		 const char *wanted)
{
	size_t length = strlen(key);

	while (size >= length && memcmp(text, key, length) != 0) {
		const char *end = memchr(text, '\n', size);

		if (!end)
			return false;
		size -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	if (size < length)
		return false;
	for (text += length, size -= length;; text++, size--) {
		while (size > 0 && (*text == ' ' || *text == '\t')) {
			text++;
			size--;
		}
		if (!*wanted)
			return size == 0 || *text == '\n';
		if (size == 0 || *text != *wanted++)
			return false;
	}
}

static bool has(const char *payload, size_t size, const char *part)
{
	return memmem(payload, size, part, strlen(part));
}

/* What was checked, once more; blanks do not count. */
static void must_be_seen(const char *payload, size_t size)
{
	static const char none[] = "0000000000000000";
	static const char ids[] = "200001200001200001200001";
	static const char *const sets[] = { "CapInh:", "CapPrm:", "CapEff:",
					    "CapBnd:", "CapAmb:" };
	static const char *const parts[] = { " /tmp ",	     " /dev/shm ",
					     "my\\040cache", " /books ",
					     "65024 78 ",    "1 3 c ",
					     " /dev/null",   "10 229 c ",
					     " /dev/fuse" };
	size_t build = sbx_wire_get32((const unsigned char *)payload + 4);
	const char *status = payload + build + 2 * SBX_WIRE_HEADER_SIZE;
	size_t left = size - (size_t)(status - payload);

	must(build == 18 && has(payload, 26, "2 0123456789abcdef"));
	must(says(status, left, "NoNewPrivs:", "1"));
	must(says(status, left, "Seccomp:", "2"));
	must(says(status, left, "Uid:", ids));
	must(says(status, left, "Pid:", "1"));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sets); i++)
		must(says(status, left, sets[i], none));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(parts); i++)
		must(has(payload, size, parts[i]));
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
