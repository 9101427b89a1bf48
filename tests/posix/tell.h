/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CRYPTFS_POSIX_TELL_H
#define CRYPTFS_POSIX_TELL_H

/* What is said from now on is of this case. */
void tell_begin(const char *name);

#endif
