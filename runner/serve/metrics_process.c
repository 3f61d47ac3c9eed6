/* SPDX-License-Identifier: MIT */
#include "serve/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

/* From proc(5), /proc/self/stat, behind the command's parenthesis. */
struct numbers {
	unsigned long user;
	unsigned long system;
	long threads;
	unsigned long long started;
	unsigned long virtual_bytes;
	long resident_pages;
};

static bool read_text(const char *path, struct sbx_buf *out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && sbx_fd_read_all(fd, out, &ignored) == 0;
}

static bool read_numbers(struct numbers *out)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(4096);
	const char *at;

	if (!read_text("/proc/self/stat", &text))
		return false;
	at = strrchr(sbx_buf_text(&text), ')');
	return at &&
	       sscanf(at,
		      ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu "
		      "%lu %*s %*s %*s %*s %ld %*s %llu %lu %ld",
		      &out->user, &out->system, &out->threads, &out->started,
		      &out->virtual_bytes, &out->resident_pages) == 6;
}

static double boot_seconds(void)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(256);
	double up = 0;

	if (read_text("/proc/uptime", &text))
		sscanf(sbx_buf_text(&text), "%lf", &up);
	return (double)sbx_clock_wall_ms() / 1000 - up;
}

static unsigned int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int n = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		n++;
	closedir(directory);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the directory's own */
}

static void gauge(struct sbx_buf *out, const char *name, const char *type,
		  const char *help, double value)
{
	sbx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name,
		       help, name, type, name, value);
}

void sbx_metrics_write_process(struct sbx_buf *out)
{
	double ticks = (double)sysconf(_SC_CLK_TCK);
	struct numbers now = { .threads = 0 };
	struct rlimit limit = { .rlim_cur = 0 };

	if (!read_numbers(&now))
		return;
	getrlimit(RLIMIT_NOFILE, &limit);
	gauge(out, "process_cpu_seconds_total", "counter",
	      "User and system time of the daemon.",
	      (double)(now.user + now.system) / ticks);
	gauge(out, "process_resident_memory_bytes", "gauge",
	      "Memory of the daemon.",
	      (double)now.resident_pages * (double)sysconf(_SC_PAGESIZE));
	gauge(out, "process_virtual_memory_bytes", "gauge",
	      "Address space of the daemon.", (double)now.virtual_bytes);
	gauge(out, "process_threads", "gauge", "Threads of the daemon.",
	      (double)now.threads);
	gauge(out, "process_open_fds", "gauge", "Its open descriptors.",
	      count_descriptors());
	gauge(out, "process_max_fds", "gauge", "How many it may have.",
	      (double)limit.rlim_cur);
	gauge(out, "process_start_time_seconds", "gauge",
	      "When it began, in seconds of the epoch.",
	      boot_seconds() + (double)now.started / ticks);
}
