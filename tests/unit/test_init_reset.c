/* SPDX-License-Identifier: MIT */
/*
 * A sandbox that is used again: nothing that an action can make is there for
 * the next one, or there is no next one.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/un.h>

#include "init_box.h"
#include "sandbox/pipes.h"

#define SCRATCH "/mnt"

struct sandbox {
	struct box *box;
	struct sbx_pipes pipes;
	char why[256];
	uint32_t processes;
	uint32_t emptied;
	uint32_t files;
	uint32_t objects;
};

static const char *const all_tmpfs[] = { SCRATCH, "/dev/shm", NULL };

/* What the cgroup is said to count. */
static const char *n_processes;

static void mount_tmpfs(const char *path, const char *options)
{
	char text[128];

	snprintf(text, sizeof(text), "%s,uid=%d,gid=%d", options, BOX_UID,
		 BOX_UID);
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, text) < 0)
		_exit(110);
}

/* Namespaces of its own for what is counted, as an engine would have it. */
static void make_mounts(void)
{
	int fd;

	if (unshare(CLONE_NEWIPC | CLONE_NEWNET) < 0)
		_exit(111);
	mount_tmpfs(SCRATCH, "mode=0700,size=16m,nr_inodes=20000");
	mount_tmpfs("/dev/shm", "mode=0700,size=1m,nr_inodes=100");
	mount_tmpfs("/sys/fs/cgroup", "mode=0755,size=64k");
	fd = open("/sys/fs/cgroup/pids.current", O_WRONLY | O_CREAT | O_CLOEXEC,
		  0444);
	if (fd < 0 || write(fd, n_processes, strlen(n_processes)) < 0)
		_exit(112);
	close(fd);
	if (mount("mqueue", "/dev/mqueue", "mqueue", 0, NULL) < 0 &&
	    errno != ENOENT)
		_exit(113);
}

