/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/rootnames.h"

#include "base/log.h"
#include "cli/cli.h"
#include "offline/tree.h"

int rootnames_check(const struct vault *v, int fd, const char *what, const char *path, bool *empty)
{
	_cleanup_tree_ struct tree t = { NULL, NULL };
	_cleanup_tree_list_ struct tree_list l = { NULL, 0 };
	log_set_level(LOG_LEVEL_NONE); /* names that don't open are the question */
	int err = tree_open(v, fd, &t);
	if (err == 0)
		err = tree_list(t.root, &l);
	if (err < 0)
		return exit_fail(EXIT_FAILED, "cannot read the directory '%s': %s", path, exit_reason(err));
	if (empty)
		*empty = l.n == 0;
	for (size_t i = 0; i < l.n; i++)
		if (l.child[i]->err == 0)
			return 0;
	if (l.n == 0)
		return 0;
	return exit_fail(EXIT_DAMAGED, "%s belong to another vault, or to this one before a 'cryptfs rekey': none of "
				       "the names in '%s' opens with them; nothing was changed",
			 what, path);
}
