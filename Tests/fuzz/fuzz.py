#!/usr/bin/env python3
"""Runs the fuzzers of this folder: `make fuzz`, or fuzz.py [NAME...].

Each runs for FUZZ_SECONDS, one on each core at a time, and begins with the seeds of seeds/NAME, those of the tests' own
tables, and what earlier runs found worth keeping (BUILD/fuzz/corpus/NAME). An input that breaks something is put into
BUILD/fuzz/found: repair the code, give it a test, and move the input to seeds/NAME. To see it again:

    DOG_FUZZER=NAME SWIFT_BACKTRACE=enable=no build/fuzz/fuzz FILE
"""
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = Path(os.environ.get("BUILD", ROOT / "build")).resolve() / "fuzz"
NAMES = sorted(path.name for path in (HERE / "seeds").iterdir() if path.is_dir())
# An input that takes longer than this is a find, too.
SECONDS_MAX = 20
BYTES_MAX = 4096


def build():
    """Makes the program and the seeds that come from tables."""
    subprocess.run([HERE / "build.sh"], cwd=ROOT, env=dict(os.environ, BUILD=str(OUT.parent)), check=True)
    (OUT / "tables").mkdir(exist_ok=True)
    subprocess.run([OUT / "fuzz"], check=True,
                   env=dict(os.environ, DOG_FUZZ_SEEDS=str(OUT / "tables"), ASAN_OPTIONS="detect_leaks=0"))


def fuzz(name, corpus, *options, log):
    """One run, which ends by itself; the exit status of libFuzzer. New inputs go to `corpus`."""
    for folder in [corpus, OUT / "found"]:
        folder.mkdir(parents=True, exist_ok=True)
    command = [OUT / "fuzz", *options, f"-timeout={SECONDS_MAX}", f"-max_len={BYTES_MAX}", "-print_final_stats=1",
               f"-artifact_prefix={OUT / 'found' / name}-"]
    dictionary = HERE / f"{name}.dict"
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    command += [corpus, HERE / "seeds" / name, OUT / "tables" / name]
    environment = dict(os.environ, DOG_FUZZER=name, SWIFT_BACKTRACE="enable=no", ASAN_OPTIONS="detect_leaks=1")
    with open(log, "wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment)
        return done.returncode


def runs(log):
    """How many inputs a run tried, as its log says."""
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            return int(line.split()[1])
    return 0


def main():
    seconds = int(os.environ.get("FUZZ_SECONDS", 600))
    names = sys.argv[1:] or NAMES
    build()
    logs = {name: OUT / f"{name}.log" for name in names}
    print(f"{len(names)} fuzzers, {seconds} s each; what they say is in {OUT}/*.log", flush=True)

    def run(name):
        status = fuzz(name, OUT / "corpus" / name, f"-max_total_time={seconds}", log=logs[name])
        print(f"  {name:<12} {runs(logs[name]):>12} inputs   {'passed' if status == 0 else 'BROKEN'}", flush=True)
        return status

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        broken = [name for name, status in zip(names, pool.map(run, names)) if status != 0]
    for name in broken:
        print(f"\n== {name}\n" + "\n".join(logs[name].read_text(errors="replace").splitlines()[-40:]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
