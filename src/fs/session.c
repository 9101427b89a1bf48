/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "fs/channel.h"
#include "fs/loop.h"
#include "fs/node.h"
#include "fs/ops.h"
#include "fs/seeker.h"
#include "fs/signals.h"
#include "fs/tender.h"
#include "store/scratch.h"

#define SESSION_TIMEOUT_PRIVATE 86400.0
#define SESSION_TIMEOUT_SHARED 0.5
#define SESSION_BACKGROUND 64
#define SESSION_DIRS_MIN 16
#define SESSION_DIRS_MAX 4096

/* ---- the handshake ---- */

/* Every capability that is decided here: asked for (if offered), or taken out of libfuse's own choice. */
static const struct session_cap {
	unsigned int cap;
	bool in_private;
	bool in_shared;
	const char *name;
} session_caps[] = {
	{ FUSE_CAP_WRITEBACK_CACHE, true, false, "writeback cache" },
	{ FUSE_CAP_CACHE_SYMLINKS, true, false, "cached links" },
	{ FUSE_CAP_PARALLEL_DIROPS, true, true, "parallel directory operations" },
	{ FUSE_CAP_READDIRPLUS, true, true, "readdirplus" },
	{ FUSE_CAP_READDIRPLUS_AUTO, true, true, "readdirplus when it pays" },
	{ FUSE_CAP_ASYNC_READ, true, true, "parallel reads" },
	/* With a writeback cache the kernel sets its own idea of the size to 0 once more, some time after the
	 * open, without telling: what another has written and closed meanwhile would be there below, and not
	 * to it. */
	{ FUSE_CAP_ATOMIC_O_TRUNC, false, true, "open with truncation" },
	/* In private mode sizes and times are the kernel's: nothing else changes them. */
	{ FUSE_CAP_AUTO_INVAL_DATA, false, true, "invalidation by mtime" },
	/* Its second version, which channel.c asks for, tells when they are to be cleared. */
	{ FUSE_CAP_HANDLE_KILLPRIV, false, false, "clearing of set-id bits at any write" },
	/* All bytes pass through the cipher: nothing to splice. */
	{ FUSE_CAP_SPLICE_READ, false, false, "splice" },
	{ FUSE_CAP_SPLICE_WRITE, false, false, "splice" },
	{ FUSE_CAP_SPLICE_MOVE, false, false, "splice" },
	/* A node id is an address: no handles that outlive a node. */
	{ FUSE_CAP_EXPORT_SUPPORT, false, false, "export" },
	{ FUSE_CAP_POSIX_ACL, true, true, "access control lists" },
	{ FUSE_CAP_DONT_MASK, true, true, "own umask" },
	{ FUSE_CAP_FLOCK_LOCKS, false, false, "remote locks" },
	{ FUSE_CAP_POSIX_LOCKS, false, false, "remote locks" },
};

/* With ACLs the kernel leaves it to us whether the umask counts. */
#define SESSION_ACL_CAPS (FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK)

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;
	for (size_t i = 0; i < sizeof(session_caps) / sizeof(session_caps[0]); i++) {
		const struct session_cap *c = &session_caps[i];
		bool want = fs->shared ? c->in_shared : c->in_private;
		if (c->cap & SESSION_ACL_CAPS)
			want = fs->st->acls;
		if (want && (conn->capable & c->cap))
			conn->want |= c->cap;
		else
			conn->want &= ~c->cap;
		log_debug("%s: %s", c->name, conn->want & c->cap ? "on" : "off");
	}
	/* Before 5.8 it kept errors of writing back to itself then; 7.32 is 5.10. */
	fs->no_flush = !fs->shared && conn->proto_minor >= 32;
	fs->no_opendir = !fs->shared && (conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT);
	conn->max_write = SCRATCH_BYTES;
	conn->max_readahead = SCRATCH_BYTES;
	conn->max_background = SESSION_BACKGROUND;
	conn->congestion_threshold = SESSION_BACKGROUND * 3 / 4;
	conn->time_gran = 1;
	if (fs->ready)
		fs->ready(fs->ready_arg);
}

