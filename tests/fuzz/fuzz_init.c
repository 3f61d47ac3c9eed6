/* SPDX-License-Identifier: MIT */
/*
 * init's end of the channel: its own sources, with the kernel and what is
 * behind them played here.  The input is what the runner sends, behind a first
 * byte '+' over a direct channel, behind '*' over that of a session, or, behind
 * a first byte '=', strings for RUN, which are encoded by the runner's code.
 *
 * In pieces of any size the same bytes come to the same; what RUN was taken
 * for is what is in it; and INPUT is never more than the window.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

#include "init/wire.h"
#include "sandbox/channel_run.h"
#include "secret/memory.h"
#include "skill/manifest.h"

/* What command.c and run.c ask of the kernel. */
static ssize_t fuzz_read(int fd, void *data, size_t size);
static int fuzz_pipe2(int ends[2], int flags);
static int fuzz_fcntl(int fd, int command, int flags);
static int fuzz_close(int fd);
static int fuzz_open(const char *path, int flags);
static pid_t fuzz_fork(void);

/* So small that it is passed, and its ring goes round. */
#undef SBX_WIRE_WINDOW
#define SBX_WIRE_WINDOW 256

#define read		fuzz_read
#define pipe2		fuzz_pipe2
#define fcntl		fuzz_fcntl
#define close		fuzz_close
#define open		fuzz_open
#define fork		fuzz_fork
#define run		init_run
#include "../../runner/init/command.c"
#undef run
#define start init_start
#include "../../runner/init/run.c"
#undef start
#undef read
#undef pipe2
#undef fcntl
#undef close
#undef open
#undef fork
#include "../../runner/init/cursor.c"
#include "../../runner/init/ring.c"

/*
 * @from, @left, @pieces	what the runner sends
 * @runs	how often an action was started
 * @taken	its arguments and environment, each with its NUL
 * @file	path of the output file
 * @files	of secrets, as RUN has them
 * @signals	numbers
 * @input	what the ring got
 * @given	of files, and the directory of those that are left
 * @detaches	no streams come
 */
struct world {
	const char *from;
	size_t left;
	struct fuzz_pieces pieces;
	unsigned int runs;
	struct sbx_buf taken;
	struct sbx_buf file;
	struct sbx_buf files;
	struct sbx_buf signals;
	struct sbx_buf input;
	struct sbx_buf given;
	bool detaches;
};

static struct world world;
static unsigned char ring_space[SBX_WIRE_WINDOW];

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

static int fuzz_pipe2(int ends[2], int flags)
{
	must(flags == O_CLOEXEC);
	ends[0] = 1000;
	ends[1] = 1001;
	return 0;
}

static int fuzz_fcntl(int fd, int command, int flags)
{
	must(fd >= 1000);
	if (command == F_DUPFD_CLOEXEC)
		return 1002;
	must(command == F_SETFL && flags == O_NONBLOCK);
	return 0;
}

static int fuzz_open(const char *path, int flags)
{
	must(strcmp(path, "/dev/null") == 0);
	must(flags == (O_RDONLY | O_CLOEXEC));
	return 1003;
}

static int fuzz_close(int fd)
{
	must(fd >= 1000);
	return 0;
}

static void take_strings(char *const *list)
{
	for (; *list; list++)
		must(sbx_buf_append(&world.taken, *list, strlen(*list) + 1));
}

static pid_t fuzz_fork(void)
{
	world.runs++;
	take_strings(argv);
	take_strings(envp);
	return 77;
}

_Noreturn void sbx_child_become(const struct sbx_child *child)
{
	(void)child;
	abort();
}

const char *sbx_child_step_name(int step)
{
	(void)step;
	return "step";
}

bool sbx_file_remember(const char *path)
{
	sbx_buf_puts(&world.file, path);
	return strlen(path) < PATH_MAX;
}

bool sbx_artifacts_remember(const char *path, uint32_t limit, bool only_new)
{
	(void)limit;
	(void)only_new;
	sbx_buf_append(&world.given, path, strlen(path) + 1);
	return strlen(path) < PATH_MAX;
}

/* What is done with files is not played here, only what was understood. */
int sbx_given_begin(struct sbx_init *init, unsigned char *payload,
		    uint32_t size)
{
	must(size > SBX_WIRE_INTO_FIXED && size <= SBX_WIRE_INTO_MAX);
	sbx_buf_append(&world.given, payload, size);
	return init->phase <= SBX_RUNNING ? 0 : sbx_abort(init, "late", 0);
}

