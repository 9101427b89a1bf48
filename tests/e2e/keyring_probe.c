/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One call of the keyring's room: "keyring_probe store ID SLOT LABEL HEX", "lookup ID SLOT", "remove ID SLOT", "built".
 * Says the result on standard output ("ok", "ok HEX", "EACCES"), and ends with 0 unless the call has left something
 * behind: a child, a descriptor, half a secret.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/bytes.h"
#include "base/codec.h"
#include "crypto/keymem.h"
#include "keyring/keyring.h"

static int fail(const char *why)
{
	(void)fprintf(stderr, "keyring_probe: %s\n", why);
	return 1;
}

static int open_files(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n;
}

/* A verb's result, or 1 if there is no such verb. */
static int call(int argc, char **argv, uint8_t *secret)
{
	const struct keyring_item item = { argv[2], (unsigned int)atoi(argv[3]) };
	if (argc == 6 && strcmp(argv[1], "store") == 0)
		return codec_hex_decode(secret, KEYRING_SECRET_LEN, argv[5]) == 0 ?
			       keyring_store(&item, argv[4], secret) :
			       1;
	if (argc == 4 && strcmp(argv[1], "lookup") == 0)
		return keyring_lookup(&item, secret);
	if (argc == 4 && strcmp(argv[1], "remove") == 0)
		return keyring_remove(&item);
	return 1;
}

int main(int argc, char **argv)
{
	char hex[2 * KEYRING_SECRET_LEN + 1];
	if (argc == 2 && strcmp(argv[1], "built") == 0)
		return !keyring_is_built();
	if (argc < 4 || keymem_init() != 0)
		return fail("usage: keyring_probe store|lookup|remove ID SLOT [LABEL HEX]");
	_cleanup_key_ uint8_t *secret = keymem_alloc(KEYRING_SECRET_LEN);
	_cleanup_fd_ int lock = open("/proc/self/comm", O_RDONLY); /* not for the child; a test looks */
	if (!secret || lock < 0)
		return fail("no memory, or no /proc");
	const int before = open_files();
	memset(secret, 0x5a, KEYRING_SECRET_LEN);
	int r = call(argc, argv, secret);
	if (r > 0)
		return fail("what is to be done?");
	if (open_files() != before)
		return fail("descriptors are left open");
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		return fail("a child is left");
	if (r < 0 && strcmp(argv[1], "lookup") == 0 && !bytes_are_zero(secret, KEYRING_SECRET_LEN))
		return fail("no secret, and not zeros");
	codec_hex_encode(hex, secret, KEYRING_SECRET_LEN);
	(void)printf("%s %s\n", r < 0 ? strerrorname_np(-r) : "ok",
		     r == 0 && strcmp(argv[1], "lookup") == 0 ? hex : "");
	return 0;
}
