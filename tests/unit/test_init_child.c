/* SPDX-License-Identifier: MIT */
/*
 * What the action finds itself in: exactly what RUN said, three pipes, and a
 * kernel that refuses what would reach beyond it.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "init_box.h"
#include "init_memory.h"

/* --- a helper inside the sandbox ------------------------------------------- */

static void say(const char *name, long result)
{
	printf("%s %s\n", name,
	       result < 0 ? strerrorname_np(errno) : "allowed");
}

/* int 0x80 is the i386 ABI; a kernel without it kills the caller. */
static void try_foreign_abi(void)
{
#ifdef __x86_64__
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		long result;

		/* getpid */
		__asm__ volatile("int $0x80"
				 : "=a"(result)
				 : "a"(20L)
				 : "memory");
		_exit(result == -ENOSYS ? 7 : 0);
	}
	waitpid(pid, &status, 0);
	printf("i386 %s\n", WIFSIGNALED(status) || WEXITSTATUS(status) == 7
				    ? "ENOSYS"
				    : "allowed");
	say("x32", syscall(0x40000000 | SYS_getpid));
#else
	printf("i386 ENOSYS\nx32 ENOSYS\n");
#endif
}

/* A process of ours that is neither we nor init. */
static pid_t other_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	return pid;
}

static void try_processes(int pid, const char *who)
{
	struct rlimit limit = { 500, 500 };
	unsigned long cpus[128] = { 0 };
	int priority = 0;
	char name[64];

#define TRY(what, call)                                                        \
	do {                                                                   \
		snprintf(name, sizeof(name), what " %s", who);                 \
		say(name, call);                                               \
	} while (0)
	/* What anybody may: the same processors, the lowest priority. */
	syscall(SYS_sched_getaffinity, 0, sizeof(cpus), cpus);
	TRY("prlimit", syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, &limit, 0));
	TRY("getrlimit", syscall(SYS_prlimit64, pid, RLIMIT_NOFILE, 0, &limit));
	TRY("setpriority", setpriority(PRIO_PROCESS, (id_t)pid, 19));
	TRY("affinity",
	    syscall(SYS_sched_setaffinity, pid, sizeof(cpus), cpus));
	TRY("scheduler", syscall(SYS_sched_setscheduler, pid, 3, &priority));
	TRY("param", syscall(SYS_sched_setparam, pid, &priority));
	TRY("ioprio", syscall(SYS_ioprio_set, 1, pid, 2 << 13 | 5));
	errno = 0;
	TRY("attr", syscall(SYS_sched_setattr, pid, 0, 0));
	/* The kernel looks at no more than an int. */
	TRY("long", syscall(SYS_prlimit64, 1UL << 32 | (unsigned int)pid,
			    RLIMIT_NOFILE, &limit, 0));
#undef TRY
}

static void try_namespaces(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	say("clone", pid);
	say("unshare", unshare(CLONE_NEWUSER));
	say("unshare-files", unshare(CLONE_FILES));
	/* Without the filter: EINVAL, EBADF. */
	say("clone3", syscall(SYS_clone3, NULL, 0));
	say("setns", setns(-1, 0));
}

