// SPDX-License-Identifier: Apache-2.0
//
// What a report says of each choice of the world: what it means, for whom and where. The names' are in names_test.cc,
// those of reads and writes of the network in network_parts_test.cc.
#include "detent/sim/world/choices.h"

#include <stdexcept>
#include <string>

#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/sim/world/disk.h"
#include "detent/testing/testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

using ::testing::ContainsRegex;

// What is said of a test that fails in some of its schedules.
template <typename F>
std::string ReportOf(F body) {
  return detent_testing::Explore({.schedules = 2000}, body).text;
}

constexpr OpenOptions kNew = {.write = true, .create = true};

void FailIf(bool failed) {
  if (failed) throw std::runtime_error("it happened");
}

bool IsLate(LoopTime begun) { return EventLoop::Current().Time() - begun > absl::Milliseconds(3); }

TEST(ChoicesTest, HowLongAnOperationOnAFileTakes) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                const LoopTime begun = EventLoop::Current().Time();
                (void)co_await Settle(StatFile("/none"));
                FailIf(IsLate(begun));
              }),
              ContainsRegex("\n> here [a-z ]+ /none takes (3.2|6.4)ms instead of no time, in task-1\n"));
}

TEST(ChoicesTest, HowManyBytesTheSystemReadsFromAFileAndWritesToIt) {
  const std::string text = ReportOf([]() -> Coro<> {
    sim::Disk& disk = sim::Disk::Current();
    File file = co_await OpenFile("/a", kNew);
    bool in_parts = false;
    disk.OnChange([&] { in_parts |= disk.Read("/a").size() < 8; });
    co_await file.Append("12345678");
    disk.OnChange(nullptr);
    FailIf(in_parts);
  });
  EXPECT_THAT(text, ContainsRegex("\n> here append to /a: a call of the system writes (4|7|1) of 8 bytes, in "));
}

TEST(ChoicesTest, HowLongTheNewsOfAnEndedProcessTakes) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                sim::AddProgram("it", [](sim::ProcessContext&) -> Coro<int> { co_return 0; });
                Process it = co_await StartProcess(Command("it"));
                const LoopTime begun = EventLoop::Current().Time();
                (void)co_await it.Wait();
                FailIf(IsLate(begun));
              }),
              ContainsRegex("\n> here the news of the end of process it takes (3.2|6.4)ms instead of no time, in "));
}

TEST(ChoicesTest, HowMuchOfWhatAPipeHasAReadGives) {
  EXPECT_THAT(ReportOf([]() -> Coro<> {
                auto [reader, writer] = Pipe();
                co_await writer.Write("12345678");
                const std::string bytes = co_await reader.Read(100);
                FailIf(bytes.size() < 8);
              }),
              ContainsRegex("\n> here a read gives (4|7|1) of the 8 bytes that have arrived[^\n]*, in task-1\n"));
}

TEST(ChoicesTest, HowLongADatagramTakes) {
  EXPECT_THAT(
      ReportOf([]() -> Coro<> {
        DatagramSocket server = co_await OpenDatagram({.local_host = "server", .local_port = 53});
        DatagramSocket client = co_await OpenDatagram({.remote_host = "server", .remote_port = 53});
        const LoopTime begun = EventLoop::Current().Time();
        co_await client.Send("a");
        (void)co_await server.Receive();
        FailIf(IsLate(begun));
      }),
      ContainsRegex("\n> here the datagram from [^ ]+ to [^ ]+ takes (3.2|6.4)ms instead of 50us, in task-1\n"));
}

TEST(ChoicesTest, OrdinalsAreEnglish) {
  const std::pair<uint64_t, std::string> ordinals[] = {{1, "1st"},   {2, "2nd"},   {3, "3rd"},     {4, "4th"},
                                                       {10, "10th"}, {11, "11th"}, {12, "12th"},   {13, "13th"},
                                                       {21, "21st"}, {22, "22nd"}, {101, "101st"}, {111, "111th"}};
  for (const auto& [number, text] : ordinals) EXPECT_EQ(sim::Ordinal(number), text);
}

}  // namespace
}  // namespace detent
