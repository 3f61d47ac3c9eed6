/* SPDX-License-Identifier: MIT */
#include "codec/tar.h"

#include <locale.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "codec/libarchive.h"

/*
 * Two writers fill one tar, entry by entry.  That for pax makes ustar headers
 * too where they suffice, but takes twice as long for the usual short name.
 *
 * @now		the one that writes the present entry
 * @sink	NULL when it is over
 */
struct sbx_tar {
	const struct sbx_libarchive *lib;
	struct archive *ustar;
	struct archive *pax;
	struct archive *now;
	struct archive_entry *header;
	locale_t locale;
	struct sbx_buf *sink;
};

static la_ssize_t keep(struct archive *archive, void *client, const void *data,
		       size_t size)
{
	struct sbx_tar *tar = client;

	(void)archive;
	if (!tar->sink)
		return (la_ssize_t)size;
	return sbx_buf_append(tar->sink, data, size) == size ? (la_ssize_t)size
							     : -1;
}

static int fail(const struct sbx_tar *tar, const char *what,
		struct sbx_error *err)
{
	const char *reason = tar->lib->archive_error_string(tar->now);

	return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "cannot pack %s: %s",
			     what, reason ? reason : "no room");
}

static struct archive *new_writer(struct sbx_tar *tar,
				  int (*set_format)(struct archive *))
{
	const struct sbx_libarchive *lib = tar->lib;
	struct archive *archive = lib->archive_write_new();

	if (!archive || set_format(archive) != ARCHIVE_OK ||
	    lib->archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
	    lib->archive_write_open(archive, tar, NULL, keep, NULL) !=
		    ARCHIVE_OK)
		abort(); /* out of memory: nothing else can fail here */
	return archive;
}

int sbx_tar_new(struct sbx_tar **out, struct sbx_buf *sink,
		struct sbx_error *err)
{
	const struct sbx_libarchive *lib = sbx_libarchive_load(err);
	struct sbx_tar *tar;

	if (!lib)
		return -1;
	tar = sbx_calloc(1, sizeof(*tar));
	tar->lib = lib;
	tar->sink = sink;
	tar->ustar = new_writer(tar, lib->archive_write_set_format_ustar);
	tar->pax =
		new_writer(tar, lib->archive_write_set_format_pax_restricted);
	tar->now = tar->ustar;
	tar->header = lib->archive_entry_new();
	tar->locale = newlocale(LC_ALL_MASK, "C", NULL);
	if (!tar->header || !tar->locale)
		abort();
	*out = tar;
	return 0;
}

void sbx_tar_free(struct sbx_tar **slot)
{
	struct sbx_tar *tar = *slot;

	if (!tar)
		return;
	*slot = NULL;
	/* Each writer ends its tar once more; nobody listens. */
	tar->sink = NULL;
	tar->lib->archive_write_free(tar->ustar);
	tar->lib->archive_write_free(tar->pax);
	tar->lib->archive_entry_free(tar->header);
	freelocale(tar->locale);
	free(tar);
}

/*
 * Six octal digits; POSIX has one more, but libarchive's ustar refuses it
 * (3.6, where pax adds a header from here on).
 */
#define USTAR_ID_END (1U << 18)

/* ASCII, and short enough for a field of a ustar header. */
static bool is_short(const char *name)
{
	size_t size = 0;

	while (name[size] && (unsigned char)name[size] < 0x80)
		size++;
	return size < 100 && name[size] == '\0';
}

static int choose_writer(struct sbx_tar *tar, const struct sbx_tar_entry *entry,
			 struct sbx_error *err)
{
	bool plain = is_short(entry->path) && entry->size < 1ULL << 33 &&
		     entry->uid < USTAR_ID_END && entry->gid < USTAR_ID_END &&
		     (!entry->link || is_short(entry->link));
	struct archive *next = plain ? tar->ustar : tar->pax;

	/* The padding of the last entry comes before the other's header. */
	if (next != tar->now &&
	    tar->lib->archive_write_finish_entry(tar->now) != ARCHIVE_OK)
		return fail(tar, entry->path, err);
	tar->now = next;
	return 0;
}

/*
 * libarchive converts names for pax headers from the locale's character set.
 * In the "C" locale it warns that it cannot convert what is not ASCII, and
 * stores the bytes as they are (hdrcharset=BINARY; seen in 3.6 to 3.8): just
 * that, wherever we run.
 */
static int write_header(struct sbx_tar *tar, const char *path,
			struct sbx_error *err)
{
	locale_t before = uselocale(tar->locale);
	int result = tar->lib->archive_write_header(tar->now, tar->header);

	uselocale(before);
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		return fail(tar, path, err);
	return 0;
}

static void describe(const struct sbx_libarchive *lib, struct archive_entry *to,
		     const struct sbx_tar_entry *from)
{
	static const unsigned int types[] = {
		[SBX_TAR_DIRECTORY] = AE_IFDIR,
		[SBX_TAR_FILE] = AE_IFREG,
		[SBX_TAR_SYMLINK] = AE_IFLNK,
		[SBX_TAR_HARDLINK] = AE_IFREG,
	};

	lib->archive_entry_clear(to);
	lib->archive_entry_set_pathname(to, from->path);
	lib->archive_entry_set_filetype(to, types[from->type]);
	lib->archive_entry_set_perm(to, (mode_t)from->mode);
	lib->archive_entry_set_uid(to, from->uid);
	lib->archive_entry_set_gid(to, from->gid);
	lib->archive_entry_set_mtime(to, (time_t)from->mtime, 0);
	if (from->type == SBX_TAR_FILE)
		lib->archive_entry_set_size(to, (la_int64_t)from->size);
	if (from->type == SBX_TAR_SYMLINK)
		lib->archive_entry_set_symlink(to, from->link);
	if (from->type == SBX_TAR_HARDLINK)
		lib->archive_entry_set_hardlink(to, from->link);
}

int sbx_tar_header(struct sbx_tar *tar, const struct sbx_tar_entry *entry,
		   struct sbx_error *err)
{
	if (choose_writer(tar, entry, err) < 0)
		return -1;
	describe(tar->lib, tar->header, entry);
	return write_header(tar, entry->path, err);
}

int sbx_tar_data(struct sbx_tar *tar, const void *data, size_t size,
		 struct sbx_error *err)
{
	la_ssize_t done = tar->lib->archive_write_data(tar->now, data, size);

	if (done < 0 || (size_t)done != size)
		return fail(tar, "a file's contents", err);
	return 0;
}

int sbx_tar_end(struct sbx_tar *tar, struct sbx_error *err)
{
	if (tar->lib->archive_write_close(tar->now) != ARCHIVE_OK)
		return fail(tar, "the end", err);
	return 0;
}

static int write_entry(struct sbx_tar *tar, const struct sbx_tar_entry *entry,
		       struct sbx_error *err)
{
	if (sbx_tar_header(tar, entry, err) < 0)
		return -1;
	if (entry->type != SBX_TAR_FILE || entry->size == 0)
		return 0;
	return sbx_tar_data(tar, entry->data, entry->size, err);
}

int sbx_tar_write(struct sbx_buf *out, const struct sbx_tar_entry *entries,
		  size_t count, struct sbx_error *err)
{
	struct sbx_tar *tar = NULL;
	int result = sbx_tar_new(&tar, out, err);

	for (size_t i = 0; result == 0 && i < count; i++)
		result = write_entry(tar, &entries[i], err);
	if (result == 0)
		result = sbx_tar_end(tar, err);
	sbx_tar_free(&tar);
	return result;
}