int sbx_given_new(struct sbx_init *init, char *name, uint32_t size)
{
	(void)init;
	must(size >= 1 && size <= SBX_WIRE_NAME_MAX);
	sbx_buf_append(&world.given, name, size);
	return 0;
}

int sbx_given_data(struct sbx_init *init, const unsigned char *data,
		   uint32_t size)
{
	(void)init;
	must(size >= 1 && size <= SBX_WIRE_DATA_MAX);
	sbx_buf_append(&world.given, data, size);
	return 0;
}

int sbx_given_end(struct sbx_init *init)
{
	(void)init;
	sbx_buf_append(&world.given, "|", 1);
	return 0;
}

/* The channel is a direct one, and the action's streams come with it. */
static bool is_direct;

/* It is a session; one thing is run all the same. */
static bool is_session;

static void put_file(struct sbx_buf *out, const char *path, const void *data,
		     uint32_t size)
{
	unsigned char bytes[4];

	sbx_wire_put32(bytes, size);
	must(sbx_buf_append(out, path, strlen(path) + 1));
	must(sbx_buf_append(out, bytes, sizeof(bytes)) == sizeof(bytes));
	must(sbx_buf_append(out, data, size) == size);
}

int sbx_secret_file_make(const struct sbx_secret_file *made)
{
	put_file(&world.files, made->path, made->data, made->size);
	return 0;
}

void sbx_secret_file_clear(const char *path)
{
	must(is_session && path);
}

void sbx_secret_files_hand_over(pid_t pid)
{
	must(is_session && pid == 77);
}

void sbx_secret_files_remove(pid_t owner)
{
	must(owner == 0);
}

uint32_t sbx_kill_others(void)
{
	return 0;
}

uint64_t sbx_oom_kills(void)
{
	return 0;
}

int64_t sbx_now(void)
{
	return 1;
}

int sbx_session_keep(struct sbx_init *init, const unsigned char *data,
		     uint32_t size)
{
	must(is_session && init->phase == SBX_WAITING);
	must(size <= SBX_WIRE_DATA_MAX);
	if (size > 0)
		sbx_buf_append(&world.given, data, size);
	return 0;
}

int sbx_session_ask(struct sbx_init *init, uint32_t question)
{
	must(is_session && init->phase == SBX_WAITING);
	return question < 4 ? 0 : sbx_abort(init, "question", 0);
}

void sbx_forward_use(struct sbx_init *init, int *fd)
{
	must(is_session && *fd == 1004);
	init->forward_fd = *fd;
	*fd = -1;
}

void sbx_detached_signal(int number)
{
	must(is_session && number >= 0 && number < 256);
}

bool sbx_session_is_attached(void)
{
	return is_session && !is_direct;
}

int sbx_session_learn(struct sbx_init *init,
		      const unsigned char random[SBX_WIRE_SYNC_RANDOM])
{
	must(is_session && init->phase == SBX_WAITING);
	sbx_buf_append(&world.given, random, SBX_WIRE_SYNC_RANDOM);
	return 0;
}

uint32_t sbx_session_filter(struct sbx_init *init, const unsigned char *from,
			    uint32_t size, unsigned char *to, bool *is_new)
{
	(void)init;
	(void)from;
	(void)size;
	(void)to;
	(void)is_new;
	abort();
}

bool sbx_detached_has_room(void)
{
	return true;
}

void sbx_detached_add(pid_t pid, int out)
{
	must(is_session && pid == 77 && out == 1000);
}

int sbx_copy_in(const char *path)
{
	(void)path;
	abort();
}

int sbx_copy_out(const char *path)
{
	(void)path;
	abort();
}

ssize_t sbx_direct_read(struct sbx_init *init, void *data, size_t size)
{
	must(is_direct);
	for (int i = 0; world.runs == 0 && !world.detaches && i < 3; i++)
		init->given[i] = 1000 + i;
	if (is_session)
		init->forward_given = 1004;
	return fuzz_read(STDIN_FILENO, data, size);
}

int sbx_reset_note(struct sbx_init *init, char *const *list, uint32_t n)
{
	must(n > 0 && n <= SBX_WIRE_TMPFS_MAX);
	for (uint32_t i = 0; i < n; i++)
		must(memchr(list[i], '\0', SBX_WIRE_RUN_MAX));
	return init->is_direct ? 0 : sbx_abort(init, "attached", 0);
}

/* There is no choice here. */
int sbx_direct_instead(struct sbx_init *init)
{
	must(init->direct < 0);
	return SBX_GONE;
}

int sbx_signals_send(struct sbx_init *init, int number)
{
	unsigned char byte = (unsigned char)number;

	sbx_buf_append(&world.signals, &byte, 1);
	return number >= 1 && number <= 64 ? 0 : sbx_abort(init, "signal", 0);
}

