/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_WIRE_H
#define SBX_INIT_WIRE_H

#include <stdbool.h>
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
 *			<-	FILES, (NEW, DATA...)..., FILES_END, if there
 *				are files for the action
 *	FILES_DONE	->	they are there, or why not
 *			<-	RUN, INPUT..., INPUT_END
 *	CREDIT...	->	sends more INPUT as far as credit goes
 *	STDOUT, STDERR	->
 *			<-	SIGNAL when time is up, BEAT all the while
 *	FILE...		->	only when RUN asked for an output file
 *	(ARTIFACT,
 *	CONTENT...)...	->	only when RUN asked for what is left in a
 *				directory
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
 * A session is a sandbox that outlives its runners: init's second argument is
 * for how many milliseconds.  That time starts anew with every RUN and with its
 * end, and when it is over, init is.  In a session:
 *
 * Behind EXIT init waits for another RUN, and nothing is emptied.
 *
 * A channel that closes, or falls silent, ends what RUN has started, but not
 * the session.  The runner that comes next listens on the socket again; init
 * connects when it is there, and says STATE instead of HELLO.  Where the first
 * argument is empty, runners come over the attached streams.  There neither
 * side can tell where a frame begins that the other one was in the middle of:
 * the runner says SYNC, which is no frame, wherever init is; init says it too,
 * and then STATE.  The first runner has it LEARN what SYNC is: nobody in the
 * sandbox may know, for it looks for that in what the action is given as well.
 *
 * RUN may ask for a process that goes on behind EXIT, which then comes at once
 * (SBX_WIRE_RUN_DETACH).  What such processes write init keeps the end of.
 * SIGNAL is not for them: it may come when RUN's program has just ended.
 *
 * KEEP is what init is to remember for the runners to come, and ASK has it tell
 * that, the STATE, or what was written; neither while RUN's program runs.
 *
 * FORWARD's first byte brings a descriptor: over that stream socket the runner
 * says a u32, a port of the sandbox's loopback interface, and init answers a
 * u32, 0 with a socket that is connected to it, or an errno.
 *
 * INPUT may come long after RUN: an action may be started ahead of the request
 * that it is for.  So may FILES, which is why they are told apart from RUN: the
 * runner sends RUN, or where that was sent already, INPUT, when it has heard
 * FILES_DONE.
 */

#define SBX_WIRE_VERSION     4
#define SBX_WIRE_HEADER_SIZE 8

/* Largest payload of INPUT, STDOUT, STDERR, FILE, DATA and CONTENT. */
#define SBX_WIRE_DATA_MAX (64 * 1024)
/* Largest payload of HELLO and of RUN. */
#define SBX_WIRE_HELLO_MAX (128 * 1024)
#define SBX_WIRE_RUN_MAX   (1024 * 1024)
/* Strings in RUN: at most so many of argv and of env each. */
#define SBX_WIRE_STRINGS_MAX 1024
/* And of tmpfs to be emptied. */
#define SBX_WIRE_TMPFS_MAX 64
/* Names of files: of a component, of all, and how many files there may be. */
#define SBX_WIRE_COMPONENT_MAX 255
#define SBX_WIRE_NAME_MAX      1024
#define SBX_WIRE_FILES_MAX     1000
/* Largest payload of FILES: the paths of a directory and of tmpfs. */
#define SBX_WIRE_INTO_MAX (64 * 1024)
/* Largest text of ABORT. */
#define SBX_WIRE_ABORT_MAX 1024
/* What is kept for runners to come, and how much of what was written. */
#define SBX_WIRE_KEPT_MAX (256 * 1024)
#define SBX_WIRE_LOG_MAX  (256 * 1024)
/* Processes of a session that go on behind EXIT. */
#define SBX_WIRE_DETACHED_MAX 16
/* Files of secrets of a run, and what the path of one may have. */
#define SBX_WIRE_SECRET_FILES_MAX 64
#define SBX_WIRE_SECRET_PATH_MAX  (SBX_WIRE_COMPONENT_MAX + 16)
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

/* SYNC: these bytes, the first of which is not in the rest, and LEARN's. */
#define SBX_WIRE_SYNC                                                          \
	"\xf5"                                                                 \
	"skillbox-sync-"
#define SBX_WIRE_SYNC_RANDOM 32
#define SBX_WIRE_SYNC_SIZE   (sizeof(SBX_WIRE_SYNC) - 1 + SBX_WIRE_SYNC_RANDOM)

