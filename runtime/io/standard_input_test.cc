// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/io/standard_input.h"

#include <memory>
#include <string>
#include <utility>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "detent/testing/test_loop.h"
#include "detent/testing/testing.h"
#include "detent/testing/text_of.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"
#include "runtime/io/standard_input_test.h"

namespace detent {
namespace {

using detent_testing::EndOf;
using detent_testing::TextOf;

// A pipe whose other end the test has.
class Typing {
 public:
  Typing() {
    if (!HasKernel()) {
      hands = sim::FeedStandardInput();
      return;
    }
    const auto [from, to] = OpenPipe();
    input_ = std::make_unique<StandardInputIs>(from);
    hands = AdoptConnection(to);
  }

  Connection hands;

 private:
  std::unique_ptr<StandardInputIs> input_;
};

LOOP_TEST(StandardInputTest, GivesWhatIsTypedUntilThatEnds) {
  Typing typing;
  Connection input = StandardInput();
  EXPECT_EQ(input.PeerAddress(), "standard input");
  Task<std::string> line = Spawn([&]() -> Coro<std::string> { co_return co_await input.ReadLine(); });
  co_await ALittleWhile();
  EXPECT_FALSE(line.Done());
  co_await typing.hands.Write("one\ntwo\nthr");
  EXPECT_EQ(co_await line, "one\n");
  EXPECT_EQ(co_await input.ReadLine(), "two\n");
  Task<> ended = Spawn([&]() -> Coro<> { co_await input.WaitPeerClosed(); });
  co_await ALittleWhile();
  EXPECT_FALSE(ended.Done());
  typing.hands.Close();
  EXPECT_EQ(co_await input.ReadLine(), "thr");
  EXPECT_EQ(co_await input.ReadLine(), "");
  co_await ended;
}

LOOP_TEST(StandardInputTest, CarriesMoreThanFitsAtOnce) {
  Typing typing;
  Connection input = StandardInput();
  const Task<> typist = Spawn([&]() -> Coro<> {
    co_await typing.hands.Write(Large());
    typing.hands.Close();
  });
  EXPECT_TRUE(co_await ReadToEnd(input) == Large());
  co_await typist;
}

LOOP_TEST(StandardInputTest, ACancelledReadTookNothing) {
  Typing typing;
  Connection input = StandardInput();
  Task<std::string> cancelled = Spawn([&]() -> Coro<std::string> { co_return co_await input.ReadLine(); });
  co_await typing.hands.Write("half a ");
  co_await ALittleWhile();
  cancelled.Cancel();
  EXPECT_TRUE((co_await Settle(cancelled)).cancelled());
  co_await typing.hands.Write("line\n");
  EXPECT_EQ(co_await input.ReadLine(), "half a line\n");
}

LOOP_TEST(StandardInputTest, IsOnlyToReadFrom) {
  const Typing typing;
  Connection input = StandardInput();
  EXPECT_EQ(co_await EndOf(input.Write("x")),
            "Connection::Write() on standard input: this end is only to read from; write to the other one");
}

LOOP_TEST(StandardInputTest, StaysInItsLoop) {
  Typing typing;
  Connection input = StandardInput();
  EXPECT_EQ(TextOf<InvalidStateError>([&] { return input.Detach(); }),
            "Connection::Detach() on standard input: it stays in the loop that opened it; hand on what it gives");
  co_await typing.hands.Write("x\n");
  EXPECT_EQ(co_await input.ReadLine(), "x\n");
}

LOOP_TEST(StandardInputTest, IsOpenOnceAtATime) {
  Typing typing;
  {
    Connection input = StandardInput();
    EXPECT_EQ(
        TextOf<InvalidStateError>([] { return StandardInput(); }),
        "StandardInput(): one is open already, and each would get some of the bytes; share it, or close it first");
    input.Close();
    input.Close();
  }
  const Connection again = StandardInput();
  co_return;
}

SIM_TEST(StandardInputTest, OnASimulatedLoopItIsEmptyUnlessItIsFed) {
  Connection input = StandardInput();
  EXPECT_EQ(co_await input.Read(1), "");
  EXPECT_EQ(TextOf<InvalidStateError>([] { return sim::FeedStandardInput(); }),
            "FeedStandardInput(): it is fed, or read, already; call it once, before StandardInput()");
}

}  // namespace
}  // namespace detent