/* --- one life of init ------------------------------------------------------ */

static void world_free(struct world *w)
{
	sbx_buf_free(&w->taken);
	sbx_buf_free(&w->file);
	sbx_buf_free(&w->files);
	sbx_buf_free(&w->signals);
	sbx_buf_free(&w->input);
	sbx_buf_free(&w->given);
}

/* As the action would take it, and the loop account for it. */
static void drain(struct sbx_init *init)
{
	uint32_t size = init->input.len;

	must(size + init->owed <= SBX_WIRE_WINDOW);
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = (init->input.head + i) % init->input.size;

		sbx_buf_append(&world.input, init->input.data + at, 1);
	}
	init->input.head = (init->input.head + size) % init->input.size;
	init->input.len = 0;
}

static int live(struct sbx_init *init, const char *data, size_t size,
		unsigned int kind)
{
	int result = 0;

	world = (struct world){ .from = data,
				.left = size,
				.pieces = fuzz_pieces(kind),
				.taken = SBX_BUF_INIT(SBX_WIRE_RUN_MAX),
				.file = SBX_BUF_INIT(SBX_WIRE_RUN_MAX),
				.files = SBX_BUF_INIT(SBX_WIRE_RUN_MAX),
				.signals = SBX_BUF_INIT(size),
				.input = SBX_BUF_INIT(size),
				.given = SBX_BUF_INIT(SBX_WIRE_RUN_MAX + size),
				.detaches = is_session && size % 2 };
	memset(&frame, 0, sizeof(frame));
	*init = (struct sbx_init){
		.phase = SBX_WAITING,
		.action_in = -1,
		.direct = -1,
		.is_direct = is_direct,
		.given = { -1, -1, -1 },
		.forward_fd = -1,
		.forward_given = -1,
		.session = is_session ? 1000 : 0,
		.input = SBX_RING_INIT(ring_space),
	};
	while (result == 0) {
		result = sbx_command_read(init);
		must(init->input.len + init->owed <= SBX_WIRE_WINDOW);
		must(world.runs <= 1);
	}
	drain(init);
	must(!is_direct || (world.input.len == 0 && !init->input_ended));
	must(result == SBX_GONE || (result == SBX_ABORT && init->why));
	must(result == SBX_ABORT || world.left == 0);
	return result;
}

/* Behind the next @n strings; NULL when there are not so many. */
static const char *skip_strings(const char *at, const char *end, uint64_t n)
{
	while (n-- > 0) {
		at = memchr(at, '\0', (size_t)(end - at));
		if (!at++)
			return NULL;
	}
	return at;
}

/* RUN's payload once more, read another way; false when it makes no sense. */
static bool is_run(const unsigned char *payload, size_t size,
		   const struct world *seen)
{
	const char *text = (const char *)payload + SBX_WIRE_RUN_FIXED;
	const char *end = (const char *)payload + size;
	const char *file = skip_strings(text, end, 1);
	const char *strings = skip_strings(text, end, 3);
	uint64_t n = 3 + (uint64_t)sbx_wire_get32(payload) +
		     sbx_wire_get32(payload + 4);
	const char *behind = skip_strings(text, end, n);
	const char *files =
		skip_strings(text, end, n + sbx_wire_get32(payload + 16));

	if (!files)
		return false;
	must(strcmp(sbx_buf_text(&seen->file), file) == 0);
	must(seen->taken.len == (size_t)(behind - strings));
	must(memcmp(seen->taken.data, strings, seen->taken.len) == 0);
	must(seen->files.len == (size_t)(end - files));
	must(!seen->files.len ||
	     memcmp(seen->files.data, files, seen->files.len) == 0);
	return true;
}

static void must_be_same(const struct world *a, const struct world *b)
{
	const struct sbx_buf *of_a = &a->taken;
	const struct sbx_buf *of_b = &b->taken;

	must(a->runs == b->runs);
	for (int i = 0; i < 6; i++) {
		must(of_a[i].len == of_b[i].len);
		must(!of_a[i].len ||
		     memcmp(of_a[i].data, of_b[i].data, of_a[i].len) == 0);
	}
}

