/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes blanks, line ends and backslashes as \ooo. */
static char *unescape(const char *s, size_t n)
{
	char *out = malloc(n + 1);
	if (!out)
		return NULL;

	char *p = out;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && n - i > 3 && is_octal(s[i + 1]) && is_octal(s[i + 2]) &&
		    is_octal(s[i + 3])) {
			*p++ = (char)((s[i + 1] - '0') << 6 | (s[i + 2] - '0') << 3 | (s[i + 3] - '0'));
			i += 3;
		} else {
			*p++ = s[i];
		}
	}
	*p = '\0';
	return out;
}

/* The next word, its length in *n; *s moves behind it. */
static const char *word(const char **s, size_t *n)
{
	*s += strspn(*s, " ");
	const char *w = *s;
	*n = strcspn(w, " \n");
	*s += *n;
	return *n > 0 ? w : NULL;
}

static bool word_is(const char *w, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(w, text, n) == 0;
}

/* Is "ro" among comma-separated options? It is their first word if so. */
static bool is_ro(const char *opts, size_t n)
{
	return opts && n >= 2 && memcmp(opts, "ro", 2) == 0 && (n == 2 || opts[2] == ',');
}

/* id parent maj:min root MOUNTPOINT OPTIONS [tag...] - TYPE SOURCE superoptions */
int mounts_parse_line(const char *line, struct mounts_entry *e)
{
	const char *w, *point, *opts, *type, *source, *super;
	size_t n, point_n, opts_n, type_n, source_n, super_n;
	int id = atoi(line);

	for (int i = 0; i < 4; i++)
		if (!word(&line, &n))
			return -EINVAL;
	point = word(&line, &point_n);
	opts = word(&line, &opts_n);
	do
		w = word(&line, &n);
	while (w && !word_is(w, n, "-"));
	type = word(&line, &type_n);
	source = word(&line, &source_n);
	super = word(&line, &super_n);
	if (!point || !opts || !w || !type)
		return -EINVAL;

	*e = (struct mounts_entry){
		.mountpoint = unescape(point, point_n),
		.source = unescape(source ? source : "", source ? source_n : 0),
		.ours = word_is(type, type_n, "fuse.cryptfs"),
		.id = id,
		.read_only = is_ro(opts, opts_n) || is_ro(super, super_n),
		.disk_read_only = is_ro(super, super_n),
	};
	if (e->mountpoint && e->source)
		return 0;
	free(e->mountpoint);
	free(e->source);
	return -ENOMEM;
}

static int append(struct mounts *m, const struct mounts_entry *e)
{
	struct mounts_entry *more = reallocarray(m->entries, m->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	more[m->n++] = *e;
	m->entries = more;
	return 0;
}

static void cleanup_file(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

static int load(struct mounts *m, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, f) > 0) {
		struct mounts_entry e;
		int err = mounts_parse_line(line, &e);
		if (err == -EINVAL)
			continue;
		if (err == 0 && (err = append(m, &e)) < 0) {
			free(e.mountpoint);
			free(e.source);
		}
		if (err < 0)
			return err;
	}
	return ferror(f) ? -EIO : 0;
}

int mounts_load(struct mounts *m)
{
	*m = (struct mounts){ NULL, 0 };
	_cleanup_(cleanup_file) FILE *f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return -errno;
	int err = load(m, f);
	if (err < 0)
		mounts_free(m);
	return err;
}

void mounts_free(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->entries[i].mountpoint);
		free(m->entries[i].source);
	}
	free(m->entries);
	*m = (struct mounts){ NULL, 0 };
}

const struct mounts_entry *mounts_of_fd(const struct mounts *m, int fd)
{
	struct statx sx;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) != 0 || !(sx.stx_mask & STATX_MNT_ID))
		return NULL;
	for (size_t i = 0; i < m->n; i++)
		if ((uint64_t)m->entries[i].id == sx.stx_mnt_id)
			return &m->entries[i];
	return NULL;
}

const struct mounts_entry *mounts_at(const struct mounts *m, const char *mountpoint)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->entries[i].mountpoint, mountpoint) == 0)
			return &m->entries[i];
	return NULL;
}

const struct mounts_entry *mounts_of_vault(const struct mounts *m, int vault_fd)
{
	struct stat vault, st;
	if (fstat(vault_fd, &vault) < 0)
		return NULL;
	for (size_t i = 0; i < m->n; i++) {
		const struct mounts_entry *e = &m->entries[i];
		if (e->ours && stat(e->source, &st) == 0 && st.st_dev == vault.st_dev &&
		    st.st_ino == vault.st_ino && !mounts_is_dead(e->mountpoint))
			return e;
	}
	return NULL;
}
