#!/usr/bin/env python3
"""Runs the test suites, each within its own bound of time, and ends with one line for each. Exit 1 if any failed.

    scripts/test.py                                    every suite
    scripts/test.py wire capi                          these
    scripts/test.py quick                              a few that find most: see QUICK
    scripts/test.py Tests/wire/test_rules.py::test_x   a file, or a test, of a suite
    scripts/test.py wire -k order                      the tests with that in their names
    scripts/test.py swift -k StopTests                 (of Swift: a regular expression)
    scripts/test.py --list                             the suites
    scripts/test.py --sanitize address|thread          those that make sense there

BUILD, SCRATCH, SWIFT and PYTHON come from the environment; --build asks make first to bring BUILD up to date.

Suites run in two lanes. What compiles is in one, one at a time: it has work for a core or two. What mostly waits for
processes, sockets and clocks is in the other, two at a time. All that a suite says is shown when it has ended, so that
two are never mixed; where there is only one it is shown as it comes. A suite that fails does not stop the others: one
run shows all that is wrong. Each runs in a session of its own, so that whatever it started ends with it.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
SCRATCH = os.environ.get("SCRATCH", str(ROOT / ".build"))
SWIFT = os.environ.get("SWIFT", "swift")
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")

COMPILES, WAITS = "compiles", "waits"
# How many suites of a lane run at once.
WIDTH = {COMPILES: 1, WAITS: 2}
# The suites that find most in the least time; and the Swift tests that take too much of it.
QUICK = ["swift", "capi", "tidy"]
NOT_QUICK = ["DeflateFanoutTests", "LimitTests", "OverloadTests", "PlacementRandomTests", "PlacementSnapshotTests",
             "SlowReaderTests", "StormTests", "UnheardEndTests"]
LOOK_SECONDS = 0.05


# ---- a suite, and a run of it


@dataclass
class Suite:
    name: str
    lane: str
    seconds: int
    command: list
    environment: dict = field(default_factory=dict)
    # The lines of its output that are shown; the log has all of them.
    shown: str = ""
    # The words that choose it, beside its name.
    words: tuple = ()
    # Whether it wants what make builds, so that it waits until that is there.
    wants_build: bool = True


class Run:
    """A suite that was started. Its output goes to its log; `showing` shows what is new there at each look."""

    def __init__(self, suite, showing):
        self.suite, self.showing, self.outcome, self.processor_seconds = suite, showing, "", 0.0
        self.path = BUILD / "log" / (re.sub(r"\W+", "-", suite.name) + ".log")
        self.began = time.monotonic()
        self.took = None
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(
                suite.command, cwd=ROOT, env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **suite.environment),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.log = open(self.path, errors="replace")
        self.pending = ""

    def look(self):
        """Whether it has ended."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0 and time.monotonic() > self.began + self.suite.seconds:
            self.outcome = f"FAILED: not done after {self.suite.seconds} s"
            self.end()
        elif pid != 0:
            self.process.returncode = os.waitstatus_to_exitcode(status)
            self.processor_seconds = usage.ru_utime + usage.ru_stime
            self.took = time.monotonic() - self.began
            self.end()
            if not self.outcome and self.process.returncode != 0:
                self.outcome = f"FAILED: exit {self.process.returncode}"
        if self.showing:
            self.show_new()
        return self.took is not None

    def end(self):
        """Ends whatever is left of its session."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def show_new(self):
        text = self.log.read()
        if self.suite.shown:
            *lines, self.pending = (self.pending + text).split("\n")
            text = "".join(f"{line}\n" for line in lines if re.search(self.suite.shown, line))
        if text:
            print(text, end="", flush=True)

    def show(self):
        """All that is to be seen of it, now that it has ended."""
        if not self.showing:
            print(f"\n== {self.suite.name}", flush=True)
            self.show_new()
        if self.outcome and self.suite.shown:
            print("...", *self.path.read_text(errors="replace").splitlines()[-40:], sep="\n")
            print(f"The whole output is in {self.path}")
        if self.outcome:
            print(f"== {self.suite.name} {self.outcome}, after {self.took:.0f} s", flush=True)


def run_all(suites, build=None):
    """Runs each suite as soon as its lane has room, `build` before all that want it. Gives the runs in their order."""
    waiting, running, ended = [*([build] if build else []), *suites], [], []
    try:
        while waiting or running:
            is_built = build is None or any(run.suite is build for run in ended)
            for suite in list(waiting):
                in_lane = sum(run.suite.lane == suite.lane for run in running)
                if in_lane < WIDTH[suite.lane] and (is_built or not suite.wants_build):
                    waiting.remove(suite)
                    if len(suites) > 1 or suite is build:
                        print(f"   {suite.name} begins", flush=True)
                    running.append(Run(suite, showing=len(suites) == 1 and suite is not build))
            for run in [run for run in running if run.look()]:
                running.remove(run)
                ended.append(run)
                run.show()
                if run.suite is build and run.outcome:
                    waiting = [suite for suite in waiting if not suite.wants_build]
            time.sleep(LOOK_SECONDS)
    finally:
        for run in running:
            run.end()
    return sorted(ended, key=lambda run: -1 if run.suite is build else suites.index(run.suite))


# ---- the suites


def python_suite(folder, seconds, environment=None, *arguments, lane=WAITS, wants_build=True):
    parts = Path(folder).parts
    return Suite(folder, lane, seconds, [PYTHON, "-m", "pytest", "-q", folder, *arguments],
                 dict(environment or {}, BUILD=str(BUILD)), words=(parts[1],), wants_build=wants_build)


def swift_suite(seconds, *flags, environment=None):
    # Warnings of the compiler, failed expectations with their place, and the count at the end.
    shown = r"^\S+: (error|warning):|✘|recorded an issue|Test run with|Fatal error|Sanitizer"
    command = [SWIFT, "test", "--scratch-path", SCRATCH, "--disable-xctest", *flags]
    # It needs nothing of BUILD; but SwiftPM, run by make, has the lock on SCRATCH meanwhile.
    return Suite("swift test", COMPILES, seconds, command, environment or {}, shown=shown, words=("swift",))


def node_suite(seconds):
    tests = sorted(str(path) for path in (ROOT / "bindings/node/test").glob("*.test.mjs"))
    return Suite("bindings/node", WAITS, seconds, ["node", "--test", "--test-reporter=spec", *map(built_node, tests)],
                 shown=r"^\s*✖|^ℹ (tests|pass|fail|skipped) ", words=("node",))


def built_node(path):
    """Where make puts a test of Node's."""
    return str(BUILD / "bindings/node/test" / Path(path).name)


