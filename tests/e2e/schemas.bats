#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the schemas of a manifest say is kept to: no input that does not fit
# starts anything, and no output that does not fit is called ok.

load helper

setup_file() {
	prepare
	fixture t-schemas <<'YAML'
  add:
    command: [sh, -c, 'cat >/dev/null; printf %s "$TEXT"']
    input_schema:
      type: object
      required: [a, b]
      properties: {a: {$ref: "#/$defs/n"}, b: {$ref: "#/$defs/n"}, tag: {pattern: "^[a-z]+$"}}
      additionalProperties: false
      $defs: {n: {type: integer, minimum: 0}}
    output_schema: {type: [object, integer], properties: {sum: {type: integer}}}
  file:
    command: [sh, -c, 'printf %s "$TEXT" >"$SKILL_OUTPUT"']
    output: file
    output_schema: {items: {type: string}}
  slow:
    command: [cat]
    input_schema: {pattern: "^(a+)+$"}
  never: {command: [cat], input_schema: false}
YAML
	skillbox build t-schemas
}

teardown() {
	gone t-schemas
}

@test "an input that fits reaches the action" {
	act t-schemas add '{"a": 1, "b": 2.0, "tag": "x"}' -e 'TEXT={"sum": 3}'
	ended ok 0
	holds '.output == {"sum": 3}'
}

@test "an input that does not fit starts nothing, and all of it is said" {
	act t-schemas add '{"a": -1, "tag": "X", "c": 1}'
	ended invalid 65
	holds '.started_at == null and .start == null and .image == null'
	holds '.error | test("the member \"b\" is missing") and
		test("/a: found -1, expected at least 0") and
		test("/tag: found \"X\", expected a text that matches") and
		test("/c: no such member is known")'
	act t-schemas add '[]'
	ended invalid 65
	holds '.error | test("found a list of 0, expected an object")'
	act t-schemas never '{}'
	ended invalid 65
}

@test "an output that does not fit is bad_output, and kept" {
	act t-schemas add '{"a": 1, "b": 2}' -e 'TEXT={"sum": "three"}'
	ended bad_output 65
	holds '.output == {"sum": "three"} and .exit_code == 0'
	holds '.error | test("/sum: found \"three\", expected a whole number")'
	act t-schemas add '{"a": 1, "b": 2}' -e 'TEXT=three'
	ended bad_output 65
	holds '.output == "three" and (.error | test("not one JSON value"))'
}

@test "with a schema, output: auto is any JSON value" {
	act t-schemas add '{"a": 1, "b": 2}' -e 'TEXT=3'
	ended ok 0
	holds '.output == 3'
}

@test "an output file has to fit as well" {
	act t-schemas file '{}' -e 'TEXT=["a"]'
	ended ok 0
	act t-schemas file '{}' -e 'TEXT=["a", 1]'
	ended bad_output 65
	holds '.output == ["a", 1] and (.error | test("/1: found 1"))'
}

@test "a pattern that would take forever does not" {
	act t-schemas slow "\"$(printf 'a%.0s' {1..5000})!\""
	ended invalid 65
	holds '.started_at == null and within(15000)'
	holds '.error | test("cannot be held against the schema")'
}

@test "list and inspect show the schemas" {
	run skillbox list --format json
	jq -e '.[] | select(.name == "t-schemas").actions[] |
		select(.name == "add") |
		.input_schema.required == ["a", "b"] and
		.output_schema.type == ["object", "integer"]' <<<"$output"
	run skillbox inspect t-schemas
	jq -e '[.. | objects | select(has("output_schema"))] |
		length == 2' <<<"$output"
}

@test "check tells where a schema is wrong, and run refuses it" {
	mkdir -p "$skills/t-wrong"
	cat >"$skills/t-wrong/skill.yaml" <<'YAML'
schema_version: 1
name: t-wrong
version: 1.0.0
actions:
  one:
    input_schema:
      properties:
        a: {type: strin}
      $ref: https://example.org/other
    output_schema: {pattern: "("}
YAML
	echo 'FROM skillbox/busybox' >"$skills/t-wrong/Dockerfile"
	run skillbox check t-wrong
	[ "$status" -ne 0 ]
	grep -q 'skill.yaml:8:19: .*found "strin", expected object' <<<"$output"
	grep -q 'skill.yaml:10:30: .*not a regular expression' <<<"$output"
	act t-wrong one
	ended invalid 65
	rm -r "$skills/t-wrong"
}
