/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/owners.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

struct owners_question {
	id_t id;
	bool is_group;
};

/* In the other process. */
static size_t answer_name(void *arg, const void *question, size_t n, char answer[static ERRAND_MAX])
{
	struct owners_question q;
	const char *name = NULL;
	(void)arg;
	if (n != sizeof(q))
		return 1;
	memcpy(&q, question, sizeof(q));
	if (q.is_group) {
		const struct group *gr = getgrgid(q.id);
		name = gr ? gr->gr_name : NULL;
	} else {
		const struct passwd *pw = getpwuid(q.id);
		name = pw ? pw->pw_name : NULL;
	}
	(void)snprintf(answer, ERRAND_MAX, "%s", name ? name : "");
	return strlen(answer) + 1;
}

void owners_begin(struct owners *o)
{
	*o = (struct owners){ .errand = ERRAND_NONE };
	(void)errand_start(&o->errand, answer_name, NULL);
}

void owners_end(struct owners *o)
{
	errand_end(&o->errand);
}

static const char *text(struct owners *o, struct owners_name *last, id_t id, bool is_group)
{
	struct owners_question q;
	if (last->known && last->id == id)
		return last->text;
	memset(&q, 0, sizeof(q)); /* the gaps, too */
	q.id = id;
	q.is_group = is_group;
	ssize_t n = errand_ask(&o->errand, &q, sizeof(q), last->text);
	if (n < 2 || last->text[n - 1] != '\0' || last->text[0] == '\0')
		(void)snprintf(last->text, sizeof(last->text), "%u", (unsigned int)id);
	last->id = id;
	last->known = true;
	return last->text;
}

const char *owners_user(struct owners *o, uid_t uid)
{
	return text(o, &o->user, uid, false);
}

const char *owners_group(struct owners *o, gid_t gid)
{
	return text(o, &o->group, gid, true);
}
