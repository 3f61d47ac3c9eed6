/* SPDX-License-Identifier: MIT */
/*
 * An archive for a sandbox: init's own source, with the kernel played here.
 * The input is, in its first line, the path of the target, behind a first byte
 * that says what is there; then the archive.
 *
 * Whatever is in it, each call has one component of a name and a directory that
 * was opened without following a link, what is made is what nothing else is,
 * and all that was opened is closed in the end.  In pieces of any size the same
 * bytes come to the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

#include "init/cpio.h"

static ssize_t fuzz_read(int fd, void *data, size_t size);
static ssize_t fuzz_write(int fd, const void *data, size_t size);
static int fuzz_open(const char *path, int flags);
static int fuzz_openat(int dir, const char *name, int flags, ...);
static int fuzz_mkdirat(int dir, const char *name, mode_t mode);
static int fuzz_unlinkat(int dir, const char *name, int flags);
static int fuzz_symlinkat(const char *target, int dir, const char *name);
static ssize_t fuzz_readlinkat(int dir, const char *name, char *out,
			       size_t size);
static int fuzz_fchmod(int fd, mode_t mode);
static int fuzz_futimens(int fd, const struct timespec times[2]);
static int fuzz_utimensat(int dir, const char *name,
			  const struct timespec times[2], int flags);
static void fuzz_close(int *fd);

#define read	   fuzz_read
#define write	   fuzz_write
#define open	   fuzz_open
#define openat	   fuzz_openat
#define mkdirat	   fuzz_mkdirat
#define unlinkat   fuzz_unlinkat
#define symlinkat  fuzz_symlinkat
#define readlinkat fuzz_readlinkat
#define fchmod	   fuzz_fchmod
#define futimens   fuzz_futimens
#define utimensat  fuzz_utimensat
#define sbx_close  fuzz_close
#include "../../runner/init/copy_in.c"
#undef write
#define write fuzz_say
static ssize_t fuzz_say(int fd, const void *data, size_t size);
#include "../../runner/init/copy.c"
#undef read
#undef open
#undef write
#undef sbx_close
#include "../../runner/init/text.c"

/* Descriptors are counted from here on; few, as in a sandbox. */
#define FIRST_FD 4
#define LAST_FD	 63

/*
 * @from, @left, @pieces	the archive
 * @kind	of the target: whether there is a directory, or links
 * @links	that are followed before there is none
 * @is_file, @is_open	by descriptor
 * @done	what was asked for, in order
 */
struct world {
	const char *from;
	size_t left;
	struct fuzz_pieces pieces;
	char kind;
	int links;
	bool is_file[LAST_FD + 1];
	bool is_open[LAST_FD + 1];
	struct sbx_buf done;
	struct sbx_buf said;
};

static struct world world;

static int refuse(int errnum)
{
	errno = errnum;
	return -1;
}

static void note(const char *what, int dir, const char *name_)
{
	sbx_buf_printf(&world.done, "%s %d %s\n", what, dir, name_);
}

static void must_be_dir(int fd)
{
	must(fd >= FIRST_FD && fd <= LAST_FD);
	must(world.is_open[fd] && !world.is_file[fd]);
}

static int new_fd(bool is_file)
{
	for (int fd = FIRST_FD; fd <= LAST_FD; fd++) {
		if (world.is_open[fd])
			continue;
		world.is_open[fd] = true;
		world.is_file[fd] = is_file;
		return fd;
	}
	must(false);
	return -1;
}

static void must_be_component(const char *name_)
{
	must(!strchr(name_, '/'));
	must(sbx_wire_is_component(name_, (uint32_t)strlen(name_)));
}

static ssize_t fuzz_read(int fd, void *data, size_t size)
{
	must(fd == STDIN_FILENO);
	if (size > world.left)
		size = world.left;
	if (size > 0)
		size = fuzz_piece(&world.pieces, size);
	if (size > 0)
		memcpy(data, world.from, size);
	world.from += size;
	world.left -= size;
	return (ssize_t)size;
}

static ssize_t fuzz_write(int fd, const void *data, size_t size)
{
	must(fd >= FIRST_FD && fd <= LAST_FD && world.is_file[fd]);
	must(world.is_open[fd]);
	sbx_buf_append(&world.done, data, size);
	return (ssize_t)size;
}

static ssize_t fuzz_say(int fd, const void *data, size_t size)
{
	const char *text = data;

	must(fd == STDERR_FILENO && size > 1 && text[size - 1] == '\n');
	must(memchr(text, '\n', size) == text + size - 1);
	sbx_buf_append(&world.said, data, size);
	return (ssize_t)size;
}

