# SPDX-License-Identifier: Apache-2.0
"""Programs that read and write streams: an extension of the oracle's format, and CPython's side of it.

The oracle's loop has a virtual clock and no sockets. Here it asks a real selector before it lets time pass, so that
asyncio's own streams run under that clock.

Only in how many turns a byte takes do the two libraries differ, and no program should depend on that. So each task acts
at milliseconds of its own: `pause` waits for the next one. Then the whole trace is the same.

  object  {"name": "W0", "kind": "stream"}: a pair of connected ends; "right": true in an operation names the second
  pause   phase: until the next millisecond that is `phase` modulo 64
  stream_write text, stream_eof, stream_read n, stream_line, stream_exactly n, stream_until text
          print BEGIN, then `ok`, for reads `ok TEXT` in quotes, or `err ERR`: also `Incomplete TEXT`, `LimitOverrun`

What is different on purpose no program does (docs/semantics.md): two tasks that read from one end, a read of some bytes
from an end that also reads whole lines and the like (what is left of those comes alone), and an end that is closed.
"""
import asyncio
import random
import selectors
import socket

import run

PERIOD = 64
PHASE = 4          # Of a task's number.
LIMIT = 32         # Of stream_until.
BYTES_MAX = 60     # In one direction: a reader of asyncio's that holds twice its limit stops reading.
OPS = ("pause", "stream_write", "stream_eof", "stream_read", "stream_line", "stream_exactly", "stream_until")


# --- The loop ---

class Selector(run.VSelector):
    def __init__(self):
        super().__init__()
        self.real = selectors.DefaultSelector()

    def select(self, timeout):
        return self.real.select(0) or super().select(timeout)

    def close(self): self.real.close()
    def register(self, *a, **k): return self.real.register(*a, **k)
    def unregister(self, *a, **k): return self.real.unregister(*a, **k)
    def modify(self, *a, **k): return self.real.modify(*a, **k)
    def get_map(self): return self.real.get_map()
    def get_key(self, f): return self.real.get_key(f)


class Loop(run.VLoop):
    _process_events = asyncio.SelectorEventLoop._process_events


class Runner(run.Runner):
    def make(self, spec):
        return self.make_pair() if spec["kind"] == "stream" else super().make(spec)

    def make_pair(self):
        ends = []
        for sock in socket.socketpair():
            sock.setblocking(False)
            reader = asyncio.StreamReader(loop=self.loop)
            protocol = asyncio.StreamReaderProtocol(reader, loop=self.loop)
            transport = self.loop._make_socket_transport(sock, protocol)
            ends.append((reader, asyncio.StreamWriter(transport, protocol, reader, self.loop)))
        return ends

    def ostate(self, n):
        return "open" if self.kind(n) == "stream" else super().ostate(n)

    async def block(self, who, op, to, tg):
        if op["op"] not in OPS:
            return await super().block(who, op, to, tg)
        def log(rest): self.log(who, "#%d %s %s" % (op["i"], op["op"], rest.replace("\n", "\\n")))
        log("%s begin" % (op["phase"] if op["op"] == "pause" else op["obj"]))
        try:
            result = await self.act(op)
        except asyncio.CancelledError:
            log("cancelled c=%d" % asyncio.current_task().cancelling())
            raise
        except asyncio.IncompleteReadError as e:
            log('err Incomplete "%s"' % e.partial.decode())
        except asyncio.LimitOverrunError:
            log("err LimitOverrun")  # Having looked at what had arrived by then, which is more or less.
        except Exception as e:
            log("err " + run.ename(e))
        else:
            log("ok" if result is None else 'ok "%s"' % result.decode())

    async def act(self, op):
        kind = op["op"]
        if kind == "pause":
            now = self.loop.vnow
            return await asyncio.sleep((op["phase"] - now - 1) % PERIOD + 1)
        reader, writer = self.objs[op["obj"]][op["right"]]
        if kind == "stream_write":
            writer.write(op["text"].encode())
            return await writer.drain()
        if kind == "stream_eof": return writer.write_eof()
        if kind == "stream_read": return await reader.read(op["n"])
        if kind == "stream_line": return await reader.readline()
        if kind == "stream_exactly": return await reader.readexactly(op["n"])
        limit, reader._limit = reader._limit, LIMIT
        try:
            return await reader.readuntil(op["text"].encode())
        finally:
            reader._limit = limit


