# SPDX-License-Identifier: Apache-2.0
"""Changes the oracle's programs: more kinds of objects in one program, operations in callbacks that gen.py
never puts there, blocks around blocks, other deadlines. `mutate(program, seed)` keeps to the rules of the
format: each task has one place that spawns it, and waits only for tasks with a higher number.
"""
import random

EXTRA_OBJECTS = [
    lambda r: {"name": "L0", "kind": "lock"},
    lambda r: {"name": "S0", "kind": "sem", "value": r.choice([0, 1, 2])},
    lambda r: {"name": "B0", "kind": "bsem", "value": 1},
    lambda r: {"name": "C0", "kind": "cond"},
    lambda r: {"name": "R0", "kind": "barrier", "parties": r.choice([1, 2, 2, 3])},
    lambda r: {"name": "Q0", "kind": "queue", "flavor": r.choice(["fifo", "lifo", "prio"]),
               "maxsize": r.choice([0, 1, 1, 2])},
]
CALLS = ("call_soon", "call_later", "call_at")
BLOCKS = ("body", "handler", "finally")
ON_CANCEL = ["none", "swallow", "replace", "reraise"]
HOLDABLE = ("lock", "sem", "bsem", "cond")


def operations(ops):
    """All operations in the list, those inside others included."""
    for op in ops:
        yield op
        for key in BLOCKS + ("cb",):
            if isinstance(op.get(key), list):
                yield from operations(op[key])


