#!/bin/sh
# SPDX-License-Identifier: MIT
#
# usage: text.sh ACTION <INPUT
#
# Counts, searches and sorts text.  INPUT is a JSON object; text has lines as
# in a file: a newline after the last one is no line of its own.
set -eu

# Bytes, the same everywhere.
export LC_ALL=C
app=$(dirname "$0")

fail() {
	echo "text: $*" >&2
	exit 2
}

# take "MEMBER:TYPE ...": the members of the input as files in $in
take() {
	why=$(awk -v members="$1" -v into="$in" -f "$app/read.awk" 2>&1) ||
		fail "$why"
	[ -e "$in/text" ] || fail 'member "text" is missing'
}

is_true() {
	[ -e "$in/$1" ] && [ "$(cat "$in/$1")" = true ]
}

word_count() {
	take 'text:string'
	# U+0000 is two bytes in the file.
	bytes=$(wc -c <"$in/text")
	nuls=$(tr -cd '\300' <"$in/text" | wc -c)
	awk -v shape=count -v bytes=$((bytes - nuls)) -f "$app/write.awk" \
		"$in/text"
}

search() {
	take 'text:string pattern:string ignore_case:boolean'
	[ -e "$in/pattern" ] || fail 'member "pattern" is missing'
	[ "$(tr -cd '\n' <"$in/pattern" | wc -c)" -eq 0 ] ||
		fail 'member "pattern" must be one line'
	options=-nE
	! is_true ignore_case || options=-niE
	found=0
	why=$(grep $options -e "$(cat "$in/pattern")" "$in/text" 2>&1 \
		>"$in/found") || found=$?
	[ $found -le 1 ] || fail "pattern: ${why#grep: }"
	awk -v shape=matches -f "$app/write.awk" "$in/found"
}

sort_lines() {
	take 'text:string unique:boolean numeric:boolean reverse:boolean'
	set --
	! is_true numeric || set -- "$@" -n
	! is_true reverse || set -- "$@" -r
	# Not sort -u: with -n that takes 1 and 1.0 for the same line.
	once='cat'
	if is_true unique; then
		once='uniq'
	fi
	sort "$@" "$in/text" | $once | awk -v shape=lines -f "$app/write.awk"
}

in=$(mktemp -d)
trap 'rm -rf "$in"' EXIT
case ${1-} in
word_count) word_count ;;
search) search ;;
sort) sort_lines ;;
*) fail "no action \"${1-}\"" ;;
esac
