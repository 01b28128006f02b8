// SPDX-License-Identifier: Apache-2.0
//
// Names, NameLookUp: what a loop gives for resolve.h to stand on. The real loop asks the system on threads of its own,
// the simulated one a table.
#ifndef DETENT_RUNTIME_IO_INTERNAL_NAMES_H_
#define DETENT_RUNTIME_IO_INTERNAL_NAMES_H_

#include <cerrno>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detent/runtime/internal/awaiting.h"
#include "detent/runtime/internal/task_state.h"
#include "detent/runtime/internal/wait_list.h"
#include "detent/runtime/io/address.h"

namespace detent::internal {

// What a look-up gave: addresses, or why there are none.
class NamesFound {
 public:
  NamesFound() {}
  explicit NamesFound(std::vector<Address> its_addresses) : addresses(std::move(its_addresses)) {}
  // A resolver's errors are no errnos: its own words, and the errno that comes nearest.
  NamesFound(int its_error, std::string its_reason) : error(its_error), reason(std::move(its_reason)) {}

  int error = 0;
  std::string reason;
  std::vector<Address> addresses;  // Of port 0, in the order in which to try them.
};

// The errnos of a look-up that fails.
inline constexpr int kNameNotFound = ENXIO;
inline constexpr int kNameTemporaryFailure = EAGAIN;

// A look-up that one task waits for. Whoever drops it before it is done abandons it.
class NameLookUp {
 public:
  NameLookUp(const NameLookUp&) = delete;
  NameLookUp& operator=(const NameLookUp&) = delete;
  virtual ~NameLookUp() = default;

  const std::string& host() const { return host_; }
  bool IsDone() const { return done_; }
  // REQUIRES: IsDone(), and not taken yet.
  NamesFound Take() { return std::move(found_); }

  // The answer has come; wakes who waits. The loop's thread.
  void Finish(NamesFound found) {
    found_ = std::move(found);
    done_ = true;
    waiters_.WakeAll();
  }

 protected:
  explicit NameLookUp(std::string host) : host_(std::move(host)) {}

 private:
  friend class LookUpWait;

  const std::string host_;
  NamesFound found_;
  WaitList waiters_;
  bool done_ = false;
};

// Waits until a look-up is done.
class LookUpWait final : public ListedWait, public OwnAwaiter<LookUpWait> {
 public:
  explicit LookUpWait(NameLookUp& look_up) : look_up_(&look_up) {}

  bool Ready(TaskState&) const { return look_up_->IsDone(); }
  WaitNode* Suspend(TaskState& task) {
    Park(task);
    look_up_->waiters_.Append(this);
    return this;
  }
  Ending End(TaskState& task) {
    if (!IsParked()) return Ending::kValue;
    Abandon();
    return EndOfWait(task);
  }
  void Take() const {}
  std::exception_ptr TakeError() const { return OrphanError(); }

  void Abandon() noexcept override { WaitList::Remove(this); }
  WaitKind Kind() const override { return WaitKind::kResolve; }
  void Describe(WaitText& text) const override {
    text.verb = "Resolve";
    text.preposition = "for";
    text.object = look_up_->host();
  }

 private:
  NameLookUp* look_up_;
};

class Names {
 public:
  virtual ~Names() = default;

  // Begins to look `host` up, which is no numeric address. It may be done at once.
  virtual std::unique_ptr<NameLookUp> LookUp(std::string host) = 0;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_IO_INTERNAL_NAMES_H_
