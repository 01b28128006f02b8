// SPDX-License-Identifier: Apache-2.0
//
// Reading what is larger than any buffer.
#include <cstddef>
#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/testing/testing.h"
#include "gtest/gtest.h"
#include "runtime/io/connection_test.h"

namespace detent {
namespace {

constexpr size_t kChunk = 64 * 1024;

std::string Digits(size_t size) {
  std::string digits(size, '0');
  for (size_t i = 0; i < size; ++i) digits[i] = static_cast<char>('0' + i % 10);
  return digits;
}

// The result's storage is the one in which the bytes were gathered, and that was not made by doubling.
LOOP_TEST(ReadLargeTest, ReadExactlyGathersInAsMuchMemoryAsItGives) {
  Pair pair = co_await Connected();
  const std::string head = "head", body = Digits(2'100'000), tail = Digits(10'000);
  const std::string all = head + body + tail;
  const Task<> writer = Spawn([&]() -> Coro<> {
    co_await pair.client.Write(all);
    pair.client.CloseWrite();
  });
  EXPECT_EQ(co_await pair.server.ReadExactly(head.size()), head);
  const std::string got = co_await pair.server.ReadExactly(body.size());
  EXPECT_TRUE(got == body);
  EXPECT_LE(got.capacity(), body.size() + kChunk);
  EXPECT_TRUE(co_await ReadToEnd(pair.server) == tail);
  co_await writer;
}

// Who only names a number gets no memory for it.
LOOP_TEST(ReadLargeTest, ALargeNumberAloneTakesNoMemory) {
  Pair pair = co_await Connected();
  co_await pair.client.Write("little");
  pair.client.CloseWrite();
  try {
    co_await pair.server.ReadExactly(size_t{1} << 60);
    ADD_FAILURE() << "it ended";
  } catch (const IncompleteReadError& e) {
    EXPECT_EQ(e.partial(), "little");
  }
}

// As many as the system queues: none has to wait for an Accept().
LOOP_TEST(ListenTest, ByDefaultHundredsMayWaitToBeAccepted) {
  Listener listener = co_await Listen("127.0.0.1", 0);
  std::vector<Connection> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(co_await Connect("127.0.0.1", listener.Port()));
  for (int i = 0; i < 300; ++i) co_await listener.Accept();
}

}  // namespace
}  // namespace detent
