"""Programs that were compiled against an earlier dog.h go on working: dog.abi says what they rely on (abi.py).

Run from anywhere, after `make`: python3 -m pytest Tests/abi. BUILD names another folder than `build`.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import abi



@pytest.fixture(scope="session")
def today(tmp_path_factory):
    return abi.describe(abi.HEADER, tmp_path_factory.mktemp("today"))


# ---- the header and the library of today


def test_no_program_breaks(today):
    breaks, _ = abi.compare(abi.read(abi.BASELINE), abi.read(today))
    assert breaks == []


def test_what_was_added_was_added_on_purpose(today):
    """`abi.py --update` takes it over."""
    _, additions = abi.compare(abi.read(abi.BASELINE), abi.read(today))
    assert additions == []


def test_abidiff_finds_no_difference(today):
    if not abi.are_comparable(abi.BASELINE, today):
        pytest.skip("the baseline is of another version of abidw")
    assert abi.report(abi.BASELINE, today) == ""


def test_the_baseline_knows_the_whole_header():
    known = abi.read(abi.BASELINE)
    text = re.sub(r"/\*.*?\*/", "", abi.HEADER.read_text(), flags=re.DOTALL)
    text = re.sub(r"^#(?:.*\\\n)*.*", "", text, flags=re.MULTILINE)
    assert set(re.findall(r"\bDOG_\w+", text)) == set(known.constants)
    assert set(re.findall(r"\bdog_\w+_(?:t|fn)\b", text)) <= set(known.types)
    assert set(re.findall(r"\b(dog_\w+)\s*\((?!\*)", text)) == set(known.functions) == abi.exported(abi.BASELINE)
    for name in re.findall(r"^typedef struct (dog_\w+) {", text, re.MULTILINE):
        assert known.structs[name].members, name


# ---- that it would be found out


@pytest.fixture
def changed(tmp_path):
    """Compares dog.h with a copy in which a pattern was replaced: (breaks, additions, whether abidiff reports it, which
    is None where it cannot know)."""

    def changed(pattern, replacement):
        text, count = re.subn(pattern, replacement, abi.HEADER.read_text(), flags=re.MULTILINE)
        assert count == 1, "the pattern is for one place"
        header = tmp_path / "dog.h"
        header.write_text(text)
        described = abi.describe(header, tmp_path)
        found = abi.compare(abi.read(abi.BASELINE), abi.read(described))
        if not abi.are_comparable(abi.BASELINE, described):
            return *found, None
        return *found, abi.report(abi.BASELINE, described) != ""

    return changed


BREAKS = {
    "a function is gone": (r"^dog_status_t dog_engine_wait_fd\([^;]*;", "", ["dog_engine_wait_fd is gone"]),
    "a parameter has another type": (r"uint32_t grace_ms\);", "uint64_t grace_ms);", ["dog_engine_stop was"]),
    "a parameter more": (r"uint32_t grace_ms\);", "uint32_t grace_ms, int how);", ["dog_engine_stop was"]),
    "a parameter has another sign": (r"int32_t timeout_ms,(?=\s*size_t \*count)", "uint32_t timeout_ms,",
                                     ["dog_engine_poll was"]),
    "a callback gets something else": (r"\(\*dog_whispered_fn\)\(void \*user, dog_status_t status, size_t sockets\)",
                                       "(*dog_whispered_fn)(void *user, uint32_t sockets)", ["dog_whispered_fn was"]),
    "a handle is smaller": (r"^typedef uint64_t dog_socket_t;", "typedef uint32_t dog_socket_t;",
                            ["dog_socket_t was"]),
    "a member is gone": (r"^  uint32_t gateways_max;", "", ["gateways_max was", "shards_max was", "event_bytes_max"]),
    "the last member is gone": (r"^  uint64_t events; ", "", ["events is gone", "struct dog_stats had"]),
    "members are reordered": (r"^(  uint32_t gateways_max;.*\n)(  uint32_t shards_max;.*\n)", r"\2\1",
                              ["gateways_max was", "shards_max was"]),
    "a member is renamed": (r"^  uint32_t shards_max;", "  uint32_t shard_limit;", ["shards_max was"]),
    "a member has another type of the same size": (r"^  uint32_t gateways_max;", "  int32_t gateways_max;",
                                                   ["gateways_max was"]),
    "a member in the middle": (r"^  uint32_t gateways_max;", "  uint32_t more;\n  uint32_t gateways_max;",
                               ["gateways_max was"]),
    "a struct that never grows grows": (r"^  uint32_t reserved;", "  uint32_t reserved;\n  uint64_t more;",
                                        ["dog_event does not begin with its size"]),
    "a value changed": (r"DOG_EVENT_OPEN = 8,", "DOG_EVENT_OPEN = 19,", ["DOG_EVENT_OPEN was 8 and is 19"]),
    "a status is gone": (r"^  DOG_ETLS = -25,\n", "", ["DOG_ETLS is gone"]),
    "a flag changed": (r"DOG_TO_SELF = 1\b", "DOG_TO_SELF = 2", ["DOG_TO_SELF was 1 and is 2"]),
    "a bound changed": (r"DOG_WORKERS_MAX = 64\b", "DOG_WORKERS_MAX = 128", ["DOG_WORKERS_MAX was 64 and is 128"]),
}
ADDITIONS = {
    "a function": (r"^(dog_status_t dog_engine_wait_fd\()", r"dog_status_t dog_more(int how);\n\1",
                   ["dog_more is new"]),
    "a member at the end": (r"^(} dog_options_t;)", r"  uint64_t more;\n\1", ["struct dog_options: more is new"]),
    "an event": (r"DOG_EVENT_STOPPED = 18,", "DOG_EVENT_STOPPED = 18, DOG_EVENT_MORE = 1000,",
                 ["DOG_EVENT_MORE is new"]),
    "a flag": (r"DOG_TO_SELF = 1 ", "DOG_TO_OTHERS = 2, DOG_TO_SELF = 1 ", ["DOG_TO_OTHERS is new"]),
}


def assert_each_is_told(wanted, sentences):
    missing = [each for each in wanted if not any(each in sentence for sentence in sentences)]
    assert not missing, sentences


@pytest.mark.parametrize("name", BREAKS)
def test_a_break_is_found(changed, name):
    pattern, replacement, wanted = BREAKS[name]
    breaks, _, is_reported = changed(pattern, replacement)
    assert_each_is_told(wanted, breaks)
    assert is_reported in (True, None)


def test_a_member_in_padding_is_a_break():
    """Whether a struct of dog.h ends with padding changes with its members, so these are made up."""
    members = [(0, "size", "size_t"), (64, "one", "uint32_t")]
    old, new = abi.ABI(), abi.ABI()
    old.structs["s"] = abi.Struct(128, members)
    new.structs["s"] = abi.Struct(128, [*members, (96, "more", "uint32_t")])
    assert_each_is_told(["more is where there was padding"], abi.compare(old, new)[0])


@pytest.mark.parametrize("name", ADDITIONS)
def test_an_addition_is_told_from_a_break(changed, name):
    pattern, replacement, wanted = ADDITIONS[name]
    breaks, additions, is_reported = changed(pattern, replacement)
    assert breaks == []
    assert_each_is_told(wanted, additions)
    assert is_reported in (True, None)


def test_a_new_wording_is_no_change(changed):
    breaks, additions, is_reported = changed(r"^(/\* ---- status -+ \*/)", r"\1\n/* More words. */")
    assert (breaks, additions) == ([], [])
    assert not is_reported


# ---- taking it over


@pytest.fixture
def command(tmp_path):
    """Runs a copy of abi.py, in a tree of its own that holds this header, with or without the baseline."""
    folder = tmp_path / "Tests" / "abi"
    folder.mkdir(parents=True)
    (tmp_path / "include").mkdir()
    for path in (Path(abi.__file__), abi.BASELINE):
        (folder / path.name).write_bytes(path.read_bytes())

    def command(*arguments, pattern="", replacement=""):
        header = re.sub(pattern, replacement, abi.HEADER.read_text(), flags=re.MULTILINE) if pattern else None
        (tmp_path / "include" / "dog.h").write_text(header or abi.HEADER.read_text())
        return subprocess.run([sys.executable, folder / "abi.py", *arguments], capture_output=True, text=True)

    command.baseline = folder / "dog.abi"
    return command


def test_an_update_takes_additions(command):
    added = dict(zip(("pattern", "replacement"), ADDITIONS["a member at the end"]))
    assert command().returncode == 0
    assert "added: struct dog_options: more is new" in command(**added).stdout
    assert command(**added).returncode == 1
    assert command("--update", **added).returncode == 0
    assert command(**added).returncode == 0
    # What was added is relied on from then on.
    assert "break: struct dog_options: more is gone" in command().stdout


def test_an_update_refuses_a_break_unless_it_is_called_one(command):
    broken = dict(zip(("pattern", "replacement"), BREAKS["a value changed"]))
    before = command.baseline.read_text()
    done = command("--update", **broken)
    assert done.returncode == 1 and "Nothing was written" in done.stderr
    assert command.baseline.read_text() == before
    assert command("--update", "--break", **broken).returncode == 0
    assert command(**broken).returncode == 0


def test_an_update_without_a_change_writes_what_was_there(command):
    before = abi.read(command.baseline)
    assert command("--update").returncode == 0
    assert abi.compare(before, abi.read(command.baseline)) == ([], [])
    written = command.baseline.read_text()
    assert command("--update").returncode == 0
    assert command.baseline.read_text() == written
