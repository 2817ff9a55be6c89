#!/usr/bin/env python3
"""Builds the package into a folder, for PYTHONPATH: build.py [--out FOLDER], which is build/bindings/python by default.

It is linked to the libdog that DOG_LIBRARY and DOG_INCLUDE name, else that of the build folder (BUILD, or build), else
one that setup.py finds. A package of the same sources stays; another is replaced in one step, when the new one is
whole. Nothing else is written.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
BUILD = Path(os.environ.get("BUILD", CHECKOUT / "build")).absolute()
STAMP = ".sources"


def settings() -> Dict[str, str]:
    """The environment of setup.py."""
    found = {"DOG_BUNDLE": "0", **os.environ}
    if (BUILD / "lib" / "libdog.so").exists():
        found.setdefault("DOG_LIBRARY", str(BUILD / "lib" / "libdog.so"))
        found.setdefault("DOG_INCLUDE", str(BUILD / "include"))
    return found


def digest_of_sources() -> str:
    """Changes with all that the package is made of. Of libdog only the header counts, and where it is."""
    digest = hashlib.sha256()
    sources = [path for folder in ("src/dog", "native") for path in sorted((HERE / folder).glob("*.*"))]
    header = Path(settings().get("DOG_INCLUDE", BUILD)) / "dog.h"
    for path in [HERE / "setup.py", HERE / "pyproject.toml", *sources, header]:
        digest.update(f"{path.name}\0".encode() + (path.read_bytes() if path.exists() else b"") + b"\0")
    names = ("DOG_LIBRARY", "DOG_BUNDLE", "CC", "CFLAGS", "LDFLAGS")
    digest.update(repr([settings().get(name) for name in names]).encode())
    return digest.hexdigest()


def build(folder: Path, scratch: str) -> int:
    command = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(folder), "--build-temp", scratch]
    return subprocess.run(command, cwd=HERE, env=settings()).returncode


def replace(old: Path, new: Path, scratch: Path) -> None:
    if old.exists():
        old.rename(scratch / "old")
    new.rename(old)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=BUILD / "bindings" / "python")
    out: Path = parser.parse_args().out.absolute()
    stamp, digest = out / "dog" / STAMP, digest_of_sources()
    if stamp.exists() and stamp.read_text() == digest:
        return 0
    out.mkdir(parents=True, exist_ok=True)
    # Beside its target, so that it can be put there by renaming.
    scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=out))
    try:
        status = build(scratch / "lib", str(scratch))
        if status == 0:
            (scratch / "lib" / "dog" / STAMP).write_text(digest)
            replace(out / "dog", scratch / "lib" / "dog", scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
