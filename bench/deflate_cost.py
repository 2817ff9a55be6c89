#!/usr/bin/env python3
"""What permessage-deflate costs a byte, by level: the nanoseconds that zlib takes, as the engine calls it.

  bench/deflate_cost.py [SECONDS]   for each level and window, so long (3)

"usual" is JSON of a chat; "worst" the dearest of many inputs made to be dear: letters of a small alphabet, short words
that nearly repeat, runs, copies with a letter changed. A dearer one may exist.
"""
import random
import sys
import time
import zlib

SIZE = 32_000
USUAL = b"".join(b'{"user":"ann%d","text":"hello there, how are you today?","n":%d}' % (n % 7, n) for n in range(600))


def cost(message, level, bits):
    """Nanoseconds a byte, of the processor's time."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits, min(bits - 5, 8))
    start = time.process_time_ns()
    compressor.compress(message)
    compressor.flush(zlib.Z_SYNC_FLUSH)
    return (time.process_time_ns() - start) / len(message)


def letters(chance):
    size, rarity = chance.choice([2, 2, 3, 4]), chance.random()
    return bytes(97 + (chance.random() < rarity) * chance.randrange(size) for _ in range(SIZE))


def words(chance):
    word, size, tail = chance.randbytes(chance.randrange(3, 40)), chance.choice([4, 16, 256]), chance.choice([1, 2, 3])
    part = lambda: word + bytes(chance.randrange(size) for _ in range(tail))
    return b"".join(part() for _ in range(SIZE // len(word) + 1))[:SIZE]


def runs(chance):
    low = chance.randrange(1, 200)
    high, size = chance.randrange(low + 1, 260), chance.choice([1, 8, 100])
    return b"".join(b"a" * chance.randrange(low, high) + bytes([100 + chance.randrange(size)])
                    for _ in range(SIZE // low + 1))[:SIZE]


def copies(chance):
    word = bytes(97 + chance.randrange(chance.choice([1, 2, 4])) for _ in range(chance.randrange(20, 400)))
    made = bytearray()
    while len(made) < SIZE:
        copy = bytearray(word)
        copy[chance.randrange(len(copy))] = chance.randrange(256)
        made += copy
    return bytes(made[:SIZE])


def noise(chance):
    return chance.randbytes(SIZE)


def worst(level, bits, seconds):
    chance = random.Random(level)
    dearest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        message = chance.choice([letters, words, runs, copies, noise])(chance)
        if cost(message, level, bits) > dearest:
            # Again: what else the machine does is not to count.
            dearest = max(dearest, min(cost(message, level, bits) for _ in range(3)))
    return dearest


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    print("level  window  usual ns/B  worst ns/B")
    for level in range(1, 10):
        for bits in (9, 15):
            usual = min(cost(USUAL[:SIZE], level, bits) for _ in range(5))
            print(f"{level:5}  {bits:6}  {usual:10.1f}  {worst(level, bits, seconds):10.0f}", flush=True)


if __name__ == "__main__":
    main()
