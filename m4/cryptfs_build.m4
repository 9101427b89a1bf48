# SPDX-License-Identifier: GPL-3.0-or-later
# The kinds of build: --enable-werror, --enable-sanitizers, --enable-fuzzing, --enable-coverage.

# Arguments, and CFLAGS that suit them unless the user gave some.
AC_DEFUN([CRYPTFS_ARG_BUILD], [
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [make warnings errors (developers, CI)])],
		[cryptfs_werror=$enableval], [cryptfs_werror=no])
	AC_ARG_ENABLE([hardening],
		[AS_HELP_STRING([--disable-hardening], [leave out the hardening flags])],
		[cryptfs_hardening=$enableval], [cryptfs_hardening=yes])
	AC_ARG_ENABLE([sanitizers],
		[AS_HELP_STRING([--enable-sanitizers@<:@=LIST@:>@],
			[instrument for these (default LIST: address,undefined; or thread)])],
		[cryptfs_sanitizers=$enableval], [cryptfs_sanitizers=no])
	AC_ARG_ENABLE([fuzzing],
		[AS_HELP_STRING([--enable-fuzzing], [build the fuzzers (clang's libFuzzer)])],
		[cryptfs_fuzzing=$enableval], [cryptfs_fuzzing=no])
	AC_ARG_ENABLE([coverage],
		[AS_HELP_STRING([--enable-coverage], [count executed lines; see 'make coverage'])],
		[cryptfs_coverage=$enableval], [cryptfs_coverage=no])
	AS_IF([test "x$cryptfs_sanitizers" = xyes], [cryptfs_sanitizers=address,undefined])
	AS_IF([test "x$cryptfs_fuzzing" = xyes && test "x$cryptfs_sanitizers" = xno],
		[cryptfs_sanitizers=address,undefined])

	cryptfs_instrumented=no
	AS_IF([test "x$cryptfs_coverage" = xyes],
		[cryptfs_instrumented=yes; : ${CFLAGS="-g -O0"}],
		[test "x$cryptfs_sanitizers" != xno],
		[cryptfs_instrumented=yes; : ${CFLAGS="-g -O1"}])
	BUILD_CFLAGS=
	BUILD_LDFLAGS=
	AC_SUBST([BUILD_CFLAGS])
	AC_SUBST([BUILD_LDFLAGS])
])

AC_DEFUN([CRYPTFS_SANITIZERS], [
	AS_IF([test "x$cryptfs_sanitizers" != xno], [
		cryptfs_found=
		CRYPTFS_TRY_LINK([cryptfs_found], [-fsanitize=$cryptfs_sanitizers],
			[-fsanitize=$cryptfs_sanitizers])
		AS_IF([test -z "$cryptfs_found"],
			[AC_MSG_ERROR([$CC cannot link with -fsanitize=$cryptfs_sanitizers])])
		BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=$cryptfs_sanitizers -fno-omit-frame-pointer"
		BUILD_CFLAGS="$BUILD_CFLAGS -fno-sanitize-recover=all"
		BUILD_LDFLAGS="$BUILD_LDFLAGS -fsanitize=$cryptfs_sanitizers"
	])
	AC_SUBST([SANITIZERS], [$cryptfs_sanitizers])
	AS_IF([test "x$cryptfs_instrumented" = xyes],
		[AC_DEFINE([CRYPTFS_INSTRUMENTED], [1], [Define if sanitizers or coverage watch what is built.])])
])

# libFuzzer brings its own main, so -fsanitize=fuzzer is for the fuzzers only; the rest gets the
# instrumentation alone.
AC_DEFUN([CRYPTFS_FUZZING], [
	FUZZ_LDFLAGS=
	AS_IF([test "x$cryptfs_fuzzing" = xyes], [
		AC_MSG_CHECKING([whether $CC has libFuzzer])
		cryptfs_save=$CFLAGS
		CFLAGS="$CFLAGS -fsanitize=fuzzer"
		AC_LINK_IFELSE([AC_LANG_SOURCE([[
			#include <stddef.h>
			#include <stdint.h>
			int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
			int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) { (void)p; (void)n; return 0; }
		]])], [AC_MSG_RESULT([yes])], [
			AC_MSG_RESULT([no])
			AC_MSG_ERROR([--enable-fuzzing needs clang with libFuzzer (try CC=clang)])])
		CFLAGS=$cryptfs_save
		BUILD_CFLAGS="$BUILD_CFLAGS -fsanitize=fuzzer-no-link"
		FUZZ_LDFLAGS=-fsanitize=fuzzer
	])
	AC_SUBST([FUZZ_LDFLAGS])
	AM_CONDITIONAL([ENABLE_FUZZING], [test "x$cryptfs_fuzzing" = xyes])
])

AC_DEFUN([CRYPTFS_COVERAGE], [
	AS_IF([test "x$cryptfs_coverage" = xyes], [
		cryptfs_found=
		CRYPTFS_TRY_LINK([cryptfs_found], [--coverage], [--coverage])
		AS_IF([test -z "$cryptfs_found"], [AC_MSG_ERROR([$CC does not know --coverage])])
		BUILD_CFLAGS="$BUILD_CFLAGS --coverage"
		BUILD_LDFLAGS="$BUILD_LDFLAGS --coverage"
	])
	AM_CONDITIONAL([ENABLE_COVERAGE], [test "x$cryptfs_coverage" = xyes])
])
