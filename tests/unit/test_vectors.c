/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vectors of tests/vectors (its README.md says what they are) against crypto, format and vault.
 * They come from an implementation that was written from doc/format.md alone.
 */
#include "vectors.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/io.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "crypto/siv.h"
#include "format/content.h"
#include "format/name.h"
#include "vault/keyslot.h"
#include "vault/recovery.h"
#include "vault/vault.h"

#define ROOM 8192u /* more than any one sealed thing in the vectors */

static void cleanup_siv(struct siv **s)
{
	siv_free(*s);
}

static void cleanup_aead(struct aead **a)
{
	aead_free(*a);
}

#define _cleanup_siv_ _cleanup_(cleanup_siv)
#define _cleanup_aead_ _cleanup_(cleanup_aead)

static json_t *load(const char *name)
{
	char path[4096];
	const char *dir = getenv("srcdir");
	snprintf(path, sizeof(path), "%s/tests/vectors/%s.json", dir ? dir : ".", name);
	json_error_t err;
	json_t *j = json_load_file(path, JSON_ALLOW_NUL, &err);
	if (!j)
		fail_msg("%s: %s", path, err.text);
	return j;
}

static json_t *list_of(json_t *top)
{
	json_t *list = json_is_array(top) ? top : json_object_get(top, "vectors");
	assert_true(json_array_size(list) > 0);
	return list;
}

static struct key32 *key_of(const json_t *v, const char *name)
{
	_cleanup_vec_ struct vec b = vec_hex(v, name);
	struct key32 *key = keymem_alloc(sizeof(*key));
	assert_non_null(key);
	assert_int_equal(b.n, sizeof(key->b));
	memcpy(key->b, b.p, b.n);
	return key;
}

static struct siv *siv_of(const json_t *v, const char *name)
{
	_cleanup_vec_ struct vec b = vec_hex(v, name);
	assert_int_equal(b.n, SIV_KEY_LEN);
	struct siv *s = siv_new(b.p);
	assert_non_null(s);
	return s;
}

static struct aead *aead_of(const json_t *v, const char *name)
{
	_cleanup_key_ struct key32 *key = key_of(v, name);
	struct aead *a = aead_new();
	assert_non_null(a);
	aead_set_key(a, key);
	return a;
}

/* Run over all vectors with each backend that is built in. */
static void each_backend(json_t *top, void (*run)(json_t *top))
{
	static const enum aead_backend backends[] = { AEAD_SODIUM, AEAD_LIBCRYPTO };
	for (size_t i = 0; i < 2; i++) {
		if (aead_use(backends[i]) == -ENOTSUP)
			continue;
		print_message("# with %s\n", aead_backend_name());
		run(top);
	}
	assert_int_equal(vec_failures, 0);
}

/* ---- keys */

static void check_subkey(const json_t *v, const struct key32 *master, const char *name,
			 const char *ctx)
{
	_cleanup_vec_ struct vec want = vec_hex(v, name);
	uint8_t got[64];
	kdf_derive(master, ctx, got, want.n);
	CHECK(v, vec_equal(want, got, want.n));
}

static void test_subkeys(void **state)
{
	static const char *const labels[][2] = {
		{ "content", "cfs-cont" },     { "names", "cfs-name" },
		{ "xattr_names", "cfs-xanm" }, { "xattr_values", "cfs-xavl" },
		{ "links", "cfs-link" },       { "settings", "cfs-sett" },
		{ "dir_mac", "cfs-dmac" },     { "root_id", "cfs-root" },
	};
	(void)state;
	_cleanup_json_ json_t *top = load("subkeys");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v)
	{
		_cleanup_key_ struct key32 *master = key_of(v, "master");
		for (size_t k = 0; k < sizeof(labels) / sizeof(labels[0]); k++)
			check_subkey(v, master, labels[k][0], labels[k][1]);
	}
	assert_int_equal(vec_failures, 0);
}

static void check_siv(const json_t *v)
{
	_cleanup_siv_ struct siv *s = siv_of(v, "key");
	_cleanup_vec_ struct vec ad = vec_hex(v, "ad"), nonce = vec_hex(v, "nonce");
	_cleanup_vec_ struct vec plain = vec_hex(v, "plain"), sealed = vec_hex(v, "sealed");
	uint8_t out[ROOM];
	int r = siv_open(s, ad.p, ad.n, nonce.p, nonce.n, sealed.p, sealed.n, out);
	if (!JUDGE(v, r))
		return;
	CHECK(v, vec_equal(plain, out, sealed.n - SIV_TAG_LEN));
	siv_seal(s, ad.p, ad.n, nonce.p, nonce.n, plain.p, plain.n, out);
	CHECK(v, vec_equal(sealed, out, SIV_TAG_LEN + plain.n));
}

