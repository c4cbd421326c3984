#!/bin/sh
# Training steps of attune and of PyTorch in turn, attune PyTorch attune PyTorch …, so that a busy machine treats both
# alike; prints real target tokens per second and their ratio, of the best round and of the median one.
#
#   benchmarks/compare_with_torch.sh [BENCH] [ROUNDS] [SECONDS]
#
# BENCH is training_step_bench as built (default: build/default/benchmarks/training_step_bench); each of the ROUNDS (5)
# measures each program for about SECONDS (2). PYTHON names the Python that has PyTorch (Debian: python3-torch), TORCH_ENV
# holds settings for it alone. PyTorch is only as fast as its BLAS: on Debian install libopenblas0-pthread beside it, and
# on a busy machine try TORCH_ENV=OPENBLAS_NUM_THREADS=1, too. WORKLOADS and THREADS choose what is measured.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
bench=${1:-$here/../build/default/benchmarks/training_step_bench}
rounds=${2:-5}
seconds=${3:-2}
python=${PYTHON:-/usr/bin/python3}
[ -x "$bench" ] || { echo "compare_with_torch: $bench is not there: build the target training_step_bench" >&2; exit 1; }
"$python" -c 'import torch' || { echo "compare_with_torch: $python has no PyTorch: install python3-torch" >&2; exit 1; }

attune() { # WORKLOAD THREADS: tokens per second
  "$bench" --benchmark_filter="$1/threads:$2/" --benchmark_min_time="$seconds" --benchmark_format=csv 2>/dev/null |
    awk -F, '/threads/ { print $7 }'
}
pytorch() { # the same
  env OPENBLAS_NUM_THREADS="$2" ${TORCH_ENV:-} "$python" "$here/training_step_torch.py" "$1" "$2" "$seconds" | awk '{ print $3 }'
}

printf '%-16s %10s %10s %7s   %10s %10s %7s\n' tokens/s attune PyTorch best attune PyTorch median
for workload in ${WORKLOADS:-tour tiny}; do
  for threads in ${THREADS:-1 2}; do
    round=0
    while [ "$round" -lt "$rounds" ]; do
      printf 'attune %s\n' "$(attune "$workload" "$threads")"
      printf 'pytorch %s\n' "$(pytorch "$workload" "$threads")"
      round=$((round + 1))
    done | sort -k1,1 -k2,2g | awk -v name="$workload/threads:$threads" '
      { speed[$1, ++count[$1]] = $2 }
      function median(who, n) { n = count[who]; return (speed[who, int((n + 1) / 2)] + speed[who, int(n / 2) + 1]) / 2 }
      END {
        a = speed["attune", count["attune"]]; p = speed["pytorch", count["pytorch"]]
        am = median("attune"); pm = median("pytorch")
        printf "%-16s %10.0f %10.0f %6.2fx   %10.0f %10.0f %6.2fx\n", name, a, p, a / p, am, pm, am / pm
      }'
  done
done