static void hear(const char *data, size_t size)
{
	struct sbx_init init;
	struct world first;
	const char *why;
	int result = live(&init, data, size, 0);

	first = world;
	why = init.why;
	if (first.runs > 0) {
		must(size > SBX_WIRE_HEADER_SIZE + SBX_WIRE_RUN_FIXED);
		must(first.taken.len > 0);
	}
	for (unsigned int kind = 1; kind < FUZZ_PIECES; kind++) {
		must(live(&init, data, size, kind) == result);
		must(init.why == why);
		must_be_same(&first, &world);
		world_free(&world);
	}
	/* Secrets do not stay. */
	for (size_t i = 0; i < sizeof(chunk) && i < size; i++)
		must(chunk[i] == 0);
	if (size >= SBX_WIRE_HEADER_SIZE && data[0] == SBX_WIRE_RUN &&
	    first.runs > 0)
		must(is_run((const unsigned char *)data + SBX_WIRE_HEADER_SIZE,
			    sbx_wire_get32((const unsigned char *)data + 4),
			    &first));
	world_free(&first);
}

/* --- RUN as the runner writes it ------------------------------------------- */

/* "NAME=bytes" is the file of a secret, as it is and as RUN has to have it. */
static void add_file(struct sbx_strv *lines, const char *line,
		     struct sbx_channel_secret *secret, struct sbx_buf *files)
{
	char path[256 * 1024 + 64];
	char *name, *value;

	sbx_strv_push(lines, line);
	name = lines->v[lines->n - 1];
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	else
		value = name + strlen(name);
	*secret = (struct sbx_channel_secret){
		.file = name,
		.value = (unsigned char *)value,
		.size = strlen(value),
	};
	snprintf(path, sizeof(path), SBX_SECRETS_DIR "/%s", name);
	put_file(files, path, value, (uint32_t)secret->size);
}

static void must_arrive(const struct sbx_strv lists[2], const char *file,
			const struct sbx_buf *files)
{
	struct sbx_buf strings = SBX_BUF_INIT(SBX_WIRE_RUN_MAX);

	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < lists[i].n; j++)
			sbx_buf_append(&strings, lists[i].v[j],
				       strlen(lists[i].v[j]) + 1);
	}
	must(strings.len == world.taken.len);
	must(memcmp(strings.data, world.taken.data, strings.len) == 0);
	must(files->len == world.files.len);
	must(!files->len ||
	     memcmp(files->data, world.files.data, files->len) == 0);
	must(strcmp(sbx_buf_text(&world.file), file) == 0);
	sbx_buf_free(&strings);
}

#define FILES_MAX 8

/*
 * Lines: the output file, the directory, arguments, an empty line, the
 * environment; those that begin with "@" are files of secrets.
 */
static void encode(struct fuzz_input *input)
{
	/* Arguments, environment, and what the files' lines are kept in. */
	struct sbx_strv lists[3] = { SBX_STRV_INIT, SBX_STRV_INIT,
				     SBX_STRV_INIT };
	struct sbx_channel_secret secrets[FILES_MAX];
	struct sbx_channel_run from = { .argv = &lists[0],
					.env = &lists[1],
					.secrets = secrets };
	struct sbx_buf files = SBX_BUF_INIT(FILES_MAX * 600 * 1024);
	struct sbx_error err = fuzz_error();
	static char file[8192];
	static char dir[8192];
	static char line[256 * 1024];
	unsigned char *wire = NULL;
	int which = 0;
	size_t size = 0;
	int result;

	fuzz_line(input, file, sizeof(file));
	from.output_file = file[0] ? file : NULL;
	fuzz_line(input, dir, sizeof(dir));
	from.working_dir = dir[0] ? dir : NULL;
	while (input->size > 0) {
		fuzz_line(input, line, sizeof(line));
		if (line[0] == '@' && from.n_secrets < FILES_MAX)
			add_file(&lists[2], line + 1,
				 &secrets[from.n_secrets++], &files);
		else if (line[0] || which == 1)
			sbx_strv_push(&lists[which], line);
		else
			which = 1;
	}
	result = sbx_channel_run_encode(&from, &wire, &size, &err);
	must_fit(result, &err);
	if (result == 0) {
		struct sbx_init init;

		must(live(&init, (char *)wire, size, 3) == SBX_GONE);
		must(world.runs == 1 && init.phase == SBX_RUNNING);
		must_arrive(lists, file, &files);
		world_free(&world);
	}
	sbx_secret_free(&wire);
	sbx_buf_free(&files);
	for (int i = 0; i < 3; i++)
		sbx_strv_free(&lists[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = (const char *)data, .size = size };

	is_session = size > 0 && data[0] == '*';
	is_direct = is_session || (size > 0 && data[0] == '+');
	if (is_direct) {
		hear(input.at + 1, input.size - 1);
	} else if (size > 0 && data[0] == '=') {
		input.at++;
		input.size--;
		encode(&input);
	} else {
		hear(input.at, input.size);
	}
	return 0;
}
