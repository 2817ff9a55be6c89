#!/usr/bin/env python3
"""Compiles storm.c or random.c and runs it against the library in BUILD: `make storm` and `make random`.

Usage: run.py storm|random     STORM_SECONDS or RANDOM_SECONDS (600), and STORM_SEED or RANDOM_SEED (drawn, and printed
with each round: that round is the first of a run with its seed), come from the environment.
"""
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]


def compiled(name, folder):
    program = Path(folder) / name
    subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-g", "-O1", *WARNINGS, f"-I{BUILD}/include",
                    HERE / f"{name}.c", "-o", program, f"-L{BUILD}/lib", f"-Wl,-rpath,{BUILD}/lib", "-ldog", "-lssl",
                    "-lcrypto", "-lz", "-pthread"], check=True)
    return program


def seed_of(name):
    """So short that it can be read out: seeds that follow are those of the next rounds."""
    return os.environ.get(f"{name.upper()}_SEED") or str(secrets.randbelow(10**9))


def ending(status):
    return "" if status >= 0 else f"ended by {signal.Signals(-status).name}"


def main():
    name = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        seconds = os.environ.get(f"{name.upper()}_SECONDS", "600")
        status = subprocess.run([compiled(name, folder), seconds, seed_of(name)]).returncode
    print(ending(status) or f"exit {status}")
    return status != 0


if __name__ == "__main__":
    sys.exit(main())
