// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/run_threads.h"

#include <atomic>
#include <csignal>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "detent/runtime/runtime.h"
#include "detent/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::detent_testing::Forever;

template <typename E, typename F>
std::string TextOf(F call) {
  try {
    call();
  } catch (const E& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(RunThreadsTest, EachLoopHasAThreadOfItsOwn) {
  std::vector<std::thread::id> threads(3);
  RunThreads(3, [&](int index) -> Coro<> {
    threads[static_cast<size_t>(index)] = std::this_thread::get_id();
    co_await Yield();
    EXPECT_EQ(threads[static_cast<size_t>(index)], std::this_thread::get_id());
  });
  for (const std::thread::id id : threads) EXPECT_NE(id, std::this_thread::get_id());
}

TEST(RunThreadsTest, AChannelCarriesManyItemsBetweenManyLoops) {
  constexpr int kSenders = 2;
  constexpr int kReceivers = 3;
  constexpr int kItems = 20'000;
  Channel<int> channel(8);
  std::atomic<int> senders{kSenders};
  std::vector<int64_t> sums(kReceivers);
  RunThreads(kSenders + kReceivers, [&](int index) -> Coro<> {
    if (index < kSenders) {
      for (int i = 1; i <= kItems; ++i) co_await channel.Send(i);
      if (--senders == 0) channel.Close();
    } else {
      while (const std::optional<int> item = co_await channel.Receive()) {
        sums[static_cast<size_t>(index - kSenders)] += *item;
      }
    }
  });
  int64_t sum = 0;
  for (const int64_t each : sums) sum += each;
  EXPECT_EQ(sum, int64_t{kSenders} * kItems * (kItems + 1) / 2);
}

// Receivers that are cancelled all the time leave every item to somebody.
TEST(RunThreadsTest, CancelledReceiversLoseNothing) {
  constexpr int kItems = 2'000;
  Channel<int> channel(4);
  std::atomic<int64_t> sum{0};
  RunThreads(3, [&](int index) -> Coro<> {
    if (index == 0) {
      for (int i = 1; i <= kItems; ++i) co_await channel.Send(i);
      channel.Close();
      co_return;
    }
    bool more = true;
    while (more) {
      Task<std::optional<int>> receive = Spawn(channel.Receive());
      co_await Yield();
      co_await Yield();
      receive.Cancel();
      const auto outcome = co_await Settle(receive);
      if (!outcome.ok()) continue;
      more = outcome.value().has_value();
      sum += outcome.value().value_or(0);
    }
  });
  EXPECT_EQ(sum, int64_t{kItems} * (kItems + 1) / 2);
}

// A thread without a loop sends and receives too.
TEST(RunThreadsTest, AThreadWithoutALoopMayUseAChannel) {
  Channel<int> to_loop(1);
  Channel<int> from_loop(1);
  std::thread sender([&] {
    for (int i = 0; i < 100;) {
      try {
        to_loop.SendNowait(i);
        ++i;
      } catch (const QueueFull&) {
        std::this_thread::yield();
      }
    }
    to_loop.Close();
  });
  int next = 0;
  RunThreads(1, [&](int) -> Coro<> {
    while (const std::optional<int> item = co_await to_loop.Receive()) EXPECT_EQ(*item, next++);
  });
  sender.join();
  EXPECT_EQ(next, 100);
}

TEST(RunThreadsTest, AnErrorEndsTheOthersAndIsThrown) {
  std::atomic<int> cancelled{0};
  Channel<int> started(2);
  EXPECT_EQ(TextOf<std::runtime_error>([&] {
              RunThreads(3, [&](int index) -> Coro<> {
                if (index == 0) {
                  for (int i = 0; i < 2; ++i) (void)co_await started.Receive();
                  throw std::runtime_error("disk full");
                }
                co_await started.Send(index);
                const auto outcome = co_await Catch(Forever());
                if (outcome.cancelled()) ++cancelled;
                co_await Propagate(outcome);
              });
            }),
            "disk full");
  EXPECT_EQ(cancelled, 2);
}

// The first stop signal cancels the main of each loop; they end with a value, and so does RunThreads().
TEST(RunThreadsTest, EachLoopHasTheOptions) {
  RunOptions options;
  options.loop.executor_threads_max = 1;
  options.loop.executor_queue_max = 1;
  std::atomic<int> refused{0};
  const auto main = [&](int) -> Coro<> {
    std::vector<Coro<>> jobs;
    for (int i = 0; i < 100; ++i) {
      jobs.push_back([](std::atomic<int>& count) -> Coro<> {
        try {
          co_await EventLoop::Current().RunInExecutor([] {});
        } catch (const std::exception&) {
          ++count;
        }
      }(refused));
    }
    co_await Gather(std::move(jobs));
  };
  RunThreads(2, main, options);
  EXPECT_GE(refused, 2);
}

// Else the loop that began to wait first would have everything.
TEST(RunThreadsTest, LoopsThatWaitTakeTurns) {
  Channel<int> channel(4);
  EpollLoop loops[2];
  std::vector<int> received[2];
  std::vector<Task<>> receivers;
  const auto receive = [&](int index) -> Coro<> {
    while (const std::optional<int> item = co_await channel.Receive()) received[index].push_back(*item);
  };
  for (int i = 0; i < 2; ++i) {
    loops[i].Run([&]() -> Coro<> {
      receivers.push_back(Spawn(receive, i));
      co_await Sleep(absl::Milliseconds(1));
    });
  }
  for (int item = 0; item < 4; ++item) {
    channel.SendNowait(item);
    for (EpollLoop& loop : loops) loop.Run([]() -> Coro<> { co_await Sleep(absl::Milliseconds(1)); });
  }
  EXPECT_EQ(received[0], (std::vector<int>{0, 2}));
  EXPECT_EQ(received[1], (std::vector<int>{1, 3}));
  channel.Close();
  for (int i = 0; i < 2; ++i) loops[i].Run([&]() -> Coro<> { co_await receivers[static_cast<size_t>(i)]; });
}

TEST(RunThreadsTest, AStopSignalReachesEachMain) {
  std::atomic<int> cancelled{0};
  Channel<int> started(2);
  RunThreads(3,
             [&](int index) -> Coro<> {
               if (index == 0) {
                 for (int i = 0; i < 2; ++i) (void)co_await started.Receive();
                 raise(SIGUSR1);
               } else {
                 co_await started.Send(index);
               }
               const auto outcome = co_await Catch(Forever());
               if (outcome.cancelled()) ++cancelled;
             },
             {.stop_signals = SignalSet(SIGUSR1)});
  EXPECT_EQ(cancelled, 3);
}

TEST(RunThreadsTest, ListenersOfAllLoopsShareAPort) {
  constexpr int kLoops = 2;
  Channel<uint16_t> ports(kLoops);
  Channel<int> done(kLoops);
  std::atomic<int> served{0};
  std::atomic<uint16_t> first_port{0};
  RunThreads(kLoops + 1, [&](int index) -> Coro<> {
    if (index == kLoops) {
      const uint16_t port = (co_await ports.Receive()).value();
      EXPECT_EQ(co_await ports.Receive(), port);
      for (int i = 0; i < 20; ++i) {
        Connection client = co_await Connect("127.0.0.1", port);
        co_await client.Write("x\n");
        EXPECT_EQ(co_await client.ReadLine(), "x\n");
      }
      done.Close();
      co_return;
    }
    uint16_t port = 0;
    if (index == 1) {
      while ((port = first_port.load()) == 0) co_await Sleep(absl::Milliseconds(1));
    }
    ListenOptions options;
    options.reuse_port = true;
    Listener listener = co_await Listen("127.0.0.1", port, options);
    if (index == 0) first_port = listener.Port();
    const uint16_t own_port = listener.Port();
    auto echo = [&](Connection client) -> Coro<> {
      const std::string line = co_await client.ReadLine();
      ++served;
      co_await client.Write(line);
    };
    const Server server = co_await StartServer(echo, std::move(listener));
    co_await ports.Send(own_port);
    (void)co_await done.Receive();
  });
  EXPECT_EQ(served, 20);
}

// --- Misuse ---

TEST(RunThreadsMisuseTest, ThereIsOneAtLeast) {
  EXPECT_EQ(TextOf<std::invalid_argument>([] { RunThreads(0, [](int) -> Coro<> { co_return; }); }),
            "RunThreads(): 0 threads; the number of event loops must be 1 or more");
}

TEST(RunThreadsMisuseTest, InsideALoopOneAwaits) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(TextOf<InvalidStateError>([] { RunThreads(1, [](int) -> Coro<> { co_return; }); }),
              "RunThreads(): an event loop already runs on this thread; co_await OnThreads() instead");
    co_return;
  });
}

}  // namespace
}  // namespace detent
