/* SPDX-License-Identifier: GPL-3.0-or-later */
/* POSIX access control lists: stored, shown in the mode, inherited, enforced. */
#include <errno.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "posix.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"
#define USER_OBJ 0x01
#define USER 0x02
#define GROUP_OBJ 0x04
#define GROUP 0x08
#define MASK 0x10
#define OTHER 0x20
#define NOBODY 0xffffffffu
#define ENTRIES 10

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[ENTRIES];
	size_t n;
};

static void add(struct acl *a, unsigned int tag, unsigned int perm, uint32_t id)
{
	a->header.a_version = POSIX_ACL_XATTR_VERSION;
	a->entries[a->n++] = (struct posix_acl_xattr_entry){ (uint16_t)tag, (uint16_t)perm, id };
}

static size_t size_of(const struct acl *a)
{
	return sizeof(a->header) + a->n * sizeof(a->entries[0]);
}

static struct acl usual(unsigned int user, unsigned int mask, unsigned int other)
{
	struct acl a = { .n = 0 };
	add(&a, USER_OBJ, 7, NOBODY);
	add(&a, USER, user, SOMEBODY);
	add(&a, GROUP_OBJ, 5, NOBODY);
	add(&a, GROUP, 4, A_GROUP);
	add(&a, MASK, mask, NOBODY);
	add(&a, OTHER, other, NOBODY);
	return a;
}

static int set(const char *path, const char *name, const struct acl *a)
{
	return setxattr(path, name, a, size_of(a), 0);
}

static void show(const char *label, const char *path, const char *name)
{
	struct acl a;
	char text[300] = "";
	ssize_t n = getxattr(path, name, &a, sizeof(a.header) + sizeof(a.entries));
	if (n < 0) {
		say_result(label, n);
		return;
	}
	for (size_t i = 0; i < ((size_t)n - sizeof(a.header)) / sizeof(a.entries[0]); i++) {
		char one[40];
		snprintf(one, sizeof(one), " %x:%d:%o", a.entries[i].e_tag,
			 a.entries[i].e_id == NOBODY ? -1 : (int)a.entries[i].e_id, a.entries[i].e_perm);
		strcat(text, one);
	}
	say(label, "version %u,%s", a.header.a_version, text);
}

static void mode(const char *label, const char *path)
{
	struct stat sb;
	MUST(stat(path, &sb));
	say(label, "%04o", sb.st_mode & 07777);
}

static void stored(void)
{
	struct acl a = usual(6, 7, 4);
	make_file("f", "");
	MUST(mkdir("d", 0755));
	show("none", "f", ACCESS);
	RESULT(set("f", ACCESS, &a));
	show("f", "f", ACCESS);
	mode("f's mode", "f");
	RESULT(getxattr("f", ACCESS, NULL, 0));
	RESULT(getxattr("f", ACCESS, &a, 10));
	RESULT(listxattr("f", NULL, 0));
	RESULT(set("d", ACCESS, &a));
	RESULT(set("d", DEFAULT, &a));
	show("d", "d", ACCESS);
	show("d's default", "d", DEFAULT);
	mode("d's mode", "d");
	RESULT(set("f", DEFAULT, &a));
	RESULT(removexattr("d", DEFAULT));
	RESULT(removexattr("d", DEFAULT));
	show("d's default, removed", "d", DEFAULT);
	RESULT(removexattr("f", ACCESS));
	show("f, removed", "f", ACCESS);
	mode("f's mode, removed", "f");
}

/* One that says no more than the mode is not kept. */
static void minimal(void)
{
	struct acl a = { .n = 0 };
	add(&a, USER_OBJ, 6, NOBODY);
	add(&a, GROUP_OBJ, 4, NOBODY);
	add(&a, OTHER, 0, NOBODY);
	make_file("f", "");
	RESULT(set("f", ACCESS, &a));
	show("f", "f", ACCESS);
	mode("f's mode", "f");
}

