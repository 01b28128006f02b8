// SPDX-License-Identifier: Apache-2.0
//
// Judge: who is told that a history is impossible. The run of a schedule is one; without one GoogleTest is.
#ifndef DETENT_TESTING_HISTORY_JUDGE_H_
#define DETENT_TESTING_HISTORY_JUDGE_H_

#include <source_location>
#include <string_view>
#include <utility>

namespace detent_testing::internal {

class Judge {
 public:
  Judge(const Judge&) = delete;
  Judge& operator=(const Judge&) = delete;

  // The run fails for a reason of this kind, and ends after the step that runs.
  virtual void FailRun(std::string_view kind, std::string_view text) = 0;

 protected:
  Judge() {}
  ~Judge() = default;
};

// That of this thread, or null.
inline constinit thread_local Judge* tls_judge = nullptr;

class CurrentJudge {
 public:
  explicit CurrentJudge(Judge* judge) : outer_(std::exchange(tls_judge, judge)) {}
  CurrentJudge(const CurrentJudge&) = delete;
  CurrentJudge& operator=(const CurrentJudge&) = delete;
  ~CurrentJudge() { tls_judge = outer_; }

 private:
  Judge* const outer_;
};

// Fails the run that goes on, or else the test, at `where`.
void FailRunOrTest(std::string_view kind, std::string_view text, const std::source_location& where);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HISTORY_JUDGE_H_
