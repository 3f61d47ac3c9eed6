/* SPDX-License-Identifier: MIT */
#include "skill/names.h"

#include <pthread.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* One character of @first, then others of @rest, @max in all. */
static bool consists_of(const char *name, const char *first, const char *rest,
			size_t max)
{
	return *name != '\0' && strchr(first, *name) &&
	       name[strspn(name, rest)] == '\0' && strlen(name) <= max;
}

bool sbx_name_is_skill(const char *name)
{
	return consists_of(name, LOWER DIGIT, LOWER DIGIT "-",
			   SBX_NAME_SIZE_MAX);
}

bool sbx_name_is_action(const char *name)
{
	return consists_of(name, LOWER, LOWER DIGIT "_", SBX_NAME_SIZE_MAX);
}

bool sbx_name_is_volume(const char *name)
{
	return consists_of(name, LOWER DIGIT, LOWER DIGIT "_.-", 64);
}

bool sbx_name_is_session(const char *name)
{
	return sbx_name_is_volume(name);
}

bool sbx_name_is_owner(const char *name)
{
	return consists_of(name, LOWER DIGIT "._-", LOWER DIGIT "._-", 64);
}

bool sbx_name_is_variable(const char *name)
{
	return consists_of(name, UPPER LOWER "_", UPPER LOWER DIGIT "_", 255);
}

bool sbx_name_is_identifier(const char *name)
{
	return consists_of(name, UPPER LOWER DIGIT, UPPER LOWER DIGIT "_.-",
			   128);
}

/* Semantic Versioning 2.0.0, items 2, 9 and 10, as an extended expression. */
#define NUMBER "(0|[1-9][0-9]*)"
#define PART   "(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
#define META   "[0-9a-zA-Z-]+"
#define VERSION                                                                \
	"^" NUMBER "\\." NUMBER "\\." NUMBER "(-" PART "(\\." PART             \
	")*)?(\\+" META "(\\." META ")*)?$"

static regex_t version;
static bool has_version;

static void compile_version(void)
{
	has_version = regcomp(&version, VERSION, REG_EXTENDED | REG_NOSUB) == 0;
}

/* Compiled once: that takes longer than to read a small manifest. */
bool sbx_name_is_version(const char *text)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, compile_version);
	return has_version && strnlen(text, 129) <= 128 &&
	       regexec(&version, text, 0, NULL, 0) == 0;
}

bool sbx_name_is_pinned_image(const char *text)
{
	static const char mark[] = "@sha256:";
	const char *digest = strstr(text, mark);
	size_t name = digest ? (size_t)(digest - text) : 0;

	if (name == 0 || name > 255 || !strchr(LOWER DIGIT, *text) ||
	    strspn(text, LOWER UPPER DIGIT "._-/:") != name)
		return false;
	digest += sizeof(mark) - 1;
	return strlen(digest) == 64 && strspn(digest, DIGIT "abcdef") == 64;
}

/* Nothing in it ends a line, or would make a terminal do anything else. */
static bool is_line(const char *text, size_t max)
{
	size_t size = strnlen(text, max + 1);
	uint32_t code;

	if (size > max || text[strspn(text, " ")] == '\0')
		return false;
	while (size > 0) {
		size_t step = sbx_text_next(text, size, &code);

		if (sbx_text_is_unsafe(code))
			return false;
		text += step;
		size -= step;
	}
	return true;
}

bool sbx_name_is_title(const char *text)
{
	return is_line(text, SBX_TITLE_SIZE_MAX);
}

bool sbx_name_is_license(const char *text)
{
	return is_line(text, SBX_LICENSE_SIZE_MAX);
}

#define RESTRICTED LOWER UPPER DIGIT "!#$&-^_.+"

/* The size of the restricted name that @text begins with, 0 when with none. */
static size_t restricted_name(const char *text)
{
	size_t size = strspn(text, RESTRICTED);

	return size <= 127 && strspn(text, LOWER UPPER DIGIT) > 0 ? size : 0;
}

bool sbx_name_is_media_type(const char *text)
{
	size_t type = restricted_name(text);
	size_t subtype;

	if (type == 0 || text[type] != '/')
		return false;
	text += type + 1;
	subtype = restricted_name(text);
	return subtype > 0 && text[subtype] == '\0';
}

bool sbx_name_is_tool(const char *name)
{
	return consists_of(name, LOWER UPPER DIGIT "_-", LOWER UPPER DIGIT "_-",
			   SBX_TOOL_NAME_SIZE - 1);
}

bool sbx_name_of_tool(const char *own, const char *skill, const char *action,
		      char out[static SBX_TOOL_NAME_SIZE])
{
	int size = snprintf(out, SBX_TOOL_NAME_SIZE, "%s%s%s",
			    own ? own : skill, own ? "" : "_",
			    own ? "" : action);

	if (size > 0 && size < SBX_TOOL_NAME_SIZE)
		return true;
	*out = '\0';
	return false;
}