/* So far somebody has come with a SYNC; the next byte is @byte. */
static inline uint32_t sbx_wire_sync(const char *sync, uint32_t matched,
				     unsigned char byte)
{
	if ((unsigned char)sync[matched] == byte)
		return matched + 1;
	return (unsigned char)sync[0] == byte;
}

enum sbx_wire_type {
	/* runner to init */
	SBX_WIRE_RUN = 0x01,	   /* struct below, once */
	SBX_WIRE_INPUT = 0x02,	   /* bytes for the action's stdin */
	SBX_WIRE_INPUT_END = 0x03, /* empty; end of file on stdin */
	SBX_WIRE_SIGNAL = 0x04,	   /* one byte, a signal number; SIGKILL
				      kills every process but init, any other
				      goes to the action's process group */
	SBX_WIRE_BEAT = 0x05,	   /* empty */
	SBX_WIRE_FILES = 0x06,	   /* struct below, once for each request */
	SBX_WIRE_NEW = 0x07,	   /* name of a file that begins */
	SBX_WIRE_DATA = 0x08,	   /* bytes of it */
	SBX_WIRE_FILES_END = 0x09, /* empty; that were all */
	SBX_WIRE_KEEP = 0x0a,	   /* bytes; of size 0: forget what was kept */
	SBX_WIRE_ASK = 0x0b,	   /* u32, enum sbx_wire_question */
	SBX_WIRE_FORWARD = 0x0c,   /* empty; a descriptor comes along */
	SBX_WIRE_SIGNAL_DETACHED = 0x0d, /* one byte, a signal number, for what
					    goes on behind EXIT */
	SBX_WIRE_LEARN = 0x0e,		 /* SBX_WIRE_SYNC_RANDOM bytes in
					    hexadecimal, once */

	/* init to runner */
	SBX_WIRE_HELLO = 0x81,	    /* sections, see below; once, first */
	SBX_WIRE_STDOUT = 0x82,	    /* bytes */
	SBX_WIRE_STDERR = 0x83,	    /* bytes */
	SBX_WIRE_CREDIT = 0x84,	    /* u32: so many more bytes of INPUT */
	SBX_WIRE_FILE = 0x85,	    /* bytes of the output file */
	SBX_WIRE_EXIT = 0x86,	    /* struct below, once, last */
	SBX_WIRE_ABORT = 0x87,	    /* text: why init gives up; last */
	SBX_WIRE_RESET = 0x88,	    /* struct below; behind EXIT */
	SBX_WIRE_FILES_DONE = 0x89, /* u32: 0, or the errno why not */
	SBX_WIRE_ARTIFACT = 0x8a,   /* u64: bytes at most, name of a file */
	SBX_WIRE_CONTENT = 0x8b,    /* bytes of it */
	SBX_WIRE_STATE = 0x8c,	    /* struct below */
	SBX_WIRE_KEPT = 0x8d,	    /* bytes; of size 0: that were all */
	SBX_WIRE_LOG = 0x8e,	    /* the same */
};

enum sbx_wire_question {
	SBX_WIRE_ASK_STATE = 1,
	SBX_WIRE_ASK_KEPT = 2,
	SBX_WIRE_ASK_LOG = 3,
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
	/*
	 * All in /dev and below that is neither a directory nor a symbolic
	 * link, but what is in /dev/pts, /dev/shm and /dev/mqueue where these
	 * are mounts; a line each: "major minor type mode-in-octal PATH", type
	 * one of b, c, p, s and f (block, character, FIFO, socket, file), PATH
	 * escaped as in mountinfo; what cannot be examined: "- errno PATH".
	 */
	SBX_WIRE_HELLO_DEVICES = 0x06,
};

/*
 * FILES' payload: where they go.
 *
 *	u32 tmpfs
 *	string dir	in which files are made, and what folders they need; all
 *			of it is the action's user's
 *	strings tmpfs	as in RUN, which is too late to see what they were like
 */
#define SBX_WIRE_INTO_FIXED 4

