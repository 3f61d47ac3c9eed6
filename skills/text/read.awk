# SPDX-License-Identifier: MIT
#
# Takes apart a JSON object (RFC 8259) on standard input whose members are
# strings and booleans.  Variables:
#
#	members	"NAME:string NAME:boolean ...": those there may be
#	into	directory in which file NAME gets the value of member NAME,
#		a string decoded to UTF-8
#
# The double quotes are the record separator, so that no text is ever looked
# at twice and nothing but a member's name is ever whole in memory.  Awk has no
# NUL in its strings: U+0000 is written as the bytes C0 80, which no valid
# UTF-8 has, and write.awk makes \u0000 of them again.

BEGIN {
	RS = "\""
	state = "start"
	for (code = 1; code < 256; code++)
		byte[code] = sprintf("%c", code)
	for (code = 0; code < 16; code++) {
		hex[sprintf("%x", code)] = code
		hex[sprintf("%X", code)] = code
	}
	plain["n"] = "\n"
	plain["t"] = "\t"
	plain["r"] = "\r"
	plain["b"] = "\b"
	plain["f"] = "\f"
	plain["/"] = "/"
	count = split(members, member, " ")
	for (i = 1; i <= count; i++) {
		split(member[i], pair, ":")
		type[pair[1]] = pair[2]
	}
}

# Between two records there was a double quote.
NR > 1 { quote() }
in_string { string_part($0); next }
{ structure($0) }

END {
	if (!failed && state != "end")
		fail("the input ends too early")
	exit failed ? 2 : 0
}

function fail(message) {
	print message > "/dev/stderr"
	failed = 1
	exit 2
}

function quote() {
	if (!in_string)
		string_begin()
	else if (escape_open)
		emit_escaped_quote()
	else
		string_end()
}

function emit_escaped_quote() {
	escape_open = 0
	flush_surrogate()
	emit("\"")
}

function string_begin() {
	if (state == "value")
		value_begin("string")
	else if (state != "key" && state != "first key")
		fail("the input must be a JSON object")
	in_string = 1
	name_too = state != "value"
	if (name_too)
		name = ""
}

function string_end() {
	flush_surrogate()
	in_string = 0
	if (state == "value") {
		close(file)
		state = "after value"
		return
	}
	if (!(name in type))
		fail("unknown member \"" name "\"")
	if (name in seen)
		fail("member \"" name "\" is there twice")
	seen[name] = 1
	state = "colon"
}

function value_begin(found) {
	if (type[name] != found)
		fail("member \"" name "\" must be a " type[name])
	file = into "/" name
	printf "" > file
}

# Punctuation and literals outside of strings.
function structure(text) {
	gsub(/[ \t\r\n]+/, "", text)
	while (text != "")
		text = substr(text, token(text) + 1)
}

# Handles what text begins with and returns its length.
function token(text,    first) {
	first = substr(text, 1, 1)
	if (state == "start" && first == "{") {
		state = "first key"
	} else if (state == "colon" && first == ":") {
		state = "value"
	} else if (state == "after value" && first == ",") {
		state = "key"
	} else if ((state == "after value" || state == "first key") &&
		   first == "}") {
		state = "end"
	} else if (state == "value") {
		return literal(text)
	} else {
		fail("the input must be a JSON object")
	}
	return 1
}

function literal(text) {
	match(text, /^(true|false)/)
	value_begin(RLENGTH > 0 ? "boolean" : "something else")
	printf "%s", substr(text, 1, RLENGTH) > file
	close(file)
	state = "after value"
	return RLENGTH
}

# One record of a string: what follows each backslash is an escape.
function string_part(text,    n, i, part) {
	n = split(text, part, /\\/)
	if (n > 0 && part[1] != "") {
		flush_surrogate()
		emit(part[1])
	}
	for (i = 2; i <= n; i++) {
		if (part[i] != "") {
			escape(part[i])
		} else if (i == n) {
			escape_open = 1
		} else {
			# Two in a row: the next part is nobody's escape.
			flush_surrogate()
			emit("\\" part[++i])
		}
	}
}

function escape(text,    letter) {
	letter = substr(text, 1, 1)
	if (letter == "u") {
		code_unit(number(substr(text, 2, 4)))
		text = substr(text, 6)
	} else {
		if (!(letter in plain))
			fail("\\" letter " is no escape of JSON")
		flush_surrogate()
		emit(plain[letter])
		text = substr(text, 2)
	}
	if (text != "") {
		flush_surrogate()
		emit(text)
	}
}

function number(digits,    i, value) {
	if (digits !~ /^[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]$/)
		fail("\\u" digits " is no escape of JSON")
	for (i = 1; i <= 4; i++)
		value = value * 16 + hex[substr(digits, i, 1)]
	return value
}

# UTF-16, section 3.9 of Unicode: high D800-DBFF, then low DC00-DFFF.
function code_unit(unit) {
	if (high && unit >= 56320 && unit <= 57343) {
		emit(utf8(65536 + (high - 55296) * 1024 + unit - 56320))
		high = 0
		return
	}
	flush_surrogate()
	if (unit >= 55296 && unit <= 56319)
		high = unit
	else if (unit >= 56320 && unit <= 57343)
		emit(utf8(65533))
	else
		emit(utf8(unit))
}

# Half a pair stands for nothing.
function flush_surrogate() {
	if (high) {
		high = 0
		emit(utf8(65533))
	}
}

function utf8(code) {
	if (code == 0)
		return byte[192] byte[128]
	if (code < 128)
		return byte[code]
	if (code < 2048)
		return byte[192 + int(code / 64)] tail(code)
	if (code < 65536)
		return byte[224 + int(code / 4096)] \
			tail(int(code / 64)) tail(code)
	return byte[240 + int(code / 262144)] tail(int(code / 4096)) \
		tail(int(code / 64)) tail(code)
}

function tail(code) {
	return byte[128 + code % 64]
}

function emit(text) {
	if (name_too)
		name = name text
	else
		printf "%s", text > file
}