def run_prog(program):
    run.VSelector, run.VLoop = Selector, Loop
    return Runner(program).run(), {}


# --- Random programs ---

class Generator:
    def __init__(self, seed):
        self.r = random.Random("detent-streams-%d" % seed)
        self.last_id = 0
        self.tasks = self.r.randint(2, 7)
        self.streams = self.r.randint(1, 3)
        self.left = {}  # How many bytes an end may still write.
        every = [{"obj": "W%d" % i, "right": right} for i in range(self.streams) for right in (False, True)]
        self.ends = [(end, self.r.randrange(self.tasks), self.r.random() < .3) for end in every]

    def new(self, op, **fields):
        self.last_id += 1
        return dict({"op": op, "i": self.last_id}, **fields)

    def end(self): return self.r.choice(self.ends)[0]

    def text(self, most):
        return "".join(self.r.choice("abc;\n") for _ in range(self.r.randint(0, most)))

    def read(self, task):
        """By the one task that reads from an end; a write if it has none."""
        r = self.r
        own = [(end, reads_some) for end, reader, reads_some in self.ends if reader == task]
        if not own: return self.write()
        end, reads_some = r.choice(own)
        kind = "stream_read" if reads_some else r.choice(["stream_line", "stream_exactly", "stream_until"])
        op = self.new(kind, **end)
        if kind == "stream_read": op["n"] = r.choice([0, 100, 100, 100])
        if kind == "stream_exactly": op["n"] = r.choice([0, 1, 2, 5, 8, 13])
        if kind == "stream_until": op["text"] = r.choice([";", "ab", "\n"])
        return op

    def write(self):
        end = self.end()
        key = (end["obj"], end["right"])
        text = self.text(min(self.r.choice([3, 12, 40]), self.left.get(key, BYTES_MAX)))
        self.left[key] = self.left.get(key, BYTES_MAX) - len(text)
        return self.new("stream_write", text=text, **end)

    def group(self, task):
        """One act, at a millisecond of the task's own."""
        r = self.r
        pause = self.new("pause", phase=PHASE * task)
        kind = r.choice(["write"] * 8 + ["read"] * 7 + ["timeout"] * 3 + ["swallow"] * 2 + ["cancel", "eof"])
        if kind == "write": return [pause, self.write()]
        if kind == "read": return [pause, self.read(task)]
        if kind == "eof": return [pause, self.new("stream_eof", **self.end())]
        if kind == "cancel": return [pause, self.new("cancel", task="T%d" % r.randrange(1, self.tasks))]
        if kind == "swallow":
            return [pause, self.new("try", on_cancel="swallow", catch=False, name="E1", body=[self.read(task)],
                                    handler=[], **{"finally": []})]
        # It strikes between two tasks' milliseconds, whenever the block began on one.
        return [pause, self.new("timeout", ms=r.choice([1, 1, 3]) * PERIOD // 2 + PHASE // 2, body=[self.read(task)],
                                propagate=False)]

    def program(self, seed):
        bodies = [[op for _ in range(self.r.randint(2, 9)) for op in self.group(task)] for task in range(self.tasks)]
        bodies[0] = [self.new("spawn", task="T%d" % task) for task in range(1, self.tasks)] + bodies[0]
        return {"format": 1, "seed": seed,
                "objects": [{"name": "W%d" % i, "kind": "stream"} for i in range(self.streams)],
                "tasks": [{"name": "T%d" % i, "body": body} for i, body in enumerate(bodies)],
                "watchdog": {"ms": 1000, "gap": 50, "rounds": 12}}


def program(seed):
    return Generator(seed).program(seed)
