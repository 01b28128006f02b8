// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/bugs/cancellation_bugs.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/time/time.h"
#include "detent/runtime/core.h"
#include "detent/testing/bugs/bug_programs.h"

namespace detent_testing {
namespace {

using detent::Coro;
using detent::Sleep;

constexpr absl::Duration kWhile = absl::Milliseconds(5);

void Require(bool condition, const char* what) {
  if (!condition) throw BugFound(what);
}

// --- A connection goes back into the pool although the answer to a cancelled request is still to come: the next user
// reads it as his. As in redis-py 4.5, where one user saw another's data. ---

template <bool kFixed>
class DirtyConnection final : public CancellationScene {
 public:
  Coro<> Run() override { co_await Ask(1); }
  Coro<> Check() override { co_await Ask(2); }

 private:
  struct Connection {
    std::deque<int> answers;
  };

  // Gives the connection back when it goes.
  class Loan {
   public:
    explicit Loan(std::unique_ptr<Connection>& pool) : pool_(pool), connection_(std::move(pool)) {
      if (connection_ == nullptr) connection_ = std::make_unique<Connection>();
    }
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() {
      if (!kFixed || connection_->answers.empty()) pool_ = std::move(connection_);
    }
    Connection& operator*() { return *connection_; }

   private:
    std::unique_ptr<Connection>& pool_;
    std::unique_ptr<Connection> connection_;
  };

  Coro<> Ask(int question) {
    Loan connection(pool_);
    (*connection).answers.push_back(question);
    co_await Sleep(kWhile);
    const int answer = (*connection).answers.front();
    (*connection).answers.pop_front();
    Require(answer == question, "each request gets its own answer");
  }

  std::unique_ptr<Connection> pool_;
};

// --- A permit is given back on the way that is usually taken only. As in many a rate limiter. ---

template <bool kFixed>
class LostPermit final : public CancellationScene {
 public:
  Coro<> Run() override {
    if constexpr (kFixed) {
      const auto permit = co_await permits_.Hold();
      co_await Sleep(kWhile);
    } else {
      co_await permits_.Acquire();
      co_await Sleep(kWhile);
      permits_.Release();
    }
  }
  Coro<> Check() override {
    Require(permits_.Value() == 2, "every permit comes back");
    co_return;
  }

 private:
  detent::Semaphore permits_{2};
};

// --- The same with a lock: nobody ever gets it again. ---

template <bool kFixed>
class KeptLock final : public CancellationScene {
 public:
  Coro<> Run() override {
    if constexpr (kFixed) {
      const auto held = co_await lock_.Hold();
      co_await Sleep(kWhile);
    } else {
      co_await lock_.Acquire();
      co_await Sleep(kWhile);
      lock_.Release();
    }
  }
  Coro<> Check() override { const auto held = co_await detent::WaitFor(lock_.Hold(), absl::Seconds(1)); }

 private:
  detent::Lock lock_{"ledger"};
};

// --- A frame is written in two parts; what is written after a cancelled one is read as its rest. As in a websocket
// library whose send() was cancelled under back pressure. ---

template <bool kFixed>
class HalfFrame final : public CancellationScene {
 public:
  Coro<> Run() override { co_await Send("abc"); }
  Coro<> Check() override {
    co_await Send("wxyz");
    // A length and so many letters, again and again.
    for (size_t at = 0; at < wire_.size(); at += 1 + static_cast<size_t>(wire_[at] - '0')) {
      Require(wire_[at] >= '0' && wire_[at] <= '9', "frames are whole");
    }
  }

 private:
  Coro<> Write(std::string part) {
    wire_ += part;
    co_await Sleep(kWhile);  // The peer is slow.
  }
  Coro<> Send(std::string text) {
    const std::string length = std::to_string(text.size());
    if constexpr (kFixed) {
      co_await Write(length + text);
    } else {
      co_await Write(length);
      co_await Write(text);
    }
  }

  std::string wire_;
};

// --- A token may be refreshed once. Who is cancelled while he does it has used it up, and the next one uses it again.
// As in clients of identity providers that take a refresh token back when they see it twice. ---

template <bool kFixed>
class RefreshTwice final : public CancellationScene {
 public:
  Coro<> Run() override { co_await Token(); }
  Coro<> Check() override { co_await Token(); }

 private:
  Coro<> Refresh() {
    const int used = refresh_token_;
    Require(used == valid_refresh_token_, "no refresh token is used twice");
    ++valid_refresh_token_;  // At the provider, when the request arrives.
    co_await Sleep(kWhile);
    refresh_token_ = used + 1;
    has_token_ = true;
  }
  Coro<> Token() {
    if (has_token_) co_return;
    if constexpr (kFixed) {
      // Whoever comes first starts it; whoever is cancelled leaves it to the others.
      if (!refresh_) refresh_ = detent::Spawn(Refresh(), {.name = "refresh"});
      co_await detent::Shield(refresh_);
    } else {
      co_await Refresh();
    }
  }

  int refresh_token_ = 1;
  int valid_refresh_token_ = 1;
  bool has_token_ = false;
  detent::Task<> refresh_;
};

// --- A queue hands its item to a waiter that is cancelled before it goes on. As in asyncio's Queue.get() under
// wait_for() before Python 3.12. ---

template <bool kFixed>
class LostItem final : public CancellationScene {
 public:
  Coro<> Run() override {
    const detent::Task<> producer = detent::Spawn([this]() -> Coro<> {
      co_await Sleep(kWhile);
      Put(7);
    });
    const detent::Outcome<int> item = co_await detent::Catch(Get());
    if (item.ok()) ++taken_;
    (void)co_await detent::Settle(detent::Shield(producer));
    if (!item.ok()) co_await detent::Propagate(detent::Outcome<>::Cancelled());
  }
  Coro<> Check() override {
    Require(items_.size() + static_cast<size_t>(taken_) == 1, "an item is in the queue or with whom it was given to");
    co_return;
  }

