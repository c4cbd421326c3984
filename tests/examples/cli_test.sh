#!/bin/sh
# What the translator's program promises to whoever types: one sentence and a non-zero status for everything that does
# not fit, exactly one line of output for each line of input, and nothing lost on the way.
#
#   cli_test.sh PROGRAM

set -u
program=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/attune-cli-XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
checks=0

wrong() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1"
  sed 's/^/    /' errors | head -n 5
}

# refused STATUS WORDS FLAGS… : the program stops with this status and a last line that contains the words.
refused() {
  status=$1 words=$2
  shift 2
  checks=$((checks + 1))
  "$program" "$@" >output 2>errors </dev/null
  got=$?
  [ "$got" = "$status" ] || wrong "translator $*: status $got instead of $status"
  tail -n 1 errors | grep -qF -e "$words" || wrong "translator $*: the last line should say: $words"
}

check() { # NAME COMMAND… : the command succeeds.
  name=$1
  shift
  checks=$((checks + 1))
  "$@" || wrong "$name"
}

# --- a corpus and a tiny model ---

i=0
while [ $i -lt 120 ]; do
  for animal in cat dog hen; do
    for colour in red old big; do echo "the $colour $animal $i	le $animal $colour $i"; done
  done
  i=$((i + 6))
done >pairs.tsv
cut -f1 pairs.tsv >source.txt
cut -f2 pairs.tsv >target.txt
head -n 5 target.txt >short.txt
: >empty.txt
mkdir folder
head -c 4000 "$program" | tr -d '\t' >binary.txt
printf 'only\tone\n' >one.tsv
tiny='--width 8 --hidden 8 --heads 2 --layers 1 --epochs 1 --threads 1 --warmup 1'

# shellcheck disable=SC2086
"$program" train --pairs pairs.tsv --out model $tiny >output 2>errors </dev/null || wrong 'training on pairs'
for file in weights.safetensors source.vocabulary target.vocabulary training.csv; do
  check "$file is written" test -s "model/$file"
done

# --- the command line (flags.cpp has more of it, and its own test) ---

refused 2 'there is no flag "--wrong"' --wrong
refused 2 'there is no command "fly"' fly
refused 2 '--threads: "0" was given' --threads 0
refused 2 '--epochs: "-1" was given' train --epochs -1
refused 2 'does not split into --heads 5' train --heads 5 --width 128
refused 2 '--minutes: "nan" was given' train --minutes nan
refused 2 '--rate: "-1" was given' train --rate -1
for command in '' split train overfit translate chat attend score report; do
  # shellcheck disable=SC2086
  "$program" $command --help >output 2>errors || wrong "translator $command --help"
  check "translator $command --help fits into 80 columns" test "$(sed 's/…/./g' output | awk 'length > 80' | wc -l)" = 0
done

# --- corpora ---

refused 1 'cannot open the file: nowhere.tsv' train --pairs nowhere.tsv --out new
refused 1 'the file is empty: empty.txt' train --pairs empty.txt --out new
refused 1 'this is a folder: folder' train --pairs folder --out new
refused 1 'most lines have not exactly one tab' train --pairs source.txt --out new
refused 1 'binary.txt' train --pairs binary.txt --out new
refused 1 'must have the same number of lines' train --source source.txt --target short.txt --out new
refused 1 'of 1 pair, 1 cannot be held out' train --pairs one.tsv --out new
refused 1 'lower --min-count' train --pairs pairs.tsv --min-count 100000 --out new
refused 1 'raise --max-length' train --pairs pairs.tsv --max-length 2 --out new
refused 1 'GB and the machine has' train --pairs pairs.tsv --width 8192 --hidden 65536 --layers 256 --out new
check 'a corpus that is refused leaves no model' test ! -e new/weights.safetensors
refused 1 'cannot be written to' train --pairs pairs.tsv --out source.txt
refused 1 'cannot be written to' train --pairs pairs.tsv --out source.txt/below
refused 1 'cannot be written to' --out source.txt