static void test_siv(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("siv");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v) check_siv(v);
	assert_int_equal(vec_failures, 0);
}

/* ---- names */

static int open_dir_file(const struct key32 *mac_key, struct vec file)
{
	uint8_t mac[NAME_DIR_MAC_LEN];
	if (file.n != NAME_DIR_FILE_LEN)
		return -EUCLEAN;
	kdf_hash(mac, sizeof(mac), mac_key->b, sizeof(mac_key->b), NAME_DIR_LABEL,
		 strlen(NAME_DIR_LABEL), file.p, NAME_DIR_ID_LEN);
	return memcmp(mac, file.p + NAME_DIR_ID_LEN, sizeof(mac)) == 0 ? 0 : -EBADMSG;
}

static void test_dirids(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("dirids");
	_cleanup_key_ struct key32 *mac_key = key_of(top, "dir_mac");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v)
	{
		_cleanup_vec_ struct vec file = vec_hex(v, "file"), id = vec_hex(v, "id");
		if (JUDGE(v, open_dir_file(mac_key, file)))
			CHECK(v, vec_equal(id, file.p, NAME_DIR_ID_LEN));
	}
	assert_int_equal(vec_failures, 0);
}

/* The hashed form of what is sealed, if it is long enough to have one. */
static int check_hashed(const char *prefix, const char *disk, struct vec sealed)
{
	uint8_t hash[NAME_HASH_LEN];
	char want[NAME_DISK_SIZE];
	kdf_hash(hash, sizeof(hash), NULL, 0, sealed.p, sealed.n, NULL, 0);
	name_encode_hashed(want, prefix, hash);
	return strcmp(want, disk) == 0 ? 0 : -EUCLEAN;
}

static ssize_t sealed_name(const json_t *v, uint8_t out[static NAME_SEALED_MAX])
{
	const char *disk = vec_str(v, "disk");
	enum name_kind kind = name_classify(disk);
	if (kind == NAME_SEALED)
		return name_decode_short(out, disk);
	_cleanup_vec_ struct vec side = vec_hex(v, "side");
	if (kind != NAME_LONG || side.n > NAME_SEALED_MAX || !name_needs_hash(side.n))
		return -EUCLEAN;
	memcpy(out, side.p, side.n);
	int r = check_hashed(NAME_LONG_PREFIX, disk, side);
	return r < 0 ? r : (ssize_t)side.n;
}

static ssize_t open_name(const struct siv *s, const json_t *v,
			 uint8_t padded[static NAME_SEALED_MAX])
{
	_cleanup_vec_ struct vec id = vec_hex(v, "dir_id");
	uint8_t sealed[NAME_SEALED_MAX];
	ssize_t n = sealed_name(v, sealed);
	if (n < 0)
		return n;
	int r = siv_open(s, NAME_LABEL, strlen(NAME_LABEL), id.p, id.n, sealed, (size_t)n, padded);
	return r < 0 ? r : name_unpad(padded, (size_t)n - SIV_TAG_LEN);
}

static void check_name_sealed(const struct siv *s, const json_t *v, struct vec plain)
{
	_cleanup_vec_ struct vec id = vec_hex(v, "dir_id"), side = vec_hex(v, "side");
	uint8_t padded[NAME_PADDED_MAX], sealed[NAME_SEALED_MAX];
	char disk[NAME_DISK_SIZE];
	CHECK(v, name_is_valid((const char *)plain.p, plain.n));
	size_t n = name_pad(padded, (const char *)plain.p, plain.n);
	siv_seal(s, NAME_LABEL, strlen(NAME_LABEL), id.p, id.n, padded, n, sealed);
	n += SIV_TAG_LEN;
	CHECK(v, name_needs_hash(n) == (side.n > 0));
	if (side.n > 0) {
		CHECK(v, vec_equal(side, sealed, n));
		return;
	}
	name_encode_short(disk, sealed, n);
	CHECK(v, strcmp(disk, vec_str(v, "disk")) == 0);
}

