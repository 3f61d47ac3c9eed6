/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "codec/units.h"
#include "skill/names.h"

#define TMPFS_SIZE     (64 * INT64_C(1024) * 1024)
#define TMPFS_SIZE_MIN 4096
#define TMPFS_SIZE_MAX SBX_MEM_LIMIT_MAX

/* --- one mount ------------------------------------------------------------ */

/* Normalizes the place of a mount; the reason when it can be none. */
static const char *take_target(const char *text, char **out)
{
	static const char *const reserved[] = { "/proc", "/sys", "/dev",
						"/.skillbox", SBX_SECRETS_DIR };
	cleanup_free char *path = NULL;

	if (*text != '/')
		return "the target must be an absolute path in the sandbox, "
		       "such as /app/cache";
	if (strlen(text) >= PATH_MAX || strpbrk(text, ":,"))
		return "the target must be shorter than 4096 bytes, without "
		       "\":\" and \",\"";
	path = sbx_path_normalize(text);
	if (!path)
		return "the target must not contain \"..\"";
	if (strcmp(path, "/") == 0)
		return "the target must not be the root directory";
	for (size_t i = 0; i < SBX_ARRAY_SIZE(reserved); i++) {
		if (sbx_path_is_within(path, reserved[i]))
			return "the target must not be in /proc, /sys, /dev, "
			       "/run/secrets or /.skillbox";
	}
	*out = sbx_take(path);
	return NULL;
}

static const char *take_source(const char *text, char **out)
{
	if (*text == '/') {
		if (strlen(text) >= PATH_MAX || strchr(text, ':'))
			return "the source must be shorter than 4096 bytes, "
			       "without \":\"";
		*out = sbx_path_normalize(text);
		return *out ? NULL : "the source must not contain \"..\"";
	}
	if (*text == '.' || *text == '~' || strchr(text, '/'))
		return "relative paths and ~ are not supported: give a volume "
		       "a name, such as \"cache:/app/cache\"";
	if (!sbx_name_is_volume(text))
		return "a volume's name has 1 to 64 of a-z, 0-9, \"_\", \".\" "
		       "and \"-\", the first a letter or digit";
	*out = sbx_strdup(text);
	return NULL;
}

bool sbx_mount_fill(struct sbx_mount *out, const char *source,
		    const char *target, bool read_only, const char **why)
{
	struct sbx_mount mount = { .read_only = read_only };

	*why = take_source(source, &mount.source);
	if (!*why)
		*why = take_target(target, &mount.target);
	if (*why)
		sbx_mount_clear(&mount);
	else
		*out = mount;
	return !*why;
}

/* Nobody mounts anything below an engine's volume. */
static bool may_propagate(struct sbx_mount *mount, const char **why)
{
	if (mount->source[0] == '/')
		return true;
	sbx_mount_clear(mount);
	*why = "rslave is for paths of the host, not for volumes";
	return false;
}

bool sbx_mount_parse(const char *text, struct sbx_mount *out, const char **why)
{
	cleanup_free char *source = sbx_strdup(text);
	char *target = strchr(source, ':');
	char *mode = target ? strchr(target + 1, ':') : NULL;
	char *rslave = NULL;

	if (!target) {
		*why = "it needs a source and a target, such as "
		       "\"cache:/app/cache\"";
		return false;
	}
	*target++ = '\0';
	if (mode)
		*mode++ = '\0';
	if (mode && (rslave = strchr(mode, ',')))
		*rslave++ = '\0';
	if ((mode && strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0) ||
	    (rslave && strcmp(rslave, "rslave") != 0)) {
		*why = "after the target comes \":ro\", \":rw\" or nothing, "
		       "and \",rslave\" behind the two";
		return false;
	}
	if (!sbx_mount_fill(out, source, target,
			    mode && strcmp(mode, "ro") == 0, why))
		return false;
	out->rslave = rslave != NULL;
	return !rslave || may_propagate(out, why);
}

/* --- volumes -------------------------------------------------------------- */

enum volume_type { TYPE_VOLUME, TYPE_BIND };

struct long_volume {
	unsigned int type;
	char *source;
	char *target;
	bool read_only;
	unsigned int propagation;
};

