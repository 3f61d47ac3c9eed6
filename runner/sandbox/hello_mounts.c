/* SPDX-License-Identifier: MIT */
#include "sandbox/hello_mounts.h"

#include <string.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sandbox/hello_devices.h"

/*
 * One mount: a line of mountinfo (proc_pid_mountinfo(5)) and, when it could be
 * examined, what stat(2) said of its mount point.
 */
struct mount {
	uint64_t major;
	uint64_t minor;
	struct sbx_slice root;
	struct sbx_slice escaped;
	struct sbx_slice options;
	struct sbx_slice fstype;
	struct sbx_slice super_options;
	char path[PATH_MAX];
	bool is_examined;
	uint64_t dev;
	uint64_t ino;
	uint64_t uid;
	uint64_t gid;
	uint64_t mode;
};

/* "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [TAG...] - TYPE SOURCE SUPER" */
static bool parse_mount(struct sbx_slice line, struct mount *mount)
{
	struct sbx_slice part;

	for (int i = 0; i < 2; i++) {
		if (!sbx_slice_part(&line, ' ', &part))
			return false;
	}
	if (!sbx_slice_number(&line, ':', 10, &mount->major) ||
	    !sbx_slice_number(&line, ' ', 10, &mount->minor) ||
	    !sbx_slice_part(&line, ' ', &mount->root) ||
	    !sbx_slice_part(&line, ' ', &mount->escaped) ||
	    !sbx_slice_part(&line, ' ', &mount->options))
		return false;
	do {
		if (!sbx_slice_part(&line, ' ', &part))
			return false;
	} while (!sbx_slice_is(part, "-"));
	/* The source may be empty, so there may be two spaces in a row. */
	return sbx_slice_part(&line, ' ', &mount->fstype) &&
	       sbx_slice_part(&line, ' ', &part) &&
	       sbx_slice_part(&line, ' ', &mount->super_options) &&
	       sbx_slice_to_path(mount->escaped, mount->path);
}

/* "DEV INO UID GID MODE PATH" or "- ERRNO PATH", PATH as in mountinfo. */
static bool parse_target(struct sbx_slice line, struct mount *mount)
{
	struct sbx_slice path = line;
	uint64_t ignored;

	mount->is_examined = line.size > 0 && line.at[0] != '-';
	if (!mount->is_examined) {
		if (!sbx_slice_part(&path, ' ', &line) ||
		    !sbx_slice_number(&path, ' ', 10, &ignored))
			return false;
	} else if (!sbx_slice_number(&path, ' ', 10, &mount->dev) ||
		   !sbx_slice_number(&path, ' ', 10, &mount->ino) ||
		   !sbx_slice_number(&path, ' ', 10, &mount->uid) ||
		   !sbx_slice_number(&path, ' ', 10, &mount->gid) ||
		   !sbx_slice_number(&path, ' ', 8, &mount->mode)) {
		return false;
	}
	return path.size == mount->escaped.size &&
	       memcmp(path.at, mount->escaped.at, path.size) == 0;
}

/* The next mount of both lists: 1, 0 at their end, or -1. */
static int next_mount(struct sbx_slice *mounts, struct sbx_slice *targets,
		      struct mount *mount, struct sbx_error *err)
{
	struct sbx_slice line;

	if (!sbx_slice_part(mounts, '\n', &line))
		return targets->size ? sbx_hello_senseless(
					       "more targets than mounts", err)
				     : 0;
	if (!parse_mount(line, mount))
		return sbx_hello_senseless("a line of mountinfo", err);
	if (!sbx_slice_part(targets, '\n', &line) || !parse_target(line, mount))
		return sbx_hello_senseless("a mount point's facts", err);
	return 1;
}

static int refuse_mount(const struct mount *mount, const char *what,
			struct sbx_error *err)
{
	cleanup_buf struct sbx_buf path = SBX_BUF_INIT(512);

	sbx_text_escape(&path, mount->path, strlen(mount->path), false);
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.mounts: %s (%.*s) %s",
			     sbx_buf_text(&path), (int)mount->fstype.size,
			     mount->fstype.at, what);
}

