/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a process does before it touches a secret.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "cli/cli.h"
#include "crypto/aead.h"
#include "crypto/keymem.h"

int secrets_prepare(bool debug)
{
	if (!debug) {
		const struct rlimit none = { 0, 0 };
		(void)setrlimit(RLIMIT_CORE, &none);
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	}

	int err = keymem_init();
	if (err < 0)
		return exit_crypto(err, "memory for keys");
	err = aead_init();
	if (err < 0)
		return exit_fail(EXIT_FAILED,
				 "the cipher's self-test failed: this machine or its libsodium or libcrypto "
				 "computes wrongly, and nothing was touched");
	return 0;
}