static const char *const volume_types[] = { "volume", "bind", NULL };
static const char *const propagations[] = { "rprivate", "rslave", NULL };

#define AT(member) .offset = offsetof(struct long_volume, member)

const struct sbx_field sbx_bind_fields[] = {
	{ .name = "propagation",
	  .read = sbx_read_word,
	  AT(propagation),
	  .words = propagations,
	  .expected = "\"rprivate\" or \"rslave\"" },
	{ .name = NULL },
};

static void read_bind(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	(void)field;
	sbx_read_mapping(at, sbx_bind_fields, 0, object);
}

const struct sbx_field sbx_mount_fields[] = {
	{ .name = "type",
	  .read = sbx_read_word,
	  .flags = SBX_FIELD_REQUIRED,
	  AT(type),
	  .words = volume_types,
	  .expected = "\"volume\" or \"bind\"" },
	{ .name = "source",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  AT(source),
	  .expected = "a volume's name, such as \"cache\"" },
	{ .name = "target",
	  .read = sbx_read_text,
	  .flags = SBX_FIELD_REQUIRED,
	  AT(target),
	  .expected = "an absolute path in the sandbox" },
	{ .name = "read_only", .read = sbx_read_bool, AT(read_only) },
	{ .name = "bind", .read = read_bind },
	{ .name = NULL },
};

#undef AT

static bool read_short(const struct sbx_at *at, struct sbx_mount *out)
{
	const char *text = sbx_reader_text(
		at, "a volume such as \"cache:/app/cache\" or a mapping");
	const char *why;

	if (!text)
		return false;
	if (sbx_mount_parse(text, out, &why))
		return true;
	sbx_reader_refused(at, why);
	return false;
}

static bool read_long(const struct sbx_at *at, struct sbx_mount *out)
{
	struct long_volume volume = { .type = 0 };
	const char *why = NULL;
	bool complete;

	sbx_read_mapping(at, sbx_mount_fields, 0, &volume);
	complete = volume.source && volume.target;
	if (complete &&
	    sbx_mount_fill(out, volume.source, volume.target, volume.read_only,
			   &why) &&
	    (volume.type == TYPE_BIND) != (out->source[0] == '/')) {
		sbx_mount_clear(out);
		why = "a source of type volume is a name, one of type bind "
		      "an absolute path";
	}
	if (complete && !why) {
		out->rslave = volume.propagation != 0;
		if (out->rslave)
			may_propagate(out, &why);
	}
	if (why)
		sbx_reader_error(at, "%s", why);
	free(volume.source);
	free(volume.target);
	return complete && !why;
}

void sbx_manifest_read_volumes(const struct sbx_at *at,
			       const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;
	if (!sbx_reader_is_list(at, SBX_MOUNTS_MAX, field->expected))
		return;
	sbx_action_clear_volumes(action);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		struct sbx_mount mount = { .source = NULL };
		bool fits = json_is_object(inner.value)
				    ? read_long(&inner, &mount)
				    : read_short(&inner, &mount);

		if (!fits)
			continue;
		sbx_action_copy_volume(action, &mount);
		sbx_mount_clear(&mount);
	}
}

/* --- tmpfs ---------------------------------------------------------------- */

static const char *take_option(const char *option, struct sbx_tmpfs *tmpfs)
{
	if (strcmp(option, "exec") == 0 || strcmp(option, "noexec") == 0)
		tmpfs->exec = option[0] == 'e';
	else if (!sbx_text_has_prefix(option, "size="))
		return "the options of a tmpfs are size=SIZE, exec and noexec";
	else if (!sbx_units_size(option + strlen("size="), &tmpfs->size) ||
		 tmpfs->size < TMPFS_SIZE_MIN || tmpfs->size > TMPFS_SIZE_MAX)
		return "the size of a tmpfs is at least 4k, such as 64m";
	return NULL;
}

/* "TARGET[:OPTION[,OPTION]...]" */
static const char *take_tmpfs(const char *text, struct sbx_tmpfs *tmpfs)
{
	cleanup_free char *target = sbx_strdup(text);
	char *options = strchr(target, ':');
	const char *why = NULL;
	char *option;

	if (options)
		*options++ = '\0';
	while (!why && (option = strsep(&options, ",")))
		why = take_option(option, tmpfs);
	return why ? why : take_target(target, &tmpfs->target);
}

