# SPDX-License-Identifier: MIT
#
# Makes JSON of lines on standard input.  Variables:
#
#	shape	"lines": {"lines": ["...", ...]}
#		"matches": each line is NUMBER:TEXT;
#		{"count": N, "matches": [{"line": NUMBER, "text": TEXT}, ...]}
#		"count": {"lines": N, "words": N, "bytes": N}
#
# U+0000 comes as the bytes C0 80 (see read.awk).

BEGIN {
	for (code = 1; code < 32; code++)
		control[sprintf("%c", code)] = sprintf("\\u%04x", code)
	nul = sprintf("%c%c", 192, 128)
	if (shape == "lines")
		printf "{\"lines\": ["
	else if (shape == "matches")
		printf "{\"matches\": ["
}

shape == "lines" {
	printf "%s%s", (NR > 1 ? ", " : ""), quoted($0)
}

shape == "matches" {
	colon = index($0, ":")
	printf "%s{\"line\": %d, \"text\": %s}", (NR > 1 ? ", " : ""), \
		substr($0, 1, colon - 1), quoted(substr($0, colon + 1))
}

shape == "count" {
	words += gsub(/[^ \t\r\v\f]+/, "&")
}

END {
	if (shape == "lines")
		print "]}"
	else if (shape == "matches")
		printf "], \"count\": %d}\n", NR
	else
		printf "{\"lines\": %d, \"words\": %d, \"bytes\": %d}\n", \
			NR, words, bytes
}

function quoted(text,    i, n, all) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	gsub(/\t/, "\\t", text)
	if (index(text, nul))
		gsub(nul, "\\u0000", text)
	if (text ~ /[\001-\037]/) {
		for (i in control)
			gsub(i, control[i], text)
	}
	return "\"" text "\""
}
