"""The same scenarios against a host in every language: each with one worker, and with three. See HOST.md."""
import asyncio
import json
import re
from pathlib import Path

import pytest

from hosts import HOSTS, HostFailure, Process
from player import Failure, Player

WORKERS = (1, 3)
FOLDER = Path(__file__).resolve().parent / "scenario"


def scenarios():
    """`topic: name` to the scenario, in order."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        for scenario in json.loads(path.read_text())["scenarios"]:
            name = f"{path.stem}: {scenario['name']}"
            assert name not in found, f"there are two of {name!r}"
            found[name] = scenario
    assert found, FOLDER
    return found


SCENARIOS = scenarios()


class Shared:
    """One process of a host for all scenarios that leave it as they found it. A failure may not have: then the next one
    gets another."""

    def __init__(self, name, workers):
        self.name = name
        self.workers = workers
        self.process = None

    def running(self):
        if self.process is None:
            self.process = Process(self.name, self.workers)
        return self.process

    def drop(self):
        if self.process is not None:
            self.process.kill()
        self.process = None


@pytest.fixture(scope="module", params=[(name, workers) for name in HOSTS for workers in WORKERS],
                ids=lambda setting: f"{setting[0]}-{setting[1]}")
def shared(request):
    host = Shared(*request.param)
    yield host
    try:
        if host.process is not None:
            host.process.ask_to_stop()
            account = host.process.stopped()
            assert account["opened"] == account["closed"] and account["started"] == account["ended"], account
    finally:
        host.drop()


def room_of(name):
    """A Gateway's name of its own for each scenario: those on one host have nothing to do with each other."""
    return re.sub(r"\W+", "-", name)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(shared, name):
    scenario = SCENARIOS[name]
    # One that needs another deadline, or stops its host, has it for itself.
    is_alone = scenario.get("alone", False) or "deadline" in scenario
    host = failure = None
    try:
        host = Process(shared.name, shared.workers, scenario.get("deadline")) if is_alone else shared.running()
        asyncio.run(Player(host, room_of(name)).play(scenario["steps"]))
    except (Failure, HostFailure) as error:
        said = f"\n\nthe host {shared.name}, {shared.workers} workers:\n{host.said()}" if host else ""
        failure = f"{name}\n{error}{said}"
        shared.drop()
    finally:
        if is_alone and host:
            host.kill()
    if failure:
        pytest.fail(failure, pytrace=False)