refused 2 'split: no corpus was named' split --out parts
refused 2 'split: no folder was named' split --pairs pairs.tsv
mkdir own && cp pairs.tsv own/training.tsv
refused 2 'own/training.tsv would be overwritten: name another folder' split --pairs own/training.tsv --out own --test 9
check 'and the corpus is as it was' cmp -s pairs.tsv own/training.tsv
cp pairs.tsv own/training.csv
refused 2 'own/training.csv would be overwritten: name another folder' train --pairs own/training.csv --out own
refused 1 'hold out at least 1 and leave at least 1' split --pairs pairs.tsv --out parts --test 180
"$program" split --pairs pairs.tsv --out parts --validation 20 --test 30 >output 2>errors || wrong 'splitting a corpus'
check 'the parts are the corpus' test "$(cat parts/*.tsv | sort | cksum)" = "$(sort pairs.tsv | cksum)"
check 'the test has as many pairs as asked for' test "$(wc -l <parts/test.tsv)" -eq 30
sort -r pairs.tsv >reversed.tsv
"$program" split --pairs reversed.tsv --out again --validation 20 --test 30 >output 2>errors
check 'the order of a corpus does not matter' test "$(sort again/test.tsv | cksum)" = "$(sort parts/test.tsv | cksum)"

# --- pieces that are learnt ---

refused 2 '--source-tokens unigram:N: "x" was given: give a whole number' train --pairs pairs.tsv --source-tokens unigram:x
refused 2 'bpe:N (N pieces that are learnt)' train --pairs pairs.tsv --source-tokens pieces
refused 2 'give --source-tokens and --target-tokens the same' train --pairs pairs.tsv --joint
refused 2 'whose number stands behind the colon' \
  train --pairs pairs.tsv --source-tokens bpe:40 --target-tokens bpe:40 --max-vocabulary 100
refused 2 '--character-coverage has no effect' train --pairs pairs.tsv --character-coverage 0.99
# shellcheck disable=SC2086
"$program" train --pairs pairs.tsv --out pieces $tiny --source-tokens bpe:40 --target-tokens bpe:40 --joint \
  >output 2>errors </dev/null
if grep -q 'built without SentencePiece' errors; then
  echo 'pieces: attune was built without SentencePiece'
else
  for file in source.sentencepiece target.sentencepiece; do
    check "$file is written" test -s "pieces/$file"
  done
  check 'SentencePiece writes nothing to the terminal' test "$(grep -c 'trainer' errors)" -eq 0
  check 'a joint model is one' cmp -s pieces/source.sentencepiece pieces/target.sentencepiece
  check 'the vocabularies are as large as asked for' grep -q 'Vocabularies of 40 and 40 tokens' output
  refused 1 'ask for at most' train --pairs pairs.tsv --out none $tiny --source-tokens unigram:9000
  check 'a line for a line' test "$(printf 'the red cat\n\nx\n' | "$program" translate --model pieces 2>errors | wc -l)" -eq 3
  rm pieces/target.sentencepiece
  refused 1 'target.sentencepiece' translate --model pieces
fi

# --- one batch ---

"$program" overfit --width 32 --hidden 32 --heads 2 --layers 1 --batch-tokens 100 --rate 0.01 >output 2>errors
check 'overfit ends with status 0 when it learns' test $? -eq 0
check 'and says so in its last line' grep -q '^It learns: the loss fell to 0.00' output
"$program" overfit --pairs pairs.tsv --width 8 --hidden 8 --heads 2 --layers 1 --steps 3 --rate 1e-9 >output 2>errors
check 'overfit ends with status 1 when it does not' test $? -eq 1
check 'and says what that means' grep -q '^It does not learn: after 3 steps.*raise --rate' output
refused 1 'raise --max-length' overfit --pairs pairs.tsv --max-length 2
check 'overfit keeps nothing' test ! -e out

