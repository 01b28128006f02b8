// SPDX-License-Identifier: Apache-2.0
//
// Verdict: whether some order explains a history.
#ifndef DETENT_TESTING_HISTORY_VERDICT_H_
#define DETENT_TESTING_HISTORY_VERDICT_H_

#include <string>
#include <utility>

namespace detent_testing {

class Verdict {
 public:
  static Verdict Explained() { return Verdict(Kind::kExplained, ""); }
  static Verdict Impossible(std::string text) { return Verdict(Kind::kImpossible, std::move(text)); }
  static Verdict Undecided(std::string text) { return Verdict(Kind::kUndecided, std::move(text)); }

  // Some order does. Neither is true of a history that took more to decide than it may.
  bool ok() const { return kind_ == Kind::kExplained; }
  bool IsImpossible() const { return kind_ == Kind::kImpossible; }
  // For a person; empty if it is ok().
  const std::string& text() const { return text_; }

 private:
  enum class Kind { kExplained, kImpossible, kUndecided };

  Verdict(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}

  Kind kind_;
  std::string text_;
};

}  // namespace detent_testing

#endif  // DETENT_TESTING_HISTORY_VERDICT_H_
