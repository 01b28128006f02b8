// SPDX-License-Identifier: Apache-2.0
//
// A program's own descriptors: AddReader() and the like, WaitReadable(), on the real loop, and that a simulated one has
// none.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "detent/runtime/core.h"
#include "detent/runtime/epoll/epoll_loop.h"
#include "detent/sim/sim.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two connected descriptors, which do not block.
class Ends {
 public:
  Ends() {
    std::array<int, 2> ends;
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours = ends[0];
    theirs = ends[1];
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  ~Ends() {
    CloseOurs();
    close(theirs);
  }

  void Send(std::string_view bytes) const {
    EXPECT_EQ(write(theirs, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // The next byte of ours; empty if there is none.
  std::string Take() const {
    char byte;
    return read(ours, &byte, 1) == 1 ? std::string(1, byte) : std::string();
  }
  void Fill() const {
    const std::string much(1 << 20, 'x');
    while (write(ours, much.data(), much.size()) > 0) continue;
  }
  void CloseOurs() { close(ours); }

  int ours;
  int theirs;
};

class DescriptorsTest : public ::testing::Test {
 protected:
  DescriptorsTest() {
    loop_.SetExceptionHandler([this](const ExceptionContext& context) { log_.push_back(context.ToString()); });
  }
  void Note(std::string what) { log_.push_back(std::move(what)); }
  void RunOnce(int times = 1) {
    for (int i = 0; i < times; ++i) loop_.RunOnce();
  }

  EpollLoop loop_;
  std::vector<std::string> log_;
};

template <typename Error>
std::string TextOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST_F(DescriptorsTest, AReaderIsCalledWhileThereIsSomethingLeft) {
  const Ends ends;
  loop_.AddReader(ends.ours, [&] { Note(ends.Take()); });
  RunOnce(2);
  EXPECT_THAT(log_, ElementsAre());
  ends.Send("abc");
  RunOnce(5);
  EXPECT_THAT(log_, ElementsAre("a", "b", "c"));
}

// loop-26
TEST_F(DescriptorsTest, ASecondReaderTakesThePlaceOfTheFirst) {
  const Ends ends;
  ends.Send("a");
  auto token = std::make_shared<int>();
  loop_.AddReader(ends.ours, [&, token] { Note("first"); });
  EXPECT_EQ(token.use_count(), 2);
  loop_.AddReader(ends.ours, [&] { Note("second"); });
  EXPECT_EQ(token.use_count(), 1);
  RunOnce();
  EXPECT_THAT(log_, ElementsAre("second"));
}

// loop-27
TEST_F(DescriptorsTest, RemovingTheReaderLeavesTheWriter) {
  const Ends ends;
  ends.Send("a");
  loop_.AddReader(ends.ours, [&] { Note("reader"); });
  loop_.AddWriter(ends.ours, [&] { Note("writer"); });
  EXPECT_TRUE(loop_.RemoveReader(ends.ours));
  EXPECT_FALSE(loop_.RemoveReader(ends.ours));
  RunOnce();
  EXPECT_THAT(log_, ElementsAre("writer"));
  EXPECT_TRUE(loop_.RemoveWriter(ends.ours));
  EXPECT_FALSE(loop_.RemoveWriter(ends.ours));
  RunOnce();
  EXPECT_THAT(log_, ElementsAre("writer"));
}

// loop-28: both are ready in the same iteration; the first to run takes the other back.
TEST_F(DescriptorsTest, AReaderThatIsRemovedWhileItIsReadyDoesNotRun) {
  const Ends one, two;
  const auto only_one = [&](const Ends& own, const Ends& other) {
    loop_.AddReader(own.ours, [&] {
      Note("one of them");
      EXPECT_TRUE(loop_.RemoveReader(other.ours));
      EXPECT_TRUE(loop_.RemoveReader(own.ours));
    });
  };
  only_one(one, two);
  only_one(two, one);
  one.Send("a");
  two.Send("a");
  RunOnce(3);
  EXPECT_THAT(log_, ElementsAre("one of them"));
}

// loop-29
TEST_F(DescriptorsTest, TheReaderGoesBeforeTheWriter) {
  const Ends ends;
  loop_.AddWriter(ends.ours, [&] { Note("writer"); });
  loop_.AddReader(ends.ours, [&] { Note("reader"); });
  ends.Send("a");
  RunOnce();
  EXPECT_THAT(log_, ElementsAre("reader", "writer"));
}

TEST_F(DescriptorsTest, AddingTheWriterLeavesTheReader) {
  const Ends ends;
  loop_.AddReader(ends.ours, [&] { Note("reader"); });
  loop_.AddWriter(ends.ours, [&] { Note("writer"); });
  ends.Send("a");
  RunOnce();
  EXPECT_THAT(log_, ElementsAre("reader", "writer"));
}

TEST_F(DescriptorsTest, AllWhoWaitAreTold) {
  const Ends ends;
  loop_.Run([&]() -> Coro<> {
    const auto wait = [&]() -> Coro<> { co_await WaitReadable(ends.ours); };
    Task<> first = Spawn(wait);
    Task<> second = Spawn(wait);
    co_await Yield();
    ends.Send("a");
    co_await first;
    co_await second;
  });
}

// loop-31
TEST_F(DescriptorsTest, ADescriptorOfAListenerIsRefused) {
  loop_.Run([&]() -> Coro<> {
    const int next = dup(0);  // The number that the next descriptor gets.
    close(next);
    Listener listener = co_await Listen("127.0.0.1", 0);
    EXPECT_EQ(TextOf<InvalidStateError>([&] { loop_.AddReader(next, [] {}); }),
              absl::StrCat("AddReader(): descriptor ", next,
                           " is watched by a Connection or a Listener of this loop already; read and write through "
                           "that"));
    EXPECT_FALSE(loop_.RemoveReader(next));
    Task<Connection> dial =
        Spawn([&]() -> Coro<Connection> { co_return co_await Connect("127.0.0.1", listener.Port()); });
    EXPECT_TRUE(co_await WaitFor(listener.Accept(), absl::Seconds(10)));
    (void)co_await dial;
  });
}

TEST_F(DescriptorsTest, WhatCannotBeWatchedIsRefusedWithTheReason) {
  const int file = open("/proc/self/exe", O_RDONLY);
  EXPECT_EQ(TextOf<std::system_error>([&] { loop_.AddReader(file, [] {}); }),
            absl::StrCat("AddReader(): descriptor ", file,
                         " is a regular file or a directory, which is always ready: read it at once, or in "
                         "RunInExecutor() if that may take long: Operation not permitted"));
  close(file);
  EXPECT_EQ(TextOf<std::system_error>([&] { loop_.AddWriter(file, [] {}); }),
            absl::StrCat("AddWriter(): descriptor ", file, " cannot be watched: Bad file descriptor"));
  EXPECT_EQ(TextOf<std::invalid_argument>([&] { loop_.AddReader(-1, [] {}); }), "AddReader(): -1 is no descriptor");
  EXPECT_FALSE(loop_.RemoveReader(file));
}

TEST_F(DescriptorsTest, AReaderThatThrowsIsReportedAndStays) {
  const Ends ends;
  ends.Send("ab");
  loop_.AddReader(ends.ours, [&] { throw std::runtime_error(ends.Take()); });
  RunOnce(2);
  EXPECT_THAT(log_, ElementsAre("a callback threw: a", "a callback threw: b"));
}

TEST_F(DescriptorsTest, AReaderMayRemoveItself) {
  const Ends ends;
  ends.Send("ab");
  auto token = std::make_shared<int>();
  loop_.AddReader(ends.ours, [&, token] {
    EXPECT_TRUE(loop_.RemoveReader(ends.ours));
    Note(absl::StrCat("still there: ", token.use_count()));
  });
  RunOnce(2);
  EXPECT_THAT(log_, ElementsAre("still there: 2"));
  EXPECT_EQ(token.use_count(), 1);
}

// A library may close its descriptor before it says so, and the number may be another's by then.
TEST_F(DescriptorsTest, ANumberThatIsUsedAgainIsWatchedAgain) {
  Ends first;
  loop_.AddReader(first.ours, [&] { Note("first"); });
  const int number = first.ours;
  first.CloseOurs();
  const Ends second;
  ASSERT_EQ(second.ours, number);
  first.ours = -1;
  loop_.AddReader(number, [&] { Note(second.Take()); });
  second.Send("a");
  RunOnce(2);
  EXPECT_THAT(log_, ElementsAre("a"));
}

TEST_F(DescriptorsTest, ANumberThatIsAListenersNowIsNotTakenFromIt) {
  Ends ends;
  loop_.AddReader(ends.ours, [&] { Note("it"); });
  loop_.Run([&]() -> Coro<> {
    const int number = ends.ours;
    ends.CloseOurs();
    Listener listener = co_await Listen("127.0.0.1", 0);
    ends.ours = -1;
    EXPECT_TRUE(loop_.RemoveReader(number));
    Task<Connection> dial =
        Spawn([&]() -> Coro<Connection> { co_return co_await Connect("127.0.0.1", listener.Port()); });
    EXPECT_TRUE(co_await WaitFor(listener.Accept(), absl::Seconds(10)));
    (void)co_await dial;
  });
}

TEST_F(DescriptorsTest, ATaskWaitsUntilItCanRead) {
  const Ends ends;
  loop_.Run([&]() -> Coro<> {
    loop_.CallSoon([&] { ends.Send("ab"); });
    co_await WaitReadable(ends.ours);
    EXPECT_EQ(ends.Take(), "a");
    co_await WaitReadable(ends.ours);
    EXPECT_EQ(ends.Take(), "b");
  });
}

TEST_F(DescriptorsTest, ATaskWaitsUntilItCanWrite) {
  const Ends ends;
  ends.Fill();
  loop_.Run([&]() -> Coro<> {
    Task<> writer = Spawn([&]() -> Coro<> { co_await WaitWritable(ends.ours); });
    for (int i = 0; i < 3; ++i) co_await Yield();
    EXPECT_FALSE(writer.Done());
    char bytes[1 << 16];
    while (read(ends.theirs, bytes, sizeof(bytes)) > 0) continue;
    co_await writer;
  });
}

TEST_F(DescriptorsTest, TheEndOfTheStreamIsReadableAndWritable) {
  Ends ends;
  loop_.Run([&]() -> Coro<> {
    Task<> reader = Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); });
    Task<> writer = Spawn([&]() -> Coro<> { co_await WaitWritable(ends.ours); });
    shutdown(ends.theirs, SHUT_RDWR);
    co_await Gather(std::move(reader), std::move(writer));
  });
}

TEST_F(DescriptorsTest, ACancelledWaitWatchesNothingAndTakesNothing) {
  const Ends ends;
  loop_.Run([&]() -> Coro<> {
    loop_.AddWriter(ends.ours, [&] {
      Note("writer");
      loop_.RemoveWriter(ends.ours);
    });
    Task<> cancelled = Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); });
    Task<> other = Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); });
    co_await Yield();
    cancelled.Cancel();
    EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
    ends.Send("a");
    co_await other;
    EXPECT_EQ(ends.Take(), "a");
  });
  EXPECT_THAT(log_, ElementsAre("writer"));
}

