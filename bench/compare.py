#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the table of docs/speed.md: each workload on detent, on its floor and on the peers that are installed.

  bazel run -c opt //bench:compare
  bazel run -c opt //bench:compare -- --rows=W1,S2 --runs=9 --json

Each figure is the median of several runs, in CPU time of one thread; the runs of all sides take turns, so that a machine
that is busy for a while is so for all. A peer that is not installed is left out: tools/install-deps --bench installs them.
The column g++ is detent itself, compiled by g++ 12 at -O2; it must not take longer than 1.4 times what clang's build takes.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import peers  # noqa: E402
import rows as table  # noqa: E402


def find_bench():
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    for path in ["bench/bench", os.path.join(here, "bench"), "bazel-bin/bench/bench"]:
        if os.path.isfile(path):
            return os.path.abspath(path)
    sys.exit("compare: the benchmark program is not built; start this with `bazel run -c opt //bench:compare`")


def build_with_gcc():
    """The path of the benchmark program that g++ compiled; None outside `bazel run`."""
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if workspace is None:
        return None
    options = ["-c", "opt", "--config=gcc", "--copt=-DDETENT_SYMMETRIC_TRANSFER=1"]
    print("building the benchmarks with g++: up to 3 min the first time", file=sys.stderr)

    def bazel(*arguments):
        result = subprocess.run(["bazel", *arguments], cwd=workspace, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"compare: bazel {' '.join(arguments)} failed (--no-gcc leaves g++ out):\n{result.stderr}")
        return result.stdout.strip()

    bazel("build", *options, "--symlink_prefix=/", "//bench:bench")
    return os.path.join(bazel("info", *options, "bazel-bin"), "bench", "bench")


def run_bench(bench, name, extra=()):
    """Runs one benchmark; gives its figure, its other counters, and the context."""
    result = subprocess.run(
        [bench, f"--benchmark_filter=^{name}(/|$)", "--benchmark_min_time=0.1", "--benchmark_format=json", *extra],
        capture_output=True,
        text=True,
    )
    if result.returncode != 0 or not result.stdout.strip():
        sys.exit(f"compare: {name} failed: {result.stderr.strip()}")
    output = json.loads(result.stdout)
    entry = output["benchmarks"][0]
    if entry.get("error_occurred"):
        sys.exit(f"compare: {name} failed: {entry['error_message']}")
    notes = {key: entry[key] for key in table.NOTES if key in entry}
    return 1e9 / entry["items_per_second"], notes, output["context"]


def number(text, least):
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f'"{text}" is not a number from {least}')
    return value


def selected_rows(text):
    if not text:
        return list(table.ROWS)
    chosen = []
    for word in text.split(","):
        found = [row for row in table.ROWS if row.name == word or row.name.startswith(word + ".")]
        if not found:
            known = ", ".join(dict.fromkeys(row.name.split(".")[0] for row in table.ROWS))
            raise argparse.ArgumentTypeError(f'there is no row "{word}"; the rows are {known}, or one of them by its full name')
        chosen += found
    return list(dict.fromkeys(chosen))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=selected_rows, default="", help="only these, as W1,W5,S2.E1; all if left out")
    parser.add_argument("--runs", type=lambda text: number(text, 1), default=5, help="how often each is measured (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--no-peers", action="store_true", help="only detent and the floor")
    parser.add_argument("--no-gcc", action="store_true", help="without detent as g++ compiles it")
    return parser.parse_args()


class Progress:
    """How far it is, on standard error."""

    def __init__(self, total):
        self.total, self.done, self.start, self.told = total, 0, time.monotonic(), 0.0

    def step(self, what):
        self.done += 1
        now = time.monotonic()
        left = (now - self.start) / self.done * (self.total - self.done)
        if sys.stderr.isatty():
            print(f"\r{self.done} of {self.total}: {what:<24} about {left:.0f} s left \033[K", end="", file=sys.stderr)
        elif now - self.told > 10:
            print(f"{self.done} of {self.total}: {what}, about {left:.0f} s left", file=sys.stderr)
            self.told = now

    def end(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)


