// SPDX-License-Identifier: Apache-2.0
// To leave one choice out, or to make it otherwise, moves no other: each belongs to a stream.
#include "detent/sim/choice_streams.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent::sim {
namespace {

using Entries = std::vector<Tape::Entry>;
using Body = std::function<Coro<>()>;

// The choices that are not the calmest, of a run with a random walk that begins at `seed`.
Entries EntriesOf(const Body& body, uint64_t seed) {
  SimLoop loop({.seed = seed, .strategy = RandomWalk()});
  loop.Run(body());
  return loop.tape().entries();
}

// The same of a run that makes these choices, as far as they fit.
Entries Replayed(const Body& body, const Entries& entries) {
  Tape tape;
  tape.set_entries(entries, 1'000'000);
  SimLoop loop({.strategy = Replay(tape, ReplayMode::kLenient)});
  loop.Run(body());
  return loop.tape().entries();
}

Entries Without(Entries entries, const std::function<bool(const Tape::Entry&)>& goes) {
  std::erase_if(entries, goes);
  return entries;
}

Entries Sorted(Entries entries) {
  const auto before = [](const auto& a, const auto& b) {
    return std::pair(a.stream, a.number) < std::pair(b.stream, b.number);
  };
  std::sort(entries.begin(), entries.end(), before);
  return entries;
}

// Three tasks, each of which starts one more and makes choices, all ready at once.
Coro<> ChoosersOfTwoGenerations() {
  const auto chooses = [](int count) -> Coro<> {
    for (int i = 0; i < count; ++i) {
      (void)Choose(10);
      (void)Fault("torn", 0.3);
      co_await Yield();
    }
  };
  const auto parent = [&chooses](int count) -> Coro<> {
    Task<> child = Spawn(chooses(count));
    co_await Yield();
    co_await chooses(count + 1);
    co_await child;
  };
  co_await Gather(parent(2), parent(3), parent(4));
}

// Three clients of one server, which talk at once.
Coro<> TalkAtOnce() {
  Listener listener = co_await Listen("server", 80);
  const auto serve = [&listener]() -> Coro<> {
    const auto answer = [](Connection client) -> Coro<> {
      for (int i = 0; i < 3; ++i) co_await client.Write(co_await client.ReadUntil("\n"));
    };
    std::vector<Task<>> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(Spawn(answer(co_await listener.Accept())));
    for (Task<>& client : clients) co_await client;
  };
  const auto talk = []() -> Coro<> {
    Connection connection = co_await Connect("server", 80);
    for (int i = 0; i < 3; ++i) {
      co_await connection.Write("hello\n");
      (void)co_await connection.ReadUntil("\n");
    }
  };
  co_await Gather(serve(), talk(), talk(), talk());
}

TEST(ChoiceStreamsTest, WhatATaskChoosesIsTheSameInWhateverOrderTheTasksRun) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Entries found = EntriesOf(ChoosersOfTwoGenerations, seed);
    const Entries others = Without(found, [](const auto& entry) { return entry.stream == StreamId(); });
    ASSERT_FALSE(others.empty());
    EXPECT_EQ(Sorted(Replayed(ChoosersOfTwoGenerations, others)), Sorted(others)) << seed;
  }
}

TEST(ChoiceStreamsTest, EveryTaskHasStreamsOfItsOwn) {
  std::set<StreamId> numbers;
  std::set<StreamId> faults;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    for (const Tape::Entry& entry : EntriesOf(ChoosersOfTwoGenerations, seed)) {
      if (entry.kind() == ChoiceKind::kProgram) numbers.insert(entry.stream);
      if (entry.kind() == ChoiceKind::kFault) faults.insert(entry.stream);
    }
  }
  EXPECT_EQ(numbers.size(), 6u);
  EXPECT_EQ(faults.size(), 6u);
}

TEST(ChoiceStreamsTest, OneConnectionsChoicesDoNotMoveThoseOfAnother) {
  int shared = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Entries found = EntriesOf(TalkAtOnce, seed);
    std::map<StreamId, Entries> latencies;
    for (const Tape::Entry& entry : found) {
      if (entry.kind() == ChoiceKind::kLatency) latencies[entry.stream].push_back(entry);
    }
    // How many messages there are depends on which writes are taken in parts. Beside that, with the latencies of one
    // direction of one connection only, just these are made, each in its place.
    const Entries parts = Without(found, [](const auto& entry) { return entry.kind() != ChoiceKind::kWrite; });
    for (const auto& [stream, entries] : latencies) {
      Entries kept = parts;
      kept.insert(kept.end(), entries.begin(), entries.end());
      EXPECT_EQ(Sorted(Replayed(TalkAtOnce, kept)), Sorted(kept)) << seed;
      ++shared;
    }
  }
  EXPECT_GT(shared, 400);
}

