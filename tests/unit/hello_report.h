/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_HELLO_REPORT_H
#define SBX_TESTS_HELLO_REPORT_H

/*
 * What init reports of a real container (Docker 20.10, cgroup v1), and the
 * means to change it.  Included by one test program at a time, after cmocka.
 */

#include <string.h>

#include "base/buf.h"
#include "init/wire.h"
#include "sandbox/hello.h"

static const char build[] = "4 0123456789abcdef";

static const char status[] = "Name:\tinit\n"
			     "Umask:\t0022\n"
			     "State:\tR (running)\n"
			     "Tgid:\t1\n"
			     "Ngid:\t0\n"
			     "Pid:\t1\n"
			     "PPid:\t0\n"
			     "TracerPid:\t0\n"
			     "Uid:\t200001\t200001\t200001\t200001\n"
			     "Gid:\t200002\t200002\t200002\t200002\n"
			     "FDSize:\t64\n"
			     "Groups:\t200002 \n"
			     "NStgid:\t1\n"
			     "Threads:\t1\n"
			     "SigBlk:\tfffffffffffbfeff\n"
			     "CapInh:\t0000000000000000\n"
			     "CapPrm:\t0000000000000000\n"
			     "CapEff:\t0000000000000000\n"
			     "CapBnd:\t0000000000000000\n"
			     "CapAmb:\t0000000000000000\n"
			     "NoNewPrivs:\t1\n"
			     "Seccomp:\t2\n"
			     "Seccomp_filters:\t1\n";

static const char mounts[] =
	"97 73 0:40 / / ro,relatime master:3 - overlay overlay rw,lowerdir=/l\n"
	"98 97 0:43 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw\n"
	"99 97 0:44 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755\n"
	"100 99 0:45 / /dev/pts rw,nosuid,noexec,relatime - devpts devpts "
	"rw,gid=5,mode=620,ptmxmode=666\n"
	"101 97 0:46 / /sys ro,nosuid,nodev,noexec,relatime - sysfs sysfs ro\n"
	"102 101 0:47 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime - tmpfs "
	"tmpfs rw,mode=755\n"
	"106 102 0:32 / /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime "
	"- "
	"cgroup cgroup rw,memory\n"
	"112 99 0:42 / /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue "
	"mqueue rw\n"
	"113 97 0:48 / /tmp rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs "
	"rw,size=16384k,nr_inodes=4096\n"
	"114 97 254:0 /c/hosts /etc/hosts ro,relatime - ext4 /dev/vda rw\n"
	"115 97 254:0 /v/cache /app/my\\040cache rw,relatime master:1 - ext4 "
	"/dev/vda rw,discard\n"
	"116 97 254:0 /v/books /books ro,relatime master:1 - ext4 /dev/vda rw\n"
	"117 99 0:49 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs tmpfs "
	"rw,size=16384k\n"
	"118 97 0:50 / /exec rw,nosuid,nodev,relatime - tmpfs tmpfs rw\n"
	"77 98 0:43 /sys /proc/sys ro,nosuid,nodev,noexec - proc proc rw\n"
	"78 98 0:51 / /proc/acpi ro,relatime - tmpfs tmpfs ro\n"
	"79 98 0:44 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,mode=755\n"
	"81 101 0:52 / /sys/firmware ro,relatime - tmpfs tmpfs ro\n";

static const char targets[] = "40 10960913 0 0 40755 /\n"
			      "43 1 0 0 40555 /proc\n"
			      "44 1 0 0 40755 /dev\n"
			      "45 1 0 0 40755 /dev/pts\n"
			      "46 1 0 0 40555 /sys\n"
			      "47 1 0 0 40555 /sys/fs/cgroup\n"
			      "32 5251 0 0 40755 /sys/fs/cgroup/memory\n"
			      "42 64363 0 0 41777 /dev/mqueue\n"
			      "48 1 0 0 41777 /tmp\n"
			      "65024 10960983 0 0 100644 /etc/hosts\n"
			      "65024 77 200001 200002 40700 /app/my\\040cache\n"
			      "65024 78 0 0 40755 /books\n"
			      "49 1 0 0 41777 /dev/shm\n"
			      "50 1 0 0 41777 /exec\n"
			      "43 4026531854 0 0 40555 /proc/sys\n"
			      "51 1 0 0 41777 /proc/acpi\n"
			      "44 5 0 0 20666 /proc/keys\n"
			      "- 13 /sys/firmware\n";

static const char limits[] =
	"Limit                     Soft Limit           Hard Limit           "
	"Units     \n"
	"Max processes             96365                96365                "
	"processes \n"
	"Max open files            1024                 4096                 "
	"files     \n";

static const char devices[] = "1 8 c 666 /dev/random\n"
			      "1 9 c 666 /dev/urandom\n"
			      "5 0 c 666 /dev/tty\n"
			      "1 5 c 666 /dev/zero\n"
			      "1 7 c 666 /dev/full\n"
			      "1 3 c 666 /dev/null\n"
			      "10 229 c 600 /dev/fuse\n"
			      "226 0 c 660 /dev/dri/card\\0400\n";

