/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ADMISSION_H
#define SBX_SERVE_ADMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "serve/answer.h"
#include "serve/auth.h"
#include "serve/service.h"

/* Who asks, and whether that request is looked at any further. */

/* An owner's name and its NUL. */
#define SBX_OWNER_SIZE 65

/*
 * Who is at the other end of a connection.
 *
 * @is_local	on a Unix socket
 * @is_stranger	a user who may not ask
 * @owner	whose requests they are: the user's number, or "tcp"
 */
struct sbx_caller {
	int fd;
	bool is_local;
	bool is_stranger;
	char owner[SBX_OWNER_SIZE];
};

void sbx_caller_identify(struct sbx_caller *caller, int fd, bool is_local);

struct sbx_admission {
	struct sbx_service *service;
	const struct sbx_token *token;
	const struct sbx_strv *hosts;
	size_t body_max;
};

/*
 * Decides by the head of a request, before its body is asked for: a client
 * that is told to go on may rely on it that its run begins once the body is
 * there.  True, and @exchange has its route; or @answer is why not: 401, 403,
 * 404, 405, 412, 413, 503.
 */
bool sbx_admission_decide(const struct sbx_admission *admission,
			  const struct sbx_caller *caller,
			  struct sbx_exchange *exchange, const char *method,
			  const char *path, struct sbx_answer *answer);

/* 413, also for who finds out later. */
void sbx_admission_too_large(struct sbx_answer *answer, size_t max);

#endif
