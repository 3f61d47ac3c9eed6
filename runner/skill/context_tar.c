/* SPDX-License-Identifier: MIT */
#include "skill/context_tar.h"

#include <locale.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/mem.h"

/*
 * Two writers fill one tar, entry by entry.  That for pax makes ustar headers
 * too where they suffice, but takes twice as long for the usual short name.
 *
 * @now		the one that writes the present entry
 * @sink	NULL when it is over
 */
struct sbx_tar {
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
	return (la_ssize_t)sbx_buf_append(tar->sink, data, size);
}

static int fail(const struct sbx_tar *tar, const char *what,
		struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "cannot pack %s: %s",
			     what, archive_error_string(tar->now));
}

static struct archive *new_writer(struct sbx_tar *tar,
				  int (*set_format)(struct archive *))
{
	struct archive *archive = archive_write_new();

	if (!archive || set_format(archive) != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(archive, 0) != ARCHIVE_OK ||
	    archive_write_open(archive, tar, NULL, keep, NULL) != ARCHIVE_OK)
		abort(); /* out of memory, or no libarchive that we know */
	return archive;
}

void sbx_tar_new(struct sbx_tar **out, struct sbx_buf *sink)
{
	struct sbx_tar *tar = sbx_calloc(1, sizeof(*tar));

	tar->sink = sink;
	tar->ustar = new_writer(tar, archive_write_set_format_ustar);
	tar->pax = new_writer(tar, archive_write_set_format_pax_restricted);
	tar->now = tar->ustar;
	tar->header = archive_entry_new();
	tar->locale = newlocale(LC_ALL_MASK, "C", NULL);
	if (!tar->header || !tar->locale)
		abort();
	*out = tar;
}

void sbx_tar_free(struct sbx_tar **tar)
{
	if (!*tar)
		return;
	/* Each writer ends its tar once more; nobody listens. */
	(*tar)->sink = NULL;
	archive_write_free((*tar)->ustar);
	archive_write_free((*tar)->pax);
	archive_entry_free((*tar)->header);
	freelocale((*tar)->locale);
	free(*tar);
	*tar = NULL;
}

/* ASCII, and short enough for a field of a ustar header. */
static bool is_short(const char *name)
{
	size_t size = 0;

	while (name[size] && (unsigned char)name[size] < 0x80)
		size++;
	return name[size] == '\0' && size < 100;
}

static int choose_writer(struct sbx_tar *tar,
			 const struct sbx_walk_entry *entry,
			 struct sbx_error *err)
{
	bool plain = is_short(entry->path) && entry->size < 1ULL << 33 &&
		     (!entry->target || is_short(entry->target));
	struct archive *next = plain ? tar->ustar : tar->pax;

	/* The padding of the last entry comes before the other's header. */
	if (next != tar->now &&
	    archive_write_finish_entry(tar->now) != ARCHIVE_OK)
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
	int result = archive_write_header(tar->now, tar->header);

	uselocale(before);
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
		return fail(tar, path, err);
	return 0;
}

int sbx_tar_header(struct sbx_tar *tar, const struct sbx_walk_entry *entry,
		   struct sbx_error *err)
{
	struct archive_entry *header = archive_entry_clear(tar->header);

	if (choose_writer(tar, entry, err) < 0)
		return -1;
	archive_entry_set_pathname(header, entry->path);
	archive_entry_set_mtime(header, 0, 0);
	switch (entry->type) {
	case SBX_WALK_DIRECTORY:
		archive_entry_set_filetype(header, AE_IFDIR);
		archive_entry_set_perm(header, 0755);
		break;
	case SBX_WALK_LINK:
		archive_entry_set_filetype(header, AE_IFLNK);
		archive_entry_set_perm(header, 0777);
		archive_entry_set_symlink(header, entry->target);
		break;
	case SBX_WALK_FILE:
		archive_entry_set_filetype(header, AE_IFREG);
		archive_entry_set_perm(header, entry->executable ? 0755 : 0644);
		archive_entry_set_size(header, (la_int64_t)entry->size);
		break;
	}
	return write_header(tar, entry->path, err);
}

int sbx_tar_data(struct sbx_tar *tar, const void *data, size_t size,
		 struct sbx_error *err)
{
	la_ssize_t done = archive_write_data(tar->now, data, size);

	if (done < 0 || (size_t)done != size)
		return fail(tar, "a file's contents", err);
	return 0;
}

int sbx_tar_end(struct sbx_tar *tar, struct sbx_error *err)
{
	if (archive_write_close(tar->now) != ARCHIVE_OK)
		return fail(tar, "the end", err);
	return 0;
}
