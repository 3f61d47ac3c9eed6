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
	# What is written differently, in this order.  By split and not by gsub,
	# whose backslashes mean something else in each version of busybox.
	must_be("\\\\", "\\", "\\\\")
	must_be("\"", "\"", "\\\"")
	must_be("\t", "\t", "\\t")
	nul = sprintf("%c%c", 192, 128)
	must_be(nul, nul, "\\u0000")
	for (code = 1; code < 32; code++) {
		char = sprintf("%c", code)
		must_be(char, char, sprintf("\\u%04x", code))
	}
	if (shape == "lines")
		printf "{\"lines\": ["
	else if (shape == "matches")
		printf "{\"matches\": ["
}

shape == "lines" {
	printf "%s", (NR > 1 ? ", " : "")
	put_string($0)
}

shape == "matches" {
	colon = index($0, ":")
	printf "%s{\"line\": %d, \"text\": ", (NR > 1 ? ", " : ""), \
		substr($0, 1, colon - 1)
	put_string(substr($0, colon + 1))
	printf "}"
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

function must_be(regexp, text, escape) {
	count++
	separator[count] = regexp
	special[count] = text
	escaped[count] = escape
}

function put_string(text) {
	printf "\""
	put_from(text, 1)
	printf "\""
}

# Writes text, in which nothing before special[i] is left.
function put_from(text, i,    n, j, part) {
	if (text !~ /[\\"\001-\037]/ && !index(text, nul)) {
		printf "%s", text
		return
	}
	while (!index(text, special[i]))
		i++
	n = split(text, part, separator[i])
	for (j = 1; j <= n; j++) {
		if (j > 1)
			printf "%s", escaped[i]
		put_from(part[j], i + 1)
	}
}
