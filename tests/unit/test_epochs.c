/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks, attributes and directory IDs of two epochs, in a vault that has the keys of both. */
#include "store.h"

#include <linux/limits.h>
#include <sys/xattr.h>

#include "base/bytes.h"
#include "store/block.h"
#include "store/xattr.h"

static uint8_t nonce[CONTENT_FILE_NONCE_LEN] = "a file nonce, 24 bytes.";
static uint8_t plain[CONTENT_PAYLOAD] = "what the block holds";

/* The fixture's vault, with the keys of an epoch before. */
static struct vault *two_epochs(struct fixture *x, struct vault *past)
{
	uint8_t siv_key[SIV_KEY_LEN];
	*past = (struct vault){ .keys = keymem_alloc(sizeof(*past->keys)) };
	assert_non_null(past->keys);
	count_up((uint8_t *)past->keys, sizeof(*past->keys), 100);
	count_up(siv_key, sizeof(siv_key), 50);
	past->names = siv_new(siv_key);
	past->xattr_names = siv_new(siv_key);
	x->vault.settings.epoch = 7;
	past->settings.epoch = 6;
	x->vault.past = past;
	return past;
}

static void one_epoch(struct fixture *x)
{
	siv_free(x->vault.past->names);
	siv_free(x->vault.past->xattr_names);
	keymem_free(x->vault.past->keys);
	x->vault.past = NULL;
}

static void seal(const struct fixture *x, struct scratch *sc, uint64_t k, uint16_t epoch, uint16_t header_epoch,
		 uint8_t *page)
{
	struct block_nonce draw;
	const struct content_meta meta = { .used = 1000 };
	struct content_header header = { .epoch = header_epoch };
	memcpy(header.file_nonce, nonce, sizeof(nonce));
	block_set_file(x->st, sc, epoch, nonce);
	block_nonce_draw(&draw);
	assert_int_equal(block_seal(sc, k, &draw, &meta, k == 0 ? &header : NULL, plain, page), 0);
	assert_int_equal(content_meta_epoch(page + CONTENT_META_OFF), epoch);
}

static int open_page(const struct fixture *x, struct scratch *sc, uint64_t k, uint16_t epoch, const uint8_t *page)
{
	struct content_meta meta;
	uint8_t out[CONTENT_PAYLOAD];
	block_set_file(x->st, sc, epoch, nonce);
	int r = block_open(sc, k, page, &meta, out);
	if (r == 0)
		assert_memory_equal(out, plain, meta.used - content_sealed_off(k));
	return r;
}

/* Whatever epoch a file's header is of, its blocks open in their own. */
static void test_blocks(void **state)
{
	struct fixture *x = *state;
	struct vault past;
	uint8_t page[CONTENT_PAGE];
	two_epochs(x, &past);
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	assert_non_null(sc);
	for (uint16_t of = 6; of <= 7; of++) {
		for (uint16_t header = 6; header <= 7; header++) {
			for (uint64_t k = 0; k < 3; k++) {
				seal(x, sc, k, of, of, page);
				assert_int_equal(open_page(x, sc, k, header, page), 0);
			}
		}
	}
	one_epoch(x);
}

static void test_blocks_of_others(void **state)
{
	struct fixture *x = *state;
	struct vault past;
	uint8_t page[CONTENT_PAGE];
	two_epochs(x, &past);
	_cleanup_scratch_ struct scratch *sc = scratch_get();
	assert_non_null(sc);
	const uint16_t others[] = { 0, 5, 6, 8, 65535 };
	for (size_t i = 0; i < N_OF(others); i++) {
		seal(x, sc, 1, 7, 7, page);
		put_le16(page + CONTENT_META_OFF + 2, others[i]);
		assert_int_equal(open_page(x, sc, 1, 7, page), -EBADMSG);
		assert_int_equal(open_page(x, sc, 1, 6, page), -EBADMSG);
	}
	seal(x, sc, 0, 7, 6, page);
	assert_int_equal(open_page(x, sc, 0, 7, page), -EUCLEAN);
	seal(x, sc, 0, 6, 7, page);
	assert_int_equal(open_page(x, sc, 0, 6, page), -EUCLEAN);
	seal(x, sc, 1, 6, 6, page);
	one_epoch(x);
	assert_int_equal(open_page(x, sc, 1, 7, page), -EBADMSG);
}

static size_t listed(const struct fixture *x, int fd)
{
	char list[1024];
	ssize_t n = xattr_list(x->st, fd, true, list, sizeof(list));
	assert_true(n >= 0);
	return (size_t)n;
}

/* Set one under the keys of the epoch before, beside what there is. */
static void set_past(struct fixture *x, int fd, const char *name, const char *value)
{
	struct vault now = x->vault;
	x->vault.names = now.past->names;
	x->vault.xattr_names = now.past->xattr_names;
	x->vault.keys = now.past->keys;
	x->vault.past = NULL;
	assert_int_equal(xattr_set(x->st, fd, name, value, strlen(value), 0), 0);
	x->vault = now;
}

/* As a cut between setting an attribute anew and removing the old one leaves it. */
static void test_attribute_under_both(void **state)
{
	struct fixture *x = *state;
	struct vault past;
	char got[64], longer[XATTR_NAME_MAX + 1] = "user.";
	memset(longer + 5, 'n', 240);
	longer[245] = '\0';
	_cleanup_fd_ int fd = openat(x->dir->fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	SKIP_IF(fsetxattr(fd, "user.probe", "", 0, 0) != 0 || fremovexattr(fd, "user.probe") != 0,
		"no extended attributes here");
	const char *names[] = { "user.a", longer };
	two_epochs(x, &past);
	for (size_t i = 0; i < N_OF(names); i++) {
		size_t one = strlen(names[i]) + 1;
		set_past(x, fd, names[i], "old");
		assert_int_equal(listed(x, fd), one);
		assert_int_equal(xattr_get(x->st, fd, names[i], got, sizeof(got)), 3);
		assert_int_equal(xattr_set(x->st, fd, names[i], "x", 1, XATTR_CREATE), -EEXIST);
		assert_int_equal(xattr_renew(x->st, fd), 0);
		assert_int_equal(flistxattr(fd, NULL, 0) > 0, 1);
		assert_int_equal(listed(x, fd), one);

		set_past(x, fd, names[i], "older");
		assert_int_equal(listed(x, fd), one);
		assert_int_equal(xattr_set(x->st, fd, names[i], "new", 3, XATTR_REPLACE), 0);
		assert_int_equal(xattr_get(x->st, fd, names[i], got, sizeof(got)), 3);
		assert_memory_equal(got, "new", 3);
		assert_int_equal(xattr_remove(x->st, fd, names[i]), 0);
		assert_int_equal(xattr_get(x->st, fd, names[i], got, sizeof(got)), -ENODATA);
		assert_int_equal(xattr_remove(x->st, fd, names[i]), -ENODATA);
		assert_int_equal(flistxattr(fd, NULL, 0), 0);
	}
	set_past(x, fd, "user.a", "old");
	assert_int_equal(xattr_set(x->st, fd, "user.b", "b", 1, 0), 0);
	one_epoch(x);
	assert_int_equal(listed(x, fd), sizeof("user.b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_blocks),
		FIXTURE_TEST(test_blocks_of_others),
		FIXTURE_TEST(test_attribute_under_both),
	};
	return RUN_TAP(tests, fixture_group_setup, fixture_group_teardown);
}
