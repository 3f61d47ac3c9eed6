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
		cmocka_unit_test(test_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
