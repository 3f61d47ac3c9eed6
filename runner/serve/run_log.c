/* SPDX-License-Identifier: MIT */
#include "serve/run_log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

/* "error" is not among them: it may be a line of what the action printed. */
static const char *const members[] = {
	"run_id",  "skill",  "action", "owner",	      "image",
	"outcome", "status", "start",  "duration_ms", "stages_ms",
};

char *sbx_run_log_line(const json_t *record, const char *time)
{
	json_auto_t *line = json_pack("{s:s}", "time", time);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(record, members[i]);

		if (value)
			json_object_set(line, members[i], value);
	}
	/* In a terminal nothing but ASCII is harmless for certain. */
	return json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
}

void sbx_run_log_write(int fd, const json_t *record)
{
	char now[SBX_CLOCK_RFC3339_SIZE];
	cleanup_free char *text = NULL;
	cleanup_free char *line = NULL;
	struct pollfd to = { .fd = fd, .events = POLLOUT };

	sbx_clock_rfc3339(now);
	line = sbx_run_log_line(record, now);
	text = sbx_asprintf("%s\n", line ? line : "{}");
	/* Nobody reads it, or not fast enough: no reason to hold up a run. */
	if (poll(&to, 1, 0) < 1 || write(fd, text, strlen(text)) < 0)
		return;
}