static void test_names(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("names");
	_cleanup_siv_ struct siv *s = siv_of(top, "names");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v)
	{
		uint8_t name[NAME_SEALED_MAX];
		_cleanup_vec_ struct vec plain = vec_hex(v, "plain");
		ssize_t n = open_name(s, v, name);
		if (!JUDGE(v, n < 0 ? (int)n : 0))
			continue;
		CHECK(v, vec_equal(plain, name, (size_t)n));
		check_name_sealed(s, v, plain);
	}
	assert_int_equal(vec_failures, 0);
}

/* ---- links and attributes */

static int open_box(struct aead *a, const void *ad, size_t ad_len, const uint8_t *box, size_t n,
		    uint8_t *out)
{
	if (n < NAME_LINK_OVERHEAD)
		return -EUCLEAN;
	return aead_open(a, box, ad, ad_len, box + NAME_LINK_OVERHEAD, n - NAME_LINK_OVERHEAD, out,
			 box + AEAD_NONCE_LEN);
}

/* The box of a link, and what its length says that the target's is. */
static ssize_t link_box(const json_t *v, uint8_t *box)
{
	const char *disk = vec_str(v, "disk");
	ssize_t n = name_link_len(strlen(disk));
	if (n >= 0) {
		ssize_t len = codec_b64_decode(box, ROOM, disk, strlen(disk));
		CHECK(v, len < 0 || len == n + (ssize_t)NAME_LINK_OVERHEAD);
		return len < 0 ? -EUCLEAN : len;
	}
	if (n != -ENAMETOOLONG)
		return n;
	_cleanup_vec_ struct vec side = vec_hex(v, "side");
	memcpy(box, side.p, side.n);
	int r = check_hashed(NAME_SLINK_PREFIX, disk, side);
	return r < 0 ? r : (ssize_t)side.n;
}

static void check_link(struct aead *a, const json_t *v)
{
	_cleanup_vec_ struct vec target = vec_hex(v, "target");
	uint8_t box[ROOM], out[ROOM], tag[AEAD_TAG_LEN];
	ssize_t n = link_box(v, box);
	int r = n < 0 ? (int)n :
			open_box(a, NAME_LINK_LABEL, strlen(NAME_LINK_LABEL), box, (size_t)n, out);
	if (!JUDGE(v, r))
		return;
	CHECK(v, vec_equal(target, out, (size_t)n - NAME_LINK_OVERHEAD));
	CHECK(v, aead_seal(a, box, NAME_LINK_LABEL, strlen(NAME_LINK_LABEL), target.p, target.n,
			   out, tag) == 0);
	CHECK(v, memcmp(tag, box + AEAD_NONCE_LEN, sizeof(tag)) == 0);
	CHECK(v, memcmp(out, box + NAME_LINK_OVERHEAD, target.n) == 0);
}

static void run_links(json_t *top)
{
	_cleanup_aead_ struct aead *a = aead_of(top, "links");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v) check_link(a, v);
}

static void test_links(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("links");
	each_backend(top, run_links);
}

struct xattr_out {
	uint8_t sealed[ROOM], value[ROOM];
	size_t sealed_len, value_len;
};

/* The body of the long form: u16 length, sealed name, value. Moves the value to the front. */
static int split_body(struct xattr_out *out, size_t n, const uint8_t hash[static NAME_HASH_LEN])
{
	uint8_t got[NAME_HASH_LEN];
	size_t len = n < 2 ? n : (size_t)(out->value[0] | out->value[1] << 8);
	if (n < 2 || len > n - 2)
		return -EUCLEAN;
	memcpy(out->sealed, out->value + 2, len);
	out->sealed_len = len;
	out->value_len = n - 2 - len;
	memmove(out->value, out->value + 2 + len, out->value_len);
	kdf_hash(got, sizeof(got), NULL, 0, out->sealed, len, NULL, 0);
	return memcmp(got, hash, sizeof(got)) == 0 ? 0 : -EUCLEAN;
}