# --- models ---

refused 1 'there is no trained translator here' translate --model nowhere
refused 1 'there is no trained translator here' translate --model source.txt
refused 1 'this model was trained on pairs.tsv' score --model model
refused 1 'holds a translator of another corpus' --out model
refused 2 'give one of fr, zh' --to de
refused 2 'your files have their own: leave it out' train --to zh --pairs pairs.tsv
refused 1 'learnt another: leave --to out' translate --to zh --model model
refused 1 'no trained translator here' translate --to zh
"$program" overfit --to zh --width 32 --hidden 32 --heads 2 --layers 1 --batch-tokens 100 --rate 0.01 >output 2>errors
check 'a batch of the Chinese corpus is learnt too' grep -q '^It learns' output
"$program" train --to zh --out zh --minutes 0.001 --width 8 --hidden 8 --heads 2 --layers 1 >output 2>errors
check 'a model of the Chinese corpus is trained' test $? -eq 0
check 'and scored in characters' grep -q 'of 1000 exactly right' output
refused 1 '--to fr asks for French, and the translator in zh writes Chinese: give --to zh' translate --to fr --model zh
refused 1 'the translator in zh writes Chinese' score --to fr --model zh
refused 1 'the translator in zh writes Chinese' --out zh
echo 'the red cat sees me.' >input
check 'it translates with --to zh and without' sh -c '"$0" translate --model zh <input && "$0" translate --to zh --model zh <input' "$program"
cp -r model broken
for file in weights.safetensors source.vocabulary target.vocabulary; do
  size=$(wc -c <"model/$file")
  for part in 0 3 2; do
    [ "$part" = 0 ] && bytes=0 || bytes=$((size / part))
    head -c "$bytes" "model/$file" >"broken/$file"
    refused 1 "$file" translate --model broken
  done
  # One letter in the middle is another.
  half=$((size / 2))
  { head -c "$half" "model/$file" && printf '~' && tail -c "+$((half + 2))" "model/$file"; } >"broken/$file"
  refused 1 "$file" translate --model broken
  rm "broken/$file"
  [ "$file" = weights.safetensors ] || refused 1 "$file" translate --model broken
  cp "model/$file" "broken/$file"
done

# --- translating: one line for each line ---

translated() { # NAME LINES : of the file `input`
  "$program" translate --model model --threads 1 <input >output 2>errors || wrong "translate: $1: status $?"
  check "translate: $1: $2 lines" test "$(wc -l <output)" -eq "$2"
}
printf 'the red cat 6\n\n   \nthe big dog 12\n' >input && translated 'empty and white lines' 4
check 'an empty line stays empty' test "$(sed -n 2p output)" = ''
printf 'the red cat 6' >input && translated 'no line feed at the end' 1
: >input && translated 'no input' 0
printf '\n' >input && translated 'an empty line alone' 1
printf '\357\273\277the cat\r\nthe dog\r\n' >input && translated 'byte-order mark, carriage returns' 2
check 'what was removed is said' grep -q 'byte-order mark' errors
printf 'the \377\376 cat\nthe\000dog\n\000\n\342\200\250\n' >input && translated 'bytes that are no text' 4
check 'what was repaired is said' grep -q 'NUL' errors
head -c 10485760 /dev/zero | tr '\000' 'a' >input && echo >>input && echo 'the red cat 6' >>input
translated 'a line of 10 MiB' 2
check 'what was cut is said' grep -q 'cut' errors

