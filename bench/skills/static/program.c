/* SPDX-License-Identifier: MIT */
/*
 * usage: program		its input is its output
 *	  program flood BYTES	so many bytes of output, once the input ends
 *	  program pause		nothing, for as long as it is let
 *
 * The least a program can be, so that what is measured is what is around it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char data[1 << 16];

static int put(const char *from, size_t size)
{
	while (size > 0) {
		ssize_t written = write(1, from, size);

		if (written < 0)
			return -1;
		from += written;
		size -= (size_t)written;
	}
	return 0;
}

static int echo(void)
{
	ssize_t got;

	while ((got = read(0, data, sizeof(data))) > 0)
		if (put(data, (size_t)got))
			return 1;
	return got < 0;
}

static int flood(unsigned long long left)
{
	while (read(0, data, sizeof(data)) > 0)
		;
	memset(data, 'x', sizeof(data));
	for (; left > 0; left -= left < sizeof(data) ? left : sizeof(data))
		if (put(data, left < sizeof(data) ? left : sizeof(data)))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "flood"))
		return flood(strtoull(argv[2], NULL, 10));
	while (argc == 2 && !strcmp(argv[1], "pause"))
		pause();
	return echo();
}
