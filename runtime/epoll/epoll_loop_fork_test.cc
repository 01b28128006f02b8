// SPDX-License-Identifier: Apache-2.0
//
// A loop in a child that fork() made: it closes, and touches nothing else; calls say whose it is.
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/epoll/names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/epoll/fork_test.h"

namespace detent {
namespace {

// Both ends of a connection, and its listener.
class Sockets {
 public:
  Sockets() {}
  Listener listener;
  Connection client;
  Connection server;
};

Coro<Sockets> Open() {
  Sockets sockets;
  sockets.listener = co_await Listen("127.0.0.1", 0);
  sockets.client = co_await Connect("127.0.0.1", sockets.listener.Port());
  sockets.server = co_await sockets.listener.Accept();
  co_return std::move(sockets);
}

// Whether the parent is told of what comes.
Coro<> ExpectAlive(Sockets& sockets) {
  co_await sockets.client.Write("ping\n");
  EXPECT_EQ(co_await WaitFor(sockets.server.ReadLine(), absl::Seconds(10)), "ping\n");
  co_await sockets.server.Write("pong\n");
  EXPECT_EQ(co_await WaitFor(sockets.client.ReadLine(), absl::Seconds(10)), "pong\n");
  Task<Connection> dial = Spawn([](int port) -> Coro<Connection> { co_return co_await Connect("127.0.0.1", port); },
                                sockets.listener.Port());
  EXPECT_TRUE(co_await WaitFor(sockets.listener.Accept(), absl::Seconds(10)));
  (void)co_await dial;
}

// Regression: the child took the parent's sockets out of the epoll instance that both have.
TEST(ForkTest, AChildThatOnlyUnwindsLeavesTheParentsSocketsAlone) {
  pid_t child = -1;
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> {
      Sockets sockets = co_await Open();
      child = fork();
      if (child == 0) co_return;
      EXPECT_EQ(WaitForChild(child), 0);
      co_await ExpectAlive(sockets);
    });
  }
  if (child == 0) _exit(0);
}

TEST(ForkTest, AChildThatEndsDetentsRunGetsItsResult) {
  const pid_t parent = getpid();
  const pid_t child = detent::Run([&]() -> Coro<pid_t> {
    Sockets sockets = co_await Open();
    Task<> other = Spawn([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });
    const pid_t made = fork();
    if (made == 0) co_return made;
    EXPECT_EQ(WaitForChild(made), 7);
    co_await ExpectAlive(sockets);
    co_return made;
  });
  if (getpid() != parent) _exit(child == 0 ? 7 : 1);
}

// A write that waits goes, and with it what was to follow it: the end of the stream, which the parent has not sent.
TEST(ForkTest, AChildThatDropsAWriteSendsNoEndOfStream) {
  pid_t child = -1;
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> {
      Sockets sockets = co_await Open();
      const std::string large(20'000'000, 'x');
      Task<> writing = Spawn([&]() -> Coro<> { co_await sockets.client.Write(large); });
      co_await Sleep(absl::Milliseconds(1));
      sockets.client.CloseWrite();
      child = fork();
      if (child == 0) co_return;
      EXPECT_EQ(WaitForChild(child), 0);
      EXPECT_EQ((co_await sockets.server.ReadExactly(large.size())).size(), large.size());
      co_await writing;
    });
  }
  if (child == 0) _exit(0);
}

TEST(ForkTest, CallsOfALoopThatDoesNotRunSayWhoseItIs) {
  EpollLoop loop;
  const LoopHandle handle(loop);
  const auto call = [&](auto fn) { return InChild([&] { return TextOf(fn); }); };
  EXPECT_EQ(call([&] { loop.Run([]() -> Coro<> { co_return; }); }), Refusal("Run()"));
  EXPECT_EQ(call([&] { loop.RunForever(); }), Refusal("RunForever()"));
  EXPECT_EQ(call([&] { loop.CallSoon([] {}); }), Refusal("CallSoon()"));
  EXPECT_EQ(call([&] { loop.CallSoonThreadsafe([] {}); }), Refusal("CallSoonThreadsafe()"));
  EXPECT_EQ(call([&] { (void)loop.RunInExecutor([] {}); }), Refusal("RunInExecutor()"));
  EXPECT_EQ(call([&] { (void)loop.Spawn([]() -> Coro<> { co_return; }); }), Refusal("EventLoop::Spawn()"));
  EXPECT_EQ(InChild([&] { return std::string(handle.CallSoonThreadsafe([] {}) ? "taken" : "gone"); }), "gone");
}

TEST(ForkTest, CallsInsideARunSayWhoseItIs) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    const auto call = [&](auto fn) { return InChild([&] { return TextOf(fn); }); };
    EXPECT_EQ(call([] { (void)EventLoop::Current(); }), Refusal("EventLoop::Current()"));
    EXPECT_EQ(call([] { (void)Spawn([]() -> Coro<> { co_return; }); }), Refusal("Spawn()"));
    EXPECT_EQ(InChild([] { return std::string(EventLoop::CurrentOrNull() == nullptr ? "none" : "one"); }), "none");
    co_return;
  });
}