# What is no text at all: the program itself, from several places and with several ends.
property=0
for start in 1 5001 20011 50021; do
  tail -c "+$start" "$program" | head -c 6000 >noise
  for kind in plain crlf open nul empty; do
    case $kind in
      plain) { cat noise && echo; } >input ;;
      crlf) { cat noise && printf '\r\n\r\nthe red cat 6\r\n'; } >input ;;
      open) { cat noise && printf '\nthe red cat 6'; } >input ;;
      nul) { cat noise && printf '\n\000\000\nthe\000 cat\n'; } >input ;;
      empty) { printf '\n\n' && cat noise && printf '\n\n\n'; } >input ;;
    esac
    ends=$(tr -cd '\n' <input | wc -c)
    [ "$(tail -c 1 input | od -An -tx1 | tr -d ' ')" = 0a ] || ends=$((ends + 1))
    translated "noise from byte $start, $kind" "$ends"
    check "what comes out of noise from byte $start, $kind, is UTF-8 without NUL or carriage return" \
      test "$(tr -d '\000\r' <output | iconv -f UTF-8 -t UTF-8 2>/dev/null | wc -c)" = "$(wc -c <output)"
    property=$((property + ends))
  done
done
echo "measured: translator: $property lines of noise in 20 files, one line of text out for each"

cat source.txt source.txt source.txt source.txt >input && translated 'several batches' "$(wc -l <input)"
echo 'the azure cat' >input && translated 'an unknown word' 1
check 'unknown words are named' grep -q '"azure"' errors
"$program" translate --model model <folder >output 2>errors
check 'a folder as input is refused' test $? -eq 1
if [ -e /dev/full ]; then
  "$program" translate --model model <source.txt >/dev/full 2>errors
  check 'a full disk is noticed' test $? -eq 1
fi
"$program" translate --model model <source.txt >&- 2>errors
check 'a closed output is noticed' test $? -eq 1
yes 'the red cat 6' | head -n 2000 >input
"$program" translate --model model <input 2>errors | head -n 1 >output
check 'head gets its line' test "$(wc -l <output)" -eq 1
check 'and a sentence says why it ends' grep -q 'nobody reads the output any more' errors

# --- searches ---

head -n 3 source.txt >input
"$program" translate --model model <input >greedy
"$program" translate --model model --beam 1 <input >output
check 'a beam of 1 is greedy search' cmp -s greedy output
"$program" translate --model model --beam 4 --n-best 2 <input >output
check 'two lines of four fields for each' test "$(cut -f1,4 output | grep -c '^[123].')" -eq 6
check 'numbered by their lines' test "$(cut -f1 output | tr '\n' ' ')" = '1 1 2 2 3 3 '
"$program" translate --model model --beam 4 <input >best
check 'the first of the n best is the best' test "$(cut -f4 output | sed -n 1p)" = "$(sed -n 1p best)"
"$program" translate --model model --sample --seed 7 <input >first
"$program" translate --model model --sample --seed 7 <input >second
check 'the same seed draws the same' cmp -s first second
"$program" translate --model model --sample --seed 8 <input >second
check 'another seed draws something else' test "$(cat first)" != "$(cat second)"
"$program" translate --model model --sample --top-k 1 <input >output
check 'the likeliest token alone is greedy search' cmp -s greedy output
refused 2 '--top-p is for sampling: add --sample' translate --model model --top-p 0.5
refused 2 '--n-best is for beam search: add --beam 5' translate --model model --n-best 2
refused 2 '--beam is for searching, and --sample draws by chance' translate --model model --beam 2 --sample
refused 2 'a beam of 2 has no 3 best' translate --model model --beam 2 --n-best 3
refused 2 '--temperature: "0" was given' translate --model model --sample --temperature 0
mkfifo lines
"$program" translate --model model <lines >output 2>errors &
child=$!
exec 4>lines
echo 'the red cat 6' >&4
tries=0
while [ ! -s output ] && [ $tries -lt 100 ]; do sleep 0.1 && tries=$((tries + 1)); done
check 'a line is answered before the next one comes' test "$(wc -l <output)" -eq 1
kill -TERM $child
wait $child
check 'an interrupted translation has its status' test $? -eq 130
check 'and says how far it came' grep -q 'interrupted; 1 line was answered' errors
exec 4>&-

# --- chat ---

