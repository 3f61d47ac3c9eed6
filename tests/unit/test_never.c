/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/never.h"

/*
 * Everything that would hand over the host or the engine; the grant and the
 * policy's parser rely on both functions.
 */
static void test_places(void **state)
{
	static const struct {
		const char *path;
		bool mounted, below;
	} samples[] = {
		{ "/", true, false },
		{ "/proc", true, true },
		{ "/proc/1", true, true },
		{ "/sys/fs/cgroup", true, true },
		{ "/dev/kvm", true, true },
		{ "/etc", true, true },
		{ "/etc/shadow", true, true },
		{ "/var", true, false },
		{ "/var/run", true, true },
		{ "/var/run/docker.sock", true, true },
		{ "/run", true, false },
		{ "/run/docker.sock", true, true },
		{ "/run/docker/x", true, true },
		{ "/run/containerd", true, true },
		{ "/run/podman", true, true },
		{ "/run/podman/podman.sock", true, true },
		{ "/run/crio", true, true },
		{ "/run/buildkit", true, true },
		{ "/run/user/1000", true, true },
		{ "/run/systemd/private", true, true },
		{ "/run/dbus", true, true },
		{ "/run/credentials", true, true },
		{ "/run/credentials/x.service/key", true, true },
		{ "/run/skillbox", true, true },
		{ "/run/skillbox.sock", true, true },
		{ "/var/lib", true, false },
		{ "/var/lib/docker/volumes/x", true, true },
		{ "/var/lib/containerd", true, true },
		{ "/var/lib/containers", true, true },
		{ "/home/me/docker.sock", true, true },
		{ "/srv/podman.sock", true, true },
		{ "/srv/containerd.sock", true, true },
		{ "/srv/crio.sock", true, true },
		{ "/srv/buildkitd.sock", true, true },
		{ "/srv/docker-cli.sock", true, true },
		{ "/srv", false, false },
		{ "/etcetera", false, false },
		{ "/devel", false, false },
		{ "/run/mine", false, false },
		{ "/home/me/etc", false, false },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const char *path = samples[i].path;
		const char *what = NULL;

		if (sbx_never_mounted(path, &what) != samples[i].mounted)
			fail_msg("mounted: %s", path);
		assert_int_equal(what != NULL, samples[i].mounted);
		what = NULL;
		if (sbx_never_below(path, &what) != samples[i].below)
			fail_msg("below: %s", path);
		assert_int_equal(what != NULL, samples[i].below);
	}
}

/* By their paths, and by what they are whatever they are called. */
static void test_devices(void **state)
{
	static const char *const never[] = {
		"/dev/mem",	      "/dev/kmem",
		"/dev/port",	      "/dev/core",
		"/dev/kmsg",	      "/dev/oldmem",
		"/dev/crash",	      "/dev/snapshot",
		"/dev/cpu/0/msr",     "/dev/cpu/microcode",
		"/dev/tty0",	      "/dev/tty63",
		"/dev/console",	      "/dev/vcs",
		"/dev/vcsa1",	      "/dev/hvc0",
		"/dev/ttyprintk",     "/dev/ptmx",
		"/dev/pts/0",	      "/dev/input/event0",
		"/dev/uinput",	      "/dev/uhid",
		"/dev/userio",	      "/dev/serio_raw0",
		"/dev/hidraw0",	      "/dev/usb/hiddev0",
		"/dev/bus/usb/001",   "/dev/bus/usb/001/002",
		"/dev/usbmon0",	      "/dev/nvram",
		"/dev/mtd0",	      "/dev/mei0",
		"/dev/watchdog",      "/dev/watchdog1",
		"/dev/ipmi0",	      "/dev/tpm0",
		"/dev/tpmrm0",	      "/dev/st0",
		"/dev/nst0",	      "/dev/zram1",
		"/dev/sg0",	      "/dev/raw/raw1",
		"/dev/bsg/0:0:0:0",   "/dev/nvme0",
		"/dev/nvme0n1",	      "/dev/ng0n1",
		"/dev/dax0.0",	      "/dev/mapper/control",
		"/dev/loop0",	      "/dev/loop-control",
		"/dev/btrfs-control", "/dev/sda",
		"/dev/vda1",	      "/dev/xvda",
		"/dev/sr0",	      "/dev/md0",
		"/dev/dm-0",	      "/dev/nbd0",
		"/dev/zram0",	      "/dev/mmcblk0rpmb",
		"/dev/disk/by-id",    "/dev/disk/by-id/x",
		"/dev/block/8:0",
	};
	static const char *const fine[] = {
		"/dev/kvm",	  "/dev/fuse",	  "/dev/net/tun",
		"/dev/dri/card0", "/dev/nvidia0", "/dev/ttyUSB0",
		"/dev/ttyS1",	  "/dev/tty",	  "/dev/snd/timer",
		"/dev/video0",	  "/dev/memory",  "/dev/my/mem",
		"/dev/usb/lp0",
	};
	const char *what;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(never); i++) {
		what = NULL;
		if (!sbx_never_device(never[i], &what) || !what)
			fail_msg("%s", never[i]);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fine); i++) {
		if (sbx_never_device(fine[i], &what))
			fail_msg("%s: %s", fine[i], what);
	}
}

static void test_numbers_of_devices(void **state)
{
	static const unsigned int never[][2] = {
		{ 1, 1 },     { 1, 2 },	   { 1, 4 },	 { 1, 6 },
		{ 1, 11 },    { 1, 12 },   { 4, 0 },	 { 4, 63 },
		{ 5, 1 },     { 5, 2 },	   { 5, 3 },	 { 7, 0 },
		{ 7, 129 },   { 9, 0 },	   { 10, 130 },	 { 10, 144 },
		{ 10, 223 },  { 10, 224 }, { 10, 231 },	 { 10, 234 },
		{ 10, 236 },  { 10, 237 }, { 10, 239 },	 { 13, 64 },
		{ 21, 0 },    { 90, 1 },   { 136, 0 },	 { 140, 9 },
		{ 143, 255 }, { 162, 0 },  { 202, 1 },	 { 229, 0 },
		{ 10, 240 },  { 180, 96 }, { 180, 111 }, { 189, 0 },
		{ 189, 639 },
	};
	static const unsigned int fine[][2] = {
		{ 0, 0 },    { 1, 3 },	   { 1, 5 },	 { 1, 7 },
		{ 1, 8 },    { 1, 9 },	   { 4, 64 },	 { 5, 0 },
		{ 10, 200 }, { 10, 229 },  { 10, 232 },	 { 144, 0 },
		{ 188, 0 },  { 195, 255 }, { 226, 128 }, { 135, 0 },
		{ 180, 0 },  { 180, 95 },  { 180, 112 }, { 190, 0 },
	};
	const char *what;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(never); i++) {
		what = NULL;
		if (!sbx_never_device_number(never[i][0], never[i][1], &what) ||
		    !what)
			fail_msg("%u:%u", never[i][0], never[i][1]);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fine); i++) {
		if (sbx_never_device_number(fine[i][0], fine[i][1], &what))
			fail_msg("%u:%u %s", fine[i][0], fine[i][1], what);
	}
}

static void test_volumes(void **state)
{
	(void)state;
	assert_true(sbx_never_volume("skillbox-init-0"));
	assert_true(sbx_never_volume("skillbox-"));
	assert_false(sbx_never_volume("skillbox"));
	assert_false(sbx_never_volume("cache"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_numbers_of_devices),
		cmocka_unit_test(test_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
