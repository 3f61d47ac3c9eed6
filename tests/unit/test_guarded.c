/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "sandbox/guarded.h"

/* A directory of its own, with .config/skillbox/keys, keys and engine in it. */
static char *top;

/* This user's home is there, too, in place of the real one; or he has none. */
static bool has_home;

int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t size,
	       struct passwd **result)
{
	(void)uid;
	(void)buf;
	(void)size;
	*entry = (struct passwd){ .pw_dir = top };
	*result = has_home ? entry : NULL;
	return 0;
}

static char *in(const char *name)
{
	return sbx_asprintf("%s%s%s", top, *name ? "/" : "", name);
}

static void make(const char *name)
{
	cleanup_free char *path = in(name);

	assert_int_equal(mkdir(path, 0700), 0);
}

static int setup(void **state)
{
	static const char *const directories[] = {
		".config", ".config/skillbox", ".config/skillbox/keys",
		"keys",	   "engine",	       "other",
		"xdg",	   "xdg/skillbox",     "policy",
		"named",   "credentials",
	};
	char path[] = "/tmp/test_guarded.XXXXXX";

	(void)state;
	top = realpath(mkdtemp(path), NULL);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(directories); i++)
		make(directories[i]);
	return 0;
}

static int teardown(void **state)
{
	cleanup_free char *command = sbx_asprintf("rm -r '%s'", top);
	int result = system(command);

	(void)state;
	free(top);
	return result;
}

/* What --keys says. */
static struct sbx_keyring ring;

/* Whether @name may be mounted; what may not is DENIED by its rule. */
static bool may(const char *name)
{
	cleanup_free char *url = sbx_asprintf("unix://%s/engine", top);
	cleanup_free char *policy = in("policy");
	cleanup_free char *path = in(name);
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_guarded_check(path, url, policy, &ring, &err) == 0)
		return true;
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
	assert_true(sbx_text_has_prefix(err.message, "volumes.never: "));
	return false;
}

static void test_guarded(void **state)
{
	cleanup_free char *keys = in("keys");

	(void)state;
	setenv("HOME", top, 1);
	setenv("SKILLBOX_KEYS", keys, 1);
	unsetenv("XDG_CONFIG_HOME");
	assert_false(may("engine"));
	assert_false(may("keys"));
	assert_false(may("policy"));
	assert_false(may(".config"));
	assert_false(may(".config/skillbox"));
	assert_false(may(".config/skillbox/keys"));
	assert_false(may(""));
	assert_true(may("other"));
	assert_true(may("xdg/skillbox"));
}

/* Wherever keys are, and whoever named the place. */
static void test_keys(void **state)
{
	cleanup_free char *keys = in("keys");
	cleanup_free char *named = in("named");
	cleanup_free char *credentials = in("credentials");

	(void)state;
	setenv("HOME", top, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("SKILLBOX_KEYS");
	assert_true(may("named"));
	assert_true(may("credentials"));
	ring.place = named;
	setenv("CREDENTIALS_DIRECTORY", credentials, 1);
	assert_false(may("named"));
	assert_false(may("credentials"));
	/* What --keys has us pass over are keys all the same. */
	assert_false(may(".config/skillbox/keys"));
	assert_true(may("keys"));
	setenv("SKILLBOX_KEYS", keys, 1);
	assert_false(may("keys"));
	/* A descriptor is no place, whatever it may be called. */
	ring.place = "fd:3";
	assert_int_equal(chdir(top), 0);
	make("fd:3");
	assert_true(may("fd:3"));
	assert_true(may("named"));
	assert_false(may("credentials"));
	ring.place = NULL;
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(may("credentials"));
	assert_int_equal(chdir("/"), 0);
}

/* A service of the system has no $HOME, but its user has a home. */
static void test_no_home(void **state)
{
	(void)state;
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("SKILLBOX_KEYS");
	assert_true(may(".config/skillbox"));
	has_home = true;
	assert_false(may(".config/skillbox"));
	assert_false(may(".config/skillbox/keys"));
	assert_true(may("keys"));
	has_home = false;
}

/* Keys and secrets may be kept elsewhere, by a link in the configuration. */
static void test_linked(void **state)
{
	static const char *const names[] = { "keys", "secrets" };
	cleanup_free char *xdg = in("xdg");

	(void)state;
	setenv("XDG_CONFIG_HOME", xdg, 1);
	unsetenv("SKILLBOX_KEYS");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *link =
			sbx_asprintf("%s/skillbox/%s", xdg, names[i]);

		assert_true(may("other"));
		assert_int_equal(symlink("../../other", link), 0);
		assert_false(may("other"));
		assert_int_equal(unlink(link), 0);
	}
}

