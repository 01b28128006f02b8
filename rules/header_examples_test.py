#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The examples of the headers compile: what stands indented in the comment at the top of each header of runtime/.

An example may use what its reader can imagine: WORLD and PARAMETERS have it, or AROUND for one header. `...` stands
for code that is left out. What begins like a function is one, all else is the body of a coroutine.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

COMPILERS = (["clang++-19", "-ferror-limit=0"], ["g++-12", "-fmax-errors=0"])

HEADERS = ["runtime/*.h", "runtime/io/*.h", "runtime/epoll/epoll_loop.h"]
# What the library shares with itself, umbrellas, words without an action, and text that is no code.
WITHOUT = ["access_mode.h", "channel_state.h", "choice_kind.h", "closure.h", "core.h", "handles.h",
           "happy_eyeballs.h", "live_tasks.h", "process_state.h", "read_errors.h", "runtime.h", "step_watch.h",
           "stop_signals.h"]

WORLD = """
#include <cerrno>
#include <chrono>
#include <csignal>
#include <functional>
#include <ostream>
#include <string>
#include <system_error>
#include <thread>
#include <variant>
#include <vector>
#include "detent/runtime/runtime.h"
using namespace detent;
using namespace std::chrono_literals;
class Page {};
class Order {};
using Reply = int;
Coro<int> Main();
Coro<int> Fetch(std::string url);
Coro<> Crawl(std::string url);
Coro<> Save(std::string document);
Coro<int> Ask(std::string server);
Coro<int> Add(int a, int b);
Coro<int> Length(std::string host);
Coro<> Serve(Connection& connection);
void Use(int number);
void Log(std::string text);
void Show(const Page& page);
std::ostream& LOG_ERROR();
#define LOG(severity) LOG_##severity()
"""
PARAMETERS = """EventLoop& loop, std::string url, std::vector<std::string> urls, Connection& connection, Lock& lock,
                Queue<Order>& orders, Order order, Event& stop, LoopTime deadline, Task<int> task,
                std::string document"""

# More of the world of one header: before its example, and inside the body.
AROUND = {
    "adopt.h": ("Coro<> ServeAt(std::string name, Listener listener);", "int fd = 0;"),
    "any_duration.h": ("", "using namespace std::chrono_literals;"),
    "as_completed.h": ("", "std::vector<Task<Page>> tasks;"),
    "async_generator.h": ("class Message { public: bool is_last; }; Coro<Message> ReadMessage(Connection& connection);",
                          ""),
    "cancel_and_wait.h": ("Coro<> SendPings(Connection& connection);", ""),
    "channel.h": ("class Job { public: explicit Job(int) {} }; void Do(const Job& job);", ""),
    "choice.h": ("", "std::vector<int> replicas;"),
    "condition.h": ("", "std::vector<int> items; int item = 1;"),
    "datagram.h": ("", "DatagramSocket socket;"),
    "descriptors.h": ("bool PQisBusy(Connection&); int PQsocket(Connection&); void PQconsumeInput(Connection&);", ""),
    "gather.h": ("Coro<int> FetchUser(int id); Coro<int> FetchOrders(int id);",
                 "int id = 1; std::string x, y; std::vector<Coro<Page>> coros;"),
    "listener.h": ("Coro<> Serve(Connection connection);", ""),
    "on_threads.h": ("Coro<> ServeShard(int index);", ""),
    "process.h": ("void Use(std::string text);", ""),
    "process_worker.h": ("std::string Digest(std::string_view job); namespace sim { class ProcessContext { public: "
                         "Connection& In(); Connection& Out(); }; "
                         "void AddProgram(std::string_view, std::function<Coro<int>(ProcessContext&)>); }", ""),
    "race.h": ("", "std::string primary, replica;"),
    "signals.h": ("void ReadConfigurationAgain();", ""),
    "sleep.h": ("", 'Shared<int> account(1, "account");'),
    "standard_input.h": ("void Obey(std::string line);", ""),
    "timeout.h": ("class Hello { public: absl::Duration patience; }; Coro<Hello> ReadHello(); Coro<int> ReadAnswer();",
                  ""),
    "wait.h": ("", "std::vector<Task<int>> tasks; std::string a, b;"),
}

BEGINS_FUNCTION = re.compile(r"(?:[A-Z]\w*<.*>|int|void) \w+\([^()]*\) \{")


def examples(text):
    """The pieces of code in the comment at the top: lists of (line, code). A blank line or `...` ends a piece."""
    pieces, piece, may_begin, depth = [], [], False, 0
    for number, line in enumerate(text.split("\n"), 1):
        code = line[5:] if line.startswith("//   ") and (may_begin or piece) else None
        if code is not None and not code.lstrip().startswith("..."):
            piece.append((number, code))
            depth += code.count("{") - code.count("}")
        elif piece and depth == 0:
            pieces.append(piece)
            piece = []
        if not line.startswith("//"):
            return pieces
        may_begin = line == "//" or (may_begin and code is not None)
    return pieces


def program(headers):
    """One program of all examples, each in a namespace of its own and under its own lines."""
    parts = [WORLD]
    for at, path in enumerate(headers):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            pieces = examples(file.read())
        before, inside = AROUND.get(os.path.basename(path), ("", ""))
        functions, body = [], []
        for piece in pieces:
            code = f'\n# {piece[0][0]} "{path}"\n' + "\n".join(code for _, code in piece) + "\n"
            (functions if BEGINS_FUNCTION.match(piece[0][1]) else body).append(code)
        # A later piece sees the names of those before it, and may use them again for others.
        parts += [f"namespace example_{at} {{\n{before}\n", *functions, f"Coro<> Body({PARAMETERS}) {{\n{{ {inside}\n",
                  *("{" + code for code in body), "co_await Yield();\n", "}" * len(body), "} }\n}\n"]
    return "".join(parts)


def compile_with(compiler, code):
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT, os.path.join(folder, "detent"))
        source = os.path.join(folder, "examples.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(code)
        done = subprocess.run([*compiler, "-std=c++20", "-fsyntax-only", "-w", "-I", folder, source],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


class HeaderExamplesTest(unittest.TestCase):
    def setUp(self):
        self.headers = sorted(os.path.relpath(path, ROOT) for pattern in HEADERS
                              for path in glob.glob(os.path.join(ROOT, pattern)) if not path.endswith("_test.h"))
        self.with_code = [path for path in self.headers if os.path.basename(path) not in WITHOUT]

    def test_each_header_has_one(self):
        self.assertGreater(len(self.with_code), 25)
        for path in self.with_code:
            with self.subTest(path=path), open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.assertTrue(examples(file.read()))
        self.assertEqual(set(AROUND) - set(map(os.path.basename, self.with_code)), set(), "headers that are no more")

    def test_they_compile(self):
        compilers = [compiler for compiler in COMPILERS if shutil.which(compiler[0])]
        self.assertTrue(compilers)
        for compiler in compilers:
            with self.subTest(compiler=compiler[0]):
                status, text = compile_with(compiler, program(self.with_code))
                self.assertEqual(status, 0, text)

    def test_it_finds_code_and_nothing_else(self):
        text = """// SPDX
//
// Thing: text.
//
//   Coro<> F() {
//     ...                   // left out
//
//     co_await G();
//   }
//   ...
//   int x = 1;
//
//   int y = x;
//
// Order.         Text
//                more text.
#ifndef X
//
//   no = code;
"""
        self.assertEqual([[code for _, code in piece] for piece in examples(text)],
                         [["Coro<> F() {", "  co_await G();", "}"], ["int x = 1;"], ["int y = x;"]])


if __name__ == "__main__":
    unittest.main()
