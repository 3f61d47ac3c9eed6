/* SPDX-License-Identifier: MIT */
#include "init/usage.h"

#include <stdbool.h>
#include <string.h>

#include "init/text.h"

/* The number behind @key in the file at @path, which begins with it. */
static bool read_number(const char *path, const char *key, uint64_t *out)
{
	char data[256];
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };
	const char *at = data;

	/* Of cpu.stat the first line is enough. */
	(void)sbx_text_file(&text, path);
	data[text.len] = '\0';
	if (text.len == 0 || strncmp(data, key, strlen(key)) != 0)
		return false;
	*out = 0;
	for (at += strlen(key); *at >= '0' && *at <= '9'; at++)
		*out = *out * 10 + (uint64_t)(*at - '0');
	return true;
}

/* cgroup v2, then v1 */
struct sbx_usage sbx_usage_now(void)
{
	struct sbx_usage usage = { .cpu_us = 0 };
	uint64_t processes = 0;

	if (!read_number("/sys/fs/cgroup/cpu.stat", "usage_usec ",
			 &usage.cpu_us) &&
	    read_number("/sys/fs/cgroup/cpuacct/cpuacct.usage", "",
			&usage.cpu_us))
		usage.cpu_us /= 1000;
	if (!read_number("/sys/fs/cgroup/memory.current", "", &usage.memory))
		read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", "",
			    &usage.memory);
	if (!read_number("/sys/fs/cgroup/pids.current", "", &processes))
		read_number("/sys/fs/cgroup/pids/pids.current", "", &processes);
	usage.processes = (uint32_t)processes;
	return usage;
}
