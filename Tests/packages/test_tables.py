"""What the bindings say of dog.h is made from it: an option that is new there is in every language without an edit."""
import re
import shutil
import sys

import pytest

from conftest import ROOT, run

SCRIPT = ROOT / "scripts/tables.py"
MADE = ("bindings/python/native/tables.c", "bindings/python/src/dog/header.py", "bindings/node/src/addon/tables.c",
        "bindings/node/header.d.ts")


def test_what_is_kept_is_what_the_header_makes():
    run(sys.executable, SCRIPT, "--check")


@pytest.fixture
def made(tmp_path):
    """What is made of dog.h after `change`, by the names of the files."""

    def made(change, status=0):
        header = (ROOT / "include/dog.h").read_text()
        changed = change(header)
        assert changed != header
        (tmp_path / "dog.h").write_text(changed)
        for name in MADE:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        said = run(sys.executable, SCRIPT, "--header", tmp_path / "dog.h", "--root", tmp_path, status=status)
        return said if status is None else [(tmp_path / name).read_text() for name in MADE]

    return made


def before(line, new):
    """Puts a line in front of the one that begins so."""
    return lambda header: re.sub(rf"^(?=  {re.escape(line)})", new + "\n", header, count=1, flags=re.MULTILINE)


def test_a_new_option_is_in_every_language(made):
    python_c, python, node_c, types = made(
        before("uint32_t gossip_timeout_ms;", "  uint32_t patience_ms; /* 7: as long as\n   * gossips_max allows */"))
    assert '{"patience_ms", MEMBER_U32, offsetof(dog_options_t, patience_ms)},' in python_c
    assert "        patience_ms: Optional[int] = None,\n" in python and '"patience_ms": patience_ms,' in python
    assert '{"patienceMs", MEMBER_U32, offsetof(dog_options_t, patience_ms), 0, NULL},' in node_c
    assert "  /** 7: as long as gossipsMax allows */\n  patienceMs?: number;\n" in types


def test_a_new_member_of_a_class_is_in_every_language(made):
    python_c, python, node_c, types = made(before("uint32_t deflate_level;", "  uint32_t moths_max; /* 3 */"))
    assert '{"moths_max", MEMBER_U32, offsetof(dog_shard_class_t, moths_max)},' in python_c
    assert '"moths_max"' in python[python.index("SHARD_OPTIONS"):]
    assert '{"mothsMax", MEMBER_U32, offsetof(dog_shard_class_t, moths_max), 0, NULL},' in node_c
    assert "  /** 3 */\n  mothsMax?: number;\n" in types


def test_a_new_status_policy_and_count_are_in_every_language(made):
    def change(header):
        header = before("DOG_STATUS_MAX =", "  DOG_EMOTH = -99,")(header)
        header = before("DOG_RATE_POLICY_MAX =", "  DOG_RATE_SLOW_DOWN = 9, /* new */")(header)
        return header.replace("} dog_stats_t;", "  uint64_t moths_in;\n} dog_stats_t;")

    python_c, python, node_c, types = made(change)
    assert '{"moths_in", MEMBER_U64, offsetof(dog_stats_t, moths_in)},' in python_c
    assert "    EMOTH = -99\n" in python and "    SLOW_DOWN = 9\n" in python and "    moths_in: int\n" in python
    assert '{"EMOTH", DOG_EMOTH},' in node_c and '{"slow-down", DOG_RATE_SLOW_DOWN},' in node_c
    assert "ratePolicy?: 'close' | 'drop' | 'slow-down';\n" in types and "  mothsIn: number;\n" in types


def test_a_member_that_no_binding_can_take_is_told(made):
    said = made(before("uint32_t gossip_timeout_ms;", "  double patience; /* 0.5 */"), status=None)
    assert "no binding can take `double patience` of dog.h" in said
