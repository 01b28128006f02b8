// SPDX-License-Identifier: Apache-2.0
//
// RealTimeFrontier, ProgramFrontier: which operations of a history may come next, while a search puts them in order.
//
//   for (size_t op = frontier.First(); op != kNoOperation; op = frontier.Next(op)) ...
//   frontier.Take(op);       // it comes next
//   frontier.PutBack(op);    // or not: the last that was taken, first
//
// In real time an operation may come next unless another, which has not come yet, returned before it was called. By
// program it may come next if it is its client's next. Operations whose outcome is unknown need not come at all, and
// are offered last.
//
// The lists are those of Wing and Gong's search ("Testing and verifying concurrent objects", 1993).
#ifndef DETENT_TESTING_HISTORY_FRONTIER_H_
#define DETENT_TESTING_HISTORY_FRONTIER_H_

#include <cstddef>
#include <vector>

namespace detent_testing::internal {

inline constexpr size_t kNoOperation = static_cast<size_t>(-1);
inline constexpr size_t kNeverReturned = static_cast<size_t>(-1);

// An operation in time: places in the order of all calls and returns.
class Span {
 public:
  Span(int its_client, size_t its_call, size_t its_return)
      : client(its_client), called(its_call), returned(its_return) {}
  // Whether it has happened; else nobody knows.
  bool IsRequired() const { return returned != kNeverReturned; }

  int client;
  size_t called;
  size_t returned;
};

class RealTimeFrontier {
 public:
  // `spans` are in the order of their calls.
  explicit RealTimeFrontier(const std::vector<Span>& spans);

  size_t First() const { return At(next_[end_]); }
  size_t Next(size_t op) const;
  void Take(size_t op);
  void PutBack(size_t op);

 private:
  // The list of events has for each operation a call, 2 * op, and if it is required a return, 2 * op + 1. The unknown
  // ones are a list of their own, in which 2 * op stands too.
  size_t At(size_t node) const;
  size_t FirstUnknown(size_t node, size_t before) const;
  void Unlink(size_t node);
  void Relink(size_t node);

  const std::vector<Span>& spans_;
  const size_t end_;          // Of the list of events, and its beginning.
  const size_t unknown_end_;  // Of the unknown ones.
  std::vector<size_t> next_;
  std::vector<size_t> previous_;
};

class ProgramFrontier {
 public:
  explicit ProgramFrontier(const std::vector<Span>& spans);

  size_t First() const { return FromProgram(0); }
  size_t Next(size_t op) const;
  void Take(size_t op) { SetTaken(op, true); }
  void PutBack(size_t op) { SetTaken(op, false); }

 private:
  class Program {
   public:
    std::vector<size_t> ops;  // The required ones, in order.
    size_t taken = 0;
  };

  size_t FromProgram(size_t program) const;
  size_t FromUnknown(size_t place) const;
  void SetTaken(size_t op, bool taken);

  const std::vector<Span>& spans_;
  std::vector<Program> programs_;
  std::vector<size_t> program_of_;  // By operation.
  std::vector<size_t> place_;  // By operation: required ones of its program before it; an unknown one: in unknown_.
  std::vector<size_t> unknown_;
  std::vector<size_t> unknown_after_;  // For each of them, how many required ones of its program come before.
  std::vector<bool> unknown_taken_;
};

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HISTORY_FRONTIER_H_