/* Either of the two can make it read-only. */
static bool is_writable(const struct mount *mount)
{
	return !sbx_slice_has_word(mount->options, "ro") &&
	       !sbx_slice_has_word(mount->super_options, "ro");
}

/* Nobody but root could write there, whatever the mount says. */
static bool is_roots_own(const struct mount *mount)
{
	return mount->is_examined && mount->uid == 0 &&
	       (mount->mode & 022) == 0;
}

/*
 * What cgroup v1 controllers are mounted in.  runc makes it root's own; crun
 * (1.8 to 1.21) everybody's, of a size that it says, with nothing to be had
 * from it: the doctor warns of it.
 */
static bool is_cgroup_folder(const struct mount *mount)
{
	return is_roots_own(mount) ||
	       (sbx_slice_has_word(mount->super_options, "size=1024k") &&
		sbx_slice_has_word(mount->options, "nosuid") &&
		sbx_slice_has_word(mount->options, "nodev") &&
		sbx_slice_has_word(mount->options, "noexec"));
}

/* The kernel file systems that every container has, writable by nature. */
static bool is_kernel_mount(const struct mount *mount)
{
	static const struct {
		const char *path;
		const char *fstype;
		bool (*must)(const struct mount *mount);
	} known[] = {
		{ "/proc", "proc", NULL },
		{ "/dev", "tmpfs", is_roots_own },
		{ "/dev/pts", "devpts", NULL },
		{ "/dev/mqueue", "mqueue", NULL },
		{ "/sys/fs/cgroup", "tmpfs", is_cgroup_folder },
	};

	if (!sbx_slice_is(mount->root, "/"))
		return false;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(known); i++) {
		if (strcmp(mount->path, known[i].path) == 0)
			return sbx_slice_is(mount->fstype, known[i].fstype) &&
			       (!known[i].must || known[i].must(mount));
	}
	return false;
}

/*
 * A single device: /dev/null over a file of /proc or /sys that is masked, and
 * where the engine may not make devices (user namespaces) the six that every
 * container has, each over its own name, and those that are meant to be there,
 * whose numbers are looked at with all others.
 */
static bool is_device_mount(const struct mount *mount,
			    const struct sbx_hello_expected *expected)
{
	static const char *const names[] = { "/null",	 "/zero", "/full",
					     "/urandom", "/tty",  "/random" };

	if (!sbx_slice_is(mount->fstype, "tmpfs") &&
	    !sbx_slice_is(mount->fstype, "devtmpfs"))
		return false;
	if (sbx_text_has_prefix(mount->path, "/proc/") ||
	    sbx_text_has_prefix(mount->path, "/sys/"))
		return sbx_slice_is(mount->root, "/null");
	if (!sbx_text_has_prefix(mount->path, "/dev/"))
		return false;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		if (sbx_slice_is(mount->root, names[i]))
			return strcmp(mount->path + strlen("/dev"), names[i]) ==
			       0;
	}
	return sbx_hello_is_device(expected, mount->path);
}

static bool is_at_or_below(const char *path, const char *top)
{
	size_t size = strlen(top);

	return strncmp(path, top, size) == 0 &&
	       (path[size] == '\0' || path[size] == '/');
}

/*
 * What engines mount for themselves: the root, what names the container, what
 * marks it, the kernel's file systems and what hides parts of them; the rules
 * of cryptography of a host in FIPS mode.  Drivers of GPUs have files of their
 * own, wherever.
 */