/* Where nothing is guarded, everything may be had. */
static void test_unguarded(void **state)
{
	cleanup_free char *xdg = in("xdg");

	(void)state;
	setenv("HOME", top, 1);
	setenv("XDG_CONFIG_HOME", xdg, 1);
	unsetenv("SKILLBOX_KEYS");
	assert_true(may("keys"));
	assert_true(may(".config/skillbox"));
	assert_false(may("xdg/skillbox"));
}

/* An engine that has no file, and a policy that is built in. */
static void test_nothing(void **state)
{
	cleanup_free char *path = in("engine");
	cleanup_free char *url = sbx_asprintf("npipe:/%s", path);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("SKILLBOX_KEYS");
	assert_int_equal(
		sbx_guarded_check(path, "tcp://127.0.0.1:1", NULL, NULL, &err),
		0);
	assert_int_equal(sbx_guarded_check(path, url, NULL, NULL, &err), 0);
}

/* What a link leads to is guarded, whatever went wrong before. */
static void test_link(void **state)
{
	cleanup_free char *link = in("link");
	cleanup_free char *keys = in("keys");
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	unsetenv("HOME");
	assert_int_equal(symlink("keys", link), 0);
	errno = EACCES;
	assert_int_equal(
		sbx_guarded_check(keys, "tcp://127.0.0.1:1", link, NULL, &err),
		-1);
	assert_int_equal(unlink(link), 0);
}

/* What we may not look at is where it is said to be. */
static void test_closed(void **state)
{
	cleanup_free char *closed = in("other");
	cleanup_free char *policy = in("other/below/policy.yaml");
	struct sbx_error err = SBX_ERROR_INIT;
	uid_t euid = geteuid();

	(void)state;
	unsetenv("HOME");
	assert_int_equal(sbx_guarded_check(closed, "tcp://127.0.0.1:1", policy,
					   NULL, &err),
			 0);
	assert_int_equal(chmod(closed, 0), 0);
	if (euid == 0)
		assert_int_equal(seteuid(12345), 0);
	assert_int_equal(sbx_guarded_check(closed, "tcp://127.0.0.1:1", policy,
					   NULL, &err),
			 -1);
	assert_int_equal(seteuid(euid), 0);
	assert_int_equal(chmod(closed, 0700), 0);
}

/* Paths of the environment are believed when they are paths. */
static void test_relative(void **state)
{
	cleanup_free char *keys = in(".config/skillbox");
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(chdir(top), 0);
	setenv("HOME", top, 1);
	setenv("XDG_CONFIG_HOME", "xdg", 1);
	assert_int_equal(
		sbx_guarded_check(keys, "tcp://127.0.0.1:1", NULL, NULL, &err),
		-1);
	setenv("HOME", ".", 1);
	assert_int_equal(
		sbx_guarded_check(keys, "tcp://127.0.0.1:1", NULL, NULL, &err),
		0);
	assert_int_equal(chdir("/"), 0);
}

/* The engine's data, by whatever path they are told. */
static void test_data(void **state)
{
	cleanup_free char *root = in("engine");
	cleanup_free char *below = in("engine/volumes");
	cleanup_free char *other = in("other");
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_guarded_data(root, root, &err), -1);
	assert_int_equal(sbx_guarded_data(below, root, &err), -1);
	assert_int_equal(sbx_guarded_data(top, root, &err), -1);
	assert_true(sbx_text_has_prefix(err.message, "volumes.never: "));
	err = (struct sbx_error)SBX_ERROR_INIT;
	assert_int_equal(sbx_guarded_data(other, root, &err), 0);
	assert_int_equal(sbx_guarded_data("name", root, &err), 0);
	assert_string_equal(err.message, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarded),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_no_home),
		cmocka_unit_test(test_linked),
		cmocka_unit_test(test_unguarded),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_relative),
		cmocka_unit_test(test_data),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
