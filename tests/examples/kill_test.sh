#!/bin/sh
# Kills a training at random moments, goes on, and compares what comes out with a training that was never stopped: all
# weights to the last bit, and the tables line by line, but for the columns of times.
#
#   kill_test.sh PROGRAM KILLS [INTERRUPTS] [SEED]

set -u
program=$1
kills=$2
interrupts=${3:-0}
seed=${4:-1}
folder=$(mktemp -d "${TMPDIR:-/tmp}/attune-kill-XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1

i=0
while [ $i -lt 480 ]; do
  for animal in cat dog hen; do echo "the big $animal $((i % 40)) sees me $i	le grand $animal $((i % 40)) me voit $i"; done
  i=$((i + 3))
done >pairs.tsv
flags='--pairs pairs.tsv --width 16 --hidden 16 --heads 2 --layers 1 --dropout 0.2 --batch-tokens 256 --accumulate 2
  --epochs 12 --warmup 10 --threads 1 --save-every-steps 3 --keep 3 --max-vocabulary 100 --keep-best-by bleu'

fail() {
  printf 'FAILED: %s\n' "$1"
  tail -n 5 errors
  exit 1
}

begin() { # OUT
  # shellcheck disable=SC2086
  "$program" train $flags --out "$1" >output 2>errors </dev/null
}

# What must be equal, of a folder.
result() { # FOLDER
  (cd "$1" && cksum weights.safetensors source.vocabulary target.vocabulary settings.ini checkpoints/epoch-* \
    checkpoints/start/*)
  cut -d, -f1,2,4-9,11- "$1/training.csv"
  cut -d, -f1,2,4- "$1/steps.csv"
}

begin whole || fail 'the training that is never stopped'
result whole >expected
steps=$(($(wc -l <whole/steps.csv) - 1))

# Random delays: a third within the start, the others anywhere in a training of this length.
start=$(date +%s%N)
begin timed || fail 'the training that is timed'
took=$((($(date +%s%N) - start) / 1000000))
awk -v seed="$seed" -v n="$((kills + interrupts))" -v took="$took" \
  'BEGIN { srand(seed); for (i = 0; i < n; ++i) printf "%.3f\n", rand() * (i % 3 == 0 ? 0.1 : 1) * took / 1000 }' >delays

trainings=1 early=0 late=0 done=0
while read -r delay; do
  [ $done -lt "$kills" ] && signal=KILL || signal=INT
  if [ -e run/checkpoints/latest.safetensors ]; then
    "$program" resume --model run --threads 1 >output 2>errors </dev/null &
  else
    # Killed before it had begun: there is nothing to go on with, and nothing is in the way.
    [ -e run ] && early=$((early + 1))
    # shellcheck disable=SC2086
    "$program" train $flags --out run >output 2>errors </dev/null &
  fi
  job=$!
  sleep "$delay"
  kill -$signal $job 2>/dev/null || late=$((late + 1))
  wait $job 2>/dev/null
  status=$?
  done=$((done + 1))
  case $signal$status in
    KILL137 | INT130) ;;
    *0) # It was faster.
      result run >got
      cmp -s expected got || fail "training $trainings, after $done kills, has another result: $(diff expected got | head -n 5)"
      rm -rf run
      trainings=$((trainings + 1))
      ;;
    *) fail "it ended with status $status" ;;
  esac
  if [ "$signal$status" = INT130 ]; then
    grep -qF 'Go on with:  ./run translator resume --model run' output || fail 'Ctrl-C says how to go on'
    [ -e run/weights.safetensors ] || fail 'Ctrl-C leaves a model to translate with'
  fi
done <delays

# The last one to its end.
if [ -e run/checkpoints/latest.safetensors ]; then
  "$program" resume --model run --threads 1 >output 2>errors </dev/null || fail 'the last resume'
  result run >got
  cmp -s expected got || fail "the last training has another result: $(diff expected got | head -n 5)"
fi
[ -z "$(find . -name '*.partial')" ] || fail 'a killed process leaves files behind for good'
echo "measured: translator: kill -9 at $kills and Ctrl-C at $interrupts random moments of trainings of $steps steps:" \
  "$trainings trainings brought to an end, all with the same bits; $early signals came before the first checkpoint," \
  "$late after the end"
