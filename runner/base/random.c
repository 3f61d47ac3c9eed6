/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <sodium.h>

void sbx_random_hex(char *out, size_t size)
{
	unsigned char bytes[32];
	size_t n = (size - 1) / 2;

	randombytes_buf(bytes, n);
	sodium_bin2hex(out, size, bytes, n);
}