/* ---- options ---- */

/* Commas and backslashes within an option's value are escaped for libfuse's parser. */
static int session_add_value(struct fuse_args *args, const char *option, const char *value)
{
	size_t n = strlen(option);
	char *text = malloc(n + 2 * strlen(value) + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, option, n);
	char *at = text + n;
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			*at++ = '\\';
		*at++ = *value;
	}
	*at = '\0';
	int r = fuse_opt_add_arg(args, text);
	free(text);
	return r == 0 ? 0 : -ENOMEM;
}

static int session_args(const struct session_options *opt, struct fuse_args *args)
{
	int r = 0;
	r |= fuse_opt_add_arg(args, "cryptfs");
	r |= session_add_value(args, "-ofsname=", opt->vault_path);
	r |= fuse_opt_add_arg(args, "-osubtype=cryptfs,default_permissions");
	if (opt->read_only)
		r |= fuse_opt_add_arg(args, "-oro");
	if (opt->allow_other)
		r |= fuse_opt_add_arg(args, "-oallow_other");
	if (opt->fuse_opts) {
		r |= fuse_opt_add_arg(args, "-o");
		r |= fuse_opt_add_arg(args, opt->fuse_opts);
	}
	if (opt->debug)
		r |= fuse_opt_add_arg(args, "-odebug");
	return r ? -ENOMEM : 0;
}

/* libfuse's messages go where ours go, but for two: that the kernel has hung up is how a mount ends, and what a
 * shortage of memory means is said by the loop. */
__attribute__((format(printf, 2, 0))) static void session_log(enum fuse_log_level level, const char *fmt,
							      va_list ap)
{
	static const char *const unsaid[] = { "fuse: reading device", "fuse: failed to allocate read buffer" };
	for (size_t i = 0; i < sizeof(unsaid) / sizeof(unsaid[0]); i++)
		if (strncmp(fmt, unsaid[i], strlen(unsaid[i])) == 0)
			level = FUSE_LOG_DEBUG;
	enum log_level ours = level <= FUSE_LOG_ERR       ? LOG_LEVEL_ERROR
			      : level <= FUSE_LOG_WARNING ? LOG_LEVEL_WARN
			      : level <= FUSE_LOG_INFO    ? LOG_LEVEL_INFO
							  : LOG_LEVEL_DEBUG;
	log_vmessage(ours, fmt, ap);
}

/* ---- the run ---- */

/* Returns a pipe that nobody reads, or -errno. */
static int session_broken_pipe(void)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	close(ends[0]);
	return ends[1];
}

/* Hang up ourselves: whoever still uses the mount gets errors. A broken pipe takes the descriptor's place, which
 * looks to libfuse like a mount that is gone, so that it does not unmount by itself: that is by name (where a
 * detached mount that is still in use was, another may lie now), and more than we may do. */
static void session_hang_up(const struct fs *fs)
{
	(void)dup3(fs->broken, fuse_session_fd(fs->se), O_CLOEXEC);
}

static void session_unmount(struct fs *fs)
{
	if (!loop_hung_up(fs->se, 0)) {
		session_hang_up(fs);
		int r = attendant_detach(fs->opt->attendant);
		if (r < 0 && r != -ESTALE)
			log_error("the mount cannot be taken away, and lies there dead: %s",
				  r == -EPIPE ? "the attendant has been killed" : strerror(-r));
	}
	fuse_session_unmount(fs->se);
}

/* The mount is up, and there are no threads yet. */
static void session_settle(struct fs *fs)
{
	const struct sandbox_options opt = {
		.use = SANDBOX_SERVE,
		.vault_fd = fs->st->root_fd,
		.read_only = fs->read_only,
	};
	(void)attendant_mounted(fs->opt->attendant);
	if (!fs->opt->no_sandbox)
		sandbox_enter(&opt, &fs->sandbox);
}

