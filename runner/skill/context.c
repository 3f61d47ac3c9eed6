/* SPDX-License-Identifier: MIT */
/*
 * A reading of a context is driven by its consumer:
 *
 *	sbx_context_read() -- when nothing is left over --> produce()
 *	  produce(): one entry's header, or one piece of a file
 *	    context_walk.c   the next entry, opened
 *	    next_piece()     read(2) into reading.piece, hashed, size checked
 *	    codec/tar.c      makes tar of it (libarchive, no buffer)
 *	  --> appended to reading.out
 *
 * so that at most a piece and its header are in memory.  Hashing alone is the
 * same without the tar.
 *
 * The Dockerfile is read once, when the context is opened: what is hashed,
 * parsed and sent is one and the same text.
 */
#include "skill/context.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "codec/tar.h"
#include "skill/context_walk.h"
#include "skill/dockerfile.h"

#define PIECE_SIZE	(128 * 1024)
#define IGNORE_SIZE_MAX (1024 * 1024)

/*
 * All files together, as long as they say they are: a sparse file costs its
 * author nothing, and us the reading, twice, and the engine the disk.
 */
#define SIZE_MAX_MIB 4096ULL

/* Changes whenever the same files have to get another hash. */
#define FORMAT "skillbox context 1"

/*
 * One pass over the files.
 *
 * @entry	whose contents are being read, while @left or @probe
 * @left	bytes of it that are still to come
 * @total	bytes of all files so far, this one included
 * @probe	its end has not been seen yet
 * @muted	it is hashed but not sent
 * @tail	the walk is over, the file of sbx_context_add() is being sent
 * @out		tar not yet given to the caller, from @taken on
 */
struct reading {
	struct sbx_walk *walk;
	struct sbx_hash *hash;
	struct sbx_walk_entry entry;
	uint64_t left;
	uint64_t total;
	bool probe;
	bool muted;
	bool tail;
	bool ended;
	struct sbx_tar *tar; /* not for hashing */
	struct sbx_buf out;
	size_t taken;
	char piece[PIECE_SIZE];
};

struct sbx_context {
	int dirfd;
	char *dockerfile;
	struct sbx_buf text;
	struct sbx_buf sent_text;
	bool replaced;
	bool generated; /* text is no file's */
	struct sbx_dockerignore *ignore;
	char *added;
	int added_fd;
	uint64_t added_size;
	char hex[SBX_HASH_HEX_SIZE]; /* "" until it is known */
	struct reading *reading;
};

/* --- hashing --------------------------------------------------------------*/

static void hash_entry(struct sbx_hash *hash,
		       const struct sbx_walk_entry *entry)
{
	static const char types[] = { [SBX_WALK_DIRECTORY] = 'd',
				      [SBX_WALK_FILE] = 'f',
				      [SBX_WALK_LINK] = 'l' };
	unsigned char head[9] = { (unsigned char)types[entry->type] };

	if (entry->type == SBX_WALK_FILE && entry->executable)
		head[0] = 'x';
	for (size_t i = 0; i < 8; i++)
		head[1 + i] = (unsigned char)(entry->size >> (8 * i));
	sbx_hash_field(hash, entry->path);
	sbx_hash_bytes(hash, head, sizeof(head));
	if (entry->type == SBX_WALK_LINK)
		sbx_hash_field(hash, entry->target);
}

static int changed(const char *path, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED,
			     "%s changed while it was packed; build again",
			     path);
}

/*
 * Reads the next piece of the current file to @reading->piece; *@got is 0
 * when there is none.  One byte more than expected is asked for: the usual
 * file is read, and known to have ended, by one call.
 */
static int next_piece(struct reading *reading, size_t *got,
		      struct sbx_error *err)
{
	const char *path = reading->entry.path;
	size_t want = PIECE_SIZE;
	ssize_t n;

	*got = 0;
	if (!reading->probe)
		return 0;
	if (reading->left < want)
		want = (size_t)reading->left + 1;
	do
		n = read(reading->entry.fd, reading->piece, want);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "%s: cannot be read", path);
	if ((uint64_t)n > reading->left || (n == 0 && reading->left))
		return changed(path, err);
	reading->left -= (uint64_t)n;
	reading->probe = reading->left || (size_t)n == want;
	sbx_hash_bytes(reading->hash, reading->piece, (size_t)n);
	*got = (size_t)n;
	return 0;
}