printf 'the red cat 6\n:head 1\n:layer 9\n:nonsense\n\n:beam 3\n:best 2\nthe big dog 12\n:help\n:quit\nnever\n' >input
"$program" chat --model model <input >output 2>errors
check 'a conversation ends well' test $? -eq 0
check 'without a word where nobody types' test ! -s errors
check 'and without a prompt' sh -c '! grep -q "^>" output'
head -n 1 input | "$program" translate --model model >expected
check 'chat translates as translate does' test "$(sed -n 1p output)" = "$(cat expected)"
check 'it shows all heads first' grep -qF 'mean of the 2 heads, decoder layer 1 of 1' output
check 'then the one that is asked for' grep -qF 'head 1 of 2, decoder layer 1 of 1' output
check 'a layer that is not there is refused' grep -qF ':layer "9": give a whole number from 1 to 1.' output
check 'and so is another command' grep -qF 'There is no command ":nonsense": :help lists' output
check 'a beam is widened' grep -qF 'Beam search with 3 hypotheses, of which 2 are shown.' output
check 'what follows :quit is not read' sh -c '! grep -q never output'
printf 'the azure cat' | "$program" chat --model model >output 2>errors
check 'chat names unknown words' grep -qF 'Unknown to the model: "azure"' output
refused 1 'there is no trained translator here' chat --model nowhere
if command -v script >/dev/null 2>&1 && script --version 2>/dev/null | grep -q util-linux; then  # a terminal
  printf 'the red cat 6\n:quit\n' | script -qec "stty cols 60; '$program' chat --model model" seen >output 2>errors
  check 'in a terminal chat asks for a line' grep -q '^> ' seen
  check 'and says what can be typed' grep -qF ':help lists what else there is' seen
fi

# --- attention ---

cut -f1 pairs.tsv | head -n 1 >input && sentence=$(cat input)
translated 'the sentence to look at' 1
attended() { # NAME FLAGS… : attend succeeds on the sentence.
  name=$1
  shift
  "$program" attend "$sentence" --model model --threads 1 "$@" >seen 2>errors || wrong "attend: $name: status $?"
}
attended 'plain'
check 'attend says the sentence' test "$(sed -n 1p seen)" = "$sentence"
check 'attend translates as translate does' test "$(sed -n 2p seen)" = "  $(cat output)"
check 'attend shows the mean of the last layer' grep -qF '(mean of the 2 heads, decoder layer 1 of 1)' seen
check 'with the words of the sentence above' grep -q 'the red cat 0  *</s>$' seen
check 'and says where the picture is' grep -qx 'All heads of this layer: out/attend.svg' seen
check 'which has a panel for each head and their mean' test "$(grep -o '>mean of the heads<\|>head [12]<' out/attend.svg | wc -l)" = 3
check 'and calls no language by name in a corpus of your own' grep -q 'target, as it is written' out/attend.svg
attended 'one head' --head 2 --layer 1 --svg new/folder/picture.svg
check 'attend shows one head' grep -qF '(head 2 of 2, decoder layer 1 of 1)' seen
check 'and the picture goes to --svg' cmp -s out/attend.svg new/folder/picture.svg
sentence='the azure cat'
attended 'an unknown word'
check 'attend names unknown words' grep -q '^attend: words the model does not know: "azure"$' errors
check 'and shows them as they stand' grep -q 'the azure cat </s>' seen
"$program" attend the red cat 6 --model model >seen 2>errors
check 'attend needs no quotation marks' test "$(sed -n 1p seen)" = 'the red cat 6'
"$program" attend 'the red cat sees me.' --to zh --model zh --svg zh.svg >seen 2>errors
check 'attend takes --to' grep -q 'Chinese, as it is written' zh.svg
refused 2 'attend: no sentence was given' attend --model model
refused 2 'attend: no sentence was given' attend '' --model model
refused 1 'attend: there is no word in this sentence' attend '   ' --model model
refused 1 'attend: it draws one sentence' attend "$(printf 'the cat\nthe dog')" --model model
refused 1 'attend: a sentence of 101 tokens is too long' attend "$(yes cat | head -n 101 | tr '\n' ' ')" --model model
refused 1 'attend: there is no layer 2: the decoder of this model has layer 1 only' attend cat --layer 2 --model model
refused 1 'attend: there is no head 3: the decoder of this model has heads 1 to 2' attend cat --head 3 --model model
refused 2 '--layer: "0" was given' attend cat --layer 0 --model model
refused 1 'there is no trained translator here' attend cat
refused 1 'the translator in zh writes Chinese' attend cat --to fr --model zh
refused 1 '"folder" is a folder' attend cat --model model --svg folder
refused 1 'source.txt/below' attend cat --model model --svg source.txt/below
# shellcheck disable=SC2086
"$program" train --pairs pairs.tsv --out mean --baseline mean $tiny >output 2>errors </dev/null || wrong 'the baseline'
refused 1 'attend: mean holds the baseline that sees only the mean of the source' attend cat --model mean
if [ -e /dev/full ]; then
  "$program" attend 'the red cat' --model model >/dev/full 2>errors
  check 'a full disk is noticed' test $? -eq 1
