#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing that can be awaited is dropped in silence: each public function that gives one, on each compiler.

The functions are read from the headers; one that is not in SNIPPETS fails. Each snippet is a statement whose
compilation must warn, with a reason that says what to write; the same statement behind (void) must not.
"""

import collections
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

COMPILERS = ("clang++-19", "g++-12")

SNIPPETS = {
    "AsCompleted": ["AsCompleted(tasks)", "AsCompleted(Coros())"],
    "AsStatus": ["AsStatus(Number())"],
    "AsyncGenerator::Close": ["generator.Close()"],
    "AsyncGenerator::Next": ["generator.Next()"],
    "Barrier::Abort": ["barrier.Abort()"],
    "Barrier::Reset": ["barrier.Reset()"],
    "Barrier::Wait": ["barrier.Wait()"],
    "BasicQueue::Get": ["queue.Get()", "lifo.Get()", "priority.Get()"],
    "BasicQueue::Put": ["queue.Put(1)", "queue.Put(lvalue)", "lifo.Put(1)", "priority.Put(1)"],
    "CancelAndWait": ["CancelAndWait(task)"],
    "Catch": ["Catch(Number())", "Catch(Yield())", "Catch(task)"],
    "Channel::Receive": ["channel.Receive()"],
    "Channel::Send": ["channel.Send(1)", "channel.Send(lvalue)"],
    "CompletedIterator::Next": ["completed.Next()"],
    "Condition::Acquire": ["condition.Acquire()"],
    "Condition::Hold": ["condition.Hold()"],
    "Condition::Wait": ["condition.Wait()"],
    "Condition::WaitFor": ["condition.WaitFor([] { return true; })"],
    "Connect": ['Connect("localhost", 80)'],
    "Coro::At": ["Number().At(std::source_location())"],
    "ConnectUnix": ['ConnectUnix("a.sock")'],
    "Connection::CloseLingering": ["connection.CloseLingering(absl::Seconds(1))"],
    "Connection::Read": ["connection.Read(1)"],
    "Connection::ReadExactly": ["connection.ReadExactly(1)"],
    "Connection::ReadInto": ["connection.ReadInto(bytes)"],
    "Connection::ReadLine": ["connection.ReadLine()"],
    "Connection::ReadUntil": ['connection.ReadUntil("x")'],
    "Connection::WaitPeerClosed": ["connection.WaitPeerClosed()"],
    "Connection::Write": ['connection.Write("x")', "connection.Write(pieces)"],
    "DatagramSocket::Receive": ["socket.Receive()"],
    "DatagramSocket::Send": ['socket.Send("x")'],
    "DatagramSocket::SendTo": ['socket.SendTo("x", address)'],
    "Event::Wait": ["event.Wait()"],
    "EventLoop::MakeFuture": ["loop.MakeFuture()"],
    "File::Append": ['disk_file.Append("x")'],
    "File::Close": ["disk_file.Close()"],
    "File::ReadAt": ["disk_file.ReadAt(0, 1)"],
    "File::Size": ["disk_file.Size()"],
    "File::Sync": ["disk_file.Sync()"],
    "File::SyncData": ["disk_file.SyncData()"],
    "File::Truncate": ["disk_file.Truncate(0)"],
    "File::WriteAt": ['disk_file.WriteAt(0, "x")'],
    "Finally": ["Finally([] { return Number(); }, [] { return Nothing(); })",
                "Finally([] { return Count(); }, [] { return Nothing(); })"],
    "Gather": ["Gather(Number(), Nothing())", "Gather(tasks)", "Gather(Coros())"],
    "GatherSettled": ["GatherSettled(Number(), Nothing())", "GatherSettled(tasks)", "GatherSettled(Coros())"],
    "Invoke": ["Invoke(Number)", "Invoke([](int) { return Number(); }, 1)"],
    "ListDirectory": ['ListDirectory("d")'],
    "Listen": ['Listen("localhost", 80)'],
    "ListenUnix": ['ListenUnix("a.sock")'],
    "Listener::Accept": ["listener.Accept()"],
    "Lock::Acquire": ["lock.Acquire()"],
    "Lock::Hold": ["lock.Hold()"],
    "MakeDirectory": ['MakeDirectory("d")'],
    "MakeFuture": ["MakeFuture<int>()", "MakeFuture()"],
    "OpenDatagram": ["OpenDatagram({.local_port = 0})"],
    "OpenFile": ['OpenFile("f")'],
    "Process::Communicate": ["process.Communicate()"],
    "Process::Wait": ["process.Wait()"],
    "ProcessPool::Run": ['ProcessPool(Command("true")).Run("job")'],
    "Propagate": ["Propagate(Outcome<int>::Cancelled())"],
    "QueueBase::Join": ["queue.Join()"],
    "Race": ["Race(Number(), Nothing())", "Race(tasks)", "Race(Coros())"],
    "ReadFile": ['ReadFile("f")'],
    "RemoveFile": ['RemoveFile("f")'],
    "RenameFile": ['RenameFile("f", "g")'],
    "ReplaceFile": ['ReplaceFile("f", "x")'],
    "Resolve": ['Resolve("localhost", 80)'],
    "RunProcess": ['RunProcess(Command("true"))'],
    "Semaphore::Acquire": ["semaphore.Acquire()"],
    "Semaphore::Hold": ["semaphore.Hold()"],
    "Server::ServeForever": ["server.ServeForever()"],
    "Server::WaitClosed": ["server.WaitClosed()"],
    "ServeProcessJobs": ['ServeProcessJobs(connection, connection, ProcessJob())',
                         'ServeProcessJobs(connection, connection, SlowProcessJob())'],
    "OnThreads": ["OnThreads(2, [](int) { return Nothing(); })"],
    "Settle": ["Settle(Number())", "Settle(Yield())", "Settle(task)"],
    "Shared::Load": ["shared.Load()"],
    "Shared::Store": ["shared.Store(1)"],
    "Shared::Update": ["shared.Update([](int value) { return value + 1; })"],
    "Shield": ["Shield(Number())", "Shield(task)", "Shield(CurrentTask())"],
    "Signals::Next": ["signals.Next()"],
    "Sleep": ["Sleep(absl::Seconds(1))"],
    "SleepUntil": ["SleepUntil(LoopTime())"],
    "StartServer": ['StartServer(Serve, "localhost", 80)', "StartServer(Serve, std::move(listener))"],
    "StartProcess": ['StartProcess(Command("true"))'],
    "StatFile": ['StatFile("f")'],
    "SyncDirectory": ['SyncDirectory("d")'],
    "TaskGroup::Run": ["TaskGroup::Run([](TaskGroup&) { return Nothing(); })"],
    "Wait": ["Wait(tasks, ReturnWhen::kAllCompleted)", "Wait(Coros(), ReturnWhen::kAllCompleted)",
             "Wait(ReturnWhen::kAllCompleted, task, Number())",
             "Wait(ReturnWhen::kAllCompleted, absl::Seconds(1), task, Number())"],
    "WaitFor": ["WaitFor(Number(), absl::Seconds(1))", "WaitFor(lock.Hold(), absl::Seconds(1))"],
    "WaitReadable": ["WaitReadable(0)"],
    "WaitWritable": ["WaitWritable(0)"],
    "WithTimeout": ["WithTimeout(absl::Seconds(1), [](Timeout&) { return Nothing(); })",
                    "WithTimeout(timeout, [](Timeout&) { return Nothing(); })"],
    "WithTimeoutAt": ["WithTimeoutAt(LoopTime(), [](Timeout&) { return Nothing(); })"],
    "WriteFile": ['WriteFile("f", "x")'],
    "Yield": ["Yield()", "Yield(lock, event)"],
    # Not found in the headers: a function of the program.
    "(a coroutine)": ["Number()", "Count()"],
}

# These may be dropped: what they give runs anyway, or is only looked at; or they are private.
MAY_BE_DROPPED = {
    "AllTasks", "Barrier::AbortCoro", "Barrier::ResetCoro", "Barrier::WaitCoro", "Condition::WaitCoro",
    "Condition::WaitForCoro", "CurrentTask", "EventLoop::Run", "EventLoop::RunInExecutor",
    "EventLoop::Start", "Run", "RunCoroutineThreadsafe", "Shared::Access", "TaskGroup::Finish", "TaskGroup::RunCoro",
    "TaskGroup::Start",
}

# They give what is no coroutine of ours: an operation, a wrapper of what the user has made, a generator.
NO_COROUTINES = {
    "auto Catch(A&& awaitable)", "auto Finally(F&& body, G&& cleanup)", "auto Load()", "auto Settle(A&& awaitable)",
    "auto Store(T value)", "auto Update(F&& fn)",
}

PROGRAM = """
#include <vector>
#include "detent/runtime/runtime.h"
namespace detent {
Coro<> Nothing();
Coro<int> Number();
std::vector<Coro<int>> Coros();
AsyncGenerator<int> Count();
Coro<> Serve(Connection);
void Statements(Lock& lock, Event& event, Condition& condition, Semaphore& semaphore, Barrier& barrier,
                Queue<int>& queue, LifoQueue<int>& lifo, PriorityQueue<int>& priority, Shared<int>& shared,
                AsyncGenerator<int>& generator, CompletedIterator<Task<int>>& completed, EventLoop& loop,
                Listener& listener, Connection& connection, Timeout& timeout, Task<int>& task,
                std::vector<Task<int>>& tasks, DatagramSocket& socket, Address address, File& disk_file, Server& server,
                Signals& signals, Process& process, Channel<int>& channel) {
  const int lvalue = 1;
  char bytes[8];
  const std::string_view pieces[] = {"a", "b"};
%s
}
}
"""


def functions():
    """How many overloads each public function has that gives something to await; heads of those that give a Coro."""
    items, aliases = [], []
    for path in sorted(glob.glob(os.path.join(ROOT, "runtime", "**", "*.h"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            code = cpp_outline.split(file.read())[0]
        found, matched = cpp_outline.outline(code)
        assert matched, path
        items += [(path, item) for item in found]
        aliases += re.findall(r"^using (\w+) = ([^;]*);", code, re.MULTILINE)
    awaitable = {item.scope[-1] for _, item in items
                 if item.in_class and item.name in ("Ready", "IntoAwaiter", "await_suspend")}
    while True:
        names = "|".join(awaitable)
        more = {item.name for _, item in items if item.kind == "class" and ":" in item.head
                and re.search(rf"\b(?:{names})\b", item.head.split(":", 1)[1])} - awaitable
        if not more:
            break
        awaitable |= more
    awaitable |= {alias for alias, what in aliases if re.search(rf"\b(?:{'|'.join(awaitable)})\b", what)}
    awaitable |= {"auto", "CompletedIterator"}
    counts = {"declaration": collections.Counter(), "function": collections.Counter()}
    coroutines = {"declaration": {}, "function": {}}
    for path, item in items:
        owner = item.scope[-1] if item.in_class else ""
        is_internal = "internal" in "::".join(item.scope) and owner not in ("BasicQueue", "QueueBase")
        is_apart = "/internal/" in path or path.endswith("_test.h") or re.match("operator|IntoAwaiter|~", item.name)
        is_no_form = item.head.rstrip().endswith("= delete") or re.match(r"\s*friend\b", item.head)
        if item.kind == "class" or is_internal or is_apart or is_no_form or (not owner and "::" in item.name):
            continue
        name = item.name
        result = re.sub(r"\brequires\b.*?>\s+", "", re.split(rf"\b{name}\s*\(", item.head)[0], 1)
        if re.search(rf"\b(?:{'|'.join(awaitable)})\b", result):
            full = f"{owner}::{name}" if owner else name
            counts[item.kind][full] += 1
            if re.search(r"\b(?:Coro|auto)\b", result):
                coroutines[item.kind].setdefault(full, []).append(item.head)
    # What is declared above is defined below.
    return ({**counts["function"], **counts["declaration"]}, {**coroutines["function"], **coroutines["declaration"]})


def compile_with(compiler, statements, prefix):
    """The warnings of each statement."""
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(ROOT, os.path.join(folder, "detent"))
        source = os.path.join(folder, "statements.cc")
        lines = [f'# {at} "statement"\n  {prefix}{statement};' for at, statement in enumerate(statements, 1)]
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM % "\n".join(lines))
        done = subprocess.run([compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-I", folder, source],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = done.stdout.decode()
    found = collections.defaultdict(list)
    for place, warning in re.findall(r"^statement:(\d+):\d+: warning: (.*)$", text, re.MULTILINE):
        found[statements[int(place) - 1]].append(warning)
    return done.returncode, text, found


class ForgottenAwaitTest(unittest.TestCase):
    def test_each_function_that_gives_something_to_await_is_tried(self):
        found = functions()[0]
        self.assertGreater(len(found), 40)
        for name, overloads in found.items():
            if name not in MAY_BE_DROPPED:
                with self.subTest(name=name):
                    tried = len(SNIPPETS.get(name, []))
                    self.assertGreaterEqual(tried, overloads, f"{name}() has {overloads} forms: a snippet for each")
        self.assertEqual(set(SNIPPETS) - set(found), {"(a coroutine)"}, "snippets of functions that are no more")

    def test_each_coroutine_of_ours_is_told_the_place_of_its_caller(self):
        # Or the report of one that was never awaited names a line of ours: r08_places_test.cc calls them.
        heads = {name: heads for name, heads in functions()[1].items() if name not in MAY_BE_DROPPED}
        self.assertGreater(len(heads), 40)
        for name, forms in heads.items():
            for head in forms:
                with self.subTest(name=name):
                    # A pack stands for more than twelve arguments.
                    self.assertTrue(re.search(r"source_location|&&\.\.\.", head) or head.strip() in NO_COROUTINES, head)

    def test_a_dropped_one_is_warned_of(self):
        statements = sum(SNIPPETS.values(), [])
        compilers = [compiler for compiler in COMPILERS if shutil.which(compiler)]
        self.assertTrue(compilers)
        for compiler in compilers:
            code, text, warnings = compile_with(compiler, statements, "")
            self.assertEqual(code, 0, text)
            for statement in statements:
                with self.subTest(compiler=compiler, statement=statement):
                    said = " ".join(warnings[statement])
                    self.assertIn("nodiscard", said)
                    self.assertIn("-Wunused-result", said)
                    self.assertIn("co_await", said)

    def test_one_that_is_thrown_away_on_purpose_is_not(self):
        statements = sum(SNIPPETS.values(), []) + ["Spawn(Number())", "CurrentTask()"]
        for compiler in filter(shutil.which, COMPILERS):
            code, text, warnings = compile_with(compiler, statements, "(void)")
            self.assertEqual((code, dict(warnings)), (0, {}), text)
            dropped = ["Spawn(Number())", "loop.RunInExecutor([] {})", "task.Cancel()"]
            code, text, warnings = compile_with(compiler, dropped, "")
            self.assertEqual((code, dict(warnings)), (0, {}), text)


if __name__ == "__main__":
    unittest.main()