static void read_one_tmpfs(const struct sbx_at *at, struct sbx_action *action)
{
	struct sbx_tmpfs tmpfs = { .size = TMPFS_SIZE };
	const char *text =
		sbx_reader_text(at, "a tmpfs such as \"/tmp:size=64m\"");
	const char *why = text ? take_tmpfs(text, &tmpfs) : NULL;

	if (why)
		sbx_reader_refused(at, why);
	if (text && !why)
		sbx_action_add_tmpfs(action, tmpfs.target, tmpfs.size,
				     tmpfs.exec);
	free(tmpfs.target);
}

void sbx_manifest_read_tmpfs(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	if (json_is_string(at->value)) {
		sbx_action_clear_tmpfs(object);
		read_one_tmpfs(at, object);
		return;
	}
	if (!sbx_reader_is_list(at, SBX_MOUNTS_MAX, field->expected))
		return;
	sbx_action_clear_tmpfs(object);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);

		read_one_tmpfs(&inner, object);
	}
}

/* --- files ---------------------------------------------------------------- */

static void read_directory(const struct sbx_at *at,
			   const struct sbx_field *field, void *object)
{
	char **slot = (void *)((char *)object + field->offset);
	const char *text = sbx_reader_text(at, field->expected);
	char *path = NULL;
	const char *why = text ? take_target(text, &path) : NULL;

	if (why)
		sbx_reader_refused(at, why);
	if (!path)
		return;
	free(*slot);
	*slot = path;
}

#define AT(member) .offset = offsetof(struct sbx_action, member)

const struct sbx_field sbx_files_fields[] = {
	{ .name = "in",
	  .read = read_directory,
	  AT(files_in),
	  .expected = "a path in the sandbox such as /workspace/in" },
	{ .name = "out",
	  .read = read_directory,
	  AT(files_out),
	  .expected = "a path in the sandbox such as /workspace/out" },
	{ .name = "limit",
	  .read = sbx_read_size,
	  AT(files_limit),
	  .min = TMPFS_SIZE_MIN,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "a size such as 64m, from 4k to 1g" },
	{ .name = NULL },
};

#undef AT

void sbx_manifest_read_files(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	(void)field;
	sbx_read_mapping(at, sbx_files_fields, 0, object);
}

/* --- all mounts of an action ---------------------------------------------- */

static const char *nth_target(const struct sbx_action *action, size_t i)
{
	size_t n_tmpfs = action->n_tmpfs;

	if (i < action->n_volumes)
		return action->volumes[i].target;
	i -= action->n_volumes;
	if (i < n_tmpfs)
		return action->tmpfs[i].target;
	return i == n_tmpfs && action->files_in ? action->files_in
						: action->files_out;
}

bool sbx_action_overlap(const struct sbx_action *action, const char **a,
			const char **b)
{
	size_t n = action->n_volumes + action->n_tmpfs +
		   (action->files_in != NULL) + (action->files_out != NULL);

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			*a = nth_target(action, i);
			*b = nth_target(action, j);
			if (sbx_path_overlaps(*a, *b))
				return true;
		}
	}
	return false;
}

void sbx_manifest_check_mounts(const struct sbx_at *at,
			       const struct sbx_action *action)
{
	struct sbx_at volumes = sbx_at_member(at, "volumes");
	struct sbx_at files = sbx_at_member(at, "files");
	const char *a;
	const char *b;

	if (files.value && !action->files_in && !action->files_out)
		sbx_reader_error(&files, "neither \"in\" nor \"out\" is "
					 "given: expected at least one");
	if (!sbx_action_overlap(action, &a, &b))
		return;
	/* Of the two, @a is the one that comes later. */
	if (files.value && ((action->files_in && a == action->files_in) ||
			    (action->files_out && a == action->files_out)))
		volumes = files;
	if (strcmp(a, b) == 0)
		sbx_reader_error(&volumes,
				 "two mounts have the target %s: change one",
				 a);
	else
		sbx_reader_error(
			&volumes,
			"the mounts at %s and %s are inside one "
			"another: move one (tmpfs and files count too)",
			b, a);
}
