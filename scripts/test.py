#!/usr/bin/env python3
"""Runs the test suites, each within its own bound of time, and ends with one line for each. Exit 1 if any failed.

A suite that fails does not stop those after it: one run shows all that is wrong. Each suite runs in a session of its
own, so that whatever it started ends with it.

Usage: test.py [--sanitize address|thread]     BUILD, SCRATCH, SWIFT and PYTHON come from the environment.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / "build")).resolve()
SCRATCH = os.environ.get("SCRATCH", str(ROOT / ".build"))
SWIFT = os.environ.get("SWIFT", "swift")
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")


@dataclass
class Suite:
    name: str
    seconds: int
    command: list
    environment: dict = field(default_factory=dict)
    # The lines of its output that are shown; the log has all of them.
    shown: str = ""
    outcome: str = ""
    took: float = 0

    @property
    def log(self):
        return BUILD / "log" / (re.sub(r"\W+", "-", self.name) + ".log")

    def run(self):
        print(f"\n== {self.name}", flush=True)
        began = time.monotonic()
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **self.environment)
        with open(self.log, "wb") as log:
            process = subprocess.Popen(self.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE if not self.shown else log,
                                       stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = self.follow(process, log, began + self.seconds)
            finally:
                end_session(process)
        self.took = time.monotonic() - began
        if status is None:
            self.outcome = f"FAILED: not done after {self.seconds} s"
        elif status != 0:
            self.outcome = f"FAILED: exit {status}"
        if self.shown:
            self.show_log()

    def follow(self, process, log, deadline):
        """Copies the output as it comes, if it is to be seen; the exit status, or None if time ran out first."""
        signal.signal(signal.SIGALRM, lambda *_: end_session(process))
        signal.setitimer(signal.ITIMER_REAL, max(0.001, deadline - time.monotonic()))
        try:
            while process.stdout and (piece := os.read(process.stdout.fileno(), 65536)):
                log.write(piece)
                sys.stdout.buffer.write(piece)
                sys.stdout.flush()
            status = process.wait()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return None if time.monotonic() >= deadline else status

    def show_log(self):
        lines = self.log.read_text(errors="replace").splitlines()
        wanted = [line for line in lines if re.search(self.shown, line)]
        if self.outcome:
            wanted += ["...", *lines[-40:], f"The whole output is in {self.log}"]
        print("\n".join(wanted), flush=True)


def end_session(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def python_suite(folder, seconds, environment=None, *arguments):
    return Suite(folder, seconds, [
        PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=180", folder, *arguments,
    ], dict(environment or {}, BUILD=str(BUILD)))


def swift_suite(seconds, *flags, environment=None):
    # Warnings of the compiler, failed expectations with their place, and the count at the end.
    shown = r"^\S+: (error|warning):|✘|recorded an issue|Test run with|Fatal error|Sanitizer"
    command = [SWIFT, "test", "--scratch-path", SCRATCH, "--disable-xctest", *flags]
    return Suite("swift test", seconds, command, environment or {}, shown=shown)


def node_tests():
    return sorted(str(path) for path in (BUILD / "bindings/node/test").glob("*.test.mjs"))


def plain_suites():
    return [
        swift_suite(600),
        python_suite("Tests/capi", 240),
        python_suite("Tests/wire", 420),
        python_suite("Tests/conformance", 420),
        python_suite("bindings/python/tests", 240),
        Suite("bindings/node", 240, ["node", "--test", "--test-reporter=spec", *node_tests()],
              shown=r"^\s*✖|^ℹ (tests|pass|fail|skipped) "),
        python_suite("bindings/lua/tests", 180),
        python_suite("Tests/docs", 180),
        python_suite("Tests/packages", 300),
        python_suite("Tests/abi", 60),
        python_suite("Tests/bench", 120),
        python_suite("Tests/faults", 420),
        python_suite("Tests/soak", 400),
        python_suite("Tests/fuzz", 480),
        python_suite("Tests/browser", 240),
        python_suite("Tests/tidy", 120),
    ]


def sanitized_suites(sanitizer):
    # A finding ends the program that it was made in, with an exit status that no test takes for success.
    options = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=86", "TSAN_OPTIONS": "halt_on_error=1:exitcode=86"}
    suppressions = ROOT / "scripts" / f"{sanitizer}.supp"
    if suppressions.exists() and sanitizer == "address":
        options["LSAN_OPTIONS"] = f"print_suppressions=0:suppressions={suppressions}"
    elif suppressions.exists():
        options["TSAN_OPTIONS"] += f":suppressions={suppressions}"
    options["SWIFT_BACKTRACE"] = "enable=no"
    options["DOG_SANITIZED"] = sanitizer
    return [
        swift_suite(1500, f"--sanitize={sanitizer}", environment=options),
        python_suite("Tests/capi", 900, dict(options, CC=str(BUILD / "cc"))),
        python_suite("Tests/wire", 1500, options),
        # No interpreter is built with the sanitizer, so no host of theirs can load what is.
        python_suite("Tests/conformance", 900, dict(options, CC=str(BUILD / "cc")), "-k", "c- or swift"),
        python_suite("Tests/faults", 900, options),
        python_suite("Tests/soak", 300, options),
    ]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--sanitize", choices=["address", "thread"])
    arguments = parser.parse_args()
    (BUILD / "log").mkdir(parents=True, exist_ok=True)
    suites = sanitized_suites(arguments.sanitize) if arguments.sanitize else plain_suites()
    for suite in suites:
        suite.run()
    failed = [suite for suite in suites if suite.outcome]
    print("\n== Summary")
    for suite in suites:
        print(f"  {suite.name:<16} {suite.took:5.0f} s   {suite.outcome or 'passed'}")
    print(f"{len(failed)} of {len(suites)} suites failed." if failed else "Every suite passed.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