static void try_others(void)
{
	unsigned long context = 0;
	int pair[2];

	say("priority-group", setpriority(PRIO_PGRP, 0, 1));
	say("priority-of-init's-group", setpriority(PRIO_PGRP, 1, 1));
	say("priority-user", setpriority(PRIO_USER, 0, 1));
	say("ioprio-group", syscall(SYS_ioprio_set, 2, 0, 2 << 13 | 5));
	say("ioprio-user", syscall(SYS_ioprio_set, 3, 0, 2 << 13 | 5));
	say("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
	say("vsock-pair", socketpair(AF_VSOCK, SOCK_STREAM, 0, pair));
	say("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	say("unix-pair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
	say("io_uring_enter", syscall(SYS_io_uring_enter, 0, 0, 0, 0, 0, 0));
	say("io_uring_register", syscall(SYS_io_uring_register, 0, 0, 0, 0));
	say("io_setup", syscall(SYS_io_setup, 1, &context));
	say("huge-pages",
	    (long)mmap(NULL, 2 << 20, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0));
	say("huge-memfd", syscall(SYS_memfd_create, "x", MFD_HUGETLB));
	/* Of no size, for which the kernel alone has another word. */
	say("huge-segment",
	    shmget(IPC_PRIVATE, 0, IPC_CREAT | SHM_HUGETLB | 0600));
	say("pages", (long)mmap(NULL, 4096, PROT_READ,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	say("memfd", syscall(SYS_memfd_create, "x", 0));
	say("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
	say("request_key", syscall(SYS_request_key, "user", "x", 0, 0));
	say("keyctl", syscall(SYS_keyctl, 0, -3, 0));
}

/* Until the kernel has no room for what it knows about a signal's sender. */
static void fill_signal_queue(void)
{
	union sigval value = { .sival_int = 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (sigqueue(getpid(), SIGRTMIN, value) == 0)
		;
	say("full", -1);
	/* What init would keep counts as well. */
	for (int i = 0; i < 100000; i++)
		sigqueue(1, SIGRTMIN, value);
}

/*
 * What init believed to come from outside it would send to us, and we would
 * be gone.  The sender's pid can be forged, SI_USER cannot, and what the
 * kernel forgot to say counts as forged.
 */
static void try_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	siginfo_t forged = { .si_code = SI_QUEUE, .si_pid = 0 };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++) {
		forged.si_signo = signals[i];
		if (syscall(SYS_rt_sigqueueinfo, 1, signals[i], &forged) < 0)
			say("queue", -1);
	}
	poll(NULL, 0, 100);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++)
		kill(1, signals[i]);
	poll(NULL, 0, 100);
	fill_signal_queue();
	for (size_t i = 0; i < SBX_ARRAY_SIZE(signals); i++)
		syscall(SYS_tgkill, 1, 1, signals[i]);
	poll(NULL, 0, 100);
	printf("signals ignored\n");
}

static int be_helper(void)
{
	pid_t other;

	try_signals();
	other = other_process();
	try_processes(0, "self");
	try_processes(1, "init");
	try_processes(other, "other");
	try_others();
	try_namespaces();
	try_foreign_abi();
	fflush(stdout);
	_exit(0);
}

static void copy_file(const char *from, const char *to)
{
	static char data[64 * 1024];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t got;

	assert_true(in >= 0 && out >= 0);
	while ((got = read(in, data, sizeof(data))) > 0)
		assert_int_equal(write(out, data, (size_t)got), got);
	assert_int_equal(fchmod(out, 0755), 0);
	close(in);
	close(out);
}

/* --- the filter ------------------------------------------------------------ */

static const char *const answers[] = {
	"prlimit self allowed",
	"getrlimit self allowed",
	"setpriority self allowed",
	"affinity self allowed",
	"scheduler self allowed",
	"param self allowed",
	"ioprio self allowed",
	"attr self EINVAL",
	"prlimit init EPERM",
	"getrlimit init EPERM",
	"setpriority init EPERM",
	"affinity init EPERM",
	"scheduler init EPERM",
	"param init EPERM",
	"ioprio init EPERM",
	"attr init EPERM",
	"long init EPERM",
	"prlimit other allowed",
	"getrlimit other allowed",
	"setpriority other allowed",
	"affinity other allowed",
	"scheduler other allowed",
	"param other allowed",
	"ioprio other allowed",
	"attr other EINVAL",
	"priority-group EPERM",
	"priority-of-init's-group EPERM",
	"priority-user EPERM",
	"ioprio-group EPERM",
	"ioprio-user EPERM",
	"vsock EAFNOSUPPORT",
	"vsock-pair EAFNOSUPPORT",
	"unix allowed",
	"unix-pair allowed",
	"io_uring_setup ENOSYS",
	"io_uring_enter ENOSYS",
	"io_uring_register ENOSYS",
	"io_setup ENOSYS",
	"huge-pages EPERM",
	"huge-memfd EPERM",
	"huge-segment EPERM",
	"pages allowed",
	"memfd allowed",
	"add_key EPERM",
	"request_key EPERM",
	"keyctl EPERM",
	"clone EPERM",
	"unshare EPERM",
	"unshare-files allowed",
	"clone3 ENOSYS",
	"setns EPERM",
	"i386 ENOSYS",
	"x32 ENOSYS",
	"full EAGAIN",
	"signals ignored",
};

static void test_system_calls_that_reach_beyond_it(void **state)
{
	struct box *box = box_ready();
	char helper[64];

	(void)state;
	snprintf(helper, sizeof(helper), "%s/helper", box_directory);
	copy_file("/proc/self/exe", helper);
	box_run(box, LIST(helper, "helper"));
	assert_ended(box, SBX_WIRE_EXITED, 0);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(answers); i++) {
		const char *line =
			strstr(sbx_buf_text(&box->stdout_), answers[i]);

		if (!line || line[strlen(answers[i])] != '\n')
			fail_msg("no \"%s\" in\n%s", answers[i],
				 box->stdout_.data);
	}
	box_free(box);
}

/* The sandbox is to blame, not the command: this is no EXEC_FAILED. */
static void test_sandbox_that_allows_no_filter(void **state)
{
	struct box *box;
	char path[64];

	(void)state;
	/* Root could have it all the same. */
	if (box_wrapper())
		return;
	box_without_no_new_privs = true;
	box = box_ready();
	box_without_no_new_privs = false;
	snprintf(path, sizeof(path), "%s/ran", box_directory);
	box_run(box, LIST("touch", path));
	if (geteuid() == 0) {
		assert_aborts(box, "seccomp filter of the action (errno 13)");
		/* Nor is anything run without it. */
		assert_int_equal(access(path, F_OK), -1);
	}
	box_free(box);
}

/* --- what RUN said --------------------------------------------------------- */

/* The action's stdout when it runs @argv with @env. */
static void check_output(const char *const *argv, const char *const *env,
			 const char *expected)
{
	struct box *box = box_ready();

	box_run_with(box, argv, env, "", 0);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), expected);
	box_free(box);
}

