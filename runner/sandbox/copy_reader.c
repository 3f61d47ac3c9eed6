/* SPDX-License-Identifier: MIT */
#include "sandbox/copy_reader.h"

#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/libarchive.h"
#include "init/cpio.h"

#define BLOCK_SIZE 65536

/*
 * @locale	for libarchive, which converts names to the locale's characters
 * @left	of the present file's bytes
 * @name, @target	of the present entry
 */
struct sbx_copy_reader {
	const struct sbx_libarchive *lib;
	struct archive *archive;
	enum sbx_copy_format format;
	struct sbx_copy_limits max;
	struct sbx_copy_limits used;
	const struct sbx_progress *warn;
	locale_t locale;
	uint64_t left;
	char name[SBX_CPIO_NAME_MAX + 1];
	char target[PATH_MAX];
};

static int broken(const struct sbx_copy_reader *reader, struct sbx_error *err)
{
	const char *reason = reader->lib->archive_error_string(reader->archive);
	cleanup_free char *shown = sbx_copy_shown(reason ? reason
							 : "it ends "
							   "too "
							   "early");

	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the archive cannot be read (expected %s): %s",
			     reader->format == SBX_COPY_TAR
				     ? "tar, not compressed"
				     : "cpio, newc",
			     shown);
}

static int open_archive(struct sbx_copy_reader *reader, int fd,
			struct sbx_error *err)
{
	const struct sbx_libarchive *lib = reader->lib;
	locale_t before = uselocale(reader->locale);
	int result;

	reader->archive = lib->archive_read_new();
	if (!reader->archive ||
	    (reader->format == SBX_COPY_TAR
		     ? lib->archive_read_support_format_tar(reader->archive)
		     : lib->archive_read_support_format_cpio(
			       reader->archive)) != ARCHIVE_OK)
		abort(); /* out of memory: nothing else can fail here */
	result = lib->archive_read_open_fd(reader->archive, fd, BLOCK_SIZE);
	uselocale(before);
	return result == ARCHIVE_OK ? 0 : broken(reader, err);
}

int sbx_copy_reader_new(struct sbx_copy_reader **out, int fd,
			enum sbx_copy_format format,
			const struct sbx_copy_limits *max,
			const struct sbx_progress *warn, struct sbx_error *err)
{
	const struct sbx_libarchive *lib = sbx_libarchive_load(err);
	struct sbx_copy_reader *reader;

	if (!lib)
		return -1;
	reader = sbx_calloc(1, sizeof(*reader));
	reader->lib = lib;
	reader->format = format;
	reader->max = *max;
	reader->warn = warn;
	reader->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	if (!reader->locale)
		reader->locale = newlocale(LC_CTYPE_MASK, "C", NULL);
	if (!reader->locale)
		abort();
	if (open_archive(reader, fd, err) < 0) {
		sbx_copy_reader_free(&reader);
		return -1;
	}
	*out = reader;
	return 0;
}

void sbx_copy_reader_free(struct sbx_copy_reader **slot)
{
	struct sbx_copy_reader *reader = *slot;

	if (!reader)
		return;
	*slot = NULL;
	reader->lib->archive_read_free(reader->archive);
	freelocale(reader->locale);
	free(reader);
}

/* --- an entry -------------------------------------------------------------- */

static void leave_out(const struct sbx_copy_reader *reader, const char *why)
{
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(2 * SBX_CPIO_NAME_MAX);

	sbx_text_to_utf8(&line, reader->name, strlen(reader->name));
	sbx_buf_printf(&line, ": left out: %s", why);
	sbx_progress_say(reader->warn, sbx_buf_text(&line));
}

static int bad_name(const char *name, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(name);

	return sbx_error_set(
		err, SBX_OUTCOME_INVALID,
		"the archive: \"%s\" can be no file's name: expected a "
		"relative path of at most %d bytes, without \"..\", empty "
		"parts and control characters",
		shown, SBX_WIRE_NAME_MAX);
}

/*
 * Its name, checked.  A tar has a slash behind those of directories, and
 * perhaps "./" before all of them.
 */
static int take_name(struct sbx_copy_reader *reader, const char *name,
		     struct sbx_error *err)
{
	bool is_tar = reader->format == SBX_COPY_TAR;
	size_t size = name ? strlen(name) : 0;
	size_t begin = 0;

	while (is_tar && size > 1 && name[size - 1] == '/')
		size--;
	if (is_tar &&
	    !(size > 0 && name[0] == '.' && (size == 1 || name[1] == '/')))
		begin = 2;
	if (size == 0 || begin + size > SBX_CPIO_NAME_MAX)
		return bad_name(name ? name : "", err);
	memcpy(reader->name, "./", begin);
	memcpy(reader->name + begin, name, size);
	reader->name[begin + size] = '\0';
	if (!sbx_cpio_is_name(reader->name, (uint32_t)(begin + size)))
		return bad_name(name, err);
	return 0;
}

