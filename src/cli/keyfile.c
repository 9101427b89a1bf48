/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "crypto/kdf.h"
#include "crypto/keymem.h"

#define LABEL "cryptfs keyfile v1"
#define LABEL_BOTH "cryptfs keyfile and passphrase v1"
#define PIECE 4096u

int keyfile_open(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) :
					  open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Returns how much there was, or -errno. */
static ssize_t add_all(int fd, struct kdf_stream *s, uint8_t *buf)
{
	size_t all = 0;
	for (;;) {
		ssize_t n = read(fd, buf, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : (ssize_t)all;
		all += (size_t)n;
		if (all > KEYFILE_MAX)
			return -EFBIG;
		kdf_stream_add(s, buf, (size_t)n);
	}
}

int keyfile_read(int fd, uint8_t secret[static KEYFILE_SECRET_LEN])
{
	_cleanup_key_ uint8_t *buf = keymem_alloc(PIECE);
	_cleanup_key_ struct kdf_stream *s = kdf_stream_new(KEYFILE_SECRET_LEN, NULL, 0);
	if (!buf || !s)
		return -ENOMEM;
	kdf_stream_add(s, LABEL, strlen(LABEL));
	ssize_t n = add_all(fd, s, buf);
	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	kdf_stream_end(s, secret);
	return 0;
}

void keyfile_secret(uint8_t secret[static KEYFILE_SECRET_LEN], const uint8_t *content, size_t n)
{
	kdf_hash(secret, KEYFILE_SECRET_LEN, NULL, 0, LABEL, strlen(LABEL), content, n);
}

void keyfile_combine(uint8_t out[static KEYFILE_SECRET_LEN], const uint8_t secret[static KEYFILE_SECRET_LEN],
		     const uint8_t *passphrase, size_t n)
{
	kdf_hash(out, KEYFILE_SECRET_LEN, secret, KEYFILE_SECRET_LEN, LABEL_BOTH, strlen(LABEL_BOTH), passphrase, n);
}
