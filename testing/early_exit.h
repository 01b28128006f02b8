// SPDX-License-Identifier: Apache-2.0
//
// EarlyExit: while one exists, a program that calls exit() or quick_exit() says in whose middle, and ends with 1 where
// it would have ended as if all had passed. For what runs on the real loop; crash_report.h does it for a schedule.
// (_exit() runs no handler: see docs/testing.md.)
//
// Internal.
#ifndef DETENT_TESTING_EARLY_EXIT_H_
#define DETENT_TESTING_EARLY_EXIT_H_

#include <string>

namespace detent_testing::internal {

class EarlyExit {
 public:
  // `text` is what is printed to standard error.
  explicit EarlyExit(std::string text);
  ~EarlyExit();
  EarlyExit(const EarlyExit&) = delete;
  EarlyExit& operator=(const EarlyExit&) = delete;

  const std::string& text() const { return text_; }

 private:
  const std::string text_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_EARLY_EXIT_H_
