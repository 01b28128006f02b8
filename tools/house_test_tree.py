# SPDX-License-Identifier: Apache-2.0
"""A small tree that is in order: what tools/house_test.py plants its faults in."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True

# These files are looked at too.
SPDX, NOTE, ISSUE = "SPDX-License-Identifier: Apache" + "-2.0", "TO" + "DO", "iss" + "ue 4"
WORK, HOME = "/wo" + "rk/detent", "/ho" + "me/me"


def source(*lines):
    return "\n".join([f"// {SPDX}", *lines, ""])


def header(path, *lines, comment=()):
    guard = "DETENT_" + re.sub(r"\W", "_", path).upper() + "_"
    return source(*comment, f"#ifndef {guard}", f"#define {guard}", *lines, f"#endif  // {guard}")


def script(*lines):
    return "\n".join([f"# {SPDX}", *lines, ""])


LABELS = ("//", "// Suspension.    None.", "// Cancellation, threads.  As a Lock.")

PLAN = {
    "tools/house.floors": script(
        "floor rules testing/samples",
        "libraries",
        "floor testing",
        "floor sim",
        "floor runtime/epoll runtime/io",
        "floor runtime  # The core.",
        "floor runtime/internal",
        "apart bench/peers -- compiled elsewhere",
        "umbrella runtime/core.h -- runtime/ and runtime/io/",
        "up runtime/internal runtime/errors.h -- words of both",
        "inside runtime/internal sim -- made of it",
        "within runtime/internal runtime -- one library",
        "circle runtime/ping runtime/pong -- they call each other",
        "labelled runtime",
    ),
    "tools/house.allowed": script(
        "clock testing/search.cc -- how long to search",
        "labels runtime/errors.h -- exceptions",
        "labels runtime/ping.h -- a game",
        "labels runtime/pong.h -- a game",
        "beside rules/ -- a test a rule",
    ),
    "tools/house.ratchet": script("lines sim/long.cc 410", "columns sim/long.cc 1", "function sim/long.cc:Long 90"),
    "CMakeLists.txt": script(
        "detent_library(runtime FOLDER runtime runtime/internal DEPS absl::time)",
        "detent_library(runtime_io FOLDER runtime/io",
        "               DEPS runtime)  # After FOLDER nowhere",
        "detent_library(runtime_epoll FOLDER runtime/epoll)",
        "detent_library(sim FOLDER sim)",
        "detent_library(testing FOLDER testing)",
    ),
    "README.md": "[Behaviours](docs/asyncio-behaviours.md#tg), [web](https://example.org/x), `[](Queue)`\n",
    "docs/asyncio-behaviours.md": "# T.g!\n\n| number | what |\n| --- | --- |\n| tg-15 | a group waits |\n",
    "rules/README.md": "**R4. Waiting allocates nothing.** A node.\n**W2. Faults.** Numbered.\n",
    "bench/peers/peer.cc": source("#include <unistd.h>", "int Anything() { return 1; }"),
}

# What looks like a fault, and is none.
SOURCES = {
    "runtime/errors.h": header("runtime/errors.h", "namespace detent {", "class Error {};", "}"),
    "runtime/core.h": header(
        "runtime/core.h", '#include "detent/runtime/io/net.h"', '#include "detent/runtime/task.h"'),
    "runtime/ping.h": header("runtime/ping.h", '#include "detent/runtime/pong.h"'),
    "runtime/pong.h": header("runtime/pong.h"),
    "runtime/pong.cc": source('#include "detent/runtime/pong.h"', '#include "detent/runtime/ping.h"'),
    "runtime/task.h": header(
        "runtime/task.h", '#include "detent/runtime/internal/state.h"', "namespace detent {",
        "// Waiting allocates nothing (rule R4), and faults are numbered (W2). W1 is a workload.",
        "class Task : public internal::State {", " public:", "  Task() : a_{1}, b_{2} {}", "  void Cancel();",
        "  template <typename T>", "  T Get() const;", "  bool operator==(const Task& other) const;",
        "  friend void Swap(Task& a, Task& b);", " private:", "  class Part;", "  static int count_;",
        "  int a_, b_;", "};",
        "template <typename T>", "T Task::Get() const { return T(); }",
        "template <typename T>", "class Box { internal::State<Box<T>> Get(); };",
        "template <typename T>", "internal::State<Box<T>> Box<T>::Get() { return {}; }", "Task Current(int n = 1'000);",
        "[[noreturn]] void Refuse();",
        "inline int Ten() {", "  using namespace std::chrono_literals;", "  return 10;", "}",
        "}  // namespace detent", comment=LABELS),
    "runtime/task.cc": source(
        '#include "detent/runtime/task.h"', "#define OPEN {",
        '/*', '#include "detent/testing/testing.h"', "*/", "namespace detent {", "namespace {",
        "int Helper() { return '{' + \"}{\"[0]; }  // Not std::random_device.", "}  // namespace",
        "class Task::Part { Part(); void Act(); };",
        "namespace { struct Pure { int random(); }; }", "void Task::Part::Act() {}", "void Task::Cancel() {}",
        "bool Task::operator==(const Task& other) const { return a_ == other.b_ + Helper(); }",
        "void Swap(Task&, Task&) {}", "Task Current(int) { return Task(); }", "static int Own() { return 1; }",
        "constexpr static int Two() { return 2; }", "inline static int Three() { return 3; }", "const int kOne = 1;",
        "const std::map<int, int*> kAll;",

        "void* operator new(size_t size) { return std::malloc(size); }",
        'const char kOf[] = R"(', "#include <x.h>", ')";',
        "Task::Part::Part() try : a_(1) {", "} catch (...) {", "}", "static int own = 0;", "int Pure::random() {}",
        'void Refuse() { throw R"(" std::shuffle {)"; }', "}  // namespace detent",
        'extern "C" {', "int CalledFromC() { return 0; }", "}",
        'extern "C" int CalledToo() { return 0; }', "int LLVMFuzzerInitialize() { return 0; }", "int main() {}"),
    "runtime/task_cancel_test.cc": source("#include <unistd.h>", "// tg-15: as asyncio.", "int Free() { return 1; }"),
    "runtime/internal/state.h": header(
        "runtime/internal/state.h", '#include "detent/runtime/errors.h"', "namespace detent::internal {",
        "class State {", "  void Step();", "};", "inline void State::Step() {}", "}"),
    "runtime/io/net.h": header("runtime/io/net.h", '#include "detent/runtime/task.h"'),
    "runtime/epoll/poller.h": header("runtime/epoll/poller.h", "#include <sys/epoll.h>", "using C = steady_clock;"),
    "sim/loop.h": header(
        "sim/loop.h", '#include "detent/runtime/internal/state.h"', "inline std::unordered_map<int, int*> m;"),
    "sim/long.cc": source("namespace {", "int Long() {", *["  ++n;"] * 88, "}", "}  // " + "=" * 120, *["//"] * 317),
    "testing/search.cc": source("const absl::Time start = absl::Now();"),
    "testing/samples/sample.cc": source("SIM_TEST(Sample, Fails) {}", "int main() {}"),
    "rules/r04_test.cc": source('#include "detent/runtime/io/net.h"', "TEST(Rules, R4) { absl::Now(); }"),
}

ROOMS = ["rules", "runtime", "runtime/epoll", "runtime/internal", "runtime/io", "sim", "testing", "testing/samples"]


def files():
    """{path: text}"""
    found = {**PLAN, **SOURCES}
    for room in ROOMS:
        found.setdefault(room + "/README.md", "Here is something.\n")
        if room != "runtime/internal":
            name = os.path.basename(room)
            found[room + "/BUILD.bazel"] = script("detent_library(", f'    name = "{name}",', ")")
    return found


def with_umbrella(found):
    """What makes runtime/all.h one."""
    return {
        "runtime/all.h": header("runtime/all.h", '#include "detent/runtime/epoll/poller.h"'),
        "tools/house.floors": found["tools/house.floors"] + "umbrella runtime/all.h -- all of it\n",
    }


TOOL = os.path.join(os.path.dirname(os.path.realpath(__file__)), "house")
LOADER = importlib.machinery.SourceFileLoader("house", TOOL)
house = importlib.util.module_from_spec(importlib.util.spec_from_loader("house", LOADER))
LOADER.exec_module(house)


class HouseTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        self.files = files()
        self.write(self.files)
        subprocess.run(["git", "init", "--quiet", self.root], check=True)

    def write(self, files):
        for path, text in files.items():
            path = os.path.join(self.root, path)
            if text is None:
                os.remove(path)
            else:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)

    def run_house(self, *flags):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = house.main([*flags, self.root])
        return code, out.getvalue().splitlines()

    def expect(self, planted, *findings):
        """With these files, and then without them again: exactly these findings. None as text: without that file."""
        self.write(planted)
        code, lines = self.run_house("--no-format")
        self.assertEqual(sorted(lines[:-1]), sorted(findings))
        self.assertEqual(code, 1 if findings else 0)
        self.assertRegex(lines[-1], rf"^house: \d+ rooms, \d+ files, {len(findings)} findings$")
        self.write({path: self.files.get(path) for path, text in planted.items()
                    if text is not None or path in self.files})

    def expect_line(self, path, line, finding):
        """One more line at the end of a file."""
        text = self.files.get(path, source())
        self.expect({path: text + line + "\n"}, f"{path}:{text.count(chr(10)) + 1}: {finding}")

    def expect_changed(self, path, old, new, *findings):
        self.assertIn(old, self.files[path])
        self.expect({path: self.files[path].replace(old, new)}, *findings)