/*
 * RUN's payload: seven u32, then NUL-terminated strings, then files.
 *
 *	u32 argc	at least 1; argv[0] without a slash is looked up in
 *			PATH of the environment given here
 *	u32 envc
 *	u32 file_limit	send at most so many bytes of the output file
 *	u32 files
 *	u32 tmpfs	that are emptied behind EXIT; RESET follows, and perhaps
 *			another RUN.  0: the sandbox is not used again.  Over a
 *			direct connection only
 *	u32 out_limit	send at most so many bytes of files from @out
 *	u32 flags	enum sbx_wire_run_flags
 *	string dir	where to run it, or "" for the root
 *	string file	path of the output file, or "" for none
 *	string out	path of a directory whose files are sent, or ""; in a
 *			session those that were made or changed since RUN
 *	strings argv, then strings env ("NAME=value")
 *	strings tmpfs	where each is mounted
 *	files		of each: string path, u32 size, so many bytes; init
 *			makes it, mode 0400, before anything runs
 */
#define SBX_WIRE_RUN_FIXED 28

/* At most one of them, and only in a session. */
enum sbx_wire_run_flags {
	/* Goes on behind EXIT; its stdin is empty.  No descriptors come. */
	SBX_WIRE_RUN_DETACH = 0x1,
	/* No program: what it reads, in cpio's "newc" format, goes to argv[0],
	 * or what is there comes out in that format; see copy_in.h */
	SBX_WIRE_RUN_COPY_IN = 0x2,
	SBX_WIRE_RUN_COPY_OUT = 0x4,
};

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
	SBX_WIRE_DETACHED = 4,	   /* code: pid, in the sandbox; it goes on */
	SBX_WIRE_FILES_FAILED = 5, /* code: errno; files of secrets could not be
				      made, in a session */
};

/* Bits of sbx_wire_exit.flags. */
#define SBX_WIRE_FILE_MISSING	0x1 /* no such file, or no regular file */
#define SBX_WIRE_FILE_TRUNCATED 0x2 /* it was longer than file_limit */
#define SBX_WIRE_OUT_TRUNCATED	0x4 /* there was more than is sent of @out */

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

/*
 * STATE's payload: in the order of the struct, little endian.
 *
 * @version	SBX_WIRE_VERSION
 * @detached	processes that go on behind EXIT
 * @uptime_ms, @idle_ms, @left_ms	since it began, since it last ran
 *		something, and until it ends
 * @cpu_us, @memory, @processes	of the sandbox's cgroup; 0 where the kernel
 *		does not say
 * @kept	bytes
 */
#define SBX_WIRE_STATE_SIZE 56
struct sbx_wire_state {
	uint32_t version;
	uint32_t detached;
	uint64_t uptime_ms;
	uint64_t idle_ms;
	uint64_t left_ms;
	uint64_t cpu_us;
	uint64_t memory;
	uint32_t processes;
	uint32_t kept;
};

/* How many bytes of UTF-8 the character at @at has; 0 for what is none. */
static inline uint32_t sbx_wire_utf8(const unsigned char *at, uint32_t size)
{
	uint32_t n = at[0] < 0x80   ? 1
		     : at[0] < 0xc2 ? 0
		     : at[0] < 0xe0 ? 2
		     : at[0] < 0xf0 ? 3
		     : at[0] < 0xf5 ? 4
				    : 0;

	if (n > size)
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	/* Overlong ones, surrogates, and what is behind the last. */
	if ((at[0] == 0xe0 && at[1] < 0xa0) ||
	    (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return n;
}

/* One component of a path: not "", "." or "..". */
static inline bool sbx_wire_is_component(const char *name, uint32_t size)
{
	if (size == 0 || size > SBX_WIRE_COMPONENT_MAX)
		return false;
	return name[0] != '.' || (size > 1 && (name[1] != '.' || size > 2));
}

/*
 * What a file that goes in or comes out may be called: a path that cannot lead
 * out of the directory it is in, in UTF-8, without control characters.
 */
static inline bool sbx_wire_is_name(const char *name, uint32_t size)
{
	const unsigned char *at = (const unsigned char *)name;
	uint32_t begin = 0;

	if (size > SBX_WIRE_NAME_MAX)
		return false;
	for (uint32_t i = 0; i < size;) {
		uint32_t n = sbx_wire_utf8(at + i, size - i);

		if (n == 0 || at[i] < 0x20 || at[i] == 0x7f ||
		    (at[i] == 0xc2 && at[i + 1] < 0xa0))
			return false;
		if (at[i] == '/') {
			if (!sbx_wire_is_component(name + begin, i - begin))
				return false;
			begin = i + 1;
		}
		i += n;
	}
	return sbx_wire_is_component(name + begin, size - begin);
}

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
