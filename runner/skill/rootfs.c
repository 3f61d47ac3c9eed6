/* SPDX-License-Identifier: MIT */
/*
 * A child in a process group of its own, its standard output a file without a
 * name in $TMPDIR or /var/tmp (a root file system is too large for memory, and
 * /tmp may be memory), its standard error a pipe that is read here until
 * everybody has closed it.  When the caller wants out the group gets SIGTERM,
 * a few seconds later SIGKILL; when the caller dies the script gets SIGTERM
 * from the kernel.
 */
#include "skill/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/strv.h"
#include "codec/lines.h"

#define GRACE_MS   5000
#define LAST_LINES 5

/* An entry of the databases of users and of groups, as text. */
#define ENTRY_SIZE_MAX 16384

const char *const sbx_rootfs_proxies[] = {
	"http_proxy",  "https_proxy", "no_proxy", "HTTP_PROXY",
	"HTTPS_PROXY", "NO_PROXY",    NULL,
};

/* --- whose script ---------------------------------------------------------*/

/* The user who called sudo; only root's environment is believed. */
static bool is_sudo_user(uid_t uid)
{
	const char *text = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	return strtoul(text, &end, 10) == uid && *end == '\0';
}

/*
 * Whether the group is @uid's alone, as Debian gives each user one (and a
 * umask of 002 with it).
 */
static bool is_private_group(gid_t gid, uid_t uid)
{
	char user_buf[ENTRY_SIZE_MAX], group_buf[ENTRY_SIZE_MAX];
	struct passwd user, *has_user;
	struct group group, *has_group;

	if (getpwuid_r(uid, &user, user_buf, sizeof(user_buf), &has_user) ||
	    getgrgid_r(gid, &group, group_buf, sizeof(group_buf), &has_group) ||
	    !has_user || !has_group || user.pw_gid != gid)
		return false;
	if (strcmp(group.gr_name, user.pw_name) != 0)
		return false;
	return !group.gr_mem[0] ||
	       (strcmp(group.gr_mem[0], user.pw_name) == 0 && !group.gr_mem[1]);
}

/* Why somebody else could change what @st describes, or NULL. */
static const char *why_not_trusted(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid() &&
	    !is_sudo_user(st->st_uid))
		return "belongs to another user";
	if (st->st_mode & S_IWOTH)
		return "can be written by anybody";
	if (st->st_mode & S_IWGRP && st->st_gid != 0 &&
	    !is_private_group(st->st_gid, st->st_uid))
		return "can be written by a group";
	return NULL;
}

