"""What a server holds of the heap, to the byte, by the preloaded library of heap.c."""
import os
import struct
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
# struct counts of heap.c.
EXACT_CLASSES = 4096
COUNTS = struct.Struct(f"{2 + EXACT_CLASSES + 64}q")


def compile_library(folder):
    """malloc and memset stay two calls: together they would be calloc, which is made of them."""
    library = Path(folder) / "heap.so"
    command = [os.environ.get("CC", "cc"), "-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-fno-builtin",
               "-shared", "-fPIC", HERE / "heap.c", "-o", library]
    subprocess.run(command, check=True)
    return library


class Heap:
    """The heap of a process with this `environment`."""

    def __init__(self, library, path):
        self.path = Path(path)
        self.environment = {"LD_PRELOAD": str(library), "SOAK_HEAP": str(path)}

    def counts(self):
        return COUNTS.unpack(self.path.read_bytes())

    def bytes_and_blocks(self):
        return self.counts()[:2]


def difference(before, after):
    """Between two `counts`, in words: which sizes of blocks there are more or fewer of."""
    found = []
    for number, (one, other) in enumerate(zip(before[2:], after[2:])):
        if one != other:
            size = f"{16 * number}" if number < EXACT_CLASSES else f"up to 2^{number - EXACT_CLASSES}"
            found.append(f"{other - one:+d} of {size}")
    return f"{after[0] - before[0]:+d} bytes, {after[1] - before[1]:+d} blocks: {', '.join(found)}"
