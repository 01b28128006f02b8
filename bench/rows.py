# SPDX-License-Identifier: Apache-2.0
"""The rows of the table and their targets."""

# What a benchmark may tell besides its figure.
NOTES = ("ns_each", "steps", "choices", "virtual_seconds", "virtual_seconds_per_second", "idle_cpu_us_a_second",
         "peak_bytes_a_byte")


# At most so many times what clang's build takes may g++'s take.
GCC_MOST = 1.4


class Row:
    """What `ours` costs, in nanoseconds (W8: bytes) an operation, and what it is held against."""

    def __init__(self, name, workload, ours=None, floor=None):
        self.name, self.workload = name, workload
        self.ours = f"{ours or name}/ours"
        self.floor = f"{floor or name}/floor" if floor != "" else None

    def benchmarks(self):
        return [self.ours] + ([self.floor] if self.floor else [])

    def result(self, medians, notes, peer_names):
        measured, unit, target, met = self.judge(medians)
        base = self.ours.split("/")[0]
        gcc = medians.get(f"{base}/g++")
        return {
            "name": self.name,
            "workload": self.workload,
            "ours": medians[self.ours],
            "floor": medians[self.floor] if self.floor else None,
            "measured": measured,
            "measured_unit": unit,
            "target": target,
            "met": met,
            "gcc": gcc,
            "gcc_met": None if gcc is None else gcc <= GCC_MOST * medians[self.ours],
            "peers": {peer: medians[f"{base}/{peer}"] for peer in peer_names if f"{base}/{peer}" in medians},
            "notes": notes[self.ours],
        }

    def judge(self, medians):
        return None, "", "report", None


class Ratio(Row):
    """At most `most` times the floor."""

    def __init__(self, name, workload, most, ours=None, floor=None):
        super().__init__(name, workload, ours, floor)
        self.most = most

    def judge(self, medians):
        ratio = medians[self.ours] / medians[self.floor]
        return ratio, "x", f"<= {self.most:.2f} x", ratio <= self.most


class Absolute(Row):
    """At most `most` nanoseconds or bytes."""

    def __init__(self, name, workload, most, unit="ns", floor=""):
        super().__init__(name, workload, floor=floor)
        self.most, self.unit = most, unit

    def judge(self, medians):
        figure = medians[self.ours]
        return figure, f" {self.unit}", f"<= {self.most:,} {self.unit}", figure <= self.most


class Beside(Row):
    """At most `most` times another of our own figures."""

    def __init__(self, name, workload, most, other, floor=None):
        super().__init__(name, workload, floor=floor)
        self.most, self.other = most, f"{other}/ours"

    def benchmarks(self):
        return super().benchmarks() + [self.other]

    def judge(self, medians):
        ratio = medians[self.ours] / medians[self.other]
        return ratio, "x", f"<= {self.most:.2f} x {self.other.split('/')[0]}", ratio <= self.most


class Growth(Row):
    """Grows from `other` to this at most `most` times as much as the floor does."""

    def __init__(self, name, workload, most, other):
        super().__init__(name, workload)
        self.most, self.other = most, other

    def benchmarks(self):
        return super().benchmarks() + [f"{self.other}/ours", f"{self.other}/floor"]

    def judge(self, medians):
        ours = medians[self.ours] / medians[f"{self.other}/ours"]
        floor = medians[self.floor] / medians[f"{self.other}/floor"]
        return ours / floor, "x", f"<= {self.most:.2f} x the floor's growth", ours / floor <= self.most


def beside_best_peer(share, peer, harness):
    """The most that a schedule may cost, in times of the harness, to reach `share` of the best peer's published rate, scaled
    by the harness's own."""
    return harness / peer / share


