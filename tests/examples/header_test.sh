#!/bin/sh
# Holds an example against its header: the header has all its lines, the command in it names the example, and the program,
# run without arguments in an empty folder, succeeds and ends with the line that the header promises. The table in the
# README of the examples must list it.
#
#   header_test.sh PROGRAM SOURCE
#
# SOURCE is NAME.cpp or NAME/main.cpp, and begins like this, where each field may go on in lines that are indented further:
#
#   // One line that says what it is (it is shown by `./run`).
#   //
#   // Command:  ./run NAME
#   // Data:     …
#   // Time:     …
#   // Ends with the line:
#   //   the last line of its standard output, exactly

set -u
program=$1
source=$2
case $source in
  */main.cpp) name=$(basename "$(dirname "$source")") readme=$(dirname "$source")/../README.md link=$name/main.cpp ;;
  *) name=$(basename "$source" .cpp) readme=$(dirname "$source")/README.md link=$name.cpp ;;
esac
folder=$(mktemp -d "${TMPDIR:-/tmp}/attune-example-XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

wrong() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n' "$1"
}

# The header is the block of comments at the very top, here without its slashes.
awk '/^\/\// { sub(/^\/\/ ?/, ""); print; next } { exit }' "$source" >"$folder/header"

field() { sed -n "s/^$1: *//p" "$folder/header" | head -n 1; }

head -n 1 "$folder/header" | grep -q '^[A-Z].*\.$' ||
  wrong 'the first line should be a sentence that says what the program is, and end with a full stop'
[ -z "$(sed -n 2p "$folder/header")" ] || wrong 'the second line should be empty: `./run` shows only the first'
case "$(field Command) " in
  "./run $name "*) ;;
  *) wrong "there should be a line 'Command:  ./run $name', and it says '$(field Command)'" ;;
esac
for wanted in Data Time; do
  [ -n "$(field $wanted)" ] || wrong "there should be a line '$wanted:  …'"
done
promised=$(sed -n '/^Ends with the line:$/ { n; s/^  *//p; }' "$folder/header")
[ -n "$promised" ] || wrong "there should be a line 'Ends with the line:' and under it, indented, that line"

grep -qF "| [$name]($link) |" "$readme" || wrong "the table in $readme should have a row '| [$name]($link) | … |'"

mkdir "$folder/run"
(cd "$folder/run" && exec "$program" >../output 2>../errors </dev/null)
status=$?
[ $status = 0 ] || wrong "the program ended with status $status instead of 0"
last=$(tail -n 1 "$folder/output")
[ "$last" = "$promised" ] || wrong "the last line of the output is not the one promised:
  promised  $promised
  printed   $last"

if [ $failures -gt 0 ]; then
  printf 'in %s; the output ended with\n' "$source"
  tail -n 5 "$folder/output" "$folder/errors"
  exit 1
fi
printf '%s ends with the line that its header promises\n' "$name"
