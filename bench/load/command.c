/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

extern char **environ;

/* Its input whole, in a pipe that has no writer any more. */
static int input_pipe(const char *input)
{
	size_t size = strlen(input);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	/* What does not fit would wait for a reader that is not there yet. */
	if (size > 65536 || write(ends[1], input, size) != (ssize_t)size)
		die("an input of %zu bytes does not fit a pipe", size);
	close(ends[1]);
	return ends[0];
}

/* posix_spawn of glibc is a vfork: the size of this program costs nothing. */
static pid_t spawn(const struct target *target, int input, int output)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t pipe_signal;
	pid_t pid;
	int result;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, 0);
	posix_spawn_file_actions_adddup2(&files, output, 1);
	posix_spawn_file_actions_adddup2(&files, target->complaints, 2);
	result = posix_spawnp(&pid, target->argv[0], &files, &attributes,
			      target->argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (result)
		die("%s: %s", target->argv[0], strerror(result));
	return pid;
}

/* To its end: of the output, then of the process. */
char *command_ask(struct client *client)
{
	int input = input_pipe(client->target->input);
	int ends[2];
	int status;
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	client->size = 0;
	pid = spawn(client->target, input, ends[1]);
	close(input);
	close(ends[1]);
	do
		got = client_read(client, ends[0]);
	while (got > 0);
	close(ends[0]);
	if (got < 0 || waitpid(pid, &status, 0) != pid)
		die("%s: %s", client->target->argv[0], strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return must_printf("wait status %#x; see its stderr",
				   (unsigned int)status);
	return NULL;
}

char *command_check(const struct client *client)
{
	json_t *output =
		client->size ? json_loads(client->answer, JSON_DECODE_ANY, NULL)
			     : json_string("");
	char *problem = NULL;

	if (!is_expected(output, client->target->expect))
		problem = must_printf("answered: %.200s",
				      client->size ? client->answer : "");
	json_decref(output);
	return problem;
}