ROWS = [
    Ratio("W1", "Yield() between 2 tasks (clock every 64 steps)", 1.7),
    Ratio("W2", "spawn one task and await it", 3.0),
    Ratio("W2b", "spawn 1,000 and gather, per task", 2.5),
    Ratio("W3", "await a child that completes at once", 1.3),
    Ratio("W3c", "a chain 10 deep, per level", 1.4),
    Ratio("W4", "100 tasks: lock, yield, unlock", 2.0),
    Ratio("W5.64", "queue of 64, per item", 2.3),
    Ratio("W5.1", "queue of 1, per item", 2.3),
    Ratio("W6v", "100,000 virtual sleeps, per task", 2.2),
    Ratio("W6t", "arm and cancel a timer", 2.0),
    Absolute("W6r", "100,000 real sleeps, per task", 1200),
    Absolute("W11", "CallSoonThreadsafe() from a thread", 250),
    Absolute("W12", "a message from loop to loop, by a Channel", 1000),
    Row("W13", "start and cancel a coroutine from a thread", floor=""),
    Beside("W13.100k", "the same beside 100,000 tasks", 1.5, "W13", floor=""),
    Absolute("W7.catch", "cancel: Catch and Propagate", 100, floor="W7.flag"),
    Absolute("W7.destroy", "cancel: kDestroy", 100, floor="W7.flag"),
    Ratio("W7.throw", "cancel: one throw", 1.5),
    Ratio("W7.both", "cancel: both sides throw", 3.0, floor="W7.throw"),
    Absolute("W8", "memory of an idle task", 220, "B", floor="W8"),
    Ratio("W9.1", "echo, 1 connection, per request", 1.03),
    Ratio("W9.50", "echo, 50 connections, per request", 1.03),
    Ratio("W9m.2", "echo on two loops that share a port", 1.10),
    Ratio("W9m.4", "echo on four loops that share a port", 1.10),
    Ratio("W9p", "echo, 50 connections, 32 in flight", 1.10),
    Ratio("W9u.1", "datagram echo, one at a time", 1.05),
    Ratio("W9u.16", "datagram echo, 16 sockets, 8 in flight", 1.05),
    Ratio("W9x.1", "Unix-socket echo, 1 connection", 1.05),
    Ratio("W9x.50", "Unix-socket echo, 50 connections", 1.05),
    Row("W9g.joined", "16 in flight, joined replies, per request", floor=""),
    Beside("W9g.pieces", "16 in flight, gathered replies, per request", 1.2, "W9g.joined", floor=""),
    Absolute("W9i", "memory of an idle connection and its task", 800, "B"),
    Absolute("W9i.server", "memory of an idle client of a Server", 1100, "B"),
    Row("W9r.reserved", "1 GB into a reserved string, per byte", floor=""),
    Beside("W9r.exactly", "ReadExactly(1 GB), per byte", 1.1, "W9r.reserved", floor=""),
    Ratio("F1", "cached 4 KiB reads of a file, 16 in flight", 1.50),
    Row("W10.10", "a step among 10 tasks"),
    Beside("W10.10k", "a step among 10,000 tasks", 2.0, "W10.10"),
    Growth("W10.1M", "a step among 1,000,000 tasks", 1.5, "W10.10"),
    Row("W10t.10", "a timer among 10"),
    Beside("W10t.10k", "a timer among 10,000", 2.0, "W10t.10"),
    Growth("W10t.1M", "a timer among 1,000,000", 1.5, "W10t.10"),
    Absolute("W11.writes", "worst wait beside writes to 2,000", 5_000_000, floor="W11.writes"),
    Absolute("W11.uploads", "worst wait beside 16 uploads", 5_000_000),
    Absolute("W11.lines", "worst wait beside a flood of lines", 5_000_000),
    Absolute("W11.end", "worst wait beside reads at the end", 5_000_000),
    Ratio("S1", "a simulated step, RandomWalk", 1.5),
    Ratio("S2.E1", "a schedule of E1, RandomWalk", beside_best_peer(0.9, 3.03, 5.08)),
    Ratio("S2.E2", "a schedule of E2, RandomWalk", beside_best_peer(1.0, 0.460, 1.52)),
    Ratio("S2.E3", "a schedule of E3, RandomWalk", beside_best_peer(1.0, 0.092, 0.975)),
] + [
    Beside(f"S3.{strategy}.{program}", f"a schedule of {program}, {strategy.capitalize()}", 1 / 0.6, f"S2.{program}", floor="")
    for strategy in ("pct", "pos", "surw")
    for program in ("E1", "E2", "E3")
] + [
    Absolute("S4.reset", "Reset() and run an empty task", 60),
    Absolute("S4.make", "make, run and destroy a SimLoop", 400),
    Row("S5", "simulated service, per request", floor=""),
]


def seconds(name):
    """About how long one run of a benchmark takes."""
    row, side = name.split("/")
    if row.endswith("1M"):
        return 3
    if row == "W6r":
        return 5 if side in ("ours", "asyncio", "uvloop") else 1
    if row.startswith("W9r"):
        return 2
    if row in ("W8", "W9.50", "W9i", "W9i.server", "W9p", "W6v"):
        return 1.5
    return 0.7 if row.startswith("W9") else 0.3
