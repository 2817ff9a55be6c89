#!/bin/sh
# setup.sh build|test: makes sure that what the build (or the build and the tests) needs is on this machine.
# Debian packages that are missing are installed where that is possible, and named where it is not. Swift is looked for.
set -eu

SWIFT_MAJOR=6
SWIFT_MINOR=3
BUILD_PACKAGES='git make gcc g++ libc6-dev pkg-config libuv1-dev libssl-dev zlib1g-dev
  node-llhttp'
# Compilers and readers of the bindings, and what their tests are held against.
BINDING_PACKAGES='python3 python3-dev python3-setuptools python3-wheel python3-pip python3-venv mypy
  node-typescript node-ws luajit'
TEST_PACKAGES='curl openssl python3 python3-pytest python3-websockets python3-wsproto python3-h11 python3-cffi
  python3-selenium chromium chromium-driver fonts-liberation cmake ninja-build abigail-tools'
# A Node of another origin than Debian's brings its own headers; two in one place would not go together.
if ! command -v node >/dev/null; then BINDING_PACKAGES="$BINDING_PACKAGES nodejs libnode-dev"; fi

case "${1:-build}" in
build) wanted=$BUILD_PACKAGES ;;
test) wanted="$BUILD_PACKAGES $BINDING_PACKAGES $TEST_PACKAGES" ;;
*)
  echo "usage: setup.sh build|test" >&2
  exit 2
  ;;
esac

is_installed() {
  command -v dpkg-query >/dev/null && [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

find_missing() {
  missing=''
  for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
  done
  missing=${missing# }
}

# How to become root here: nothing for root itself, sudo where it asks no password; fails where there is no way.
find_root() {
  if [ "$(id -u)" = 0 ]; then
    as_root='env'
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n env'
  else
    return 1
  fi
}

install_missing() {
  echo "Installing Debian packages: $missing"
  log=${BUILD:-build}/log/apt.log
  mkdir -p "$(dirname "$log")"
  # shellcheck disable=SC2086  # the names are meant to be split
  if {
    $as_root DEBIAN_FRONTEND=noninteractive apt-get update &&
      $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
  } >"$log" 2>&1; then
    return 0
  fi
  tail -n 20 "$log" >&2
  echo "apt-get could not install: $missing" >&2
  echo "Its whole output is in $log" >&2
  return 1
}

check_packages() {
  find_missing
  if [ -z "$missing" ]; then return 0; fi
  if command -v apt-get >/dev/null && find_root; then
    install_missing
    return
  fi
  echo "These Debian packages are missing: $missing" >&2
  if command -v apt-get >/dev/null; then
    echo "Install them as root, then try again:" >&2
  else
    echo "There is no apt-get here. DOG is built on Debian 12, where this installs them:" >&2
  fi
  echo "  apt-get install --no-install-recommends $missing" >&2
  return 1
}

check_swift() {
  swift=${SWIFT:-swift}
  if ! command -v "$swift" >/dev/null; then
    echo "Swift is missing: DOG needs Swift $SWIFT_MAJOR.$SWIFT_MINOR or later." >&2
  else
    found=$("$swift" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    found=${found:-0.0}
    major=${found%%.*}
    minor=${found#*.}
    if [ "$major" -gt $SWIFT_MAJOR ]; then return 0; fi
    if [ "$major" -eq $SWIFT_MAJOR ] && [ "$minor" -ge $SWIFT_MINOR ]; then return 0; fi
    echo "Swift $found is too old: DOG needs Swift $SWIFT_MAJOR.$SWIFT_MINOR or later." >&2
  fi
  echo "The toolchain for Debian 12 is at https://www.swift.org/install/linux/ ; put its usr/bin in PATH." >&2
  return 1
}

# Both are looked at, so that one run names all that is missing.
complete=yes
check_packages || complete=no
check_swift || complete=no
[ $complete = yes ]