static const struct sbx_hello_device expected_devices[] = {
	{ .path = "/dev/fuse", .major = 10, .minor = 229 },
	{ .path = "/dev/dri/card 0", .major = 226, .minor = 0 },
};

static const struct sbx_hello_mount expected_mounts[] = {
	{ .target = "/tmp", .fstype = "tmpfs", .writable = true },
	{ .target = "/dev/shm", .fstype = "tmpfs", .writable = true },
	{ .target = "/exec", .fstype = "tmpfs", .writable = true, .exec = true },
	{ .target = "/app/my cache", .writable = true, .exec = true },
	{ .target = "/books", .exec = true, .dev = 65024, .ino = 78 },
};

/* --- making a report ------------------------------------------------------- */

enum { BUILD, STATUS, MOUNTS, TARGETS, LIMITS, DEVICES, N_SECTIONS };

struct fixture {
	struct sbx_buf sections[N_SECTIONS];
	struct sbx_buf payload;
	struct sbx_hello_expected expected;
	struct sbx_hello_mount mounts[SBX_ARRAY_SIZE(expected_mounts)];
	struct sbx_error err;
};

static inline int setup(void **state)
{
	static const char *const texts[] = { build,   status, mounts,
					     targets, limits, devices };
	struct fixture *f = sbx_calloc(1, sizeof(*f));

	f->payload.max = SBX_WIRE_HELLO_MAX;
	for (int i = 0; i < N_SECTIONS; i++) {
		f->sections[i].max = SBX_WIRE_HELLO_MAX;
		sbx_buf_puts(&f->sections[i], texts[i]);
	}
	memcpy(f->mounts, expected_mounts, sizeof(expected_mounts));
	f->expected = (struct sbx_hello_expected){
		.build_id = "0123456789abcdef",
		.uid = 200001,
		.gid = 200002,
		.mounts = f->mounts,
		.n_mounts = SBX_ARRAY_SIZE(expected_mounts),
		.nofile = 4096,
		.devices = expected_devices,
		.n_devices = SBX_ARRAY_SIZE(expected_devices),
	};
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < N_SECTIONS; i++)
		sbx_buf_free(&f->sections[i]);
	sbx_buf_free(&f->payload);
	free(f);
	return 0;
}

static inline void pack(struct fixture *f)
{
	sbx_buf_consume(&f->payload, f->payload.len);
	for (int i = 0; i < N_SECTIONS; i++) {
		unsigned char header[SBX_WIRE_HEADER_SIZE];

		sbx_wire_put_header(header, (uint8_t)(i + 1),
				    (uint32_t)f->sections[i].len);
		sbx_buf_append(&f->payload, header, sizeof(header));
		sbx_buf_append(&f->payload, f->sections[i].data,
			       f->sections[i].len);
	}
}

/* The verdict on a copy without slack, so that ASan sees every overrun. */
static inline int verdict(struct fixture *f)
{
	cleanup_free char *exact = sbx_malloc(f->payload.len + 1);

	memcpy(exact, sbx_buf_text(&f->payload), f->payload.len);
	f->err.outcome = SBX_OUTCOME_OK;
	exact = sbx_realloc(exact, f->payload.len ? f->payload.len : 1);
	return sbx_hello_check(exact, f->payload.len, &f->expected, &f->err);
}

static inline int check(struct fixture *f)
{
	pack(f);
	return verdict(f);
}

/* Replaces the first @from, which must be there. */
static inline void change(struct sbx_buf *text, const char *from,
			  const char *to)
{
	cleanup_buf struct sbx_buf changed = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	const char *at = strstr(sbx_buf_text(text), from);

	if (!at)
		fail_msg("there is no \"%s\"", from);
	sbx_buf_append(&changed, text->data, (size_t)(at - text->data));
	sbx_buf_puts(&changed, to);
	sbx_buf_puts(&changed, at + strlen(from));
	sbx_buf_consume(text, text->len);
	sbx_buf_append(text, changed.data, changed.len);
}

static inline void assert_refused(struct fixture *f, enum sbx_outcome outcome,
				  const char *message)
{
	int result = check(f);

	if (result != -1 || f->err.outcome != outcome ||
	    strncmp(f->err.message, message, strlen(message)) != 0)
		fail_msg("%d, outcome %d, \"%s\" instead of \"%s\"", result,
			 f->err.outcome, f->err.message, message);
}

/* A change to one section, and what it must lead to. */
struct fault {
	int section;
	const char *from;
	const char *to;
	const char *message;
};

/* Each of @faults by itself ends in @outcome with its message. */
static inline void check_faults(void **state, const struct fault *faults,
				size_t n_faults, enum sbx_outcome outcome)
{
	for (size_t i = 0; i < n_faults; i++) {
		struct fixture *f = *state;

		change(&f->sections[faults[i].section], faults[i].from,
		       faults[i].to);
		assert_refused(f, outcome, faults[i].message);
		teardown(state);
		setup(state);
	}
}

#endif
