#!/bin/sh
# Draws the pictures of the book again and compares them with those that are committed.
#
#   pictures.sh SAME_PICTURE FOLDER DRAW ARGUMENTS…   `DRAW ARGUMENTS… NEW` draws into the folder NEW

set -u
same_picture=$1 folder=$2
shift 2
new=$(mktemp -d "${TMPDIR:-/tmp}/attune-drawn-XXXXXX") || exit 1
trap 'rm -rf "$new"' EXIT

for tool in dot gnuplot; do
  command -v $tool >/dev/null || {
    echo "SKIPPED: $tool is not installed, so no picture is drawn again (apt-get install graphviz gnuplot-nox)"
    exit 0
  }
done
sh "$@" "$new" || exit 1

failed=0 compared=0
for old in "$folder"/*.svg "$folder"/*.dot; do
  name=$(basename "$old")
  compared=$((compared + 1))
  # Pixels, and the numbers in tooltips. Where Graphviz puts things depends on the fonts that are there.
  tolerance=0.02 colour=2
  [ ! -e "${old%.svg}.dot" ] || tolerance=40
  [ -e "$new/$name" ] || { echo "$name is committed, but nothing draws it" && failed=1 && continue; }
  "$same_picture" "$old" "$new/$name" $tolerance $colour || failed=1
done
for drawn in "$new"/*.svg; do
  [ -e "$folder/$(basename "$drawn")" ] || { echo "$(basename "$drawn") is drawn, but not committed" && failed=1; }
done
echo "$compared pictures compared"
exit $failed