static void begin(struct sandbox *sandbox)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[64];

	memset(sandbox, 0, sizeof(*sandbox));
	sandbox->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	snprintf(path, sizeof(path), "%s/s", box_directory);
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(
		bind(listener, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(listen(listener, 1), 0);
	snprintf(path, sizeof(path), "%s/locked", box_directory);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	box_working_dir = box_directory;
	snprintf(path, sizeof(path), "%s/s", box_directory);
	n_processes = "1\n";
	box_mounts = make_mounts;
	box_argument = path;
	sandbox->box = box_start();
	box_argument = NULL;
	box_mounts = NULL;
	sbx_close(&sandbox->box->in);
	sbx_close(&sandbox->box->out);
	sandbox->box->in = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	sandbox->box->out = dup(sandbox->box->in);
	close(listener);
	assert_int_equal(box_frame(sandbox->box, NULL), SBX_WIRE_HELLO);
}

static void end(struct sandbox *sandbox)
{
	sbx_pipes_close(&sandbox->pipes);
	box_free(sandbox->box);
}

static void start(struct sandbox *sandbox, const char *script)
{
	struct sbx_error err = SBX_ERROR_INIT;
	uid_t uid = geteuid() == 0 ? BOX_UID : geteuid();

	assert_int_equal(sbx_pipes_open(&sandbox->pipes, uid, uid, &err), 0);
	box_give(sandbox->pipes.theirs, 3);
	box_tmpfs = all_tmpfs;
	box_shell(sandbox->box, script);
	box_tmpfs = NULL;
	for (int i = 0; i < 3; i++)
		sbx_close(&sandbox->pipes.theirs[i]);
}

static int keep(void *ctx, int stream, const void *data, size_t size,
		struct sbx_error *err)
{
	struct box *box = ctx;

	(void)err;
	sbx_buf_append(stream == 1 ? &box->stdout_ : &box->stderr_, data, size);
	return 0;
}

/* Runs it to EXIT and RESET; what is in sandbox->why is no clean one. */
static void run(struct sandbox *sandbox, const char *script)
{
	cleanup_buf struct sbx_buf reset = SBX_BUF_INIT(SBX_WIRE_RESET_MAX);
	struct sbx_error err = SBX_ERROR_INIT;
	const unsigned char *at;
	int type;

	start(sandbox, script);
	sbx_buf_consume(&sandbox->box->stdout_, sandbox->box->stdout_.len);
	sbx_buf_consume(&sandbox->box->stderr_, sandbox->box->stderr_.len);
	sbx_pipes_set_input(&sandbox->pipes, "", 0);
	sbx_pipes_feed(&sandbox->pipes);
	while ((type = box_take(sandbox->box)) != SBX_WIRE_EXIT)
		assert_true(type > 0 && type != SBX_WIRE_ABORT);
	assert_int_equal(
		sbx_pipes_drain(&sandbox->pipes, keep, sandbox->box, &err), 0);
	sbx_pipes_close(&sandbox->pipes);
	assert_int_equal(box_frame(sandbox->box, &reset), SBX_WIRE_RESET);
	at = (const unsigned char *)reset.data;
	sandbox->processes = sbx_wire_get32(at);
	sandbox->emptied = sbx_wire_get32(at + 4);
	sandbox->files = sbx_wire_get32(at + 8);
	sandbox->objects = sbx_wire_get32(at + 12);
	snprintf(sandbox->why, sizeof(sandbox->why), "%s",
		 reset.data + SBX_WIRE_RESET_FIXED);
}

/* The action ends well, and after it all is as it was. */
static void assert_clean(struct sandbox *sandbox, const char *script)
{
	run(sandbox, script);
	assert_string_equal(sandbox->why, "");
	if (sandbox->box->exit.kind != SBX_WIRE_EXITED ||
	    sandbox->box->exit.code != 0)
		fail_msg("%s: exit %u, %s", script, sandbox->box->exit.code,
			 sbx_buf_text(&sandbox->box->stderr_));
	assert_int_equal(sandbox->processes, 1);
	assert_int_equal(sandbox->emptied, 2);
	assert_int_equal(sandbox->objects, 0);
}

/* All that an action can see of itself and of what is around it. */
#define SNAPSHOT                                                               \
	"stat -c '%a %u %g %X %Y %h %s' " SCRATCH " /dev/shm;"                 \
	" ls -lanR --time-style=full-iso " SCRATCH " /dev/shm |"               \
	" grep -v '\\.\\.$'; stat -f -c '%f %d' " SCRATCH " /dev/shm;"         \
	" umask; pwd; ulimit -a; nice; cat /proc/sysvipc/*;"                   \
	" ls -A /dev/mqueue 2>&1; set -- /proc/[0-9]*; echo $#;"               \
	" grep -E 'Sig[BIC]|Cpus_allowed|NoNewPrivs|Seccomp' "                 \
	"/proc/self/status;"                                                   \
	" taskset -p $$ | sed 's/.*: //'; ionice -p $$;"                       \
	" awk '/^TCP/ { print $3, $7 } /^sock/ { print }' /proc/net/sockstat;" \
	" ls /proc/self/fd; flock -n locked"                                   \
	" echo free"

static void assert_same(const char *was, const char *is)
{
	for (;;) {
		size_t a = strcspn(was, "\n"), b = strcspn(is, "\n");

		if (a != b || memcmp(was, is, a) != 0)
			fail_msg("\"%.*s\" became \"%.*s\"", (int)a, was,
				 (int)b, is);
		if (was[a] == '\0' && is[b] == '\0')
			return;
		was += a + (was[a] != '\0');
		is += b + (is[b] != '\0');
	}
}

/*
 * Does @attack, twice, in between looks at what is there: all the same, and
 * the sandbox goes on.
 */
static void check_nothing_stays(const char *attack)
{
	struct sandbox sandbox;
	char *first;

	begin(&sandbox);
	assert_clean(&sandbox, SNAPSHOT);
	first = sbx_strdup(sbx_buf_text(&sandbox.box->stdout_));
	for (int i = 0; i < 2; i++) {
		assert_clean(&sandbox, attack);
		assert_clean(&sandbox, SNAPSHOT);
		assert_same(first, sbx_buf_text(&sandbox.box->stdout_));
	}
	free(first);
	end(&sandbox);
}

static void test_used_again_and_again(void **state)
{
	struct sandbox sandbox;

	(void)state;
	begin(&sandbox);
	for (int i = 0; i < 100; i++) {
		assert_clean(&sandbox, "echo > " SCRATCH "/x");
		assert_int_equal(sandbox.files, 1);
	}
	end(&sandbox);
}

static void test_files(void **state)
{
	(void)state;
	check_nothing_stays("cd " SCRATCH
			    "; echo s > a; mkdir -p b/c/d; ln a b/e;"
			    " ln -s /etc/passwd f; mkfifo g; echo x > .h;"
			    " echo y > -1; mkdir 0 1 2; echo z > '0/\n';"
			    " echo shm > /dev/shm/i; head -c 700000 /dev/zero >"
			    " /dev/shm/j");
}

static void test_modes_of_files_and_folders(void **state)
{
	(void)state;
	check_nothing_stays("cd " SCRATCH "; mkdir -p a/b/c; echo x > a/b/c/d;"
			    " chmod 000 a/b/c/d a/b/c a/b a");
	check_nothing_stays("chmod 000 " SCRATCH " /dev/shm");
	check_nothing_stays("chmod 1777 " SCRATCH "; chmod 0500 /dev/shm");
}

/* A message of sixteen bytes, for who looks at them. */
static void test_times_of_a_root(void **state)
{
	(void)state;
	check_nothing_stays("touch -a -d @1234567890 " SCRATCH
			    "; touch -m -d @987654321 " SCRATCH);
}

static void test_deeply_nested_folders(void **state)
{
	(void)state;
	check_nothing_stays("cd " SCRATCH "; perl -e 'for (1 .. 2000) {"
			    " mkdir \"d\"; mkdir \"f\", 0; open F, \">x\";"
			    " chdir \"d\" or die; chmod 0, \"../x\" }"
			    " chdir \"/\"; chmod 0, \"" SCRATCH "/d\"'");
}

static void test_many_files(void **state)
{
	(void)state;
	check_nothing_stays("cd " SCRATCH "; i=0; while [ $i -lt 60 ]; do"
			    " mkdir $i; (cd $i; seq 300 | xargs touch);"
			    " i=$((i+1)); done");
}

/* Names that init itself would give what it moves. */
static void test_names_that_stand_in_the_way(void **state)
{
	(void)state;
	check_nothing_stays("cd " SCRATCH "; mkdir -p x/a/1 x/b/1;"
			    " for i in $(seq 0 40); do mkdir $i; done");
}

static void test_processes(void **state)
{
	(void)state;
	check_nothing_stays("for i in $(seq 20); do setsid sleep 100 & done;"
			    " (trap '' TERM HUP INT; sleep 100) & true");
}

/* Each has another before it is killed. */
static void test_processes_that_fork_faster_than_they_are_killed(void **state)
{
	(void)state;
	check_nothing_stays("f() { f & f & }; ulimit -u 2>/dev/null;"
			    " (i=0; while :; do setsid sh -c 'while :; do (:) &"
			    " done' & i=$((i+1)); [ $i -lt 8 ] || sleep 100;"
			    " done) >/dev/null 2>&1 & sleep 0.2");
}

static void test_what_a_process_has_of_its_own(void **state)
{
	(void)state;
	check_nothing_stays("umask 077; cd /etc; nice -n 5 true; renice -n 9 $$"
			    " >/dev/null; ulimit -n 20; ulimit -c 0;"
			    " taskset -p 1 $$ >/dev/null; trap '' TERM INT;"
			    " ionice -c 3 -p $$");
}

static void test_locked_files(void **state)
{
	(void)state;
	check_nothing_stays("exec 9<locked; flock 9;"
			    " (exec setsid sleep 100) &"
			    " echo > " SCRATCH "/l; exec 8<" SCRATCH "/l;"
			    " flock 8; setsid sleep 100 &");
	check_nothing_stays("flock -n locked true");
}

/* With bytes in it that nobody has read. */
static void test_listeners(void **state)
{
	(void)state;
	check_nothing_stays(
		"perl -MSocket -e '"
		"for my $p (\"" SCRATCH "/s\", \"\\0abstract\") {"
		" socket(my $l, AF_UNIX, SOCK_STREAM, 0); push @l, $l;"
		" bind($l, pack_sockaddr_un($p)) or die \"bind $!\";"
		" listen($l, 5); socket(my $c, AF_UNIX, SOCK_STREAM, 0);"
		" connect($c, pack_sockaddr_un($p)) or die \"connect $!\";"
		" syswrite($c, \"state\"); push @l, $c; }"
		"exit 0 if fork; sleep 100'");
	/* A port, of a network that is down: it can be bound, no more. */
	check_nothing_stays(
		"perl -MSocket -e '"
		"socket(my $l, AF_INET, SOCK_STREAM, 0);"
		"bind($l, pack_sockaddr_in(4711, INADDR_ANY)) or die;"
		"listen($l, 5) or die; sleep 100 unless fork'");
}

/* Refused to who runs in a sandbox that is used again. */
static void test_objects_of_system_v_and_posix(void **state)
{
	(void)state;
	check_nothing_stays(
		"perl -MErrno=ENOSYS -e '"
		"!defined msgget(1, 01666) && $! == ENOSYS or die \"msg $!\";"
		"!defined shmget(1, 99, 01666) && $! == ENOSYS or die \"shm\";"
		"!defined semget(1, 1, 01666) && $! == ENOSYS or die \"sem\";"
		"syscall(240, my $n = \"q\", 0102, 0600, 0) == -1 &&"
		" $! == ENOSYS or die \"mq $!\"'");
}

/* --- what cannot be undone ------------------------------------------------- */

/* What the cgroup counts is not ours to see, and still there. */
static void test_somebody_who_cannot_be_seen(void **state)
{
	struct sandbox sandbox;
	char path[64];
	int fd;

	(void)state;
	begin(&sandbox);
	assert_clean(&sandbox, "true");
	snprintf(path, sizeof(path), "/proc/%d/root/sys/fs/cgroup/pids.current",
		 sandbox.box->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		assert_int_equal(pwrite(fd, "2\n", 2, 0), 2);
		close(fd);
		run(&sandbox, "true");
		assert_string_equal(sandbox.why, "the number of processes");
		assert_int_equal(sandbox.processes, 2);
	}
	end(&sandbox);
}

static void test_attributes_of_a_root(void **state)
{
	struct sandbox sandbox;

	(void)state;
	begin(&sandbox);
	run(&sandbox, "setfattr -n user.x -v 1 " SCRATCH " 2>/dev/null ||"
		      " setfacl -m u:1:r " SCRATCH " 2>/dev/null");
	if (sandbox.box->exit.code == 0)
		assert_string_equal(sandbox.why, "attributes of a tmpfs");
	else
		assert_string_equal(sandbox.why, "");
	end(&sandbox);
}

/* An object made where the filter is not: by somebody who came from outside. */
static void *make_message_queue(struct sandbox *sandbox, bool posix)
{
	char path[64];
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/ipc",
			 sandbox->box->pid);
		if (setns(open(path, O_RDONLY | O_CLOEXEC), CLONE_NEWIPC) < 0)
			_exit(77);
		if (posix)
			_exit(syscall(SYS_mq_open, "q", O_CREAT | O_RDWR, 0600,
				      NULL) < 0);
		_exit(syscall(SYS_msgget, 1, 01666) < 0);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) == 0 ? sandbox : NULL;
}

