// SPDX-License-Identifier: Apache-2.0
//
// The demo: tests a ticket office that has a race on the simulated loop, replays the schedule that shows it,
// tests the office that has a lock, and serves real customers with that on the real loop. Exits with 0 only
// if all of it went as it tells.
//
//   demo                 all of this
//   demo d2:...          only the racy office's schedule that this tape records
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "detent/examples/ticket_office_suite.h"
#include "detent/examples/transcript.h"
#include "detent/runtime/runtime.h"
#include "detent/sim/sim.h"
#include "detent/testing/explore.h"

namespace detent_examples {
namespace {

using detent::Coro;
using detent::Gather;
using detent::Server;
using detent::sim::Tape;
using detent_testing::Explore;
using detent_testing::Options;
using detent_testing::Report;

constexpr uint64_t kSeed = 2024;
constexpr uint64_t kSchedules = 1000;
constexpr const OfficeTest& kRacyTest = kOfficeTests[1];
static_assert(kRacyTest.body == TheLastTicketIsSoldOnce);

bool all_went_well = true;

void Expect(bool condition, const char* what) {
  if (condition) return;
  std::printf("   THIS SHOULD NOT HAVE HAPPENED: %s\n", what);
  all_went_well = false;
}

// What went wrong, in the test's own words.
std::string Reason(const Report& report) { return std::string(absl::StripPrefix(report.failure, "the body threw: ")); }

Report RunTest(const OfficeTest& test, Selling selling, uint64_t schedules) {
  Options options;
  options.seed = kSeed;
  options.schedules = schedules;
  return Explore(options, [&] { return test.body(selling); });
}

// Runs the schedule on `tape`, and prints what the customers say and hear in it.
Report Replay(const Tape& tape) {
  Options options;
  options.replay = &tape;
  Recorder recorder;
  const Report report = Explore(options, [] { return kRacyTest.body(Selling::kRacy); });
  const Transcript dialogue = recorder.Take();
  for (const std::string& line : dialogue.lines()) std::printf("     %s\n", line.c_str());
  std::printf("     -> %s\n", report.ok ? "passed" : Reason(report).c_str());
  return report;
}

Report TestTheRacyOffice() {
  std::printf("1. The racy office's tests, on the simulated loop: seed %" PRIu64 ", at most %" PRIu64
              " schedules each.\n",
              kSeed, kSchedules);
  Report found;
  for (const OfficeTest& test : kOfficeTests) {
    const Report report = RunTest(test, Selling::kRacy, kSchedules);
    if (report.ok) {
      std::printf("   %-28s passed %" PRIu64 " schedules\n", test.name, report.schedules);
    } else {
      std::printf("   %-28s FAILED in schedule %" PRIu64 ": %s\n", test.name, report.schedules, Reason(report).c_str());
    }
    if (&test == &kRacyTest) found = report;
  }
  Expect(!found.ok, "the race was not found");
  Expect(RunTest(kRacyTest, Selling::kRacy, 1).ok, "the first schedule shows the race");
  std::printf("   (Schedule 1, the real loop's order, passed: an ordinary test sees nothing.)\n\n");
  return found;
}

void ReplayTheRace(const Report& found, const char* program) {
  std::printf("2. That schedule of %s again, from its tape:\n   %s %s\n", kRacyTest.name, program,
              found.tape.ToString().c_str());
  const Report again = Replay(found.tape);
  const bool same = again.failure == found.failure && again.tape.fingerprint() == found.tape.fingerprint();
  Expect(!again.ok && same, "the replay went another way");
  if (!same) return;
  std::printf("   The same failure after the same steps (fingerprint %016" PRIx64 ").\n\n", again.tape.fingerprint());
}

void TestTheFixedOffice() {
  std::printf("3. The fixed office, which charges one card at a time: the same tests, seed and schedules.\n");
  for (const OfficeTest& test : kOfficeTests) {
    const Report report = RunTest(test, Selling::kOneAtATime, kSchedules);
    std::printf("   %-28s %s %" PRIu64 " schedules\n", test.name, report.ok ? "passed" : "FAILED after",
                report.schedules);
    Expect(report.ok, report.failure.c_str());
  }
  std::printf("\n");
}

Coro<std::string> BuyOne(int port, int i) {
  const std::string name = "customer-" + std::to_string(i);
  Customer customer = co_await Customer::Visit(port, name);
  co_await customer.Ask("LEFT");
  co_return co_await customer.Ask("BUY " + name + " 1");
}

Coro<> ServeRealCustomers() {
  constexpr int kTickets = 70;
  constexpr int kCustomers = 100;
  TicketOffice office(kTickets, Selling::kOneAtATime);
  Server server = co_await office.Open("127.0.0.1", 0);
  std::printf("4. The fixed office on the real loop: %d tickets at %s, and %d customers at once, over TCP.\n", kTickets,
              server.Address().c_str(), kCustomers);

  const absl::Time start = absl::Now();
  std::vector<Coro<std::string>> customers;
  for (int i = 0; i < kCustomers; ++i) customers.push_back(BuyOne(server.Port(), i));
  const std::vector<std::string> answers = co_await Gather(std::move(customers));
  int sold = 0, sorry = 0;
  for (const std::string& answer : answers) {
    sold += answer == "SOLD 1";
    sorry += answer == "SORRY 0";
  }
  std::printf("   %d bought a ticket, %d were told that none is left, in %s.\n", sold, sorry,
              absl::FormatDuration(absl::Trunc(absl::Now() - start, absl::Milliseconds(1))).c_str());
  Expect(sold == kTickets && office.sold() == kTickets && office.left() == 0, "not every ticket was sold once");
  Expect(sold + sorry == kCustomers, "a customer was not served");

  server.Close();
  server.AbortClients();
  co_await server.WaitClosed();
  std::printf("   The office has closed.\n\n");
}

int ReplayOnly(const char* line) {
  const absl::StatusOr<Tape> tape = Tape::Parse(line);
  if (!tape.ok()) {
    std::fprintf(stderr, "%s\n", std::string(tape.status().message()).c_str());
    return 2;
  }
  std::printf("%s, as the tape has it:\n", kRacyTest.name);
  return Replay(*tape).ok ? 0 : 1;
}

int Demo(const char* program) {
  std::printf(
      "A ticket office sells tickets over TCP. For each sale it looks how many are left, charges a card,\n"
      "and then takes the tickets away. While it waits for the card it serves others: that is a race.\n\n");
  const Report found = TestTheRacyOffice();
  ReplayTheRace(found, program);
  TestTheFixedOffice();
  try {
    detent::Run([]() -> Coro<> { co_await detent::WaitFor(ServeRealCustomers(), absl::Seconds(20)); });
  } catch (const std::exception& error) {
    Expect(false, error.what());
  }
  std::printf(all_went_well ? "All went as it should.\n" : "Something went wrong, see above.\n");
  return all_went_well ? 0 : 1;
}

}  // namespace
}  // namespace detent_examples

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // Line by line, also into a file.
  return argc > 1 ? detent_examples::ReplayOnly(argv[1]) : detent_examples::Demo(argv[0]);
}
