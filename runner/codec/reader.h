/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_READER_H
#define SBX_CODEC_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "codec/problems.h"
#include "codec/yaml.h"

/*
 * Reads a document by tables of keys.  Whatever does not fit is noted with
 * its place, and the reading goes on: one pass finds everything.
 */

struct sbx_reader_finding {
	struct sbx_yaml_place place;
	char *text;
	bool warning;
};

/*
 * @n_faults	the first of @findings are the YAML's own faults
 * @n_warnings	how many of @findings are warnings
 * @dropped	how many errors were found after SBX_READER_ERRORS_MAX
 * @hides_values	messages do not repeat what was found: for @read to set
 */
struct sbx_reader {
	const struct sbx_yaml *yaml;
	struct sbx_reader_finding *findings;
	size_t n_findings;
	size_t n_faults;
	size_t n_warnings;
	size_t dropped;
	bool hides_values;
};

#define SBX_READER_ERRORS_MAX	200
#define SBX_READER_WARNINGS_MAX 50

/*
 * A value and where it stands: a chain of frames on the stack, outermost
 * last.
 *
 * @up		what it is in; NULL for the document itself
 * @key		its name there, or NULL: it is element @index of a list
 * @value	borrowed; NULL for a member that is not there
 */
struct sbx_at {
	struct sbx_reader *reader;
	const struct sbx_at *up;
	const char *key;
	size_t index;
	const json_t *value;
};

/* The member @key, and element @index, of @up; what they point to must last. */
struct sbx_at sbx_at_member(const struct sbx_at *up, const char *key);
struct sbx_at sbx_at_element(const struct sbx_at *up, size_t index);

/* 1 MiB: no document that a person writes needs more. */
#define SBX_DOCUMENT_SIZE_MAX (1024 * 1024)

/*
 * All of it at once: parses the YAML @data, has @read take its root into
 * @object, and notes all that is wrong in @problems.  @what names the document
 * in messages: "manifest".  0, or -1 with at least one error in @problems.
 */
int sbx_read_document(const char *data, size_t size, const char *what,
		      void (*read)(const struct sbx_at *root, void *object),
		      void *object, struct sbx_problems *problems);

/* Where @at is in the file. */
struct sbx_yaml_place sbx_reader_place(const struct sbx_at *at);

/* Notes an error at the value, or at its key. */
void sbx_reader_error(const struct sbx_at *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sbx_reader_key_error(const struct sbx_at *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void sbx_reader_warn(const struct sbx_at *at, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The errors "found VALUE, expected WHAT" and "found VALUE: WHY". */
void sbx_reader_expected(const struct sbx_at *at, const char *what);
void sbx_reader_refused(const struct sbx_at *at, const char *why);

/*
 * One key of a mapping.
 *
 * @read	takes the value; @object is what the mapping is read into
 * @offset	of the member of @object that a general @read below fills
 * @min, @max	what it may be
 * @fits	for sbx_read_text(): what it must be, or NULL
 * @words	for sbx_read_word(): NULL-terminated, the index is the value
 * @expected	for messages: "a duration such as 30s"
 */
struct sbx_field {
	const char *name;
	void (*read)(const struct sbx_at *at, const struct sbx_field *field,
		     void *object);
	unsigned int flags;
	size_t offset;
	int64_t min;
	int64_t max;
	bool (*fits)(const char *text);
	const char *const *words;
	const char *expected;
};

#define SBX_FIELD_REQUIRED 0x1
#define SBX_FIELD_DEFAULT  0x2 /* may stand under "defaults:" too */
#define SBX_FIELD_LATER	   0x4 /* known, but not supported yet */
#define SBX_FIELD_NEVER	   0x8 /* what no policy can grant */

/*
 * Reads a mapping by @fields (up to one without a name), of which only those
 * with all flags of @only may be there.  False when it is no mapping.
 */
bool sbx_read_mapping(const struct sbx_at *at, const struct sbx_field *fields,
		      unsigned int only, void *object);

/* The text of a string without NUL; NULL for anything else, which is noted. */
const char *sbx_reader_text(const struct sbx_at *at, const char *expected);

/* True for a list, or mapping, of at most @max; else that is noted. */
bool sbx_reader_is_list(const struct sbx_at *at, size_t max,
			const char *expected);
bool sbx_reader_is_mapping(const struct sbx_at *at, size_t max,
			   const char *expected);

/*
 * For fields of type char *, int64_t (ms, bytes, number, billionths of a CPU),
 * an enum, bool.
 */
void sbx_read_text(const struct sbx_at *at, const struct sbx_field *field,
		   void *object);
void sbx_read_duration(const struct sbx_at *at, const struct sbx_field *field,
		       void *object);
void sbx_read_size(const struct sbx_at *at, const struct sbx_field *field,
		   void *object);
void sbx_read_integer(const struct sbx_at *at, const struct sbx_field *field,
		      void *object);
void sbx_read_cpus(const struct sbx_at *at, const struct sbx_field *field,
		   void *object);
void sbx_read_word(const struct sbx_at *at, const struct sbx_field *field,
		   void *object);
void sbx_read_bool(const struct sbx_at *at, const struct sbx_field *field,
		   void *object);

/* "schema_version:", of which there is just one. */
#define SBX_SCHEMA_VERSION_EXPECTED "1, the version of this format"
void sbx_read_schema_version(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

/* For a key that somebody else looks at. */
void sbx_read_nothing(const struct sbx_at *at, const struct sbx_field *field,
		      void *object);

/* Names of those of @fields that are supported and have all of @only. */
json_t *sbx_reader_field_names(const struct sbx_field *fields,
			       unsigned int only);

#endif
