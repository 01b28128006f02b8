// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/epoll/signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/io/internal/outside.h"
#include "detent/runtime/io/internal/signal_numbers.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using Action = struct sigaction;

Action ActionOf(int signal) {
  Action action = {};
  sigaction(signal, nullptr, &action);
  return action;
}

int CountDescriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

void OwnHandler(int) {}

// sig-03
TEST(EpollSignalsTest, TheActionBeforeComesBackWithTheLastWhoTakesIt) {
  EpollLoop loop;
  std::signal(SIGUSR1, &OwnHandler);
  loop.Run([&]() -> Coro<> {
    const int descriptors = CountDescriptors();
    {
      Signals first(SIGUSR1);
      EXPECT_NE(ActionOf(SIGUSR1).sa_handler, &OwnHandler);
      EXPECT_EQ(ActionOf(SIGUSR1).sa_flags & SA_RESTART, SA_RESTART);
      {
        Signals second(SIGUSR1);
      }
      EXPECT_NE(ActionOf(SIGUSR1).sa_handler, &OwnHandler);
    }
    EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, &OwnHandler);
    EXPECT_EQ(CountDescriptors(), descriptors);
    loop.AddSignalHandler(SIGUSR1, [] {});
    EXPECT_TRUE(loop.RemoveSignalHandler(SIGUSR1));
    EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, &OwnHandler);
    EXPECT_EQ(CountDescriptors(), descriptors);
    co_return;
  });
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(EpollSignalsTest, AHandlerThatSomebodyPutUpMeanwhileStays) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    {
      Signals signals(SIGUSR1);
      std::signal(SIGUSR1, &OwnHandler);
    }
    EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, &OwnHandler);
    co_return;
  });
  std::signal(SIGUSR1, SIG_DFL);
}

// sig-08
TEST(EpollSignalsTest, TheLoopsEndTakesItsHandlersAlong) {
  {
    EpollLoop loop;
    loop.Run([&]() -> Coro<> {
      loop.AddSignalHandler(SIGUSR1, [] {});
      co_return;
    });
    EXPECT_NE(ActionOf(SIGUSR1).sa_handler, SIG_DFL);
  }
  EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, SIG_DFL);
}

std::atomic<int> raised_again = 0;

TEST(EpollSignalsTest, ASignalThatCameInVainIsRaisedAgain) {
  std::signal(SIGUSR1, [](int) { ++raised_again; });
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    raised_again = 0;
    {
      Signals seen(SIGUSR1);
      RaiseSignal(SIGUSR1);
      co_await Sleep(absl::Milliseconds(1));
    }
    EXPECT_EQ(raised_again, 1);  // The loop had seen it.
    {
      Signals unseen(SIGUSR1);
      RaiseSignal(SIGUSR1);
    }
    EXPECT_EQ(raised_again, 2);  // It had not.
    {
      Signals taken(SIGUSR1);
      RaiseSignal(SIGUSR1);
      (void)co_await taken.Next();
    }
    EXPECT_EQ(raised_again, 2);
  });
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(EpollSignalsTest, EveryLoopOnEveryThreadIsTold) {
  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      EpollLoop loop;
      loop.Run([&]() -> Coro<> {
        Signals signals(SIGUSR1);
        ++ready;
        (void)co_await signals.Next();
      });
    });
  }
  while (ready < 4) std::this_thread::yield();
  kill(getpid(), SIGUSR1);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ActionOf(SIGUSR1).sa_handler, SIG_DFL);
}

