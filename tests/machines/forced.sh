#!/bin/sh
# forced.sh KERNELS PROGRAM [ARGUMENTS…]: runs a program of tests with one table of kernels (scalar, sse2, avx2, …).
# Ends with status 77 and says SKIPPED if this machine has no such kernels.

set -u
kernels=$1
program=$2
shift 2

ATTUNE_SIMD=$kernels
export ATTUNE_SIMD

# Asked of the library itself: the first test that needs kernels says so if there are none of that name.
asked=$("$program" --test-case='simd: the tables in use are*' 2>&1)
status=$?
case $asked in
  *"ATTUNE_SIMD: this machine has no kernels called \"$kernels\": choose one of "*)
    echo "SKIPPED: this machine has no $kernels"
    exit 77
    ;;
esac
case "$status $asked" in
  *' 1 passed'*) ;;
  *) status=1 ;; # the test that asks is gone, and everything could be skipped unnoticed
esac
if [ "$status" -ne 0 ]; then
  printf '%s\n' "$asked"
  exit 1
fi

echo "the suite with ATTUNE_SIMD=$kernels"
exec "$program" "$@"