static void test_arguments(void **state)
{
	(void)state;
	check_output(LIST("printf", "<%s>", "", "a b", "$HOME", "\n"),
		     LIST(PATH_ENV), "<><a b><$HOME><\n>");
}

static void test_environment_is_what_was_given_and_no_more(void **state)
{
	(void)state;
	check_output(LIST("/usr/bin/env"), LIST("B=2", "A=1", "B=3", "EMPTY="),
		     "B=2\nA=1\nB=3\nEMPTY=\n");
	check_output(LIST("/usr/bin/env"), LIST(NULL), "");
}

/* Two files, which the action's user can read and nobody else. */
static void test_files_of_secrets(void **state)
{
	char first[64], second[64], script[256], expected[128];
	const char *files[] = { first, "s3cret\n", second, "", NULL };

	(void)state;
	snprintf(first, sizeof(first), "%s/first", box_directory);
	snprintf(second, sizeof(second), "%s/second", box_directory);
	snprintf(script, sizeof(script),
		 "cat '%s'; stat -c '%%a %%u %%s' '%s' '%s'", first, first,
		 second);
	snprintf(expected, sizeof(expected), "s3cret\n400 %d 7\n400 %d 0\n",
		 BOX_UID, BOX_UID);
	box_files = files;
	check_output(LIST("sh", "-c", script), LIST(PATH_ENV), expected);
	box_files = NULL;
}

/* Where the image has put something, the secret does not go. */
static void test_file_of_a_secret_that_is_there_already(void **state)
{
	char path[64], target[64];
	const char *files[] = { path, "s3cret", NULL };
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/link", box_directory);
	snprintf(target, sizeof(target), "%s/elsewhere", box_directory);
	assert_int_equal(symlink(target, path), 0);
	box_files = files;
	for (int i = 0; i < 2; i++) {
		struct box *box = box_ready();
		int fd;

		box_shell(box, "echo ran");
		assert_aborts(box, "files of secrets (errno 17)");
		assert_int_equal(box->stdout_.len, 0);
		box_free(box);
		unlink(path);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		assert_true(fd >= 0);
		close(fd);
	}
	box_files = NULL;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(access(target, F_OK), -1);
}

