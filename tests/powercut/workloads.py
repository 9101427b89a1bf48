# SPDX-License-Identifier: GPL-3.0-or-later
"""All workloads by name; see work.py."""

import work_files
import work_keys
import work_names
import work_programs

WORKLOADS = {
    "append-small": work_files.AppendSmall,
    "append-blocks": work_files.AppendBlocks,
    "overwrite-pages": work_files.OverwritePages,
    "overwrite-small": work_files.OverwriteSmall,
    "truncate": work_files.Truncate,
    "sync-ways": work_files.SyncWays,
    "threads": work_files.Threads,
    "unsynced": work_files.Unsynced,
    "second-life": work_files.SecondLife,
    "mkdir": work_names.MakeDirectories,
    "new-directories": work_names.NewDirectories,
    "replace": work_names.Replace,
    "long-names": work_names.LongNames,
    "renames": work_names.Renames,
    "hard-links": work_names.HardLinks,
    "symlinks": work_names.Symlinks,
    "attributes": work_names.Attributes,
    "remove": work_names.Remove,
    "sqlite-extra": work_programs.SqliteExtra,
    "sqlite-full": work_programs.SqliteFull,
    "sqlite-wal": work_programs.SqliteWal,
    "git": work_programs.Git,
    "keys": work_keys.Keys,
    "restore": work_keys.Restore,
    "rekey": work_keys.Rekey,
}