static int start_file(struct reading *reading, struct sbx_error *err)
{
	const struct sbx_walk_entry *entry = &reading->entry;
	const uint64_t most = SIZE_MAX_MIB << 20;

	if (entry->size > most - reading->total)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: the files of a build may have %llu "
				     "MiB together, with this one they have "
				     "more; name it in .dockerignore and get "
				     "it by a RUN, or in a volume",
				     entry->path, SIZE_MAX_MIB);
	reading->total += entry->size;
	reading->left = entry->size;
	reading->probe = entry->size > 0;
	if (entry->size > PIECE_SIZE)
		posix_fadvise(entry->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

static bool is_dockerfile(const struct sbx_context *context,
			  const struct sbx_walk_entry *entry)
{
	return entry->type == SBX_WALK_FILE &&
	       strcmp(entry->path, context->dockerfile) == 0;
}

/* Goes on to the next entry: 1, 0 at the end, or -1. */
static int next_entry(const struct sbx_context *context,
		      struct reading *reading, struct sbx_error *err)
{
	struct sbx_walk_entry *entry = &reading->entry;
	int result = sbx_walk_next(reading->walk, entry, err);

	if (result <= 0)
		return result;
	reading->left = 0;
	reading->probe = false;
	reading->muted = context->added &&
			 strcmp(entry->path, context->added) == 0;
	if (context->generated && strcmp(entry->path, context->dockerfile) == 0)
		reading->muted = true;
	else if (is_dockerfile(context, entry)) {
		entry->size = context->text.len;
		hash_entry(reading->hash, entry);
		sbx_hash_bytes(reading->hash, context->text.data,
			       context->text.len);
		return 1;
	}
	hash_entry(reading->hash, entry);
	if (entry->type == SBX_WALK_FILE && start_file(reading, err) < 0)
		return -1;
	return 1;
}

static void reading_free(struct reading **reading)
{
	if (!*reading)
		return;
	sbx_walk_free(&(*reading)->walk);
	sbx_hash_free(&(*reading)->hash);
	sbx_tar_free(&(*reading)->tar);
	sbx_buf_free(&(*reading)->out);
	free(*reading);
	*reading = NULL;
}

static void reading_new(struct reading **out, const struct sbx_context *context)
{
	struct reading *reading = sbx_calloc(1, sizeof(*reading));

	sbx_walk_new(&reading->walk, context->dirfd, context->ignore,
		     context->dockerfile);
	sbx_hash_new(&reading->hash);
	sbx_hash_field(reading->hash, FORMAT);
	if (context->generated)
		sbx_hash_field(reading->hash, sbx_buf_text(&context->text));
	*out = reading;
}

static int hash_all(const struct sbx_context *context, struct reading *reading,
		    struct sbx_error *err)
{
	int result;
	size_t got;

	while ((result = next_entry(context, reading, err)) > 0) {
		do {
			if (next_piece(reading, &got, err) < 0)
				return -1;
		} while (got > 0);
	}
	return result;
}

int sbx_context_hash(struct sbx_context *context,
		     char hex[static SBX_HASH_HEX_SIZE], struct sbx_error *err)
{
	struct reading *reading = NULL;
	int result;

	reading_free(&context->reading);
	reading_new(&reading, context);
	result = hash_all(context, reading, err);
	if (result == 0) {
		sbx_hash_finish(reading->hash, context->hex);
		memcpy(hex, context->hex, sizeof(context->hex));
	}
	reading_free(&reading);
	return result;
}

/* --- sending ----------------------------------------------------------------*/

static int tar_header(struct reading *reading, struct sbx_error *err)
{
	const struct sbx_walk_entry *entry = &reading->entry;
	struct sbx_tar_entry header = { .path = entry->path };

	switch (entry->type) {
	case SBX_WALK_DIRECTORY:
		header.type = SBX_TAR_DIRECTORY;
		header.mode = 0755;
		break;
	case SBX_WALK_LINK:
		header.type = SBX_TAR_SYMLINK;
		header.mode = 0777;
		header.link = entry->target;
		break;
	case SBX_WALK_FILE:
		header.type = SBX_TAR_FILE;
		header.mode = entry->executable ? 0755 : 0644;
		header.size = entry->size;
		break;
	}
	return sbx_tar_header(reading->tar, &header, err);
}

/* The Dockerfile, which may be sent with another text. */
static int tar_dockerfile(const struct sbx_context *context,
			  struct reading *reading, struct sbx_error *err)
{
	const struct sbx_buf *text = context->replaced ? &context->sent_text
						       : &context->text;
	size_t done = 0;

	reading->out.max = 2 * (SBX_DOCKERFILE_SIZE_MAX + PIECE_SIZE);
	reading->entry.size = text->len;
	if (tar_header(reading, err) < 0)
		return -1;
	while (done < text->len) {
		size_t size = text->len - done;

		if (size > PIECE_SIZE)
			size = PIECE_SIZE;
		if (sbx_tar_data(reading->tar, text->data + done, size, err) <
		    0)
			return -1;
		done += size;
	}
	return 0;
}

static int check_hash(const struct sbx_context *context,
		      struct reading *reading, struct sbx_error *err)
{
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_finish(reading->hash, hex);
	if (*context->hex && strcmp(context->hex, hex) != 0)
		return changed("the directory", err);
	return 0;
}

/*
 * Behind the last entry: a Dockerfile that is no file's, the added file's
 * header, then the tar's end.
 */
static int produce_end(const struct sbx_context *context,
		       struct reading *reading, struct sbx_error *err)
{
	if (!reading->tail) {
		if (check_hash(context, reading, err) < 0)
			return -1;
		reading->tail = true;
		reading->entry =
			(struct sbx_walk_entry){ .path = context->dockerfile,
						 .type = SBX_WALK_FILE };
		if (context->generated &&
		    tar_dockerfile(context, reading, err) < 0)
			return -1;
		reading->entry =
			(struct sbx_walk_entry){ .path = context->added,
						 .type = SBX_WALK_FILE,
						 .size = context->added_size };
		reading->left = context->added_size;
		if (context->added)
			return tar_header(reading, err);
	}
	reading->ended = true;
	return sbx_tar_end(reading->tar, err);
}

/* A piece of the added file, which is ours and does not change. */
static int produce_added(const struct sbx_context *context,
			 struct reading *reading, struct sbx_error *err)
{
	uint64_t at = context->added_size - reading->left;
	size_t want = reading->left < PIECE_SIZE ? (size_t)reading->left
						 : PIECE_SIZE;
	ssize_t n = pread(context->added_fd, reading->piece, want, (off_t)at);

	if (n <= 0)
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "%s ended early", context->added);
	reading->left -= (uint64_t)n;
	return sbx_tar_data(reading->tar, reading->piece, (size_t)n, err);
}