/* The target's own path may lead anywhere. */
static int fuzz_open(const char *path, int flags)
{
	must(flags == (O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	must(strlen(path) < PATH_MAX);
	if (world.kind == 'd')
		return new_fd(false);
	if (world.done.len > 0)
		return new_fd(false);
	note("open", 0, path);
	return refuse(world.kind == 'x' ? EACCES : ENOENT);
}

/* Names that are there already begin with one of these letters. */
static int fuzz_openat(int dir, const char *name_, int flags, ...)
{
	must_be_dir(dir);
	must_be_component(name_);
	must(flags & O_NOFOLLOW && flags & O_CLOEXEC);
	note("open", dir, name_);
	if (flags & O_DIRECTORY)
		return name_[0] == 'l' || name_[0] == 'f' ? refuse(ENOTDIR)
							  : new_fd(false);
	must(flags & O_CREAT && flags & O_EXCL);
	if (name_[0] == 'r')
		return refuse(EEXIST);
	return new_fd(true);
}

static int fuzz_mkdirat(int dir, const char *name_, mode_t mode)
{
	must_be_dir(dir);
	must_be_component(name_);
	must(mode == 0700);
	note("mkdir", dir, name_);
	return strchr("lfe", name_[0]) ? refuse(EEXIST) : 0;
}

static int fuzz_unlinkat(int dir, const char *name_, int flags)
{
	must_be_dir(dir);
	must_be_component(name_);
	must(flags == 0);
	note("unlink", dir, name_);
	return refuse(EISDIR);
}

static int fuzz_symlinkat(const char *to, int dir, const char *name_)
{
	must_be_dir(dir);
	must_be_component(name_);
	must(to[0] != '/' && to[0] != '\0');
	note("symlink", dir, name_);
	return name_[0] == 'r' ? refuse(EEXIST) : 0;
}

static ssize_t fuzz_readlinkat(int dir, const char *name_, char *out,
			       size_t size)
{
	static const char to[] = "../x/./y";

	must_be_dir(dir);
	must_be_component(name_);
	must(size > sizeof(to));
	if (world.links-- == 0)
		return refuse(world.kind == 'f' ? EINVAL : ENOENT);
	memcpy(out, to, sizeof(to) - 1);
	return sizeof(to) - 1;
}

static int fuzz_fchmod(int fd, mode_t mode)
{
	must(fd >= FIRST_FD && fd <= LAST_FD && world.is_open[fd]);
	must(mode <= 0777);
	return 0;
}

static int fuzz_futimens(int fd, const struct timespec times[2])
{
	must(fd >= FIRST_FD && fd <= LAST_FD && world.is_open[fd]);
	must(times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == 0);
	return 0;
}

static int fuzz_utimensat(int dir, const char *name_,
			  const struct timespec times[2], int flags)
{
	must_be_dir(dir);
	must_be_component(name_);
	must(flags == AT_SYMLINK_NOFOLLOW);
	must(times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == 0);
	return 0;
}

static void fuzz_close(int *fd)
{
	if (*fd >= 0) {
		must(*fd >= FIRST_FD && *fd <= LAST_FD && world.is_open[*fd]);
		world.is_open[*fd] = false;
	}
	*fd = -1;
}

/* One copy; what was done stays in the world. */
static int copy(const char *path, char kind, const struct fuzz_input *archive,
		unsigned int pieces)
{
	int result;

	world = (struct world){ .from = archive->at,
				.left = archive->size,
				.pieces = fuzz_pieces(pieces),
				.kind = kind,
				.links = kind == 'l' ? 3 : 0,
				.done = SBX_BUF_INIT(1 << 24),
				.said = SBX_BUF_INIT(1 << 16) };
	lines = 0;
	result = sbx_copy_in(path);
	must(result == SBX_COPY_DONE || result == SBX_COPY_FAILED);
	must((result == SBX_COPY_FAILED) == (world.said.len > 0));
	for (int fd = 0; fd <= LAST_FD; fd++)
		must(!world.is_open[fd]);
	must(result == SBX_COPY_FAILED || world.left == 0);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input given = { .at = (const char *)data, .size = size };
	struct world first;
	char path[64];
	int result;

	fuzz_line(&given, path, sizeof(path));
	if (path[0] == '\0')
		return 0;
	result = copy(path + 1, path[0], &given, 0);
	first = world;
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		must(copy(path + 1, path[0], &given, kind) == result);
		must(world.done.len == first.done.len);
		must(!world.done.len || memcmp(world.done.data, first.done.data,
					       first.done.len) == 0);
		sbx_buf_free(&world.done);
		sbx_buf_free(&world.said);
	}
	sbx_buf_free(&first.done);
	sbx_buf_free(&first.said);
	return 0;
}