static void invalid(void)
{
	struct acl a = usual(6, 7, 4), b;
	make_file("f", "");
	MUST(symlink("f", "l"));
	MUST(mkfifo("fifo", 0644));
	b = a;
	b.header.a_version = 1;
	RESULT(set("f", ACCESS, &b));
	b = a;
	b.n = 5; /* none for others */
	RESULT(set("f", ACCESS, &b));
	b = a;
	b.entries[1].e_perm = 8;
	RESULT(set("f", ACCESS, &b));
	b = a;
	b.entries[1].e_tag = 3;
	RESULT(set("f", ACCESS, &b));
	b = a;
	b.entries[3] = b.entries[1];
	RESULT(set("f", ACCESS, &b));
	RESULT(setxattr("f", ACCESS, &a, size_of(&a) - 3, 0));
	RESULT(setxattr("f", ACCESS, &a, 4, 0));
	RESULT(setxattr("f", ACCESS, "", 0, 0));
	RESULT(lsetxattr("l", ACCESS, &a, size_of(&a), 0));
	RESULT(lgetxattr("l", ACCESS, &a, size_of(&a)));
	RESULT(set("fifo", ACCESS, &a));
	show("fifo", "fifo", ACCESS);
	show("f", "f", ACCESS);
}

/* chmod's group bits are the mask, and the other way round. */
static void mask_and_mode(void)
{
	struct acl a = usual(7, 7, 5);
	make_file("f", "");
	RESULT(set("f", ACCESS, &a));
	RESULT(chmod("f", 0640));
	show("after chmod 640", "f", ACCESS);
	mode("mode", "f");
	RESULT(chmod("f", 0777));
	show("after chmod 777", "f", ACCESS);
	a = usual(7, 1, 0);
	RESULT(set("f", ACCESS, &a));
	mode("mask 1", "f");
	int fd = (int)MUST(open("f", O_RDONLY));
	RESULT(fchmod(fd, 0600));
	show("after fchmod 600", "f", ACCESS);
	MUST(link("f", "g"));
	show("by another name", "g", ACCESS);
	MUST(rename("f", "h"));
	show("renamed", "h", ACCESS);
}

static void inherited(void)
{
	struct acl a = usual(6, 7, 5);
	MUST(mkdir("d", 0755));
	RESULT(set("d", DEFAULT, &a));
	static const mode_t masks[] = { 022, 0, 077 };
	for (size_t i = 0; i < 3; i++) {
		umask(masks[i]);
		close((int)MUST(open(label_of("d/file%zu", i), O_CREAT | O_RDWR, 0666)));
		close((int)MUST(open(label_of("d/closed%zu", i), O_CREAT | O_RDWR, 0600)));
		MUST(mkdir(label_of("d/dir%zu", i), 0777));
		MUST(mkdir(label_of("d/closed-dir%zu", i), 0700));
		MUST(mkfifo(label_of("d/fifo%zu", i), 0666));
		MUST(mknod(label_of("d/node%zu", i), S_IFREG | 0640, 0));
		MUST(symlink("x", label_of("d/link%zu", i)));
		static const char *const names[] = { "file", "closed", "dir", "closed-dir", "fifo", "node" };
		for (size_t k = 0; k < 6; k++) {
			const char *path = label_of("d/%s%zu", names[k], i);
			show(label_of("%s, umask %03o", names[k], masks[i]), path, ACCESS);
			show(label_of("%s, umask %03o, default", names[k], masks[i]), path, DEFAULT);
			mode(label_of("%s, umask %03o, mode", names[k], masks[i]), path);
		}
	}
	make_file("moved", "");
	MUST(rename("moved", "d/moved"));
	show("moved into it", "d/moved", ACCESS);
	MUST(mkdir("d/dir0/deeper", 0777));
	show("deeper", "d/dir0/deeper", DEFAULT);
	close((int)MUST(open(label_of("d/%s", letters('l', 250)), O_CREAT | O_RDWR, 0666)));
	show("with a long name", label_of("d/%s", letters('l', 250)), ACCESS);
}

