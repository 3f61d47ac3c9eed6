/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_WORDS_H
#define SBX_BASE_WORDS_H

#include <stdbool.h>

#include "base/strv.h"

/*
 * Takes a command line apart as a shell would, but for expansions: blanks
 * separate, quotes and backslashes keep together (POSIX, Shell Command
 * Language, section 2.2); everything else is literal.  Appends the words to
 * @out.  False for a quote or backslash that nothing follows.
 */
bool sbx_words_split(const char *text, struct sbx_strv *out);

#endif
