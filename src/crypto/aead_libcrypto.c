/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An EVP_CIPHER_CTX keeps its key; between the blocks of one request only the nonce changes, which
 * saves the set-up and is most of what makes this backend the faster one.
 */
#include "config.h"

#include "crypto/aead_backend.h"

#ifdef HAVE_LIBCRYPTO

#include <errno.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static EVP_CIPHER *cipher; /* fetched once; shared and read-only */

/* A library context of our own: no openssl.cnf decides what we encrypt with. */
static int fetch(void)
{
	if (cipher)
		return 0;
	OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
	if (!lib)
		return -ENOTSUP;
	cipher = EVP_CIPHER_fetch(lib, "ChaCha20-Poly1305", NULL);
	if (!cipher) {
		ERR_clear_error();
		OSSL_LIB_CTX_free(lib);
		return -ENOTSUP;
	}
	return 0; /* lib stays for as long as the process does */
}

static int begin(struct aead *a)
{
	a->state = EVP_CIPHER_CTX_new();
	return a->state ? 0 : -ENOMEM;
}

static void end(struct aead *a)
{
	EVP_CIPHER_CTX_free(a->state);
	a->state = NULL;
}

static void clear(struct aead *a)
{
	if (a->state_is_set)
		(void)EVP_CIPHER_CTX_reset(a->state); /* cleanses what it held */
	a->state_is_set = false;
}

/* Nonce, and what has changed besides. */
static bool set_up(struct aead *a, const struct aead_job *job, int enc)
{
	if (job->n > INT_MAX || job->ad_len > INT_MAX)
		return false;
	const EVP_CIPHER *c = a->state_is_set ? NULL : cipher;
	const uint8_t *key = a->state_is_set && !a->subkey_is_new ? NULL : a->subkey.b;
	if (EVP_CipherInit_ex2(a->state, c, key, job->nonce, enc, NULL) != 1)
		return false;
	a->state_is_set = true;
	a->subkey_is_new = false;
	return true;
}

static bool run(struct aead *a, const struct aead_job *job)
{
	int n;
	if (job->ad_len > 0 && EVP_CipherUpdate(a->state, NULL, &n, job->ad, (int)job->ad_len) != 1)
		return false;
	return job->n == 0 || EVP_CipherUpdate(a->state, job->out, &n, job->in, (int)job->n) == 1;
}

static bool finish(struct aead *a)
{
	uint8_t none[EVP_MAX_BLOCK_LENGTH]; /* a stream cipher keeps nothing back */
	int n;
	return EVP_CipherFinal_ex(a->state, none, &n) == 1;
}

static int failed(struct aead *a, int error)
{
	ERR_clear_error();
	clear(a); /* its key may not be what we think it is */
	return error;
}

static int seal(struct aead *a, const struct aead_job *job, uint8_t tag[static AEAD_TAG_LEN])
{
	if (!set_up(a, job, 1))
		return failed(a, -ENOMEM);
	if (!run(a, job) || !finish(a) ||
	    EVP_CIPHER_CTX_ctrl(a->state, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, tag) != 1)
		return failed(a, -EIO);
	return 0;
}

static int open_job(struct aead *a, const struct aead_job *job,
		    const uint8_t tag[static AEAD_TAG_LEN])
{
	uint8_t expected[AEAD_TAG_LEN]; /* the call below takes no const */
	for (size_t i = 0; i < sizeof(expected); i++)
		expected[i] = tag[i];
	/* Only the last of them judges what was read; the library wants memory before that. */
	if (!set_up(a, job, 0) ||
	    EVP_CIPHER_CTX_ctrl(a->state, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, expected) != 1 ||
	    !run(a, job))
		return failed(a, -ENOMEM);
	return finish(a) ? 0 : failed(a, -EBADMSG);
}

const struct aead_ops aead_libcrypto_ops = {
	.name = "libcrypto",
	.init = fetch,
	.begin = begin,
	.end = end,
	.clear = clear,
	.seal = seal,
	.open = open_job,
};

#endif
