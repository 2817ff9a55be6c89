#!/bin/sh
# step.sh NAME LOG COMMAND...: runs one build step quietly. One line says what runs and how long it took; the output
# goes to LOG, and only a step that fails shows it.
name=$1
log=$2
shift 2
mkdir -p "$(dirname "$log")"
printf '  %-44s' "$name"
began=$(date +%s)
if "$@" >"$log" 2>&1; then
  printf ' %4ss\n' "$(($(date +%s) - began))"
else
  status=$?
  printf ' failed\n\n'
  tail -n 80 "$log"
  printf '\n%s failed (exit %s). The whole output is in %s\n' "$name" "$status" "$log"
  exit "$status"
fi
