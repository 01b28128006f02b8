#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""asyncio, or uvloop under it: `python.py asyncio|uvloop ROW` prints nanoseconds of CPU time an operation; the row "echo"
is a server for bench/echo.h."""

import asyncio
import random
import socket
import sys
import time

OPS = 50_000


async def yield_often(times):
    for _ in range(times):
        await asyncio.sleep(0)
    return times


async def yields():
    assert sum(await asyncio.gather(yield_often(OPS // 2), yield_often(OPS // 2))) == OPS
    return OPS


async def give(value):
    return value


async def spawns():
    assert sum([await asyncio.create_task(give(i)) for i in range(OPS)]) == OPS * (OPS - 1) // 2
    return OPS


async def awaits():
    assert sum([await give(i) for i in range(OPS)]) == OPS * (OPS - 1) // 2
    return OPS


async def queue(capacity):
    items = asyncio.Queue(capacity)

    async def produce():
        for i in range(OPS):
            await items.put(i)

    async def consume():
        return sum([await items.get() for _ in range(OPS)])

    _, total = await asyncio.gather(produce(), consume())
    assert total == OPS * (OPS - 1) // 2
    return OPS


async def timers():
    loop = asyncio.get_running_loop()
    handles = [loop.call_later(3600 + random.random() * 3600, print) for _ in range(OPS)]
    for handle in handles:
        handle.cancel()
    return OPS


async def sleeps():
    await asyncio.gather(*[asyncio.sleep(random.random() / 2) for _ in range(OPS)])
    return OPS


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.transport.write(data)


async def echo():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


ROWS = {
    "W1": yields,
    "W2": spawns,
    "W3": awaits,
    "W5.64": lambda: queue(64),
    "W5.1": lambda: queue(1),
    "W6t": timers,
    "W6r": sleeps,
    "echo": echo,
}

if len(sys.argv) != 3 or sys.argv[1] not in ("asyncio", "uvloop") or sys.argv[2] not in ROWS:
    sys.exit(f"usage: python.py asyncio|uvloop {'|'.join(ROWS)}")
if sys.argv[1] == "uvloop":
    import uvloop

    uvloop.install()
start = time.process_time_ns()
ops = asyncio.run(ROWS[sys.argv[2]]())
print((time.process_time_ns() - start) / ops)
