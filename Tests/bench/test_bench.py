"""The bench runs: every server does its work for a moment, and the table has a number for each. How large the numbers
are is nobody's business here."""
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")


def bench(*arguments, status=0, **environment):
    done = subprocess.run([PYTHON, ROOT / "bench/run.py", *arguments], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "BUILD": str(BUILD), "PYTHON": PYTHON, **environment})
    assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def rows_of(output, language):
    return [re.split(r"\s{2,}", text) for text in output.splitlines() if re.match(rf"{language}\s", text)]


def numbers_of(row):
    """The counts, in thousands with one decimal; ratios have two."""
    return [float(cell.replace(",", "")) for cell in row if re.fullmatch(r"[\d,]+\.\d", cell)]


@pytest.mark.parametrize("language, servers", [
    ("C", ["DOG, callbacks", "DOG, events", "epoll, recv, send"]), ("Python", ["websockets", "DOG"]),
    ("Node", ["ws", "DOG"]), ("Lua", ["DOG"]),
])
def test_every_server_has_a_row_with_a_number_for_each_load(language, servers):
    output = bench("--rounds", "1", "--seconds", "0.2", "--only", f"^{language} ({'|'.join(servers)})$")
    rows = rows_of(output, language)
    assert [re.sub(r" [\d.]+$", "", row[1]) for row in rows] == servers, output
    for row in rows:
        numbers = numbers_of(row)
        assert len(numbers) == 4 and min(numbers) > 0, output


def test_rounds_are_counted_by_processor_time_too():
    output = bench("--rounds", "2", "--seconds", "0.2", "--cpu", "--only", "^C DOG, events")
    assert "Medians of 2 rounds" in output and "processor time" in output
    assert min(numbers_of(rows_of(output, "C")[0])) > 0, output


def test_what_is_not_installed_is_left_out_by_name_with_what_to_do(tmp_path):
    output = bench("--only", "DOG", status=1, BUILD=str(tmp_path))
    for label in ("C DOG, callbacks", "C DOG, events", "Python DOG", "Node DOG", "Lua DOG"):
        assert re.search(rf"Left out: {label}: not installed; make.*builds", output), output


def test_a_server_that_cannot_serve_is_named_and_fails_the_run(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libdog.so").write_text("no library")
    output = bench("--rounds", "1", "--seconds", "0.2", "--only", "^Lua DOG$", status=1, BUILD=str(tmp_path))
    for load in ("echo", "echo, 20 at once", "fan-out, all send", "fan-out, one sends"):
        assert f"Failed: Lua DOG, {load}: did not start" in output, output


def test_the_list_says_what_is_installed():
    output = bench("--list", "--only", "^(C|Python) ")
    assert re.search(r"^C DOG, events\s+installed$", output, re.MULTILINE), output
    assert re.search(r"^Python websockets\s+\d+\.\d", output, re.MULTILINE), output
