// SPDX-License-Identifier: Apache-2.0
//
// WaitObject, NamedObject: what tasks wait on or share, as reports, fingerprints and searches know it: by number and
// name.
#ifndef DETENT_RUNTIME_INTERNAL_WAIT_OBJECT_H_
#define DETENT_RUNTIME_INTERNAL_WAIT_OBJECT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "detent/runtime/internal/loop_core.h"

namespace detent::internal {

// The number of a thing that tasks wait on, given out anew in each run: when the thing is made, or in the order of
// first use if it was made outside the run.
class WaitObject {
 public:
  WaitObject() {}
  WaitObject(uint32_t run, uint32_t ordinal) : run_(run), ordinal_(ordinal) {}
  WaitObject(const WaitObject&) = delete;
  WaitObject& operator=(const WaitObject&) = delete;

  uint32_t Ordinal(LoopCore& core) const {
    if (run_ != core.run_number) [[unlikely]]
      NumberAtFirstUse(core);
    return ordinal_ & ~kFirstUse;
  }
  // The number that it has in this run, or 0 if it has none yet. Gives none out, so that a strategy may ask.
  uint32_t NumberIfAny(const LoopCore& core) const { return run_ != core.run_number ? 0 : ordinal_ & ~kFirstUse; }
  // The number that it got in this run; 0 if it was made outside it, since numbers of first use depend on the order of
  // steps.
  uint32_t NumberIfMadeIn(const LoopCore& core) const;

 protected:
  // Numbers the object now, if a loop runs on this thread.
  void NumberIfRunning() const;

 private:
  [[gnu::noinline, gnu::cold]] void NumberAtFirstUse(LoopCore& core) const;

  mutable uint32_t run_ = 0;
  mutable uint32_t ordinal_ = 0;  // And kFirstUse.

  static constexpr uint32_t kFirstUse = uint32_t{1} << 31;
};

// `a Lock`, `an Event`.
std::string WithArticle(std::string_view type);

// A primitive: a WaitObject that may have a name for reports.
class NamedObject : public WaitObject {
 public:
  NamedObject() { NumberIfRunning(); }
  explicit NamedObject(std::string_view name) : name_(name) { NumberIfRunning(); }

  const std::string& name() const { return name_; }
  // The loop_number of the loop in which a task first waited on it; 0 before.
  uint32_t loop() const { return loop_; }
  void set_loop(uint32_t loop) { loop_ = loop; }
  // `Lock "ledger"`, or `a Lock` without a name.
  std::string Called(std::string_view type) const;
  // `"ledger"`, or `a Lock`: where the type has been said already.
  std::string Quoted(std::string_view type) const;

 private:
  uint32_t loop_ = 0;
  std::string name_;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_WAIT_OBJECT_H_
