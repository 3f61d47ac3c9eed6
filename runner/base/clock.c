/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double sbx_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int64_t sbx_clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sbx_clock_format(int64_t wall_ms, char out[static SBX_CLOCK_RFC3339_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	size_t used;

	gmtime_r(&seconds, &utc);
	used = strftime(out, SBX_CLOCK_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + used, SBX_CLOCK_RFC3339_SIZE - used, ".%03uZ",
		 (unsigned int)(wall_ms % 1000) % 1000);
}

void sbx_clock_rfc3339(char out[static SBX_CLOCK_RFC3339_SIZE])
{
	sbx_clock_format(sbx_clock_wall_ms(), out);
}

/* timegm() puts right what is no date; then it is not what was there. */
bool sbx_clock_parse(const char *text, int64_t *wall_ms)
{
	char same[SBX_CLOCK_RFC3339_SIZE];
	unsigned int ms = 0;
	struct tm utc = { .tm_isdst = 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	int64_t result;
	int used = 0;

	if (!rest || utc.tm_year < 70)
		return false;
	if (strcmp(rest, "Z") != 0 &&
	    (sscanf(rest, ".%3uZ%n", &ms, &used) != 1 || rest[used] != '\0'))
		return false;
	result = (int64_t)timegm(&utc) * 1000 + ms;
	sbx_clock_format(result, same);
	if (strncmp(same, text, 19) != 0 ||
	    (used > 0 && strcmp(same, text) != 0))
		return false;
	*wall_ms = result;
	return true;
}
