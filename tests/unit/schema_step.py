#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds a schema of manifests/ against what the program says.

schema_step.py SCHEMA < REPORT

REPORT, made by test_schema.c, is JSON: {"keys": {WHERE: [KEY...]}, "cases":
[{"name", "document", "expected"}...]}, where "expected" tells whether the
schema has to take the document.  Differences go to stdout, and then the exit
status is 1.
"""
import json
import os
import sys

import jsonschema

# Where a schema has what the program calls by the name on the left.
TABLES = {"skill.schema.json": {
    "": [],
    "build": ["definitions", "build"],
    "defaults": ["definitions", "defaults"],
    "actions.*": ["definitions", "action"],
    "secrets[]": ["definitions", "secret"],
    "volumes[]": ["definitions", "volume"],
    "volumes[].bind": ["definitions", "volume", "properties", "bind"],
    "volumes.*": ["definitions", "named_volume"],
    "driver_opts": ["definitions", "driver_opts"],
    "limits_from": ["definitions", "limits_from"],
    "limits_from.*": ["definitions", "limit_from_cpus", "oneOf", 1],
    "ulimits.*": ["definitions", "ulimit", "oneOf", 1],
    "warm_pool": ["definitions", "warm_pool"],
    "annotations": ["definitions", "annotations"],
    "tests[]": ["definitions", "test"],
    "tests[].expect": ["definitions", "expect"],
}, "policy.schema.json": {
    "": [],
    "skills": ["definitions", "skills"],
    "build": ["definitions", "skills", "properties", "build"],
    "limits": ["definitions", "limits"],
    "engine": ["properties", "engine"],
    "pool": ["properties", "pool"],
    "sessions": ["properties", "sessions"],
    "operator": ["definitions", "operator"],
    "callers": ["definitions", "callers"],
}, "secrets.schema.json": {
    "": [],
    "secrets.*": ["definitions", "secret"],
}}


def walk(schema, path):
    for part in path:
        schema = schema[part]
    return schema


def compare_keys(schema, tables, keys):
    if set(keys) != set(tables):
        yield f"tables: program {sorted(keys)}, here {sorted(tables)}"
    for where, path in tables.items():
        table = walk(schema, path)
        known = set(keys.get(where, []))
        for key in known ^ set(table["properties"]):
            side = "program" if key in known else "schema"
            yield f"{where or 'document'}: only the {side} knows {key}"
        if table["additionalProperties"] is not False:
            yield f"{where or 'document'}: the schema takes unknown keys"
        if table["patternProperties"] != {"^x-": True}:
            yield f"{where or 'document'}: the schema and x- keys"


def compare_cases(schema, cases):
    validator = jsonschema.Draft7Validator(schema)
    for case in cases:
        errors = list(validator.iter_errors(case["document"]))
        if case["expected"] and errors:
            yield f"{case['name']}: refused by the schema: {errors[0].message}"
        if not case["expected"] and not errors:
            yield f"{case['name']}: taken by the schema"


def main():
    name = os.path.basename(sys.argv[1])
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    report = json.load(sys.stdin)
    jsonschema.Draft7Validator.check_schema(schema)
    differences = [
        *compare_keys(schema, TABLES[name], report["keys"]),
        *compare_cases(schema, report["cases"]),
    ]
    for difference in differences:
        print(difference)
    return 1 if differences or not report["cases"] else 0


if __name__ == "__main__":
    sys.exit(main())
