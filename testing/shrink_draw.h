// SPDX-License-Identifier: Apache-2.0
//
// ShrinkDraw: draws tapes that are near a failing one, and that may fail with fewer choices.
//
// Which of them helps differs from program to program, so each is drawn now and then: some of the choices and a few
// others in place of the rest; all steps after some place moved to and fro, because what is left out in front may have
// made or taken away choices of steps; the beginning, and then others; only others. One more in place of one keeps
// their number: what fails then is another place to go on from. (Passes that are tried in turn, and moves that do not
// help at once: Regehr et al., "Test-case reduction for C compiler bugs", 2012; MacIver and Donaldson, "Test-case
// reduction via test-case generation", 2020.)
//
// Internal.
#ifndef DETENT_TESTING_SHRINK_DRAW_H_
#define DETENT_TESTING_SHRINK_DRAW_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "detent/runtime/random.h"
#include "detent/testing/shrink_trials.h"

namespace detent_testing::internal {

class ShrinkDraw {
 public:
  // `calm` is what a run with the calmest choices asks. The draws are a function of the seed.
  ShrinkDraw(uint64_t seed, ChoicePoints calm) : random_(seed), calm_(std::move(calm)) {}

  // A tape of at most tape.size() choices, mostly fewer. `points` is what a run with `tape` asks. REQUIRES: 2 choices
  // or more.
  TapeEntries Next(const TapeEntries& tape, const ChoicePoints& points);

 private:
  TapeEntries OthersForSome(const TapeEntries& tape, const ChoicePoints& points);
  TapeEntries OtherForOne(const TapeEntries& tape, const ChoicePoints& points);
  TapeEntries OtherEnd(const TapeEntries& tape, const ChoicePoints& points);
  TapeEntries AllOthers(size_t size);

  void Thin(TapeEntries& tape, size_t keep);
  void MoveTail(TapeEntries& tape);
  // Adds a choice of those from `first` on, or changes the one that is there.
  void AddOne(TapeEntries& tape, const ChoicePoints& points, size_t first);

  detent::RandomGenerator random_;
  const ChoicePoints calm_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_SHRINK_DRAW_H_
