/* SPDX-License-Identifier: MIT */
#include "sandbox/pool_pressure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define TEXT_MAX 8192

/* Per cent of the time. */
#define STALLED_MAX 10.0

/* A kernel's text of a few lines; "" when it cannot be had. */
static void read_text(const char *path, struct sbx_buf *text)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && sbx_fd_read_all(fd, text, &ignored) < 0)
		sbx_buf_consume(text, text->len);
}

void sbx_pool_pressure_of(const char *meminfo, const char *pressure,
			  int64_t free_bytes, char *why, size_t size)
{
	const char *available = strstr(meminfo, "MemAvailable:");
	const char *stalled = strstr(pressure, "some avg10=");
	long long kib = available ? strtoll(available + 13, NULL, 10) : 0;
	double share = stalled ? strtod(stalled + 11, NULL) : 0;

	why[0] = '\0';
	if (available && kib * 1024 < free_bytes)
		snprintf(why, size,
			 "%lld MiB of memory are available, and pool.mem_free "
			 "of the policy is %lld MiB",
			 kib / 1024, (long long)(free_bytes / (1024 * 1024)));
	else if (share >= STALLED_MAX)
		snprintf(why, size,
			 "tasks stand still for want of memory %.0f %% of the "
			 "time",
			 share);
}

void sbx_pool_pressure(int64_t free_bytes, char *why, size_t size)
{
	cleanup_buf struct sbx_buf meminfo = SBX_BUF_INIT(TEXT_MAX);
	cleanup_buf struct sbx_buf pressure = SBX_BUF_INIT(TEXT_MAX);

	read_text("/proc/meminfo", &meminfo);
	read_text("/proc/pressure/memory", &pressure);
	sbx_pool_pressure_of(sbx_buf_text(&meminfo), sbx_buf_text(&pressure),
			     free_bytes, why, size);
}
