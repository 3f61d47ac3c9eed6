/* SPDX-License-Identifier: MIT */
#include "codec/trace_context.h"

#include <stddef.h>
#include <string.h>

bool sbx_trace_is_parent(const char *text)
{
	static const char form[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-"
				   "xxxxxxxxxxxxxxxx-xx";

	if (strlen(text) != strlen(form))
		return false;
	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'x' ? !strchr("0123456789abcdef", text[i])
				   : text[i] != form[i])
			return false;
	}
	return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}
