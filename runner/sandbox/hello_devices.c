/* SPDX-License-Identifier: MIT */
/*
 * Devices are known by their numbers: what a path leads to was the engine's to
 * choose.  Whoever may open a node by its mode has what stands behind the
 * number, as far as the engine's cgroup of devices goes, which nobody can look
 * up from here.
 */
#include "sandbox/hello_devices.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox/hello_mounts.h"
#include "skill/never.h"

struct node {
	bool is_examined;
	uint64_t major;
	uint64_t minor;
	char type;
	char path[PATH_MAX];
};

/*
 * "Default devices" of the OCI runtime specification (config-linux.md), which
 * runc and crun both make, and neither they nor their engines add to.  ptmx is
 * a link into /dev/pts with both, and may be a node; console would be there
 * with a terminal, which no sandbox has.
 */
static const struct standard {
	const char *path;
	uint32_t major;
	uint32_t minor;
	bool must_be;
} standard[] = {
	{ "/dev/null", 1, 3, true },	{ "/dev/zero", 1, 5, true },
	{ "/dev/full", 1, 7, true },	{ "/dev/random", 1, 8, true },
	{ "/dev/urandom", 1, 9, true }, { "/dev/tty", 5, 0, true },
	{ "/dev/ptmx", 5, 2, false },
};

/* --- one line -------------------------------------------------------------- */

/* "MAJOR MINOR TYPE MODE PATH" or "- ERRNO PATH" */
static bool parse_node(struct sbx_slice line, struct node *node)
{
	struct sbx_slice type;
	uint64_t ignored;

	node->is_examined = line.size > 0 && line.at[0] != '-';
	if (!node->is_examined)
		return sbx_slice_part(&line, ' ', &type) &&
		       sbx_slice_number(&line, ' ', 10, &ignored) &&
		       sbx_slice_to_path(line, node->path);
	if (!sbx_slice_number(&line, ' ', 10, &node->major) ||
	    !sbx_slice_number(&line, ' ', 10, &node->minor) ||
	    !sbx_slice_part(&line, ' ', &type) || type.size != 1 ||
	    !sbx_slice_number(&line, ' ', 8, &ignored))
		return false;
	node->type = type.at[0];
	return sbx_slice_to_path(line, node->path);
}

static int refuse(const struct node *node, const char *what,
		  struct sbx_error *err)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(512);

	sbx_text_escape(&path, node->path, strlen(node->path), false);
	if (!node->is_examined)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "sandbox.devices: %s cannot be examined",
				     sbx_buf_text(&path));
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.devices: %s (%c %" PRIu64 ":%" PRIu64
			     ") %s",
			     sbx_buf_text(&path), node->type, node->major,
			     node->minor, what);
}

/* --- what may be there ----------------------------------------------------- */

/* What the engine's drivers for GPUs add: NVIDIA's, AMD's, and WSL's. */
static bool is_gpu(const char *path)
{
	static const char *const patterns[] = {
		"/dev/nvidia*", "/dev/nvidia-caps/*", "/dev/dri/*",
		"/dev/kfd",	"/dev/dxg",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(patterns); i++) {
		if (fnmatch(patterns[i], path, FNM_PATHNAME | FNM_NOESCAPE) ==
		    0)
			return true;
	}
	return false;
}

/* Index into the expected devices, or their number. */
static size_t find_expected(const struct sbx_hello_expected *expected,
			    const char *path)
{
	size_t i = 0;

	while (i < expected->n_devices &&
	       strcmp(expected->devices[i].path, path) != 0)
		i++;
	return i;
}

bool sbx_hello_is_device(const struct sbx_hello_expected *expected,
			 const char *path)
{
	return find_expected(expected, path) < expected->n_devices ||
	       (expected->gpus && is_gpu(path));
}

static size_t find_standard(const char *path)
{
	size_t i = 0;

	while (i < SBX_ARRAY_SIZE(standard) &&
	       strcmp(standard[i].path, path) != 0)
		i++;
	return i;
}

/* --- the check ------------------------------------------------------------- */

static int check_number(const struct node *node, uint32_t major, uint32_t minor,
			struct sbx_error *err)
{
	if (node->type == 'c' && node->major == major && node->minor == minor)
		return 0;
	return refuse(node, "is another device than was meant", err);
}

/* Which numbers they have is their driver's affair, but for some. */
static int check_gpu(const struct node *node, struct sbx_error *err)
{
	const char *what;

	if (node->type != 'c' || node->major > UINT32_MAX ||
	    node->minor > UINT32_MAX ||
	    sbx_never_device_number((unsigned int)node->major,
				    (unsigned int)node->minor, &what))
		return refuse(node, "is no GPU", err);
	return 0;
}

/* @seen: of the standard ones, then of the expected ones. */
static int check_node(const struct node *node,
		      const struct sbx_hello_expected *expected, bool *seen,
		      struct sbx_error *err)
{
	size_t i = find_standard(node->path);
	size_t j = find_expected(expected, node->path);

	if (!node->is_examined)
		return refuse(node, "", err);
	if (i < SBX_ARRAY_SIZE(standard)) {
		seen[i] = true;
		return check_number(node, standard[i].major, standard[i].minor,
				    err);
	}
	if (j < expected->n_devices) {
		seen[i + j] = true;
		return check_number(node, expected->devices[j].major,
				    expected->devices[j].minor, err);
	}
	if (expected->gpus && is_gpu(node->path))
		return check_gpu(node, err);
	return refuse(node, "was not granted", err);
}

static int missing(const char *path, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.devices: there is no %s", path);
}

static int check_all_seen(const struct sbx_hello_expected *expected,
			  const bool *seen, struct sbx_error *err)
{
	size_t n = SBX_ARRAY_SIZE(standard);

	for (size_t i = 0; i < n; i++) {
		if (!seen[i] && standard[i].must_be)
			return missing(standard[i].path, err);
	}
	for (size_t i = 0; i < expected->n_devices; i++) {
		if (!seen[n + i])
			return missing(expected->devices[i].path, err);
	}
	return 0;
}

int sbx_hello_devices_check(struct sbx_slice devices,
			    const struct sbx_hello_expected *expected,
			    struct sbx_error *err)
{
	cleanup_free bool *seen = sbx_calloc(
		SBX_ARRAY_SIZE(standard) + expected->n_devices, sizeof(*seen));
	struct sbx_slice line;
	struct node node;

	while (sbx_slice_part(&devices, '\n', &line)) {
		if (!parse_node(line, &node))
			return sbx_hello_senseless("a device's facts", err);
		if (check_node(&node, expected, seen, err) < 0)
			return -1;
	}
	return check_all_seen(expected, seen, err);
}