/* Some more tar, perhaps none yet. */
static int produce(const struct sbx_context *context, struct reading *reading,
		   struct sbx_error *err)
{
	size_t got = 0;
	int result;

	if (reading->tail && reading->left)
		return produce_added(context, reading, err);
	if (next_piece(reading, &got, err) < 0)
		return -1;
	if (got > 0)
		return reading->muted ? 0
				      : sbx_tar_data(reading->tar,
						     reading->piece, got, err);
	result = reading->tail ? 0 : next_entry(context, reading, err);
	if (result < 0)
		return -1;
	if (result == 0)
		return produce_end(context, reading, err);
	if (reading->muted)
		return 0;
	if (is_dockerfile(context, &reading->entry))
		return tar_dockerfile(context, reading, err);
	return tar_header(reading, err);
}

/* Moves what is left over to the caller. */
static size_t hand_over(struct reading *reading, void *data, size_t size)
{
	size_t n = reading->out.len - reading->taken;

	if (n > size)
		n = size;
	if (n == 0)
		return 0;
	memcpy(data, reading->out.data + reading->taken, n);
	reading->taken += n;
	if (reading->taken == reading->out.len) {
		sbx_buf_consume(&reading->out, reading->out.len);
		reading->taken = 0;
	}
	return n;
}

int sbx_context_read(void *context, void *data, size_t size, size_t *got,
		     struct sbx_error *err)
{
	struct sbx_context *self = context;
	struct reading *reading = self->reading;
	char *to = data;

	*got = 0;
	if (!reading) {
		reading_new(&self->reading, self);
		reading = self->reading;
		/* More than a piece, its headers and the end. */
		reading->out.max = 2 * PIECE_SIZE;
		if (sbx_tar_new(&reading->tar, &reading->out, err) < 0) {
			reading_free(&self->reading);
			return -1;
		}
	}
	*got = hand_over(reading, to, size);
	while (*got < size && !reading->ended) {
		if (produce(self, reading, err) < 0)
			return -1;
		*got += hand_over(reading, to + *got, size - *got);
	}
	return 0;
}

void sbx_context_rewind(struct sbx_context *context)
{
	reading_free(&context->reading);
}

