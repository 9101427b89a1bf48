#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One version everywhere, and packages that need what scripts/deps installs.

. "$(dirname "$0")/lint.sh"

version=$(sed -n 's/^AC_INIT(\[cryptfs\], \[\(.*\)\])$/\1/p' configure.ac)

# is FILE WHAT-IT-SAYS: complains unless that is the version
is() {
	[ -n "$version" ] && [ "$2" = "$version" ] || echo "$1 says '$2', configure.ac '$version'"
}

# Packages that debian/control asks for and 'scripts/deps build' does not know, but for what packaging itself and
# the tests need; and the other way round, for libraries.
build_depends() {
	sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z0-9.+-]*\).*/\1/p' debian/control | sort
}

deps_build() {
	sed -n '/^build_packages=(/,/^)/p' scripts/deps | grep -oE '[a-z0-9.+-]+-dev|pkg-config' | grep -v '^libc6-dev$' | sort
}

differing_packages() {
	diff <(build_depends | grep -vE '^(debhelper-compat|libcmocka-dev)$') <(deps_build) | grep '^[<>]'
}

lint "debian/changelog" is debian/changelog "$(sed -n '1s/^cryptfs (\(.*\)) .*/\1/p' debian/changelog)"
lint "packaging/cryptfs.spec" is packaging/cryptfs.spec "$(sed -n 's/^Version: *//p' packaging/cryptfs.spec)"
lint "NEWS" is NEWS "$(sed -n 's/^\([0-9][0-9.]*\) (.*/\1/p' NEWS | head -n 1)"
lint "Build-Depends are what scripts/deps installs" differing_packages
lint_end