fi

# --- the report ---

check 'training leaves a report' grep -q 'Attention microscope' model/report.html
check 'with the sentences before training and after the epoch' grep -q '"moments":\[0,1\]' model/report.html
cp model/report.html before.html
"$program" report --model model >output 2>errors
check 'report makes the page again' cmp -s before.html model/report.html
check 'and says where it is' grep -qx 'Written: model/report.html' output
refused 1 'there is nothing to report on here' report --model nowhere
refused 1 'there is nothing to report on here' report --model source.txt

# --- scores ---

refused 1 'source.txt has 180 lines, short.txt has 5' score --hypothesis source.txt --reference short.txt
refused 1 'are empty' score --hypothesis empty.txt --reference empty.txt
refused 1 'nowhere' score --hypothesis nowhere --reference source.txt
"$program" score --hypothesis target.txt --reference target.txt >output 2>errors
check 'a file scores 100 against itself' grep -q '^BLEU = 100.00' output
check 'and says how it was counted' grep -q 'tok:13a|smooth:exp' output
check 'with the signature of each score' grep -q 'nrefs:1|case:mixed|eff:yes|nc:6|nw:0' output
sed 's/le /la /' target.txt >worse.txt
"$program" score --hypothesis target.txt --reference target.txt --compare worse.txt >output 2>errors
check 'one output is better than another' grep -q 'difference: +.* better on 100.0 %, p = 0.0010' output
refused 1 'short.txt has 5 lines, target.txt has 180' score --hypothesis target.txt --reference target.txt \
  --compare short.txt
"$program" score --hypothesis target.txt --reference target.txt --tokenized >output 2>errors
check 'tokenised text is not cut again' grep -q 'tok:none|smooth:none' output
"$program" score --model model --pairs pairs.tsv >output 2>errors
check 'a model is scored on pairs' grep -q 'of 180 exactly right' output
check 'as text' grep -q 'tok:13a' output
check 'and by its own tokens' grep -q '^Tokenised BLEU' output

# --- interrupted ---

"$program" train --pairs pairs.tsv --out model --width 8 --heads 2 --layers 1 --threads 1 --minutes 10 >output 2>errors </dev/null &
job=$!
waited=0
while ! grep -q 'left$' errors && [ $waited -lt 300 ]; do sleep 0.1 && waited=$((waited + 1)); done
# A shell starts what runs in the background deaf to SIGINT; SIGTERM does the same.
kill -TERM $job
wait $job
check 'an interrupted training ends with status 130' test $? -eq 130
check 'says so' grep -q '^Interrupted after' output
echo 'the red cat 6' >input && translated 'the model of an interrupted training' 1

echo "$checks checks, $failures failed"
[ $failures -eq 0 ]
