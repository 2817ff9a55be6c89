#!/usr/bin/env bash
# fresh.sh: the README's two commands on a really fresh Debian, a root folder made by debootstrap. In it there are
# Debian's minimal variant, what README asks for (git, make, Swift), what swift.org names for Swift, and no more.
#
# It clones the last commit of this checkout into that root, runs `make demo` there until the page is served, and `make
# test`. Needs root and debootstrap. From the environment:
#   DEBIAN     bookworm (default) or trixie
#   FIRST      demo (default) or test: which of the two commands comes first
#   MIRROR     a mirror for debootstrap; empty: that of this machine's apt where it is Debian's, else debootstrap's own
#   BIND       more folders of this machine to show in the root, read-only (a local mirror of the Swift packages)
# The root is made anew for each run, from a base that is kept beside it: BUILD/fresh.
set -euo pipefail

DEBIAN=${DEBIAN:-bookworm}
FIRST=${FIRST:-demo}
FOLDER=$(realpath -m "${BUILD:-build}")/fresh
BASE=$FOLDER/$DEBIAN.tar
ROOT=$FOLDER/$DEBIAN
CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SECONDS_MAX=5400
# https://www.swift.org/install/linux/ for Debian 12, and what README asks for.
PACKAGES='binutils-gold ca-certificates gcc git libcurl4-openssl-dev libedit-dev libicu-dev libncurses-dev
  libpython3-dev libsqlite3-dev libstdc++-12-dev libxml2-dev make pkg-config tzdata uuid-dev'

fail() {
  echo "fresh.sh: $*" >&2
  exit 1
}

case "$DEBIAN" in
bookworm) ;;
trixie) PACKAGES=${PACKAGES/libstdc++-12-dev/libstdc++-14-dev} ;;
*) fail "DEBIAN is bookworm or trixie, not $DEBIAN" ;;
esac
case "$FIRST" in
demo) ORDER='demo test' ;;
test) ORDER='test demo' ;;
*) fail "FIRST is demo or test, not $FIRST" ;;
esac
[ "$(id -u)" = 0 ] || fail 'only root can make a root folder and enter it'
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
toolchain=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v "${SWIFT:-swift}")")")")")

mirror() {
  if [ -n "${MIRROR:-}" ]; then
    echo "$MIRROR"
  elif command -v apt-get >/dev/null; then
    # shellcheck disable=SC2016  # apt's own variable
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1
  fi
}

make_base() {
  [ -e "$BASE" ] && return
  echo "== debootstrap $DEBIAN"
  mkdir -p "$FOLDER"
  rm -rf "$ROOT"
  # shellcheck disable=SC2046  # no mirror, no argument
  debootstrap --variant=minbase "$DEBIAN" "$ROOT" $(mirror) >"$FOLDER/$DEBIAN.log" 2>&1 ||
    fail "debootstrap failed; its output is in $FOLDER/$DEBIAN.log"
  tar -C "$ROOT" -cf "$BASE.new" . && mv "$BASE.new" "$BASE"
}

make_root() {
  rm -rf --one-file-system "$ROOT"
  mkdir -p "$ROOT"
  tar -C "$ROOT" -xpf "$BASE"
  # How this machine reaches its mirrors.
  for file in /etc/resolv.conf /etc/hosts /etc/gitconfig /etc/ssl/certs/ca-certificates.crt; do
    if [ -e "$file" ]; then install -D -m 644 "$file" "$ROOT$file"; fi
  done
  mkdir -p "$ROOT/opt/swift" "$ROOT/srv/dog"
  git clone -q "file://$CHECKOUT" "$ROOT/srv/dog"
  git -C "$ROOT/srv/dog" log -1 --format='== commit %h, %s'
}

# Runs inside: a mount and process space of its own, so that all that was mounted or started ends with it.
enter() {
  export ROOT ORDER PACKAGES toolchain BIND=${BIND:-}
  timeout --kill-after=10 "$SECONDS_MAX" unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    mount --make-rprivate /
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount -t sysfs -o ro sysfs "$ROOT/sys"
    mount --bind -o ro "$toolchain" "$ROOT/opt/swift"
    for folder in $BIND; do
      mkdir -p "$ROOT$folder"
      mount --bind -o ro "$folder" "$ROOT$folder"
    done
    exec chroot "$ROOT" env -i HOME=/root TERM=dumb \
      PATH=/opt/swift/usr/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      ORDER="$ORDER" PACKAGES="$PACKAGES" bash -euo pipefail /srv/dog/scripts/fresh-inside.sh'
}

make_base
make_root
enter
