/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <sodium.h>

#include "crypto/aead_backend.h"

static int sodium_ready(void)
{
	return sodium_init() < 0 ? -ENOTSUP : 0;
}

/* No state: libsodium takes the key with each message. */
static int begin(struct aead *a)
{
	a->state = NULL;
	return 0;
}

static void nothing(struct aead *a)
{
	(void)a;
}

static int seal(struct aead *a, const struct aead_job *job, uint8_t tag[static AEAD_TAG_LEN])
{
	int r = crypto_aead_chacha20poly1305_ietf_encrypt_detached(job->out, tag, NULL, job->in,
								   job->n, job->ad, job->ad_len,
								   NULL, job->nonce, a->subkey.b);
	return r == 0 ? 0 : -EIO;
}

static int open_job(struct aead *a, const struct aead_job *job,
		    const uint8_t tag[static AEAD_TAG_LEN])
{
	int r = crypto_aead_chacha20poly1305_ietf_decrypt_detached(job->out, NULL, job->in, job->n,
								   tag, job->ad, job->ad_len,
								   job->nonce, a->subkey.b);
	return r == 0 ? 0 : -EBADMSG;
}

const struct aead_ops aead_sodium_ops = {
	.name = "libsodium",
	.init = sodium_ready,
	.begin = begin,
	.end = nothing,
	.clear = nothing,
	.seal = seal,
	.open = open_job,
};
