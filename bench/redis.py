#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what a request costs //examples:redis and Debian's redis-server, in CPU time, under redis-benchmark.

  bazel run -c opt //bench:redis
  bazel run -c opt //bench:redis -- --connections=50 --pipelines=1,16 --runs=5

For each number of connections and of requests in flight, redis-benchmark's default requests are sent to both servers,
which take turns. A figure is the server's CPU time, user and system, divided by the requests; the median of several
runs. The target is 1.0 times of redis-server in every row. Both keep everything in memory only, and answer at loopback,
at ports that the system picks. Needs the packages redis-server and redis-tools: tools/install-deps --bench.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

# The requests of redis-benchmark without -t.
TESTS = ("ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,"
         "lpush,lrange_100,lrange_300,lrange_500,lrange_600,mset")
PATIENCE_S = 30


class Failure(Exception):
    pass


class Server:
    """A server that runs until the `with` ends."""

    def __init__(self, name, command, port):
        self.name, self.command, self.port = name, command, port

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(self.command, cwd=self.folder.name, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > give_up:
                    self.__exit__()
                    raise Failure(f"{self.name} did not start: {' '.join(self.command)}")
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def vacate(self):
        """Empties the store, as far as the requests fill it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            connection.sendall(b"DEL mylist myset myzset\r\n")
            connection.recv(100)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def send(server, test, connections, pipeline, requests):
    """Lets redis-benchmark send `requests` of `test`; gives the server's CPU time for each, in microseconds."""
    before = server.cpu_seconds()
    command = ["redis-benchmark", "-p", str(server.port), "-c", str(connections), "-P", str(pipeline)]
    command += ["-n", str(requests), "-t", test, "-q"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0 or "rror" in result.stdout + result.stderr:
        raise Failure(f"{' '.join(command)} at {server.name}: {result.stdout} {result.stderr}")
    return (server.cpu_seconds() - before) * 1e6


def one_run(server, connections, pipeline, requests, tests):
    server.vacate()
    return sum(send(server, test, connections, pipeline, requests) for test in tests) / (requests * len(tests))


def numbers(text):
    try:
        values = [int(word) for word in text.split(",")]
    except ValueError:
        values = [0]
    if min(values) < 1:
        raise argparse.ArgumentTypeError(f'"{text}" is no list of numbers from 1, as 1,16,64')
    return values


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--connections", type=numbers, default=[1, 50, 500], help="as 1,50,500")
    parser.add_argument("--pipelines", type=numbers, default=[1, 16, 64], help="requests in flight, as 1,16,64")
    parser.add_argument("--requests", type=int, default=20000, help="of each kind in each run (20000)")
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--tests", default=TESTS, help="as get,set; redis-benchmark's names")
    parser.add_argument("--server", help="the program; //examples:redis if left out")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args()


def find_server(given):
    here = os.path.dirname(os.path.abspath(sys.argv[0]))
    for path in [given, "examples/redis", os.path.join(here, "../examples/redis"), "bazel-bin/examples/redis"]:
        if path and os.path.isfile(path):
            return os.path.abspath(path)
    raise Failure("the server is not built; start this with `bazel run -c opt //bench:redis`")


def measure(arguments):
    for program in ("redis-server", "redis-benchmark"):
        if shutil.which(program) is None:
            raise Failure(f"{program} is not installed: tools/install-deps --bench")
    tests = arguments.tests.split(",")
    ours_port, theirs_port = free_port(), free_port()
    theirs_command = ["redis-server", "--port", str(theirs_port), "--bind", "127.0.0.1"]
    theirs_command += ["--save", "", "--appendonly", "no"]
    rows = []
    with Server("ours", [find_server(arguments.server), str(ours_port)], ours_port) as ours, \
         Server("redis-server", theirs_command, theirs_port) as theirs:
        for connections in arguments.connections:
            for pipeline in arguments.pipelines:
                runs = [
                    (one_run(ours, connections, pipeline, arguments.requests, tests),
                     one_run(theirs, connections, pipeline, arguments.requests, tests)) for _ in range(arguments.runs)
                ]
                row = {
                    "connections": connections,
                    "pipeline": pipeline,
                    "ours_us": statistics.median(run[0] for run in runs),
                    "redis_us": statistics.median(run[1] for run in runs),
                    "ratio": statistics.median(run[0] / run[1] for run in runs),
                    "ratios": [run[0] / run[1] for run in runs],
                }
                rows.append(row)
                print(f"-c {connections} -P {pipeline}: {row['ratio']:.2f}", file=sys.stderr)
    return rows


def main():
    arguments = parse_arguments()
    try:
        rows = measure(arguments)
    except Failure as failure:
        sys.exit(f"redis.py: {failure}")
    if arguments.json:
        json.dump(rows, sys.stdout, indent=1)
        print()
        return
    print(f"{'-c':>5}{'-P':>5}{'ours us':>10}{'redis us':>10}{'ratio':>8}  (of each run)")
    for row in rows:
        each = " ".join(f"{ratio:.2f}" for ratio in row["ratios"])
        mark = "" if row["ratio"] <= 1.0 else "  MISSED"
        print(f"{row['connections']:>5}{row['pipeline']:>5}{row['ours_us']:>10.2f}{row['redis_us']:>10.2f}"
              f"{row['ratio']:>7.2f}x  ({each}){mark}")
    print(f"CPU time of the server a request, medians of {arguments.runs} runs of {arguments.requests} requests of "
          f"each kind, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")


main()
