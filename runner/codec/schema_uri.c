/* SPDX-License-Identifier: MIT */
#include "codec/schema_uri.h"

#include <string.h>

#include "base/mem.h"

/* A piece of a URI; @at is NULL where the URI has no such piece. */
struct piece {
	const char *at;
	size_t size;
};

struct uri {
	struct piece scheme;
	struct piece authority;
	struct piece path;
	struct piece query;
	const char *fragment;
};

static struct piece cut(const char **at, const char *end)
{
	struct piece piece = { .at = *at, .size = strcspn(*at, end) };

	*at += piece.size;
	return piece;
}

static bool is_scheme(const char *text, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "0123456789+-.";

	for (size_t i = 0; i < size; i++) {
		if (!strchr(letters, text[i]) &&
		    (i == 0 || !strchr(others, text[i])))
			return false;
	}
	return size > 0;
}

/* RFC 3986, appendix B. */
static struct uri parse(const char *text)
{
	size_t scheme = strcspn(text, ":/?#");
	struct uri uri = { .fragment = "" };

	if (text[scheme] == ':' && is_scheme(text, scheme)) {
		uri.scheme = (struct piece){ text, scheme };
		text += scheme + 1;
	}
	if (strncmp(text, "//", 2) == 0) {
		text += 2;
		uri.authority = cut(&text, "/?#");
	}
	uri.path = cut(&text, "?#");
	if (*text == '?') {
		text++;
		uri.query = cut(&text, "#");
	}
	if (*text == '#')
		uri.fragment = text + 1;
	return uri;
}

/* Removes "." and ".." segments of a path, in place (section 5.2.4). */
static void remove_dots(char *path)
{
	char *out = path;
	char *in = path;

	while (*in) {
		size_t size = strcspn(in + 1, "/") + 1;

		if ((size == 2 && memcmp(in, "/.", 2) == 0) ||
		    (size == 3 && memcmp(in, "/..", 3) == 0)) {
			if (size == 3) {
				while (out > path && *--out != '/')
					;
			}
			/* The last of all leaves its slash. */
			if (in[size] == '\0')
				*out++ = '/';
		} else {
			memmove(out, in, size);
			out += size;
		}
		in += size;
	}
	*out = '\0';
}

/* Section 5.2.3. */
static char *merged_path(const struct uri *base, struct piece path)
{
	size_t kept = base->path.size;

	while (kept > 0 && base->path.at[kept - 1] != '/')
		kept--;
	if (base->authority.at && base->path.size == 0)
		return sbx_asprintf("/%.*s", (int)path.size, path.at);
	return sbx_asprintf("%.*s%.*s", (int)kept, base->path.at,
			    (int)path.size, path.at);
}

static char *compose(const struct uri *uri, const char *path)
{
	return sbx_asprintf(
		"%.*s%s%s%.*s%s%s%.*s", (int)uri->scheme.size,
		uri->scheme.at ? uri->scheme.at : "", uri->scheme.at ? ":" : "",
		uri->authority.at ? "//" : "", (int)uri->authority.size,
		uri->authority.at ? uri->authority.at : "", path,
		uri->query.at ? "?" : "", (int)uri->query.size,
		uri->query.at ? uri->query.at : "");
}

char *sbx_schema_uri_resolve(const char *base_text, const char *reference,
			     const char **fragment)
{
	struct uri base = parse(base_text);
	struct uri uri = parse(reference);
	cleanup_free char *path = NULL;

	*fragment = uri.fragment;
	if (!uri.scheme.at && !uri.authority.at) {
		uri.authority = base.authority;
		if (uri.path.size == 0) {
			uri.path = base.path;
			if (!uri.query.at)
				uri.query = base.query;
		} else if (uri.path.at[0] != '/') {
			path = merged_path(&base, uri.path);
		}
	}
	if (!uri.scheme.at)
		uri.scheme = base.scheme;
	if (!path)
		path = sbx_strndup(uri.path.at, uri.path.size);
	if (path[0] == '/')
		remove_dots(path);
	return compose(&uri, path);
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) % 16 : -1;
}

char *sbx_schema_uri_decode(const char *text)
{
	char *decoded = sbx_malloc(strlen(text) + 1);
	char *out = decoded;

	for (; *text; text++) {
		int high, low;

		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		high = digit_of(text[1]);
		low = high < 0 ? -1 : digit_of(text[2]);
		if (low < 0 || high + low == 0) {
			free(decoded);
			return NULL;
		}
		*out++ = (char)(high * 16 + low);
		text += 2;
	}
	*out = '\0';
	return decoded;
}
