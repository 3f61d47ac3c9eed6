/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_PUBLISH_H
#define SBX_SKILL_PUBLISH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

/*
 * Ports of a sandbox that the host publishes, in Compose's words.  TCP only.
 * Pure.
 */

#define SBX_PUBLISH_MAX	     16
#define SBX_PUBLISH_LOOPBACK "127.0.0.1"
/* What a policy says for every address. */
#define SBX_PUBLISH_ANY "*"

/*
 * @target	the port in the sandbox, 1..65535
 * @published	the host's; 0: any free one
 * @host_ip	the address of the host it is published at, as inet_ntop(3)
 *		writes it
 */
struct sbx_publish {
	uint16_t target;
	uint16_t published;
	char host_ip[INET6_ADDRSTRLEN];
};

/* No two of one target; nothing of it is on the heap. */
struct sbx_publish_list {
	struct sbx_publish v[SBX_PUBLISH_MAX];
	size_t n;
};

/*
 * Writes the IPv4 or IPv6 address @text as inet_ntop(3) does.  False when it
 * is none; so is an IPv4 address in the clothes of an IPv6 one, for it would
 * pass by a rule for the former.
 */
bool sbx_publish_address(const char *text, char out[static INET6_ADDRSTRLEN]);

/* Whether @text is such an address, or SBX_PUBLISH_ANY. */
bool sbx_publish_is_rule(const char *text);

/*
 * Reads "TARGET[:[ADDRESS:]PUBLISHED]", where an IPv6 address stands in
 * brackets; without an address it is SBX_PUBLISH_LOOPBACK, and no PUBLISHED
 * is 0.  INVALID.
 */
int sbx_publish_parse(const char *text, struct sbx_publish *out,
		      struct sbx_error *err);

/* INVALID for a target that is there already, and where the list is full. */
int sbx_publish_add(struct sbx_publish_list *list,
		    const struct sbx_publish *port, struct sbx_error *err);

/*
 * Reads a list of {"target", "published", "host_ip", "protocol"}, Compose's
 * long form, of which all but the target may be missing; published may be a
 * text, as Compose has it.  INVALID.  *@out is left alone on failure.
 */
int sbx_publish_from_json(const json_t *ports, struct sbx_publish_list *out,
			  struct sbx_error *err);

/* [{"target", "published", "host_ip"}]; new reference. */
json_t *sbx_publish_to_json(const struct sbx_publish_list *list);

#endif
