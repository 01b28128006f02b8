# SPDX-License-Identifier: Apache-2.0
"""Talks to an echo server with asyncio's streams. Usage: real_client.py PORT"""

import asyncio
import sys


async def talk(port, name):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for i in range(100):
        message = f"{name} says {i}\n".encode()
        writer.write(message)
        await writer.drain()
        answer = await reader.readline()
        assert answer == message, (answer, message)
    writer.write_eof()
    assert await reader.read() == b"", "the server did not close after the end of the stream"
    writer.close()
    await writer.wait_closed()


async def leave_in_the_middle(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"never mind" * 100000)
    writer.transport.abort()


async def main(port):
    await leave_in_the_middle(port)
    await asyncio.gather(*(talk(port, f"client {i}") for i in range(20)))
    print("python3: 20 clients at once had 100 lines each echoed")


asyncio.run(asyncio.wait_for(main(int(sys.argv[1])), timeout=15))
