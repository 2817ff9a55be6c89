#!/bin/sh
# test.sh: runs every suite, each within its own bound of time, and ends with one line for each. Fails if any failed.
# A suite that fails does not stop those after it: one run shows all that is wrong.
set -u
BUILD=${BUILD:-build}
SCRATCH=${SCRATCH:-.build}
SWIFT=${SWIFT:-swift}
PYTHON=${PYTHON:-/usr/bin/python3}
summary=$BUILD/log/summary.txt
mkdir -p "$BUILD/log"
: >"$summary"
failed=0

# suite NAME SECONDS COMMAND...
suite() {
  name=$1
  seconds=$2
  shift 2
  printf '\n== %s\n' "$name"
  began=$(date +%s)
  timeout --kill-after=20 "$seconds" "$@"
  status=$?
  took=$(($(date +%s) - began))
  case $status in
  0) outcome=passed ;;
  124 | 137) outcome="FAILED (not done after $seconds s)" ;;
  *) outcome="FAILED (exit $status)" ;;
  esac
  [ $status -eq 0 ] || failed=$((failed + 1))
  printf '  %-22s %5ss  %s\n' "$name" "$took" "$outcome" >>"$summary"
}

# Python suites keep no cache in the tree and, if one hangs, say where before the bound ends them.
python_suite() {
  suite "$1" "$2" env BUILD="$BUILD" PYTHONDONTWRITEBYTECODE=1 \
    "$PYTHON" -m pytest -q -p no:cacheprovider -o faulthandler_timeout=180 "$1"
}

suite 'swift test' 720 "$SWIFT" test --scratch-path "$SCRATCH" --quiet
python_suite Tests/capi 240
python_suite Tests/wire 420
python_suite Tests/browser 240
python_suite Tests/tidy 120

printf '\n== Summary\n'
cat "$summary"
if [ $failed -eq 0 ]; then
  echo 'Every suite passed.'
else
  echo "$failed of $(wc -l <"$summary") suites failed."
  exit 1
fi