static bool is_engines_own(const struct mount *mount,
			   const struct sbx_hello_expected *expected)
{
	static const char *const files[] = {
		"/",
		"/etc/hosts",
		"/etc/hostname",
		"/etc/resolv.conf",
		"/run/.containerenv",
	};
	static const char *const trees[] = {
		"/proc",
		"/sys",
		"/dev",
		"/etc/crypto-policies",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(files); i++) {
		if (strcmp(mount->path, files[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(trees); i++) {
		if (is_at_or_below(mount->path, trees[i]))
			return true;
	}
	return expected->gpus;
}

/* What a tmpfs of ours must be; other file systems take no such options. */
static int check_tmpfs(const struct mount *mount,
		       const struct sbx_hello_mount *expected,
		       struct sbx_error *err)
{
	if (!sbx_slice_has_word(mount->options, "nosuid"))
		return refuse_mount(mount, "is not nosuid", err);
	if (!sbx_slice_has_word(mount->options, "nodev"))
		return refuse_mount(mount, "is not nodev", err);
	if (!expected->exec && !sbx_slice_has_word(mount->options, "noexec"))
		return refuse_mount(mount, "is not noexec", err);
	/* st_dev of other file systems may be another than mountinfo's. */
	if (mount->is_examined && (major(mount->dev) != mount->major ||
				   minor(mount->dev) != mount->minor))
		return refuse_mount(mount, "is hidden by something else", err);
	return 0;
}

static int check_expected(const struct mount *mount,
			  const struct sbx_hello_mount *expected,
			  struct sbx_error *err)
{
	if (expected->fstype && !sbx_slice_is(mount->fstype, expected->fstype))
		return refuse_mount(mount, "is of the wrong type", err);
	if (is_writable(mount) && !expected->writable)
		return refuse_mount(mount, "is writable, expected read-only",
				    err);
	if (!is_writable(mount) && expected->writable)
		return refuse_mount(mount, "is read-only, expected writable",
				    err);
	if (expected->ino != 0 &&
	    (!mount->is_examined || mount->ino != expected->ino ||
	     mount->dev != expected->dev))
		return refuse_mount(mount,
				    "is not the file of the host that "
				    "was checked",
				    err);
	if (expected->fstype)
		return check_tmpfs(mount, expected, err);
	return 0;
}

/* Index into the expected mounts, or their number. */
static size_t find_expected(const struct sbx_hello_expected *expected,
			    const char *path)
{
	size_t i = 0;

	while (i < expected->n_mounts &&
	       strcmp(expected->mounts[i].target, path) != 0)
		i++;
	return i;
}

static int check_mount(const struct mount *mount,
		       const struct sbx_hello_expected *expected, bool *seen,
		       struct sbx_error *err)
{
	size_t i = find_expected(expected, mount->path);

	if (i < expected->n_mounts) {
		if (seen[i])
			return refuse_mount(mount, "is mounted twice", err);
		seen[i] = true;
		return check_expected(mount, &expected->mounts[i], err);
	}
	if (is_writable(mount) && !is_kernel_mount(mount) &&
	    !is_device_mount(mount, expected))
		return refuse_mount(mount, "is writable, expected read-only",
				    err);
	/* A file of the host's, however little can be done with it. */
	if (!is_engines_own(mount, expected))
		return refuse_mount(mount,
				    "was not asked for: take it out of the "
				    "engine's configuration (Podman's "
				    "mounts.conf, volumes in containers.conf)",
				    err);
	return 0;
}

int sbx_hello_mounts_check(struct sbx_slice mounts, struct sbx_slice targets,
			   const struct sbx_hello_expected *expected,
			   struct sbx_error *err)
{
	cleanup_free bool *seen = sbx_calloc(expected->n_mounts + 1, 1);
	struct mount mount;
	int result;

	while ((result = next_mount(&mounts, &targets, &mount, err)) > 0) {
		if (check_mount(&mount, expected, seen, err) < 0)
			return -1;
	}
	for (size_t i = 0; result == 0 && i < expected->n_mounts; i++) {
		if (!seen[i])
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "sandbox.mounts: nothing is "
					     "mounted on %s",
					     expected->mounts[i].target);
	}
	return result;
}

int sbx_hello_mounts_owner(struct sbx_slice mounts, struct sbx_slice targets,
			   const char *target, uint32_t *uid, uint32_t *gid,
			   struct sbx_error *err)
{
	struct mount mount;
	int result;

	while ((result = next_mount(&mounts, &targets, &mount, err)) > 0) {
		if (strcmp(mount.path, target) != 0 || !mount.is_examined)
			continue;
		*uid = (uint32_t)mount.uid;
		*gid = (uint32_t)mount.gid;
		return 0;
	}
	if (result < 0)
		return -1;
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "init does not say whose %s is", target);
}
