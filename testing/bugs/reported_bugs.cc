// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/reported_bugs.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <utility>

#include "detent/runtime/choice.h"
#include "detent/runtime/core.h"

namespace detent_testing {
namespace {

using detent::Choose;
using detent::Connection;
using detent::Coro;
using detent::Queue;
using detent::Shared;
using detent::Sleep;
using detent::Spawn;
using detent::Task;
using detent::TimeoutError;
using detent::WaitFor;
using detent::Yield;

void Check(bool condition, const char* what) {
  if (!condition) throw BugFound(std::string("check failed: ") + what);
}

absl::Duration Ms(int64_t ms) { return absl::Milliseconds(ms); }

// --- lost_message: the time-out strikes after the message was taken ---

Coro<std::string> Recv(Queue<std::string>& incoming) {
  std::string message = co_await incoming.Get();
  co_await Yield();  // Tells the peer that there is room again.
  co_return message;
}

Coro<> SendFour(Queue<std::string>& incoming) {
  for (int i = 0; i < 4; ++i) {
    co_await Sleep(Ms(Choose(3)));
    incoming.PutNowait(std::to_string(i));
  }
}

Coro<> LostMessage() {
  Queue<std::string> incoming(0, "incoming");
  Task<> peer = Spawn(SendFour(incoming));
  std::string all;
  for (int tries = 0; all.size() < 4 && tries < 12; ++tries) {
    try {
      all += co_await WaitFor(Recv(incoming), Ms(2));
    } catch (const TimeoutError&) {
    }
  }
  co_await peer;
  Check(all == "0123", "every message arrives");
}

// --- lost_updates: of five increments that read before they write only two are left ---

Coro<> Deposit(Shared<int>& balance, int after) {
  for (int i = 0; i < after; ++i) co_await Yield();
  const int before = co_await balance.Load();
  co_await balance.Store(before + 1);
}

Coro<> LostUpdates() {
  Shared<int> balance(0, "balance");
  co_await detent::Gather(Deposit(balance, 0), Deposit(balance, 2), Deposit(balance, 4), Deposit(balance, 6),
                          Deposit(balance, 8));
  Check(balance.Peek() > 2, "no more than two updates are lost");
}

// --- late_answers: of three orders over the network two are answered late or never ---

Coro<> AnswerOrder(Connection c) {
  std::string order = co_await c.ReadUntil("\n");
  if (detent::Fault("the server dies after the order", 0.2)) co_return;
  co_await c.Write(order);
}

Coro<> LateAnswers() {
  detent::Listener listener = co_await detent::Listen("shop", 80);
  Task<> server = Spawn([&]() -> Coro<> {
    for (int i = 0; i < 3; ++i) Spawn(AnswerOrder(co_await listener.Accept()));
  });
  int in_time = 0;
  for (int i = 0; i < 3; ++i) {
    Connection c = co_await detent::Connect("shop", 80);
    co_await c.Write("order\n");
    const detent::LoopTime sent = detent::EventLoop::Current().Time();
    try {
      (void)co_await c.ReadUntil("\n");
      in_time += detent::EventLoop::Current().Time() - sent < Ms(6);
    } catch (const detent::IncompleteReadError&) {
    }
  }
  co_await server;
  Check(in_time >= 2, "two of three answers come in time");
}

// --- half_messages: one Read() is taken for one message, twice in a connection ---

Coro<> HalfMessages() {
  detent::Listener listener = co_await detent::Listen("s", 80);
  Task<> client = Spawn([]() -> Coro<> {
    Connection c = co_await detent::Connect("s", 80);
    for (int i = 0; i < 3; ++i) {
      co_await c.Write("{\"text\": 1}\n");
      (void)co_await c.ReadUntil("\n");
    }
  });
  Connection c = co_await listener.Accept();
  int halves = 0;
  for (int i = 0; i < 3; ++i) {
    std::string message = co_await c.Read(65'536);
    if (message.ends_with('\n')) {
      co_await c.Write("ok\n");
      continue;
    }
    ++halves;
    (void)co_await c.ReadUntil("\n");
    co_await c.Write("ok\n");
  }
  co_await client;
  Check(halves < 2, "at most one message comes in two parts");
}

// --- connects_again: a function in the executor goes on after its time-out ---

Coro<> ConnectsAgain() {
  int connections = 0;
  for (int tries = 0; tries < 4; ++tries) {
    auto connect = detent::EventLoop::Current().RunInExecutor([&] { ++connections; });
    try {
      co_await WaitFor(connect, Ms(1));
      break;
    } catch (const TimeoutError&) {
    }
  }
  co_await Sleep(absl::Seconds(1));
  Check(connections < 3, "no more than two connections are made");
}

// --- lost_permit: who is cancelled after he was given a permit forgets to give it back ---

Coro<> UsePermit(detent::Semaphore& permits) {
  co_await permits.Acquire();
  co_await Sleep(Ms(Choose(3)));
  permits.Release();
}

Coro<> TryPermit(detent::Semaphore& permits) {
  try {
    co_await WaitFor(UsePermit(permits), Ms(2));
  } catch (const TimeoutError&) {
  }
}

Coro<> LostPermit() {
  detent::Semaphore permits(3, "permits");
  for (int i = 0; i < 6; ++i) co_await TryPermit(permits);
  co_await permits.Acquire();
  permits.Release();
}

// --- philosophers: each takes the left fork, then the right one ---

Coro<> Dine(detent::Lock& left, detent::Lock& right, int starts) {
  for (int i = 0; i < starts; ++i) co_await Yield();
  auto first = co_await left.Hold();
  co_await Yield(right);
  auto second = co_await right.Hold();
}

Coro<> Philosophers() {
  std::array<detent::Lock, 4> forks;
  co_await detent::Gather(Dine(forks[0], forks[1], 0), Dine(forks[1], forks[2], 3), Dine(forks[2], forks[3], 6),
                          Dine(forks[3], forks[0], 9));
}

// --- refreshes: a token that has run out is fetched by each request that finds it so ---

Coro<> Request(Shared<int>& token, int& fetched) {
  co_await Sleep(Ms(3 * Choose(4)));
  if (co_await token.Load() != 0) co_return;
  co_await Sleep(Ms(1 + Choose(4)));
  ++fetched;
  co_await token.Store(1);
}

Coro<> Refreshes() {
  Shared<int> token(1, "token");
  int fetched = 0;
  std::vector<Task<>> requests;
  for (int i = 0; i < 4; ++i) requests.push_back(Spawn(Request(token, fetched)));
  co_await Sleep(Ms(4));
  co_await token.Store(0);
  co_await detent::Gather(requests);
  Check(fetched < 3, "at most two requests fetch the token");
}

// --- torn_reads: a reader that looks at the version only before it reads is disturbed three times ---

Coro<> WriteVersions(Shared<int>& a, Shared<int>& b) {
  for (int i = 1; i <= 8; ++i) {
    co_await a.Store(i);
    co_await b.Store(i);
  }
}

Coro<> TornReads() {
  Shared<int> a(0, "a"), b(0, "b");
  Task<> writer = Spawn(WriteVersions(a, b));
  int torn = 0;
  for (int i = 0; i < 4; ++i) {
    const int seen = co_await a.Load();
    torn += co_await b.Load() > seen;
  }
  co_await writer;
  Check(torn < 3, "a reader sees at most two torn pairs");
}

// --- reused_node: a stack whose top is compared, not its history ---

class NodeStack {
 public:
  NodeStack() {}

  // Node i lies on node next[i]; 0 is the bottom.
  Shared<int> top{3, "top"};
  std::array<int, 4> next = {0, 0, 1, 2};
};

Coro<int> Pop(NodeStack& stack) {
  while (true) {
    const int seen = co_await stack.top.Load();
    if (seen == 0) co_return 0;
    const int below = stack.next[static_cast<size_t>(seen)];
    bool is_mine = false;
    co_await stack.top.Update([&](int now) {
      is_mine = now == seen;
      return is_mine ? below : now;
    });
    if (is_mine) co_return seen;
  }
}

Coro<> Push(NodeStack& stack, int node) {
  const int seen = co_await stack.top.Load();
  stack.next[static_cast<size_t>(node)] = seen;
  co_await stack.top.Store(node);
}

Coro<> PopAndPutBack(NodeStack& stack, std::array<int, 4>& owners) {
  const int first = co_await Pop(stack);
  const int second = co_await Pop(stack);
  ++owners[static_cast<size_t>(second)];
  if (first != 0) co_await Push(stack, first);
}

Coro<> ReusedNode() {
  NodeStack stack;
  std::array<int, 4> owners = {};
  Task<> other = Spawn(PopAndPutBack(stack, owners));
  const int mine = co_await Pop(stack);
  ++owners[static_cast<size_t>(mine)];
  const int next = co_await Pop(stack);
  ++owners[static_cast<size_t>(next)];
  co_await other;
  for (size_t i = 1; i < owners.size(); ++i) Check(owners[i] < 2, "a node has one owner");
}

// --- overtaken: messages on four connections arrive in the reverse of the order in which they were sent ---

Coro<> SendOn(int port, std::string text) {
  Connection c = co_await detent::Connect("127.0.0.1", port);
  co_await c.Write(text);
}

Coro<> Overtaken() {
  detent::Listener listener = co_await detent::Listen("127.0.0.1", 0);
  std::string seen;
  std::vector<Task<>> tasks;
  for (const char* text : {"a", "b", "c", "d"}) tasks.push_back(Spawn(SendOn(listener.Port(), text)));
  for (int i = 0; i < 4; ++i) {
    tasks.push_back(Spawn([](Connection c, std::string& order) -> Coro<> { order += co_await c.Read(1); },
                          co_await listener.Accept(), std::ref(seen)));
  }
  co_await detent::Gather(tasks);
  Check(seen != "dcba", "the messages do not come in reverse");
}

// --- split_votes: three rounds in a row no candidate gets a majority ---

Coro<> SplitVotes() {
  int split = 0;
  for (int round = 0; round < 4; ++round) {
    std::array<uint32_t, 3> starts = {Choose(6), 2 + Choose(6), 4 + Choose(6)};
    const uint32_t first = std::min({starts[0], starts[1], starts[2]});
    int candidates = 0;
    for (const uint32_t start : starts) candidates += start == first;
    split = candidates > 1 ? split + 1 : 0;
    Check(split < 3, "three votes in a row are not split");
    co_await Sleep(Ms(1));
  }
}

}  // namespace

const std::vector<BugProgram>& ReportedBugs() {
  static const auto* const kPrograms = new std::vector<BugProgram>{
      BugProgram("lost_message", LostMessage),     BugProgram("lost_updates", LostUpdates),
      BugProgram("late_answers", LateAnswers),     BugProgram("half_messages", HalfMessages),
      BugProgram("connects_again", ConnectsAgain), BugProgram("lost_permit", LostPermit),
      BugProgram("philosophers", Philosophers),    BugProgram("refreshes", Refreshes),
      BugProgram("torn_reads", TornReads),         BugProgram("reused_node", ReusedNode),
      BugProgram("overtaken", Overtaken),          BugProgram("split_votes", SplitVotes),
  };
  return *kPrograms;
}

}  // namespace detent_testing
