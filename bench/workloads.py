# SPDX-License-Identifier: GPL-3.0-or-later
"""All workloads, in the order in which they are done."""

import work_data
import work_programs
import work_trees

ALL = {w.name: w for w in (*work_data.WORKLOADS, *work_trees.WORKLOADS, *work_programs.WORKLOADS, *work_trees.LAST)}