// Loops come and go while handlers run, on all threads.
TEST(EpollSignalsTest, AStormMeetsLoopsThatComeAndGo) {
  std::signal(SIGUSR1, &OwnHandler);
  std::atomic<bool> stop = false;
  std::thread storm([&] {
    while (!stop) kill(getpid(), SIGUSR1);
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 20; ++i) {
        EpollLoop loop;
        loop.Run([]() -> Coro<> {
          Signals signals(SIGUSR1);
          EXPECT_EQ(co_await signals.Next(), SIGUSR1);
        });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  storm.join();
  std::signal(SIGUSR1, SIG_DFL);
}

// Also if its write() fails: here into what has taken the eventfd's place.
TEST(EpollSignalsDeathTest, TheHandlerKeepsErrno) {
  EXPECT_EXIT(
      {
        EpollLoop loop;
        loop.Run([]() -> Coro<> {
          const int next = dup(STDIN_FILENO);
          close(next);
          Signals signals(SIGUSR1);
          const int nowhere = open("/dev/null", O_RDONLY);
          dup2(nowhere, next);
          errno = ENOTTY;
          raise(SIGUSR1);
          _exit(errno == ENOTTY ? 7 : 8);
          co_return;
        });
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(EpollSignalsDeathTest, OneDiesByASignalThatIsBlocked) {
  EXPECT_EXIT(
      {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);
        internal::DieBySignal(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

class NoObserver final : public internal::SignalObserver {
 public:
  void OnSignal(int) override {}
};

TEST(EpollSignalsTest, WhatTheSystemRefusesLeavesNothing) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    internal::SignalSource& source = loop.outside().signals();
    const int descriptors = CountDescriptors();
    NoObserver observer;
    EXPECT_THROW(source.Subscribe(observer, internal::BitOfSignal(SIGKILL)), std::system_error);
    EXPECT_EQ(CountDescriptors(), descriptors);
    co_return;
  });
}

// A handler that is removed when it is due, but has not run, has not had the signal.
TEST(EpollSignalsTest, WhatAHandlerWasDueForIsRaisedAgain) {
  std::signal(SIGUSR1, [](int) { ++raised_again; });
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    raised_again = 0;
    auto seen = std::make_unique<Signals>(SIGUSR1);
    loop.AddSignalHandler(SIGUSR1, [] { ADD_FAILURE() << "it was removed"; });
    RaiseSignal(SIGUSR1);
    (void)co_await seen->Next();  // It was told first: the handler's callback stands behind this step.
    seen = nullptr;
    EXPECT_EQ(raised_again, 0);
    loop.RemoveSignalHandler(SIGUSR1);
    EXPECT_EQ(raised_again, 1);
  });
  std::signal(SIGUSR1, SIG_DFL);
}

// A child that fork() made does with a signal what it would have done without us, and its parent hears nothing.
TEST(EpollSignalsTest, AForkedChildIsNotItsParent) {
  EpollLoop loop;
  loop.Run([&]() -> Coro<> {
    Signals signals(SIGUSR1, SIGUSR2);
    const pid_t child = fork();
    if (child == 0) {
      raise(SIGUSR1);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1) << status;
    co_await Sleep(absl::Milliseconds(1));
    RaiseSignal(SIGUSR2);
    EXPECT_EQ(co_await signals.Next(), SIGUSR2);
  });
}

// Not even if the child runs a loop of its own, that takes the same signal, and ends its parent's.
TEST(EpollSignalsTest, AForkedChildMayTakeSignalsItself) {
  EpollLoop loop;
  pid_t child = 0;
  auto signals = std::make_unique<std::optional<Signals>>();
  loop.Run([&]() -> Coro<> {
    signals->emplace(SIGUSR1);
    co_return;
  });
  child = fork();
  if (child == 0) {
    bool ok = false;
    {
      EpollLoop own;
      own.Run([&]() -> Coro<> {
        Signals of_child(SIGUSR1);
        signals = nullptr;
        RaiseSignal(SIGUSR1);
        ok = co_await of_child.Next() == SIGUSR1;
      });
    }
    _exit(ok && ActionOf(SIGUSR1).sa_handler == SIG_DFL ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  loop.Run([&]() -> Coro<> {
    co_await Sleep(absl::Milliseconds(1));
    RaiseSignal(SIGUSR1);
    EXPECT_EQ(co_await (*signals)->Next(), SIGUSR1);
    signals = nullptr;  // Nothing is left that came in vain.
  });
}

TEST(EpollSignalsDeathTest, ASigtermThatNobodyTookEndsTheProgram) {
  EXPECT_EXIT(
      {
        EpollLoop loop;
        loop.Run([]() -> Coro<> {
          {
            Signals signals(SIGTERM);
            RaiseSignal(SIGTERM);
          }
          _exit(1);
          co_return;
        });
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace detent
