/* SPDX-License-Identifier: MIT */
#include "skill/never.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"

static const char *const places[] = {
	"/proc",
	"/sys",
	"/dev",
	"/etc",
	"/run/docker.sock",
	"/run/docker",
	"/run/containerd",
	"/run/podman",
	"/run/crio",
	"/run/buildkit",
	"/run/user",
	"/run/systemd",
	"/run/dbus",
	"/run/credentials",
	"/run/skillbox",
	"/run/skillbox.sock",
	"/var/run", /* the same once more: it is a link to /run */
	"/var/lib/docker",
	"/var/lib/containerd",
	"/var/lib/containers",
};

/* Sockets of engines, wherever they are. */
static const char *const sockets[] = {
	"docker.sock", "podman.sock",	 "containerd.sock",
	"crio.sock",   "buildkitd.sock", "docker-cli.sock",
};

static bool is_socket(const char *path, const char **what)
{
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(sockets); i++) {
		if (strcmp(name, sockets[i]) == 0) {
			*what = "the engine";
			return true;
		}
	}
	return false;
}

bool sbx_never_mounted(const char *path, const char **what)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(places); i++) {
		if (sbx_path_overlaps(path, places[i])) {
			*what = places[i];
			return true;
		}
	}
	return is_socket(path, what);
}

bool sbx_never_below(const char *path, const char **what)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(places); i++) {
		if (sbx_path_is_within(path, places[i])) {
			*what = places[i];
			return true;
		}
	}
	return is_socket(path, what);
}

/* --- devices --------------------------------------------------------------- */

#define MEMORY	   "the memory of the machine"
#define KERNEL	   "the kernel's log"
#define CONSOLE	   "the consoles of the machine"
#define TERMINAL   "terminals of other users"
#define DISK	   "whole disks"
#define KEYBOARD   "what is typed on the machine"
#define USB	   "all that is on the machine's USB"
#define FIRMWARE   "the machine's firmware"
#define POWER	   "the machine's power"
#define KEYS	   "the machine's own keys"

#define NO_NUMBER  0, 0, 0
#define ANY_MINOR  0, 0xfffff
#define ONE(minor) minor, minor

/*
 * Linux' Documentation/admin-guide/devices.txt.  What has no fixed number is
 * known by its path only.  Block devices are all disks: whoever looks at the
 * node sees that it is one, the paths here are those that people write.
 */
static const struct {
	const char *path;
	unsigned int major;
	unsigned int first;
	unsigned int last;
	const char *what;
} devices[] = {
	{ "/dev/mem", 1, ONE(1), MEMORY },
	{ "/dev/kmem", 1, ONE(2), MEMORY },
	{ "/dev/port", 1, ONE(4), "all input and output of the machine" },
	{ "/dev/core", 1, ONE(6), MEMORY },
	{ "/dev/kmsg", 1, ONE(11), KERNEL },
	{ "/dev/oldmem", 1, ONE(12), MEMORY },
	{ "/dev/crash", NO_NUMBER, MEMORY },
	{ "/dev/snapshot", 10, ONE(231), MEMORY },
	{ "/dev/cpu/*", 202, ANY_MINOR, "the registers of its processors" },
	{ "/dev/cpu/*/*", NO_NUMBER, "the registers of its processors" },
	{ "/dev/tty[0-9]*", 4, 0, 63, CONSOLE },
	{ "/dev/console", 5, ONE(1), CONSOLE },
	{ "/dev/vcs*", 7, ANY_MINOR, CONSOLE },
	{ "/dev/hvc*", 229, ANY_MINOR, CONSOLE },
	{ "/dev/ttyprintk", 5, ONE(3), KERNEL },
	{ "/dev/ptmx", 5, ONE(2), TERMINAL },
	{ "/dev/pts/*", 136, ANY_MINOR, TERMINAL },
	{ "/dev/input/*", 13, ANY_MINOR, KEYBOARD },
	{ "/dev/uinput", 10, ONE(223), KEYBOARD },
	{ "/dev/uhid", 10, ONE(239), KEYBOARD },
	{ "/dev/userio", 10, ONE(240), KEYBOARD },
	{ "/dev/serio_raw*", NO_NUMBER, KEYBOARD },
	{ "/dev/hidraw*", NO_NUMBER, KEYBOARD },
	{ "/dev/usb/hiddev*", 180, 96, 111, KEYBOARD },
	/* Keyboards and disks alike, past their drivers. */
	{ "/dev/bus/usb/*", 189, ANY_MINOR, USB },
	{ "/dev/bus/usb/*/*", NO_NUMBER, USB },
	{ "/dev/usbmon*", NO_NUMBER, USB },
	{ "/dev/nvram", 10, ONE(144), FIRMWARE },
	{ "/dev/mtd*", 90, ANY_MINOR, FIRMWARE },
	{ "/dev/mei*", NO_NUMBER, FIRMWARE },
	{ "/dev/watchdog*", 10, ONE(130), POWER },
	{ "/dev/ipmi*", NO_NUMBER, POWER },
	{ "/dev/tpm*", 10, ONE(224), KEYS },
	/* Character devices that reach a disk or a file system. */
	{ "/dev/sg*", 21, ANY_MINOR, DISK },
	{ "/dev/st[0-9]*", 9, ANY_MINOR, DISK },
	{ "/dev/nst[0-9]*", 9, ANY_MINOR, DISK },
	{ "/dev/raw/*", 162, ANY_MINOR, DISK },
	{ "/dev/bsg/*", NO_NUMBER, DISK },
	{ "/dev/nvme*", NO_NUMBER, DISK },
	{ "/dev/ng[0-9]*", NO_NUMBER, DISK },
	{ "/dev/dax*", NO_NUMBER, DISK },
	{ "/dev/mapper/*", 10, ONE(236), DISK },
	{ "/dev/loop*", 10, ONE(237), DISK },
	{ "/dev/btrfs-control", 10, ONE(234), "the host's file systems" },
	{ "/dev/sd*", NO_NUMBER, DISK },
	{ "/dev/vd*", NO_NUMBER, DISK },
	{ "/dev/xvd*", NO_NUMBER, DISK },
	{ "/dev/sr*", NO_NUMBER, DISK },
	{ "/dev/md*", NO_NUMBER, DISK },
	{ "/dev/dm-*", NO_NUMBER, DISK },
	{ "/dev/nbd*", NO_NUMBER, DISK },
	{ "/dev/zram*", NO_NUMBER, DISK },
	{ "/dev/mmcblk*", NO_NUMBER, DISK },
	{ "/dev/disk/*", NO_NUMBER, DISK },
	{ "/dev/disk/*/*", NO_NUMBER, DISK },
	{ "/dev/block/*", NO_NUMBER, DISK },
};

bool sbx_never_device(const char *path, const char **what)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(devices); i++) {
		if (fnmatch(devices[i].path, path,
			    FNM_PATHNAME | FNM_NOESCAPE) == 0) {
			*what = devices[i].what;
			return true;
		}
	}
	return false;
}

bool sbx_never_device_number(unsigned int major, unsigned int minor,
			     const char **what)
{
	/* Those of terminals are eight: 136 to 143. */
	if (major > 136 && major <= 143)
		major = 136;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(devices); i++) {
		if (devices[i].major == major && major != 0 &&
		    minor >= devices[i].first && minor <= devices[i].last) {
			*what = devices[i].what;
			return true;
		}
	}
	return false;
}

/* --- volumes --------------------------------------------------------------- */

bool sbx_never_volume(const char *name)
{
	return sbx_text_has_prefix(name, "skillbox-");
}