static int open_xattr(struct aead *a, const json_t *v, struct xattr_out *out)
{
	_cleanup_vec_ struct vec raw = vec_hex(v, "raw");
	const char *disk = vec_str(v, "disk");
	if (strncmp(disk, NAME_XATTR_PREFIX, strlen(NAME_XATTR_PREFIX)) != 0)
		return -EUCLEAN;
	bool hashed = strncmp(disk, NAME_XATTR_LONG_PREFIX, strlen(NAME_XATTR_LONG_PREFIX)) == 0;
	const char *text = disk + strlen(hashed ? NAME_XATTR_LONG_PREFIX : NAME_XATTR_PREFIX);
	uint8_t ad[ROOM];
	size_t label = strlen(NAME_XATTR_LABEL);
	memcpy(ad, NAME_XATTR_LABEL, label);
	ssize_t n = codec_b64_decode(ad + label, 512, text, strlen(text));
	if (n < 0)
		return -EUCLEAN;
	int r = open_box(a, ad, label + (size_t)n, raw.p, raw.n, out->value);
	if (r < 0)
		return r;
	if (hashed)
		return split_body(out, raw.n - NAME_LINK_OVERHEAD, ad + label);
	memcpy(out->sealed, ad + label, (size_t)n);
	out->sealed_len = (size_t)n;
	out->value_len = raw.n - NAME_LINK_OVERHEAD;
	return 0;
}

static void check_xattr(struct aead *a, const struct siv *s, const json_t *v)
{
	static const uint8_t zeros[16];
	_cleanup_vec_ struct vec plain = vec_hex(v, "plain"), value = vec_hex(v, "value");
	struct xattr_out out;
	uint8_t name[ROOM];
	if (!JUDGE(v, open_xattr(a, v, &out)))
		return;
	CHECK(v, vec_equal(value, out.value, out.value_len));
	CHECK(v, siv_open(s, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL), zeros, sizeof(zeros),
			  out.sealed, out.sealed_len, name) == 0);
	CHECK(v, vec_equal(plain, name, out.sealed_len - SIV_TAG_LEN));
	siv_seal(s, NAME_XATTR_LABEL, strlen(NAME_XATTR_LABEL), zeros, sizeof(zeros), plain.p,
		 plain.n, name);
	CHECK(v, memcmp(name, out.sealed, out.sealed_len) == 0);
}

static void run_xattrs(json_t *top)
{
	_cleanup_aead_ struct aead *a = aead_of(top, "xattr_values");
	_cleanup_siv_ struct siv *s = siv_of(top, "xattr_names");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v) check_xattr(a, s, v);
}

static void test_xattrs(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("xattrs");
	each_backend(top, run_xattrs);
}

/* ---- content */

struct block_out {
	struct content_header header;
	struct content_meta meta;
	uint8_t payload[CONTENT_PAYLOAD]; /* block 0: behind the header */
};

static void set_file_key(struct aead *a, const struct key32 *content, const uint8_t *file_nonce)
{
	_cleanup_key_ struct key32 *key = keymem_alloc(sizeof(*key));
	assert_non_null(key);
	kdf_hash(key->b, sizeof(key->b), content->b, sizeof(content->b), file_nonce,
		 CONTENT_FILE_NONCE_LEN, NULL, 0);
	aead_set_key(a, key);
}

static int open_block(struct aead *a, uint64_t block, const uint8_t page[static CONTENT_PAGE],
		      struct block_out *out)
{
	uint8_t ad[CONTENT_AD_MAX];
	const uint8_t *meta = page + CONTENT_META_OFF, *payload = page + CONTENT_PAYLOAD_OFF;
	size_t off = content_sealed_off(block);
	int r = block == 0 ? content_header_decode(&out->header, payload) : 0;
	if (r == 0)
		r = content_meta_decode(&out->meta, meta, block);
	if (r < 0)
		return r;
	size_t ad_len = content_ad(ad, meta, block, payload);
	return aead_open(a, page, ad, ad_len, payload + off, CONTENT_PAYLOAD - off, out->payload,
			 page + CONTENT_TAG_OFF);
}

static void seal_block(struct aead *a, uint64_t block, const struct block_out *in,
		       const uint8_t nonce[static CONTENT_NONCE_LEN],
		       uint8_t page[static CONTENT_PAGE])
{
	uint8_t ad[CONTENT_AD_MAX], *payload = page + CONTENT_PAYLOAD_OFF;
	size_t off = content_sealed_off(block);
	memcpy(page, nonce, CONTENT_NONCE_LEN);
	content_meta_encode(page + CONTENT_META_OFF, &in->meta);
	if (block == 0)
		content_header_encode(payload, &in->header);
	size_t ad_len = content_ad(ad, page + CONTENT_META_OFF, block, payload);
	assert_int_equal(aead_seal(a, nonce, ad, ad_len, in->payload, CONTENT_PAYLOAD - off,
				   payload + off, page + CONTENT_TAG_OFF),
			 0);
}