def plain_suites():
    """In each lane those that take longest are first, so that at the end nothing waits for one of them."""
    return [
        python_suite("Tests/fuzz", 900, lane=COMPILES, wants_build=False),
        swift_suite(1200),
        python_suite("Tests/wire", 600),
        python_suite("Tests/conformance", 480),
        python_suite("Tests/browser", 480),
        python_suite("Tests/faults", 420),
        python_suite("Tests/packages", 400),
        python_suite("bindings/python/tests", 300),
        python_suite("Tests/capi", 480),
        python_suite("Tests/soak", 400),
        python_suite("Tests/random", 300),
        node_suite(240),
        python_suite("Tests/bench", 120),
        python_suite("bindings/lua/tests", 180),
        python_suite("Tests/docs", 240),
        python_suite("Tests/abi", 180),
        python_suite("Tests/tidy", 300),
    ]


def sanitized_suites(sanitizer):
    # A finding ends the program that it was made in, with an exit status that no test takes for success.
    options = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=86", "TSAN_OPTIONS": "halt_on_error=1:exitcode=86"}
    options["SWIFT_BACKTRACE"] = "enable=no"
    options["DOG_SANITIZED"] = sanitizer
    compiler = dict(options, CC=str(BUILD / "cc"))
    return [
        swift_suite(1800, f"--sanitize={sanitizer}", environment=options),
        python_suite("Tests/capi", 900, compiler),
        python_suite("Tests/wire", 1500, compiler),
        # No interpreter is built with the sanitizer, so no host of theirs can load what is.
        python_suite("Tests/conformance", 900, compiler, "-k", "c- or swift"),
        python_suite("Tests/faults", 900, options),
        python_suite("Tests/soak", 300, options),
        python_suite("Tests/random", 600, compiler),
    ]


def build_step():
    """What make builds for the suites, with the settings it was itself called with."""
    return Suite("build", WAITS, 1200, [os.environ.get("MAKE", "make"), "test-build"],
                 wants_build=False)


# ---- which of them


