"""Builds the package as it stands, once a session, and has the tests import that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parent.parent
ROOT = PYTHON.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
OUT = BUILD / "bindings" / "python"


def pytest_configure(config):
    done = subprocess.run([sys.executable, PYTHON / "build.py", "--out", OUT], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.exit(f"the extension cannot be built:\n{done.stdout}{done.stderr}", 1)
    sys.path.insert(0, str(OUT))


@pytest.fixture(scope="session")
def build():
    return BUILD


@pytest.fixture(scope="session")
def package():
    """The folder for PYTHONPATH."""
    return OUT


@pytest.fixture(scope="session")
def sources():
    return PYTHON


@pytest.fixture
def run():
    """Runs a command to its end and gives it back; one that fails fails the test with what it said."""

    def run(*command, **options):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
