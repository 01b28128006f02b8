// SPDX-License-Identifier: Apache-2.0
//
// The public names and shapes, said to a compiler: code outside this repository is written in these forms.
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "detent/runtime/runtime.h"  // all of runtime/
#include "detent/sim/sim.h"          // all of sim/
#include "detent/testing/testing.h"  // all of testing/
#include "gtest/gtest.h"

namespace {

using detent::Coro;

Coro<int> One() { co_return 1; }
Coro<> Nothing() { co_return; }
Coro<std::unique_ptr<int>> MoveOnly() { co_return std::make_unique<int>(3); }
Coro<absl::Status> Fails() { co_return absl::NotFoundError("x"); }
Coro<absl::StatusOr<int>> Maybe() { co_return 4; }
Coro<int> Add(int a, std::string b) { co_return a + static_cast<int>(b.size()); }

detent::AsyncGenerator<int> Count(int n) {
  for (int i = 0; i < n; ++i) {
    co_await detent::Sleep(absl::Milliseconds(10));
    co_yield i;
  }
}

Coro<int> TasksAndFutures() {
  detent::Task<int> empty;
  if (empty) co_return 0;
  detent::Task<int> a = detent::Spawn(One(), {.name = "a"});
  detent::Task<int> b = detent::Spawn([&]() -> Coro<int> { co_return co_await a; });
  detent::Task<int> c = detent::Spawn(Add, 1, std::string("two"));
  const int& kept = co_await a;
  int moved = co_await std::move(b);
  moved += co_await detent::Invoke(Add, 2, std::string("three"));
  std::unique_ptr<int> owned = co_await detent::Spawn(MoveOnly());

  detent::Future<int> future = detent::MakeFuture<int>();
  auto id = future.AddDoneCallback([](detent::Future<int> done) { (void)done.Done(); });
  future.RemoveDoneCallback(id);
  future.SetResult(5);
  bool states = future.Done() && !future.Cancelled();
  if (future.Exception() == nullptr) moved += future.Result();

  c.Cancel();
  int requests = c.Cancelling() + c.Uncancel();
  std::string_view name = a.Name();
  uint64_t ordinal = a.Id();
  detent::AnyTask any = a;
  detent::AnyFuture some = future;
  detent::AnyTask self = detent::CurrentTask();
  for (const detent::AnyTask& task : detent::AllTasks()) (void)task.Name();
  co_return kept + moved + *owned + requests + static_cast<int>(name.size() + ordinal) + (states ? 1 : 0) +
      (any.Done() && some.Done() && self ? 1 : 0);
}

Coro<> Combinators() {
  std::tuple<int, std::monostate> both = co_await detent::Gather(One(), Nothing());
  std::vector<Coro<int>> coros;
  coros.push_back(One());
  std::vector<int> all = co_await detent::Gather(std::move(coros));
  auto [first, second] = co_await detent::GatherSettled(One(), Nothing());
  if (first.ok() && second.ok()) all.push_back(std::get<0>(both) + first.value());
  if (!first.ok() && first.cancelled()) std::rethrow_exception(first.exception());

  std::vector<detent::Task<int>> tasks;
  tasks.push_back(detent::Spawn(One()));
  detent::WaitResult<detent::Task<int>> waited =
      co_await detent::Wait(tasks, detent::ReturnWhen::kFirstCompleted, absl::Seconds(1));
  for (detent::Task<int>& task : waited.done) (void)task.Result();
  for (detent::Task<int>& task : waited.pending) task.Cancel();

  detent::Task<int> number = detent::Spawn(One());
  detent::Task<> nothing = detent::Spawn(Nothing());
  detent::WaitResult<detent::AnyTask> mixed = co_await detent::Wait(detent::ReturnWhen::kAllCompleted, number, nothing);
  (void)mixed.done.size();

  auto completed = detent::AsCompleted(tasks, absl::Seconds(5));
  while (std::optional<detent::Task<int>> next = co_await completed.Next()) (void)next->Result();

  auto winner = co_await detent::Race(One(), One());
  (void)winner;
  (void)co_await detent::WaitFor(One(), absl::Seconds(1));
  int timed = co_await detent::WithTimeout(absl::Seconds(1), [&](detent::Timeout& timeout) -> Coro<int> {
    timeout.Reschedule(detent::EventLoop::Current().Time() + absl::Seconds(2));
    co_return timeout.Expired() ? 0 : 1;
  });
  co_await detent::WithTimeoutAt(detent::LoopTime::Never(), [&](detent::Timeout&) -> Coro<> { co_return; });
  (void)co_await detent::Shield(number);
  int grouped = co_await detent::TaskGroup::Run([&](detent::TaskGroup& group) -> Coro<int> {
    detent::Task<int> child = group.Spawn(Add, timed, std::string("x"));
    group.Spawn(Nothing(), {.name = "child"});
    co_return co_await child;
  });

  detent::Outcome<int> outcome = co_await detent::Settle(number);
  detent::Outcome<> caught = co_await detent::Catch(detent::Sleep(absl::Seconds(grouped)));
  absl::StatusOr<int> status = co_await detent::AsStatus(One());
  absl::Status flat = co_await detent::AsStatus(Fails());
  absl::StatusOr<int> flatter = co_await detent::AsStatus(Maybe());
  co_await detent::Finally([&]() -> Coro<> { co_await detent::Yield(); }, [&]() -> Coro<> { co_return; });
  auto numbers = Count(3);
  while (std::optional<int> n = co_await numbers.Next()) (void)*n;
  if (!outcome.ok() || !status.ok() || !flat.ok() || !flatter.ok()) co_await detent::Propagate(std::move(caught));
}

detent::ContextVar<std::string> request_id;

Coro<> Primitives() {
  detent::Lock lock("ledger");
  co_await lock.Acquire();
  lock.Release();
  {
    auto held = co_await lock.Hold();
    held.Release();
  }
  detent::Event event;
  event.Set();
  co_await event.Wait();
  event.Clear();
  detent::Condition condition;
  {
    auto held = co_await condition.Hold();
    condition.Notify(1);
    condition.NotifyAll();
    co_await condition.WaitFor([&] { return !event.IsSet(); });
  }
  detent::Semaphore semaphore(2);
  detent::BoundedSemaphore bounded(2);
  auto permit = co_await semaphore.Hold();
  (void)(bounded.Locked() || lock.Locked());
  detent::Barrier barrier(1);
  (void)co_await barrier.Wait();
  detent::Queue<std::unique_ptr<int>> queue(/*maxsize=*/4);
  co_await queue.Put(std::make_unique<int>(1));
  queue.PutNowait(std::make_unique<int>(2));
  std::unique_ptr<int> item = co_await queue.Get();
  item = queue.GetNowait();
  queue.TaskDone();
  queue.TaskDone();
  co_await queue.Join();
  (void)(queue.Size() + queue.MaxSize());
  (void)(queue.Empty() || queue.Full());
  queue.Shutdown(/*immediate=*/false);
  detent::LifoQueue<int> lifo;
  detent::PriorityQueue<int> priority;
  lifo.PutNowait(1);
  priority.PutNowait(2);
  request_id.Set("r1");
  (void)request_id.Get();
}

Coro<> Choices() {
  detent::Shared<int> balance(0, "balance");
  int seen = co_await balance.Load();
  co_await balance.Store(seen + 1);
  (void)co_await balance.Update([](int v) { return v + 1; });
  detent::Lock lock;
  co_await detent::Yield(lock);
  if (detent::Choose(3) == 2 || detent::Fault("disk full", 0.01)) co_return;
  (void)detent::EventLoop::Current().Random().Below(10);
}

Coro<> Network() {
  detent::Listener listener = co_await detent::Listen("127.0.0.1", 0);
  detent::Connection client = co_await detent::Connect("127.0.0.1", listener.Port());
  detent::Connection server = co_await listener.Accept();
  co_await client.Write("hello\n");
  client.CloseWrite();
  std::string line = co_await server.ReadUntil("\n");
  std::string some = co_await server.Read(4096);  // empty at the end of the stream
  std::string all = co_await server.ReadExactly(0);
  client.Close();
  server.Close();
  listener.Close();
}

Coro<> Adopting(int fd) {
  detent::Connection adopted = detent::AdoptConnection(fd);
  detent::Listener listener = detent::AdoptListener(fd);
  for (detent::InheritedListener& each : detent::InheritedListeners()) {
    listener = std::move(each.listener);
    (void)each.name.size();
  }
  detent::Connection input = detent::StandardInput();
  std::string line = co_await input.ReadLine();
  detent::ConnectOptions options;
  options.reset_on_close = true;
  detent::Connection client = co_await detent::Connect("127.0.0.1", listener.Port(), options);
  co_await client.WaitPeerClosed();
  const bool closed = co_await client.CloseLingering(absl::Seconds(1));
  (void)closed;
}

void Loops() {
  int on_epoll = detent::Run(One());
  detent::EpollLoop real;
  detent::sim::SimLoop simulated({.seed = 42, .strategy = detent::sim::Pct{3}});
  for (detent::EventLoop* loop : std::initializer_list<detent::EventLoop*>{&real, &simulated}) {
    auto soon = loop->CallSoon([] {});
    auto later = loop->CallLater(absl::Seconds(1), [] {});
    auto at = loop->CallAt(loop->Time() + absl::Seconds(1), [] {});
    soon.Cancel();
    later.Cancel();
    at.Cancel();
    loop->CallSoonThreadsafe([] {});
    loop->SetExceptionHandler([](const detent::ExceptionContext& context) { (void)context.message; });
    on_epoll += loop->Run(TasksAndFutures());
    loop->Run([loop]() -> Coro<> { (void)co_await loop->RunInExecutor([] { return 7; }); });
    absl::Duration since = loop->Time() - loop->Time();
    absl::Time wall = loop->WallTime();
    (void)since;
    (void)wall;
  }
  std::string line = simulated.tape().ToString();
  absl::StatusOr<detent::sim::Tape> tape = detent::sim::Tape::Parse(line);
  uint64_t fingerprint = simulated.fingerprint();
  simulated.Reset(/*seed=*/43);
  (void)tape;
  (void)(fingerprint + static_cast<uint64_t>(on_epoll));
}

Coro<> Errors() {
  static_assert(!std::is_base_of_v<std::exception, detent::CancelledError>);
  try {
    co_await detent::WaitFor(Nothing(), absl::ZeroDuration());
  } catch (const detent::CancelledError&) {
  } catch (const detent::TimeoutError&) {
  } catch (const detent::InvalidStateError&) {
  } catch (const detent::QueueEmpty&) {
  } catch (const detent::QueueFull&) {
  } catch (const detent::QueueShutDown&) {
  } catch (const detent::BrokenBarrierError&) {
  } catch (const detent::ExceptionGroup& group) {
    (void)group.Exceptions().size();
    (void)group.Find<std::system_error>();
  } catch (const detent::StatusError& error) {
    (void)error.status();
  }
}

void Exploring() {
  detent_testing::Options options;
  options.seed = 7;
  options.schedules = 1000;
  options.strategy = detent::sim::Portfolio{};
  detent_testing::Report report = detent_testing::Explore(options, [] { return Choices(); });
  if (!report.ok) (void)(report.text + report.failure + report.tape.ToString() + report.original.ToString());
  (void)report.schedules;
  options.strategy = detent::sim::RandomWalk{};
  options.strategy = detent::sim::Pos{};
  options.strategy = detent::sim::Surw{};
  options.strategy = detent::sim::RoundRobin{};
  options.strategy = detent::sim::DelayBounded{2};
  options.strategy = detent::sim::Exhaustive{};
  options.strategy = detent::sim::Fifo{};
}

class BankTest : public testing::Test {
 protected:
  int balance_ = 0;
};

SIM_TEST(ContractTest, TheBodyIsACoroutine) {
  auto watched = detent_testing::Invariant("never negative", [&] { return true; });
  auto promised = detent_testing::Eventually("finishes", [&] { return true; });
  detent_testing::Always(true, "holds here");
  detent_testing::Sometimes<"was contended">(true);
  CO_ASSERT_EQ(co_await One(), 1);
  CO_ASSERT_TRUE(true) << "with a message";
  EXPECT_EQ(co_await One(), 1);
}

SIM_TEST_F(BankTest, FixtureIsFreshForEverySchedule) {
  EXPECT_EQ(balance_++, 0);
  co_await detent::Yield();
}

LOOP_TEST(ContractTest, TheSameBodyRunsOnBothLoops) { co_await Network(); }

[[maybe_unused]] const auto keep = std::tuple(&Adopting, &Combinators, &Primitives, &Loops, &Errors, &Exploring);

}  // namespace
