# SPDX-License-Identifier: GPL-3.0-or-later
# Does the toolchain know a flag? And the flags we want, each only if it does.

# CRYPTFS_TRY_CFLAGS(VARIABLE, FLAGS): append to VARIABLE the flags, one by one, that compile.
# -Werror, since clang only warns of a flag that it does not know.
AC_DEFUN([CRYPTFS_TRY_CFLAGS], [
	for cryptfs_flag in $2; do
		AC_MSG_CHECKING([whether $CC accepts $cryptfs_flag])
		cryptfs_save=$CFLAGS
		CFLAGS="$CFLAGS -Werror $cryptfs_flag"
		AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
			[AC_MSG_RESULT([yes]); $1="$$1 $cryptfs_flag"],
			[AC_MSG_RESULT([no])])
		CFLAGS=$cryptfs_save
	done
])

# CRYPTFS_TRY_LINK(VARIABLE, LDFLAGS, [CFLAGS]): append LDFLAGS to VARIABLE if a program links with them.
AC_DEFUN([CRYPTFS_TRY_LINK], [
	AC_MSG_CHECKING([whether $CC links with $2])
	cryptfs_save=$CFLAGS
	cryptfs_save_ld=$LDFLAGS
	CFLAGS="$CFLAGS -Werror $3"
	LDFLAGS="$LDFLAGS $2"
	AC_LINK_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
		[AC_MSG_RESULT([yes]); $1="$$1 $2"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$cryptfs_save
	LDFLAGS=$cryptfs_save_ld
])

# Warnings for everything, and more for where bytes are decoded.
AC_DEFUN([CRYPTFS_WARNINGS], [
	WARN_CFLAGS=
	CRYPTFS_TRY_CFLAGS([WARN_CFLAGS], [-Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes \
		-Wstrict-prototypes -Wformat=2 -Wcast-qual -Wundef])
	WARN_CONVERSION_CFLAGS=
	CRYPTFS_TRY_CFLAGS([WARN_CONVERSION_CFLAGS], [-Wconversion])
	AS_IF([test "x$cryptfs_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	AC_SUBST([WARN_CFLAGS])
	AC_SUBST([WARN_CONVERSION_CFLAGS])
])

# Hardening: on unless --disable-hardening. _FORTIFY_SOURCE needs an optimising compiler and gets
# in the way of the sanitizers, which check the same better.
AC_DEFUN([CRYPTFS_HARDENING], [
	HARDEN_CPPFLAGS=
	HARDEN_CFLAGS=
	HARDEN_LDFLAGS=
	AS_IF([test "x$cryptfs_hardening" = xyes], [
		AS_IF([test "x$cryptfs_instrumented" = xno], [CRYPTFS_FORTIFY])
		CRYPTFS_TRY_CFLAGS([HARDEN_CFLAGS], [-fstack-protector-strong -fstack-clash-protection \
			-fcf-protection])
		cryptfs_pie=
		CRYPTFS_TRY_LINK([cryptfs_pie], [-pie], [-fPIE])
		AS_IF([test -n "$cryptfs_pie"], [
			HARDEN_CFLAGS="$HARDEN_CFLAGS -fPIE"
			HARDEN_LDFLAGS="$HARDEN_LDFLAGS -pie"])
		CRYPTFS_TRY_LINK([HARDEN_LDFLAGS], [-Wl,-z,relro])
		CRYPTFS_TRY_LINK([HARDEN_LDFLAGS], [-Wl,-z,now])
		CRYPTFS_TRY_LINK([HARDEN_LDFLAGS], [-Wl,-z,noexecstack])
	])
	AC_SUBST([HARDEN_CPPFLAGS])
	AC_SUBST([HARDEN_CFLAGS])
	AC_SUBST([HARDEN_LDFLAGS])
])

# Some compilers define it by themselves; -U first, so that asking for 2 is no redefinition.
AC_DEFUN([CRYPTFS_FORTIFY], [
	AC_MSG_CHECKING([whether to define _FORTIFY_SOURCE])
	cryptfs_save=$CFLAGS
	CFLAGS="$CFLAGS -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([[
		#ifndef __OPTIMIZE__
		#error not optimising
		#endif
		#include <string.h>
		int main(void) { return 0; }
	]])], [
		AC_MSG_RESULT([yes])
		HARDEN_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
	], [AC_MSG_RESULT([no: this is no optimising build])])
	CFLAGS=$cryptfs_save
])