def measure(chosen, runs, bench, gcc_bench, found_peers):
    """Gives the figures, {name: [one for each run]}, and the notes of each benchmark."""
    names = list(dict.fromkeys(name for row in chosen for name in row.benchmarks()))
    jobs = []
    for name in names:
        jobs.append((name, lambda name=name: run_bench(bench, name)[:2]))
        base = name.split("/")[0]
        if not name.endswith("/ours"):
            continue
        if gcc_bench is not None:
            jobs.append((f"{base}/g++", lambda name=name: (run_bench(gcc_bench, name)[0], {})))
        for peer in found_peers:
            if base in peer.rows:
                jobs.append((f"{base}/{peer.name}", lambda base=base, peer=peer: (peer.measure(base, bench, run_bench), {})))
    seconds = sum(table.seconds(name) for name, _ in jobs) * runs
    print(f"{len(jobs)} benchmarks, {runs} runs each: about {seconds / 60:.0f} min {seconds % 60:.0f} s", file=sys.stderr)
    if runs < 5:
        print("fewer than 5 runs: good for a look, not for a claim", file=sys.stderr)
    figures, notes, progress = {}, {}, Progress(len(jobs) * runs)
    for _ in range(runs):
        for name, job in jobs:
            progress.step(name)
            figure, note = job()
            figures.setdefault(name, []).append(figure)
            notes[name] = note
    progress.end()
    return figures, notes


def format_figure(value):
    if value is None:
        return ""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def print_table(result, peer_names):
    has_gcc = any(row["gcc"] is not None for row in result["rows"])
    header = ["row", "workload", "ours", "floor", "measured", "target", ""] + (["g++", ""] if has_gcc else []) + peer_names
    lines = [header]
    for row in result["rows"]:
        measured = "" if row["measured"] is None else f"{row['measured']:,.2f}" + row["measured_unit"]
        mark = {True: "", False: "MISSED", None: ""}[row["met"]]
        lines.append(
            [row["name"], row["workload"], format_figure(row["ours"]), format_figure(row["floor"]), measured, row["target"], mark]
            + ([format_figure(row["gcc"]), {True: "", False: "SLOW", None: ""}[row["gcc_met"]]] if has_gcc else [])
            + [format_figure(row["peers"].get(name)) for name in peer_names]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [cell.ljust(width) if i in (0, 1, 5, 6) else cell.rjust(width) for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    missed = [row["name"] for row in result["rows"] if row["met"] is False]
    counted = [row for row in result["rows"] if row["met"] is not None]
    print()
    for row in result["rows"]:
        if row["notes"]:
            print(f"{row['name']}: " + ", ".join(f"{key.replace('_', ' ')} {value:,.1f}" for key, value in row["notes"].items()))
    print(f"ns of CPU time an operation, medians of {result['runs']} runs; {result['compiler']}, {result['machine']}, "
          f"load {result['load'][0]:.1f} before and {result['load'][1]:.1f} after, {result['date']}")
    print(f"{len(counted) - len(missed)} of {len(counted)} targets met" + (f"; missed: {', '.join(missed)}" if missed else ""))
    slow = [f"{row['name']} ({row['gcc'] / row['ours']:.2f}x)" for row in result["rows"] if row["gcc_met"] is False]
    if has_gcc:
        print(f"g++ takes over {table.GCC_MOST} times as long at: {', '.join(slow)}" if slow
              else f"g++ stays within {table.GCC_MOST} times of clang in every row")


def machine():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.machine()
    return f"{os.cpu_count()} x {model}"


def main():
    arguments = parse_arguments()
    bench = find_bench()
    _, _, context = run_bench(bench, "W3/floor")
    compiler = context["compiler"]
    gcc_bench = None if arguments.no_gcc else build_with_gcc()
    found_peers = [] if arguments.no_peers else peers.find(compiler)
    load_before = os.getloadavg()[0]
    figures, notes = measure(arguments.rows, arguments.runs, bench, gcc_bench, found_peers)
    medians = {name: statistics.median(values) for name, values in figures.items()}
    result = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "compiler": compiler,
        "runs": arguments.runs,
        "load": [load_before, os.getloadavg()[0]],
        "rows": [row.result(medians, notes, [peer.name for peer in found_peers]) for row in arguments.rows],
        "figures": figures,
    }
    if arguments.json:
        json.dump(result, sys.stdout, indent=1)
        print()
    else:
        print_table(result, [peer.name for peer in found_peers])


main()
