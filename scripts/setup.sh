#!/bin/sh
# setup.sh build|test: makes sure that what the build (or the build and the tests) needs is on this machine.
# Debian packages that are missing are installed if that is possible, and named if it is not. Swift is looked for.
set -eu

SWIFT_MAJOR=6
SWIFT_MINOR=3
BUILD_PACKAGES='git make gcc g++ libc6-dev pkg-config libuv1-dev libssl-dev zlib1g-dev'
# What the bindings need: compilers, interpreters, and what their tests compare with.
BINDING_PACKAGES='python3 python3-dev python3-setuptools python3-wheel python3-pip python3-venv mypy
  node-typescript node-ws luajit'
TEST_PACKAGES='curl openssl python3 python3-pytest python3-websockets python3-wsproto python3-h11 python3-cffi
  python3-selenium chromium chromium-driver fonts-liberation cmake ninja-build abigail-tools
  valgrind'

case "${1:-build}" in
build | test) for_what=${1:-build} ;;
*)
  echo "usage: setup.sh build|test" >&2
  exit 2
  ;;
esac

is_installed() {
  command -v dpkg-query >/dev/null && [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

has_candidate() {
  command -v apt-cache >/dev/null && apt-cache show "$1" >/dev/null 2>&1
}

# llhttp is a library from Debian 13 on, and in Ubuntu. On Debian 12 it is C sources within node-llhttp.
llhttp_package() {
  if is_installed libllhttp-dev; then
    echo libllhttp-dev
  elif is_installed node-llhttp && ! has_candidate libllhttp-dev; then
    echo node-llhttp
  elif has_candidate libllhttp-dev || ! has_candidate node-llhttp; then
    echo libllhttp-dev
  else
    echo node-llhttp
  fi
}

# Debian's Node has its headers in a package of their own; a Node of another origin brings them, and two would not go
# together. A Node may be there although nobody asked for it: node-llhttp brings one.
node_packages() {
  if ! command -v node >/dev/null; then
    echo nodejs libnode-dev
  elif is_installed nodejs && [ ! -e "${NODE_HEADERS:-/usr/include/node}/node_api.h" ]; then
    echo libnode-dev
  fi
}

find_wanted() {
  wanted="$BUILD_PACKAGES $(llhttp_package)"
  if [ "$for_what" = test ]; then wanted="$wanted $BINDING_PACKAGES $(node_packages) $TEST_PACKAGES"; fi
}

find_missing() {
  find_wanted
  missing=''
  for package in $wanted; do
    is_installed "$package" || missing="$missing $package"
  done
  missing=${missing# }
}

# How to become root here: nothing for root itself, sudo where it asks no password; fails if there is no way.
find_root() {
  if [ "$(id -u)" = 0 ]; then
    as_root='env'
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root='sudo -n env'
  else
    return 1
  fi
}

# A new list of packages may name others: llhttp's depends on what there is.
install_missing() {
  log=${BUILD:-build}/log/apt.log
  mkdir -p "$(dirname "$log")"
  if $as_root DEBIAN_FRONTEND=noninteractive apt-get update >"$log" 2>&1; then
    find_missing
    echo "Installing Debian packages: $missing"
    # shellcheck disable=SC2086  # the names are meant to be split
    if $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >>"$log" 2>&1; then
      return 0
    fi
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
    echo "There is no apt-get here. DOG is built on Debian 12 and 13, where this installs them:" >&2
  fi
  echo "  apt-get install --no-install-recommends $missing" >&2
  return 1
}

check_swift() {
  swift=${SWIFT:-swift}
  if ! command -v "$swift" >/dev/null; then
    echo "Swift is missing: DOG needs Swift $SWIFT_MAJOR.$SWIFT_MINOR or later." >&2
  elif ! said=$("$swift" --version 2>&1); then
    printf 'Swift cannot run: %s --version says\n%s\n' "$swift" "$said" >&2
    echo "A library that is missing is in a package that swift.org names for its toolchain." >&2
  else
    found=$(printf '%s\n' "$said" | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    if [ -z "$found" ]; then
      printf '%s is no Swift: %s --version says\n%s\n' "$swift" "$swift" "$said" >&2
      return 1
    fi
    major=${found%%.*}
    minor=${found#*.}
    if [ "$major" -gt $SWIFT_MAJOR ]; then return 0; fi
    if [ "$major" -eq $SWIFT_MAJOR ] && [ "$minor" -ge $SWIFT_MINOR ]; then return 0; fi
    echo "Swift $found is too old: DOG needs Swift $SWIFT_MAJOR.$SWIFT_MINOR or later." >&2
  fi
  echo "The toolchain for Debian is at https://www.swift.org/install/linux/ ; put its usr/bin in PATH." >&2
  return 1
}

# Both are looked at, so that one run names all that is missing.
complete=yes
check_packages || complete=no
check_swift || complete=no
[ $complete = yes ]
