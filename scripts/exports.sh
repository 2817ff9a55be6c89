#!/bin/sh
# exports.sh HEADER: a linker version script that exports each function HEADER declares, and nothing else.
# The preprocessor takes the comments out, so a function that is only mentioned there does not count. A name before `(*`
# is a type: that of what a callback returns.
set -eu
echo '{'
echo '  global:'
${CC:-cc} -E -P "$1" | grep -oE '\bdog_[a-z0-9_]+ *\([^*]' | sed 's/ *(.*//' |
  grep -v '_t$' | sort -u | sed 's/.*/    &;/'
echo '  local: *;'
echo '};'
