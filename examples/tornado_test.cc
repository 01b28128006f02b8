// SPDX-License-Identifier: Apache-2.0
//
// Callbacks beside coroutines, as in tornado: a client that calls back, a function that runs every so often, and a
// coroutine that waits for both. A Future is the bridge.
#include <functional>
#include <string>
#include <utility>

#include "detent/examples/transcript.h"
#include "detent/runtime/core.h"
#include "detent/testing/testing.h"

namespace {

using detent::CallbackHandle;
using detent::Coro;
using detent::EventLoop;
using detent::Future;
using detent_examples::ExpectTranscript;
using detent_examples::kSecond;
using detent_examples::Print;
using detent_examples::Transcript;

// A client in the old manner: it calls back once, from the loop.
void Fetch(const std::string& url, absl::Duration takes, std::function<void(std::string)> done) {
  EventLoop::Current().CallLater(takes, [url, done = std::move(done)] { done("the page at " + url); });
}

// The same as something to await. Somebody may have cancelled the wait when the answer comes.
Coro<std::string> Fetched(std::string url, absl::Duration takes) {
  Future<std::string> page = detent::MakeFuture<std::string>();
  Fetch(url, takes, [page](std::string text) mutable {
    if (!page.Done()) page.SetResult(std::move(text));
  });
  co_return co_await page;
}

// Calls a function every so often, until it is stopped: tornado's PeriodicCallback.
class Periodic {
 public:
  Periodic(absl::Duration every, std::function<void()> fn) : every_(every), fn_(std::move(fn)) { Arm(); }
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;
  ~Periodic() { next_.Cancel(); }

 private:
  void Arm() {
    next_ = EventLoop::Current().CallLater(every_, [this] {
      Arm();
      fn_();
    });
  }

  const absl::Duration every_;
  const std::function<void()> fn_;
  CallbackHandle next_;
};

// --- A callback and a coroutine ---

Coro<> BothManners() {
  Future<> called_back = detent::MakeFuture();
  Fetch("a.org", kSecond, [called_back](const std::string& text) mutable {
    Print("callback: ", text);
    called_back.SetResult();
  });
  Print("coroutine: ", co_await Fetched("b.org", 2 * kSecond));
  co_await called_back;
}

LOOP_TEST(TornadoTest, CallbacksAndCoroutinesShareALoop) {
  co_await ExpectTranscript([] { return BothManners(); }, R"(
callback: the page at a.org
coroutine: the page at b.org
)");
}

// --- A function that runs every so often, beside a coroutine ---

Coro<> TicksBesideWork() {
  int ticks = 0;
  {
    const Periodic ticker(kSecond, [&ticks] { Print("tick ", ++ticks); });
    Print(co_await Fetched("c.org", 2.5 * kSecond));
  }
  co_await detent::Sleep(2 * kSecond);  // It has stopped.
  Print("no more ticks");
}

LOOP_TEST(TornadoTest, APeriodicCallbackEndsWithItsOwner) {
  const Transcript printed = co_await ExpectTranscript([] { return TicksBesideWork(); }, R"(
tick 1
tick 2
the page at c.org
no more ticks
)");
  EXPECT_TRUE(printed.Before("tick 1", "tick 2"));
  EXPECT_TRUE(printed.Before("the page at c.org", "no more ticks"));
}

// --- Who does not wait any more is not called ---

Coro<> GivesUp() {
  try {
    (void)co_await detent::WaitFor(Fetched("slow.org", 2 * kSecond), kSecond);
  } catch (const detent::TimeoutError&) {
    Print("too slow");
  }
  co_await detent::Sleep(2 * kSecond);
  Print("and nothing happens when it comes");
}

LOOP_TEST(TornadoTest, AnAnswerThatComesTooLateIsDropped) {
  co_await ExpectTranscript([] { return GivesUp(); }, R"(
too slow
and nothing happens when it comes
)");
}

}  // namespace
