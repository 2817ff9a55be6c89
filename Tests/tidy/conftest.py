import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def build():
    return Path(os.environ.get("BUILD", ROOT / "build")).resolve()


@pytest.fixture
def run():
    """Runs a command to its end and gives it back; one that fails fails the test with what it said."""

    def run(*command, status=0, **options):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300, **options)
        assert done.returncode == status, f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