static void mount_one_page(void)
{
	if (mount("tmpfs", box_directory, "tmpfs", 0, "size=4096,mode=0777"))
		_exit(118);
}

/* What does not fit is not handed over in part. */
static void test_file_of_a_secret_that_does_not_fit(void **state)
{
	cleanup_free char *text = sbx_malloc(8193);
	char path[64];
	const char *files[] = { path, text, NULL };
	struct box *box;

	(void)state;
	memset(text, 's', 8192);
	text[8192] = '\0';
	snprintf(path, sizeof(path), "%s/large", box_directory);
	box_files = files;
	box_mounts = mount_one_page;
	box = box_ready();
	box_shell(box, "echo ran");
	assert_aborts(box, "files of secrets (errno 28)");
	assert_int_equal(box->stdout_.len, 0);
	box_free(box);
	box_mounts = NULL;
	box_files = NULL;
}

static void test_command_is_looked_up_in_the_given_path(void **state)
{
	char path[64], tool[64];
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "PATH=/nowhere:%s", box_directory);
	snprintf(tool, sizeof(tool), "%s/tool", box_directory);
	fd = open(tool, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(write(fd, "#!/bin/sh\necho tool $1\n", 23) == 23);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	check_output(LIST("tool", "x"), LIST(path), "tool x\n");
}

static void test_many_and_long_strings(void **state)
{
	const char *argv[SBX_WIRE_STRINGS_MAX + 1] = { "sh", "-c",
						       "echo $# ${#A}", "sh" };
	const char *env[SBX_WIRE_STRINGS_MAX + 1] = { NULL };
	cleanup_free char *longest = sbx_calloc(131072, 1);

	(void)state;
	memset(longest, 'x', 131071);
	memcpy(longest, "A=", 2);
	for (int i = 4; i < SBX_WIRE_STRINGS_MAX; i++)
		argv[i] = "arg";
	for (int i = 0; i < SBX_WIRE_STRINGS_MAX; i++)
		env[i] = "E=1";
	env[0] = PATH_ENV;
	env[1] = longest;
	check_output(argv, env, "1020 131069\n");
}

/* --- what it finds --------------------------------------------------------- */

static void check_shell(const char *script, const char *expected)
{
	check_output(LIST("sh", "-c", script), LIST(PATH_ENV), expected);
}

/* The shell the box is started with has a umask and ignores signals. */
static void test_process_attributes(void **state)
{
	(void)state;
	check_shell(
		"grep -E '^(Umask|SigPnd|SigBlk|SigIgn|NoNewPrivs|Seccomp):'"
		" /proc/self/status",
		"Umask:\t0022\n"
		"SigPnd:\t0000000000000000\n"
		"SigBlk:\t0000000000000000\n"
		"SigIgn:\t0000000000000000\n"
		"NoNewPrivs:\t1\n"
		"Seccomp:\t2\n");
}

static void test_leads_a_session_of_its_own(void **state)
{
	(void)state;
	check_shell("read -r pid comm state ppid group session rest"
		    " < /proc/$$/stat; [ $pid = $$ ] && [ $group = $$ ] &&"
		    " [ $session = $$ ] && echo $ppid",
		    "1\n");
}

/* As on Linux before 5.9. */
static void forbid_close_range(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { SBX_ARRAY_SIZE(filter), filter };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(115);
}

static void check_that_init_closes(void (*last)(void))
{
	struct box *box;
	char path[32];
	struct stat st;

	box_last = last;
	box = box_ready();
	box_last = NULL;
	/* Valgrind has descriptors of its own. */
	if (!box_wrapper()) {
		snprintf(path, sizeof(path), "/proc/%d/fd/0", box->pid);
		assert_int_equal(lstat(path, &st), 0);
		snprintf(path, sizeof(path), "/proc/%d/fd/9", box->pid);
		assert_int_equal(lstat(path, &st), -1);
	}
	box_free(box);
}

