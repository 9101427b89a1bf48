/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the cases share. A case does things in a directory of its own, which is its working directory, and says what
 * it sees, a line for each thing: "family.case: label = observation". What it says must depend on nothing but the
 * filesystem: no inode numbers, no times, no order that the system may choose.
 */
#ifndef CRYPTFS_POSIX_H
#define CRYPTFS_POSIX_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct posix_case {
	const char *name;
	void (*run)(void);
	unsigned int needs;
};

enum {
	NEEDS_ROOT = 1, /* changes users */
	NEEDS_TIME = 2, /* takes seconds; runs with -s only */
};

/* Each ends with an entry without a name. */
extern const struct posix_case acl_cases[], content_cases[], copy_cases[], direct_cases[], dirs_cases[], errno_cases[];
extern const struct posix_case fallocate_cases[], flags_cases[], limits_cases[], link_cases[], lock_cases[];
extern const struct posix_case mapping_cases[], mode_cases[], names_cases[], open_cases[], paths_cases[];
extern const struct posix_case readdir_cases[], rename_cases[], seek_cases[], special_cases[], symlink_cases[];
extern const struct posix_case sync_cases[], times_cases[], unlinked_cases[], users_cases[], utimes_cases[];
extern const struct posix_case watch_cases[], xattr_cases[], xattr_root_cases[];

/* Somebody who is not root, and whose group is only his. */
#define SOMEBODY 54321u
#define SOMEBODY_ELSE 54322u
#define A_GROUP 54400u

/* ---- saying ---- */

void say(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A label or path made of parts; good until two hundred more have been made. */
const char *label_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The result of a system call: its value, or the name of the error. Returns it. */
long say_result(const char *label, long result);
/* Of one that gives a descriptor: "open", or the name of the error. Returns it. */
int say_fd(const char *label, int fd);
/* Name of an error. */
const char *error_name(int error);

#define RESULT(call) say_result(#call, (long)(call))
#define OPENED(call) say_fd(#call, (call))

/* Set-up that cannot fail; if it does that is said, and ends the case. */
#define MUST(call) must(#call, (long)(call))
long must(const char *what, long result);

/* ---- looking ---- */

/* Kind, mode, links, owner (as "me", "root" or a number), and a file's size. */
void look(const char *label, const char *path);
void look_fd(const char *label, int fd);
/* "none", "file", "dir" and so on. */
const char *kind_of(const char *path);
/* Size and a hash of a file's content. */
void content(const char *label, const char *path);
void content_fd(const char *label, int fd);
uint64_t hash_of(const void *data, size_t n);

/* ---- making ---- */

void make_file(const char *path, const char *text);
/* So many bytes, none of them zero, that differ by seed. */
void make_data(const char *path, size_t n, unsigned int seed);
void make_full_dir(const char *path);
void fill(void *buf, size_t n, unsigned int seed);
/* n times the same letter and NUL; good until the next but three. */
const char *letters(char c, size_t n);

/* ---- others ---- */

/* A child that runs f as this user (with uid 0: as we are), waited for. What it says counts as ours. */
void as_user(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, void (*f)(void));
/* A child that runs f; its process ID. */
pid_t start(void (*f)(void));
/* Wait for it: "exit N" or the signal's name. */
void say_end(const char *label, pid_t pid);
/* The calling process's signals are answered by nothing, so that calls are interrupted. */
void interrupt_by(int signal);
/* Until the clock that files are stamped by has moved on. */
void wait_tick(void);

#endif