class Mutator:
    def __init__(self, program, seed):
        self.r = r = random.Random("detent-mutate-%d" % seed)
        self.p = program
        self.grid = r.choice([[0, 1], [0, 0, 1, 2], [1, 1, 2, 5], [0, 1, 2, 3, 5, 10]])
        self.rate = r.choice([.05, .15, .3, .5])
        if r.random() < .5:
            have = {o["name"] for o in program["objects"]}
            extra = [make(r) for make in EXTRA_OBJECTS]
            program["objects"] += [o for o in extra if o["name"] not in have]
        every = [op for t in program["tasks"] for op in operations(t["body"])]
        self.last_id = max(op["i"] for op in every)
        self.calls = [op["i"] for op in every if op["op"] in CALLS]
        self.callbacks = [(op["i"], op["target"]) for op in every if op["op"] == "add_cb"]
        self.ntasks = len(program["tasks"])

    def run(self):
        for task in self.p["tasks"]:
            task["body"] = self.change(int(task["name"][1:]), task["body"], 0)

    # -- pieces
    def new(self, op, **fields):
        self.last_id += 1
        return dict({"op": op, "i": self.last_id}, **fields)

    def chance(self, p): return self.r.random() < p
    def ms(self): return self.r.choice(self.grid)
    def ms_or_none(self): return self.r.choice([None] + self.grid)
    def names(self, *kinds): return [o["name"] for o in self.p["objects"] if o["kind"] in kinds]
    def pick(self, *kinds): return self.r.choice(self.names(*kinds))
    def later(self, task): return ["T%d" % j for j in range(task + 1, self.ntasks)]

    # -- new operations
    def immediate(self):
        r = self.r
        kinds = ["cancel"] * 6 + ["uncancel", "state", "event_set", "event_clear", "fut_set", "fut_error"]
        kinds += ["fut_cancel"] * 2
        if self.names("lock", "sem", "bsem"): kinds += ["release"] * 3
        if self.names("cond"): kinds += ["notify", "notify_all"]
        if self.names("queue"): kinds += ["put_nowait", "get_nowait", "task_done", "shutdown"]
        if self.calls: kinds.append("cancel_handle")
        k = r.choice(kinds)
        op = self.new(k)
        if k == "cancel": op["task"] = "T%d" % r.randrange(1, self.ntasks)
        elif k == "state": op["obj"] = r.choice([o["name"] for o in self.p["objects"]] + self.later(-1))
        elif k == "cancel_handle": op["handle"] = r.choice(self.calls)
        elif k != "uncancel":
            op["obj"] = self.pick(*{"ev": ["event"], "fu": ["future"], "no": ["cond"],
                                    "re": ["lock", "sem", "bsem"]}.get(k[:2], ["queue"]))
        if k == "fut_set": op["value"] = op["i"]
        if k == "fut_error": op["name"] = "E3"
        if k == "notify": op["n"] = r.choice([0, 1, 1, 2, 3])
        if k == "put_nowait": op["item"] = r.randrange(100)
        if k == "shutdown": op["immediate"] = self.chance(.5)
        return op

    def call(self):
        r = self.r
        op = self.new(r.choice(CALLS))
        if op["op"] == "call_later": op["ms"] = self.ms()
        if op["op"] == "call_at": op["at"] = r.choice([0, 1, 2, 5, 10])
        op["cb"] = [self.immediate() for _ in range(r.choice([1, 2, 3]))]
        if self.chance(.1): op["cb"].append(self.call())
        if self.chance(.2): op["cb"].append(self.new("cb_raise", name="E1"))
        self.calls.append(op["i"])
        return op

    def on_tasks(self, k, later):
        r = self.r
        tasks = [r.choice(later) for _ in range(r.choice([1, 2, 3, 4]))]
        if k == "gather": return self.new(k, tasks=tasks, rex=self.chance(.5), propagate=self.chance(.25))
        op = self.new(k, tasks=list(dict.fromkeys(tasks)), ms=self.ms_or_none())
        if k == "wait":
            op["mode"] = r.choice(["FIRST_COMPLETED", "FIRST_EXCEPTION", "FIRST_EXCEPTION", "ALL_COMPLETED"])
        return op

    def on_target(self, k, targets):
        if k == "add_cb":
            op = self.new(k, target=self.r.choice(targets))
            self.callbacks.append((op["i"], op["target"]))
            return op
        op = self.new(k, target=self.r.choice(targets), propagate=self.chance(.25))
        if k == "wait_for": op.update(body=[], ms=self.ms_or_none())
        return op

    def any(self, task):
        r = self.r
        later, futures = self.later(task), self.names("future")
        kinds = ["sleep"] * 4 + ["event_wait", "raise", "reschedule"] + ["immediate"] * 3 + ["call"] * 2
        kinds += ["await", "shield", "wait_for"]
        if later: kinds += ["await*"] * 3 + ["shield*", "wait_for*", "wait_for*", "add_cb*"]
        if later: kinds += ["gather", "gather", "wait", "wait", "as_completed", "as_completed"]
        if self.callbacks: kinds.append("remove_cb")
        if self.names("lock", "sem", "bsem"): kinds += ["acquire"] * 2
        if self.names("cond"): kinds += ["cond_wait"] * 2 + ["cond_wait_for"]
        if self.names("queue"): kinds += ["put", "get", "get", "join"]
        if self.names("barrier"): kinds += ["barrier_wait"] * 2 + ["barrier_reset", "barrier_abort"]
        k = r.choice(kinds)
        if k == "immediate": return self.immediate()
        if k == "call": return self.call()
        if k in ("gather", "wait", "as_completed"): return self.on_tasks(k, later)
        if k in ("await", "shield", "wait_for"): return self.on_target(k, futures)
        if k.endswith("*"): return self.on_target(k[:-1], later + (futures if k == "add_cb*" else []))
        op = self.new(k)
        if k == "sleep": op["ms"] = self.ms()
        elif k == "raise": op["name"] = r.choice(["E1", "E2", "Cancelled"])
        elif k == "reschedule": op["ms"] = r.choice([None, -1] + self.grid)
        elif k == "remove_cb": op["cb"], op["target"] = r.choice(self.callbacks)
        elif k == "acquire": op["obj"] = self.pick("lock", "sem", "bsem")
        elif k == "event_wait": op["obj"] = self.pick("event")
        else:
            op["obj"] = self.pick({"c": "cond", "b": "barrier"}.get(k[0], "queue"))
        if k == "put": op["item"] = r.randrange(100)
        if k == "cond_wait_for": op["event"] = self.pick("event")
        if k[:4] == "cond" and self.chance(.9): return self.new("with", obj=op["obj"], body=[op])
        return op

    # -- changes
    def wrap(self, task, op):
        r = self.r
        k = r.choice(["try", "timeout", "wait_for", "with", "taskgroup"])
        if k == "try":
            return self.new(k, on_cancel=r.choice(ON_CANCEL), catch=self.chance(.5), name="E5", body=[op],
                            handler=[self.any(task)] if self.chance(.3) else [],
                            **{"finally": [self.any(task)] if self.chance(.4) else []})
        propagate = self.chance(.3)
        if k == "timeout":
            return self.new(k, ms=r.choice([None, -1] + self.grid), body=[op], propagate=propagate)
        if k == "wait_for": return self.new(k, body=[op], ms=self.ms_or_none(), propagate=propagate)
        if k == "taskgroup": return self.new(k, children=[], body=[op], propagate=propagate)
        return self.new(k, obj=self.pick(*HOLDABLE), body=[op]) if self.names(*HOLDABLE) else op

    def change_fields(self, op):
        r, rate = self.r, self.rate
        if op.get("ms") is not None and self.chance(rate): op["ms"] = self.ms()
        if "propagate" in op and self.chance(rate / 2): op["propagate"] = not op["propagate"]
        if op["op"] in ("barrier_wait", "get", "put", "cond_wait") and self.chance(rate / 4): op["propagate"] = True
        if op["op"] == "wait" and self.chance(rate / 2): op["mode"] = "FIRST_EXCEPTION"
        if op["op"] in ("await", "shield") and self.chance(rate / 2): op["op"] = r.choice(["await", "shield"])
        if op["op"] == "try" and self.chance(rate / 2):
            op.update(on_cancel=r.choice(ON_CANCEL), catch=self.chance(.5))

    def change(self, task, ops, depth):
        out = []
        for op in ops:
            for key in BLOCKS:
                if op.get(key): op[key] = self.change(task, op[key], depth + 1)
            self.change_fields(op)
            if depth < 4 and self.chance(self.rate): op = self.wrap(task, op)
            out.append(op)
            if self.chance(self.rate): out.append(self.any(task))
        if self.chance(self.rate / 3): self.r.shuffle(out)
        if len(out) > 1 and self.chance(self.rate / 3): out = out[:self.r.randrange(1, len(out))]
        return out


def mutate(program, seed):
    """Changes `program` in place, and returns it."""
    Mutator(program, seed).run()
    return program
