/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_WIRE_H
#define SBX_INIT_WIRE_H

#include <stdint.h>

/*
 * What init and the runner say to each other, over the container's attached
 * standard streams: the runner writes to init's stdin, init to its stdout.
 * (init's stderr is for a last word when even that fails.)  Or over a direct
 * connection: init's argument is the path of a Unix socket that the runner
 * listens on.
 *
 * Both directions carry frames: an 8-byte header, then the payload.
 *
 *	byte 0		type, enum sbx_wire_type
 *	bytes 1-3	zero
 *	bytes 4-7	length of the payload, little endian
 *
 * All integers are little endian, whatever the machine.
 *
 *	init			runner
 *	HELLO		->	checks every fact, see sandbox/hello.h
 *			<-	RUN, INPUT..., INPUT_END
 *	CREDIT...	->	sends more INPUT as far as credit goes
 *	STDOUT, STDERR	->
 *			<-	SIGNAL when time is up, BEAT all the while
 *	FILE...		->	only when RUN asked for an output file
 *	EXIT		->	the last frame; closes the channel
 *				init drops what still comes, and exits when the
 *				channel is closed, at the latest after
 *				SBX_WIRE_GOODBYE_MS
 *
 * The runner may have SBX_WIRE_WINDOW bytes of INPUT under way.  init gives
 * CREDIT for what the action has taken (or what was dropped because the
 * action closed its stdin), so a command behind the input never waits for an
 * action that does not read.
 *
 * init says HELLO on the direct connection, if it gets one, before it says it
 * on its stdout, and waits for the runner on both.  The runner takes one of
 * them: the first byte of it that comes over one way, or its closing the
 * other, is the choice, and the only channel from then on.
 *
 * Over a direct connection there are no INPUT, INPUT_END, CREDIT, STDOUT and
 * STDERR: RUN's first byte brings three descriptors (SCM_RIGHTS, unix(7)) that
 * are the action's stdin, stdout and stderr.
 *
 * Where RUN asked for it, RESET follows EXIT: init has cleaned up, and says
 * what it found.  If all is as it was before the first RUN it waits for
 * another, else it goes.
 *
 * INPUT may come long after RUN: an action may be started ahead of the request
 * that it is for.
 */

#define SBX_WIRE_VERSION     1
#define SBX_WIRE_HEADER_SIZE 8

/* Largest payload of INPUT, STDOUT, STDERR and FILE. */
#define SBX_WIRE_DATA_MAX (64 * 1024)
/* Largest payload of HELLO and of RUN. */
#define SBX_WIRE_HELLO_MAX (128 * 1024)
#define SBX_WIRE_RUN_MAX   (1024 * 1024)
/* Strings in RUN: at most so many of argv and of env each. */
#define SBX_WIRE_STRINGS_MAX 1024
/* And of tmpfs to be emptied. */
#define SBX_WIRE_TMPFS_MAX 64
/* Largest text of ABORT. */
#define SBX_WIRE_ABORT_MAX 1024
/* INPUT bytes that may be under way without credit. */
#define SBX_WIRE_WINDOW (256 * 1024)

/*
 * The dead man's switch.  The runner sends something, at least BEAT, every
 * interval, or while nobody waits for anything in the sandbox every
 * BEAT_WAITING_MS; init ends the sandbox when nothing came for the timeout.  A
 * closed channel ends it at once; the timeout is for an engine that died and
 * left the stream open and silent.
 *
 * The first word is another matter: before it has heard HELLO and made its
 * choice (above) the runner must not speak, and it does not even listen until
 * the engine has answered that the sandbox was started, and which process that
 * is.  A busy one may take long for that.  Once the direct connection was
 * closed without a word there is no more to be chosen.
 */
#define SBX_WIRE_BEAT_INTERVAL_MS 1000
#define SBX_WIRE_BEAT_WAITING_MS  3000
#define SBX_WIRE_BEAT_TIMEOUT_MS  10000
#define SBX_WIRE_FIRST_TIMEOUT_MS 30000

/* How long the runner may take to close the channel behind EXIT. */
#define SBX_WIRE_GOODBYE_MS 2000

enum sbx_wire_type {
	/* runner to init */
	SBX_WIRE_RUN = 0x01,	   /* struct below, once */
	SBX_WIRE_INPUT = 0x02,	   /* bytes for the action's stdin */
	SBX_WIRE_INPUT_END = 0x03, /* empty; end of file on stdin */
	SBX_WIRE_SIGNAL = 0x04,	   /* one byte, a signal number; SIGKILL
				      kills every process but init, any other
				      goes to the action's process group */
	SBX_WIRE_BEAT = 0x05,	   /* empty */

