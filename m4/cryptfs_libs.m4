# SPDX-License-Identifier: GPL-3.0-or-later

# CRYPTFS_WITH_MODULE(NAME, PREFIX, MODULE, PURPOSE): an optional library, --with-NAME=auto|yes|no.
# Sets have_NAME, HAVE_PREFIX in config.h and as a conditional, PREFIX_CFLAGS and PREFIX_LIBS.
AC_DEFUN([CRYPTFS_WITH_MODULE], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$4 (default: auto)])],
		[], [with_$1=auto])
	AS_CASE([$with_$1], [auto|yes|no], [],
		[AC_MSG_ERROR([--with-$1 takes auto, yes or no])])
	have_$1=no
	AS_IF([test "x$with_$1" != xno], [
		PKG_CHECK_MODULES([$2], [$3], [have_$1=yes], [
			AS_IF([test "x$with_$1" = xyes], [AC_MSG_ERROR([--with-$1: $3 was not found])])
			$2_CFLAGS=
			$2_LIBS=])
	])
	AS_IF([test "x$have_$1" = xyes], [AC_DEFINE([HAVE_$2], [1], [Define if built with $1: $4.])])
	AM_CONDITIONAL([HAVE_$2], [test "x$have_$1" = xyes])
])

# CRYPTFS_WITH_LIBRARY(NAME, PREFIX, LIBRARY, FUNCTION, HEADER, PURPOSE): the same for one that pkg-config does not know.
AC_DEFUN([CRYPTFS_WITH_LIBRARY], [
	AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$6 (default: auto)])],
		[], [with_$1=auto])
	AS_CASE([$with_$1], [auto|yes|no], [],
		[AC_MSG_ERROR([--with-$1 takes auto, yes or no])])
	have_$1=no
	$2_LIBS=
	AS_IF([test "x$with_$1" != xno], [
		AC_CHECK_HEADER([$5], [AC_CHECK_LIB([$3], [$4], [have_$1=yes; $2_LIBS=-l$3])])
		AS_IF([test "x$with_$1$have_$1" = xyesno], [AC_MSG_ERROR([--with-$1: it was not found])])
	])
	AS_IF([test "x$have_$1" = xyes], [AC_DEFINE([HAVE_$2], [1], [Define if built with $1: $6.])])
	AC_SUBST([$2_LIBS])
])

# nettle has AES-SIV since 3.4, and with a context to set the key in once.
AC_DEFUN([CRYPTFS_CHECK_SIV], [
	AC_MSG_CHECKING([for AES-256-SIV-CMAC in nettle])
	cryptfs_save=$CFLAGS
	cryptfs_save_libs=$LIBS
	CFLAGS="$CFLAGS $NETTLE_CFLAGS"
	LIBS="$NETTLE_LIBS $LIBS"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <nettle/siv-cmac.h>]],
		[[struct siv_cmac_aes256_ctx ctx;
		static const unsigned char key[SIV_CMAC_AES256_KEY_SIZE];
		siv_cmac_aes256_set_key(&ctx, key);]])],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([this nettle has no siv_cmac_aes256_set_key; 3.5 or later is needed])])
	CFLAGS=$cryptfs_save
	LIBS=$cryptfs_save_libs
])
