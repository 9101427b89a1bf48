/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets on paper: bytes as groups of five characters in Crockford's base32 (https://www.crockford.com/base32.html; no
 * I, L, O, U), the last of each group a check character that depends on the number of the group as well: one wrong
 * character, two exchanged ones or two exchanged groups are told for certain, and which group it is. Pure: knows text
 * and bytes. doc/format.md 7.1.
 */
#ifndef CRYPTFS_VAULT_RECOVERY_H
#define CRYPTFS_VAULT_RECOVERY_H

#include <stddef.h>
#include <stdint.h>

#define RECOVERY_LEN 20u	/* bytes of a recovery code: 160 bits, 8 groups */
#define RECOVERY_BYTES_MAX 40u	/* that these functions take */
#define RECOVERY_GROUP 5u	/* characters, the last of them for checking */

/* Groups that n bytes need: 4 characters of 5 bits each. */
#define RECOVERY_GROUPS(n) (((n) * 8u + 19u) / 20u)
/* Room for the text: groups with dashes between, and a NUL. */
#define RECOVERY_TEXT_SIZE(n) (RECOVERY_GROUPS(n) * (RECOVERY_GROUP + 1u))

/* Write n bytes (1..RECOVERY_BYTES_MAX) as text of RECOVERY_TEXT_SIZE(n). Leftover bits are zero. Both may be in the
 * arena; nothing else holds a copy when it returns. */
void recovery_encode(char *text, const uint8_t *bytes, size_t n);

/* The other way round, from len characters, of any value, without regard to case, dashes, blanks and tabs; I and L are
 * taken for 1, O for 0. Read from the left, the first fault counts. Returns 0, or with zeros in bytes:
 * -EINVAL   *group, from 1, is not what was printed: mistyped, too short or not there
 * -EILSEQ   a character that is none of the alphabet's, in or before *group, or behind the last
 * -E2BIG    more than n bytes need
 * -ENODATA  nothing but dashes, blanks and tabs
 * *group is 0 unless said. */
int recovery_decode(uint8_t *bytes, size_t n, const char *text, size_t len, unsigned int *group);

#endif
