"""scripts/test.py: which suites its words name; each suite is shown, bounded and counted for itself."""
import importlib.util
import re

import pytest

from server import ROOT


@pytest.fixture
def runner(tmp_path, monkeypatch):
    specification = importlib.util.spec_from_file_location("runner", ROOT / "scripts/test.py")
    runner = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(runner)
    monkeypatch.setattr(runner, "BUILD", tmp_path)
    (tmp_path / "log").mkdir()
    return runner


@pytest.fixture
def suite(runner):
    def suite(name, script, lane="waits", seconds=60, **more):
        return runner.Suite(name, lane, seconds, ["sh", "-c", script], **more)

    return suite


# ---- what words name


@pytest.mark.parametrize("words, names", [
    ([], None), (["wire"], ["Tests/wire"]), (["Tests/wire/"], ["Tests/wire"]),
    (["capi", "wire"], ["Tests/wire", "Tests/capi"]),
    (["quick"], ["swift test", "Tests/capi", "Tests/tidy"]), (["python"], ["bindings/python/tests"]),
    (["bindings/node/test/requests.test.mjs"], ["bindings/node"]),
])
def test_a_word_names_a_suite(runner, words, names):
    suites = runner.plain_suites()
    assert [each.name for each in runner.chosen(suites, words, "")] == (names or [each.name for each in suites])


@pytest.mark.parametrize("word, command", [
    ("Tests/wire/test_rules.py", ["Tests/wire/test_rules.py", "-k", "x"]),
    ("Tests/wire/test_rules.py::test_x", ["Tests/wire/test_rules.py::test_x", "-k", "x"]),
    ("Tests/DOGEngineTests/Policy/SendProgressTests.swift",
     ["--filter", r"[./](CloseWaitTests|SendProgressTests)/.*(x)"]),
])
def test_a_path_names_a_part_of_a_suite(runner, word, command):
    (chosen,) = runner.chosen(runner.plain_suites(), [word], "x")
    assert chosen.command[-len(command):] == command


@pytest.mark.parametrize("word", ["nothing", "Tests", "Tests/wire/test_nothing.py", "Tests/lib/client.py", ""])
def test_a_word_that_names_nothing_is_refused_with_the_names_there_are(runner, word):
    with pytest.raises(SystemExit, match="The suites: fuzz, swift, wire"):
        runner.chosen(runner.plain_suites(), [word], "")


def test_every_folder_with_tests_is_a_suite(runner):
    folders = {path.parent.relative_to(ROOT).parts[1] for path in (ROOT / "Tests").glob("*/test_*.py")}
    assert folders <= {word for suite in runner.plain_suites() for word in suite.words}


# ---- running them


def test_what_suites_say_is_not_mixed_and_each_has_its_own_outcome(runner, suite, capfd):
    talk = "for n in 1 2 3 4 5 6; do echo {0} $n; sleep 0.05; done; exit {1}"
    runs = runner.run_all([suite("one", talk.format("one", 0)), suite("two", talk.format("two", 3))])
    said = [line.split()[0] for line in capfd.readouterr().out.splitlines() if re.match(r"(one|two) \d", line)]
    assert said in (["one"] * 6 + ["two"] * 6, ["two"] * 6 + ["one"] * 6)
    assert [(run.suite.name, run.outcome) for run in runs] == [("one", ""), ("two", "FAILED: exit 3")]


def test_a_suite_that_hangs_is_ended_with_all_that_it_started(runner, suite, tmp_path):
    hanging = suite("hangs", f"sleep 600 & echo $! > {tmp_path}/pid; wait", seconds=1)
    (run,) = runner.run_all([hanging])
    assert run.outcome == "FAILED: not done after 1 s"
    with pytest.raises(OSError):
        open(f"/proc/{(tmp_path / 'pid').read_text().strip()}/exe", "rb")


def test_a_lane_runs_as_many_as_it_is_wide(runner, suite, tmp_path):
    """Each says how many are there when it begins."""
    script = f"cd {tmp_path}; touch here-$$; sleep 0.3; ls here-* | wc -l; rm here-$$"
    runner.run_all([suite(f"s{number}", script, lane="compiles") for number in range(3)])
    assert {(tmp_path / f"log/s{number}.log").read_text().strip() for number in range(3)} == {"1"}


@pytest.mark.parametrize("status, names", [(0, ["build", "free", "wants"]), (1, ["build", "free"])])
def test_what_wants_the_build_waits_for_it_and_is_left_out_where_it_fails(runner, suite, tmp_path, status, names):
    build = suite("build", f"sleep 0.2; touch {tmp_path}/built; exit {status}", wants_build=False)
    wants, free = suite("wants", f"test -e {tmp_path}/built"), suite("free", "true", wants_build=False)
    runs = runner.run_all([wants, free], build)
    assert sorted(run.suite.name for run in runs) == names
    assert [run.suite.name for run in runs if run.outcome] == ["build"] * status
