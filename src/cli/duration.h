/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long: numbers with units, as people write them ("15m", "1h30m", "900s", "2d").
 */
#ifndef CRYPTFS_CLI_DURATION_H
#define CRYPTFS_CLI_DURATION_H

#define DURATION_MAX (365u * 24 * 60 * 60)

/* Into seconds, 1 to DURATION_MAX. Returns 0; -ENODATA for a number without a unit, which may mean anything;
 * -ERANGE for none at all or too many; or -EINVAL. */
int duration_parse(const char *text, unsigned int *seconds);

#endif