// Whether the loop's epoll has it. A level that stays would make an idle loop spin.
bool IsWatched(const EpollLoop& loop, int fd) {
  std::ifstream lines(absl::StrCat("/proc/self/fdinfo/", loop.Fd()));
  std::string word;
  while (lines >> word) {
    int watched = -1;
    if (word == "tfd:" && lines >> watched && watched == fd) return true;
  }
  return false;
}

TEST_F(DescriptorsTest, WhatNobodyWaitsForAnyMoreIsNotWatched) {
  const Ends ends;
  loop_.Run([&]() -> Coro<> {
    Task<> reads = Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); });
    co_await Yield();
    EXPECT_TRUE(IsWatched(loop_, ends.ours));
    reads.Cancel();
    EXPECT_TRUE((co_await Settle(reads)).cancelled());
    EXPECT_FALSE(IsWatched(loop_, ends.ours));
    co_await WaitWritable(ends.ours);
    EXPECT_FALSE(IsWatched(loop_, ends.ours));
  });
}

TEST_F(DescriptorsTest, AWaitThatTheKernelRefusesThrows) {
  loop_.Run([]() -> Coro<> {
    std::string text;
    try {
      co_await WaitReadable(9999);
    } catch (const std::system_error& e) {
      text = e.what();
    }
    EXPECT_EQ(text, "WaitReadable(): descriptor 9999 cannot be watched: Bad file descriptor");
  });
}

