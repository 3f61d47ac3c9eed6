/* SPDX-License-Identifier: MIT */
#include "skill/publish.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"

#define PORT_MAX 65535

#define EXPECTED                                                               \
	"expected TARGET[:[ADDRESS:]PUBLISHED] such as 8080, 8080:80 or "      \
	"8080:127.0.0.1:80, an IPv6 address in brackets"

bool sbx_publish_address(const char *text, char out[static INET6_ADDRSTRLEN])
{
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return inet_ntop(AF_INET, &v4, out, INET6_ADDRSTRLEN) != NULL;
	if (inet_pton(AF_INET6, text, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
		return false;
	return inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN) != NULL;
}

bool sbx_publish_is_rule(const char *text)
{
	char address[INET6_ADDRSTRLEN];

	return strcmp(text, SBX_PUBLISH_ANY) == 0 ||
	       sbx_publish_address(text, address);
}

/* --- "8080:127.0.0.1:80" ---------------------------------------------------- */

/* Digits and nothing else, up to 65535. */
static bool parse_port(const char *text, size_t size, uint16_t *out)
{
	unsigned long port = 0;

	if (size == 0 || size > 5)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	*out = (uint16_t)port;
	return port <= PORT_MAX;
}

/* "127.0.0.1", "[::1]" */
static bool parse_address(const char *text, size_t size,
			  char out[static INET6_ADDRSTRLEN])
{
	bool in_brackets = size >= 2 && text[0] == '[' && text[size - 1] == ']';
	cleanup_free char *address = in_brackets
					     ? sbx_strndup(text + 1, size - 2)
					     : sbx_strndup(text, size);

	return in_brackets == (strchr(address, ':') != NULL) &&
	       sbx_publish_address(address, out);
}

static int refuse(const char *text, const char *why, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "published port \"%.100s\": %s", text, why);
}

/* What is behind the target's colon: "[ADDRESS:]PUBLISHED", up to @end. */
static int parse_host(const char *text, const char *host, const char *end,
		      struct sbx_publish *out, struct sbx_error *err)
{
	const char *colon = memrchr(host, ':', (size_t)(end - host));
	const char *published = colon ? colon + 1 : host;

	if (colon && !parse_address(host, (size_t)(colon - host), out->host_ip))
		return refuse(text,
			      "there is no address in front of the last "
			      "colon; " EXPECTED,
			      err);
	if (published < end &&
	    !parse_port(published, (size_t)(end - published), &out->published))
		return refuse(text,
			      "PUBLISHED is a number up to 65535, 0 for any "
			      "free port; " EXPECTED,
			      err);
	return 0;
}

/* Where the text ends but for "/tcp"; NULL for another protocol. */
static const char *end_of(const char *text)
{
	const char *slash = strchr(text, '/');

	if (!slash)
		return text + strlen(text);
	return strcmp(slash, "/tcp") == 0 ? slash : NULL;
}

#define TCP_ONLY "only TCP ports can be published, and so no protocol is said"

int sbx_publish_parse(const char *text, struct sbx_publish *out,
		      struct sbx_error *err)
{
	struct sbx_publish port = { .host_ip = SBX_PUBLISH_LOOPBACK };
	const char *end = end_of(text);
	const char *colon;
	const char *target_end;

	if (!end)
		return refuse(text, TCP_ONLY, err);
	colon = memchr(text, ':', (size_t)(end - text));
	target_end = colon ? colon : end;
	if (!parse_port(text, (size_t)(target_end - text), &port.target) ||
	    port.target == 0)
		return refuse(text,
			      "TARGET is a number from 1 to 65535; " EXPECTED,
			      err);
	if (colon && parse_host(text, colon + 1, end, &port, err) < 0)
		return -1;
	*out = port;
	return 0;
}

int sbx_publish_add(struct sbx_publish_list *list,
		    const struct sbx_publish *port, struct sbx_error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i].target == port->target)
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "published port %u: it is to be "
					     "published twice",
					     port->target);
	}
	if (list->n == SBX_PUBLISH_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "published port %u: there may be %d "
				     "published ports, and this is one more",
				     port->target, SBX_PUBLISH_MAX);
	list->v[list->n++] = *port;
	return 0;
}

/* --- {"target": 8080, "published": 80} -------------------------------------- */

static bool read_number(const json_t *value, uint16_t *out)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < 0 || number > PORT_MAX)
		return false;
	*out = (uint16_t)number;
	return true;
}

static bool read_target(const json_t *value, struct sbx_publish *out)
{
	return read_number(value, &out->target) && out->target > 0;
}

static bool read_published(const json_t *value, struct sbx_publish *out)
{
	const char *text = sbx_json_plain_text(value);

	return text ? parse_port(text, strlen(text), &out->published)
		    : read_number(value, &out->published);
}

static bool read_host_ip(const json_t *value, struct sbx_publish *out)
{
	const char *text = sbx_json_plain_text(value);

	return text && sbx_publish_address(text, out->host_ip);
}

static bool read_protocol(const json_t *value, struct sbx_publish *out)
{
	const char *text = sbx_json_plain_text(value);

	(void)out;
	return text && strcmp(text, "tcp") == 0;
}

static const struct member {
	const char *name;
	bool (*read)(const json_t *value, struct sbx_publish *out);
	const char *expected;
} members[] = {
	{ "target", read_target, "a number from 1 to 65535" },
	{ "published", read_published,
	  "a number up to 65535, 0 for any free port" },
	{ "host_ip", read_host_ip,
	  "an IPv4 or IPv6 address such as \"127.0.0.1\"" },
	{ "protocol", read_protocol, "\"tcp\", the only one there is" },
};

static const struct member *find_member(const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(members); i++) {
		if (strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

static int read_port(const json_t *value, struct sbx_publish *out,
		     struct sbx_error *err)
{
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)value, key, item) {
		const struct member *member = find_member(key);

		if (!member)
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "\"%.100s\" is unknown; there are "
					     "target, published, host_ip and "
					     "protocol",
					     key);
		if (!member->read(item, out))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s: expected %s", member->name,
					     member->expected);
	}
	if (out->target != 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "expected a mapping with a target, such as "
			     "{\"target\": 8080}");
}

int sbx_publish_from_json(const json_t *ports, struct sbx_publish_list *out,
			  struct sbx_error *err)
{
	struct sbx_publish_list list = { .n = 0 };
	const json_t *value;
	size_t i;

	if (!json_is_array(ports))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "published ports: expected a list such as "
				     "[{\"target\": 8080}]");
	json_array_foreach (ports, i, value) {
		struct sbx_publish port = { .host_ip = SBX_PUBLISH_LOOPBACK };

		if (read_port(value, &port, err) < 0)
			return sbx_error_wrap(err, "published ports: entry %zu",
					      i + 1);
		if (sbx_publish_add(&list, &port, err) < 0)
			return -1;
	}
	*out = list;
	return 0;
}

json_t *sbx_publish_to_json(const struct sbx_publish_list *list)
{
	json_t *ports = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(
			ports, json_pack("{s:i, s:i, s:s}", "target",
					 (int)list->v[i].target, "published",
					 (int)list->v[i].published, "host_ip",
					 list->v[i].host_ip));
	return ports;
}