static void check_good_block(struct aead *a, const json_t *v, struct vec page,
			     const struct block_out *out)
{
	_cleanup_vec_ struct vec plain = vec_hex(v, "plain");
	uint64_t block = vec_int(v, "block");
	size_t off = content_sealed_off(block);
	uint8_t again[CONTENT_PAGE];
	CHECK(v,
	      out->meta.used == vec_int(v, "used") && out->meta.durable == vec_int(v, "durable"));
	CHECK(v, block != 0 || out->header.flags == vec_int(v, "flags"));
	CHECK(v, out->meta.used == off + plain.n && memcmp(plain.p, out->payload, plain.n) == 0);
	seal_block(a, block, out, page.p, again);
	CHECK(v, vec_equal(page, again, sizeof(again)));
}

static const json_t *vector_named(const json_t *list, const char *name)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v) if (strcmp(vec_str(v, "name"), name) == 0) return v;
	fail_msg("no vector '%s'", name);
	return NULL;
}

static void patch(struct vec page, const json_t *patches)
{
	size_t i;
	json_t *p;
	json_array_foreach(patches, i, p)
	{
		_cleanup_vec_ struct vec b = vec_of_hex(json_string_value(json_array_get(p, 1)));
		size_t at = (size_t)json_integer_value(json_array_get(p, 0));
		assert_true(at + b.n <= page.n);
		memcpy(page.p + at, b.p, b.n);
	}
}

static void run_blocks(json_t *top)
{
	_cleanup_aead_ struct aead *a = aead_new();
	_cleanup_key_ struct key32 *content = key_of(top, "content");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v)
	{
		const char *name = vec_str(v, "base");
		const json_t *base = *name ? vector_named(list_of(top), name) : v;
		_cleanup_vec_ struct vec page = vec_hex(base, "page"),
					 nonce = vec_hex(base, "file_nonce");
		struct block_out out;
		patch(page, json_object_get(v, "patch"));
		set_file_key(a, content, nonce.p);
		if (JUDGE(v, open_block(a, vec_int(v, "block"), page.p, &out)))
			check_good_block(a, v, page, &out);
	}
}

static void test_blocks(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("blocks");
	each_backend(top, run_blocks);
}

static void check_plain_size(const json_t *v)
{
	uint64_t stream = vec_int(v, "stream"), size = vec_int(v, "size"), hint = 0;
	CHECK(v, content_stream_len(size) == stream);
	CHECK(v, content_plain_size(stream) == size);
	CHECK(v, content_pages(stream) == vec_int(v, "pages"));
	CHECK(v, content_last_used(stream) == vec_int(v, "last_used"));
	CHECK(v, content_cipher_size(stream, true) == vec_int(v, "hinted"));
	CHECK(v, content_cipher_size(stream, false) == vec_int(v, "unhinted"));
	CHECK(v, content_hint(vec_int(v, "hinted"), &hint) && hint == size);
	CHECK(v, size == 0 || !content_hint(vec_int(v, "unhinted"), &hint));
}

static void check_cipher_size(const json_t *v)
{
	uint64_t size = 0;
	bool known = content_hint(vec_int(v, "cipher"), &size);
	CHECK(v, known == json_is_integer(json_object_get(v, "hint")));
	CHECK(v, !known || size == vec_int(v, "hint"));
}

static void test_sizes(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("sizes");
	size_t i;
	json_t *v;
	json_array_foreach(json_object_get(top, "plain"), i, v) check_plain_size(v);
	json_array_foreach(json_object_get(top, "cipher"), i, v) check_cipher_size(v);
	assert_int_equal(vec_failures, 0);
}

static void test_ranges(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("ranges");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v)
	{
		struct content_range r = content_range_of(vec_int(v, "pos"), vec_int(v, "n"));
		CHECK(v, r.first == vec_int(v, "first") && r.count == vec_int(v, "count"));
		CHECK(v, r.skip == vec_int(v, "skip") && r.tail == vec_int(v, "tail"));
	}
	assert_int_equal(vec_failures, 0);
}

/* ---- settings */

struct tmp_dir {
	char path[64];
	int fd;
};

