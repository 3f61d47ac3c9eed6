/* SPDX-License-Identifier: MIT */
/*
 * The line is read character by character, not as the terminal would give it:
 * of a line that is longer than 4096 bytes (N_TTY_BUF_SIZE of Linux) it keeps
 * the beginning only, and says nothing.
 */
#include "cli/prompt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/mem.h"
#include "secret/memory.h"

static const int signals[] = { SIGINT,	SIGTERM, SIGHUP, SIGQUIT,
			       SIGTSTP, SIGTTIN, SIGTTOU };

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/* So that it can be locked where that is bounded to 64 KiB. */
#define TYPED_MAX (16 * 1024)

struct terminal {
	int fd;
	struct termios before;
	struct sigaction actions[SBX_ARRAY_SIZE(signals)];
	sigset_t mask;
};

static void leave(const struct terminal *terminal)
{
	tcsetattr(terminal->fd, TCSADRAIN, &terminal->before);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &terminal->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &terminal->mask, NULL);
}

/* Signals are kept back but for when something is waited for. */
static int enter(struct terminal *terminal, int fd, struct sbx_error *err)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct termios hidden;
	sigset_t held;

	terminal->fd = fd;
	if (tcgetattr(fd, &terminal->before) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot use the terminal");
	sigemptyset(&held);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++) {
		sigaction(signals[i], NULL, &terminal->actions[i]);
		/* nohup(1) and the like are to be obeyed. */
		if (terminal->actions[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
		sigaddset(&held, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &terminal->mask);
	hidden = terminal->before;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON);
	hidden.c_cc[VMIN] = 1;
	hidden.c_cc[VTIME] = 0;
	if (tcsetattr(fd, TCSAFLUSH, &hidden) == 0)
		return 0;
	sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			"cannot stop the terminal from showing what is typed");
	leave(terminal);
	return -1;
}

/* As the terminal would: all bytes of a character of UTF-8 at once. */
static void erase(const struct terminal *terminal, const unsigned char *line,
		  size_t *size)
{
	bool is_more = *size > 0;

	while (is_more) {
		(*size)--;
		is_more = (terminal->before.c_iflag & IUTF8) && *size > 0 &&
			  (line[*size] & 0xc0) == 0x80;
	}
}

/* True at the end of the line. */
static bool take(const struct terminal *terminal, unsigned char *line,
		 size_t *size, unsigned char typed)
{
	const cc_t *keys = terminal->before.c_cc;

	if (typed == '\n' || typed == '\r' || typed == keys[VEOF])
		return true;
	if (typed == keys[VERASE] || typed == '\b') {
		erase(terminal, line, size);
	} else if (typed == keys[VKILL] || typed == keys[VWERASE]) {
		*size = 0;
	} else {
		line[*size] = typed;
		*size += *size <= TYPED_MAX;
	}
	return false;
}

/* One character; 0 at the end, -1 with errno, EINTR for a signal. */
static ssize_t read_typed(const struct terminal *terminal, unsigned char *typed)
{
	struct pollfd ready = { .fd = terminal->fd, .events = POLLIN };

	if (ppoll(&ready, 1, NULL, &terminal->mask) < 0)
		return -1;
	return read(terminal->fd, typed, 1);
}

/* @line has room for two bytes more than may be typed. */
static int read_line(const struct terminal *terminal, unsigned char *line,
		     size_t *size, struct sbx_error *err)
{
	unsigned char *typed;
	ssize_t got;

	*size = 0;
	do {
		/* In secret memory, as all of it. */
		typed = &line[TYPED_MAX + 1];
		got = read_typed(terminal, typed);
		if (got < 0)
			return sbx_error_errno(err,
					       errno == EINTR
						       ? SBX_OUTCOME_CANCELLED
						       : SBX_OUTCOME_INVALID,
					       errno, "no value was given");
	} while (got > 0 && !take(terminal, line, size, *typed));
	if (*size > TYPED_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the value has more than %d bytes, which "
				     "is too much to be typed: redirect "
				     "standard input",
				     TYPED_MAX);
	if (*size == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the value is empty");
	return 0;
}

static int ask_once(int fd, const char *question, unsigned char *line,
		    size_t *size, struct sbx_error *err)
{
	struct terminal terminal;
	int result;

	caught = 0;
	if (enter(&terminal, fd, err) < 0)
		return -1;
	fputs(question, stderr);
	result = read_line(&terminal, line, size, err);
	fputs("\n", stderr);
	leave(&terminal);
	return result;
}

/*
 * A signal does what it would have done, once the terminal is in order; who was
 * stopped asks again.
 */
int sbx_prompt(int fd, const char *question, unsigned char **value,
	       size_t *size, struct sbx_error *err)
{
	cleanup_secret unsigned char *line = NULL;
	struct sbx_error why;
	int result;

	if (sbx_secret_alloc(&line, TYPED_MAX + 2, err) < 0)
		return -1;
	do {
		why = (struct sbx_error)SBX_ERROR_INIT;
		result = ask_once(fd, question, line, size, &why);
		if (caught)
			raise(caught);
	} while (caught == SIGTSTP || caught == SIGTTIN || caught == SIGTTOU);
	if (result < 0) {
		*err = why;
		return -1;
	}
	*value = sbx_take(line);
	return 0;
}
