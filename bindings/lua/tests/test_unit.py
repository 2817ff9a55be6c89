"""The checks in unit.lua."""
from pathlib import Path

from program import BINDING, run_lua


def test_units():
    assert run_lua((Path(__file__).parent / "unit.lua").read_text(), str(BINDING / "dog.lua")) == "ok\n"
