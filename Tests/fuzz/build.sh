#!/bin/sh
# build.sh: makes BUILD/fuzz/fuzz, one program with every fuzzer of this folder, under libFuzzer and the address
# sanitizer. Optimised, and with the assertions of a debug build: those are half of what a fuzzer looks for.
#
# SwiftPM cannot: it renames the main function of every executable, and libFuzzer brings its own. A plain build knows
# nothing of all this.
set -eu
swift=${SWIFT:-swift}
out=${BUILD:-build}/fuzz
tools=$(dirname "$(readlink -f "$(command -v "$swift")")")
tests=Tests/DOGEngineTests
# The tests' own way to run a parser, what they hold it against, and their tables, which are the first seeds.
shared="$tests/HTTP/Parsing.swift $tests/HTTP/RequestSamples.swift $tests/WebSocket/ClientFrame.swift
  $tests/WebSocket/FrameEvent.swift $tests/WebSocket/FrameReader.swift $tests/WebSocket/ReferenceDecoder.swift"
# Of the engine no more than the fuzzers run: the rooms that know nothing of a worker (Tests/tidy/test_rooms.py sees to
# it), and what finds a route. All of it would take three times as long to compile.
engine=$(for room in Support Policy Loop TLS Outbox Fanout HTTP WebSocket; do echo "Sources/DOGEngine/$room"; done
  find Sources/DOGEngine -name 'Router.swift' -o -name 'RoutePattern.swift')
mkdir -p "$out/CLLHTTP"

# True when `$1` is there and nothing of the rest is newer.
is_fresh() {
  made=$1
  shift
  [ -e "$made" ] && [ -z "$(find "$@" -newer "$made" -print -quit)" ]
}

compile() {
  "$tools/swiftc" -swift-version 6 -O -wmo -assert-config Debug -g -parse-as-library -enable-testing -use-ld=lld \
    -sanitize=address,fuzzer -I Sources/CDOG/include -I Sources/CUV -I Sources/CZlib -I Sources/COpenSSL \
    -I "$out/CLLHTTP" -I "$out" "$@"
}

# As in Package.swift: a library on Debian 13, sources on Debian 12.
llhttp=''
if [ -e /usr/include/llhttp.h ]; then llhttp=-lllhttp; fi

if ! is_fresh "$out/c.o" Sources/CLLHTTP Sources/CDOG include/dog.h Tests/fuzz/build.sh; then
  printf 'module CLLHTTP {\n  header "%s/Sources/CLLHTTP/include/CLLHTTP.h"\n  export *\n}\n' "$PWD" \
    > "$out/CLLHTTP/module.modulemap"
  for source in Sources/CLLHTTP/*.c Sources/CDOG/*.c; do
    "$tools/clang" -O1 -g -fsanitize=address,fuzzer-no-link -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp \
      -I Sources/CDOG/include -I include -c "$source" -o "$out/$(basename "$source" .c).part.o"
  done
  "$tools/ld.lld" -r "$out"/*.part.o -o "$out/c.o"
  rm "$out"/*.part.o
fi
# shellcheck disable=SC2046,SC2086  # no file of ours has a space in its name
if ! is_fresh "$out/engine.o" $engine Sources/C* include/dog.h Tests/fuzz/build.sh; then
  compile -module-name DOGEngine -emit-module -emit-module-path "$out/DOGEngine.swiftmodule" \
    -c -o "$out/engine.o" $(find $engine -name '*.swift')
fi
if ! is_fresh "$out/fuzz" "$out/engine.o" "$out/c.o" Tests/fuzz $shared; then
  # The module is for the debugger alone, and is named all the same: a temporary one, where there are so many outputs
  # that swiftc lists them in a file, is listed without its folder and so left in ours.
  # shellcheck disable=SC2086
  compile -module-name Fuzz -emit-executable -emit-module-path "$out/Fuzz.swiftmodule" Tests/fuzz/*.swift $shared \
    "$out/engine.o" "$out/c.o" -luv -lz -lssl -lcrypto $llhttp -o "$out/fuzz"
fi
