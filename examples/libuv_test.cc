// SPDX-License-Identifier: Apache-2.0
//
// Our loop inside somebody else's: libuv's loop runs the program, and drives an EpollLoop with tasks, sockets and
// timers by its Fd(), NextTimeout() and RunOnce(). docs/foreign-loops.md explains the class.
#include <uv.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "detent/examples/echo_server.h"
#include "detent/runtime/runtime.h"
#include "gtest/gtest.h"

namespace detent_examples {
namespace {

using detent::Connection;
using detent::Coro;
using detent::EpollLoop;
using detent::Server;
using detent::Task;

// Runs `loop` inside `uv`, from Start() to Stop().
class UvDriver {
 public:
  UvDriver(uv_loop_t* uv, EpollLoop& loop) : loop_(loop) {
    uv_poll_init(uv, &poll_, loop.Fd());
    uv_timer_init(uv, &timer_);
    poll_.data = timer_.data = this;
  }
  UvDriver(const UvDriver&) = delete;
  UvDriver& operator=(const UvDriver&) = delete;

  void Start() {
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int, int) { static_cast<UvDriver*>(poll->data)->Turn(); });
    Plan();
  }
  // libuv wants to know that nobody uses the handles any more, and says so in its own time.
  void Stop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  }
  // After anything that made work for the loop from outside: Spawn(), Cancel(), SetResult().
  void Plan() {
    const absl::Duration timeout = loop_.NextTimeout();
    if (timeout == absl::InfiniteDuration()) {
      uv_timer_stop(&timer_);
      return;
    }
    // Rounded up: sooner would be in vain.
    const int64_t milliseconds = absl::ToInt64Milliseconds(absl::Ceil(timeout, absl::Milliseconds(1)));
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { static_cast<UvDriver*>(timer->data)->Turn(); },
        static_cast<uint64_t>(milliseconds), /*repeat=*/0);
  }

 private:
  void Turn() {
    loop_.RunOnce();
    Plan();
  }

  EpollLoop& loop_;
  uv_poll_t poll_;
  uv_timer_t timer_;
};

// What a libuv program does beside.
class Ticker {
 public:
  explicit Ticker(uv_loop_t* uv) {
    uv_timer_init(uv, &timer_);
    timer_.data = this;
    uv_timer_start(&timer_, [](uv_timer_t* timer) { ++static_cast<Ticker*>(timer->data)->ticks; }, 1, 1);
  }
  void Stop() { uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr); }

  int ticks = 0;

 private:
  uv_timer_t timer_;
};

Coro<int> Main(const Ticker* ticker) {
  Server server = co_await detent::StartServer(Echo, "127.0.0.1", 0);
  int answers = 0;
  for (int i = 0; i < 20; ++i) {
    Connection client = co_await detent::Connect("127.0.0.1", server.Port());
    co_await client.Write("question\n");
    if (co_await client.ReadLine() == "question\n") ++answers;
  }
  while (ticker->ticks < 3) co_await detent::Sleep(absl::Milliseconds(1));
  co_await detent::EventLoop::Current().RunInExecutor([&] { ++answers; });
  co_return answers;
}

TEST(LibuvTest, OurLoopRunsInsideLibuvs) {
  uv_loop_t uv;
  ASSERT_EQ(uv_loop_init(&uv), 0);
  EpollLoop loop;
  UvDriver driver(&uv, loop);
  Ticker ticker(&uv);
  Task<int> main = loop.Spawn(Main(&ticker));
  main.AddDoneCallback([&](Task<int>) { uv_stop(&uv); });
  driver.Start();
  uv_run(&uv, UV_RUN_DEFAULT);
  EXPECT_TRUE(main.Done());
  EXPECT_EQ(main.Result(), 21);
  EXPECT_GE(ticker.ticks, 3);
  loop.CancelAllTasks();
  ticker.Stop();
  driver.Stop();
  uv_run(&uv, UV_RUN_DEFAULT);  // Until the handles are closed.
  EXPECT_EQ(uv_loop_close(&uv), 0);
}

// What libuv's own callbacks give to tasks.
TEST(LibuvTest, ACallbackOfLibuvsWakesATask) {
  uv_loop_t uv;
  ASSERT_EQ(uv_loop_init(&uv), 0);
  EpollLoop loop;
  UvDriver driver(&uv, loop);
  driver.Start();
  detent::Future<int> future = loop.MakeFuture<int>();
  Task<int> waits = loop.Spawn([&]() -> Coro<int> { co_return co_await future; });
  driver.Plan();
  class Timer {
   public:
    detent::Future<int>* future;
    UvDriver* driver;
  };
  Timer timer{&future, &driver};
  uv_timer_t handle;
  uv_timer_init(&uv, &handle);
  handle.data = &timer;
  uv_timer_start(
      &handle,
      [](uv_timer_t* self) {
        const Timer& mine = *static_cast<Timer*>(self->data);
        mine.future->SetResult(7);
        mine.driver->Plan();
      },
      1, 0);
  waits.AddDoneCallback([&](Task<int>) { uv_stop(&uv); });
  uv_run(&uv, UV_RUN_DEFAULT);
  EXPECT_EQ(waits.Result(), 7);
  uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
  driver.Stop();
  uv_run(&uv, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&uv), 0);
}

}  // namespace
}  // namespace detent_examples
