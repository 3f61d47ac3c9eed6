/* SPDX-License-Identifier: MIT */
#include "init/hello.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/build_id.h"
#include "init/devices.h"
#include "init/out.h"
#include "init/text.h"

#define STRINGIFY(number)   #number
#define NUMBER_TEXT(number) STRINGIFY(number)

/* How long the direct connection may take, whose buffer is larger than this. */
#define DIRECT_MS 1000

static char payload[SBX_WIRE_HELLO_MAX];
static struct sbx_text hello = { .data = payload, .size = sizeof(payload) };

/* Leaves room for a section's header; returns where it goes. */
static uint32_t section_open(void)
{
	static const char zero[SBX_WIRE_HEADER_SIZE];
	uint32_t at = hello.len;

	sbx_text_add(&hello, zero, sizeof(zero));
	return at;
}

static void section_close(uint32_t at, enum sbx_wire_section section)
{
	if (hello.full)
		return;
	sbx_wire_put_header((unsigned char *)payload + at, (uint8_t)section,
			    hello.len - at - SBX_WIRE_HEADER_SIZE);
}

static int add_file(struct sbx_init *init, enum sbx_wire_section section,
		    const char *path)
{
	uint32_t at = section_open();

	if (sbx_text_file(&hello, path) < 0)
		return sbx_abort(init, path, errno);
	section_close(at, section);
	return 0;
}

static bool is_octal(const char *digits)
{
	for (int i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '7')
			return false;
	}
	return true;
}

/* Undoes mountinfo's \ooo; false when @out (PATH_MAX bytes) is too small. */
static bool unescape(const char *text, uint32_t size, char *out)
{
	uint32_t len = 0;

	for (uint32_t i = 0; i < size; i++) {
		char byte = text[i];

		if (byte == '\\' && size - i > 3 && is_octal(text + i + 1)) {
			byte = (char)((text[i + 1] - '0') * 64 +
				      (text[i + 2] - '0') * 8 +
				      (text[i + 3] - '0'));
			i += 3;
		}
		if (len + 1 >= PATH_MAX)
			return false;
		out[len++] = byte;
	}
	out[len] = '\0';
	return true;
}

/* "dev ino uid gid mode PATH", or "- errno PATH". */
static void add_target(const char *escaped, uint32_t size)
{
	static char path[PATH_MAX];
	struct stat st;
	int failed = 0;

	if (!unescape(escaped, size, path))
		failed = ENAMETOOLONG;
	else if (fstatat(AT_FDCWD, path, &st,
			 AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		failed = errno;
	if (failed) {
		sbx_text_puts(&hello, "- ");
		sbx_text_number(&hello, (uint64_t)failed, 10);
	} else {
		uint64_t numbers[] = { st.st_dev, st.st_ino, st.st_uid,
				       st.st_gid };

		for (int i = 0; i < 4; i++) {
			sbx_text_number(&hello, numbers[i], 10);
			sbx_text_puts(&hello, " ");
		}
		sbx_text_number(&hello, st.st_mode, 8);
	}
	sbx_text_puts(&hello, " ");
	sbx_text_add(&hello, escaped, size);
	sbx_text_puts(&hello, "\n");
}

/* The fifth field of a line of mountinfo, see proc_pid_mountinfo(5). */
static const char *mount_point(const char *line, const char *end,
			       uint32_t *size)
{
	const char *space;

	for (int i = 0; i < 4; i++) {
		space = memchr(line, ' ', (size_t)(end - line));
		if (!space)
			return NULL;
		line = space + 1;
	}
	space = memchr(line, ' ', (size_t)(end - line));
	if (!space)
		return NULL;
	*size = (uint32_t)(space - line);
	return line;
}

/* One line for each line of the mountinfo between @line and @end. */
static void add_targets(const char *line, const char *end)
{
	uint32_t at = section_open();
	uint32_t size;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;
		const char *point = mount_point(line, stop, &size);

		if (point)
			add_target(point, size);
		line = stop + 1;
	}
	section_close(at, SBX_WIRE_HELLO_TARGETS);
}

static void add_build(void)
{
	uint32_t at = section_open();

	sbx_text_puts(&hello,
		      NUMBER_TEXT(SBX_WIRE_VERSION) " " SBX_INIT_BUILD_ID);
	section_close(at, SBX_WIRE_HELLO_BUILD);
}

static void add_devices(void)
{
	uint32_t at = section_open();

	sbx_devices_add(&hello);
	section_close(at, SBX_WIRE_HELLO_DEVICES);
}

static int collect(struct sbx_init *init)
{
	uint32_t mounts, mounts_end;

	add_build();
	if (add_file(init, SBX_WIRE_HELLO_STATUS, "/proc/self/status") < 0)
		return SBX_ABORT;
	mounts = hello.len + SBX_WIRE_HEADER_SIZE;
	if (add_file(init, SBX_WIRE_HELLO_MOUNTS, "/proc/self/mountinfo") < 0)
		return SBX_ABORT;
	mounts_end = hello.len;
	add_targets(payload + mounts, payload + mounts_end);
	if (add_file(init, SBX_WIRE_HELLO_LIMITS, "/proc/self/limits") < 0)
		return SBX_ABORT;
	add_devices();
	return hello.full ? sbx_abort(init, "facts about the sandbox", EFBIG)
			  : 0;
}

/*
 * The runner, hearing the other HELLO, takes it that this one has come or will
 * not come at all.
 */
static void say_directly(struct sbx_init *init)
{
	sbx_out_to(init->direct);
	sbx_out_frame(SBX_WIRE_HELLO, payload, hello.len);
	sbx_out_finish(DIRECT_MS);
	if (!sbx_out_is_empty())
		sbx_close(&init->direct);
	sbx_out_to(STDOUT_FILENO);
}

int sbx_hello_say(struct sbx_init *init)
{
	if (collect(init) < 0)
		return SBX_ABORT;
	if (init->direct >= 0)
		say_directly(init);
	sbx_out_frame(SBX_WIRE_HELLO, payload, hello.len);
	return 0;
}
