/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a mount says of itself, by whoever serves it: nothing of it is trusted. */
#include "unit.h"

#include "cli/mounts.h"

static struct mounts_status parse(const char *text)
{
	struct mounts_status st;
	size_t n = strlen(text);
	char *copy = malloc(n + 1); /* no NUL behind it */
	assert_non_null(copy);
	memcpy(copy, text, n);
	mounts_unknown(&st, MOUNTS_UNREADABLE);
	mounts_parse(copy, n, &st);
	free(copy);
	return st;
}

static void test_all_of_it(void **state)
{
	(void)state;
	struct mounts_status st = parse(
		"{\"pid\":17,\"since\":1000,\"idle\":900,"
		"\"mode\":\"shared\",\"inodes\":5,\"read_bytes\":6,\"written_bytes\":7,"
		"\"requests\":30,\"requests_by_kind\":{\"read\":20,\"lookup\":10},\"damaged\":2,\"last_damage\":{"
		"\"when\":2000,\"kind\":\"block\",\"block\":17,\"wrong\":\"does not open\",\"doing\":\"read\","
		"\"inode\":8,\"path\":\"ab/cd\"},\"caches\":{\"directories\":1,\"directories_max\":2,\"listings\":3,"
		"\"open_files\":4,\"resting_files\":5,\"unrecorded_files\":6},\"threads\":9,\"busy_threads\":1,"
		"\"sandbox\":{\"no_new_privs\":true,\"landlock\":3}}");
	assert_int_equal(st.state, MOUNTS_ALIVE);
	assert_int_equal(st.pid, 17);
	assert_int_equal(st.since, 1000);
	assert_int_equal(st.idle, 900);
	assert_string_equal(st.mode, "shared");
	assert_int_equal(st.counts.inodes, 5);
	assert_int_equal(st.counts.read_bytes, 6);
	assert_int_equal(st.counts.written_bytes, 7);
	assert_int_equal(st.counts.requests, 30);
	assert_int_equal(st.counts.n_kinds, 2);
	assert_int_equal(st.counts.damaged, 2);
	assert_int_equal(st.counts.directories, 1);
	assert_int_equal(st.counts.unrecorded_files, 6);
	assert_int_equal(st.counts.threads, 9);
	assert_true(st.damage.known);
	assert_int_equal(st.damage.when, 2000);
	assert_int_equal(st.damage.block, 17);
	assert_int_equal(st.damage.inode, 8);
	assert_string_equal(st.damage.path, "ab/cd");
	assert_string_equal(st.damage.wrong, "does not open");
	assert_true(st.sandbox.known && st.sandbox.no_new_privs && !st.sandbox.seccomp);
}

/* An older one says less. */
static void test_little(void **state)
{
	(void)state;
	struct mounts_status st = parse("{\"pid\":17}");
	assert_int_equal(st.state, MOUNTS_ALIVE);
	assert_int_equal(st.idle, -1);
	assert_int_equal(st.counts.read_bytes, -1);
	assert_int_equal(st.counts.damaged, -1);
	assert_int_equal(st.counts.directories, -1);
	assert_int_equal(st.counts.n_kinds, 0);
	assert_false(st.damage.known);
	assert_false(st.sandbox.known);
}

static void test_not_an_answer(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "17", "null", "{\"pid\":0}", "{\"pid\":-1}",
					     "{\"pid\":4294967313}", "{\"pid\":\"17\"}", "{\"pid\":17.0}", "\"pid\"",
					     "{\"pid\":99999999999999999999}",
					     "{\"pid\":1,\"mode\":\"a\\u0000b\"}" };
	(void)state;
	for (size_t i = 0; i < N_OF(texts); i++) {
		struct mounts_status st = parse(texts[i]);
		CHECK_CASE(st.state == MOUNTS_UNREADABLE && st.pid == 0, texts[i]);
	}
}

/* Each member of another kind, or out of range. */
static void test_wrong_members(void **state)
{
	static const char *const values[] = { "-1", "1.5", "\"x\"", "[]", "{}", "true", "null", "[[[[]]]]" };
	char text[1024];
	(void)state;
	for (size_t i = 0; i < N_OF(values); i++) {
		const char *v = values[i];
		(void)snprintf(text, sizeof(text),
			       "{\"pid\":1,\"since\":%s,\"idle\":%s,\"inodes\":%s,\"read_bytes\":%s,\"requests\":%s,"
			       "\"requests_by_kind\":%s,\"damaged\":%s,\"last_damage\":%s,\"caches\":%s,\"threads\":%s,"
			       "\"sandbox\":%s}",
			       v, v, v, v, v, v, v, v, v, v, v);
		struct mounts_status st = parse(text);
		CHECK_CASE(st.state == MOUNTS_ALIVE, v);
		CHECK_CASE(st.since == 0 && st.idle == -1 && st.counts.inodes == -1 && st.counts.read_bytes == -1, v);
		CHECK_CASE(st.counts.requests == -1 && st.counts.n_kinds == 0 && st.counts.damaged == -1, v);
		CHECK_CASE(st.counts.threads == -1 && st.counts.directories == -1, v);
		CHECK_CASE(st.damage.block == -1 && st.damage.path[0] == '\0' && st.damage.when == 0, v);
	}
}

/* Strings that do not fit, and more kinds than there is room for. */
static void test_too_much(void **state)
{
	char text[16384], path[4001];
	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)snprintf(text, sizeof(text),
		       "{\"pid\":1,\"mode\":\"%s\",\"last_damage\":{\"path\":\"%s\",\"kind\":\"%s\"}}",
		       path, path, path);
	struct mounts_status st = parse(text);
	assert_true(st.damage.known);
	assert_string_equal(st.damage.path, "");
	assert_string_equal(st.damage.kind, "");
	assert_string_equal(st.mode, "");

	char *at = text + sprintf(text, "{\"pid\":1,\"requests_by_kind\":{\"%s\":1", path);
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, ",\"k%d\":%d", i, i);
	strcpy(at, "}}");
	st = parse(text);
	assert_int_equal(st.counts.n_kinds, MOUNTS_KINDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_little),
		cmocka_unit_test(test_not_an_answer),
		cmocka_unit_test(test_wrong_members),
		cmocka_unit_test(test_too_much),
	};
	return RUN_TAP(tests, NULL, NULL);
}