	/* init to runner */
	SBX_WIRE_HELLO = 0x81,	/* sections, see below; once, first */
	SBX_WIRE_STDOUT = 0x82, /* bytes */
	SBX_WIRE_STDERR = 0x83, /* bytes */
	SBX_WIRE_CREDIT = 0x84, /* u32: so many more bytes of INPUT */
	SBX_WIRE_FILE = 0x85,	/* bytes of the output file */
	SBX_WIRE_EXIT = 0x86,	/* struct below, once, last */
	SBX_WIRE_ABORT = 0x87,	/* text: why init gives up; last */
	SBX_WIRE_RESET = 0x88,	/* struct below; behind EXIT */
};

/*
 * HELLO's payload: these sections in this order, each with a header like a
 * frame's, each text exactly as the kernel gave it (the runner parses; init
 * stays small).
 */
enum sbx_wire_section {
	SBX_WIRE_HELLO_BUILD = 0x01,  /* "<SBX_WIRE_VERSION> <build id>" */
	SBX_WIRE_HELLO_STATUS = 0x02, /* /proc/self/status */
	SBX_WIRE_HELLO_MOUNTS = 0x03, /* /proc/self/mountinfo */
	/*
	 * What stat(2) says of each mount point of mountinfo, in its order,
	 * a line each: "st_dev st_ino uid gid mode-in-octal PATH", numbers
	 * decimal but for the mode, PATH as escaped in mountinfo; a mount
	 * point that cannot be examined: "- errno PATH".
	 */
	SBX_WIRE_HELLO_TARGETS = 0x04,
	SBX_WIRE_HELLO_LIMITS = 0x05, /* /proc/self/limits */
};

/*
 * RUN's payload: five u32, then NUL-terminated strings, then files.
 *
 *	u32 argc	at least 1; argv[0] without a slash is looked up in
 *			PATH of the environment given here
 *	u32 envc
 *	u32 file_limit	send at most so many bytes of the output file
 *	u32 files
 *	u32 tmpfs	that are emptied behind EXIT; RESET follows, and perhaps
 *			another RUN.  0: the sandbox is not used again.  Over a
 *			direct connection only
 *	string dir	where to run it, or "" for the root
 *	string file	path of the output file, or "" for none
 *	strings argv, then strings env ("NAME=value")
 *	strings tmpfs	where each is mounted
 *	files		of each: string path, u32 size, so many bytes; init
 *			makes it, mode 0400, before anything runs
 */
#define SBX_WIRE_RUN_FIXED 20

/*
 * RESET's payload: five u32, then text.
 *
 *	u32 processes	of the sandbox's cgroup; 1 is init
 *	u32 emptied	so many tmpfs
 *	u32 files	removed from them
 *	u32 objects	kinds of System V IPC of which there were any
 *	u32 us		microseconds that it took
 *	text		what is not as it was before the first RUN, or nothing
 */
#define SBX_WIRE_RESET_FIXED 20
#define SBX_WIRE_RESET_MAX   (SBX_WIRE_RESET_FIXED + 128)

/* EXIT's payload: fixed. */
#define SBX_WIRE_EXIT_SIZE 48
enum sbx_wire_exit_kind {
	SBX_WIRE_EXITED = 0,	   /* code: exit code */
	SBX_WIRE_SIGNALED = 1,	   /* code: signal number */
	SBX_WIRE_EXEC_FAILED = 2,  /* code: errno of execve(2) */
	SBX_WIRE_CHDIR_FAILED = 3, /* code: errno of chdir(2) */
};

/* Bits of sbx_wire_exit.flags. */
#define SBX_WIRE_FILE_MISSING	0x1 /* no such file, or no regular file */
#define SBX_WIRE_FILE_TRUNCATED 0x2 /* it was longer than file_limit */

/* In the order of the payload's little endian fields. */
struct sbx_wire_exit {
	uint32_t kind; /* enum sbx_wire_exit_kind */
	uint32_t code;
	uint64_t oom_kills;	/* processes of the sandbox the kernel's
				   memory limit killed since RUN */
	uint64_t cpu_us;	/* user + system, all reaped processes */
	uint64_t max_rss_bytes; /* largest of any reaped process */
	uint32_t leftover;	/* processes killed after the action ended */
	uint32_t flags;
	uint64_t reserved;
};

static inline void sbx_wire_put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static inline void sbx_wire_put64(unsigned char *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

static inline uint32_t sbx_wire_get32(const unsigned char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value |= (uint32_t)at[i] << (8 * i);
	return value;
}

static inline uint64_t sbx_wire_get64(const unsigned char *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

/* Writes a header of SBX_WIRE_HEADER_SIZE bytes to @at. */
static inline void sbx_wire_put_header(unsigned char *at, uint8_t type,
				       uint32_t length)
{
	at[0] = type;
	at[1] = 0;
	at[2] = 0;
	at[3] = 0;
	sbx_wire_put32(at + 4, length);
}

#endif