static void test_objects_that_are_there_all_the_same(void **state)
{
	(void)state;
	/* Where there is no such folder there is no way to a queue by name. */
	for (int posix = 0; posix < 2 && geteuid() == 0; posix++) {
		struct sandbox sandbox;

		if (posix && access("/dev/mqueue", F_OK) < 0)
			continue;
		begin(&sandbox);
		assert_clean(&sandbox, "true");
		assert_non_null(make_message_queue(&sandbox, posix));
		run(&sandbox, "true");
		if (posix) {
			/* Not its action's: it cannot be removed. */
			assert_string_equal(sandbox.why, "a POSIX queue");
		} else {
			assert_string_equal(sandbox.why, "a System V object");
			assert_int_equal(sandbox.objects, 1);
		}
		end(&sandbox);
	}
}

static void test_priority_of_init(void **state)
{
	struct sandbox sandbox;

	(void)state;
	begin(&sandbox);
	assert_clean(&sandbox, "true");
	assert_int_equal(setpriority(PRIO_PROCESS, (id_t)sandbox.box->pid, 3),
			 0);
	run(&sandbox, "true");
	assert_string_equal(sandbox.why, "the priority of init");
	end(&sandbox);
}

static void test_only_over_a_direct_channel(void **state)
{
	struct box *box;

	(void)state;
	box_tmpfs = all_tmpfs;
	box = box_ready();
	box_shell(box, "true");
	box_tmpfs = NULL;
	assert_aborts(box, "reset of an attached sandbox");
	box_free(box);
}

