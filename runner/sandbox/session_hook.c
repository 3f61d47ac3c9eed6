/* SPDX-License-Identifier: MIT */
#include "sandbox/session_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/strv.h"
#include "codec/json.h"

#define STEP_MS 5

static void set_facts(struct sbx_strv *env, const json_t *about)
{
	static const char *const facts[][2] = {
		{ "SKILLBOX_SESSION", "name" },
		{ "SKILLBOX_OWNER", "owner" },
		{ "SKILLBOX_SKILL", "skill" },
		{ "SKILLBOX_ACTION", "action" },
		{ "SKILLBOX_CONTAINER", "container" },
		{ "SKILLBOX_IMAGE", "image" },
	};
	const json_t *ports = json_object_get(about, "ports");
	cleanup_free char *text = ports ? sbx_json_line(ports) : NULL;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(facts); i++) {
		const char *value = sbx_json_text_at(about, facts[i][1], NULL);

		sbx_strv_setenv(env, facts[i][0], value ? value : "");
	}
	sbx_strv_setenv(env, "SKILLBOX_PORTS", text ? text : "[]");
}

/* Signals as a program expects them: the daemon blocks some. */
static int spawn(const char *command, char **env, pid_t *pid)
{
	char shell[] = "sh", option[] = "-c";
	char *argv[] = { shell, option, (char *)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP |
						      POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	error = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static int await(pid_t pid, const char *command, struct sbx_error *err)
{
	double until = sbx_clock_ms() + SBX_SESSION_HOOK_MS;
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0 &&
	       sbx_clock_ms() < until)
		poll(NULL, 0, STEP_MS);
	if (ended == 0) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the hook \"%.100s\" did not end in %d s",
				     command, SBX_SESSION_HOOK_MS / 1000);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the hook \"%.100s\" ended with %s %d", command,
			     WIFSIGNALED(status) ? "signal" : "status",
			     WIFSIGNALED(status) ? WTERMSIG(status)
						 : WEXITSTATUS(status));
}

int sbx_session_hook(const char *command, const json_t *about,
		     struct sbx_error *err)
{
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
	pid_t pid;
	int error;

	for (char **at = environ; *at; at++)
		sbx_strv_push(&env, *at);
	set_facts(&env, about);
	error = spawn(command, env.v, &pid);
	if (error)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, error,
				       "the hook \"%.100s\" cannot be started",
				       command);
	return await(pid, command, err);
}
