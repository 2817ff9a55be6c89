#!/bin/sh
# sanitized.sh address|thread: builds the library, dog-host and the example programs with that sanitizer, laid out as a
# plain build is, in BUILD/address or BUILD/thread. All of it comes from Swift's own clang: one runtime of the
# sanitizer in a process, not two.
set -eu
sanitizer=$1
swift=${SWIFT:-swift}
out=${BUILD:-build}/$sanitizer
scratch=${SCRATCH:-.build}/$sanitizer
tools=$(dirname "$(readlink -f "$(command -v "$swift")")")
runtime=$tools/../lib/swift/linux
flags="--scratch-path $scratch --sanitize=$sanitizer"
# Swift's thread sanitizer knows libdispatch, and asks every executable to link it.
dispatch="-L$runtime -ldispatch -lBlocksRuntime"
mkdir -p "$out/lib" "$out/bin" "$out/include"

# shellcheck disable=SC2086  # the flags are meant to be split
for product in dog dog-host conformance-host; do
  scripts/step.sh "$product ($sanitizer sanitizer)" "$out/log/$product.log" "$swift" build --product $product $flags
done
library=$(cd "$scratch/debug" && pwd)/libdog.so
ln -sf "$library" "$out/lib/libdog.so"
for program in dog-host conformance-host; do ln -sf "$(dirname "$library")/$program" "$out/bin/$program"; done
cp include/dog.h "$out/include/dog.h"
# How a C program is made against that library; the tests of the C API are, too.
cat >"$out/cc" <<END
#!/bin/sh
exec "$tools/clang" -fsanitize="$sanitizer" -pthread "\$@" -Wno-unused-command-line-argument \\
  -Wl,-rpath,"$(dirname "$library")" $dispatch -Wl,-rpath,"$runtime"
END
chmod +x "$out/cc"
for source in examples/c/*.c; do
  name=$(basename "$source" .c)
  scripts/step.sh "bin/$name ($sanitizer sanitizer)" "$out/log/$name.log" \
    "$out/cc" -std=c11 -O1 -g -Wall -Wextra -I"$out/include" "$source" -o "$out/bin/$name" -L"$out/lib" -ldog
done