TEST(ForkTest, AwaitsOfSocketsSayWhoseTheyAre) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    Sockets sockets = co_await Open();
    co_await sockets.client.Write("one\ntwo\n");
    EXPECT_EQ(co_await sockets.server.ReadLine(), "one\n");
    const auto read = [&]() -> Coro<> { (void)co_await sockets.server.ReadLine(); };  // From the buffer.
    const auto write = [&]() -> Coro<> { co_await sockets.client.Write("x"); };
    const auto accept = [&]() -> Coro<> { (void)co_await sockets.listener.Accept(); };
    const auto connect = [&]() -> Coro<> { (void)co_await Connect("127.0.0.1", sockets.listener.Port()); };
    const auto listen = []() -> Coro<> { (void)co_await Listen("127.0.0.1", 0); };
    const auto close_write = [&]() -> Coro<> {
      sockets.client.CloseWrite();
      co_return;
    };
    EXPECT_EQ(co_await AwaitedInChild(read), Refusal("Connection::ReadLine()"));
    EXPECT_EQ(co_await AwaitedInChild(write), Refusal("Connection::Write()"));
    EXPECT_EQ(co_await AwaitedInChild(accept), Refusal("Listener::Accept()"));
    EXPECT_EQ(co_await AwaitedInChild(connect), Refusal("Connect()"));
    EXPECT_EQ(co_await AwaitedInChild(listen), Refusal("Listen()"));
    EXPECT_EQ(co_await AwaitedInChild(close_write), Refusal("Connection::CloseWrite()"));
    EXPECT_EQ(co_await sockets.server.ReadLine(), "two\n");
    co_await ExpectAlive(sockets);
  });
}

TEST(ForkTest, ARunThatWouldSleepInTheChildThrows) {
  std::string text;
  pid_t child = -1;
  {
    EpollLoop loop;
    text = TextOf([&] {
      loop.Run([&]() -> Coro<> {
        child = fork();
        if (child == 0) co_await Sleep(absl::Hours(1));
      });
    });
  }
  if (child == 0) _exit(text.starts_with("EventLoop::Run(): this event loop belongs to process ") ? 0 : 1);
  EXPECT_EQ(WaitForChild(child), 0);
}

TEST(ForkTest, TheChildMayMakeALoopOfItsOwn) {
  EpollLoop loop;
  loop.Run([]() -> Coro<> {
    EXPECT_EQ(InChild([] {
                return detent::Run([]() -> Coro<std::string> {
                  Sockets sockets = co_await Open();
                  co_await ExpectAlive(sockets);
                  co_return "its own";
                });
              }),
              "its own");
    co_return;
  });
}

// The pool's threads are not there; a thread that is not there may hold its lock, and the inbox's.
TEST(ForkTest, AChildEndsALoopWhoseThreadsItDoesNotHave) {
  auto loop = std::make_unique<EpollLoop>(EpollLoop::Options{.executor_threads_max = 2});
  loop->Run([]() -> Coro<> { co_await EventLoop::Current().RunInExecutor([] {}); });
  EXPECT_EQ(InChild([&] {
              loop = nullptr;
              return std::string("ended");
            }),
            "ended");
}

// The threads that look names up are the process's, and in the child there are none: those that hang in the parent are
// not waited for.
TEST(ForkTest, AChildLooksNamesUpWithThreadsOfItsOwn) {
  std::atomic<int> hanging = 0;
  std::atomic<bool> go = false;
  internal::SetLookUpFunction([&](const std::string& host) {
    if (host.starts_with("hang")) {
      ++hanging;
      while (!go) std::this_thread::yield();
    }
    return internal::NamesFound({Address::Ipv4({10, 0, 0, 1}, 0)});
  });
  EpollLoop loop;
  const auto look_up = [](std::string host) -> Coro<> { (void)co_await Resolve(host, 80); };
  std::vector<Task<>> look_ups;
  for (size_t i = 0; i < internal::kLookUpThreadsMax; ++i) {
    look_ups.push_back(loop.Spawn(look_up, absl::StrCat("hang-", i)));
  }
  while (hanging < static_cast<int>(internal::kLookUpThreadsMax)) loop.RunOnce();
  EXPECT_EQ(
      InChild([] {
        alarm(20);  // Rather than for ever.
        return detent::Run([]() -> Coro<std::string> { co_return (co_await Resolve("name", 80)).front().ToString(); });
      }),
      "10.0.0.1:80");
  go = true;
  for (Task<>& each : look_ups) loop.Run(std::move(each));
  internal::SetLookUpFunction({});
}

// Tasks that are left in the child are the parent's: nobody is told that they were destroyed there.
TEST(ForkTest, AChildReportsNothingOfTheParentsTasks) {
  std::string reports;
  auto loop = std::make_unique<EpollLoop>();
  loop->SetExceptionHandler([&](const ExceptionContext& context) { reports += context.ToString(); });
  Task<> waits = loop->Spawn([]() -> Coro<> { co_await Sleep(absl::Hours(1)); });
  loop->Run([]() -> Coro<> { co_await Yield(); });
  EXPECT_EQ(InChild([&] {
              loop = nullptr;
              return "reports: " + reports;
            }),
            "reports: ");
}

}  // namespace
}  // namespace detent