/* A volume may be one as well, and is not to be emptied by mistake. */
static void test_only_what_is_a_tmpfs(void **state)
{
	static const char *const lists[][2] = { { "/etc", NULL },
						{ "/none", NULL } };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sandbox sandbox;

		begin(&sandbox);
		assert_int_equal(
			sbx_pipes_open(&sandbox.pipes, BOX_UID, BOX_UID, &err),
			0);
		box_give(sandbox.pipes.theirs, 3);
		box_tmpfs = lists[i];
		box_shell(sandbox.box, "true");
		box_tmpfs = NULL;
		assert_int_equal(box_frame(sandbox.box, NULL), SBX_WIRE_ABORT);
		end(&sandbox);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_used_again_and_again),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_modes_of_files_and_folders),
		cmocka_unit_test(test_times_of_a_root),
		cmocka_unit_test(test_deeply_nested_folders),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_names_that_stand_in_the_way),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(
			test_processes_that_fork_faster_than_they_are_killed),
		cmocka_unit_test(test_what_a_process_has_of_its_own),
		cmocka_unit_test(test_locked_files),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_objects_of_system_v_and_posix),
		cmocka_unit_test(test_somebody_who_cannot_be_seen),
		cmocka_unit_test(test_attributes_of_a_root),
		cmocka_unit_test(test_objects_that_are_there_all_the_same),
		cmocka_unit_test(test_priority_of_init),
		cmocka_unit_test(test_only_over_a_direct_channel),
		cmocka_unit_test(test_only_what_is_a_tmpfs),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