static void tmp_dir_make(struct tmp_dir *d)
{
	strcpy(d->path, "/tmp/cryptfs-vectors-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d->fd >= 0);
}

static void tmp_dir_remove(struct tmp_dir *d)
{
	unlinkat(d->fd, NAME_SETTINGS_FILE, 0);
	close(d->fd);
	rmdir(d->path);
}

static struct vec settings_text(const json_t *v)
{
	const json_t *text = json_object_get(v, "text");
	_cleanup_vec_ struct vec bytes = vec_hex(v, "bytes");
	const void *src = text ? json_string_value(text) : (const char *)bytes.p;
	size_t n = text ? json_string_length(text) : bytes.n, spaces = (size_t)vec_int(v, "spaces");
	struct vec out = { vec_alloc(n + spaces), n + spaces };
	memcpy(out.p, src, n);
	memset(out.p + n, ' ', spaces);
	return out;
}

static void check_record(const json_t *v, const struct vaultfile *vf)
{
	_cleanup_vec_ struct vec want = vec_hex(v, "record"), id = vec_hex(v, "vault_id");
	_cleanup_vec_ struct vec mac = vec_hex(v, "mac"), checksum = vec_hex(v, "checksum");
	uint8_t record[VAULTFILE_RECORD_MAX];
	CHECK(v, vec_equal(want, record, vaultfile_record(record, vf)));
	CHECK(v, vec_equal(id, vf->vault_id, sizeof(vf->vault_id)));
	CHECK(v, vec_equal(mac, vf->mac, sizeof(vf->mac)));
	CHECK(v, vec_equal(checksum, vf->checksum, sizeof(vf->checksum)));
}

/* What we print, we read as the same. */
static void check_printed(const json_t *v, const struct vaultfile *vf)
{
	_cleanup_free_ char *text = vaultfile_print(vf);
	_cleanup_free_ struct vaultfile *again = vec_alloc(sizeof(*again));
	const char *why = NULL;
	assert_non_null(text);
	CHECK(v, vaultfile_parse(again, text, strlen(text), &why) == 0);
	check_record(v, again);
}

static void check_master(const json_t *v, const struct vault *vault,
			 const struct vault_secret *secret, uint32_t slot)
{
	_cleanup_key_ struct key32 *want = key_of(v, "master"), *got = keymem_alloc(sizeof(*got));
	assert_non_null(got);
	CHECK(v, slot == vec_int(v, "slot"));
	for (uint32_t i = 0; i < vault->settings.n_slots; i++) {
		const struct vaultfile_slot *s = &vault->settings.slots[i];
		if (s->slot == slot)
			CHECK(v, keyslot_open(s, vault->settings.vault_id, secret, got) == 0);
	}
	CHECK(v, memcmp(got, want, sizeof(*got)) == 0);
}

static void check_settings(const json_t *v, int dirfd)
{
	_cleanup_vault_ struct vault *vault = NULL;
	_cleanup_vec_ struct vec text = settings_text(v), bytes = vec_hex(v, "secret");
	_cleanup_key_ uint8_t *locked = keymem_alloc(bytes.n + 1);
	struct vault_secret secret = { vaultfile_kind_of(vec_str(v, "kind")), locked, bytes.n };
	const char *why = NULL;
	uint32_t slot = VAULTFILE_SLOTS;
	assert_non_null(locked);
	memcpy(locked, bytes.p, bytes.n);
	unlinkat(dirfd, NAME_SETTINGS_FILE, 0);
	assert_int_equal(io_create_file(dirfd, NAME_SETTINGS_FILE, text.p, text.n, 0600, NULL), 0);
	int r = vault_open(dirfd, &vault, &why);
	if (r == 0)
		r = vault_unlock(vault, &secret, &slot, &why);
	CHECK(v, r == 0 || vec_expect(v) == -EKEYREJECTED || why);
	if (!JUDGE(v, r))
		return;
	check_record(v, &vault->settings);
	check_printed(v, &vault->settings);
	check_master(v, vault, &secret, slot);
}

static void test_settings(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("settings");
	struct tmp_dir dir;
	size_t i;
	json_t *v;
	tmp_dir_make(&dir);
	json_array_foreach(list_of(top), i, v) check_settings(v, dir.fd);
	tmp_dir_remove(&dir);
	assert_int_equal(vec_failures, 0);
}

/* ---- the worked example: from the master key to the page, by our code alone */

static void example_name(const json_t *v, const struct key32 *master)
{
	_cleanup_vec_ struct vec want = vec_hex(v, "sealed");
	const char *name = vec_str(v, "name");
	uint8_t key[SIV_KEY_LEN], root[NAME_DIR_ID_LEN], padded[NAME_PADDED_MAX],
		sealed[NAME_SEALED_MAX];
	char disk[NAME_DISK_SIZE];
	kdf_derive(master, "cfs-name", key, sizeof(key));
	kdf_derive(master, "cfs-root", root, sizeof(root));
	_cleanup_siv_ struct siv *s = siv_new(key);
	size_t n = name_pad(padded, name, strlen(name));
	siv_seal(s, NAME_LABEL, strlen(NAME_LABEL), root, sizeof(root), padded, n, sealed);
	CHECK(v, vec_equal(want, sealed, n + SIV_TAG_LEN));
	name_encode_short(disk, sealed, n + SIV_TAG_LEN);
	CHECK(v, strcmp(disk, vec_str(v, "disk")) == 0);
}

static void example_page(const json_t *v, const struct key32 *master)
{
	_cleanup_vec_ struct vec plain = vec_hex(v, "plain"), want = vec_hex(v, "page");
	_cleanup_key_ struct key32 *content = keymem_alloc(sizeof(*content));
	_cleanup_aead_ struct aead *a = aead_new();
	uint64_t stream = content_stream_len(plain.n);
	struct block_out in = { .header = { .version = CONTENT_VERSION },
				.meta = { .used = content_last_used(stream), .durable = stream } };
	uint8_t nonce[CONTENT_NONCE_LEN], page[CONTENT_PAGE];
	for (uint8_t i = 0; i < sizeof(nonce); i++) {
		in.header.file_nonce[i] = (uint8_t)(0x40 + i);
		nonce[i] = (uint8_t)(0x80 + i);
	}
	memcpy(in.payload, plain.p, plain.n);
	kdf_derive(master, "cfs-cont", content->b, sizeof(content->b));
	set_file_key(a, content, in.header.file_nonce);
	seal_block(a, 0, &in, nonce, page);
	CHECK(v, vec_equal(want, page, sizeof(page)));
	CHECK(v, content_cipher_size(stream, true) == vec_int(v, "cipher_size"));
}

static void run_example(json_t *top)
{
	_cleanup_key_ struct key32 *master = key_of(top, "master");
	example_name(top, master);
	example_page(top, master);
}

static void test_example(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("example");
	each_backend(top, run_example);
}

/* ---- recovery codes */

static void check_recovery(const json_t *v)
{
	const json_t *typed = json_object_get(v, "typed");
	_cleanup_vec_ struct vec bytes = vec_hex(v, "bytes");
	uint8_t got[RECOVERY_BYTES_MAX];
	char text[RECOVERY_TEXT_SIZE(RECOVERY_BYTES_MAX)];
	unsigned int group;
	size_t n = vec_int(v, "n");
	assert_in_range(n, 1, sizeof(got));
	int r = recovery_decode(got, n, json_string_value(typed), json_string_length(typed), &group);
	CHECK(v, group == vec_int(v, "group"));
	if (!JUDGE(v, r))
		return;
	CHECK(v, vec_equal(bytes, got, n));
	recovery_encode(text, bytes.p, n);
	CHECK(v, strcmp(text, vec_str(v, "text")) == 0);
}

static void test_recovery(void **state)
{
	(void)state;
	_cleanup_json_ json_t *top = load("recovery");
	size_t i;
	json_t *v;
	json_array_foreach(list_of(top), i, v) check_recovery(v);
	assert_int_equal(vec_failures, 0);
}

static int setup(void **state)
{
	(void)state;
	vec_failures = 0;
	return 0;
}

static int setup_all(void **state)
{
	(void)state;
	return keymem_init() || aead_init();
}

static int teardown_all(void **state)
{
	(void)state;
	return keymem_in_use() != 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_subkeys), TEST(test_siv),      TEST(test_dirids),  TEST(test_names),
		TEST(test_links),   TEST(test_xattrs),   TEST(test_blocks),  TEST(test_sizes),
		TEST(test_ranges),  TEST(test_settings), TEST(test_example),
		TEST(test_recovery),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("vectors", tests, setup_all, teardown_all);
}
