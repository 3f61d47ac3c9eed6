/* SPDX-License-Identifier: MIT */
#include "init/oom.h"

#include <stdbool.h>
#include <string.h>

#include "init/text.h"

/* The number behind "oom_kill " at the start of a line. */
static bool find(const char *text, uint64_t *kills)
{
	static const char key[] = "oom_kill ";

	while (text && strncmp(text, key, sizeof(key) - 1) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (!text)
		return false;
	*kills = 0;
	for (text += sizeof(key) - 1; *text >= '0' && *text <= '9'; text++)
		*kills = *kills * 10 + (uint64_t)(*text - '0');
	return true;
}

static bool read_kills(const char *path, uint64_t *kills)
{
	char data[1024];
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };

	if (sbx_text_file(&text, path) < 0)
		return false;
	data[text.len] = '\0';
	return find(data, kills);
}

uint64_t sbx_oom_kills(void)
{
	uint64_t kills = 0;

	/* cgroup v2, then v1 (there since Linux 4.13) */
	if (!read_kills("/sys/fs/cgroup/memory.events", &kills))
		read_kills("/sys/fs/cgroup/memory/memory.oom_control", &kills);
	return kills;
}
