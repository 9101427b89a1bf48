# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads that are about names: trees of small files, and one directory of many.

What a round makes stays until the end, and is deleted last of all: ext4 makes files much slower for some minutes after
many have been deleted.
"""

from work import Workload


def make_tree(place, name):
    return place.once(name, lambda path: place.io("tree", path, place.size.files))


def the_tree(place):
    return make_tree(place, "tree-0")


def tree_of_round(place):
    return make_tree(place, "tree-%d" % place.round)


def create(place):
    seconds = place.io("tree", place.of_round("tree"), place.size.files)
    place.state["tree-%d" % place.round] = True
    return seconds


def find(place):
    # A condition that needs the inode, or find would make do with the types in the directory.
    return place.timed("find", the_tree(place), "-size", "+9999")


def ls(place):
    return place.timed("ls", "-lR", the_tree(place))


def read_tree(place):
    # Through a pipe: tar does not read what it writes to /dev/null.
    return place.timed("sh", "-c", 'tar -C "$1" -cf - . | cat >/dev/null', "sh", the_tree(place))


def copy_tree(place):
    return place.timed("cp", "-a", the_tree(place), place.of_round("copy"))


def delete_tree(place):
    seconds = place.timed("rm", "-rf", tree_of_round(place))
    del place.state["tree-%d" % place.round]
    return seconds


def append_close(place):
    return place.io("append", place.of_round("log"), place.size.appends, 100, "close")


def rename(place):
    return place.io("rename", place.of_round("renamed"), place.size.renames)


def make_entries(place):
    return place.once("many-%d" % place.round, lambda path: place.io("dir", "create", path, place.size.entries))


def create_entries(place):
    seconds = place.io("dir", "create", place.of_round("many"), place.size.entries)
    place.state["many-%d" % place.round] = True
    return seconds


def entries(verb):
    return lambda place: place.io("dir", verb, make_entries(place), place.size.entries)


def delete_entries(place):
    seconds = entries("delete")(place)
    del place.state["many-%d" % place.round]
    return seconds


FILES = {"amount": lambda size: size.files, "unit": "/s"}
APPENDS = {"amount": lambda size: size.appends, "unit": "/s"}
RENAMES = {"amount": lambda size: size.renames, "unit": "/s"}
ENTRIES = {"amount": lambda size: size.entries, "unit": "/s"}

WORKLOADS = (
    Workload("create", "create small files", "metadata", create, **FILES),
    Workload("find-cold", "find, cold disk", "metadata", find, the_tree, "disk"),
    Workload("ls-cold", "ls -lR, cold disk", "metadata", ls, the_tree, "disk"),
    Workload("find-warm", "find, warm", "metadata", find, the_tree, "warm"),
    Workload("ls-warm", "ls -lR, warm", "metadata", ls, the_tree, "warm"),
    Workload("tree-read", "read a tree (tar), cold mount", "metadata", read_tree, the_tree, "mount"),
    Workload("tree-reread", "read a known tree again", "metadata", read_tree, the_tree, "warm"),
    Workload("tree-copy", "copy a known tree (cp -a)", "metadata", copy_tree, read_tree),
    Workload("append-close", "open, append, close", "metadata", append_close, **APPENDS),
    Workload("rename", "rename", "metadata", rename, **RENAMES),
    Workload("many-create", "one directory: create", "metadata", create_entries, **ENTRIES),
    Workload("many-list", "one directory: list, cold mount", "metadata", entries("list"), make_entries, "mount",
             **ENTRIES),
    Workload("many-stat", "one directory: stat, cold mount", "metadata", entries("stat"), make_entries, "mount",
             **ENTRIES),
)
LAST = (
    Workload("many-delete", "one directory: delete", "metadata", delete_entries, make_entries, **ENTRIES),
    Workload("tree-delete", "delete a tree (rm -rf)", "metadata", delete_tree, tree_of_round),
)
