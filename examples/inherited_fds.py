# SPDX-License-Identifier: Apache-2.0
"""A supervisor of a few lines: opens sockets as systemd does, prints where, and becomes the program.

    inherited_fds.py NAME... -- PROGRAM ARGUMENT...

Each NAME is a TCP socket at a free port of 127.0.0.1.
"""

import os
import socket
import sys

names = sys.argv[1:sys.argv.index("--")]
program = sys.argv[sys.argv.index("--") + 1:]
for at, name in enumerate(names):
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"opened {name} {listener.getsockname()[1]}", flush=True)
    # Away from where another one is to be, then there; a dup2() is inherited.
    os.dup2(listener.detach(), 100 + at)
for at, name in enumerate(names):
    os.dup2(100 + at, 3 + at)
    os.close(100 + at)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
os.execv(program[0], program)