def chosen(suites, words, pattern):
    """The suites that the words name, each cut down to the files that are named of it."""
    if "quick" in words:
        words = [each for word in words for each in (QUICK if word == "quick" else [word])]
        skip = ["--skip", of_suites(NOT_QUICK)]
        suites = [replace(suite, command=[*suite.command, *skip] if suite.name == "swift test" else suite.command)
                  for suite in suites]
    found = {}
    for word in words:
        suite, part = next(((suite, part) for suite in suites for part in [part_of(suite, word)] if part is not None),
                           (None, None))
        if suite is None:
            names = ", ".join(suite.words[0] for suite in suites)
            sys.exit(f"test.py: there is no suite, and in none a file, that is called {word}. The suites: {names}")
        found.setdefault(suite.name, []).append(part)
    picked = [cut_down(suite, found[suite.name]) for suite in suites if suite.name in found] if words else suites
    return [replace(suite, command=named(suite, pattern)) for suite in picked] if pattern else picked


def part_of(suite, word):
    """What of a suite a word names: "" if all of it, a path if a part, None if nothing."""
    path = word.rstrip("/").removeprefix("./")
    if path in (suite.name, *suite.words):
        return ""
    file = path.split("::")[0]
    home = {"swift test": ("Tests/DOGEngineTests", "Tests/DOGHostTests"),
            "bindings/node": ("bindings/node/test",)}.get(suite.name, (suite.name,))
    return path if file.startswith(tuple(f"{folder}/" for folder in home)) and (ROOT / file).exists() else None


def cut_down(suite, parts):
    if "" in parts:
        return suite
    if suite.name == "swift test":
        names = [name for part in parts for name in swift_suites_of(ROOT / part)]
        return replace(suite, command=[*suite.command, "--filter", of_suites(names)])
    if suite.name == "bindings/node":
        kept = [word for word in suite.command if not word.endswith(".mjs")]
        return replace(suite, command=[*kept, *map(built_node, parts)])
    folder = suite.command.index(suite.name)
    return replace(suite, command=[*suite.command[:folder], *parts, *suite.command[folder + 1:]])


def of_suites(names):
    """What swift test calls their tests. Not with \\b: the dot between a module and a suite is no border of a word for
    Swift. Nothing would match, and a run of no tests passes."""
    return f"[./]({'|'.join(names)})/"


def swift_suites_of(path):
    """The suites in a file, or in all files below a folder."""
    files = [path] if path.is_file() else sorted(path.rglob("*.swift"))
    declared = r"^\s*(?:@Suite.* )?(?:struct|class|enum) (\w+Tests)\b"
    return sorted({name for file in files for name in re.findall(declared, file.read_text(), re.MULTILINE)})


def named(suite, pattern):
    """Its command, for the tests with that in their names."""
    if suite.name == "bindings/node":
        return [suite.command[0], f"--test-name-pattern={pattern}", *suite.command[1:]]
    if suite.name != "swift test":
        return [*suite.command, "-k", pattern]
    if "--filter" not in suite.command:
        return [*suite.command, "--filter", pattern]
    # Two filters would let in what either of them does.
    return [*suite.command[:-1], f"{suite.command[-1]}.*({pattern})"]


# ---- the command


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("words", nargs="*")
    parser.add_argument("-k", dest="pattern", default="")
    parser.add_argument("--build", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--sanitize", choices=["address", "thread"])
    arguments = parser.parse_intermixed_args()
    suites = sanitized_suites(arguments.sanitize) if arguments.sanitize else plain_suites()
    suites = chosen(suites, arguments.words, arguments.pattern)
    if arguments.list:
        print("\n".join(f"{suite.words[0]:<14}{suite.name:<24}{suite.lane}" for suite in suites))
        return 0
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began = time.monotonic()
    build = build_step() if arguments.build and any(suite.wants_build for suite in suites) else None
    runs = run_all(suites, build)
    failed = [run for run in runs if run.outcome]
    print("\n== Summary: seconds, and seconds of a processor")
    for run in runs:
        print(f"  {run.suite.name:<24}{run.took:5.0f}{run.processor_seconds:6.0f}   {run.outcome or 'passed'}")
    left_out = len(suites) + (build is not None) - len(runs)
    if left_out:
        print(f"{left_out} suites were not run, because what they want could not be built.")
    print(f"{len(failed)} of {len(runs)} failed" if failed else "Every suite passed", end="")
    print(f", in {time.monotonic() - began:.0f} s.")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
