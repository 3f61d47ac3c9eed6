/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_READER_H
#define SBX_SKILL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "codec/yaml.h"
#include "skill/problems.h"

/*
 * Reads a document by tables of keys.  Whatever does not fit is noted with
 * its place, and the reading goes on: one pass finds everything.
 */

/*
 * Where in the document we are: a chain of frames on the stack, outermost
 * last.  @key is a member's name, NULL for element @index of a list.
 */
struct sbx_at {
	const struct sbx_at *up;
	const char *key;
	size_t index;
};

struct sbx_finding {
	struct sbx_yaml_place place;
	char *text;
	bool warning;
};

/*
 * @n_faults	the first of @findings are the YAML's own faults
 * @n_warnings	how many of @findings are warnings
 * @dropped	how many errors were found after SBX_READER_ERRORS_MAX
 */
struct sbx_reader {
	const struct sbx_yaml *yaml;
	struct sbx_finding *findings;
	size_t n_findings;
	size_t n_faults;
	size_t n_warnings;
	size_t dropped;
};

#define SBX_READER_ERRORS_MAX	200
#define SBX_READER_WARNINGS_MAX 50

/* Starts with the faults of @yaml, which must outlive the reader. */
void sbx_reader_begin(struct sbx_reader *reader, const struct sbx_yaml *yaml);

/* The error "found VALUE: WHY". */
void sbx_reader_refused(struct sbx_reader *reader, const struct sbx_at *at,
			const json_t *value, const char *why);

/*
 * Moves what was found to @problems, in the order of the file.  The reader is
 * empty afterwards.
 */
void sbx_reader_finish(struct sbx_reader *reader,
		       struct sbx_problems *problems);

/* Where the value is that @at leads to. */
struct sbx_yaml_place sbx_reader_place(const struct sbx_reader *reader,
				       const struct sbx_at *at);

/* Notes an error at the value, or the key, that @at leads to. */
void sbx_reader_error(struct sbx_reader *reader, const struct sbx_at *at,
		      const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sbx_reader_key_error(struct sbx_reader *reader, const struct sbx_at *at,
			  const char *format, ...)
	__attribute__((format(printf, 3, 4)));

void sbx_reader_warn(struct sbx_reader *reader, const struct sbx_at *at,
		     const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The error "found VALUE, expected WHAT". */
void sbx_reader_expected(struct sbx_reader *reader, const struct sbx_at *at,
			 const json_t *value, const char *what);

/*
 * One key of a mapping.
 *
 * @read	takes the value; @object is what the mapping is read into
 * @offset	of the member of @object that a general @read below fills
 * @min, @max	what it may be
 * @words	for sbx_read_word(): NULL-terminated, the index is the value
 * @expected	for messages: "a duration such as 30s"
 */
struct sbx_field {
	const char *name;
	void (*read)(struct sbx_reader *reader, const struct sbx_at *at,
		     const struct sbx_field *field, const json_t *value,
		     void *object);
	unsigned int flags;
	size_t offset;
	int64_t min;
	int64_t max;
	const char *const *words;
	const char *expected;
};

#define SBX_FIELD_REQUIRED 0x1
#define SBX_FIELD_DEFAULT  0x2 /* may stand under "defaults:" too */
#define SBX_FIELD_LATER	   0x4 /* known, but not supported yet */

/*
 * Reads mapping @value by @fields (up to one without a name), of which only
 * those with all flags of @only may be there.  False when it is no mapping.
 */
bool sbx_read_mapping(struct sbx_reader *reader, const struct sbx_at *at,
		      const struct sbx_field *fields, unsigned int only,
		      const json_t *value, void *object);

/* The text of a string without NUL; NULL for anything else. */
const char *sbx_plain_text(const json_t *value);

/* The same; NULL when it is none, which is noted. */
const char *sbx_reader_text(struct sbx_reader *reader, const struct sbx_at *at,
			    const json_t *value, const char *expected);

/* True for a list, or mapping, of at most @max; else that is noted. */
bool sbx_reader_is_list(struct sbx_reader *reader, const struct sbx_at *at,
			const json_t *value, size_t max, const char *expected);
bool sbx_reader_is_mapping(struct sbx_reader *reader, const struct sbx_at *at,
			   const json_t *value, size_t max,
			   const char *expected);

/* For fields of type char *, int64_t (ms, bytes, number), an enum, bool. */
void sbx_read_text(struct sbx_reader *reader, const struct sbx_at *at,
		   const struct sbx_field *field, const json_t *value,
		   void *object);
void sbx_read_duration(struct sbx_reader *reader, const struct sbx_at *at,
		       const struct sbx_field *field, const json_t *value,
		       void *object);
void sbx_read_size(struct sbx_reader *reader, const struct sbx_at *at,
		   const struct sbx_field *field, const json_t *value,
		   void *object);
void sbx_read_integer(struct sbx_reader *reader, const struct sbx_at *at,
		      const struct sbx_field *field, const json_t *value,
		      void *object);
void sbx_read_word(struct sbx_reader *reader, const struct sbx_at *at,
		   const struct sbx_field *field, const json_t *value,
		   void *object);
void sbx_read_bool(struct sbx_reader *reader, const struct sbx_at *at,
		   const struct sbx_field *field, const json_t *value,
		   void *object);

/* Keeps the value itself, borrowed, in a const json_t *. */
void sbx_read_json(struct sbx_reader *reader, const struct sbx_at *at,
		   const struct sbx_field *field, const json_t *value,
		   void *object);

/* Names of those of @fields that are supported and have all of @only. */
json_t *sbx_field_names(const struct sbx_field *fields, unsigned int only);

#endif
