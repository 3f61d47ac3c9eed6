/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_RECORD_DIR_H
#define SBX_SERVE_RECORD_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/*
 * A directory of records, for `skillbox logs`: one file for each run, 0600,
 * which is whole or not there, "20260131T120000123Z-RUN_ID.json".  Names sort
 * by time.  The oldest go when there are too many or they are too large, and
 * whatever else is in the directory is left alone.  For any number of threads;
 * one process at a time keeps records in it, others may read.
 */
struct sbx_record_dir;

#define SBX_RECORD_DIR_RECORDS 10000
#define SBX_RECORD_DIR_BYTES   ((uint64_t)1 << 30)

/*
 * @path	made if it is missing, 0700
 * @records, @bytes	how many there may be, and how much they may take
 * @say		gets a warning when records cannot be kept, once until they
 *		can again
 */
struct sbx_record_dir_options {
	const char *path;
	size_t records;
	uint64_t bytes;
	void (*say)(const char *line);
};

/*
 * MISCONFIGURED: it cannot be made or used, belongs to somebody else than us,
 * can be written by others, or another process keeps its records there.
 */
int sbx_record_dir_open(struct sbx_record_dir **out,
			const struct sbx_record_dir_options *options,
			struct sbx_error *err);
void sbx_record_dir_close(struct sbx_record_dir **dir);

/*
 * Keeps @text, the record of run @run_id (of [A-Za-z0-9._-], at most 64).
 * Never fails: what cannot be kept, because the disk is full, is lost.
 */
void sbx_record_dir_keep(struct sbx_record_dir *dir, const char *run_id,
			 const char *text);

/*
 * The names of the records that are in the directory @fd, oldest first.
 * MISCONFIGURED when it cannot be read.
 */
int sbx_record_dir_names(int fd, struct sbx_strv *out, struct sbx_error *err);

/* Whether a file of that name is a record; its run's id, borrowed, or NULL. */
#define SBX_RECORD_RUN_ID_MAX 64
bool sbx_record_dir_is_name(const char *name, const char **run_id,
			    size_t *run_id_size);

#endif
