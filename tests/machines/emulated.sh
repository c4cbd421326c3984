#!/bin/sh
# emulated.sh PROCESSOR KERNELS COMMAND…: runs a program of tests on an emulated x86 processor, which must have exactly
# these tables of kernels, such as "avx2, sse2, scalar". Says SKIPPED and ends with status 77 if there is no emulator.

set -u
processor=$1
kernels=$2
shift 2

if ! command -v qemu-x86_64 >/dev/null; then
  echo "SKIPPED: qemu-x86_64 is not installed"
  exit 77
fi

# A name that does not exist makes the library say which do.
answer=$(ATTUNE_SIMD=any qemu-x86_64 -cpu "$processor" "$@" --test-case='simd: the tables in use are*' 2>&1)
case $answer in
  *"choose one of $kernels"[!,]*) ;;
  *)
    printf '%s\n' "$answer"
    echo "emulated.sh: this emulated $processor does not have the kernels $kernels"
    exit 1
    ;;
esac
echo "kernels: $kernels"
exec qemu-x86_64 -cpu "$processor" "$@"
