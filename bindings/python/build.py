#!/usr/bin/env python3
"""Builds the package into a folder, for PYTHONPATH: build.py [--out FOLDER], which is build/bindings/python by default.

libdog is found as setup.py says and linked to where it is. The folder is made anew; nothing else is written.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT = Path(os.environ.get("BUILD", HERE.parent.parent / "build")) / "bindings" / "python"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT)
    out: Path = parser.parse_args().out.absolute()
    shutil.rmtree(out / "dog", ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="dog-python-") as scratch:
        command = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(out), "--build-temp", scratch]
        done = subprocess.run(command, cwd=HERE, env={"DOG_BUNDLE": "0", **os.environ})
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