/* --- opening --------------------------------------------------------------*/

/* 0; 1 when there is no such file; -1 */
static int read_text(const struct sbx_context *context, const char *path,
		     struct sbx_buf *out, struct sbx_error *err)
{
	cleanup_fd int fd = sbx_walk_open(context->dirfd, path,
					  O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 && errno == ELOOP)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: a symbolic link is not followed",
				     path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "%s: cannot be read", path);
	if (!S_ISREG(st.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: not a regular file", path);
	if (sbx_fd_read_all(fd, out, err) < 0)
		return sbx_error_wrap(err, "%s", path);
	return 0;
}

static int read_ignore(struct sbx_context *context, struct sbx_error *err)
{
	cleanup_free char *own =
		sbx_asprintf("%s.dockerignore", context->dockerfile);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(IGNORE_SIZE_MAX);
	const char *name = own;
	int result = read_text(context, name, &text, err);

	if (result == 1) {
		name = ".dockerignore";
		result = read_text(context, name, &text, err);
	}
	if (result < 0)
		return -1;
	return sbx_dockerignore_parse(&context->ignore, name,
				      sbx_buf_text(&text), text.len, err);
}

/* Whether @path stays below where it starts, without "." and empty names. */
static bool is_plain(const char *path)
{
	while (true) {
		size_t size = strcspn(path, "/");

		if (size == 0 || (size == 1 && *path == '.') ||
		    (size == 2 && memcmp(path, "..", 2) == 0))
			return false;
		if (path[size] == '\0')
			return true;
		path += size + 1;
	}
}

static int read_dockerfile(struct sbx_context *context, struct sbx_error *err)
{
	int result;

	if (!is_plain(context->dockerfile))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the Dockerfile's path \"%s\" does not "
				     "lead into the skill's directory",
				     context->dockerfile);
	result = read_text(context, context->dockerfile, &context->text, err);
	if (result == 1)
		return sbx_error_set(err, SBX_OUTCOME_INVALID, "there is no %s",
				     context->dockerfile);
	return result;
}

int sbx_context_open(struct sbx_context **out, const char *directory,
		     const char *dockerfile, struct sbx_error *err)
{
	struct sbx_context *context = sbx_calloc(1, sizeof(*context));

	while (dockerfile && strncmp(dockerfile, "./", 2) == 0)
		dockerfile += 2;
	context->dockerfile = sbx_strdup(dockerfile ? dockerfile : "");
	context->text.max = SBX_DOCKERFILE_SIZE_MAX;
	context->added_fd = -1;
	context->dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (context->dirfd < 0) {
		sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				"cannot open %s", directory);
		sbx_context_free(&context);
		return -1;
	}
	if ((dockerfile && read_dockerfile(context, err) < 0) ||
	    read_ignore(context, err) < 0) {
		sbx_context_free(&context);
		return -1;
	}
	*out = context;
	return 0;
}

void sbx_context_generate(struct sbx_context *context, const char *path,
			  const char *text)
{
	sbx_strset(&context->dockerfile, path);
	sbx_buf_puts(&context->text, text);
	context->generated = true;
}

void sbx_context_free(struct sbx_context **context)
{
	struct sbx_context *self = *context;

	if (!self)
		return;
	reading_free(&self->reading);
	sbx_dockerignore_free(&self->ignore);
	sbx_buf_free(&self->text);
	sbx_buf_free(&self->sent_text);
	free(self->dockerfile);
	free(self->added);
	sbx_close(&self->added_fd);
	sbx_close(&self->dirfd);
	free(self);
	*context = NULL;
}

const struct sbx_buf *sbx_context_dockerfile(const struct sbx_context *context)
{
	return &context->text;
}

int sbx_context_directory(const struct sbx_context *context)
{
	return context->dirfd;
}

void sbx_context_replace_dockerfile(struct sbx_context *context,
				    const void *text, size_t size)
{
	sbx_buf_consume(&context->sent_text, context->sent_text.len);
	context->sent_text.max = size;
	sbx_buf_append(&context->sent_text, text, size);
	context->replaced = true;
}

int sbx_context_add(struct sbx_context *context, const char *path, int fd,
		    struct sbx_error *err)
{
	struct stat st;

	sbx_close(&context->added_fd);
	context->added_fd = fd;
	sbx_strset(&context->added, path);
	if (fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot look at %s", path);
	context->added_size = (uint64_t)st.st_size;
	return 0;
}
