#!/bin/sh
# forced.sh KERNELS COMMAND…: runs a program of tests with one table of kernels (scalar, sse2, avx2, …).
# Says SKIPPED and ends with status 77 if this machine has no such kernels.

set -u
ATTUNE_SIMD=$1
export ATTUNE_SIMD
shift

# Asked of the library itself: its first use of the kernels fails if there are none of that name.
answer=$("$@" --test-case='simd: the tables in use are*' 2>&1)
case $answer in
  *"ATTUNE_SIMD: this machine has no kernels called \"$ATTUNE_SIMD\": choose one of "*)
    echo "SKIPPED: this machine has no $ATTUNE_SIMD"
    exit 77
    ;;
  *'test cases: 1 | 1 passed | 0 failed'*) ;;
  *)
    printf '%s\n' "$answer"
    exit 1
    ;;
esac
echo "kernels: $ATTUNE_SIMD"
exec "$@"