 private:
  void Put(int item) {
    if (waiter_ && !waiter_.Done()) {
      waiter_.SetResult(item);
    } else {
      items_.push_back(item);
    }
  }
  Coro<int> Get() {
    if (items_.empty()) {
      waiter_ = detent::MakeFuture<int>();
      const detent::Outcome<int> given = co_await detent::Catch(waiter_);
      if (given.ok()) co_return given.value();
      // Cancelled: it may have been given one all the same.
      if (kFixed && !waiter_.Cancelled()) items_.push_front(waiter_.Result());
      co_await detent::Propagate(detent::Outcome<int>::Cancelled());
    }
    const int item = items_.front();
    items_.pop_front();
    co_return item;
  }

  std::deque<int> items_;
  detent::Future<int> waiter_;
  int taken_ = 0;
};

// --- The clean-up awaits before it has done its work, and is cancelled itself. ---

template <bool kFixed>
class CancelledCleanup final : public CancellationScene {
 public:
  Coro<> Run() override {
    ++open_;
    co_await detent::Finally([]() -> Coro<> { co_await Sleep(kWhile); },
                             [this]() -> Coro<> {
                               if constexpr (kFixed) {
                                 co_await detent::Shield(detent::Spawn(SayGoodbye(), {.name = "goodbye"}));
                               } else {
                                 co_await SayGoodbye();
                               }
                             });
  }
  Coro<> Check() override {
    Require(open_ == 0, "each connection is closed");
    co_return;
  }

 private:
  Coro<> SayGoodbye() {
    co_await Sleep(kWhile);
    --open_;
  }

  int open_ = 0;
};

// --- A loop that tries again takes its own cancellation for a failure of the attempt. ---

template <bool kFixed>
class Swallowed final : public CancellationScene {
 public:
  Coro<> Run() override {
    for (int attempt = 0; attempt < 3; ++attempt) {
      const detent::Outcome<> outcome = co_await detent::Catch(Attempt());
      if (outcome.ok()) co_return;
      if (kFixed && outcome.cancelled()) co_await detent::Propagate(outcome);
    }
  }

 private:
  static Coro<> Attempt() { co_await Sleep(kWhile); }
};

// --- Shielded work waits for a word that only the cancelled one would have said. ---

template <bool kFixed>
class ForgottenShield final : public CancellationScene {
 public:
  Coro<> Run() override {
    const detent::Task<> uploads = detent::Spawn(Upload(), {.name = "uploads"});
    const detent::Outcome<> outcome = co_await detent::Catch(detent::Invoke([this]() -> Coro<> {
      co_await Sleep(kWhile);
      rows_.PutNowait(1);
      co_await Sleep(kWhile);
    }));
    if (kFixed || outcome.ok()) rows_.Shutdown();
    if (outcome.ok()) co_await detent::Shield(uploads);
    if (!outcome.ok()) co_await detent::Propagate(outcome);
  }

 private:
  Coro<> Upload() {
    while (true) {
      const detent::Outcome<int> row = co_await detent::Settle(rows_.Get());
      if (!row.ok()) co_return;
      co_await Sleep(kWhile);
    }
  }

  detent::Queue<int> rows_;
};

// --- What is in flight is counted by hand; the shutdown waits for none. As in HTTP servers that never came to the end
// of their draining. ---

template <bool kFixed>
class StaleCount final : public CancellationScene {
 public:
  Coro<> Run() override {
    const detent::Task<> request = detent::Spawn(Serve(), {.name = "request"});
    (void)co_await detent::Wait(detent::ReturnWhen::kAllCompleted, request);
  }
  Coro<> Check() override {
    while (in_flight_ > 0) co_await Sleep(absl::Minutes(5));
  }

 private:
  Coro<> Serve() {
    if constexpr (kFixed) {
      ++in_flight_;
      const absl::Cleanup served = [this] { --in_flight_; };
      co_await Sleep(kWhile);
    } else {
      ++in_flight_;
      co_await Sleep(kWhile);
      --in_flight_;
    }
  }

  int in_flight_ = 0;
};

template <template <bool> typename Scene>
CancellationBug Both(std::string_view name, std::string_view task = {}) {
  return CancellationBug(
      name, task, []() -> std::unique_ptr<CancellationScene> { return std::make_unique<Scene<false>>(); },
      []() -> std::unique_ptr<CancellationScene> { return std::make_unique<Scene<true>>(); });
}

}  // namespace

const std::vector<CancellationBug>& CancellationBugs() {
  static const auto* bugs = new std::vector<CancellationBug>{
      Both<DirtyConnection>("dirty_connection"),
      Both<LostPermit>("lost_permit"),
      Both<KeptLock>("kept_lock"),
      Both<HalfFrame>("half_frame"),
      Both<RefreshTwice>("refresh_twice"),
      Both<LostItem>("lost_item"),
      Both<CancelledCleanup>("cancelled_cleanup"),
      Both<Swallowed>("swallowed"),
      Both<ForgottenShield>("forgotten_shield"),
      Both<StaleCount>("stale_count", "request"),
  };
  return *bugs;
}

}  // namespace detent_testing
