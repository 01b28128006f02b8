# SPDX-License-Identifier: Apache-2.0
"""The libraries that detent is compared with, as far as they are installed. Those in C++ and Go are compiled here, not by
Bazel, so that building the repository needs none of them."""

import hashlib
import os
import subprocess
import sys

SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "peers")
ALL_ROWS = ("W1", "W2", "W3", "W5.64", "W5.1", "W6t", "W6r", "W9.1", "W9.50", "W9p")
DATAGRAM_ROWS = ("W9u.1", "W9u.16")
PYTHON = "/usr/bin/python3"  # Debian's, for which Debian's uvloop is.


class Peer:
    def __init__(self, name, command, rows):
        self.name, self.command, self.rows = name, command, rows

    def measure(self, row, bench, run_bench):
        if row.startswith("W9"):
            mode = "echo-udp" if row.startswith("W9u") else "echo"
            return run_bench(bench, f"{row}/server", [f"--server={' '.join(self.command)} {mode}"])[0]
        result = subprocess.run([*self.command, row], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"compare: {self.name} failed at {row}: {result.stderr.strip()}")
        return float(result.stdout)


def cached(source, compiler, arguments, libraries=()):
    """Compiles a peer unless that was done before; None if it does not compile, which is to say it is not installed."""
    path = os.path.join(SOURCES, source)
    with open(path, "rb") as file:
        key = hashlib.sha256(file.read() + " ".join([compiler, *arguments]).encode()).hexdigest()[:16]
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "detent-bench")
    program = os.path.join(folder, f"{source.split('.')[0]}-{key}")
    if os.path.exists(program):
        return program
    os.makedirs(folder, exist_ok=True)
    print(f"compiling the peer {source}, once: up to 30 s", file=sys.stderr)
    try:
        result = subprocess.run(
            [compiler, *arguments, "-o", program + ".new", path, *libraries],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return None
    if result.returncode != 0:
        print(result.stderr.split("\n")[0], file=sys.stderr)
        return None
    os.rename(program + ".new", program)
    return program


def find(compiler):
    cxx = ["-O2", "-std=c++20", "-DNDEBUG"]
    found, missing = [], []

    def add(name, package, command, rows):
        if command is None:
            missing.append(f"{name} ({package})")
        else:
            found.append(Peer(name, command, rows))

    def has_header(path):
        return os.path.exists(os.path.join("/usr/include", path))

    def compiled(source, header, libraries):
        program = cached(source, compiler, cxx, libraries) if has_header(header) else None
        return [program] if program else None

    asio = compiled("asio.cc", "boost/asio/awaitable.hpp", ["-pthread"])
    add("asio", "libboost1.81-dev", asio, ALL_ROWS + DATAGRAM_ROWS)
    libuv = compiled("uv.cc", "uv.h", ["-luv"])
    add("libuv", "libuv1-dev", libuv, ("W6t", "W6r", "W9.1", "W9.50", "W9p") + DATAGRAM_ROWS)
    for module in ("asyncio", "uvloop"):
        has = os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode == 0
        command = [PYTHON, os.path.join(SOURCES, "python.py"), module]
        add(module, "python3" if module == "asyncio" else "python3-uvloop", command if has else None, ALL_ROWS)
    go = cached("go.go", "go", ["build"])
    add("go", "golang-go", [go] if go else None, tuple(row for row in ALL_ROWS if row != "W3"))
    if missing:
        print(f"left out, not installed: {', '.join(missing)}; tools/install-deps --bench installs them", file=sys.stderr)
    return found
