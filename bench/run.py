#!/usr/bin/env python3
"""Measures what each binding costs beside the usual servers of its language, in one run, and prints one table.

Each round measures every server once, one after another, so that whatever else the machine does meets all of them.
README.md says how to read the table. Exit 1: a server did not do its work; how fast it is never matters.
"""
import argparse
import os
import platform
import re
import signal
import sys

from measure import LOADS, Cores, Failure, build, measure
from servers import SERVERS
from table import table


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="medians are taken over them (5)")
    parser.add_argument("--seconds", type=float, default=1, help="of each measurement (1); a fifth more to warm up")
    parser.add_argument("--only", type=re.compile, default="", metavar="REGEX",
                        help="the servers, as --list names them, that it is found in")
    parser.add_argument("--cpu", action="store_true", help="a second of the server's processor time, not of the clock: "
                        "for a machine that has other work meanwhile")
    parser.add_argument("--list", action="store_true", help="the servers, and which are not installed")
    options = parser.parse_args()
    if options.rounds < 1 or not 0.05 <= options.seconds <= 600:
        parser.error("--rounds is 1 or more, --seconds from 0.05 to 600")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what runs meanwhile is stopped on the way out
    servers = [server for server in SERVERS if options.only.search(server.label)]
    for server in servers:
        server.look()
    if options.list:
        for server in servers:
            print(f"{server.label:20} {server.missing or server.version or 'installed'}")
        return 0
    present = [server for server in servers if not server.missing]
    left_out = [f"Left out: {server.label}: {server.missing}." for server in servers if server.missing]
    if not present:
        sys.exit("\n".join(["There is nothing to measure.", *left_out]))

    build(hosts=any(server.language == "C" for server in present))
    cores = Cores.choose()
    busy = os.getloadavg()[0]
    results, failures = run(present, options, cores)
    print(machine(cores))
    second = "A second is one of the server's processor time. " if options.cpu else ""
    print(f"{second}Medians of {options.rounds} rounds of {options.seconds:g} s; load average {busy:.1f} before.\n")
    print(*table(present, results), "", *left_out, *failures, sep="\n")
    return 1 if failures else 0


def run(servers, options, cores):
    """({(server's label, load's name): a number for each round}, what went wrong). Who failed is not tried again."""
    results = {(server.label, load.name): [] for server in servers for load in LOADS}
    failures = []
    for number in range(options.rounds):
        for load in LOADS:
            for server in servers:
                numbers = results[server.label, load.name]
                if len(numbers) < number:
                    continue
                report_progress(f"round {number + 1} of {options.rounds}: {load.name}: {server.label}")
                try:
                    numbers.append(measure(server, load, options.seconds, cores, options.cpu))
                except Failure as failure:
                    failures.append(f"Failed: {server.label}, {load.name}: {failure}")
    report_progress("")
    return results, failures


def report_progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def machine(cores):
    model = re.search(r"model name\s*:\s*(.+)", open("/proc/cpuinfo").read())
    where = f"server on core {cores.server}, client on core {cores.client}" if cores.server is not None else (
        "server and client on the same core: ratios alone mean something")
    return (f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {platform.system()} "
            f"{platform.release()}; {where}.")


if __name__ == "__main__":
    sys.exit(main())
