/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <errno.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/mountinfo.h"

#define OURS "41 27 0:57 / /home/a/Private rw,nosuid,nodev - fuse.cryptfs /home/a/.vault rw,user_id=0\n"

static const struct {
	const char *line;
	const struct mountinfo is;
} lines[] = {
	{ OURS, { (char *)"/home/a/Private", (char *)"/home/a/.vault", .ours = true, .id = 41 } },
	/* optional fields, however many, up to the dash */
	{ "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue",
	  { (char *)"/mnt2", (char *)"/dev/root", .id = 36 } },
	{ "1 2 3:4 / /a\\040b\\011\\012\\134 ro - fuse.cryptfs v\\040w rw",
	  { (char *)"/a b\t\n\\", (char *)"v w", .ours = true, .id = 1, .read_only = true } },
	{ "1 2 3:4 / /r rw - ext4 d ro,x",
	  { (char *)"/r", (char *)"d", .id = 1, .read_only = true, .disk_read_only = true } },
	{ "1 2 3:4 / /r rooted - ext4 d rot", { (char *)"/r", (char *)"d", .id = 1 } },
	/* no source, and what only looks like an escape */
	{ "1 2 3:4 / /\\08\\9\\04 rw - tmpfs", { (char *)"/\\08\\9\\04", (char *)"", .id = 1 } },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(lines); i++) {
		_cleanup_mountinfo_ struct mountinfo e;
		assert_int_equal(mountinfo_parse(lines[i].line, &e), 0);
		assert_string_equal(e.mountpoint, lines[i].is.mountpoint);
		assert_string_equal(e.source, lines[i].is.source);
		assert_int_equal(e.ours, lines[i].is.ours);
		assert_int_equal(e.id, lines[i].is.id);
		assert_int_equal(e.read_only, lines[i].is.read_only);
		assert_int_equal(e.disk_read_only, lines[i].is.disk_read_only);
	}
}

static void test_user(void **state)
{
	static const struct {
		const char *options;
		uid_t user;
	} users[] = {
		{ "rw,user_id=1000,group_id=5", 1000 },
		{ "user_id=0", 0 },
		{ "rw,user_id=4294967294", 4294967294 },
		{ "rw,no_user_id=3", (uid_t)-1 },
		{ "rw,group_id=1000", (uid_t)-1 },
		{ "rw,user_id=", (uid_t)-1 },
		{ "", (uid_t)-1 },
	};
	(void)state;
	for (size_t i = 0; i < N_OF(users); i++) {
		_cleanup_mountinfo_ struct mountinfo e;
		char line[128];
		snprintf(line, sizeof(line), "41 27 0:57 / /m rw - fuse.cryptfs v %s\n", users[i].options);
		assert_int_equal(mountinfo_parse(line, &e), 0);
		assert_int_equal(e.user, users[i].user);
		assert_int_equal(e.parent, 27);
	}
}

static void test_device(void **state)
{
	(void)state;
	_cleanup_mountinfo_ struct mountinfo e;
	assert_int_equal(mountinfo_parse(OURS, &e), 0);
	assert_true(e.dev == makedev(0, 57));
}

/* Every beginning of a line is a line or none, and nothing is left to be freed. */
static void test_cut_off(void **state)
{
	(void)state;
	const size_t enough = strlen("41 27 0:57 / /home/a/Private rw,nosuid,nodev - f");
	for (size_t n = 0; n < strlen(OURS); n++) {
		_cleanup_free_ char *cut = strndup(OURS, n);
		struct mountinfo e;
		assert_non_null(cut);
		assert_int_equal(mountinfo_parse(cut, &e), n < enough ? -EINVAL : 0);
		if (n >= enough)
			mountinfo_free(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_cut_off),
	};
	return RUN_TAP(tests, NULL, NULL);
}
