/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What mount(8) and umount(8) run for our mounts: mount.cryptfs, mount.fuse.cryptfs and umount.fuse.cryptfs, all of
 * them other names of this program; and "cryptfs VAULT MOUNTPOINT -o ...", which mount.fuse3(8) runs.
 */
#ifndef CRYPTFS_CLI_MOUNT_HELPER_H
#define CRYPTFS_CLI_MOUNT_HELPER_H

/* The one that is meant by the command line, or NULL: it is none of these. */
typedef int mount_helper_fn(int argc, char **argv);
mount_helper_fn *mount_helper_of(int argc, char **argv);

#endif
