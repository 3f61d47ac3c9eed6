/* SPDX-License-Identifier: MIT */
/*
 * init's end of the channel: its own sources, with the kernel and what is
 * behind them played here.  The input is what the runner sends, or, behind a
 * first byte '=', strings for RUN, which are encoded by the runner's code.
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

/* What command.c and run.c ask of the kernel. */
static ssize_t fuzz_read(int fd, void *data, size_t size);
static int fuzz_pipe2(int ends[2], int flags);
static int fuzz_fcntl(int fd, int command, int flags);
static int fuzz_close(int fd);
static pid_t fuzz_fork(void);

/* So small that it is passed, and its ring goes round. */
#undef SBX_WIRE_WINDOW
#define SBX_WIRE_WINDOW 256

#define read		fuzz_read
#define pipe2		fuzz_pipe2
#define fcntl		fuzz_fcntl
#define close		fuzz_close
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
#undef fork
#include "../../runner/init/ring.c"

/*
 * @from, @left, @pieces	what the runner sends
 * @runs	how often an action was started
 * @taken	its arguments and environment, each with its NUL
 * @file	path of the output file
 * @signals	numbers
 * @input	what the ring got
 */
struct world {
	const char *from;
	size_t left;
	struct fuzz_pieces pieces;
	unsigned int runs;
	struct sbx_buf taken;
	struct sbx_buf file;
	struct sbx_buf signals;
	struct sbx_buf input;
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
	must(fd >= 1000 && command == F_SETFL && flags == O_NONBLOCK);
	return 0;
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

uint64_t sbx_oom_kills(void)
{
	return 0;
}

int64_t sbx_now(void)
{
	return 1;
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
	sbx_buf_free(&w->signals);
	sbx_buf_free(&w->input);
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
				.signals = SBX_BUF_INIT(size),
				.input = SBX_BUF_INIT(size) };
	memset(&frame, 0, sizeof(frame));
	*init = (struct sbx_init){
		.phase = SBX_WAITING,
		.action_in = -1,
		.input = SBX_RING_INIT(ring_space),
	};
	while (result == 0) {
		result = sbx_command_read(init);
		must(init->input.len + init->owed <= SBX_WIRE_WINDOW);
		must(world.runs <= 1);
	}
	drain(init);
	must(result == SBX_GONE || (result == SBX_ABORT && init->why));
	must(result == SBX_ABORT || world.left == 0);
	return result;
}

/* RUN's payload once more, read another way; false when it makes no sense. */
static bool is_run(const unsigned char *payload, size_t size,
		   const struct world *seen)
{
	const char *text = (const char *)payload + SBX_WIRE_RUN_FIXED;
	size_t strings = 0;
	size_t dir, file;

	size -= SBX_WIRE_RUN_FIXED;
	if (text[size - 1] != '\0')
		return false;
	for (size_t i = 0; i < size; i++)
		strings += text[i] == '\0';
	if (strings !=
	    2 + (uint64_t)sbx_wire_get32(payload) + sbx_wire_get32(payload + 4))
		return false;
	dir = strlen(text);
	text += dir + 1;
	size -= dir + 1;
	file = strlen(text);
	must(seen->taken.len == size - file - 1);
	must(memcmp(seen->taken.data, text + file + 1, seen->taken.len) == 0);
	must(strcmp(sbx_buf_text(&seen->file), text) == 0);
	return true;
}

static void must_be_same(const struct world *a, const struct world *b)
{
	const struct sbx_buf *of_a = &a->taken;
	const struct sbx_buf *of_b = &b->taken;

	must(a->runs == b->runs);
	for (int i = 0; i < 4; i++) {
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

/* Lines: the output file, the directory, arguments, an empty line, the
 * environment. */
static void encode(struct fuzz_input *input)
{
	struct sbx_strv lists[2] = { SBX_STRV_INIT, SBX_STRV_INIT };
	struct sbx_channel_run from = { .argv = &lists[0], .env = &lists[1] };
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
		if (line[0] || which == 1)
			sbx_strv_push(&lists[which], line);
		else
			which = 1;
	}
	result = sbx_channel_run_encode(&from, &wire, &size, &err);
	must_fit(result, &err);
	if (result == 0) {
		struct sbx_init init;
		struct sbx_buf strings = SBX_BUF_INIT(size);

		must(live(&init, (char *)wire, size, 3) == SBX_GONE);
		must(world.runs == 1 && init.phase == SBX_RUNNING);
		for (int i = 0; i < 2; i++) {
			for (size_t j = 0; j < lists[i].n; j++)
				sbx_buf_append(&strings, lists[i].v[j],
					       strlen(lists[i].v[j]) + 1);
		}
		must(strings.len == world.taken.len);
		must(memcmp(strings.data, world.taken.data, strings.len) == 0);
		must(strcmp(sbx_buf_text(&world.file), file) == 0);
		sbx_buf_free(&strings);
		world_free(&world);
	}
	free(wire);
	sbx_strv_free(&lists[0]);
	sbx_strv_free(&lists[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = (const char *)data, .size = size };

	if (size > 0 && data[0] == '=') {
		input.at++;
		input.size--;
		encode(&input);
	} else {
		hear(input.at, input.size);
	}
	return 0;
}
