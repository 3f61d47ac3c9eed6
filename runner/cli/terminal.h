/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_TERMINAL_H
#define SBX_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

/*
 * What the program says.  Results go to stdout, everything else to stderr;
 * text that others wrote is escaped first.
 */

/*
 * "skillbox: MESSAGE" to stderr, escaped; further lines are indented, so that
 * nothing in it can pass for a message of its own.
 */
void sbx_term_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The same without the name: for a struct sbx_progress. */
void sbx_term_progress(void *ctx, const char *line);

/*
 * A line that says how far something is, escaped: on a terminal in place of
 * the one before, until something else is written; elsewhere a line like any
 * other.  A partial line of a stream on the same terminal is overwritten.
 * NULL takes away what is shown.
 */
void sbx_term_status(const char *line);

/* @text escaped as one line; free() it. */
char *sbx_term_escape(const char *text);

/* A JSON value to stdout: indented on a terminal, else on one line. */
void sbx_term_json(const json_t *value);

/*
 * A stream of bytes to a descriptor, as they come: unchanged, or escaped when
 * it is a terminal.  A UTF-8 character may come in parts.
 */
struct sbx_term_stream {
	int fd;
	bool escape;
	bool failed;  /* a write failed; nothing is written after that */
	bool in_line; /* the last character was no newline */
	char held[4];
	size_t n_held;
};

void sbx_term_stream_init(struct sbx_term_stream *stream, int fd);
void sbx_term_stream_write(struct sbx_term_stream *stream, const void *data,
			   size_t size);

/*
 * Writes what was held back of a character that never was completed; on a
 * terminal also the end of a line that has none, so that what is said next
 * begins one.
 */
void sbx_term_stream_end(struct sbx_term_stream *stream);

/* The errno with which a stream to standard output has failed, or 0. */
int sbx_term_lost(void);

/*
 * How many bytes at the end of @data may be the beginning of a UTF-8
 * character whose rest is still to come: 0 to 3.
 */
size_t sbx_term_incomplete(const char *data, size_t size);

#endif
