#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Once a request is answered the kernel may forget the node that it was about, which is freed then. What holds a node
# must not be let go by the end of a function that has answered.

. "$(dirname "$0")/lint.sh"

held_beyond_reply() {
	awk '
	/^[a-z].*\(/ || /^}/ { name = $0; held = "" }
	/^\t_cleanup_(node_|\(doomed)/ { held = FILENAME ":" FNR ": " $0 }
	/(^|[^a-z_])(fuse_reply_[a-z]+|reply_(result|stored|entry|negative|attr|data|xattr)|seeker_(reply|ask))\(/ {
		if (held)
			print held
		held = ""
	}' "$@"
}

looks() { # the lint itself
	printf 'static void f(void)\n{\n\t_cleanup_node_dir_ struct node_dir d;\n\t%s;\n}\n' "$1" | held_beyond_reply -
}

replies_are_seen() {
	local reply
	for reply in 'reply_result(req, 0)' '(void)fuse_reply_open(req, fi)' '	reply_data(req, NULL, 0)'; do
		[ -n "$(looks "$reply")" ] || echo "$reply"
	done
	looks 'some_reply_result(0)'
}

lint "the lint sees what it should" replies_are_seen
for src in src/fs/*.c; do
	lint "$src holds nothing beyond its reply" held_beyond_reply "$src"
done
lint_end