/* What the runtime left open, init itself has closed, too. */
static void test_init_closes_what_it_inherited(void **state)
{
	(void)state;
	check_that_init_closes(NULL);
	check_that_init_closes(forbid_close_range);
}

static void test_has_three_descriptors(void **state)
{
	(void)state;
	check_shell("ls /proc/$$/fd", "0\n1\n2\n");
}

static void test_working_directory(void **state)
{
	(void)state;
	check_shell("pwd", "/\n");
	box_working_dir = "/usr/lib/../bin";
	check_shell("pwd; ./true && echo ran", "/usr/bin\nran\n");
	box_working_dir = "";
}

static void test_working_directory_that_cannot_be_entered(void **state)
{
	static const struct {
		const char *dir;
		uint32_t error;
	} dirs[] = {
		{ "/no/such/directory", ENOENT },
		{ "/etc/passwd", ENOTDIR },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(dirs); i++) {
		struct box *box = box_ready();

		box_working_dir = dirs[i].dir;
		box_run(box, LIST("true"));
		box_working_dir = "";
		assert_ended(box, SBX_WIRE_CHDIR_FAILED, dirs[i].error);
		box_free(box);
	}
}

/* Pipes that block, and that it may open again by their names. */
static void test_streams(void **state)
{
	(void)state;
	check_shell("cd /proc/$$/fdinfo && cat 0 1 2 | grep flags",
		    "flags:\t00\nflags:\t01\nflags:\t01\n");
	check_shell("echo a > /proc/self/fd/1; echo b >> /proc/self/fd/1",
		    "a\nb\n");
	check_shell("exec 2>&1; stat -L -c %F /proc/self/fd/0", "fifo\n");
}

static void test_cannot_look_into_init(void **state)
{
	(void)state;
	/* Root may. */
	if (box_wrapper())
		return;
	check_shell("for f in environ maps mem fd exe root cwd auxv; do"
		    " cat /proc/1/$f > /dev/null 2>&1 ||"
		    " ls /proc/1/$f/ > /dev/null 2>&1 ||"
		    " readlink /proc/1/$f || echo no; done",
		    "no\nno\nno\nno\nno\nno\nno\nno\n");
}

/* RUN may hold secrets: once the action has them init has them no more. */
static void test_init_forgets_what_it_was_told(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_run_with(box, LIST("sh", "-c", "echo ready; sleep 60"),
		     LIST(PATH_ENV, "TOKEN=a-token-to-be-forgotten"), "", 0);
	box_expect(box, "ready");
	/* Valgrind has an environment of its own. */
	if (!box_wrapper()) {
		assert_true(has_in_memory(box->pid, "OF_INIT=itself"));
		assert_false(has_in_memory(box->pid, "a-token-to-be-"));
	}
	box_free(box);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_calls_that_reach_beyond_it),
		cmocka_unit_test(test_sandbox_that_allows_no_filter),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(
			test_environment_is_what_was_given_and_no_more),
		cmocka_unit_test(test_files_of_secrets),
		cmocka_unit_test(test_file_of_a_secret_that_is_there_already),
		cmocka_unit_test(test_file_of_a_secret_that_does_not_fit),
		cmocka_unit_test(test_command_is_looked_up_in_the_given_path),
		cmocka_unit_test(test_many_and_long_strings),
		cmocka_unit_test(test_process_attributes),
		cmocka_unit_test(test_leads_a_session_of_its_own),
		cmocka_unit_test(test_init_closes_what_it_inherited),
		cmocka_unit_test(test_has_three_descriptors),
		cmocka_unit_test(test_working_directory),
		cmocka_unit_test(test_working_directory_that_cannot_be_entered),
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_cannot_look_into_init),
		cmocka_unit_test(test_init_forgets_what_it_was_told),
	};

	if (argc == 2 && strcmp(argv[1], "helper") == 0)
		return be_helper();
	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