/* Its target; false when it must not be. */
static bool take_target(struct sbx_copy_reader *reader, const char *target)
{
	size_t size = target ? strlen(target) : 0;

	if (size == 0 || size >= sizeof(reader->target))
		return false;
	memcpy(reader->target, target, size + 1);
	return sbx_cpio_link_stays(reader->name, target);
}

/* 1 and the entry, or 0 when it is left out. */
static int describe(struct sbx_copy_reader *reader,
		    struct archive_entry *header, struct sbx_copy_entry *entry)
{
	const struct sbx_libarchive *lib = reader->lib;
	mode_t type = lib->archive_entry_filetype(header);

	*entry = (struct sbx_copy_entry){
		.name = reader->name,
		.mode = type | (lib->archive_entry_perm(header) & 0777),
		.mtime = lib->archive_entry_mtime(header),
	};
	if (lib->archive_entry_hardlink(header)) {
		leave_out(reader, "a hard link; pack it as a file");
		return 0;
	}
	switch (type) {
	case AE_IFREG:
		entry->size = (uint64_t)lib->archive_entry_size(header);
		return 1;
	case AE_IFDIR:
		return 1;
	case AE_IFLNK:
		entry->target = reader->target;
		if (take_target(reader, lib->archive_entry_symlink(header)))
			return 1;
		leave_out(reader, "a link that leads out of the tree");
		return 0;
	default:
		leave_out(reader, "no file, directory or link");
		return 0;
	}
}

/* The same of the next header; 2 at the end. */
static int next(struct sbx_copy_reader *reader, struct sbx_copy_entry *entry,
		struct sbx_error *err)
{
	const struct sbx_libarchive *lib = reader->lib;
	struct archive_entry *header;
	int result = lib->archive_read_next_header(reader->archive, &header);

	if (result == ARCHIVE_EOF)
		return 2;
	/* In a cpio it has passed over something that is none. */
	if (result != ARCHIVE_OK &&
	    (result != ARCHIVE_WARN || reader->format != SBX_COPY_TAR))
		return broken(reader, err);
	if (take_name(reader, lib->archive_entry_pathname(header), err) < 0)
		return -1;
	result = describe(reader, header, entry);
	/* One that is negative is more than any limit. */
	if (sbx_copy_count(&reader->used, &reader->max, entry->size, err) < 0)
		return -1;
	reader->left = entry->size;
	return result;
}

int sbx_copy_reader_next(struct sbx_copy_reader *reader,
			 struct sbx_copy_entry *entry, struct sbx_error *err)
{
	locale_t before = uselocale(reader->locale);
	int result;

	do
		result = next(reader, entry, err);
	while (result == 0);
	uselocale(before);
	return result == 2 ? 0 : result;
}

int sbx_copy_reader_data(struct sbx_copy_reader *reader, void *data,
			 size_t size, size_t *got, struct sbx_error *err)
{
	la_ssize_t n;

	if (size > reader->left)
		size = (size_t)reader->left;
	*got = size;
	if (size == 0)
		return 0;
	n = reader->lib->archive_read_data(reader->archive, data, size);
	if (n < 0 || (size_t)n > size)
		return broken(reader, err);
	/* A sparse file may end with a hole. */
	if (n == 0)
		memset(data, 0, size);
	else
		*got = (size_t)n;
	reader->left -= *got;
	return 0;
}

/* --- all of it ------------------------------------------------------------- */

static int rewind_fd(int fd, struct sbx_error *err)
{
	if (lseek(fd, 0, SEEK_SET) == 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			       "the archive is no file");
}

int sbx_copy_measure(int fd, const struct sbx_copy_limits *max,
		     struct sbx_copy_size *out, struct sbx_error *err)
{
	static const struct sbx_progress nobody;
	struct sbx_copy_reader *reader = NULL;
	struct sbx_copy_entry entry;
	int result;

	*out = (struct sbx_copy_size){ .files = 0 };
	if (rewind_fd(fd, err) < 0 ||
	    sbx_copy_reader_new(&reader, fd, SBX_COPY_CPIO, max, &nobody, err) <
		    0)
		return -1;
	while ((result = sbx_copy_reader_next(reader, &entry, err)) > 0) {
		if (S_ISREG(entry.mode))
			out->files++;
		out->bytes += entry.size;
	}
	sbx_copy_reader_free(&reader);
	return result < 0 ? -1 : rewind_fd(fd, err);
}