/* A default list that grants nothing, not even to who makes things. */
static void inherited_nothing(void)
{
	struct acl a = { .n = 0 };
	add(&a, USER_OBJ, 0, NOBODY);
	add(&a, GROUP_OBJ, 0, NOBODY);
	add(&a, OTHER, 0, NOBODY);
	MUST(mkdir("d", 0755));
	RESULT(set("d", DEFAULT, &a));
	int fd = OPENED(open("d/f", O_CREAT | O_RDWR, 0666));
	RESULT(write(fd, "written", 7));
	look("f", "d/f");
	RESULT(mkdir("d/sub", 0777));
	look("sub", "d/sub");
	RESULT(symlink(letters('t', 4000), "d/link"));
	look("link", "d/link");
	close(fd);
	MUST(chmod("d/f", 0600));
	content("f", "d/f");
	MUST(chmod("d/sub", 0700));
	make_file("d/sub/inside", "x");
}

/* ---- enforced ---- */

static void try_access(void)
{
	say("f", "%d %d %d", access("f", R_OK), access("f", W_OK), access("f", X_OK));
	int fd = OPENED(open("f", O_RDWR));
	close(fd);
	fd = OPENED(open("f", O_RDONLY));
	close(fd);
	fd = OPENED(open("d/new", O_CREAT | O_RDWR, 0644));
	close(fd);
	RESULT(unlink("d/new"));
	RESULT(access("d/inside", F_OK));
	RESULT(setxattr("f", ACCESS, "", 0, 0));
	RESULT(removexattr("f", ACCESS));
	RESULT(getxattr("f", ACCESS, NULL, 0));
}

static void enforced(void)
{
	static const struct {
		const char *name;
		unsigned int user, mask, other;
	} grants[] = { { "all", 7, 7, 0 }, { "reading", 4, 7, 0 }, { "masked", 7, 4, 0 }, { "nothing", 0, 7, 7 },
		       { "all masked", 7, 0, 7 } };
	static const gid_t groups[] = { A_GROUP };
	make_file("f", "content");
	MUST(mkdir("d", 0700));
	make_file("d/inside", "");
	as_user(SOMEBODY, SOMEBODY, NULL, 0, try_access);
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		struct acl a = usual(grants[i].user, grants[i].mask, grants[i].other);
		say("now", "%s", grants[i].name);
		RESULT(set("f", ACCESS, &a));
		RESULT(set("d", ACCESS, &a));
		as_user(SOMEBODY, SOMEBODY, NULL, 0, try_access);
		as_user(SOMEBODY_ELSE, SOMEBODY_ELSE, groups, 1, try_access);
		as_user(SOMEBODY_ELSE, SOMEBODY_ELSE, NULL, 0, try_access);
	}
	RESULT(removexattr("f", ACCESS));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, try_access);
}

/* Whoever is not of the group loses set-gid by setting a list. */
static void set_own(void)
{
	struct acl a = usual(7, 7, 5);
	RESULT(set("mine", ACCESS, &a));
	mode("mine", "mine");
	RESULT(set("roots", ACCESS, &a));
}

static void set_gid(void)
{
	static const gid_t groups[] = { A_GROUP };
	make_file("roots", "");
	make_file("mine", "");
	MUST(chown("mine", SOMEBODY, A_GROUP));
	MUST(chmod("mine", 02755));
	as_user(SOMEBODY, SOMEBODY, groups, 1, set_own);
	MUST(chmod("mine", 02755));
	as_user(SOMEBODY, SOMEBODY, NULL, 0, set_own);
}

const struct posix_case acl_cases[] = {
	{ .name = "stored", .run = stored },
	{ .name = "minimal", .run = minimal },
	{ .name = "invalid", .run = invalid },
	{ .name = "mask-and-mode", .run = mask_and_mode },
	{ .name = "inherited", .run = inherited },
	{ .name = "inherited-nothing", .run = inherited_nothing },
	{ .name = "enforced", .run = enforced, .needs = NEEDS_ROOT },
	{ .name = "set-gid", .run = set_gid, .needs = NEEDS_ROOT },
	{ .name = NULL },
};
