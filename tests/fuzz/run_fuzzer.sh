#!/bin/sh
# Runs a fuzzer for a while and says how far it came.
#
#   run_fuzzer.sh NAME PROGRAM SECONDS FOLDER DICTIONARY
#
# FOLDER/inputs keeps what reached new code, for the next run to start from; FOLDER/found- … an input that broke a
# promise. A single block of memory of more than 64 MiB, for inputs of at most 1 KiB, counts as one.

set -u
name=$1 program=$2 seconds=$3 folder=$4 dictionary=$5
mkdir -p "$folder/inputs" || exit 1
rm -f "$folder"/found-*

"$program" "$folder/inputs" -dict="$dictionary" -max_total_time="$seconds" -max_len=1024 -timeout=20 \
  -rss_limit_mb=2048 -malloc_limit_mb=64 -print_final_stats=1 -artifact_prefix="$folder/found-" \
  >"$folder/log" 2>&1
status=$?
if [ $status -ne 0 ]; then
  tail -n 60 "$folder/log"
  echo "FAILED: fuzz $name: status $status; the input is $(ls "$folder"/found-* 2>/dev/null)"
  exit 1
fi
awk -v name="$name" '
  function grouped(n) {
    n = n ""
    for (at = length(n) - 3; at > 0; at -= 3) n = substr(n, 1, at) "," substr(n, at + 1)
    return n
  }
  /^#[0-9]+[ \t]+DONE/ {
    for (i = 1; i < NF; ++i) {
      if ($i == "cov:") branches = $(i + 1)
      if ($i == "ft:") features = $(i + 1)
      if ($i == "corp:") inputs = $(i + 1)
    }
  }
  /^Done [0-9]+ runs in/ { runs = $2; time = $5 }
  /^stat::peak_rss_mb:/ { memory = $2 }
  END {
    if (runs == "") exit 1
    sub("/.*", "", inputs)
    printf "measured: fuzz %s: %s runs in %s s without a finding, %s branches and %s features reached by %s inputs, ",
           name, grouped(runs), time, grouped(branches), grouped(features), grouped(inputs)
    printf "at most %s MB\n", memory
  }' "$folder/log" || {
  tail -n 20 "$folder/log"
  echo "FAILED: fuzz $name: no figures in its log"
  exit 1
}