TEST(ChoiceStreamsTest, TheChoicesOfOneStreamAreNumberedFromNought) {
  std::map<StreamId, std::set<uint64_t>> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    for (const Tape::Entry& entry : EntriesOf(TalkAtOnce, seed)) {
      if (entry.kind() == ChoiceKind::kLatency) seen[entry.stream].insert(entry.number);
    }
  }
  // Six directions. A client sends: connect, three lines in parts or whole, and the end.
  EXPECT_EQ(seen.size(), 6u);
  for (const auto& [stream, numbers] : seen) {
    EXPECT_TRUE(numbers.contains(0));
    EXPECT_TRUE(numbers.contains(4));
  }
}

// Two tasks use files, two sockets exchange datagrams, and one asks for functions in the executor.
Coro<> UseTheOutside() {
  const auto use_files = [](std::string path) -> Coro<> {
    co_await WriteFile(path, "0123456789");
    EXPECT_EQ(co_await ReadFile(path), "0123456789");
  };
  const auto exchange = []() -> Coro<> {
    DatagramSocket server = co_await OpenDatagram({.local_host = "127.0.0.1", .local_port = 0});
    DatagramSocket client =
        co_await OpenDatagram({.remote_host = "127.0.0.1", .remote_port = server.LocalAddress().Port()});
    for (int i = 0; i < 3; ++i) co_await client.Send("ping");
    for (int i = 0; i < 3; ++i) (void)co_await server.Receive();
  };
  const auto compute = []() -> Coro<> {
    for (int i = 0; i < 3; ++i) co_await EventLoop::Current().RunInExecutor([] {});
  };
  co_await Gather(use_files("/a"), use_files("/b"), exchange(), compute(), TalkAtOnce());
}

TEST(ChoiceStreamsTest, NoTwoChoicesOfARunAreTheSame) {
  std::set<ChoiceKind> kinds;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    std::set<std::pair<StreamId, uint64_t>> places;
    for (const Tape::Entry& entry : EntriesOf(UseTheOutside, seed)) {
      EXPECT_TRUE(places.emplace(entry.stream, entry.number).second) << static_cast<int>(entry.kind());
      kinds.insert(entry.kind());
    }
  }
  for (const ChoiceKind kind : {ChoiceKind::kSchedule, ChoiceKind::kLatency, ChoiceKind::kExecutor, ChoiceKind::kRead,
                                ChoiceKind::kWrite, ChoiceKind::kArrival, ChoiceKind::kDisk}) {
    EXPECT_TRUE(kinds.contains(kind)) << static_cast<int>(kind);
  }
}

TEST(ChoiceStreamsTest, OneFilesPartsDoNotMoveThoseOfAnother) {
  const auto body = []() -> Coro<> {
    const auto use = [](std::string path) -> Coro<> {
      for (int i = 0; i < 3; ++i) co_await WriteFile(path, "0123456789");
    };
    co_await Gather(use("/a"), use("/b"));
  };
  int compared = 0;
  size_t most = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    std::map<StreamId, Entries> streams;
    for (const Tape::Entry& entry : EntriesOf(body, seed)) {
      if (entry.kind() == ChoiceKind::kWrite) streams[entry.stream].push_back(entry);
    }
    for (const auto& [stream, entries] : streams) {
      EXPECT_EQ(Replayed(body, entries), entries) << seed;
      EXPECT_LE(entries.size(), 10u);
      ++compared;
    }
    most = std::max(most, streams.size());
  }
  EXPECT_GT(compared, 50);
  EXPECT_GT(most, 2u) << "each write has a stream of its own";
}

// Two tasks choose; in a later version of the program there is a third.
TEST(ChoiceStreamsTest, ATapeWhoseStepsDoNotFitAnyMoreStillSaysWhatTasksChoose) {
  std::vector<uint32_t> chosen(3);
  const auto chooses = [&chosen](size_t which) -> Coro<> {
    co_await Yield();
    chosen[which] = Choose(100);
  };
  const auto before = [&]() -> Coro<> { co_await Gather(chooses(0), chooses(1)); };
  const auto after = [&]() -> Coro<> { co_await Gather(chooses(0), chooses(1), chooses(2)); };
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SimLoop loop({.seed = seed, .strategy = RandomWalk()});
    loop.Run(before());
    const std::vector<uint32_t> expected = chosen;
    const Tape tape = loop.tape();
    SimLoop again({.strategy = Replay(tape)});
    again.Run(after());
    EXPECT_EQ(chosen[0], expected[0]);
    EXPECT_EQ(chosen[1], expected[1]);
  }
}

// Between two runs nothing is drawn, and numbers go on.
TEST(ChoiceStreamsTest, ASecondRunOnOneLoopGoesOnNumbering) {
  SimLoop loop({.seed = 1, .strategy = RandomWalk()});
  const auto body = []() -> Coro<> {
    for (int i = 0; i < 20; ++i) (void)Choose(5);
    co_return;
  };
  loop.Run(body());
  loop.Run(body());
  std::set<std::pair<StreamId, uint64_t>> places;
  for (const Tape::Entry& entry : loop.tape().entries()) EXPECT_TRUE(places.emplace(entry.stream, entry.number).second);
  EXPECT_GT(places.size(), 20u);
}

}  // namespace
}  // namespace detent::sim
