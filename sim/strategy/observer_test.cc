// SPDX-License-Identifier: Apache-2.0
#include "detent/sim/strategy/observer.h"

#include <string>
#include <vector>

#include "detent/runtime/core.h"
#include "detent/sim/sim.h"
#include "gtest/gtest.h"

namespace detent {
namespace {

class Log final : public sim::RunObserver {
 public:
  void OnChoice(const sim::ChoicePoint& point, uint32_t choice) override {
    lines.push_back("choice " + std::to_string(choice) + " of " + std::to_string(point.n()));
  }
  void OnStep(const sim::Candidate& step, uint64_t number) override {
    std::string line = "step " + std::to_string(number) + " lane " + std::to_string(step.lane().number());
    if (step.IsFirst()) line += " first";
    if (step.Yielded()) line += " yielded";
    const sim::Footprint footprint = step.footprint();
    for (size_t i = 0; i < footprint.size(); ++i) {
      line += footprint.mode() == sim::AccessMode::kRead ? " reads" : " writes";
    }
    lines.push_back(line);
  }
  void AfterStep() override { lines.push_back("end"); }

  std::vector<std::string> lines;
};

Coro<> Reads(Shared<int>& x) {
  co_await Yield();
  (void)co_await x.Load();
}

TEST(ObserverTest, SeesChoicesAndSteps) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  Log log;
  loop.SetObserver(&log);
  loop.Run([]() -> Coro<> {
    Shared<int> x(1);
    Task<> reader = Spawn(Reads(x));
    co_await x.Store(2);
    co_await reader;
  });
  EXPECT_EQ(log.lines, (std::vector<std::string>{
                           "step 1 lane 2 first", "end",                    //
                           "choice 0 of 2", "step 2 lane 4 first", "end",   // the reader was made ready first
                           "choice 0 of 2", "step 3 lane 2 writes", "end",  //
                           "step 4 lane 4 yielded", "end",                  //
                           "step 5 lane 4 reads", "end",                    //
                           "step 6 lane 2 writes", "end",                   // woken by the task that it awaits
                           "step 7 lane 1", "end",                          // Run() learns that it has ended
                       }));
}

TEST(ObserverTest, AProfileCountsStepsAndAccesses) {
  sim::SimLoop loop({.strategy = sim::Fifo()});
  sim::RunProfile profile;
  loop.SetObserver(&profile);
  loop.Run([]() -> Coro<> {
    Shared<int> x(1);
    co_await Gather(Reads(x), Reads(x));
  });
  EXPECT_EQ(profile.steps_of_lane().at(sim::Lane::OfTask(2)), 3);
  EXPECT_EQ(profile.steps_of_lane().at(sim::Lane::OfTask(3)), 3);
  uint64_t accesses = 0;
  for (const auto& [where, count] : profile.accesses()) accesses += where.first == sim::Lane::OfTask(2) ? count : 0;
  EXPECT_EQ(accesses, 1);
}

// A busy loop, and a timer that would fire a second after its end.
Coro<> WorkWithTimeout(bool& timed_out) {
  const CallbackHandle timer = EventLoop::Current().CallLater(absl::Seconds(1), [&timed_out] { timed_out = true; });
  for (int i = 0; i < 100 && !timed_out; ++i) co_await Yield();
}

TEST(SlipTest, TimeMaySlipPastABusyLoop) {
  for (const bool may_slip : {false, true}) {
    sim::Options options;
    options.seed = 7;
    options.slip_max = may_slip ? absl::Seconds(1) : absl::Milliseconds(999);
    sim::SimLoop loop(options);
    bool timed_out = false;
    loop.Run([&] { return WorkWithTimeout(timed_out); });
    EXPECT_EQ(timed_out, may_slip);
    if (!may_slip) continue;

    // It is on the tape, and the tape knows how far time may slip.
    const sim::Tape tape = *sim::Tape::Parse(loop.tape().ToString());
    EXPECT_EQ(tape.limits().slip_max, absl::Seconds(1));
    options.strategy = sim::Replay(tape);
    sim::SimLoop again(options);
    timed_out = false;
    again.Run([&] { return WorkWithTimeout(timed_out); });
    EXPECT_TRUE(timed_out);
    EXPECT_EQ(again.fingerprint(), loop.fingerprint());
  }
}

TEST(SlipTest, FifoNeverSlips) {
  sim::Options options;
  options.strategy = sim::Fifo();
  options.slip_max = absl::InfiniteDuration();
  sim::SimLoop loop(options);
  bool timed_out = false;
  loop.Run([&] { return WorkWithTimeout(timed_out); });
  EXPECT_FALSE(timed_out);
}

}  // namespace
}  // namespace detent