/* Serve until the end. */
static int session_threads(struct fs *fs)
{
	struct signals *signals = NULL;
	int r = 0;
	if (!fs->read_only)
		r = tender_start(fs, &fs->tender);
	if (r == 0)
		r = seeker_start(fs->se, &fs->seeker);
	if (r == 0)
		r = signals_start(fs, &signals);
	if (r == 0)
		r = loop_run(fs->loop);
	int lost = signals_stop(signals);
	seeker_stop(fs->seeker);
	return r == 0 ? lost : r;
}

/* Mount, serve, unmount. */
static int session_mount(struct fs *fs)
{
	signals_block(); /* before any other thread, and before there is a mount to be left behind */
	if (fuse_session_mount(fs->se, fs->opt->mountpoint) != 0)
		return SESSION_MOUNT_FAILED;
	session_settle(fs);
	int r = channel_take(fs);
	if (r == 0)
		r = session_threads(fs);
	session_unmount(fs);
	tender_stop(fs->tender);
	return r;
}

static int session_serve(struct fs *fs, struct fuse_args *args)
{
	struct fuse_lowlevel_ops ops = { .init = op_init };
	ops_node_install(&ops);
	ops_dir_install(&ops);
	ops_list_install(&ops);
	ops_file_install(&ops);
	ops_xattr_install(&ops);

	fs->se = fuse_session_new(args, &ops, sizeof(ops), fs);
	if (!fs->se)
		return SESSION_MOUNT_FAILED;
	int r = loop_new(fs->se, &fs->loop);
	if (r == 0)
		r = session_mount(fs);
	fuse_session_destroy(fs->se);
	loop_free(fs->loop);
	return r;
}

static int session_fs_init(struct fs *fs, struct store *st, const struct session_options *opt)
{
	struct dir *root = NULL;
	fs->st = st;
	st->alone = !opt->shared;
	fs->opt = opt;
	fs->read_only = opt->read_only;
	fs->shared = opt->shared;
	fs->serve_others = geteuid() == 0;
	fs->timeout = opt->shared ? SESSION_TIMEOUT_SHARED : SESSION_TIMEOUT_PRIVATE;
	fs->since = time(NULL);
	fs->broken = session_broken_pipe();
	if (fs->broken < 0)
		return fs->broken;
	node_dircache_init(&fs->dirs, io_fd_share(4, SESSION_DIRS_MIN, SESSION_DIRS_MAX));
	pthread_mutex_init(&fs->listings.lock, NULL);
	rest_init(&fs->rest);
	damage_init(&fs->damage);
	st->damaged = damage_told;
	st->damaged_arg = fs;
	idle_init(&fs->idle, opt->idle);
	int r = dir_open_root(st, &root);
	if (r == 0)
		r = inode_table_init(&fs->inodes, root);
	fs->inodes.dying = node_dying;
	fs->inodes.dying_arg = fs;
	return r;
}

int session_run(const struct vault *v, int root_fd, const struct session_options *opt,
		void (*ready)(void *arg), void *arg)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fs fs = { .ready = ready, .ready_arg = arg, .broken = -1 };
	struct store *st = NULL;

	umask(0);
	fuse_set_log_func(session_log);
	int r = store_open(v, root_fd, opt->read_only, &st);
	if (r == 0)
		r = session_fs_init(&fs, st, opt);
	if (r == 0)
		r = session_args(opt, &args);
	if (r == 0) {
		r = session_serve(&fs, &args);
		damage_end(&fs.damage);
		listings_forget(&fs.listings, NULL);
		inode_table_destroy(&fs.inodes);
	}
	fuse_opt_free_args(&args);
	cleanup_fd(&fs.broken);
	scratch_drop();
	store_free(st);
	return r;
}