static int check_trust(int dirfd, const char *name, struct sbx_error *err)
{
	static const char *const paths[] = { ".", SBX_ROOTFS_SCRIPT };
	struct stat st;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(paths); i++) {
		const char *why;

		if (fstatat(dirfd, paths[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			return sbx_error_errno(err, SBX_OUTCOME_BUILD_FAILED,
					       errno, "%s", paths[i]);
		why = why_not_trusted(&st);
		if (why)
			return sbx_error_set(
				err, SBX_OUTCOME_DENIED,
				"image.rootfs: the script images/%s/%s would "
				"run on this host, but %s %s",
				name, SBX_ROOTFS_SCRIPT,
				i == 0 ? "its directory" : "it", why);
	}
	return 0;
}

/* --- the child ------------------------------------------------------------*/

static char **environment(struct sbx_strv *list)
{
	const char *directory = getenv("TMPDIR");

	sbx_strv_setenv(list, "PATH",
			"/usr/local/sbin:/usr/local/bin:"
			"/usr/sbin:/usr/bin:/sbin:/bin");
	sbx_strv_setenv(list, "HOME", "/nonexistent");
	sbx_strv_setenv(list, "LC_ALL", "C.UTF-8");
	sbx_strv_setenv(list, "SOURCE_DATE_EPOCH", "0");
	if (directory)
		sbx_strv_setenv(list, "TMPDIR", directory);
	for (size_t i = 0; sbx_rootfs_proxies[i]; i++) {
		const char *value = getenv(sbx_rootfs_proxies[i]);

		if (value)
			sbx_strv_setenv(list, sbx_rootfs_proxies[i], value);
	}
	return list->v;
}

static _Noreturn void child(int dirfd, int null, int out, int err_fd,
			    char **env)
{
	char *const argv[] = { (char *)"./" SBX_ROOTFS_SCRIPT, NULL };
	sigset_t none;

	sigemptyset(&none);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	umask(022);
	/*
	 * What it mounts and cannot unmount (SIGKILL) goes with it.  Only root
	 * may; without, mmdebstrap makes itself such a namespace.
	 */
	if (unshare(CLONE_NEWNS) == 0)
		mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL);
	if (fchdir(dirfd) == 0 && dup2(null, 0) == 0 && dup2(out, 1) == 1 &&
	    dup2(err_fd, 2) == 2) {
		/*
		 * Libraries open descriptors without O_CLOEXEC; the engine's
		 * is nothing for a script, and mmdebstrap 1.3 fails when it
		 * gets one above 9.
		 */
		close_range(3, ~0U, 0);
		execve(argv[0], argv, env);
	}
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static pid_t start(int dirfd, int out, int err_fd, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv list = SBX_STRV_INIT;
	char **env = environment(&list);
	cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = null < 0 ? -1 : fork();

	if (pid == 0)
		child(dirfd, null, out, err_fd, env);
	if (pid < 0)
		sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				"cannot start " SBX_ROOTFS_SCRIPT);
	else
		setpgid(pid, pid);
	return pid;
}

/* --- reading what it says -------------------------------------------------*/

/*
 * @last	its last lines, oldest first
 * @killed_at	when it was asked to end, or 0
 */
struct run {
	pid_t pid;
	int cancel_fd;
	struct sbx_lines lines;
	struct sbx_strv last;
	double killed_at;
	const struct sbx_progress *progress;
};

static void take_line(void *ctx, const char *line)
{
	struct run *run = ctx;

	sbx_progress_say(run->progress, line);
	if (run->last.n == LAST_LINES) {
		free(run->last.v[0]);
		memmove(run->last.v, run->last.v + 1,
			LAST_LINES * sizeof(*run->last.v));
		run->last.n--;
	}
	sbx_strv_push(&run->last, line);
}

/*
 * Asks the group to end, and then makes it.  True when whoever still holds
 * the pipe has left the group and is not waited for.
 */
static bool end_group(struct run *run)
{
	double since;

	if (run->killed_at == 0) {
		run->killed_at = sbx_clock_ms();
		kill(-run->pid, SIGTERM);
	}
	since = sbx_clock_ms() - run->killed_at;
	if (since > GRACE_MS)
		kill(-run->pid, SIGKILL);
	return since > GRACE_MS + 1000;
}

/* Reads the pipe to its end. */
static void pump(struct run *run, int fd)
{
	char data[4096];

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = fd, .events = POLLIN },
			{ .fd = run->killed_at > 0 ? -1 : run->cancel_fd,
			  .events = POLLIN },
		};
		ssize_t got;

		poll(fds, 2, run->killed_at > 0 ? 100 : -1);
		if ((fds[1].revents || run->killed_at > 0) && end_group(run))
			break;
		if (!fds[0].revents)
			continue;
		got = read(fd, data, sizeof(data));
		if (got == 0 || (got < 0 && errno != EINTR))
			break;
		if (got > 0)
			sbx_lines_feed(&run->lines, data, (size_t)got,
				       take_line, run);
	}
	sbx_lines_flush(&run->lines, take_line, run);
}

static int failed(const struct run *run, int status, struct sbx_error *err)
{
	struct sbx_buf text = SBX_BUF_INIT(700);

	if (run->killed_at > 0)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED, "cancelled");
	if (WIFSIGNALED(status))
		sbx_buf_printf(&text, "ended by signal %d", WTERMSIG(status));
	else
		sbx_buf_printf(&text, "ended with status %d",
			       WEXITSTATUS(status));
	for (size_t i = 0; i < run->last.n; i++)
		sbx_buf_printf(&text, "%s%s", i == 0 ? ": " : " | ",
			       run->last.v[i]);
	sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED, SBX_ROOTFS_SCRIPT " %s",
		      sbx_buf_text(&text));
	sbx_buf_free(&text);
	return -1;
}

static int wait_for(const struct run *run, struct sbx_error *err)
{
	int status = 0;

	while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0 || run->killed_at > 0)
		return failed(run, status, err);
	return 0;
}

/* --------------------------------------------------------------------------*/

static int run_script(int dirfd, int out, struct run *run,
		      struct sbx_error *err)
{
	cleanup_fd int ours = -1;
	cleanup_fd int theirs = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot make a pipe");
	ours = fds[0];
	theirs = fds[1];
	run->pid = start(dirfd, out, theirs, err);
	if (run->pid < 0)
		return -1;
	sbx_close(&theirs);
	pump(run, ours);
	return wait_for(run, err);
}

int sbx_rootfs_make(int dirfd, const char *name, int cancel_fd,
		    const struct sbx_progress *progress, struct sbx_error *err)
{
	cleanup_fd int out = -1;
	struct run run = {
		.cancel_fd = cancel_fd,
		.lines = SBX_LINES_INIT,
		.progress = progress,
	};
	int result;

	if (check_trust(dirfd, name, err) < 0)
		return -1;
	out = sbx_file_unnamed(err);
	if (out < 0)
		return -1;
	result = run_script(dirfd, out, &run, err);
	sbx_lines_free(&run.lines);
	sbx_strv_free(&run.last);
	return result < 0 ? -1 : sbx_take_fd(&out);
}
