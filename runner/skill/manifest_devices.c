/* SPDX-License-Identifier: MIT */
/* "gpus:" and "devices:" of an action, in Compose's words. */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "codec/json.h"

#define DEVICE_SIZE_MAX 255

#define PATH_LETTERS                                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"                 \
	"0123456789/._+,@=-"

/* --- one device ----------------------------------------------------------- */

static const struct {
	char letter;
	unsigned int access;
} accesses[] = {
	{ 'r', SBX_DEVICE_READ },
	{ 'w', SBX_DEVICE_WRITE },
	{ 'm', SBX_DEVICE_MKNOD },
};

static unsigned int access_of(char letter)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(accesses); i++) {
		if (accesses[i].letter == letter)
			return accesses[i].access;
	}
	return 0;
}

bool sbx_device_access_parse(const char *text, unsigned int *out)
{
	unsigned int access = 0;

	for (; *text; text++) {
		unsigned int one = access_of(*text);

		if (!one || (access & one))
			return false;
		access |= one;
	}
	*out = access;
	return access != 0;
}

void sbx_device_access_text(unsigned int access,
			    char out[static SBX_DEVICE_ACCESS_SIZE])
{
	size_t n = 0;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(accesses); i++) {
		if (access & accesses[i].access)
			out[n++] = accesses[i].letter;
	}
	out[n] = '\0';
}

const char *sbx_device_path_parse(const char *text, bool is_pattern, char **out)
{
	const char *letters = is_pattern ? PATH_LETTERS "*" : PATH_LETTERS;
	cleanup_free char *path = NULL;

	if (*text != '/')
		return "a device is an absolute path, such as /dev/kvm";
	if (strlen(text) > DEVICE_SIZE_MAX ||
	    text[strspn(text, letters)] != '\0')
		return "the path of a device has at most 255 letters, digits, "
		       "\"/\", \".\", \"_\", \"+\", \",\", \"@\", \"=\" and "
		       "\"-\"";
	path = sbx_path_normalize(text);
	if (!path)
		return "the path of a device must not contain \"..\"";
	if (!sbx_path_is_within(path, "/dev") || strcmp(path, "/dev") == 0)
		return "a device is a path in /dev, on both sides";
	*out = sbx_take(path);
	return NULL;
}

/* Every sandbox has something there already. */
static bool is_taken(const char *target)
{
	static const char *const taken[] = {
		"/dev/null",	"/dev/zero",   "/dev/full",    "/dev/random",
		"/dev/urandom", "/dev/tty",    "/dev/console", "/dev/ptmx",
		"/dev/pts",	"/dev/shm",    "/dev/mqueue",  "/dev/fd",
		"/dev/stdin",	"/dev/stdout", "/dev/stderr",  "/dev/core",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(taken); i++) {
		if (sbx_path_is_within(target, taken[i]))
			return true;
	}
	return false;
}

static const char *take_target(const char *text, char **out)
{
	const char *why = sbx_device_path_parse(text, false, out);

	if (!why && is_taken(*out))
		return "every sandbox has a device, link or directory of its "
		       "own at that target: choose another";
	return why;
}

/* "SOURCE[:TARGET[:ACCESS]]" */
static const char *take_device(const char *text, struct sbx_device *out)
{
	cleanup_free char *source = sbx_strdup(text);
	char *target = strchr(source, ':');
	char *access = target ? strchr(target + 1, ':') : NULL;
	const char *why;

	if (target)
		*target++ = '\0';
	if (access)
		*access++ = '\0';
	out->access = SBX_DEVICE_READ | SBX_DEVICE_WRITE;
	if (access && !sbx_device_access_parse(access, &out->access))
		return "behind the second \":\" are permissions: \"r\", \"w\" "
		       "or \"rw\"";
	why = sbx_device_path_parse(source, false, &out->source);
	return why ? why : take_target(target ? target : source, &out->target);
}

/* --- the list ------------------------------------------------------------- */

/* Two of one target, or one below another, which is no directory. */
static const char *find_overlap(const struct sbx_action *action,
				const char *target)
{
	for (size_t i = 0; i < action->n_devices; i++) {
		if (sbx_path_overlaps(action->devices[i].target, target))
			return action->devices[i].target;
	}
	return NULL;
}

static void add_device(const struct sbx_at *at, struct sbx_action *action,
		       const struct sbx_device *device)
{
	const char *other = find_overlap(action, device->target);

	if (!other)
		sbx_action_add_device(action, device->source, device->target,
				      device->access);
	else
		sbx_reader_error(at,
				 "the devices at %s and %s hide one another: "
				 "change a target",
				 other, device->target);
}

static void read_device(const struct sbx_at *at, struct sbx_action *action)
{
	struct sbx_device device = { .source = NULL };
	const char *text = sbx_reader_text(at,
					   "a device such as \"/dev/kvm\" or "
					   "\"/dev/kvm:/dev/kvm:rw\"");
	const char *why = text ? take_device(text, &device) : NULL;

	if (why)
		sbx_reader_refused(at, why);
	else if (text)
		add_device(at, action, &device);
	free(device.source);
	free(device.target);
}

void sbx_manifest_read_devices(const struct sbx_at *at,
			       const struct sbx_field *field, void *object)
{
	if (!sbx_reader_is_list(at, SBX_DEVICES_MAX, field->expected))
		return;
	sbx_action_clear_devices(object);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);

		read_device(&inner, object);
	}
}

/* --- GPUs ----------------------------------------------------------------- */

void sbx_manifest_read_gpus(const struct sbx_at *at,
			    const struct sbx_field *field, void *object)
{
	int64_t *slot = (void *)((char *)object + field->offset);
	const char *text = sbx_json_plain_text(at->value);

	if (text && strcmp(text, "all") == 0)
		*slot = SBX_GPUS_ALL;
	else
		sbx_read_integer(at, field, object);
}

json_t *sbx_gpus_json(int64_t gpus)
{
	return gpus == SBX_GPUS_ALL ? json_string("all") : json_integer(gpus);
}
