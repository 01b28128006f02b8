// SPDX-License-Identifier: Apache-2.0
//
// Interruptions: what comes between two steps of a simulated loop, or instead of the next one. Internal.
//
// The loop looks where it looks for its limits, at a mark, so that without any a step costs nothing.
#ifndef DETENT_SIM_WORLD_INTERRUPTIONS_H_
#define DETENT_SIM_WORLD_INTERRUPTIONS_H_

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"

namespace detent::sim {

// Who is asked before each step.
class StepQuestion {
 public:
  virtual void BeforeStep() = 0;

 protected:
  ~StepQuestion() = default;
};

class Interruptions {
 public:
  // The loop looks once it has made so many steps as `next_mark` says.
  explicit Interruptions(uint64_t& next_mark) : next_mark_(next_mark) {}
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

  // Null for nobody.
  void AskBeforeSteps(StepQuestion* question) {
    question_ = question;
    next_mark_ = 0;
  }
  // Does `what` after the step that runs, in none of the homes of the loop. REQUIRES: its core has homes.
  void DoAfterStep(absl::AnyInvocable<void()> what) { after_step_.push_back(std::move(what)); }
  // From now on the loop looks, for as long as its core has homes.
  void LookFromNowOn() { next_mark_ = 0; }
  // The run throws `error` instead of its next step. The first of several counts.
  void EndRun(std::exception_ptr error) {
    if (end_ == nullptr) end_ = std::move(error);
    next_mark_ = 0;
  }

  // --- For the loop ---

  // Whether to look again before the next step.
  bool any() const { return question_ != nullptr || has_ended(); }
  bool has_ended() const { return end_ != nullptr; }
  void BeforeStep() {
    if (question_ != nullptr) question_->BeforeStep();
  }
  void AfterStep() {
    while (!after_step_.empty()) [[unlikely]] {
      auto all = std::exchange(after_step_, {});
      for (auto& what : all) what();
    }
  }
  void ThrowIfEnded() {
    if (has_ended()) [[unlikely]]
      std::rethrow_exception(std::exchange(end_, nullptr));
  }
  void Forget() {
    question_ = nullptr;
    after_step_.clear();
    end_ = nullptr;
  }

 private:
  uint64_t& next_mark_;
  StepQuestion* question_ = nullptr;
  std::vector<absl::AnyInvocable<void()>> after_step_;
  std::exception_ptr end_;
};

}  // namespace detent::sim

#endif  // DETENT_SIM_WORLD_INTERRUPTIONS_H_
