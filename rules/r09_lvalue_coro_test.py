#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A Coro that is passed by its name does not compile, and the compiler says to move it: each function, each compiler.

The functions are read from the headers; one that takes a Coro and is not in SNIPPETS fails. Each snippet has Coros of
a type of its own, by whose number the error that is about it is found.
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
sys.path.insert(0, os.path.join(ROOT, "tools"))
sys.dont_write_bytecode = True
# pylint: disable=wrong-import-position
import cpp_outline

COMPILERS = (["clang++-19", "-ferror-limit=0"], ["g++-12", "-fmax-errors=0"])

SNIPPETS = {
    "AsCompleted": ["AsCompleted(coros)"],
    "AsStatus": ["co_await AsStatus(coro)"],
    "Catch": ["co_await Catch(coro)"],
    "EventLoop::Run": ["loop.Run(coro)"],
    "Gather": ["Gather(coro)", "Gather(coros)"],
    "GatherSettled": ["GatherSettled(coro)", "GatherSettled(coros)"],
    "Invoke": ["co_await Invoke(take, coro)"],
    "Race": ["Race(coro)", "Race(coros)"],
    "Run": ["detent::Run(coro)"],
    "RunCoroutineThreadsafe": ["RunCoroutineThreadsafe(loop, take, coro)"],
    "Settle": ["co_await Settle(coro)"],
    "Shield": ["Shield(coro)"],
    "Spawn": ["Spawn(coro)", 'Spawn(coro, {.name = "x"})', "Spawn(take, coro)", "loop.Spawn(coro)"],
    "TaskGroup::Spawn": ["group.Spawn(coro)", "group.Spawn(take, coro)"],
    "Wait": ["Wait(ReturnWhen::kAllCompleted, coro)", "Wait(coros, ReturnWhen::kAllCompleted)"],
    "WaitFor": ["WaitFor(coro, absl::Seconds(1))"],
    # Not found in the headers.
    "(await)": ["co_await coro"],
    "(variable)": ["auto copy = coro"],
}
# They take what is moved into them by others of ours, or a function.
TAKES_NO_COROS_OF_USERS = {"EventLoop::Start", "TaskGroup::Start", "TaskGroup::Finish"}

PROGRAM = """
#include <vector>
#include "detent/runtime/runtime.h"
namespace detent {
template <int kNumber>
class Number {};
%s
}
"""

FUNCTION = """
Coro<> Function{at}(EventLoop& loop, TaskGroup& group,
                    Coro<Number<{at}>> coro, std::vector<Coro<Number<{at}>>> coros) {{
  [[maybe_unused]] auto take = [](Coro<Number<{at}>> taken) -> Coro<> {{ (void)co_await std::move(taken); }};
  (void)loop, (void)group, (void)coro, (void)coros;
  {statement};
  co_await Yield();
}}
"""


def functions():
    """The public functions that take Coros: by name, in a vector, or as whatever can be awaited."""
    names = set()
    for path in sorted(glob.glob(os.path.join(ROOT, "runtime", "**", "*.h"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            items, matched = cpp_outline.outline(cpp_outline.split(file.read())[0])
        assert matched, path
        for item in items:
            if item.kind == "class" or "internal" in "::".join(item.scope) or "/internal/" in path:
                continue
            parameters = item.head[re.search(rf"\b{item.name.split('::')[-1]}\s*\(|$", item.head).start():]
            if re.search(r"\bCoro<T>", parameters) or "HandleOf<A>" in item.head or "EnsureHandle" in item.head:
                owner = item.scope[-1] + "::" if item.in_class else ""
                names.add(owner + item.name)
    return names


def compile_with(compiler, code):
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT, os.path.join(folder, "detent"))
        source = os.path.join(folder, "program.cc")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM % code)
        done = subprocess.run([*compiler, "-std=c++20", "-fsyntax-only", "-I", folder, source],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode()


class LvalueCoroTest(unittest.TestCase):
    def setUp(self):
        self.compilers = [compiler for compiler in COMPILERS if shutil.which(compiler[0])]
        self.assertTrue(self.compilers)

    def test_each_function_that_takes_coros_is_tried(self):
        found = functions()
        self.assertGreater(len(found), 5)
        self.assertEqual(found - set(SNIPPETS) - TAKES_NO_COROS_OF_USERS, set(), "a snippet for each")

    def test_an_lvalue_is_refused_with_what_to_write(self):
        statements = sum(SNIPPETS.values(), [])
        code = "".join(FUNCTION.format(at=at, statement=statement) for at, statement in enumerate(statements))
        for compiler in self.compilers:
            status, text = compile_with(compiler, code)
            self.assertNotEqual(status, 0)
            # The sentence, and in the same line or the next ones the assertion with the type.
            refused = set()
            for found in re.finditer(r"error: static assertion failed.*(?:\n(?!.*error:).*)*", text):
                sentence = re.search(r"(?:say|`co_await) std::move\(coros?\)", found[0])
                if sentence:
                    refused |= set(map(int, re.findall(r"k(?:IsMoved|NotAwaitable)<[^']*?Number<(\d+)>", found[0])))
            for at, statement in enumerate(statements):
                with self.subTest(compiler=compiler[0], statement=statement):
                    self.assertIn(at, refused)

    def test_a_moved_one_is_taken(self):
        statements = [re.sub(r"\b(coros?)\b", r"std::move(\1)", statement) for statement in sum(SNIPPETS.values(), [])]
        code = "".join(FUNCTION.format(at=at, statement="(void)" * ("auto" not in statement) + statement)
                       for at, statement in enumerate(statements))
        for compiler in self.compilers:
            with self.subTest(compiler=compiler[0]):
                status, text = compile_with([*compiler, "-w"], code)
                self.assertEqual(status, 0, text)

    def test_a_put_that_moves_cannot_lose_a_race(self):
        code = """Coro<> Function(Queue<int>& queue, Event& stop, int& item) {
          (void)co_await Race(queue.Put(%s), stop.Wait());
        }"""
        for compiler in self.compilers:
            with self.subTest(compiler=compiler[0]):
                status, text = compile_with(compiler, code % "std::move(item)")
                self.assertNotEqual(status, 0)
                self.assertIn("that loses would be gone: say Put(item)", text)
                self.assertEqual(compile_with([*compiler, "-w"], code % "item")[0], 0)


if __name__ == "__main__":
    unittest.main()