TEST_F(DescriptorsTest, ATaskThatWaitsSaysForWhat) {
  const Ends ends;
  loop_.Run([&]() -> Coro<> {
    Task<> waits = Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); }, {.name = "waits"});
    co_await Yield();
    EXPECT_THAT(DescribeTasks(), HasSubstr(absl::StrCat("task \"waits\"  WaitReadable on descriptor ", ends.ours)));
    waits.Cancel();
    (void)co_await Settle(waits);
  });
}

// What is left at the end of the loop goes with it.
TEST(DescriptorsAtTheEndTest, WhoWaitsAndWhoIsReadyGoesWithTheLoop) {
  const Ends ends;
  auto token = std::make_shared<int>();
  {
    EpollLoop loop;
    loop.SetExceptionHandler([](const ExceptionContext&) {});
    loop.AddReader(ends.ours, [token] {});
    Task<> waits = loop.Spawn([&]() -> Coro<> { co_await WaitReadable(ends.ours); });
    loop.RunOnce();
    ends.Send("a");
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(DescriptorsOnASimLoopTest, AreRefusedWithTheReason) {
  sim::SimLoop loop;
  const std::string text = TextOf<InvalidStateError>([&] { loop.AddReader(0, [] {}); });
  EXPECT_EQ(
      text,
      "AddReader(), WaitReadable() and the like on a SimLoop: a descriptor belongs to the kernel, and what it does "
      "cannot be replayed; use a Connection, or test this part on an EpollLoop");
  loop.Run([&]() -> Coro<> {
    EXPECT_EQ(TextOf<InvalidStateError>([&] { (void)WaitReadable(0); }), text);
    co_return;
  });
}

}  // namespace
}  // namespace detent
