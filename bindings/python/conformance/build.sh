#!/bin/sh
# Compiles the binding for the conformance test into $BUILD/bindings/python.
set -eu
exec "${PYTHON:-/usr/bin/python3}" "$(dirname "$0")/../build.py" --out "$BUILD/bindings/python"
