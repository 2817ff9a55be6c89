#!/usr/bin/env bash
# fresh-inside.sh: the part of fresh.sh that runs in the fresh root, as its first process.
set -euo pipefail
# A job has a process group of its own, to be ended whole.
set -m
cd /srv/dog

# The demo serves until it is told to end; the page is the proof that it works. The kernel gives the port, since this
# machine's own may be taken.
demo() {
  make demo ARGS='--port 0' >demo.out 2>&1 &
  local make=$! port=''
  while [ -z "$port" ]; do
    kill -0 "$make" 2>/dev/null || break
    port=$(sed -n 's|.*listening on http://127\.0\.0\.1:\([0-9]*\).*|\1|p' demo.out | head -n 1)
    sleep 0.2
  done
  cat demo.out
  [ -n "$port" ] || return 1
  # bash alone: nothing that a newcomer has not got.
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
  local answer
  answer=$(tr -d '\0' <&3)
  exec 3>&-
  kill -INT -- "-$make" 2>/dev/null || true
  wait "$make" || true
  [[ $answer == "HTTP/1.1 200 OK"* && $answer == *"</html>"* ]] || return 1
  echo 'The demo served its page.'
}

echo '== what README and swift.org ask for'
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # the names are meant to be split
{ apt-get update && apt-get install -y --no-install-recommends $PACKAGES; } >/var/log/fresh-apt.log 2>&1 || {
  tail -n 20 /var/log/fresh-apt.log
  exit 1
}
unset DEBIAN_FRONTEND

for command in $ORDER; do
  echo "== make $command"
  if [ "$command" = demo ]; then demo; else make test; fi
done
echo "== both commands work"
