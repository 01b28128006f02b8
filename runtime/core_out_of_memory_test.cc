// SPDX-License-Identifier: Apache-2.0
//
// Memory that cannot be had, wherever the library asks for some: each allocation of a program fails once, the first
// one in the first run, the second one in the second, until there are no more. Whatever the program makes of that, the
// loop is whole afterwards, nothing is lost, and the same program runs on it.
#include <cstdlib>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/runtime/internal/frame_pool.h"
#include "detent/runtime/io/net.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace {

// Which allocation fails, counted from 0; negative: none.
constinit thread_local int tls_fails_at = -1;
constinit thread_local bool tls_failed = false;

void* Allocate(size_t size) {
  if (tls_fails_at >= 0 && tls_fails_at-- == 0) {
    tls_failed = true;
    throw std::bad_alloc();
  }
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace detent {
namespace {

using Program = Coro<> (*)();

Coro<int> Answer(int value) {
  co_await Yield();
  co_return value;
}

Coro<> Tasks() {
  Task<int> first = Spawn(Answer(1), {.name = "a name that is too long to stand in the string itself"});
  Task<int> second = Spawn(Answer(2));
  (void)co_await first;
  (void)co_await second;
}

// The tasks may outlive the body that made them, so that they share what they use.

Coro<> UnderLock(std::shared_ptr<Lock> lock) {
  auto held = co_await lock->Hold();
  co_await Yield();
}
Coro<> Locks() {
  auto lock = std::make_shared<Lock>();
  co_await Gather(UnderLock(lock), UnderLock(lock), UnderLock(lock));
}

Coro<> WithPermit(std::shared_ptr<Semaphore> semaphore) {
  auto permit = co_await semaphore->Hold();
  co_await Yield();
}
Coro<> Semaphores() {
  auto semaphore = std::make_shared<Semaphore>(1);
  co_await Gather(WithPermit(semaphore), WithPermit(semaphore), WithPermit(semaphore));
}

Coro<> AwaitEvent(std::shared_ptr<Event> event) { co_await event->Wait(); }
Coro<> Events() {
  auto event = std::make_shared<Event>();
  Task<> a = Spawn(AwaitEvent(event));
  Task<> b = Spawn(AwaitEvent(event));
  co_await Yield();
  event->Set();
  co_await Gather(a, b);
}

Coro<> AwaitNews(std::shared_ptr<Condition> condition, std::shared_ptr<bool> news) {
  auto held = co_await condition->Hold();
  co_await condition->WaitFor([&] { return *news; });
}
Coro<> Conditions() {
  auto condition = std::make_shared<Condition>();
  auto news = std::make_shared<bool>(false);
  Task<> a = Spawn(AwaitNews(condition, news));
  Task<> b = Spawn(AwaitNews(condition, news));
  co_await Yield();
  {
    auto held = co_await condition->Hold();
    *news = true;
    condition->NotifyAll();
  }
  co_await Gather(a, b);
}

Coro<> Pass(std::shared_ptr<Barrier> barrier) { (void)co_await barrier->Wait(); }
Coro<> Barriers() {
  auto barrier = std::make_shared<Barrier>(2);
  co_await Gather(Pass(barrier), Pass(barrier));
}

template <typename Q>
Coro<> PutThree(std::shared_ptr<Q> queue) {
  for (int i = 0; i < 3; ++i) co_await queue->Put(std::string(50, 'x'));
}
template <typename Q>
Coro<> GetThree(std::shared_ptr<Q> queue) {
  for (int i = 0; i < 3; ++i) {
    (void)co_await queue->Get();
    queue->TaskDone();
  }
}
template <typename Q>
Coro<> Queues() {
  auto queue = std::make_shared<Q>(1);
  co_await Gather(PutThree(queue), GetThree(queue));
  co_await queue->Join();
}

Coro<> Failing() {
  co_await Yield();
  throw std::runtime_error("a text that is too long to stand in the string itself");
}
Coro<> Groups() {
  try {
    co_await TaskGroup::Run([](TaskGroup& group) -> Coro<> {
      group.Spawn(Answer(1));
      group.Spawn(Failing());
      group.Spawn(Failing());
      co_await Sleep(absl::Hours(1));
    });
  } catch (const ExceptionGroup&) {
  }
}

Coro<> Combinators() {
  (void)co_await GatherSettled(Answer(1), Failing());
  (void)co_await Race(Answer(1), Sleep(absl::Hours(1)));
  (void)co_await Shield(Answer(2));
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(Spawn(Answer(i)));
  (void)co_await Wait(tasks, ReturnWhen::kFirstCompleted);
}

Coro<> Completions() {
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) tasks.push_back(Spawn(Answer(i)));
  auto completed = AsCompleted(std::move(tasks), absl::Hours(1));
  while (auto next = co_await completed.Next()) {
  }
}

// A report would say for what they waited.
Coro<> PrimitivesThatGo() {
  const auto wait = [](Event& event) -> Coro<> {
    try {
      co_await event.Wait();
    } catch (const InvalidStateError&) {
    }
  };
  auto event = std::make_unique<Event>("a name that is too long to stand in the string itself");
  Task<> waits = Spawn(wait(*event));
  co_await Yield();
  event = nullptr;
  co_await waits;
}

Coro<> Timeouts() {
  try {
    co_await WaitFor(Sleep(absl::Hours(1)), absl::Milliseconds(1));
  } catch (const TimeoutError&) {
  }
  co_await WithTimeout(absl::Seconds(1), [](Timeout&) -> Coro<> { (void)co_await Answer(1); });
}

Coro<> Callbacks() {
  EventLoop& loop = EventLoop::Current();
  Future<std::string> future = MakeFuture<std::string>();
  future.AddDoneCallback([padding = std::string(50, 'x')](const Future<std::string>&) {});
  loop.CallSoon([padding = std::string(50, 'x')] {});
  CallbackHandle later = loop.CallLater(absl::Hours(1), [padding = std::string(50, 'x')] {});
  co_await Yield();
  future.SetResult(std::string(50, 'x'));
  (void)co_await future;
  later.Cancel();
}

Coro<> Executors() {
  (void)co_await EventLoop::Current().RunInExecutor([] { return std::string(50, 'x'); });
}

AsyncGenerator<std::string> Words() {
  co_yield std::string(50, 'x');
  co_await Yield();
  co_yield std::string(50, 'y');
}
Coro<> Generators() {
  AsyncGenerator<std::string> words = Words();
  while (auto word = co_await words.Next()) {
  }
}

Coro<> Contexts() {
  static ContextVar<std::string>* const variable = new ContextVar<std::string>("name");
  variable->Set(std::string(50, 'x'));
  co_await Spawn([]() -> Coro<> {
    variable->Set(std::string(50, 'y'));
    co_await Yield();
  });
}

Coro<> CleanUps() {
  co_await Finally([]() -> Coro<> { (void)co_await Answer(1); }, []() -> Coro<> { co_await Yield(); });
}

Coro<> ServeOne(std::shared_ptr<Listener> listener) {
  Connection connection = co_await listener->Accept();
  co_await connection.Write(co_await connection.ReadUntil("\n"));
}
Coro<> Sockets() {
  auto listener = std::make_shared<Listener>(co_await Listen("127.0.0.1", 0));
  Task<> server = Spawn(ServeOne(listener));
  Connection connection = co_await Connect("127.0.0.1", listener->Port());
  co_await connection.Write("hello, hello, hello, hello, hello, hello, hello\n");
  co_await server;
  (void)co_await connection.ReadExactly(48);
}

constexpr Program kPrograms[] = {
    Tasks,
    Locks,
    Semaphores,
    Events,
    Conditions,
    Barriers,
    Queues<Queue<std::string>>,
    Queues<LifoQueue<std::string>>,
    Queues<PriorityQueue<std::string>>,
    Groups,
    Combinators,
    Completions,
    PrimitivesThatGo,
    Timeouts,
    Callbacks,
    Executors,
    Generators,
    Contexts,
    CleanUps,
    Sockets,
};

// A pool in which every block is an allocation that can fail. REQUIRES: it is older than all that is freed.
class FailingPool final : public internal::PoolStandIn {
 public:
  int left() const { return left_; }

  void* Allocate(size_t size, internal::PoolUse) override {
    void* const memory = ::operator new(size);
    ++left_;
    return memory;
  }
  void Free(void* memory, size_t) noexcept override {
    --left_;
    ::operator delete(memory);
  }

 private:
  int left_ = 0;
};

// Runs program `which` on a loop from `make`, with each allocation failing in turn.
template <typename F>
void FailEachAllocation(size_t which, F make) {
  const Program program = kPrograms[which];
  for (int at = 0;; ++at) {
    SCOPED_TRACE(absl::StrCat("program ", which, ", allocation ", at));
    FailingPool pool;
    internal::LoopCore* core;
    {
      auto loop = make();
      core = &loop->core();
      core->AddReference();
      loop->SetExceptionHandler([](const ExceptionContext&) {});
      bool out_of_memory = false;
      tls_failed = false;
      tls_fails_at = at;
      try {
        loop->Run(program());
      } catch (const std::bad_alloc&) {
        out_of_memory = true;
      } catch (...) {
        // A program that has lost a task to it.
      }
      tls_fails_at = -1;
      EXPECT_TRUE(!out_of_memory || tls_failed);
      // A simulation that has no memory for its own notes may have lost a step; the real loop loses none.
      if constexpr (std::is_same_v<decltype(loop), std::unique_ptr<sim::SimLoop>>) {
        loop->Discard();
      } else {
        loop->CancelAllTasks();
      }
      loop->Run(program());
    }
    EXPECT_EQ(pool.left(), 0);
    EXPECT_EQ(core->references(), 1u);  // Ours.
    core->DropReference();
    if (!tls_failed) return;
    ASSERT_LT(at, 10'000);
    if (::testing::Test::HasFailure()) return;
  }
}

class OutOfMemoryTest : public ::testing::TestWithParam<size_t> {};

TEST_P(OutOfMemoryTest, OnASimLoop) {
  FailEachAllocation(GetParam(), [] { return std::make_unique<sim::SimLoop>(sim::Options{.strategy = sim::Fifo()}); });
}
TEST_P(OutOfMemoryTest, OnTheRealLoop) {
  FailEachAllocation(GetParam(), [] { return std::make_unique<EpollLoop>(); });
}

INSTANTIATE_TEST_SUITE_P(Everything, OutOfMemoryTest, ::testing::Range(size_t{0}, std::size(kPrograms)));

}  // namespace
}  // namespace detent
