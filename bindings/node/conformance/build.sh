#!/bin/sh
# Lays the package out in $BUILD/bindings/node, where host.mjs finds it.
set -eu
exec node "$(dirname "$0")/../build.js" --out "$BUILD/bindings/node"
