"""A short run of each fuzzer: the same inputs every time, all seeds first, as many as take a few seconds. `make fuzz`
is the long run.
"""
import pytest

import fuzz

RUNS = 15000


@pytest.fixture(scope="session")
def program():
    fuzz.build()


@pytest.mark.parametrize("name", fuzz.NAMES)
def test_fuzzer_finds_nothing(program, name, tmp_path):
    log = tmp_path / "log"
    status = fuzz.fuzz(name, tmp_path / "corpus", f"-runs={RUNS}", "-seed=1", log=log)
    assert status == 0, "\n".join(log.read_text(errors="replace").splitlines()[-60:])
    assert fuzz.runs(log) >= RUNS


def test_the_build_leaves_nothing_among_the_sources(program):
    assert [path.name for kind in ["module", "doc", "sourceinfo"] for path in fuzz.ROOT.glob(f"*.swift{kind}")] == []


def test_every_fuzzer_has_seeds(program):
    tables = {path.name for path in (fuzz.OUT / "tables").iterdir()}
    assert tables == set(fuzz.NAMES)
    for name in fuzz.NAMES:
        assert any((fuzz.HERE / "seeds" / name).iterdir()), name
