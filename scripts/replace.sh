#!/bin/sh
# replace.sh FROM TO: copies FROM over TO unless they are equal already, so that what depends on TO is not made again.
# The copy is renamed into place: a program that runs from the old file keeps it.
set -eu
if cmp -s "$1" "$2"; then exit 0; fi
mkdir -p "$(dirname "$2")"
cp "$1" "$2.new"
mv -f "$2.new" "$2"
